"""The courier's side of the store: which delivery is due, and what became of it.

1. A claim is written before a message is sent, an outcome after it: a delivery may be sent twice, it can't be lost.
2. Claims are oldest first within a channel, at most as many as it has places, and keep the order of `order`.
3. A delivery that failed waits 1 s, doubled at each failure up to 10 minutes, times 0.5 to 1.5 at random, and at least
   as long as its receiver asked for (up to a day); once it is older than `give_up_after`, a failure is its last.
4. What is given up is noted for the listener to raise; not if a failure was its own cause, or one would lead to the
   next.
5. supervisord is shut down after all that was to be said before or at the same moment has been tried, or after 30 s.
6. A transaction here is short, and there is none where nothing is to be written: the listener has the right of way.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from rules_listener.outbox.alert import SUPERVISOR_CHANNEL
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.outbox.database import Database, Execute, Row
from rules_listener.outbox.order import heal, reorder
from rules_listener.outbox.trim import Limits, trim

GIVE_UP_AFTER_S = 24 * 3600.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 600.0
LONGEST_ASKED_WAIT_S = 24 * 3600.0
SHUTDOWN_WAITS_S = 30.0
MAX_REASON_CHARACTERS = 1000

_AT_ONCE = 200
"""How many deliveries of a channel that is gone are given up in one transaction."""

_LAST_WAIT = "the courier ended while it was sending"
_CAUSED_BY_FAILURE = "LISTENER_DELIVERY_FAILED"

_DUE_CHANNELS = (
    "WITH RECURSIVE due_channels (channel) AS ("
    "SELECT min(channel) FROM deliveries WHERE state = 'waiting' AND due IS NOT NULL UNION ALL"
    " SELECT (SELECT min(channel) FROM deliveries WHERE state = 'waiting' AND due IS NOT NULL"
    " AND channel > due_channels.channel) FROM due_channels WHERE channel IS NOT NULL)"
    " SELECT channel, (SELECT min(due) FROM deliveries WHERE channel = due_channels.channel"
    " AND state = 'waiting' AND due IS NOT NULL) FROM due_channels WHERE channel IS NOT NULL"
)
"""Each channel that has something due, and when first: one step in the index for each."""

_DUE = (
    "SELECT d.n, d.id, d.channel, d.text, a.rule, d.key, a.kind, a.severity, a.time, a.event, d.arguments, d.attempts"
    " FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.channel = ? AND d.state = 'waiting' AND d.due IS NOT NULL AND d.due <= ? ORDER BY d.due, d.n LIMIT ?"
)

_UNTRIED = (
    "SELECT 1 FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.state IN ('waiting', 'sending') AND (d.attempts = 0 OR d.attempts = 1 AND d.state = 'sending')"
    " AND a.time <= ? AND a.kind <> 'shutdown' LIMIT 1"
)

_MARK_SENDING = (
    "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, due = NULL, changed = ?"
    " WHERE n = ? AND state = 'waiting' AND due IS NOT NULL"
)

_SENDING = (
    "SELECT d.n, d.channel, d.key, d.attempts, d.since, a.event FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.state IN ('waiting', 'sending') AND d.state = 'sending'"
)

_SENDING_NOW = _SENDING + " AND d.n = ?"

_ABANDONED = (
    "SELECT d.n, d.channel, d.key, d.attempts, d.since, a.event FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.channel = ? AND d.state IN ('waiting', 'sending') AND d.state = 'waiting' ORDER BY d.n LIMIT ?"
)

_RETRY = "UPDATE deliveries SET state = 'waiting', due = ?, reason = ?, changed = ? WHERE n = ?"
_SETTLE = "UPDATE deliveries SET state = ?, due = NULL, reason = ?, changed = ? WHERE n = ?"
_NOTE_FAILURE = "INSERT INTO failures (channel, reason, attempts) VALUES (?, ?, ?)"


class Claimed(NamedTuple):
    """A delivery that is to be sent now, and its number in the store."""

    n: int
    message: Message


class _Open(NamedTuple):
    """What has to be known of a delivery to settle it."""

    n: int
    channel: str
    key: str
    attempts: int
    since: float
    event: str


def wait_after(attempts: int, random: Random) -> float:
    """How long to wait, in seconds, after the failure of try number `attempts` (from 1)."""
    wait: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempts - 1, 30))
    return wait * random.uniform(0.5, 1.5)


class Queue:
    """What waits in the store.

    `give_up_after_s` is by channel, 24 hours where it says nothing. `given_up` counts what was given up so far,
    for whoever has to tell the listener (one too many after a `StoreError`). Every method raises `StoreError` if the
    file can't be read or written; nothing has then changed, and it may be called again.
    """

    def __init__(
        self, database: Database, *, random: Random, give_up_after_s: Mapping[str, float] | None = None
    ) -> None:
        self._database = database
        self._random = random
        self._give_up_after_s = give_up_after_s or {}
        self.given_up = 0

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._database.close()

    def recover(self, now: float) -> None:
        """At the start of a courier: let deliveries that its predecessor was sending wait again.

        The first try is due at once, a later one after its wait: what kills the courier is not tried in a circle.
        """
        with self._database as execute:
            for delivery in [_Open(*row) for row in execute(_SENDING)]:
                self._recover(execute, delivery, now)
            heal(execute, now)

    def claim(self, now: float, free: Mapping[str, int]) -> list[Claimed]:
        """Mark what is due as being sent, and return it.

        `free` says for each configured channel how many messages it can take; what waits for any other is given up.
        """
        due: list[Row] = []
        gone: list[str] = []
        for channel, first in self._due_channels():
            if channel not in free:
                gone.append(channel)
            elif free[channel] > 0 and first <= now:
                due += self._database.rows(_DUE, (channel, now, free[channel]))
        due = [row for row in due if not self._too_early(row, now)]
        return self._claim(due, gone, now) if due or gone else []

    def settle(self, outcomes: Sequence[tuple[int, Outcome]], now: float) -> None:
        """Write down what became of deliveries, by their numbers; of one that is not being sent nothing is written."""
        with self._database as execute:
            for n, outcome in outcomes:
                for row in execute(_SENDING_NOW, (n,)).fetchall():
                    self._settle(execute, _Open(*row), outcome, now)

    def next_due(self, channels: Mapping[str, int]) -> float | None:
        """When the first delivery for a channel with a free place is due, in seconds since 1970; None if none waits."""
        return min((first for channel, first in self._due_channels() if channels.get(channel, 1) > 0), default=None)

    def trim(self, now: float, limits: Limits) -> bool:
        """Delete some of what is too old or too much; whether there is more to delete."""
        more = trim(self._database, now, limits)
        if not more:
            self._database.checkpoint()
        return more

    def _due_channels(self) -> Iterator[tuple[str, float]]:
        yield from ((channel, due) for channel, due in self._database.rows(_DUE_CHANNELS))

    def _too_early(self, row: Row, now: float) -> bool:
        channel, kind, time = row[2], row[6], row[8]
        if channel != SUPERVISOR_CHANNEL or kind != "shutdown" or now >= time + SHUTDOWN_WAITS_S:
            return False
        return bool(self._database.rows(_UNTRIED, (time,)))

    def _claim(self, due: Sequence[Row], gone: Sequence[str], now: float) -> list[Claimed]:
        with self._database as execute:
            for channel in gone:
                self._abandon(execute, channel, now)
            return [_claimed(row) for row in due if execute(_MARK_SENDING, (now, row[0])).rowcount]

    def _abandon(self, execute: Execute, channel: str, now: float) -> None:
        reason = f"channel `{channel}` is not in the configuration"
        for row in execute(_ABANDONED, (channel, _AT_ONCE)).fetchall():
            delivery = _Open(*row)
            self._give_up(execute, delivery, reason, now)
            reorder(execute, delivery.channel, delivery.key, now)

    def _recover(self, execute: Execute, delivery: _Open, now: float) -> None:
        if delivery.attempts == 1:
            execute(_RETRY, (now, None, now, delivery.n))
        else:
            self._retry(execute, delivery, RetryLater(_LAST_WAIT), now)

    def _settle(self, execute: Execute, delivery: _Open, outcome: Outcome, now: float) -> None:
        match outcome:
            case Sent():
                execute(_SETTLE, ("sent", None, now, delivery.n))
            case GaveUp(reason):
                self._give_up(execute, delivery, reason, now)
            case RetryLater():
                self._retry(execute, delivery, outcome, now)
        reorder(execute, delivery.channel, delivery.key, now)

    def _retry(self, execute: Execute, delivery: _Open, outcome: RetryLater, now: float) -> None:
        if now - delivery.since > self._give_up_after_s.get(delivery.channel, GIVE_UP_AFTER_S):
            self._give_up(execute, delivery, outcome.reason, now)
            return
        wait = max(wait_after(delivery.attempts, self._random), _asked(outcome))
        execute(_RETRY, (now + wait, _reason(outcome.reason), now, delivery.n))

    def _give_up(self, execute: Execute, delivery: _Open, reason: str, now: float) -> None:
        reason = _reason(reason)
        execute(_SETTLE, ("given_up", reason, now, delivery.n))
        if json.loads(delivery.event).get("event") != _CAUSED_BY_FAILURE:
            execute(_NOTE_FAILURE, (delivery.channel, reason, delivery.attempts))
            self.given_up += 1


def _asked(outcome: RetryLater) -> float:
    after = outcome.after_s
    return 0.0 if after is None or math.isnan(after) else min(after, LONGEST_ASKED_WAIT_S)


def _reason(text: str) -> str:
    return text[:MAX_REASON_CHARACTERS].encode("utf-8", "replace").decode()


def _claimed(row: Row) -> Claimed:
    n, identifier, channel, text, rule, key, kind, severity, time, event, arguments, attempts = row
    message = Message(
        identifier,
        channel,
        text,
        rule,
        key,
        kind,
        severity,
        time,
        json.loads(event),
        tuple(json.loads(arguments)),
        attempts + 1,
    )
    return Claimed(n, message)
