"""Gives the store what it has to keep, and keeps it while the store can't take it.

1. Nothing here raises for a store that fails: it is reported once, tried again each second, and reported when it works.
2. The tail is emptied by the transaction that takes it into the store, and by nothing else: while the store fails, what
   comes is appended all the same, and any end of the process leaves it there. Only what no longer fits waits in memory,
   and nothing overtakes it. Memory is bounded; the oldest in it is dropped first, and counted.
3. An event is in the tail before it is answered, with a note that its alerts are owed. If there are any, they are made
   while supervisord prepares the next event, and are in the tail before that is taken: after a `kill -9` in between,
   the next start makes them of the event. They are in the store some milliseconds later, many at a time in a burst.
4. Where that would not do (a power cut has to be survived, the tail or the position is no file, or there is no room)
   alerts are committed one event at a time, before the answer.
5. The journal is written in batches, after the answers; until then it is in the tail, which outlives the process. Now
   and then what the engine remembers is written with it, so that a start has little to go through again.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from rules_listener.base.clock import Clock
from rules_listener.base.errors import StoreError
from rules_listener.event.wire import NO_FRAME, Frame
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.counters import EVENT, NO_ROOM, TAIL, counter
from rules_listener.outbox.database import Row
from rules_listener.outbox.position import Position
from rules_listener.outbox.rows import alert_rows, pack
from rules_listener.outbox.store import Dead, Failure, Received, Store
from rules_listener.outbox.tail import OWED, Tail
from rules_listener.serve.restore import Left

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


class _Waiting(NamedTuple):
    """What is written together, and waits for that in memory."""

    alerts: Sequence[Row] = ()
    dead: Sequence[Dead] = ()
    taken_failures: Sequence[int] = ()
    raised: Sequence[Received] = ()
    kind: str = ""
    """The type of the events that were raised."""

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        frames = [*(one.frame for one in self.dead), *(one.frame for one in self.raised)]
        return sum(_ALERT_BYTES + len(frame.payload) for frame in frames) + sum(map(_size, self.alerts))


class Keeper:
    """Stands before `store`. `memory_limit` is in bytes; `report` takes a line for the operator.

    `committed` is called when there are new alerts in the store. Without `in_batches`, they are before this returns.
    """

    remembered: Callable[[], str] | None = None
    """What the engine remembers, as text; None as long as there is no engine."""
    timing: "Timing | None" = None
    """How long answers take; None where nobody asks for that."""

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
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._held = 0
        """How many alerts wait in memory: nothing may overtake them."""
        self._trouble = ""
        self._dropped = 0
        self._retry_at = 0.0
        self._left: list[Left] = []
        """What is in the tail since the last listener, until the store can say whether it has that already."""
        self._dead: list[Dead] = []
        self._rows: list[Received] = []
        self._counts: Counter[str] = Counter()
        self._notes: dict[str, int] = {}
        self._types: dict[str, int] = {}
        self._row_bytes = 0
        self._flush_at = 0.0

    def inherit(self, left: Sequence[Left], error: StoreError) -> None:
        """Go on with what a start found in the tail, and could not write because of `error`."""
        self._left = [*left]
        self._fail(error)

    def owe(self, received: Received, kind: str, alerts: Callable[[], Sequence[Row]]) -> bool:
        """Keep the frame of an event; the rows of its alerts, if there are any, are made by `alerts` when that is paid.

        When this returns, `kill -9` leaves all that they are made of. False: it was not kept, as that is not sure.
        """
        if not self._in_batches or self._held or not self._append(received, OWED):
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
        if self._in_batches or not self._commit(rows):
            if self._keep_in_tail(received, kind, rows):
                return
            self._write_or_hold(_Waiting(rows))
        if any(received.frame):
            self.journal(received, kind)

    def _keep_in_tail(self, received: Received, kind: str, rows: Sequence[Row]) -> bool:
        """Append alerts to the tail with the frame that caused them, unless they would overtake others."""
        if self._held or not self._append(received, pack(rows)):
            return False
        self._alerts += rows
        self._flush_soon()
        if any(received.frame):
            self._note(received, kind)
        return True

    def _commit(self, rows: Sequence[Row]) -> bool:
        """Write alerts after all that is in the tail; whether that could be done."""
        self.flush(between_events=False)
        return not self._trouble and self._try(lambda: self._store.commit_rows(rows))

    def _try(self, write: Callable[[], None]) -> bool:
        """Let alerts be written; whether that could be done."""
        try:
            write()
        except StoreError as error:
            self._fail(error)
            return False
        self._committed()
        return True

    def take_failures(self, taken: Sequence[int], rows: Sequence[Row], raised: Sequence[Received], kind: str) -> None:
        """Keep the alerts of failures that were raised as events; the store forgets these failures with that."""
        self._write_or_hold(_Waiting(rows, (), taken, raised, kind))

    def bury(self, frame: Frame, reason: str) -> None:
        """Keep a dead frame."""
        self._write_or_hold(_Waiting(dead=[Dead(self._clock.time(), reason, frame)]))

    def _write_or_hold(self, waiting: _Waiting) -> None:
        """Keep something; when this returns it is in the store, or in memory and the operator knows."""
        self.flush(between_events=False)
        if self._trouble or not self._try(lambda: self._write_together([waiting])):
            self._hold(waiting)

    def _hold(self, waiting: _Waiting) -> None:
        """Keep something in memory until the store takes it."""
        self._waiting.append(waiting)
        self._waiting_bytes += waiting.size
        self._held += len(waiting.alerts)
        while self._waiting_bytes > self._memory_limit:
            self._dropped += len(self._let_go().alerts)

    def _let_go(self) -> _Waiting:
        """The oldest that waits in memory, which it does no longer."""
        first = self._waiting.popleft()
        self._waiting_bytes -= first.size
        self._held -= len(first.alerts)
        return first

    def _fail(self, error: StoreError) -> None:
        self._retry_at = self._clock.monotonic() + RETRY_S
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._report(f"the store can't be written, alerts wait in memory: {error}")

    def _retry(self) -> bool:
        """Write what is in the tail, then some of what waits in memory; whether that could be done."""
        if not self._write(None) or not self._write_waiting():
            return False
        if self._waiting:
            self._retry_at = self._clock.monotonic()
        elif self._trouble:
            self._recovered()
        return True

    def _write_waiting(self) -> bool:
        """Write the oldest of what waits in memory, in one transaction; whether that could be done."""
        some = list(islice(self._waiting, BATCH_ALERTS))
        if some and not self._try(lambda: self._write_together(some)):
            return False
        for _ in some:
            self._let_go()
        return True

    def _write_together(self, some: Sequence[_Waiting]) -> None:
        counts = Counter(counter(EVENT, one.kind) for one in some for _ in one.raised)
        self._store.journal(
            [received for one in some for received in one.raised],
            counts=counts,
            alerts=[row for one in some for row in one.alerts],
            dead=[dead for one in some for dead in one.dead],
            taken_failures=[n for one in some for n in one.taken_failures],
        )

    def _recovered(self) -> None:
        dropped = f"; {self._dropped} alerts had to be dropped" if self._dropped else "; no alert was lost"
        self.count(NO_ROOM, self._dropped)
        self._report(f"the store works again{dropped}")
        self._trouble, self._dropped = "", 0

    def journal(self, received: Received, kind: str) -> None:
        """Note a frame that was handled for the journal, and count its type. When this returns, `kill -9` leaves it."""
        fits = self._append(received)
        if not fits and self._trouble:
            self._types[kind] = self._types.get(kind, 0) + 1
            return
        self._note(received, kind)
        if not fits:
            self.flush()

    def _append(self, received: Received, alerts: bytes = b"") -> bool:
        """Append to the tail, which is emptied for it if need be; whether there was room."""
        if self._tail.append(received, alerts):
            return True
        if self._trouble:
            return False
        self.flush(between_events=False)
        return not self._trouble and self._tail.append(received, alerts)

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
        full = len(self._rows) >= BATCH_ROWS or self._row_bytes >= BATCH_BYTES or len(self._alerts) >= BATCH_ALERTS
        return full and not self._trouble

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
        """Write all that is in the tail now. If that fails, it stays there.

        What the engine remembers is only written between events: else it might know of one that is in no journal yet.
        """
        self.pay()
        self._flush_at = 0.0
        if self._trouble:
            return
        if self._has_news:
            self._write(self._state() if between_events else None)
        else:
            self._tail.clear()  # nothing is in it; but if something was too large for it, it takes nothing any more

    @property
    def _has_news(self) -> bool:
        """Whether there is anything that the store has yet to be told."""
        told = self._rows or self._alerts or self._dead or self._left
        return bool(told or self._types or self._counts or self._notes) or self._remembers_now

    def _take_counts(self) -> None:
        self._counts.update({counter(EVENT, kind): number for kind, number in self._types.items()})
        self._types.clear()
        if self.timing is not None:
            self._counts.update(self.timing.take())

    def _write(self, state: str | None) -> bool:
        """Write what is in the tail, which is empty then; whether that could be done. If not, the tail keeps it."""
        self._take_counts()
        try:
            self._take_over()
            self._store.journal(
                self._rows,
                counts=self._counts,
                notes={**self._notes, TAIL: self._tail.generation} if self._tail.survives else self._notes,
                alerts=self._alerts,
                dead=self._dead,
                state=state,
            )
        except StoreError as error:
            self._fail(error)
            return False
        self._written()
        return True

    def _take_over(self) -> None:
        """Add what the last listener left to what is written, unless the store has it."""
        if not self._left:
            return
        journalled = self._store.journalled_tail()
        left = [part for part in self._left if part.generation > journalled]
        self._left = []
        self._rows[:0] = [received for part in left for received in part.received]
        self._alerts[:0] = [row for part in left for row in part.alerts]
        self._dead += [dead for part in left for dead in part.dead]
        for part in left:
            self._counts.update(part.counts)

    def _written(self) -> None:
        """The store has what is in the tail."""
        alerts, self._alerts = self._alerts, []
        self._rows, self._row_bytes, self._dead = [], 0, []
        self._counts.clear()
        self._notes.clear()
        self._tail.clear()
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

    def failures(self) -> list[Failure] | None:
        """Some deliveries that were given up and not yet raised as events; None while the store does not work."""
        if self._trouble:
            return None
        try:
            return self._store.failures()
        except StoreError as error:
            self._fail(error)
            return None

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
            self._retry()
        if self._flush_at and now >= self._flush_at:
            self.flush()

    def close(self) -> None:
        """Write all that can be written, and close the store."""
        while self._trouble and self._retry():
            pass
        self._remember_at = 0.0
        self.flush()
        if self._trouble:
            self._report_rest()
        self._store.close()

    def _report_rest(self) -> None:
        """Say what became of the alerts that the store has not taken."""
        kept, lost = len(self._alerts) + sum(len(part.alerts) for part in self._left), self._held
        if not self._tail.survives:
            kept, lost = 0, lost + kept
        if kept:
            self._report(f"{kept} alerts are left to the next start, which finds them in the tail ({self._trouble})")
        if lost:
            self._report(f"{lost} alerts are lost: they were in memory when the listener ended ({self._trouble})")


def _size(row: Row) -> int:
    return _ALERT_BYTES + sum(len(value) for value in row if isinstance(value, str))
