"""What the engine knew when the listener ended, however that ended.

1. The engine's memory as it was last written, then each frame of the journal after it, then those of the tail, which go
   into the journal at last; then all deadlines up to the last firing that was committed. What fires meanwhile has been
   committed before, and is dropped.
2. An event whose alerts were committed, and that was not noted as handled, comes again: it is yet to be told to the
   engine, and only to the engine.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from rules_listener.base.errors import ProtocolError, StoreError
from rules_listener.event.record import event_of
from rules_listener.event.wire import Frame, decode_header
from rules_listener.match.engine import Engine
from rules_listener.outbox.counters import EVENT, TAIL, counter
from rules_listener.outbox.position import Position
from rules_listener.outbox.rows import unpack
from rules_listener.outbox.store import Received, Store
from rules_listener.outbox.tail import Tail


class Restored(NamedTuple):
    """What a start finds.

    `committed` is the last event with alerts. `handled` was all done but for its answer; `untold` was committed, but
    the engine has yet to hear of it.
    """

    committed: Position | None = None
    handled: Position | None = None
    untold: Position | None = None


class Past:
    """What the last listener left: the store, the tail, and the event that was in flight."""

    def __init__(self, store: Store, tail: Tail, in_flight: Position | None, report: Callable[[str], None]) -> None:
        self._store = store
        self._tail = tail
        self._in_flight = in_flight
        self._report = report

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
        left = [entry.received for entry in found if any(entry.received.frame)]
        for received in store.history_after(memory[0] if memory else 0):
            self._tell(engine, received)
        kinds = [self._tell(engine, received) for received in left]
        counts = Counter(counter(EVENT, kind) for kind in kinds if kind)
        alerts = [row for entry in found if entry.alerts for row in unpack(entry.alerts)]
        store.journal(left, counts=counts, notes={TAIL: tail.generation}, alerts=alerts)
        tail.clear()
        last = store.last_alert_time()
        if last is not None and last <= now:
            engine.advance(last)

    def _tell(self, engine: Engine, received: Received) -> str:
        """The event's type; empty if it was left out."""
        try:
            event = event_of(received.frame, received.time)
            engine.feed(event)
        except Exception as error:  # noqa: BLE001 - what could not be digested before is not digested now
            self._report(f"an event of the journal was left out: {type(error).__name__}: {error}")
            return ""
        return event.type


def numbers(frame: Frame) -> tuple[object, object]:
    """An event's numbers within supervisord and within the pool; None where they can't be read."""
    try:
        header = decode_header(frame.header)
    except (ProtocolError, UnicodeDecodeError):
        return None, None
    return header.get("serial"), header.get("poolserial")
