"""Events in, answers out: the only place where the listener waits.

1. Nothing slow happens between reading an event and answering it.
2. Each answer is followed at once by READY, in one write: supervisord takes both in one turn
   (`supervisor/dispatchers.py: handle_listener_state_change`).
3. The loop sleeps until an event, a signal, a word of a child, or the next thing that is due.
4. The end of input is a clean end. So are SIGTERM, and nobody to take an answer. Silence for three ticks, where there
   were ticks, is not: supervisord has stopped talking to us (listener state UNKNOWN), and only a new process gets out
   of that.
"""

import os
import select
import signal
from collections.abc import Callable
from enum import IntEnum
from resource import RUSAGE_SELF, getrusage
from types import FrameType

from rules_listener.base.clock import Clock
from rules_listener.base.errors import ProtocolError
from rules_listener.event.wire import OK, READY, Frame, FrameReader
from rules_listener.serve.couriers import CourierProcess
from rules_listener.serve.handler import Handler
from rules_listener.serve.keeper import Keeper
from rules_listener.serve.reload import Reload

OK_AND_READY = OK + READY
READ_BYTES = 1 << 18
BURST_S = 0.001
EAGER_S = 0.0002 if len(os.sched_getaffinity(0)) > 1 else 0.0
"""Events less than `BURST_S` apart are a burst. To sleep and be woken takes longer than supervisord needs for the next
event of a burst: for `EAGER_S` after an answer the loop stays awake, if there is another processor for supervisord."""
LOOK_EVENTS = 64
"""After how many events of a burst it is looked whether that processor was free, too."""
TIRED_S = 0.1
QUIET_S = 2.0
"""supervisord hands out what waits at least once a second: after two without an event, nothing waits."""
PATIENCE_S = 10.0
"""After so long a number that was left out is taken for lost, however busy it is."""
TICK_S = 60.0
MISSED_TICKS = 3
LONGEST_SLEEP_S = 3600.0
"""What is due in a month is slept for in parts: `poll` takes no timeout of more than 24 days."""
END_S = 4.0
"""How long the end waits for what is being delivered."""


class Status(IntEnum):
    """Exit statuses of the listener."""

    CLEAN = 0
    BROKEN = 1


def pushed_aside() -> int:
    """How often this process had to leave the processor to another one, and wanted to go on."""
    return getrusage(RUSAGE_SELF).ru_nivcsw


class Signals:
    """SIGTERM, SIGINT and SIGHUP as bytes in a pipe, so that the loop can wait for them."""

    def __init__(self) -> None:
        self.output, self._input = os.pipe()
        os.set_blocking(self.output, False)
        os.set_blocking(self._input, False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._received)
        signal.set_wakeup_fd(self._input, warn_on_full_buffer=False)

    def _received(self, number: int, frame: FrameType | None) -> None:
        """Nothing to do: the pipe has the signal's number."""

    def take(self) -> set[int]:
        """The signals that came since the last time."""
        try:
            return set(os.read(self.output, 512))
        except BlockingIOError:
            return set()


class Eagerness:
    """Whether it pays to stay awake: not where others, supervisord first, have to take the processor from us."""

    def __init__(self, pushed_aside: Callable[[], int] = pushed_aside) -> None:
        self._pushed_aside = pushed_aside
        self._before = pushed_aside()
        self._events = 0
        self._asleep_until = 0.0

    def until(self, now: float) -> float:
        """Until when to stay awake after an event of a burst, by the monotonic clock."""
        self._events += 1
        if self._events == LOOK_EVENTS:
            times = self._pushed_aside()
            if times - self._before > LOOK_EVENTS // 2:
                self._asleep_until = now + TIRED_S
            self._events, self._before = 0, times
        return 0.0 if now < self._asleep_until else now + EAGER_S


class Loop:
    """Reads frames from `source`, writes answers to `sink` (descriptors). With `once` it ends after one event."""

    def __init__(  # noqa: PLR0913 - the parts that it joins
        self,
        source: int,
        sink: int,
        *,
        handler: Handler,
        keeper: Keeper,
        courier: CourierProcess,
        reload: Reload,
        signals: Signals,
        clock: Clock,
        report: Callable[[str], None],
        once: bool = False,
    ) -> None:
        self._source = source
        self._sink = sink
        self._handler = handler
        self._keeper = keeper
        self._courier = courier
        self._reload = reload
        self._signals = signals
        self._clock = clock
        self._report = report
        self._once = once
        self._reader = FrameReader()
        self._status: Status | None = None
        self._ticks = False
        self._heard_at = clock.monotonic()
        self._missing_since: float | None = None
        self._eager_until = 0.0
        self._eagerness = Eagerness()
        self._poll = select.poll()
        self._polled: set[int] = set()

    def run(self) -> Status:
        """Work until the end; the exit status."""
        self._say(READY)
        self._watch()
        while self._status is None:
            due = self._due()
            ready = self._poll_eagerly() or self._poll.poll(
                None if due is None else min(max(0.0, due - self._clock.monotonic()), LONGEST_SLEEP_S) * 1000
            )
            for descriptor, _ in ready:
                if descriptor == self._source:
                    self._read()
                else:
                    self._hear(descriptor)
            if due is not None and (not ready or self._heard_at >= due):
                self._do_what_is_due()
        return self._status

    def _poll_eagerly(self) -> list[tuple[int, int]]:
        """In a burst, look for the next event for a moment without going to sleep."""
        poll, monotonic = self._poll.poll, self._clock.monotonic
        while monotonic() < self._eager_until:
            if ready := poll(0):
                return ready
        return []

    def _watch(self) -> None:
        """Poll the descriptors that there are now; children come and go."""
        wanted = {self._source, self._signals.output, *self._courier.outputs, *self._reload.outputs}
        for descriptor in self._polled - wanted:
            self._poll.unregister(descriptor)
        for descriptor in wanted - self._polled:
            self._poll.register(descriptor, select.POLLIN)
        self._polled = wanted

    def _read(self) -> None:
        data = os.read(self._source, READ_BYTES)
        if (timing := self._keeper.timing) is not None:
            timing.begin()
        try:
            frame = self._reader.frame_of(data)
        except ProtocolError as error:
            self._report(f"supervisord's protocol is broken, a new listener has to begin afresh: {error}")
            self._status = Status.BROKEN
            return
        if frame is not None:
            self._answer(frame)
        elif not data:
            self._status = Status.CLEAN

    def _answer(self, frame: Frame) -> None:
        self._handler.receive(frame)
        if not self._say(OK if self._once else OK_AND_READY):
            self._handler.catch_up()
            return
        if (timing := self._keeper.timing) is not None:
            timing.end()
        self._handler.answered()
        now = self._clock.monotonic()
        if now - self._heard_at < BURST_S:
            self._eager_until = self._eagerness.until(now)
        self._heard_at = now
        self._ticks = self._ticks or b" eventname:TICK_" in frame.header
        if self._handler.sequence.is_whole:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = now
        if self._once:
            self._status = Status.CLEAN

    def _say(self, answer: bytes) -> bool:
        """Write to supervisord; False, and the end, if it is not there any more."""
        try:
            os.write(self._sink, answer)
        except BrokenPipeError:
            self._status = Status.CLEAN
            return False
        return True

    def _hear(self, descriptor: int) -> None:
        """A signal or a child has something to say."""
        if descriptor == self._signals.output:
            self._obey(self._signals.take())
        elif descriptor in self._reload.outputs:
            self._reload.hear()
        elif os.read(descriptor, 4096):
            self._handler.raise_failures()
        else:
            self._courier.ended(descriptor)
        self._watch()

    def _obey(self, signals: set[int]) -> None:
        if signals & {signal.SIGTERM, signal.SIGINT}:
            self._status = Status.CLEAN
        elif signal.SIGHUP in signals:
            self._reload.begin()

    def _due(self) -> float | None:
        """When there is something to do even if nothing is heard, by the monotonic clock; None if there is nothing."""
        due = self._keeper.due
        restart_at = self._courier.restart_at
        if restart_at is not None and (due is None or restart_at < due):
            due = restart_at
        deadline = self._handler.deadline
        if deadline is not None and (due is None or deadline < due):
            due = deadline
        look_at = self._reload.look_at
        if look_at is not None and (due is None or look_at < due):
            due = look_at
        if self._missing_since is not None:
            settled_at = min(self._heard_at + QUIET_S, self._missing_since + PATIENCE_S)
            due = settled_at if due is None else min(due, settled_at)
        if self._ticks:
            silent_at = self._heard_at + TICK_S * MISSED_TICKS
            due = silent_at if due is None else min(due, silent_at)
        return due

    def _do_what_is_due(self) -> None:
        now = self._clock.monotonic()
        self._keeper.work()
        deadline = self._handler.deadline
        if deadline is not None and now >= deadline:
            self._handler.let_time_pass()
        if self._courier.restart_at is not None and now >= self._courier.restart_at:
            self._courier.start()
            self._watch()
        if self._reload.look_at is not None and now >= self._reload.look_at:
            self._reload.look()
            self._watch()
        if self._missing_since is not None:
            self._settle_losses(now)
        if self._ticks and now >= self._heard_at + TICK_S * MISSED_TICKS:
            self._report("supervisord sent nothing for three minutes, not even a tick: a new listener has to begin")
            self._status = Status.BROKEN

    def _settle_losses(self, now: float) -> None:
        since = self._missing_since
        if since is not None and (now >= self._heard_at + QUIET_S or now >= since + PATIENCE_S):
            self._missing_since = None
            self._handler.raise_losses()

    def finish(self) -> None:
        """Keep what there is to keep, and wait briefly for what is being delivered.

        With `once` the next listener is about to start, and its courier goes on where this one ends: nobody waits.
        """
        if self._missing_since is not None:
            self._handler.raise_losses()
        self._keeper.close()
        waiting = set(self._courier.end())
        deadline = self._clock.monotonic() + (0.0 if self._once else END_S)
        while waiting and (left := deadline - self._clock.monotonic()) > 0:
            for descriptor in select.select(waiting, [], [], left)[0]:
                if not os.read(descriptor, 4096):
                    self._courier.ended(descriptor)
                    waiting.discard(descriptor)
        self._courier.abandon()
