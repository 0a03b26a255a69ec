"""The courier's side of the store: which delivery is due, and what became of it.

1. Alerts are expanded before anything is claimed: see `expand`.
2. A claim is written before a message is sent, an outcome after it: a delivery may be sent twice, it can't be lost.
3. Claims are oldest first within a channel, at most as many as it has places, and keep the order of `order`. Each is a
   series: a delivery, and for a quick channel those that come after it for the same key. What is done, not said, is
   never in a series: a courier that is killed then leaves no more than one of a key to be repeated.
4. A delivery that failed waits 1 s, doubled at each failure up to 10 minutes, times 0.5 to 1.5 at random, and at least
   as long as its receiver asked for (up to a day); once it is older than `give_up_after`, a failure is its last. The
   time in which there was no courier to try it is left out (`leave_out`).
   Which of its receivers have it is kept with it.
5. What is given up is noted for the listener to raise; not if a failure was its own cause, or one would lead to the
   next.
6. supervisord is shut down after all that was to be said before or at the same moment has been tried, or after 30 s;
   what is gathered is sent at once then.
7. What is sent or given up, and each try that failed, is counted by channel in the same transaction.
8. A transaction here is short, and there is none where nothing is to be written: the listener has the right of way.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

from rules_listener.outbox.alert import RUN_CHANNEL, SUPERVISOR_CHANNEL
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.outbox.counters import COUNT, FAILED_TRY, GIVEN_UP, SENT, counter
from rules_listener.outbox.database import Database, Execute, Row
from rules_listener.outbox.expand import deliveries_of, expand
from rules_listener.outbox.gather import MOST_DELIVERIES, Next, forget, mark, members, next_digests
from rules_listener.outbox.order import PUT_ASIDE, heal, reorder, turn_back
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
    " a.phase, a.incident, a.opened, d.arrived, a.key"
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

_MESSAGE_OF = f"{MESSAGE} WHERE d.n = ?"

_UNTRIED = (
    "SELECT 1 FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.state IN ('waiting', 'sending') AND (d.attempts = 0 OR d.attempts = 1 AND d.state = 'sending')"
    " AND a.time <= ?1 AND a.kind <> 'shutdown'"
    " UNION ALL SELECT 1 FROM alerts WHERE n > (SELECT alert FROM progress) AND held IS NULL"
    " AND time <= ?1 AND kind <> 'shutdown' LIMIT 1"
)
"""Whether anything that was said up to a moment has not been tried, or not even been expanded."""

_MARK_SENDING = (
    "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, due = NULL, changed = ?1, digest = NULL"
    " WHERE n = ?2 AND state = 'waiting'"
)
_MARK_DUE = f"{_MARK_SENDING} AND due IS NOT NULL"

_OPEN = (
    "SELECT d.n, d.channel, d.key, d.attempts, d.since, a.event, d.digest"
    " FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
)

_SENDING = f"{_OPEN} WHERE d.state IN ('waiting', 'sending') AND d.state = 'sending'"

_SENDING_NOW = f"{_SENDING} AND d.n = ?"

_ABANDONED = (
    f"{_OPEN} WHERE d.channel = ? AND d.state IN ('waiting', 'sending') AND d.state = 'waiting' ORDER BY d.n LIMIT ?"
)

_LEAVE_OUT = (
    "UPDATE deliveries SET since = min(since + ?1, ?2) WHERE state IN ('waiting', 'sending')",
    "UPDATE alerts SET since = min(since + ?1, ?2) WHERE n > (SELECT alert FROM progress)",
)

_PUT_BACK = "UPDATE deliveries SET state = 'waiting', attempts = attempts - 1, changed = ? WHERE n = ?"
_RETRY = "UPDATE deliveries SET state = 'waiting', due = ?, reason = ?, changed = ? WHERE n = ?"
_NOTE_ARRIVED = "UPDATE deliveries SET arrived = ? WHERE n = ?"
_SETTLE = "UPDATE deliveries SET state = ?, due = NULL, reason = ?, changed = ? WHERE n = ?"
_NOTE_FAILURE = "INSERT INTO failures (channel, reason, attempts) VALUES (?, ?, ?)"


class Claimed(NamedTuple):
    """A delivery that is to be sent now, and its number in the store."""

    n: int
    message: Message


Series = list[Claimed]
"""Deliveries of one channel and key, to be sent one after another until one has to be tried again; or a digest."""


class _Open(NamedTuple):
    """What has to be known of a delivery to settle it."""

    n: int
    channel: str
    key: str
    attempts: int
    since: float
    event: str
    digest: int | None

    @property
    def fate(self) -> int:
        """The same for all that are settled together."""
        return self.n if self.digest is None else self.digest


def wait_after(attempts: int, random: Random) -> float:
    """How long to wait, in seconds, after the failure of try number `attempts` (from 1)."""
    wait: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempts - 1, 30))
    return wait * random.uniform(0.5, 1.5)


class Queue:
    """What waits in the store.

    `give_up_after_s` is by channel, 24 hours where it says nothing; `gather_s` is how long a channel gathers what is to
    be one message, for each that does. `given_up` counts what was given up so far,
    for whoever has to tell the listener (one too many after a `StoreError`). Every method raises `StoreError` if the
    file can't be read or written; nothing has then changed, and it may be called again.
    """

    def __init__(
        self,
        database: Database,
        *,
        random: Random,
        give_up_after_s: Mapping[str, float] | None = None,
        gather_s: Mapping[str, float] | None = None,
    ) -> None:
        self._database = database
        self._random = random
        self._give_up_after_s = give_up_after_s or {}
        self._gather_s = gather_s or {}
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
            for deliveries in _by_fate(sorted(_Open(*row) for row in execute(_SENDING).fetchall())):
                self._recover(execute, deliveries, now)
            forget(execute, self._gather_s)
            heal(execute, now)

    def turn_back(self, seconds: float) -> None:
        """Let nothing wait longer because the wall clock has jumped back by so much."""
        with self._database as execute:
            turn_back(execute, seconds)

    def leave_out(self, seconds: float, now: float) -> None:
        """Let nothing be given up sooner because nobody tried it for so long, up to this moment."""
        with self._database as execute:
            for sql in _LEAVE_OUT:
                execute(sql, (seconds, now))

    def expand(self, now: float) -> bool:
        """Take in some new alerts; whether there were any."""
        return expand(self._database, now, self._gather_s)

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
            elif free[channel] > 0 and first <= now and channel not in self._gather_s:
                due += self._database.rows(_DUE, (channel, now, free[channel]))
        due = [row for row in due if not self._too_early(row, now)]
        return self._claim(due, gone, now, lengths or {}) if due or gone else []

    def gather(self, now: float, free: Mapping[str, int], *, hurry: bool = False) -> list[Series]:
        """Mark the digests that are due as being sent, and return each as one series.

        `free` is as for `claim`. In a `hurry` nothing is gathered any longer; what was tried still waits for its time.
        """
        digests = self._digests(free)
        if digests and not hurry:
            hurry = self._is_to_shut_down(now)
        due = [digest for digest in digests if digest.due <= now or (hurry and digest.number is None)]
        return self._claim_digests(due, now) if due else []

    def settle(self, outcomes: Sequence[tuple[int, Outcome | None]], now: float) -> None:
        """Write down what became of deliveries, by their numbers; of one that is not being sent nothing is written.

        None is for one that was not even tried, since one before it in its series has to be tried again.
        """
        touched: dict[tuple[str, str], None] = {}
        by_number = dict(outcomes)
        with self._database as execute:
            sending = [_Open(*row) for n in by_number for row in execute(_SENDING_NOW, (n,)).fetchall()]
            for deliveries in _by_fate(sending):
                if self._settle(execute, deliveries, by_number[deliveries[0].n], now):
                    touched |= dict.fromkeys((delivery.channel, delivery.key) for delivery in deliveries)
            for channel, key in touched:
                reorder(execute, channel, key, now, self._gather_s.get(channel, 0.0))

    def next_due(self, channels: Mapping[str, int]) -> float | None:
        """When the first delivery for a channel with a free place is due, in seconds since 1970; None if none waits."""
        first = {name: due for name, due in self._due_channels() if name not in self._gather_s}
        dues = [due for name, due in first.items() if channels.get(name, 1) > 0]
        return min([*dues, *(digest.due for digest in self._digests(channels))], default=None)

    def trim(self, now: float, limits: Limits) -> bool:
        """Delete some of what is too old or too much; whether there is more to delete."""
        more = trim(self._database, now, limits)
        if not more:
            self._database.checkpoint()
        return more

    def _due_channels(self) -> Iterator[tuple[str, float]]:
        yield from ((channel, due) for channel, due in self._database.rows(_DUE_CHANNELS))

    def _digests(self, free: Mapping[str, int]) -> list[Next]:
        """The next digest of each channel that gathers, has a free place and is sending none."""
        if not self._gather_s:
            return []
        channels = [channel for channel in self._gather_s if free.get(channel, 0) > 0]
        return next_digests(self._database, channels, dict(self._due_channels()))

    def _claim_digests(self, digests: Sequence[Next], now: float) -> list[Series]:
        """Mark all of them as being sent; they are read before, since that takes longer than the listener can wait."""
        numbers = [members(self._database, digest) for digest in digests]
        found = [[row for n in of_one for row in self._database.rows(_MESSAGE_OF, (n,))] for of_one in numbers]
        with self._database as execute:
            found = [mark(execute, rows, now) for rows in found]
        return [[claimed(row) for row in rows] for rows in found if rows]

    def _is_to_shut_down(self, now: float) -> bool:
        rows = self._database.rows(_DUE, (SUPERVISOR_CHANNEL, now, MOST_DELIVERIES))
        return any(row[5] == "shutdown" for row in rows)

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
            self._give_up(execute, [delivery], reason, now)
            reorder(execute, delivery.channel, delivery.key, now)

    def _recover(self, execute: Execute, deliveries: Sequence[_Open], now: float) -> None:
        if deliveries[0].attempts == 1:
            _wait_until(execute, deliveries, now, None, now)
        else:
            self._retry(execute, deliveries, RetryLater(_LAST_WAIT), now)

    def _settle(self, execute: Execute, deliveries: Sequence[_Open], outcome: Outcome | None, now: float) -> bool:
        """Write down what became of a delivery, or of all of a digest; whether others may have their turn now."""
        match outcome:
            case Sent():
                for delivery in deliveries:
                    execute(_SETTLE, ("sent", None, now, delivery.n))
                execute(COUNT, (counter(SENT, deliveries[0].channel), len(deliveries)))
            case GaveUp(reason):
                self._give_up(execute, deliveries, reason, now)
            case RetryLater():
                return self._retry(execute, deliveries, outcome, now) or deliveries[0].digest is None
            case None:
                for delivery in deliveries:
                    execute(_PUT_BACK, (now, delivery.n))
        return True

    def _retry(self, execute: Execute, deliveries: Sequence[_Open], outcome: RetryLater, now: float) -> bool:
        """Let it be tried again, unless it was tried long enough; whether it is given up."""
        first = deliveries[0]
        since = max(delivery.since for delivery in deliveries) + self._gather_s.get(first.channel, 0.0)
        if now - since > self._give_up_after_s.get(first.channel, GIVE_UP_AFTER_S):
            self._give_up(execute, deliveries, outcome.reason, now)
            return True
        wait = max(wait_after(first.attempts, self._random), _asked(outcome))
        _wait_until(execute, deliveries, now + wait, _reason(outcome.reason), now)
        for delivery in deliveries:
            _note(execute, delivery, outcome)
        execute(COUNT, (counter(FAILED_TRY, first.channel), 1))
        return False

    def _give_up(self, execute: Execute, deliveries: Sequence[_Open], reason: str, now: float) -> None:
        """Give up a delivery, or all of a digest: that is one failure."""
        reason = _reason(reason)
        for delivery in deliveries:
            execute(_SETTLE, ("given_up", reason, now, delivery.n))
        execute(COUNT, (counter(GIVEN_UP, deliveries[0].channel), len(deliveries)))
        if any(json.loads(delivery.event).get("event") != _CAUSED_BY_FAILURE for delivery in deliveries):
            execute(_NOTE_FAILURE, (deliveries[0].channel, reason, deliveries[0].attempts))
            self.given_up += 1


def _by_fate(deliveries: Iterable[_Open]) -> list[list[_Open]]:
    """Each delivery by itself, but those of a digest together."""
    groups: dict[int, list[_Open]] = {}
    for delivery in deliveries:
        groups.setdefault(delivery.fate, []).append(delivery)
    return list(groups.values())


def _wait_until(execute: Execute, deliveries: Sequence[_Open], due: float, reason: str | None, now: float) -> None:
    """Let a delivery, or all of a digest, wait; in a digest the first has its turn for all of them."""
    for delivery in deliveries:
        execute(_RETRY, (due if delivery is deliveries[0] else None, reason, now, delivery.n))


def _note(execute: Execute, delivery: _Open, outcome: RetryLater) -> None:
    """Note which receivers have it; if no other is to wait for the rest of them, put it aside."""
    if outcome.arrived:
        execute(_NOTE_ARRIVED, (json.dumps(sorted(outcome.arrived)), delivery.n))
    if outcome.aside:
        execute(PUT_ASIDE, (delivery.n,))


def _asked(outcome: RetryLater) -> float:
    after = outcome.after_s
    return 0.0 if after is None or math.isnan(after) else min(after, LONGEST_ASKED_WAIT_S)


def _reason(text: str) -> str:
    return text[:MAX_REASON_CHARACTERS].encode("utf-8", "replace").decode()


def claimed(row: Row) -> Claimed:
    """A row of `MESSAGE` as what is sent."""
    n, identifier, channel, rule, _, kind, severity, time, event, deliveries, attempts, *last = row
    phase, incident, opened, arrived, key = last
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
        phase,
        incident,
        opened,
        arrived=frozenset(json.loads(arrived or "[]")),
    )
    return Claimed(n, message)
