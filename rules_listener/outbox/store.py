"""The listener's side of the store: what must not be lost, committed before supervisord is answered.

1. An event's alerts, their deliveries, the failures that caused it and its position are committed together or not at
   all.
2. No alert is ever refused for its id or its text: an id that is taken gets a suffix, a character that is none in
   UTF-8 becomes U+FFFD.
3. Whatever goes wrong is a `StoreError`; nothing was then written, and the same call may be made again.
4. What commits leave in the write-ahead log is moved into the file by the courier; the listener does so only when
   there is far too much of it.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rules_listener.event.record import to_record
from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.outbox.database import Database, Durability, Execute
from rules_listener.outbox.order import INSERT_WAITING
from rules_listener.outbox.position import Epoch, Position
from rules_listener.outbox.schema import PLACES

JOURNAL_BYTES = "journal_bytes"
"""The counter of the bytes that the journal holds."""

DEAD = "dead"
"""The counter of dead frames."""

ROW_BYTES = 32
"""What a row of the journal takes besides its header and payload, about."""

_CHECKPOINT_PAGES = 20_000
_HISTORY_ROWS = 500

_INSERT_ALERT = "INSERT INTO alerts (time, rule, key, kind, severity, event, held) VALUES (?, ?, ?, ?, ?, ?, ?)"
_INSERT_HELD = (
    "INSERT INTO deliveries (id, n, alert, channel, key, text, arguments, since, changed, state, attempts, reason)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 'held', 0, ?9)"
)
_SET_POSITION = "UPDATE position SET pid = ?, start_time = ?, pool = ?, serial = ?, poolserial = ? WHERE n = 1"
_COUNT = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"


class Received(NamedTuple):
    """A frame with the moment at which it came, in seconds since 1970."""

    time: float
    frame: Frame


class Failure(NamedTuple):
    """A delivery was given up, and the listener has still to raise that as an event."""

    n: int
    channel: str
    reason: str
    attempts: int


class Store:
    """The store in `folder`, as the listener writes it. It is opened when it is first used, or by `open`."""

    def __init__(self, folder: Path, *, durability: Durability = "process") -> None:
        self._database = Database(folder, durability=durability, checkpoint_pages=_CHECKPOINT_PAGES)
        self._dumps: Callable[[object], str] | None = None

    def open(self) -> None:
        """Open the file now, again if it is open; it and its folder are made if they are not there.

        Raises:
            StoreError: it can't be made, opened or understood; the text says what to do.
        """
        self._database.open()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def commit(
        self, alerts: Sequence[Alert], position: Position | None, *, time: float, taken_failures: Sequence[int] = ()
    ) -> None:
        """Keep, at `time`, what an event caused, its position, and that the failures with these numbers were taken.

        Raises:
            StoreError: nothing was kept.
        """
        try:
            self._commit(alerts, position, time, taken_failures)
        except UnicodeEncodeError:
            self._commit([_encodable(alert) for alert in alerts], position, time, taken_failures)

    def journal(
        self, rows: Sequence[Received], position: Position | None, *, counts: Mapping[str, int] | None = None
    ) -> None:
        """Keep frames as they came, and add `counts` to the counters (`event:TYPE`, `lost`, `dropped`).

        Raises:
            StoreError: nothing was kept.
        """
        sizes = (len(frame.header) + len(frame.payload) + ROW_BYTES for _, frame in rows)
        counted = {**(counts or {}), JOURNAL_BYTES: sum(sizes)}
        with self._database as execute:
            for time, frame in rows:
                execute("INSERT INTO journal (time, header, payload) VALUES (?, ?, ?)", (time, *frame))
            for counter in counted.items():
                execute(_COUNT, counter)
            _set_position(execute, position)

    def bury(self, frame: Frame, reason: str, *, time: float, position: Position | None) -> None:
        """Keep a frame that can't be handled, count it, and go on behind it.

        Raises:
            StoreError: it was not kept.
        """
        reason = _utf8(reason)
        with self._database as execute:
            execute("INSERT INTO dead (time, reason, header, payload) VALUES (?, ?, ?, ?)", (time, reason, *frame))
            execute(_COUNT, (DEAD, 1))
            _set_position(execute, position)

    def position(self) -> Position | None:
        """The position that was committed last.

        Raises:
            StoreError: the file can't be read.
        """
        ((pid, start_time, pool, serial, poolserial),) = self._database.rows(
            "SELECT pid, start_time, pool, serial, poolserial FROM position"
        )
        return None if pid is None else Position(Epoch(pid, start_time, pool), serial, poolserial)

    def failures(self, limit: int = 100) -> list[Failure]:
        """The oldest failures that no commit has taken yet.

        Raises:
            StoreError: the file can't be read.
        """
        rows = self._database.rows("SELECT n, channel, reason, attempts FROM failures ORDER BY n LIMIT ?", (limit,))
        return [Failure(*row) for row in rows]

    def history(self, since: float) -> Iterator[Received]:
        """The journal from the first frame at or after `since` (seconds since 1970) on, oldest first.

        Raises:
            StoreError: the file can't be read.
        """
        rows = self._database.rows("SELECT coalesce(min(n), 0) - 1 FROM journal WHERE time >= ?", (since,))
        last = rows[0][0]
        while last >= 0 and (rows := self._database.rows(_PART_OF_JOURNAL, (last, _HISTORY_ROWS))):
            yield from (Received(time, Frame(header, payload)) for _, time, header, payload in rows)
            last = rows[-1][0]

    def _commit(
        self, alerts: Sequence[Alert], position: Position | None, time: float, taken_failures: Sequence[int]
    ) -> None:
        with self._database as execute:
            for alert in alerts:
                self._insert(execute, alert, time)
            for n in taken_failures:
                execute("DELETE FROM failures WHERE n = ?", (n,))
            _set_position(execute, position)

    def _insert(self, execute: Execute, alert: Alert, now: float) -> None:
        dumps = self._dumps or self._load_json()
        held, key = alert.held, alert.key
        event = dumps(to_record(alert.event))
        row = execute(_INSERT_ALERT, (alert.time, alert.rule, key, alert.kind, alert.severity, event, held)).lastrowid
        for n, delivery in enumerate(alert.deliveries, (row or 0) * PLACES):
            arguments = dumps(delivery.arguments) if delivery.arguments else "[]"
            values = (n, row, delivery.channel, key, delivery.text, arguments, now)
            if held is None:
                _insert_delivery(execute, INSERT_WAITING, delivery.id, values)
            else:
                _insert_delivery(execute, _INSERT_HELD, delivery.id, (*values, held))

    def _load_json(self) -> Callable[[object], str]:
        from json import dumps  # noqa: PLC0415 - a listener that never alerts does not pay for it at its start

        self._dumps = dumps
        return dumps


_PART_OF_JOURNAL = "SELECT n, time, header, payload FROM journal WHERE n > ? ORDER BY n LIMIT ?"


def _set_position(execute: Execute, position: Position | None) -> None:
    if position is not None:
        epoch, serial, poolserial = position
        execute(_SET_POSITION, (*epoch, serial, poolserial))


def _insert_delivery(execute: Execute, sql: str, identifier: str, values: tuple[object, ...]) -> None:
    try:
        execute(sql, (identifier, *values))
    except sqlite3.IntegrityError:
        execute(sql, (_free_id(execute, identifier), *values))


def _free_id(execute: Execute, identifier: str) -> str:
    suffix = 2
    while execute("SELECT 1 FROM deliveries WHERE id = ?", (f"{identifier}-{suffix}",)).fetchone():
        suffix += 1
    return f"{identifier}-{suffix}"


def _encodable(alert: Alert) -> Alert:
    """The same alert in characters that UTF-8 has; event and arguments are escaped as JSON anyway."""
    return Alert(
        alert.time,
        _utf8(alert.rule),
        _utf8(alert.key),
        alert.kind,
        alert.severity,
        alert.event,
        tuple(
            Delivery(delivery.id, _utf8(delivery.channel), _utf8(delivery.text), delivery.arguments)
            for delivery in alert.deliveries
        ),
        alert.held and _utf8(alert.held),
    )


def _utf8(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
