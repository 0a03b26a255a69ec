"""The courier's side of the store: which delivery is due, and what became of it.

1. Alerts are expanded before anything is claimed: see `expand`.
2. A claim is written before a message is sent, an outcome after it: a delivery may be sent twice, it can't be lost.
3. Claims are oldest first within a channel, at most as many as it has places, and keep the order of `order`. Each is a
   series: a delivery, and for a quick channel those that come after it for the same key. What is done, not said, is
   never in a series: a courier that is killed then leaves no more than one of a key to be repeated.
4. A delivery that failed waits 1 s, doubled at each failure up to 10 minutes, times 0.5 to 1.5 at random, and at least
   as long as its receiver asked for (up to a day); once it is older than `give_up_after`, a failure is its last.
5. What is given up is noted for the listener to raise; not if a failure was its own cause, or one would lead to the
   next.
6. supervisord is shut down after all that was to be said before or at the same moment has been tried, or after 30 s.
7. What is sent or given up, and each try that failed, is counted by channel in the same transaction.
8. A transaction here is short, and there is none where nothing is to be written: the listener has the right of way.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from rules_listener.outbox.alert import RUN_CHANNEL, SUPERVISOR_CHANNEL
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.outbox.counters import COUNT, FAILED_TRY, GIVEN_UP, SENT, counter
from rules_listener.outbox.database import Database, Execute, Row
from rules_listener.outbox.expand import deliveries_of, expand
from rules_listener.outbox.order import heal, reorder, turn_back
from rules_listener.outbox.schema import PLACES
from rules_listener.outbox.trim import Limits, trim

GIVE_UP_AFTER_S = 24 * 3600.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 600.0
LONGEST_ASKED_WAIT_S = 24 * 3600.0
SHUTDOWN_WAITS_S = 30.0
MAX_REASON_CHARACTERS = 1000

AT_ONCE = 64
"""How many deliveries one transaction claims, or settles, if it can be helped; the listener waits for its end."""

_ABANDONED_AT_ONCE = 200
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

MESSAGE = (
    "SELECT d.n, d.id, d.channel, a.rule, d.key, a.kind, a.severity, a.time, a.event, a.deliveries, d.attempts,"
    " a.phase, a.incident, a.opened"
    " FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
)

_DUE = (
    f"{MESSAGE} WHERE d.channel = ? AND d.state = 'waiting' AND d.due IS NOT NULL AND d.due <= ?"
    " ORDER BY d.due, d.n LIMIT ?"
)

_NEXT = (
    f"{MESSAGE} WHERE d.channel = ? AND d.key = ? AND d.state IN ('waiting', 'sending') AND d.n > ?"
    " ORDER BY d.n LIMIT ?"
)

_UNTRIED = (
    "SELECT 1 FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.state IN ('waiting', 'sending') AND (d.attempts = 0 OR d.attempts = 1 AND d.state = 'sending')"
    " AND a.time <= ?1 AND a.kind <> 'shutdown'"
    " UNION ALL SELECT 1 FROM alerts WHERE n > (SELECT alert FROM progress) AND held IS NULL"
    " AND time <= ?1 AND kind <> 'shutdown' LIMIT 1"
)
"""Whether anything that was said up to a moment has not been tried, or not even been expanded."""

_MARK_SENDING = (
    "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, due = NULL, changed = ?1"
    " WHERE n = ?2 AND state = 'waiting'"
)
_MARK_DUE = f"{_MARK_SENDING} AND due IS NOT NULL"

_SENDING = (
    "SELECT d.n, d.channel, d.key, d.attempts, d.since, a.event FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.state IN ('waiting', 'sending') AND d.state = 'sending'"
)

_SENDING_NOW = _SENDING + " AND d.n = ?"

_ABANDONED = (
    "SELECT d.n, d.channel, d.key, d.attempts, d.since, a.event FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.channel = ? AND d.state IN ('waiting', 'sending') AND d.state = 'waiting' ORDER BY d.n LIMIT ?"
)

_PUT_BACK = "UPDATE deliveries SET state = 'waiting', attempts = attempts - 1, changed = ? WHERE n = ?"
_RETRY = "UPDATE deliveries SET state = 'waiting', due = ?, reason = ?, changed = ? WHERE n = ?"
_SETTLE = "UPDATE deliveries SET state = ?, due = NULL, reason = ?, changed = ? WHERE n = ?"
_NOTE_FAILURE = "INSERT INTO failures (channel, reason, attempts) VALUES (?, ?, ?)"


class Claimed(NamedTuple):
    """A delivery that is to be sent now, and its number in the store."""

    n: int
    message: Message


Series = list[Claimed]
"""Deliveries of one channel and key, to be sent one after another until one has to be tried again."""


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

    @property
    def database(self) -> Database:
        """The store, for what is read beside the queue."""
        return self._database

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

    def turn_back(self, seconds: float) -> None:
        """Let nothing wait longer because the wall clock has jumped back by so much."""
        with self._database as execute:
            turn_back(execute, seconds)

    def expand(self, now: float) -> bool:
        """Take in some new alerts; whether there were any."""
        return expand(self._database, now)

    def claim(self, now: float, free: Mapping[str, int], lengths: Mapping[str, int] | None = None) -> list[Series]:
        """Mark what is due as being sent, and return it.

        `free` says for each configured channel how many series it can take, `lengths` how long they may be (1 where it
        says nothing); what waits for any other channel is given up.
        """
        due: list[Row] = []
        gone: list[str] = []
        for channel, first in self._due_channels():
            if channel not in free:
                gone.append(channel)
            elif free[channel] > 0 and first <= now:
                due += self._database.rows(_DUE, (channel, now, free[channel]))
        due = [row for row in due if not self._too_early(row, now)]
        return self._claim(due, gone, now, lengths or {}) if due or gone else []

    def settle(self, outcomes: Sequence[tuple[int, Outcome | None]], now: float) -> None:
        """Write down what became of deliveries, by their numbers; of one that is not being sent nothing is written.

        None is for one that was not even tried, since one before it in its series has to be tried again.
        """
        touched: dict[tuple[str, str], None] = {}
        with self._database as execute:
            for n, outcome in outcomes:
                for row in execute(_SENDING_NOW, (n,)).fetchall():
                    delivery = _Open(*row)
                    self._settle(execute, delivery, outcome, now)
                    touched[delivery.channel, delivery.key] = None
            for channel, key in touched:
                reorder(execute, channel, key, now)

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
        channel, kind, time = row[2], row[5], row[7]
        if channel != SUPERVISOR_CHANNEL or kind != "shutdown" or abs(now - time) >= SHUTDOWN_WAITS_S:
            return False
        return bool(self._database.rows(_UNTRIED, (time,)))

    def _claim(self, due: Sequence[Row], gone: Sequence[str], now: float, lengths: Mapping[str, int]) -> list[Series]:
        with self._database as execute:
            for channel in gone:
                self._abandon(execute, channel, now)
            claims = [[row] for row in due if execute(_MARK_DUE, (now, row[0])).rowcount]
            more = AT_ONCE - len(claims)
            for rows in claims:
                rows.extend(self._claim_next(execute, rows[0], now, min(more, lengths.get(rows[0][2], 1) - 1)))
                more -= len(rows) - 1
        return [[claimed(row) for row in rows] for rows in claims]

    def _claim_next(self, execute: Execute, first: Row, now: float, count: int) -> list[Row]:
        n, channel, key = first[0], first[2], first[4]
        if count <= 0 or channel in (RUN_CHANNEL, SUPERVISOR_CHANNEL):
            return []
        following = execute(_NEXT, (channel, key, n, count)).fetchall()
        for row in following:
            execute(_MARK_SENDING, (now, row[0]))
        return following

    def _abandon(self, execute: Execute, channel: str, now: float) -> None:
        reason = f"channel `{channel}` is not in the configuration"
        for row in execute(_ABANDONED, (channel, _ABANDONED_AT_ONCE)).fetchall():
            delivery = _Open(*row)
            self._give_up(execute, delivery, reason, now)
            reorder(execute, delivery.channel, delivery.key, now)

    def _recover(self, execute: Execute, delivery: _Open, now: float) -> None:
        if delivery.attempts == 1:
            execute(_RETRY, (now, None, now, delivery.n))
        else:
            self._retry(execute, delivery, RetryLater(_LAST_WAIT), now)

    def _settle(self, execute: Execute, delivery: _Open, outcome: Outcome | None, now: float) -> None:
        match outcome:
            case Sent():
                execute(_SETTLE, ("sent", None, now, delivery.n))
                execute(COUNT, (counter(SENT, delivery.channel), 1))
            case GaveUp(reason):
                self._give_up(execute, delivery, reason, now)
            case RetryLater():
                self._retry(execute, delivery, outcome, now)
            case None:
                execute(_PUT_BACK, (now, delivery.n))

    def _retry(self, execute: Execute, delivery: _Open, outcome: RetryLater, now: float) -> None:
        if now - delivery.since > self._give_up_after_s.get(delivery.channel, GIVE_UP_AFTER_S):
            self._give_up(execute, delivery, outcome.reason, now)
            return
        wait = max(wait_after(delivery.attempts, self._random), _asked(outcome))
        execute(_RETRY, (now + wait, _reason(outcome.reason), now, delivery.n))
        execute(COUNT, (counter(FAILED_TRY, delivery.channel), 1))

    def _give_up(self, execute: Execute, delivery: _Open, reason: str, now: float) -> None:
        reason = _reason(reason)
        execute(_SETTLE, ("given_up", reason, now, delivery.n))
        execute(COUNT, (counter(GIVEN_UP, delivery.channel), 1))
        if json.loads(delivery.event).get("event") != _CAUSED_BY_FAILURE:
            execute(_NOTE_FAILURE, (delivery.channel, reason, delivery.attempts))
            self.given_up += 1


def _asked(outcome: RetryLater) -> float:
    after = outcome.after_s
    return 0.0 if after is None or math.isnan(after) else min(after, LONGEST_ASKED_WAIT_S)


def _reason(text: str) -> str:
    return text[:MAX_REASON_CHARACTERS].encode("utf-8", "replace").decode()


def claimed(row: Row) -> Claimed:
    """A row of `MESSAGE` as what is sent."""
    n, identifier, channel, rule, key, kind, severity, time, event, deliveries, attempts, *open_alert = row
    delivery = deliveries_of(deliveries)[n % PLACES]
    message = Message(
        identifier,
        channel,
        delivery.text,
        rule,
        key,
        kind,
        severity,
        time,
        json.loads(event),
        delivery.arguments,
        attempts + 1,
        *open_alert,
    )
    return Claimed(n, message)
