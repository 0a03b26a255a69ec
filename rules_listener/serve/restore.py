"""What the engine knew when the listener ended, however that ended.

1. The engine's memory as it was last written, then each frame of the journal after it, then those of the tail, which go
   into the journal at last; then all deadlines up to the last firing that was committed. What fires meanwhile has been
   committed before, and is dropped; but for the last event of the tail, if its alerts are owed: they are made now. If
   that ends the listener too, again and again, the event is set aside.
2. An event whose alerts were committed, and that was not noted as handled, comes again: it is yet to be told to the
   engine, and only to the engine.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rules_listener.base.errors import ProtocolError, StoreError
from rules_listener.event.record import event_of
from rules_listener.event.wire import NO_FRAME, Frame, decode_header
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.outbox.alert import alerts_of
from rules_listener.outbox.counters import EVENT, TAIL, counter
from rules_listener.outbox.database import Row
from rules_listener.outbox.position import Position, PositionFile
from rules_listener.outbox.rows import alert_rows, unpack
from rules_listener.outbox.store import Received, Store
from rules_listener.outbox.tail import OWED, Entry, Tail

MAX_ATTEMPTS = 2
"""How often an event may end the listener. Once can be chance (a kill from outside); twice is the event."""


class Restored(NamedTuple):
    """What a start finds.

    `committed` is the last event with alerts. `handled` was all done but for its answer; `untold` was committed, but
    the engine has yet to hear of it.
    """

    committed: Position | None = None
    handled: Position | None = None
    untold: Position | None = None


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
        self._in_flight = notes.in_flight
        self._noted = notes.in_flight or notes.last
        self._report = report
        self._default_channels = default_channels

    def restore(self, engine: Engine, now: float) -> Restored:
        """Give the engine back what it knew. A store that can't be read knows nothing, and the operator is told."""
        in_flight = self._in_flight
        try:
            self._remember(engine, now)
            committed = self._store.position()
            last = self._store.last_frame()
        except StoreError as error:
            self._report(f"the store can't be read: {error}")
            return Restored()
        if in_flight is not None and last is not None and numbers(last) == in_flight[1:]:
            return Restored(committed, handled=in_flight)
        return Restored(committed, untold=in_flight if in_flight == committed else None)

    def _remember(self, engine: Engine, now: float) -> None:
        store, tail = self._store, self._tail
        found, tail.found = tail.found, []
        memory = store.memory()
        if memory is not None:
            engine.adopt(json.loads(memory[1]))
        if store.journalled_tail() >= tail.generation:
            found = []
        debt, attempts = _debt(found)
        left = [entry.received for entry in found if any(entry.received.frame)]
        for received in store.history_after(memory[0] if memory else 0):
            self._tell(engine, received)
        told = [self._tell(engine, received)[0] for received in (left[:-1] if debt else left)]
        rows = _rows(found)
        last = rows[-1][0] if rows else store.last_alert_time()
        if last is not None and last <= now:
            engine.advance(last)
        if debt is not None:
            kind, owed = self._owed(engine, debt, now, attempts)
            told.append(kind)
            rows += owed
        counts = Counter(counter(EVENT, kind) for kind in told if kind)
        store.journal(left, counts=counts, notes={TAIL: tail.generation}, alerts=rows)
        tail.clear()

    def _owed(self, engine: Engine, received: Received, now: float, attempts: int) -> tuple[str, list[Row]]:
        """Type and alerts of an event that may have been answered, and whose own listener did not come to keep them."""
        if attempts >= MAX_ATTEMPTS:
            reason = f"it ended the listener {attempts} times"
            self._store.bury(received.frame, reason, time=now)
            self._report(f"an event was set aside as a dead frame: {reason}")
            return "", []
        self._tail.append(Received(now, NO_FRAME), OWED)
        kind, firings = self._tell(engine, received)
        alerts = [alert for firing in firings for alert in alerts_of(firing, self._default_channels)]
        noted = self._noted
        position = noted if noted is not None and numbers(received.frame) == noted[1:] else None
        return kind, alert_rows(alerts, position, now)

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


def _rows(entries: Sequence[Entry]) -> list[Row]:
    """The alerts in some entries."""
    return [row for entry in entries if entry.alerts not in (b"", OWED) for row in unpack(entry.alerts)]


def numbers(frame: Frame) -> tuple[object, object]:
    """An event's numbers within supervisord and within the pool; None where they can't be read."""
    try:
        header = decode_header(frame.header)
    except (ProtocolError, UnicodeDecodeError):
        return None, None
    return header.get("serial"), header.get("poolserial")
