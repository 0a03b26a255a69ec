"""What a channel gathers: all that waits for it becomes one message, a digest.

1. A digest begins when the first of its deliveries is due, which is some time after it was said (`order`). It has all
   that waits for the channel, the oldest first, up to `MOST_DELIVERIES` and `MOST_CHARACTERS`.
2. Which deliveries a digest has is written with the claim: after a failure, and after a crash, it is claimed with the
   same ones, so that its message and its id are the same. Only what was dropped by hand meanwhile is left out.
3. A channel has one digest at a time. What comes while it is sent, or waits to be tried again, is for the next one.
4. The deliveries of a digest have one fate. It is given up when the youngest of them was tried for long enough.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rules_listener.outbox.database import Database, Execute, Row

MOST_DELIVERIES = 1000
"""Claiming and settling so many take some 20 ms each, for which the listener waits; more are several digests."""

MOST_CHARACTERS = 2_000_000
"""Of events and texts; one delivery alone may have more."""

UNSETTLED = (
    "SELECT digest, state, due FROM deliveries"
    " WHERE channel = ? AND digest IS NOT NULL AND state IN ('waiting', 'sending') ORDER BY digest, n LIMIT 1"
)

WAITING = (
    "SELECT d.n, length(a.event) + length(a.deliveries) FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert"
    " WHERE d.channel = ?1 AND d.digest IS ?2 AND d.state IN ('waiting', 'sending') AND d.state = 'waiting'"
    " ORDER BY d.n LIMIT ?3"
)
"""The first condition on the state is that of the index, without which SQLite would not use it."""

MARK = (
    "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, due = NULL, changed = ?1, digest = ?2"
    " WHERE n = ?3 AND state = 'waiting'"
)

FORGET = (
    "UPDATE deliveries SET digest = NULL WHERE digest IS NOT NULL AND state IN ('waiting', 'sending')"
    " AND channel NOT IN (SELECT value FROM json_each(?))"
)


class Next(NamedTuple):
    """The next digest of a channel: its number if it was claimed before, and when it is due."""

    channel: str
    number: int | None
    due: float


def next_digests(database: Database, channels: Iterable[str], first_due: Mapping[str, float]) -> list[Next]:
    """The next digest of each channel where something waits, and none is being sent.

    `first_due` says for each of them when its first delivery is due.

    Raises:
        StoreError: the file can't be read.
    """
    found = [_next_digest(database, channel, first_due.get(channel)) for channel in channels]
    return [digest for digest in found if digest is not None]


def _next_digest(database: Database, channel: str, first_due: float | None) -> Next | None:
    for number, state, due in database.rows(UNSETTLED, (channel,)):
        return Next(channel, number, 0.0 if due is None else due) if state == "waiting" else None
    return None if first_due is None else Next(channel, None, first_due)


def members(database: Database, digest: Next) -> list[int]:
    """The numbers of the deliveries that a digest has, or that it gets now.

    Raises:
        StoreError: the file can't be read.
    """
    found: list[int] = []
    characters = 0
    for n, length in database.rows(WAITING, (digest.channel, digest.number, MOST_DELIVERIES)):
        characters += length
        if found and characters > MOST_CHARACTERS and digest.number is None:
            break
        found.append(n)
    return found


def forget(execute: Execute, channels: Iterable[str]) -> None:
    """Dissolve the digests of all channels but these: the configuration has changed, and they gather no more."""
    execute(FORGET, (json.dumps([*channels]),))


def mark(execute: Execute, rows: list[Row], now: float) -> list[Row]:
    """Mark deliveries, by their rows, as being sent in one digest; those that were marked."""
    return [row for row in rows if execute(MARK, (now, rows[0][0], row[0])).rowcount]
