"""The listener's side of the store: what must not be lost, written in transactions; the keeper says when.

1. An event's alerts, its position with each of them, and the failures that caused it are committed together or not at
   all. What the courier needs beyond that is its own work: see `expand`.
2. Whatever goes wrong is a `StoreError`; nothing was then written, and the same call may be made again.
3. What commits leave in the write-ahead log is moved into the file by the courier; the listener does so only when
   there is far too much of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.counters import COUNT, DEAD, JOURNAL_BYTES, NOTE, TAIL
from rules_listener.outbox.database import Database, Durability, Row, utf8
from rules_listener.outbox.position import Epoch, Position
from rules_listener.outbox.rows import INSERT, alert_rows, encodable

ROW_BYTES = 32
"""What a row of the journal takes besides its header and payload, about."""

FAILURES_AT_ONCE = 100
BRIEF_TRIES = 1000
"""How often a listener that runs asks for a lock: for 0.2 s and more, then again a second later."""

_CHECKPOINT_PAGES = 20_000
_HISTORY_ROWS = 500

_NEW_POSITION = (
    "SELECT pid, start_time, pool, serial, poolserial FROM alerts"
    " WHERE pid IS NOT NULL AND n > (SELECT alert FROM progress) ORDER BY n DESC LIMIT 1"
)
_OLD_POSITION = "SELECT pid, start_time, pool, serial, poolserial FROM progress WHERE pid IS NOT NULL"

_INSERT_FRAME = "INSERT INTO journal (time, header, payload) VALUES (?, ?, ?)"
_INSERT_DEAD = "INSERT INTO dead (time, reason, header, payload) VALUES (?, ?, ?, ?)"
_TAKE_FAILURE = "DELETE FROM failures WHERE n = ?"
_REMEMBER = "INSERT OR REPLACE INTO memory SELECT 1, coalesce(max(n), 0), ? FROM journal"


class Received(NamedTuple):
    """A frame with the moment at which it came, in seconds since 1970."""

    time: float
    frame: Frame


class Dead(NamedTuple):
    """A frame that can't be handled, why, and when that was found out (seconds since 1970)."""

    time: float
    reason: str
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

    def open(self) -> None:
        """Open the file now, again if it is open; it and its folder are made if they are not there.

        Raises:
            StoreError: it can't be made, opened or understood; the text says what to do.
        """
        self._database.open()

    def wait_briefly(self) -> None:
        """From now on, wait only for a moment if another process has the file locked: events are waiting, too."""
        self._database.lock_tries = BRIEF_TRIES

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def commit(
        self, alerts: Sequence[Alert], position: Position | None, *, time: float, taken_failures: Sequence[int] = ()
    ) -> None:
        """Keep, at `time`, what the event at `position` caused, and that the failures with these numbers were taken.

        The listener's own events have no position. Without an alert, no position is kept.

        Raises:
            StoreError: nothing was kept.
        """
        self.commit_rows(alert_rows(alerts, position, time), taken_failures)

    def commit_rows(self, rows: Sequence[Row], taken_failures: Sequence[int] = ()) -> None:
        """Keep alerts that are rows already (see `rows`).

        Raises:
            StoreError: nothing was kept.
        """
        self.journal([], alerts=rows, taken_failures=taken_failures)

    def journal(  # noqa: PLR0913 - all that one transaction can hold
        self,
        rows: Sequence[Received],
        *,
        counts: Mapping[str, int] | None = None,
        notes: Mapping[str, int] | None = None,
        alerts: Sequence[Row] = (),
        dead: Sequence[Dead] = (),
        taken_failures: Sequence[int] = (),
        state: str | None = None,
    ) -> None:
        """Keep frames as they came, add `counts` to the counters, and set those of `notes`.

        `alerts` are rows of those that they caused (see `rows`), `dead` are frames that can't be handled,
        `taken_failures` the numbers of failures that are no longer to be raised; `state` is what the engine remembers
        after all that. What is in the tail comes with a note of its generation (`TAIL`).

        Raises:
            StoreError: nothing was kept.
        """
        size = sum(len(frame.header) + len(frame.payload) + ROW_BYTES for _, frame in rows)
        counted = {**(counts or {}), JOURNAL_BYTES: size, **({DEAD: len(dead)} if dead else {})}

        def write(alerts: Sequence[Row]) -> None:
            with self._database as execute:
                self._database.execute_many(INSERT, alerts)
                self._database.execute_many(_INSERT_FRAME, ((time, *frame) for time, frame in rows))
                self._database.execute_many(_INSERT_DEAD, ((time, utf8(why), *frame) for time, why, frame in dead))
                self._database.execute_many(_TAKE_FAILURE, ((n,) for n in taken_failures))
                self._database.execute_many(COUNT, counted.items())
                self._database.execute_many(NOTE, (notes or {}).items())
                if state is not None:
                    execute(_REMEMBER, (state,))

        try:
            write(alerts)
        except UnicodeEncodeError:
            write([encodable(row) for row in alerts])

    def bury(self, frame: Frame, reason: str, *, time: float) -> None:
        """Keep a frame that can't be handled, and count it.

        Raises:
            StoreError: it was not kept.
        """
        self.journal([], dead=[Dead(time, reason, frame)])

    def position(self) -> Position | None:
        """The position of the last alert that has one, even if that alert is deleted by now.

        Raises:
            StoreError: the file can't be read.
        """
        for *epoch, serial, poolserial in self._database.rows(_NEW_POSITION) or self._database.rows(_OLD_POSITION):
            return Position(Epoch(*epoch), serial, poolserial)
        return None

    def failures(self, limit: int = FAILURES_AT_ONCE) -> list[Failure]:
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
        if rows[0][0] >= 0:
            yield from self.history_after(rows[0][0])

    def memory(self) -> tuple[int, str] | None:
        """What the engine remembered last, and the number of the frame after which that was; None if nothing.

        Raises:
            StoreError: the file can't be read.
        """
        rows = self._database.rows("SELECT frame, state FROM memory")
        return rows[0] if rows else None

    def journalled_tail(self) -> int:
        """The last generation of the tail that the journal has; 0 if there is none.

        Raises:
            StoreError: the file can't be read.
        """
        rows = self._database.rows("SELECT value FROM counters WHERE name = ?", (TAIL,))
        return int(rows[0][0]) if rows else 0

    def last_alert_time(self) -> float | None:
        """The time of the firing that was committed last, in seconds since 1970; None if there is none.

        Raises:
            StoreError: the file can't be read.
        """
        rows = self._database.rows("SELECT time FROM alerts ORDER BY n DESC LIMIT 1")
        return rows[0][0] if rows else None

    def last_frame(self) -> Frame | None:
        """The last frame of supervisord's in the journal.

        Raises:
            StoreError: the file can't be read.
        """
        rows = self._database.rows("SELECT header, payload FROM journal WHERE header <> x'' ORDER BY n DESC LIMIT 1")
        return Frame(*rows[0]) if rows else None

    def history_after(self, frame: int) -> Iterator[Received]:
        """The journal after the frame with this number, oldest first.

        Raises:
            StoreError: the file can't be read.
        """
        while rows := self._database.rows(_PART_OF_JOURNAL, (frame, _HISTORY_ROWS)):
            yield from (Received(time, Frame(header, payload)) for _, time, header, payload in rows)
            frame = rows[-1][0]


_PART_OF_JOURNAL = "SELECT n, time, header, payload FROM journal WHERE n > ? ORDER BY n LIMIT ?"
