"""New alerts become deliveries: work that the listener leaves to the courier.

1. Alerts are expanded in the order in which they were committed, each once: how far that has come is written in the
   same transaction. Whoever does it, courier or command line, may be stopped at any moment, or do it at the same time.
2. A held alert becomes held deliveries; any other becomes waiting ones, with their turns as `order` says.
3. A delivery has its id from its alert; one that is taken gets a suffix.
4. Firings are counted by rule, and what is held back by channel. The alerts of one firing, one for each action of its
   rule, stand next to each other.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from time import sleep
from types import MappingProxyType

from rules_listener.outbox.alert import Delivery
from rules_listener.outbox.counters import COUNT, FIRING, HELD, counter
from rules_listener.outbox.database import Database, Execute, Row, utf8
from rules_listener.outbox.order import INSERT_WAITING
from rules_listener.outbox.schema import PLACES

AT_ONCE = 100
"""How many alerts are expanded in one transaction; the listener waits for its end."""

_REST_S = 0.001

_ANY_NEW = "SELECT 1 FROM alerts WHERE n > (SELECT alert FROM progress) LIMIT 1"
_NEW = (
    "SELECT n, key, held, since, deliveries, pid, start_time, pool, serial, poolserial,"
    " rule, phase, key, time, serial, poolserial, event"
    " FROM alerts WHERE n > (SELECT alert FROM progress) ORDER BY n LIMIT ?"
)
_LAST_FIRING = (
    "SELECT rule, phase, key, time, serial, poolserial, event FROM alerts WHERE n = (SELECT alert FROM progress)"
)
_INSERT_HELD = (
    "INSERT INTO deliveries (id, n, alert, channel, key, since, changed, state, attempts, reason)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 'held', 0, ?7)"
)
_ADVANCE = "UPDATE progress SET alert = ?"
_NOTE_POSITION = "UPDATE progress SET pid = ?, start_time = ?, pool = ?, serial = ?, poolserial = ?"


def expand(database: Database, now: float, gather_s: Mapping[str, float] = MappingProxyType({})) -> bool:
    """Expand the oldest new alerts in one transaction; whether there were any: if not, nothing is written.

    `gather_s` says for each channel that gathers how long it waits for more, in seconds.

    Raises:
        StoreError: nothing was expanded.
    """
    if not database.rows(_ANY_NEW):
        return False
    with database as execute:
        new = execute(_NEW, (AT_ONCE,)).fetchall()
        positions = [row[5:10] for row in new if row[5] is not None]
        counts = _firings([execute(_LAST_FIRING).fetchone(), *(row[10:] for row in new)])
        for row in new:
            _expand_one(execute, row[:5], now, gather_s, counts)
        for n, *_ in new[-1:]:
            execute(_ADVANCE, (n,))
        for position in positions[-1:]:
            execute(_NOTE_POSITION, position)
        for counted in counts.items():
            execute(COUNT, counted)
    return True


def expand_all(database: Database, now: float, gather_s: Mapping[str, float] = MappingProxyType({})) -> None:
    """Expand all new alerts, in several transactions; the listener gets its turn between them.

    `gather_s` is as for `expand`.

    Raises:
        StoreError: some may be expanded.
    """
    while expand(database, now, gather_s):
        sleep(_REST_S)


def deliveries_of(text: str) -> list[Delivery]:
    """The deliveries that an alert's row holds, in characters that UTF-8 has; arguments are as they were."""
    return [
        Delivery(identifier, utf8(channel), utf8(text), tuple(arguments))
        for identifier, channel, text, arguments in json.loads(text)
    ]


def _firings(rows: Sequence[Row | None]) -> Counter[str]:
    """How many firings the rows after the first one begin, by rule."""
    begun = (row for before, row in pairwise(rows) if row is not None and row != before)
    return Counter(counter(FIRING, rule) for rule, phase, *_ in begun if phase == "firing")


def _expand_one(execute: Execute, row: Row, now: float, gather_s: Mapping[str, float], counts: Counter[str]) -> None:
    alert, key, held, since, deliveries = row
    for n, delivery in enumerate(deliveries_of(deliveries), alert * PLACES):
        values = (n, alert, delivery.channel, key, since)
        if held is None:
            due = min(since, now) + gather_s.get(delivery.channel, 0.0)
            _insert(execute, INSERT_WAITING, delivery.id, (*values, due))
        else:
            _insert(execute, _INSERT_HELD, delivery.id, (*values, held))
            counts[counter(HELD, delivery.channel)] += 1


def _insert(execute: Execute, sql: str, identifier: str, values: Iterable[object]) -> None:
    try:
        execute(sql, (identifier, *values))
    except sqlite3.IntegrityError:
        execute(sql, (_free_id(execute, identifier), *values))


def _free_id(execute: Execute, identifier: str) -> str:
    suffix = 2
    while execute("SELECT 1 FROM deliveries WHERE id = ?", (f"{identifier}-{suffix}",)).fetchone():
        suffix += 1
    return f"{identifier}-{suffix}"
