"""What is deleted from the store, and when.

1. What waits or is being sent is never deleted, however old it is; nor is an alert that is not expanded yet, nor the
   last one that was, nor what was said of an alert that is still open.
2. The journal keeps `journal_days` and `journal_bytes`, whichever is less, but always its last frame: the next one's
   number is higher than that after which the engine's memory was written. What was sent, held or dropped is kept as
   long.
3. What was given up, and dead frames (the last 1000 of them), are kept 90 days.
4. Each transaction is small: the listener waits for it.
"""

import json
from dataclasses import dataclass

from rules_listener.match.engine import OpenAlert, open_alerts
from rules_listener.outbox.counters import JOURNAL_BYTES
from rules_listener.outbox.database import Database, Rows
from rules_listener.outbox.schema import PLACES
from rules_listener.outbox.store import ROW_BYTES

DAY_S = 86_400.0
GIVEN_UP_DAYS = 90
DEAD_FRAMES = 1000
_CHUNK = 200

_OLDEST_FRAMES = (
    "SELECT n, time, length(header) + length(payload) FROM journal"
    " WHERE n < (SELECT max(n) FROM journal) ORDER BY n LIMIT ?"
)

_OLD_ALERTS = (
    "SELECT n FROM alerts WHERE time < ?1 AND n < (SELECT alert FROM progress)"
    " AND n < coalesce((SELECT n FROM alerts WHERE time >= ?1 ORDER BY n LIMIT 1), 9223372036854775807)"
    " AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.n BETWEEN alerts.n * ?4 AND alerts.n * ?4 + ?4 - 1"
    " AND (d.state IN ('waiting', 'sending') OR d.state = 'given_up' AND d.changed > ?2))"
    " AND (incident IS NULL OR incident NOT IN (SELECT value FROM json_each(?5))) ORDER BY n LIMIT ?3"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept."""

    journal_days: float = 7
    journal_bytes: int = 256_000_000


def trim(database: Database, now: float, limits: Limits) -> bool:
    """Delete a chunk of each kind; whether there may be more to delete.

    Raises:
        StoreError: the file can't be read or written.
    """
    cutoff = now - limits.journal_days * DAY_S
    last_cutoff = now - GIVEN_UP_DAYS * DAY_S
    frames = _trim_journal(database, cutoff, limits.journal_bytes)
    alerts = _trim_alerts(database, cutoff, last_cutoff)
    _trim_dead(database, last_cutoff)
    return max(frames, alerts) >= _CHUNK


def open_incidents(database: Database) -> list[str]:
    """The names of the alerts that are open, as `open_in` has them.

    Raises:
        StoreError: the file can't be read.
    """
    return [alert.incident for alert in open_in(database.rows)]


def open_in(rows: Rows) -> list[OpenAlert]:
    """The alerts that were open when the listener wrote that down last, at most some seconds ago; the oldest first.

    What nobody can read says of none; the listener forgets it as well.

    Raises:
        StoreError: the file can't be read.
    """
    try:
        return [alert for (state,) in rows("SELECT state FROM memory") for alert in open_alerts(json.loads(state))]
    except (ValueError, TypeError, LookupError):
        return []


def _trim_journal(database: Database, cutoff: float, most_bytes: int) -> int:
    """How many frames were deleted."""
    held = database.rows("SELECT value FROM counters WHERE name = ?", (JOURNAL_BYTES,))
    excess = held[0][0] - most_bytes if held else 0
    last, freed, count = 0, 0, 0
    for n, time, size in database.rows(_OLDEST_FRAMES, (_CHUNK,)):
        if time >= cutoff and freed >= excess:
            break
        last, freed, count = n, freed + size + ROW_BYTES, count + 1
    if count:
        with database as execute:
            execute("DELETE FROM journal WHERE n <= ?", (last,))
            execute("UPDATE counters SET value = value - ? WHERE name = ?", (freed, JOURNAL_BYTES))
    return count


def _trim_alerts(database: Database, cutoff: float, last_cutoff: float) -> int:
    """How many alerts were deleted, with their deliveries."""
    values = (cutoff, last_cutoff, _CHUNK, PLACES, json.dumps(open_incidents(database)))
    if not database.rows(_OLD_ALERTS, values):
        return 0
    with database as execute:
        old = execute(_OLD_ALERTS, values).fetchall()
        for (n,) in old:
            execute("DELETE FROM deliveries WHERE n BETWEEN ?1 AND ?1 + ?2 - 1", (n * PLACES, PLACES))
            execute("DELETE FROM alerts WHERE n = ?", (n,))
    return len(old)


def _trim_dead(database: Database, cutoff: float) -> None:
    sql = "FROM dead WHERE time < ?1 OR n <= (SELECT max(n) FROM dead) - ?2"
    if database.rows(f"SELECT 1 {sql} LIMIT 1", (cutoff, DEAD_FRAMES)):
        with database as execute:
            execute(f"DELETE {sql}", (cutoff, DEAD_FRAMES))
