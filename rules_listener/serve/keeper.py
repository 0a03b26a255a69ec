"""Gives the store what it has to keep, and keeps it in memory while the store can't take it.

1. Nothing here raises for a store that fails: it is reported once, tried again each second, and reported when it works.
2. Alerts are committed in the order in which they came. What waits in memory is bounded; the oldest of it is dropped
   first, and counted.
3. An event is in the tail before it is answered, with a note that its alerts are owed. If there are any, they are made
   while supervisord prepares the next event, and are in the tail before that is taken: after a `kill -9` in between,
   the next start makes them of the event. They are in the store some milliseconds later, many at a time in a burst.
4. Where that would not do (a power cut has to be survived, the tail is no file or has no room) alerts are committed one
   event at a time, before the answer.
5. The journal is written in batches, after the answers; until then it is in the tail, which outlives the process. Now
   and then what the engine remembers is written with it, so that a start has little to go through again.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rules_listener.base.clock import Clock
from rules_listener.base.errors import StoreError
from rules_listener.event.wire import NO_FRAME, Frame
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.counters import EVENT, NO_ROOM, TAIL, counter
from rules_listener.outbox.database import Row
from rules_listener.outbox.position import Position
from rules_listener.outbox.rows import alert_rows, pack
from rules_listener.outbox.store import Failure, Received, Store
from rules_listener.outbox.tail import OWED, Tail

if TYPE_CHECKING:
    from rules_listener.serve.timing import Timing

Report = Callable[[str], None]

RETRY_S = 1.0
BATCH_ROWS = 512
BATCH_BYTES = 1_000_000
BATCH_S = 0.5
BATCH_ALERTS = 64
ALERTS_S = 0.005
"""How long an alert is in the tail alone, at most."""
REMEMBER_S = 10.0
REMEMBER_SHARE = 0.01
"""How often the engine's memory is written, at most, and never so often that it takes more than this share of time."""
_ALERT_BYTES = 1000
"""What an alert takes in memory besides its texts, about."""


class Keeper:
    """Stands before `store`. `memory_limit` is in bytes; `report` takes a line for the operator.

    `committed` is called when there are new alerts in the store. Without `in_batches`, they are before this returns.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        store: Store,
        tail: Tail,
        clock: Clock,
        *,
        memory_limit: int,
        report: Report,
        committed: Callable[[], None],
        in_batches: bool = True,
    ) -> None:
        self.remembered: Callable[[], str] | None = None
        """What the engine remembers, as text; None as long as there is no engine."""
        self.timing: Timing | None = None
        """How long answers take; None where nobody asks for that."""
        self._store = store
        self._tail = tail
        self._remember_at = clock.monotonic() + REMEMBER_S
        self._not_before = 0.0
        self._clock = clock
        self._memory_limit = memory_limit
        self._report = report
        self._committed = committed
        self._in_batches = in_batches
        self._alerts: list[Row] = []
        self._owed: Callable[[], Sequence[Row]] | None = None
        self._waiting: deque[tuple[Callable[[], None], int, int]] = deque()
        self._waiting_bytes = 0
        self._trouble = ""
        self._dropped = 0
        self._retry_at = 0.0
        self._rows: list[Received] = []
        self._counts: Counter[str] = Counter()
        self._notes: dict[str, int] = {}
        self._types: dict[str, int] = {}
        self._row_bytes = 0
        self._flush_at = 0.0

    def owe(self, received: Received, kind: str, alerts: Callable[[], Sequence[Row]]) -> bool:
        """Keep the frame of an event; the rows of its alerts, if there are any, are made by `alerts` when that is paid.

        When this returns, `kill -9` leaves all that they are made of. False: it was not kept, as that is not sure.
        """
        if not self._in_batches or self._trouble or not self._append(received, OWED):
            return False
        self._note(received, kind)
        self._owed = alerts
        return True

    def pay(self) -> None:
        """Keep the alerts that are owed, if there are any; before another event is taken."""
        if self._owed is None:
            return
        owed, self._owed = self._owed, None
        rows = owed()
        if not rows:
            return
        self._alerts += rows
        self._flush_soon()
        if not self._tail.append(Received(self._clock.time(), NO_FRAME), pack(rows)):
            self.flush(between_events=False)

    def _flush_soon(self) -> None:
        soon = self._clock.monotonic() + ALERTS_S
        self._flush_at = min(self._flush_at or soon, soon)

    def keep(self, received: Received, kind: str, alerts: Sequence[Alert], position: Position | None) -> None:
        """Keep what an event of a type caused, and its frame. When this returns, `kill -9` leaves all of it.

        The frame is empty where time alone caused it; then there is nothing for the journal.
        """
        rows = alert_rows(alerts, position, self._clock.time())
        if self._in_batches and not self._trouble and self._append(received, pack(rows)):
            self._alerts += rows
            self._flush_soon()
            if any(received.frame):
                self._note(received, kind)
            return
        self.commit(rows)
        if any(received.frame):
            self.journal(received, kind)

    def commit(self, rows: Sequence[Row], taken_failures: Sequence[int] = ()) -> None:
        """Keep alerts; when this returns they are in the store, or in memory and the operator knows."""
        self.flush(between_events=False)
        if not self._waiting:
            try:
                self._store.commit_rows(rows, taken_failures)
            except StoreError as error:
                self._fail(error)
            else:
                self._committed()
                return
        self._hold_rows(rows, taken_failures)

    def _hold_rows(self, rows: Sequence[Row], taken_failures: Sequence[int] = ()) -> None:
        def write() -> None:
            self._store.commit_rows(rows, taken_failures)

        self._hold(write, len(rows), sum(map(_size, rows)))

    def bury(self, frame: Frame, reason: str) -> None:
        """Keep a dead frame."""
        now = self._clock.time()

        def write() -> None:
            self._store.bury(frame, reason, time=now)

        self._hold(write, 0, len(frame.payload) + _ALERT_BYTES)
        if not self._trouble:
            self._retry()

    def _hold(self, write: Callable[[], None], alerts: int, size: int) -> None:
        """Keep something in memory until the store takes it."""
        self._waiting.append((write, alerts, size))
        self._waiting_bytes += size
        while self._waiting_bytes > self._memory_limit:
            _, alerts, size = self._waiting.popleft()
            self._waiting_bytes -= size
            self._dropped += alerts

    def _fail(self, error: StoreError) -> None:
        self._retry_at = self._clock.monotonic() + RETRY_S
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._report(f"the store can't be written, alerts wait in memory: {error}")

    def _retry(self) -> None:
        while self._waiting:
            write, _, size = self._waiting[0]
            try:
                write()
            except StoreError as error:
                self._fail(error)
                return
            self._waiting.popleft()
            self._waiting_bytes -= size
            self._committed()
        if self._trouble:
            self._recovered()

    def _recovered(self) -> None:
        dropped = f"; {self._dropped} alerts had to be dropped" if self._dropped else "; no alert was lost"
        self.count(NO_ROOM, self._dropped)
        self._report(f"the store works again{dropped}")
        self._trouble, self._dropped = "", 0

    def journal(self, received: Received, kind: str) -> None:
        """Note a frame that was handled for the journal, and count its type. When this returns, `kill -9` leaves it."""
        fits = self._append(received)
        self._note(received, kind)
        if not fits:
            self.flush()

    def _append(self, received: Received, alerts: bytes = b"") -> bool:
        """Append to the tail, which is emptied for it if need be; whether there was room."""
        if self._tail.append(received, alerts):
            return True
        if not self._rows and not self._alerts:
            return False
        self.flush(between_events=False)
        return self._tail.append(received, alerts)

    def _note(self, received: Received, kind: str) -> None:
        rows, types = self._rows, self._types
        if not rows:
            self._flush_at = self._flush_at or self._clock.monotonic() + BATCH_S
        rows.append(received)
        types[kind] = types.get(kind, 0) + 1
        self._row_bytes += len(received.frame.payload)

    @property
    def is_full(self) -> bool:
        """Whether it is time for `flush`, however busy it is."""
        return len(self._rows) >= BATCH_ROWS or self._row_bytes >= BATCH_BYTES or len(self._alerts) >= BATCH_ALERTS

    def remember_soon(self) -> None:
        """Write what the engine remembers with the next batch, unless that would take too much of the time."""
        self._remember_at = self._not_before
        self._flush_at = self._flush_at or max(self._not_before, self._clock.monotonic())

    def count(self, name: str, number: int) -> None:
        """Add to a counter, which is written with the journal."""
        self._counts[name] += number
        self._flush_at = self._flush_at or self._clock.monotonic() + BATCH_S

    def note(self, name: str, number: int) -> None:
        """Set what is noted under a name, which is written with the journal."""
        self._notes[name] = number
        self._flush_at = self._flush_at or self._clock.monotonic() + BATCH_S

    def flush(self, *, between_events: bool = True) -> None:
        """Write all that is in the tail now. If that fails, the journal is given up: alerts need the memory more.

        What the engine remembers is only written between events: else it might know of one that is in no journal yet.
        """
        self.pay()
        self._flush_at = 0.0
        self._take_counts()
        if not (self._rows or self._alerts or self._counts or self._notes or self._remembers_now):
            return
        rows, self._rows, self._row_bytes = self._rows, [], 0
        alerts, self._alerts = self._alerts, []
        if not self._trouble:
            self._write(rows, alerts, self._state() if between_events else None)
        self._tail.clear()

    def _take_counts(self) -> None:
        self._counts.update({counter(EVENT, kind): number for kind, number in self._types.items()})
        self._types.clear()
        if self.timing is not None:
            self._counts.update(self.timing.take())

    def _write(self, rows: list[Received], alerts: list[Row], state: str | None) -> None:
        notes = {**self._notes, TAIL: self._tail.generation}
        try:
            self._store.journal(rows, counts=self._counts, notes=notes, alerts=alerts, state=state)
        except StoreError as error:
            self._fail(error)
            for row in alerts:
                self._hold_rows([row])
            return
        self._forget_counts()
        if alerts:
            self._committed()

    @property
    def _remembers_now(self) -> bool:
        return self.remembered is not None and self._clock.monotonic() >= self._remember_at

    def _state(self) -> str | None:
        """What the engine remembers, if it is time to write that."""
        if self.remembered is None or not self._remembers_now:
            return None
        now = self._clock.monotonic()
        state = self.remembered()
        after = self._clock.monotonic()
        self._not_before = after + (after - now) / REMEMBER_SHARE
        self._remember_at = max(after + REMEMBER_S, self._not_before)
        return state

    def failures(self) -> list[Failure]:
        """Some deliveries that were given up and not yet raised as events; none while the store does not work."""
        if self._waiting:
            return []
        try:
            return self._store.failures()
        except StoreError as error:
            self._fail(error)
            return []

    @property
    def due(self) -> float | None:
        """When `work` has something to do, by the monotonic clock; None if nothing waits."""
        if self._trouble:
            return self._retry_at
        return self._flush_at or None

    def work(self) -> None:
        """Do what is due."""
        now = self._clock.monotonic()
        if self._trouble and now >= self._retry_at:
            self._retry_at = now + RETRY_S
            if self._waiting:
                self._retry()
            else:
                self._probe()
        if self._flush_at and now >= self._flush_at:
            self.flush()

    def _probe(self) -> None:
        """See whether the store works again, when only the journal had to find out that it does not."""
        try:
            self._store.journal([], counts=self._counts, notes=self._notes)
        except StoreError as error:
            self._fail(error)
        else:
            self._forget_counts()
            self._recovered()

    def _forget_counts(self) -> None:
        """They are written."""
        self._counts.clear()
        self._notes.clear()

    def close(self) -> None:
        """Write all that can be written, and close the store."""
        self._retry()
        self._remember_at = 0.0
        self.flush()
        if self._waiting:
            lost = sum(alerts for _, alerts, _ in self._waiting)
            self._report(f"{lost} alerts are lost: they were in memory when the listener ended ({self._trouble})")
        self._store.close()


def _size(row: Row) -> int:
    return _ALERT_BYTES + sum(len(value) for value in row if isinstance(value, str))
