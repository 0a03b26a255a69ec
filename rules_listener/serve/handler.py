"""What the listener does with one frame, between reading it and answering it.

1. When `receive` returns, the frame may be answered OK: it is kept, and so is what it caused, or that this is owed.
2. No frame is ever rejected. One that can't be decoded, that no engine can digest, or that ended the listener twice, is
   kept as a dead frame.
3. The listener's own events take the same way through the rules, and into the journal.
4. A frame is in the journal's tail before it is answered: what the engine knows, and what the event caused, can be
   found again after any end. So the engine hears of it when supervisord has its answer, and before the next frame.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from rules_listener.base.clock import Clock
from rules_listener.base.errors import ProtocolError
from rules_listener.event.event import Event, Value
from rules_listener.event.record import own_frame
from rules_listener.event.wire import NO_FRAME, Frame, decode_header, glance
from rules_listener.match.engine import Adopted, Engine
from rules_listener.match.firing import Firing
from rules_listener.outbox.alert import Alert, alerts_of
from rules_listener.outbox.counters import LOADED, LOST, REJECTED, REPEATED
from rules_listener.outbox.database import Row
from rules_listener.outbox.position import Position, PositionFile
from rules_listener.outbox.rows import alert_rows
from rules_listener.outbox.store import FAILURES_AT_ONCE, Failure, Received
from rules_listener.serve.keeper import RETRY_S, Keeper
from rules_listener.serve.restore import MAX_ATTEMPTS, Restored, numbers
from rules_listener.serve.sequence import Sequence as PoolSequence
from rules_listener.serve.timing import Timing

CLOCK_STEP_S = 0.5
"""From which difference on the clock was set, and not just adjusted."""

_FAILED = "LISTENER_DELIVERY_FAILED"

Report = Callable[[str], None]


class Handler:
    """Takes frames to the engine, and what comes out of it to the keeper."""

    def __init__(  # noqa: PLR0913 - the parts that it joins
        self,
        engine: Engine,
        keeper: Keeper,
        position_file: PositionFile,
        sequence: PoolSequence,
        *,
        restored: Restored,
        default_channels: Sequence[str],
        clock: Clock,
        report: Report,
    ) -> None:
        self.engine = engine
        self.default_channels = default_channels
        self.sequence = sequence
        self._keeper = keeper
        self._position_file = position_file
        self._clock = clock
        self._report = report
        self._restored = restored
        self._ahead = clock.time() - clock.monotonic()
        self._failures_at: float | None = None
        keeper.remembered = self._memory

    def receive(self, frame: Frame) -> None:
        """Handle a frame; afterwards it may be answered."""
        now = self._now()
        try:
            event = glance(frame, now, self.engine.program.buckets)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not become supervisord's endless loop
            self._note_dead(frame)
            self._bury(frame, _reason(error))
            return
        position = self._position(event.header)
        if position is None or position == self._restored.handled:
            self._repeated(event, frame)
            return
        earlier = self._position_file.note(*position)
        if earlier >= MAX_ATTEMPTS:
            self._bury(frame, f"it ended the listener {earlier} times")
            return
        received = Received(now, frame)
        if not self._keeper.owe(received, event.type, partial(self._rows, event, frame, position)):
            self._take(event, received, position)

    def _note_dead(self, frame: Frame) -> None:
        """A frame that can't be decoded is not lost as well, if its header can be."""
        with suppress(ProtocolError, UnicodeDecodeError):
            position = self._position(decode_header(frame.header))
            if position is not None:
                self._position_file.note(*position)

    def _position(self, header: Mapping[str, Value]) -> Position | None:
        serial, poolserial = header.get("serial", 0), header.get("poolserial", 0)
        return self.sequence.take(str(header.get("pool", "")), int(serial), int(poolserial))

    def _take(self, event: Event, received: Received, position: Position) -> None:
        """Keep all that an event causes before it is answered."""
        alerts = self._caused(event, received.frame)
        if alerts is not None:
            self._keep(received, event.type, alerts, position)

    def _rows(self, event: Event, frame: Frame, position: Position) -> list[Row]:
        """What an event causes, as it is kept when the event was answered."""
        alerts = self._caused(event, frame)
        if not alerts:
            return []
        if any(alert.incident is not None for alert in alerts):
            self._keeper.remember_soon()
        return alert_rows(alerts, position, self._clock.time())

    def _caused(self, event: Event, frame: Frame) -> list[Alert] | None:
        """The alerts of an event; None if it had to be set aside."""
        try:
            firings = self.engine.feed(event)
            return self._alerts(firings) if firings else []
        except Exception as error:  # noqa: BLE001 - a bug of ours must not become supervisord's endless loop
            self._bury(frame, _reason(error))
            return None

    def _repeated(self, event: Event, frame: Frame) -> None:
        """An event came again. If only its alerts were kept, the engine hears of it now; it fires nothing any more."""
        self._keeper.count(REPEATED, 1)
        untold = self._restored.untold
        self._restored = Restored()
        if untold is not None and numbers(frame) == untold[1:]:
            self.let_time_pass()
            self._fed(event)
            self._keeper.journal(Received(event.time, frame), event.type)

    # time

    def _now(self) -> float:
        """Seconds since 1970; if the clock was set, that is said first. Small steps are how clocks are kept right."""
        now = self._clock.time()
        ahead = now - self._clock.monotonic()
        step, self._ahead = ahead - self._ahead, ahead
        if abs(step) > CLOCK_STEP_S:
            self._report(f"the clock was set {'forward' if step > 0 else 'back'} by {abs(step):.1f} s")
            self.raise_event("LISTENER_CLOCK_CHANGED", by_ms=round(step * 1000))
        return now

    @property
    def deadline(self) -> float | None:
        """When the rules have something to say even if no event comes, by the monotonic clock; None: never."""
        deadline, failures_at = self.engine.next_deadline(), self._failures_at
        if deadline is None or (failures_at is not None and failures_at < deadline - self._ahead):
            return failures_at
        return deadline - self._ahead

    def let_time_pass(self) -> None:
        """Take what the rules say because of the time, and some of the failures for which there was no time before."""
        if self._failures_at is not None and self._clock.monotonic() >= self._failures_at:
            self.raise_failures()
        now = self._now()
        try:
            alerts = self._alerts(self.engine.advance(now))
        except Exception as error:  # noqa: BLE001 - a deadline that can't be digested must not end the listener
            self._report(_reason(error))
            return
        if alerts:
            self._keep(Received(now, NO_FRAME), "", alerts, None)

    def _memory(self) -> str:
        return json.dumps(self.engine.dump())

    def _alerts(self, firings: Sequence[Firing]) -> list[Alert]:
        return [alert for firing in firings for alert in alerts_of(firing, self.default_channels)]

    def _keep(self, received: Received, kind: str, alerts: Sequence[Alert], position: Position | None) -> None:
        if not alerts:
            self._keeper.journal(received, kind)
            return
        self._keeper.keep(received, kind, alerts, position)
        if any(alert.incident is not None for alert in alerts):
            self._keeper.remember_soon()

    def _bury(self, frame: Frame, reason: str) -> None:
        self._keeper.bury(frame, reason)
        self._report(f"an event was set aside as a dead frame: {reason}")

    def catch_up(self) -> None:
        """Do what the last frame needs beyond its answer."""
        self._keeper.pay()

    def answered(self) -> None:
        """Say that the frame was answered; what is no part of the answer's promise is done now."""
        self.catch_up()
        if self.sequence.is_whole:
            self._acknowledge()
        if self._keeper.is_full:
            self._keeper.flush()

    def _acknowledge(self) -> None:
        """Note that all is done up to the highest number; the last event may have had a lower one."""
        if self.sequence.came_late and (highest := self.sequence.highest) is not None:
            self._position_file.note(*highest)
        self._position_file.acknowledged()

    # the listener's own events

    def raise_event(self, kind: str, **fields: Value) -> None:
        """Feed an event of the listener's own."""
        event = Event(kind, self._clock.time(), dict(fields))
        self._keep(_received(event), kind, self._fed(event), None)

    def _fed(self, event: Event) -> list[Alert]:
        """The alerts of an event without which the listener must be able to go on, or to start."""
        try:
            return self._alerts(self.engine.feed(event))
        except Exception as error:  # noqa: BLE001 - it would come again at each start
            self._report(f"{event.type} was left out: {_reason(error)}")
            return []

    def raise_start(self, last_seen: float | None) -> None:
        """Say that the listener has started; `last_seen` is the last moment of which the engine knows."""
        self._note_time(LOADED)
        down: dict[str, Value] = {}
        if last_seen is not None:
            # rounded down: what was due up to `last_seen` has fired, and does so in a replay
            down["down_ms"] = max(0, int((self._clock.time() - last_seen) * 1000))
        self.raise_event("LISTENER_STARTED", **down)

    def reloaded(self, adopted: Adopted) -> None:
        """Say that there are new rules, and what became of what the old ones remembered."""
        self._note_time(LOADED)
        kept, anew, closed = (len(names) for names in adopted[:3])
        self.raise_event("LISTENER_RULES_RELOADED", kept=kept, anew=anew, closed=closed)
        self._keeper.remember_soon()

    def rejected(self, reason: str) -> None:
        """Say that there are new rules, and why they are not taken."""
        self._note_time(REJECTED)
        self.raise_event("LISTENER_RULES_REJECTED", reason=reason)

    def _note_time(self, name: str) -> None:
        self._keeper.note(name, round(self._clock.time() * 1000))

    def time_answers(self, *, wanted: bool) -> None:
        """Measure how long answers take, or do not, from now on."""
        keeper = self._keeper
        keeper.timing = (keeper.timing or Timing(self._clock)) if wanted else None

    def raise_losses(self) -> None:
        """Say how many events will not come any more, if any."""
        lost = self.sequence.lose()
        if lost:
            self._acknowledge()
            self._keeper.count(LOST, lost)
            self._report(f"supervisord discarded {lost} events before they could be read: raise buffer_size")
            self.raise_event("LISTENER_EVENTS_LOST", lost=lost)

    def raise_failures(self) -> None:
        """Say which deliveries the courier has given up: the oldest now, the others when time passes."""
        failures = self._keeper.failures()
        self._failures_at = self._look_again(failures)
        if not failures:
            return
        now = self._clock.time()
        events = [_failed(failure, now) for failure in failures]
        rows = alert_rows([alert for event in events for alert in self._fed(event)], None, now)
        self._keeper.take_failures([one.n for one in failures], rows, list(map(_received, events)), _FAILED)

    def _look_again(self, failures: Sequence[Failure] | None) -> float | None:
        """When to look whether there are more than these, by the monotonic clock; None: when the courier says so."""
        if failures is None:
            return self._clock.monotonic() + RETRY_S
        return self._clock.monotonic() if len(failures) == FAILURES_AT_ONCE else None


def _failed(failure: Failure, now: float) -> Event:
    """A delivery that was given up, as an event."""
    return Event(_FAILED, now, {"channel": failure.channel, "reason": failure.reason, "attempts": failure.attempts})


def _received(event: Event) -> Received:
    """An event of the listener's own as if it had come."""
    return Received(event.time, own_frame(event))


def _reason(error: Exception) -> str:
    """Why a frame is dead."""
    if isinstance(error, ProtocolError):
        return str(error)
    return f"a bug of the listener, please report it: {type(error).__name__}: {error}"
