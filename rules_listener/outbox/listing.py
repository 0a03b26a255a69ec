"""The command line's side of the store: what was sent, waits, or was given up, and changing that by hand.

1. Looking opens the file for reading only; it works while the listener runs, and when it does not. An alert that no
   courier has expanded yet is shown as if one had.
2. What is changed by hand is seen by a running courier within about a second.
3. What is being sent at this moment can't be changed.
4. Where a channel gathers, what is for one digest has the same next try. What is done to one by hand leaves the others
   in their digest, and that where it is.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rules_listener.match.engine import OpenAlert
from rules_listener.outbox.counters import COUNT, DROPPED, LOADED, REJECTED, counter
from rules_listener.outbox.database import Database, ReadOnlyDatabase, Row, Rows
from rules_listener.outbox.expand import deliveries_of, expand_all
from rules_listener.outbox.order import reorder
from rules_listener.outbox.schema import PLACES
from rules_listener.outbox.trim import open_in

STATES = ("waiting", "sending", "sent", "given_up", "held", "dropped")

_NEXT_TRY = (
    "CASE WHEN d.state <> 'waiting' THEN NULL"
    " WHEN d.digest IS NOT NULL THEN (SELECT due FROM deliveries AS other WHERE other.channel = d.channel"
    " AND other.digest = d.digest AND other.state IN ('waiting', 'sending') ORDER BY other.n LIMIT 1)"
    " WHEN d.channel NOT IN (SELECT value FROM json_each(?3)) THEN d.due"
    " WHEN NOT EXISTS (SELECT 1 FROM deliveries AS other WHERE other.channel = d.channel"
    " AND other.digest IS NOT NULL AND other.state IN ('waiting', 'sending')) THEN (SELECT min(due)"
    " FROM deliveries AS other WHERE other.channel = d.channel AND other.state = 'waiting' AND other.due IS NOT NULL)"
    " END"
)
"""When a delivery is tried next: with its digest, which is that of all that waits if there is no earlier one."""

_COLUMNS = (
    "SELECT a.n, a.time, a.rule, a.key, a.kind, a.phase, a.severity, a.incident, a.opened,"
    " a.held, a.since, a.deliveries, a.event, d.n, d.id, d.state, d.channel, d.reason, d.attempts,"
    f" {_NEXT_TRY}, d.since, d.changed"
)
_EVENT = 12
_ALERTS = " FROM alerts AS a LEFT JOIN deliveries AS d ON d.n BETWEEN a.n * ?2 AND a.n * ?2 + ?2 - 1"
_STATE = "coalesce(d.state, CASE WHEN a.held IS NULL AND a.deliveries <> '[]' THEN 'waiting' ELSE 'held' END)"
_WANTED = (
    f" WHERE {_STATE} IN (SELECT value FROM json_each(?1))"  # noqa: S608 - of our own parts
    " AND (?4 = '[]' OR a.rule IN (SELECT value FROM json_each(?4)))"
    " AND (?5 = '[]' OR a.key IN (SELECT value FROM json_each(?5)))"
    " AND (?6 = '[]' OR EXISTS (SELECT 1 FROM json_each(?6) AS wanted WHERE wanted.value = d.channel"
    " OR d.n IS NULL AND instr(a.deliveries, json_quote(wanted.value))))"
)
_LIST = (
    f"{_COLUMNS}{_ALERTS}{_WANTED} AND a.n >= (SELECT min(n) FROM"  # noqa: S608 - of our own parts
    f" (SELECT DISTINCT a.n AS n{_ALERTS}{_WANTED} ORDER BY a.n DESC LIMIT ?7)) ORDER BY a.n DESC, d.n"
)
_OF_ALERT = f"{_COLUMNS}{_ALERTS} WHERE a.n = ?1 ORDER BY d.n"
_OF_INCIDENT = f"{_COLUMNS}{_ALERTS} WHERE a.incident = ?1 ORDER BY a.n, d.n"
_OPEN_THEN = (
    "SELECT incident, phase FROM alerts WHERE rule = ? AND key = ? AND incident IS NOT NULL AND n < ?"
    " ORDER BY n DESC LIMIT 1"
)
_HELD_MEANWHILE = (
    "SELECT count(*) FROM alerts WHERE rule = ? AND key = ? AND held IS NOT NULL AND incident IS NULL"
    " AND time BETWEEN ? AND ?"
)
_IDS = "SELECT id, alert FROM deliveries WHERE id >= ?1 AND id < ?1 || '~' ORDER BY id LIMIT ?2"
_NEW_IDS = (
    "SELECT json_extract(value, '$[0]') AS found, n FROM alerts, json_each(deliveries)"
    " WHERE n > (SELECT alert FROM progress) AND substr(found, 1, length(?1)) = ?1 ORDER BY found LIMIT ?2"
)
_TOGETHER = (
    "SELECT other.id FROM deliveries AS one JOIN deliveries AS other USING (channel, digest)"
    " WHERE one.id = ? AND other.id <> one.id ORDER BY other.n"
)
_PROGRESS = "SELECT alert FROM progress"
_COUNTS = "SELECT channel, state, count(*) FROM deliveries WHERE alert <= ? GROUP BY channel, state"
_OLDEST = "SELECT channel, min(since) FROM deliveries WHERE state IN ('waiting', 'sending') GROUP BY channel"
_NEXT = (
    "SELECT channel, coalesce(min(CASE WHEN digest IS NOT NULL THEN due END), min(due)) FROM deliveries"
    " WHERE state = 'waiting' AND due IS NOT NULL GROUP BY channel"
)
_HELD = (
    "SELECT CASE WHEN held LIKE 'already open since %' THEN 'already open' ELSE held END AS reason, count(*)"
    " FROM alerts WHERE held IS NOT NULL GROUP BY reason ORDER BY count(*) DESC, reason"
)
"""Why alerts were held back (`match/clauses.py` says since when something is open), and how often."""
_NEW = "SELECT held, since, deliveries FROM alerts WHERE n > ?"
_ERRORS = (
    "SELECT max(changed), channel, reason, state, count(*) FROM deliveries"
    " WHERE reason IS NOT NULL AND state IN ('waiting', 'given_up') GROUP BY channel, state, reason"
    " ORDER BY max(changed) DESC LIMIT 10"
)
_DEAD = "SELECT time, reason FROM dead ORDER BY n DESC LIMIT 5"
_LAST_EVENT = "SELECT time FROM journal ORDER BY n DESC LIMIT 1"
_REJECTED = (
    "SELECT json_extract(CAST(payload AS TEXT), '$.reason') FROM journal WHERE header = x''"
    " AND json_extract(CAST(payload AS TEXT), '$.event') = 'LISTENER_RULES_REJECTED' ORDER BY n DESC LIMIT 1"
)

_REVIVE = (
    "UPDATE deliveries SET state = 'waiting', attempts = 0, due = NULL, reason = NULL, since = ?1, changed = ?1,"
    " digest = NULL"
    " WHERE id = ?2 AND state IN ('given_up', 'dropped') RETURNING channel, key"
)
_GATHERED = "(one.digest IS NOT NULL OR one.channel IN (SELECT value FROM json_each(?3)))"
_HURRY = (
    "UPDATE deliveries AS one SET due = ?1, changed = ?1"  # noqa: S608 - of our own parts
    f" WHERE id = ?2 AND state = 'waiting' AND due > ?1 AND NOT {_GATHERED} RETURNING channel, key"
)
_HURRY_DIGEST = (
    "UPDATE deliveries SET due = ?1, changed = ?1 WHERE state = 'waiting' AND n = ("  # noqa: S608 - likewise
    "SELECT first.n FROM deliveries AS one JOIN deliveries AS first ON first.channel = one.channel"
    " WHERE one.id = ?2 AND one.state = 'waiting' AND first.state = 'waiting' AND first.due IS NOT NULL"
    f" AND {_GATHERED} AND first.digest IS one.digest"
    " ORDER BY CASE WHEN first.digest IS NULL THEN first.due END, first.n LIMIT 1)"
    " AND (due > ?1 OR due = ?1 AND id <> ?2) RETURNING channel, key"
)
"""What is in a digest is tried now by way of the one that has its turn, even if another one had that tried as well."""
_DROP = (
    "UPDATE deliveries SET state = 'dropped', due = NULL, changed = ?1"
    " WHERE id = ?2 AND state IN ('waiting', 'given_up') RETURNING channel, key"
)
_FIRST_OF_DIGEST = (
    "SELECT due, channel, digest FROM deliveries WHERE id = ? AND state = 'waiting' AND digest IS NOT NULL"
    " AND due IS NOT NULL"
)
_GIVE_TURN = (
    "UPDATE deliveries SET due = ? WHERE n = (SELECT n FROM deliveries WHERE channel = ? AND digest = ?"
    " AND state IN ('waiting', 'sending') ORDER BY n LIMIT 1)"
)
"""Gives the turn of a digest to the first that is left of it."""


class Listed(NamedTuple):
    """A delivery as the command line shows it.

    `time` is the alert's, `due` the next try's, `since` the moment from which it has been waiting (its tries end some
    time after that), `changed` that of the last change of its state, all in seconds since 1970. `due` is None unless it
    waits, and while it waits for an earlier one of its channel and key, for an earlier digest, or for a courier to take
    it in; then `changed` is None. Deliveries of one alert have its number, `alert`. An alert that names no channel has
    no `id`.
    """

    id: str
    state: str
    alert: int
    time: float
    rule: str
    key: str
    kind: str
    phase: str
    severity: str
    incident: str | None
    opened: float | None
    channel: str
    text: str
    arguments: tuple[str, ...]
    reason: str | None
    attempts: int
    due: float | None
    since: float
    changed: float | None


class Wanted(NamedTuple):
    """Which deliveries are listed; where nothing is named, all are."""

    states: Collection[str] = STATES
    rules: Collection[str] = ()
    keys: Collection[str] = ()
    channels: Collection[str] = ()


class Shown(NamedTuple):
    """The story of an alert: one of its deliveries, all of them, and the event that it is about, as a flat object.

    `incident` has the deliveries of all that was said of the open alert that it belongs to, the oldest first, and
    `held_meanwhile` counts what was held back while it was open. `together` has the ids of the other deliveries of the
    digest in which this one was sent.
    """

    delivery: Listed
    event: dict[str, Any]
    deliveries: list[Listed]
    incident: list[Listed]
    held_meanwhile: int
    together: list[str]


class Problem(NamedTuple):
    """Something that went wrong: when last (seconds since 1970), with which channel (empty: a dead frame), and why.

    `state` is that of the deliveries to which it happened, `number` how many they are.
    """

    time: float
    channel: str
    reason: str
    state: str = ""
    number: int = 1


@dataclass(frozen=True, slots=True)
class Summary:
    """The store at a glance.

    `deliveries` counts by channel and state, `held` alerts by the reason for which they were held back. `oldest` says
    for each channel since when its oldest delivery waits, `next_due` when the first is due, in seconds since 1970.
    `counters` are those of `counters`. `rejected` is why the last new rules were rejected, empty if
    that is not known any more; None if they were not.
    """

    deliveries: dict[tuple[str, str], int]
    held: dict[str, int]
    oldest: dict[str, float]
    next_due: dict[str, float]
    counters: dict[str, int]
    errors: list[Problem]
    dead: list[Problem]
    open_alerts: list[OpenAlert]
    """As the listener wrote them down last, at most some seconds ago."""
    last_event: float | None = None
    """When the last event was kept, in seconds since 1970."""
    rejected: str | None = None

    @property
    def oldest_waiting(self) -> float | None:
        """Since when the oldest delivery of all waits."""
        return min(self.oldest.values(), default=None)


class Listing:
    """The store in `folder`, for people. Every method raises `StoreError` if it is not there or can't be used.

    `gather_s` is how long a channel gathers what is to be one message, for each that does.
    """

    def __init__(self, folder: Path, gather_s: Mapping[str, float] = MappingProxyType({})) -> None:
        self._folder = folder
        self._gather_s = gather_s
        self._gathering = json.dumps([*gather_s])
        self._store = ReadOnlyDatabase(folder)

    def deliveries(
        self, states: Collection[str] = STATES, limit: int = 100, *, wanted: Wanted | None = None
    ) -> list[Listed]:
        """Deliveries in one of `states`, or those `wanted`, of the newest `limit` alerts with any; newest first."""
        wanted = wanted or Wanted(states)
        states, rules, keys, channels = (json.dumps([*names], ensure_ascii=False) for names in wanted)
        rows = self._store.rows(_LIST, (states, PLACES, self._gathering, rules, keys, channels, limit))
        listed = [one for row in rows for one in _listed(row)]
        return [one for one in listed if not wanted.channels or one.channel in wanted.channels]

    def find(self, beginning: str, limit: int = 5) -> list[str]:
        """The ids that begin so, at most `limit`; the id itself alone, if it is one.

        The id of a digest is that of its first delivery with a suffix, which is left out here.
        """
        beginning = beginning.partition("-")[0]
        found = self._store.read(lambda rows: [row[0] for row in _ids(rows, beginning, limit)])
        return [beginning] if beginning in found else found

    def show(self, identifier: str) -> Shown | None:
        """The story of the alert whose delivery has this id; None if there is none."""
        return self._store.read(lambda rows: _story(rows, identifier, self._gathering))

    def summary(self) -> Summary:
        """How things stand."""
        return self._store.read(_summary)

    def retry(self, identifier: str, now: float) -> bool:
        """Let a delivery that was given up or dropped wait again, as if it were new, and try one that waits now.

        With it, all of its digest is tried. False if there is none such.
        """
        if self._change(_REVIVE, now, identifier):
            return True
        return any(self._change(sql, now, identifier, self._gathering) for sql in (_HURRY, _HURRY_DIGEST))

    def drop(self, identifier: str, now: float) -> bool:
        """Send a delivery that waits or was given up never; False if there is none such."""
        return self._change(_DROP, now, identifier)

    def _change(self, sql: str, now: float, identifier: str, *more: str) -> bool:
        self._store.rows("SELECT 1")
        database = Database(self._folder)
        try:
            expand_all(database, now, self._gather_s)
            with database as execute:
                turn = execute(_FIRST_OF_DIGEST, (identifier,)).fetchone()
                changed = execute(sql, (now, identifier, *more)).fetchall()
                for channel, key in changed:
                    if sql == _DROP:
                        execute(COUNT, (counter(DROPPED, channel), 1))
                        execute(_GIVE_TURN, turn or (None, channel, None))
                    reorder(execute, channel, key, now, self._gather_s.get(channel, 0.0))
            return bool(changed)
        finally:
            database.close()


def _ids(rows: Rows, beginning: str, limit: int) -> list[Row]:
    """Ids that begin so, the shortest first, with the numbers of their alerts."""
    return sorted([*rows(_IDS, (beginning, limit)), *rows(_NEW_IDS, (beginning, limit))])[:limit]


def _story(rows: Rows, identifier: str, gathering: str) -> Shown | None:
    alert = next((alert for found, alert in _ids(rows, identifier, 2) if found == identifier), None)
    if alert is None:
        return None
    found = rows(_OF_ALERT, (alert, PLACES, gathering))
    deliveries = [one for row in found for one in _listed(row)]
    delivery = next(one for one in deliveries if one.id == identifier)
    said = _said(rows, delivery, gathering)
    held = rows(_HELD_MEANWHILE, (delivery.rule, delivery.key, said[0].opened, _end(said)))[0][0] if said else 0
    together = [other for (other,) in rows(_TOGETHER, (identifier,))]
    return Shown(delivery, json.loads(found[0][_EVENT]), deliveries, said, held, together)


def _said(rows: Rows, delivery: Listed, gathering: str) -> list[Listed]:
    """All that was said of the open alert that a delivery belongs to, or that kept it back."""
    incident = delivery.incident
    for name, phase in rows(_OPEN_THEN, (delivery.rule, delivery.key, delivery.alert)) if incident is None else ():
        incident = name if phase != "recovery" else None
    found = rows(_OF_INCIDENT, (incident, PLACES, gathering)) if incident else []
    return [one for row in found for one in _listed(row)]


def _end(said: list[Listed]) -> float:
    """When an open alert was closed; for ever, if it was not."""
    return said[-1].time if said[-1].phase == "recovery" else math.inf


def _summary(rows: Rows) -> Summary:
    progress = rows(_PROGRESS)[0]
    counts = Counter({(channel, state): count for channel, state, count in rows(_COUNTS, progress)})
    oldest: dict[str, float] = dict(rows(_OLDEST))
    for held, since, deliveries in rows(_NEW, progress):
        for delivery in deliveries_of(deliveries):
            counts[delivery.channel, "waiting" if held is None else "held"] += 1
            if held is None:
                oldest[delivery.channel] = min(since, oldest.get(delivery.channel, since))
    counters: dict[str, int] = dict(rows("SELECT name, value FROM counters ORDER BY name"))
    is_rejected = counters.get(REJECTED, 0) > counters.get(LOADED, 0)
    return Summary(
        deliveries=dict(sorted(counts.items())),
        held=dict(rows(_HELD)),
        oldest=oldest,
        next_due=dict(rows(_NEXT)),
        counters=counters,
        errors=[Problem(*row) for row in rows(_ERRORS)],
        dead=[Problem(time, "", reason) for time, reason in rows(_DEAD)],
        open_alerts=open_in(rows),
        last_event=next((time for (time,) in rows(_LAST_EVENT)), None),
        rejected=next((reason for (reason,) in rows(_REJECTED)), "") if is_rejected else None,
    )


def _listed(row: Row) -> list[Listed]:
    """The delivery in a row; all that its alert will have, where it is not expanded yet."""
    about, (held, noted, deliveries, _event, n), rest = row[:9], row[9:14], row[14:]
    kept = deliveries_of(deliveries)
    if n is not None:
        identifier, state, channel, reason, *times = rest
        one = kept[n % PLACES]
        reason = held if reason is None else reason
        return [Listed._make((identifier, state, *about, channel, one.text, one.arguments, reason, *times))]
    times = [0, None, noted, None]
    if not kept:
        return [Listed._make(("", "held", *about, "", "", (), held or "it names no channel", *times))]
    state = "waiting" if held is None else "held"
    return [Listed._make((one.id, state, *about, one.channel, one.text, one.arguments, held, *times)) for one in kept]
