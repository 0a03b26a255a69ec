"""The command line's side of the store: what was sent, waits, or was given up, and changing that by hand.

1. Looking opens the file for reading only; it works while the listener runs, and when it does not.
2. What is changed by hand is seen by a running courier within about a second.
3. What is being sent at this moment can't be changed.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rules_listener.outbox.database import Database, ReadOnlyDatabase, Row
from rules_listener.outbox.order import reorder
from rules_listener.outbox.schema import PLACES

STATES = ("waiting", "sending", "sent", "given_up", "held", "dropped")

_COLUMNS = (
    "SELECT coalesce(d.id, ''), coalesce(d.state, 'held'), a.time, a.rule, a.key, a.kind, a.severity,"
    " coalesce(d.channel, ''), coalesce(d.text, ''), coalesce(d.arguments, '[]'),"
    " coalesce(d.reason, a.held, CASE WHEN d.id IS NULL THEN 'it names no channel' END), coalesce(d.attempts, 0), d.due"
)
_TABLES = " FROM alerts AS a LEFT JOIN deliveries AS d ON d.n BETWEEN a.n * ?3 AND a.n * ?3 + ?3 - 1"
_LIST = _COLUMNS + _TABLES + " WHERE instr(?1, ' ' || coalesce(d.state, 'held') || ' ') ORDER BY a.n DESC, d.n LIMIT ?2"
_SHOW = _COLUMNS + ", a.event FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert WHERE d.id = ?"
_COUNTS = "SELECT channel, state, count(*) FROM deliveries GROUP BY channel, state ORDER BY channel, state"
_OLDEST = "SELECT min(since) FROM deliveries WHERE state IN ('waiting', 'sending')"
_ERRORS = (
    "SELECT changed, channel, reason FROM deliveries WHERE reason IS NOT NULL AND state IN ('waiting', 'given_up')"
    " ORDER BY changed DESC LIMIT 5"
)
_DEAD = "SELECT time, reason FROM dead ORDER BY n DESC LIMIT 5"

_REVIVE = (
    "UPDATE deliveries SET state = 'waiting', attempts = 0, due = NULL, reason = NULL, since = ?1, changed = ?1"
    " WHERE id = ?2 AND state IN ('given_up', 'dropped') RETURNING channel, key"
)
_DROP = (
    "UPDATE deliveries SET state = 'dropped', due = NULL, changed = ?1"
    " WHERE id = ?2 AND state IN ('waiting', 'given_up') RETURNING channel, key"
)


class Listed(NamedTuple):
    """A delivery as the command line shows it.

    `time` is the alert's and `due` the next try's, in seconds since 1970; `due` is None unless it waits, and while it
    waits for an earlier one of its channel and key. An alert that names no channel has no `id`.
    """

    id: str
    state: str
    time: float
    rule: str
    key: str
    kind: str
    severity: str
    channel: str
    text: str
    arguments: tuple[str, ...]
    reason: str | None
    attempts: int
    due: float | None


class Shown(NamedTuple):
    """A delivery and the event that it is about, as a flat object (`event/record.py`)."""

    delivery: Listed
    event: dict[str, Any]


class Problem(NamedTuple):
    """Something that went wrong: when (seconds since 1970), with which channel (empty: a dead frame), and why."""

    time: float
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The store at a glance.

    `deliveries` counts by channel and state. `oldest_waiting` is in seconds since 1970. `counters` are `event:TYPE`,
    `lost`, `dead`, `dropped`, `journal_bytes` and whatever else was counted.
    """

    deliveries: dict[tuple[str, str], int]
    oldest_waiting: float | None
    counters: dict[str, int]
    errors: list[Problem]
    dead: list[Problem]


class Listing:
    """The store in `folder`, for people. Every method raises `StoreError` if it is not there or can't be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = ReadOnlyDatabase(folder)

    def deliveries(self, states: Collection[str] = STATES, limit: int = 100) -> list[Listed]:
        """The newest `limit` deliveries in one of `states`, those of the newest alert first."""
        return [_listed(row) for row in self._store.rows(_LIST, (f" {' '.join(states)} ", limit, PLACES))]

    def show(self, identifier: str) -> Shown | None:
        """The delivery with this id, or None if there is none."""
        for *columns, event in self._store.rows(_SHOW, (identifier,)):
            return Shown(_listed(tuple(columns)), json.loads(event))
        return None

    def summary(self) -> Summary:
        """How things stand."""
        rows = self._store.rows
        return Summary(
            {(channel, state): count for channel, state, count in rows(_COUNTS)},
            rows(_OLDEST)[0][0],
            dict(rows("SELECT name, value FROM counters ORDER BY name")),
            [Problem(*row) for row in rows(_ERRORS)],
            [Problem(time, "", reason) for time, reason in rows(_DEAD)],
        )

    def retry(self, identifier: str, now: float) -> bool:
        """Let a delivery that was given up or dropped wait again, as if it were new; False if there is none such."""
        return self._change(_REVIVE, identifier, now)

    def drop(self, identifier: str, now: float) -> bool:
        """Send a delivery that waits or was given up never; False if there is none such."""
        return self._change(_DROP, identifier, now)

    def _change(self, sql: str, identifier: str, now: float) -> bool:
        self._store.rows("SELECT 1")
        database = Database(self._folder)
        try:
            with database as execute:
                changed = execute(sql, (now, identifier)).fetchall()
                for channel, key in changed:
                    reorder(execute, channel, key, now)
            return bool(changed)
        finally:
            database.close()


def _listed(row: Row) -> Listed:
    listed = Listed(*row)
    return listed._replace(arguments=tuple(json.loads(row[Listed._fields.index("arguments")])))
