"""What the engine knew when the listener ended, however that ended.

1. The engine's memory as it was last written, then each frame of the journal after it, then those of the tail, which go
   into the journal at last; then all deadlines up to the last firing that was committed. What fires meanwhile has been
   committed before, and is dropped; but for the last event of the tail, if its alerts are owed: they are made now, and
   appended to the tail. If that ends the listener too, again and again, the event is set aside, and never told again.
2. An event whose alerts were committed, and that was not noted as handled, comes again: it is yet to be told to the
   engine, and only to the engine.
3. A store that can't be read knows nothing, and the operator is told. What is in the tail is used all the same, and
   stays there until the store has taken it: that is then the keeper's work.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from rules_listener.base.errors import ProtocolError, StoreError
from rules_listener.event.record import event_of
from rules_listener.event.wire import NO_FRAME, Frame, decode_header
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.outbox.alert import alerts_of
from rules_listener.outbox.counters import EVENT, TAIL, counter
from rules_listener.outbox.database import Row
from rules_listener.outbox.position import Position, PositionFile
from rules_listener.outbox.rows import alert_rows, pack, unpack
from rules_listener.outbox.store import Dead, Received, Store
from rules_listener.outbox.tail import OWED, SET_ASIDE, Entry, Tail

Result = TypeVar("Result")

MAX_ATTEMPTS = 2
"""How often an event may end the listener. Once can be chance (a kill from outside); twice is the event."""
_ENDED_US = f"it ended the listener {MAX_ATTEMPTS} times"


class Restored(NamedTuple):
    """What a start finds.

    `committed` is the last event with alerts. `handled` was all done but for its answer; `untold` was committed, but
    the engine has yet to hear of it.
    """

    committed: Position | None = None
    handled: Position | None = None
    untold: Position | None = None


class Left(NamedTuple):
    """What is in the tail and not in the store, of one generation."""

    generation: int
    received: list[Received]
    alerts: list[Row]
    dead: list[Dead]
    counts: Counter[str]


class Past:
    """What the last listener left: the store, the tail, and the notes of the event that was in flight."""

    def __init__(
        self,
        store: Store,
        tail: Tail,
        notes: PositionFile,
        report: Callable[[str], None],
        default_channels: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._tail = tail
        self._notes = notes
        self._in_flight = notes.in_flight
        self._noted = notes.in_flight or notes.last
        self._report = report
        self._default_channels = default_channels
        self.left: list[Left] = []
        """What was in the tail."""
        self.error: StoreError | None = None
        """Why the store did not take that."""

    def restore(self, engine: Engine, now: float) -> Restored:
        """Give the engine back what it knew."""
        in_flight = self._in_flight
        journalled, last_alert = self._recall(engine)
        if journalled >= self._tail.generation:
            self._tail.clear(journalled)
        self._take(engine, self._tail.later_than(journalled), last_alert, now)
        handled = self._handled()
        self._write()
        committed = self._committed()
        return Restored(committed, handled, in_flight if in_flight == committed and handled is None else None)

    def _recall(self, engine: Engine) -> tuple[int, float | None]:
        """Tell the engine what the store knows; the tail's last generation in it, and the time of its last alert."""
        store = self._store
        try:
            journalled = store.journalled_tail()
            for received in store.history_after(self._adopted(engine)):
                self._tell(engine, received)
            return journalled, store.last_alert_time()
        except StoreError as error:
            self._report(f"the store can't be read: {error}")
            self.error = error
            return 0, None

    def _adopted(self, engine: Engine) -> int:
        """The number of the frame after which the engine remembered what it now adopts; 0 if it adopts nothing."""
        memory = self._store.memory()
        if memory is None:
            return 0
        try:
            engine.adopt(json.loads(memory[1]))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it would be wrong at each start
            self._report(f"what the rules remembered can't be read, and is forgotten: {type(error).__name__}: {error}")
            return 0
        return memory[0]

    def _take(
        self, engine: Engine, parts: Sequence[tuple[int, list[Entry]]], last_alert: float | None, now: float
    ) -> None:
        """Tell the engine what was in the tail; what it owes is made."""
        self.left = [_left(*part) for part in parts]
        debt, attempts = _debt([entry for _, entries in parts for entry in entries])
        for part in self.left:
            kinds = [self._tell(engine, received)[0] for received in part.received if received is not debt]
            part.counts.update(counter(EVENT, kind) for kind in kinds if kind)
        alerts = [row for part in self.left for row in part.alerts]
        last = alerts[-1][0] if alerts else last_alert
        if last is not None:
            engine.advance(last)
        if debt is not None and attempts < MAX_ATTEMPTS:
            self._pay(engine, debt, now)
        elif debt is not None:
            self._set_aside(debt, now)

    def _pay(self, engine: Engine, received: Received, now: float) -> None:
        """Make the alerts of an event that may have been answered, and whose own listener did not come to keep them."""
        mark = self._tail.end
        self._tail.append(Received(now, NO_FRAME), OWED)
        kind, firings = self._tell(engine, received)
        alerts = [alert for firing in firings for alert in alerts_of(firing, self._default_channels)]
        noted = self._noted
        position = noted if noted is not None and numbers(received.frame) == noted[1:] else None
        rows = alert_rows(alerts, position, now)
        if not self._tail.append(Received(now, NO_FRAME), pack(rows)):
            self._tail.cut(mark)  # else it would count as an end that these alerts had caused
        self.left[-1].alerts.extend(rows)
        self.left[-1].counts.update([counter(EVENT, kind)] if kind else [])

    def _set_aside(self, received: Received, now: float) -> None:
        """Let an event be a dead frame, and no part of the journal: nobody is to be told of it again."""
        self._tail.append(Received(now, NO_FRAME), SET_ASIDE)
        part = self.left[-1]
        part.received.pop()
        part.dead.append(Dead(now, _ENDED_US, received.frame))
        self._report(f"an event was set aside as a dead frame: {_ENDED_US}")

    def _write(self) -> None:
        """Let the store take what was in the tail. If it can't, that stays there, behind a border if need be."""
        if self.error is not None:
            self._tail.divide()
            return
        try:
            self._store.journal(
                [received for part in self.left for received in part.received],
                counts=sum((part.counts for part in self.left), Counter[str]()),
                notes={TAIL: self._tail.generation} if self._tail.survives else {},
                alerts=[row for part in self.left for row in part.alerts],
                dead=[dead for part in self.left for dead in part.dead],
            )
        except StoreError as error:
            self.error = error
        else:
            self._tail.clear()

    def _handled(self) -> Position | None:
        """The event that was in flight, if it is kept: then that is noted, for a start that can't ask the store."""
        in_flight, done, last = self._in_flight, self._notes.last, self._last_frame()
        if in_flight is None or last is None or numbers(last) != in_flight[1:]:
            return None
        of_another_life = done is not None and done.epoch != in_flight.epoch
        if done is not None and of_another_life and done[1:] == in_flight[1:]:
            return None  # the frame may be that of the other life, which had the same numbers
        before = -1 if done is None or of_another_life else done.poolserial
        if in_flight.poolserial == before + 1:  # else numbers were left out that may still come, or are lost
            self._notes.acknowledged()
        return in_flight

    def _last_frame(self) -> Frame | None:
        """The last frame of supervisord's, in the tail or else in the store; one that was set aside came last."""
        for part in reversed(self.left):
            frames = [*(one.frame for one in part.received), *(one.frame for one in part.dead)]
            if found := [frame for frame in frames if frame.header]:
                return found[-1]
        return self._asked(self._store.last_frame)

    def _committed(self) -> Position | None:
        """The last event with alerts that the store has."""
        return self._asked(self._store.position)

    def _asked(self, ask: Callable[[], Result | None]) -> Result | None:
        """What the store says, if it can be read."""
        try:
            return ask()
        except StoreError as error:
            self.error = self.error or error
            return None

    def _tell(self, engine: Engine, received: Received) -> tuple[str, list[Firing]]:
        """The event's type and what it fires; empty if it was left out."""
        try:
            event = event_of(received.frame, received.time)
            return event.type, engine.feed(event)
        except Exception as error:  # noqa: BLE001 - what could not be digested before is not digested now
            self._report(f"an event of the journal was left out: {type(error).__name__}: {error}")
            return "", []


def _debt(entries: Sequence[Entry]) -> tuple[Received | None, int]:
    """The event whose alerts are owed, and how often it ended a listener that was about to make them."""
    attempts = 1
    for entry in reversed(entries):
        if entry.alerts != OWED:
            break
        if any(entry.received.frame):
            return entry.received, attempts
        attempts += 1
    return None, 0


def _left(generation: int, entries: Sequence[Entry]) -> Left:
    """What some entries are."""
    left = Left(generation, [], [], [], Counter())
    for received, alerts in entries:
        if any(received.frame):
            left.received.append(received)
        if alerts == SET_ASIDE:
            left.dead.append(Dead(received.time, _ENDED_US, left.received.pop().frame))
        elif alerts not in (b"", OWED):
            left.alerts.extend(unpack(alerts))
    return left


def numbers(frame: Frame) -> tuple[object, object]:
    """An event's numbers within supervisord and within the pool; None where they can't be read."""
    try:
        header = decode_header(frame.header)
    except (ProtocolError, UnicodeDecodeError):
        return None, None
    return header.get("serial"), header.get("poolserial")
