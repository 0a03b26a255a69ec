"""The store in figures, for whoever watches the listener: quickly read, however much waits.

1. Everything is read at one moment, and nothing is written. Neither listener nor courier waits for it.
2. What no courier has expanded yet waits all the same.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rules_listener.match.engine import FORMAT
from rules_listener.outbox.database import ReadOnlyDatabase, Row, Rows

_COUNTERS = "SELECT name, value FROM counters"
_LAST_EVENT = "SELECT time FROM journal ORDER BY n DESC LIMIT 1"
_OPEN = (
    "SELECT json_extract(track.value, '$[0]') AS rule, sum(json_array_length(opened.value, '$[0]'))"
    " FROM memory, json_each(memory.state, '$.rules') AS meaning, json_each(meaning.value) AS track,"
    " json_each(track.value, '$[2]') AS opened"
    " WHERE json_extract(memory.state, '$.format') = ? GROUP BY rule"
)
"""How many alerts are open, by rule: in SQLite, where it keeps no other thread from working."""
_WAITING = (
    "SELECT channel, count(*), min(since) FROM deliveries WHERE state IN ('waiting', 'sending') GROUP BY channel"
    " UNION ALL SELECT json_extract(value, '$[1]') AS channel, count(*), min(since) FROM alerts, json_each(deliveries)"
    " WHERE n > (SELECT alert FROM progress) AND held IS NULL GROUP BY channel"
)


class Queued(NamedTuple):
    """What waits for a channel or is just being sent: how many deliveries, the oldest since when (since 1970)."""

    length: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Figures:
    """How things stand: `counters` by their names, `open_alerts` by rule, `queues` by channel where anything waits.

    `last_event` is when the last event came that is in the journal, in seconds since 1970; None if there is none.
    """

    counters: Mapping[str, int]
    open_alerts: Mapping[str, int]
    queues: Mapping[str, Queued]
    last_event: float | None


def read_figures(folder: Path) -> Figures:
    """The figures of the store in `folder`.

    Raises:
        StoreError: there is no store, or it can't be read.
    """
    return ReadOnlyDatabase(folder).read(_figures)


def store_bytes(folder: Path) -> int:
    """What the files of the state folder hold, in bytes; one that goes away meanwhile holds nothing."""
    return sum(map(_bytes, folder.iterdir()))


def _bytes(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _figures(rows: Rows) -> Figures:
    return Figures(
        counters=dict(rows(_COUNTERS)),
        open_alerts=dict(rows(_OPEN, (FORMAT,))),
        queues=_queues(rows(_WAITING)),
        last_event=next((time for (time,) in rows(_LAST_EVENT)), None),
    )


def _queues(rows: list[Row]) -> dict[str, Queued]:
    """What is expanded and what is not, together."""
    queues: dict[str, Queued] = {}
    for channel, length, oldest in rows:
        known = queues.get(channel, Queued(0, oldest))
        queues[channel] = Queued(known.length + length, min(known.oldest, oldest))
    return queues
