"""The command line's side of the store: what was sent, waits, or was given up, and changing that by hand.

1. Looking opens the file for reading only; it works while the listener runs, and when it does not. An alert that no
   courier has expanded yet is shown as if one had.
2. What is changed by hand is seen by a running courier within about a second.
3. What is being sent at this moment can't be changed.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rules_listener.match.engine import OpenAlert, open_alerts
from rules_listener.outbox.counters import COUNT, DROPPED, counter
from rules_listener.outbox.database import Database, ReadOnlyDatabase, Row
from rules_listener.outbox.expand import deliveries_of, expand_all
from rules_listener.outbox.order import reorder
from rules_listener.outbox.schema import PLACES

STATES = ("waiting", "sending", "sent", "given_up", "held", "dropped")

_COLUMNS = (
    "SELECT a.time, a.rule, a.key, a.kind, a.phase, a.severity, a.held, a.deliveries, a.event,"
    " d.n, d.id, d.state, d.channel, d.reason, d.attempts, d.due"
)
_EVENT = 8
_ALERTS = " FROM alerts AS a LEFT JOIN deliveries AS d ON d.n BETWEEN a.n * ?2 AND a.n * ?2 + ?2 - 1"
_STATE = "coalesce(d.state, CASE WHEN a.held IS NULL AND a.deliveries <> '[]' THEN 'waiting' ELSE 'held' END)"
_LIST = f"{_COLUMNS}{_ALERTS} WHERE instr(?1, ' ' || {_STATE} || ' ') ORDER BY a.n DESC, d.n LIMIT ?3"
_SHOW_NEW = f"{_COLUMNS}{_ALERTS} WHERE d.n IS NULL AND a.n > (SELECT alert FROM progress) AND instr(a.deliveries, ?1)"  # noqa: S608 - of our own parts
_SHOW = f"{_COLUMNS} FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert WHERE d.id = ?1 UNION ALL {_SHOW_NEW}"
_PROGRESS = "SELECT alert FROM progress"
_COUNTS = "SELECT channel, state, count(*) FROM deliveries WHERE alert <= ? GROUP BY channel, state"
_OLDEST = "SELECT min(since) FROM deliveries WHERE state IN ('waiting', 'sending')"
_NEW = "SELECT held, since, deliveries FROM alerts WHERE n > ?"
_ERRORS = (
    "SELECT changed, channel, reason FROM deliveries WHERE reason IS NOT NULL AND state IN ('waiting', 'given_up')"
    " ORDER BY changed DESC LIMIT 5"
)
_DEAD = "SELECT time, reason FROM dead ORDER BY n DESC LIMIT 5"

_REVIVE = (
    "UPDATE deliveries SET state = 'waiting', attempts = 0, due = NULL, reason = NULL, since = ?1, changed = ?1,"
    " digest = NULL"
    " WHERE id = ?2 AND state IN ('given_up', 'dropped') RETURNING channel, key"
)
_DROP = (
    "UPDATE deliveries SET state = 'dropped', due = NULL, changed = ?1"
    " WHERE id = ?2 AND state IN ('waiting', 'given_up') RETURNING channel, key"
)


class Listed(NamedTuple):
    """A delivery as the command line shows it.

    `time` is the alert's and `due` the next try's, in seconds since 1970; `due` is None unless it waits, and while it
    waits for an earlier one of its channel and key, or for a courier to take it in. An alert that names no channel has
    no `id`.
    """

    id: str
    state: str
    time: float
    rule: str
    key: str
    kind: str
    phase: str
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
    open_alerts: list[OpenAlert]
    """As the listener wrote them down last, at most some seconds ago."""


class Listing:
    """The store in `folder`, for people. Every method raises `StoreError` if it is not there or can't be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = ReadOnlyDatabase(folder)

    def deliveries(self, states: Collection[str] = STATES, limit: int = 100) -> list[Listed]:
        """The newest `limit` deliveries in one of `states`, those of the newest alert first."""
        rows = self._store.rows(_LIST, (f" {' '.join(states)} ", PLACES, limit))
        return [listed for row in rows for listed in _listed(row)][:limit]

    def show(self, identifier: str) -> Shown | None:
        """The delivery with this id, or None if there is none."""
        for row in self._store.rows(_SHOW, (identifier, PLACES)):
            for listed in _listed(row):
                if listed.id == identifier:
                    return Shown(listed, json.loads(row[_EVENT]))
        return None

    def summary(self) -> Summary:
        """How things stand."""
        rows = self._store.rows
        progress = rows(_PROGRESS)[0]
        counts = Counter({(channel, state): count for channel, state, count in rows(_COUNTS, progress)})
        waiting = [since for (since,) in rows(_OLDEST) if since is not None]
        for held, since, deliveries in rows(_NEW, progress):
            for delivery in deliveries_of(deliveries):
                counts[delivery.channel, "waiting" if held is None else "held"] += 1
                waiting += [since] if held is None else []
        return Summary(
            dict(sorted(counts.items())),
            min(waiting, default=None),
            dict(rows("SELECT name, value FROM counters ORDER BY name")),
            [Problem(*row) for row in rows(_ERRORS)],
            [Problem(time, "", reason) for time, reason in rows(_DEAD)],
            [alert for (state,) in rows("SELECT state FROM memory") for alert in open_alerts(json.loads(state))],
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
            expand_all(database, now)
            with database as execute:
                changed = execute(sql, (now, identifier)).fetchall()
                for channel, key in changed:
                    reorder(execute, channel, key, now)
                    if sql == _DROP:
                        execute(COUNT, (counter(DROPPED, channel), 1))
            return bool(changed)
        finally:
            database.close()


def _listed(row: Row) -> list[Listed]:
    """The delivery in a row; all that its alert will have, where it is not expanded yet."""
    *alert, held, deliveries, _event, n, identifier, state, channel, reason, attempts, due = row
    kept = deliveries_of(deliveries)
    if n is not None:
        one = kept[n % PLACES]
        reason = held if reason is None else reason
        return [Listed._make((identifier, state, *alert, channel, one.text, one.arguments, reason, attempts, due))]
    if not kept:
        return [Listed._make(("", "held", *alert, "", "", (), held or "it names no channel", 0, None))]
    state = "waiting" if held is None else "held"
    return [Listed._make((one.id, state, *alert, one.channel, one.text, one.arguments, held, 0, None)) for one in kept]
