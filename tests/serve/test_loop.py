"""Events in, answers out: the loop on pipes."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, cast

import pytest

from rules_listener.base.clock import Clock, ManualClock, SystemClock
from rules_listener.event.wire import OK, READY, Frame
from rules_listener.outbox.counters import ANSWERED_NS
from rules_listener.serve.loop import EAGER_S, LOOK_EVENTS, Eagerness, Loop, Signals, Status
from rules_listener.serve.timing import Timing

if TYPE_CHECKING:
    from rules_listener.serve.couriers import CourierProcess
    from rules_listener.serve.handler import Handler
    from rules_listener.serve.keeper import Keeper
    from rules_listener.serve.reload import Reload

TICK = b"ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_60 len:6\nwhen:0"
EVENT = "ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:PROCESS_COMMUNICATION_STDOUT len:3\n进程。".encode()


class Running:
    """A clock on which every look takes ten minutes, so that nothing that is due has to be waited for."""

    def __init__(self) -> None:
        self._now = 0.0

    def time(self) -> float:
        """The same as `monotonic`."""
        return self.monotonic()

    def monotonic(self) -> float:
        """Ten minutes later than the last time."""
        self._now += 600
        return self._now


@dataclass
class Parts:
    """Stands in for handler, keeper, courier, reload and signals at once."""

    output: int
    frames: list[Frame] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    whole_with: int = 0
    """With how many frames no number is missing."""
    due: float | None = None
    deadline: float | None = None
    restart_at: float | None = None
    look_at: float | None = None
    outputs: tuple[int, ...] = ()
    pending_signals: set[int] = field(default_factory=set)
    timing: Timing | None = None
    then: Callable[[], None] | None = None
    """What happens once, after the next answer."""

    @property
    def is_whole(self) -> bool:
        """Whether no number is missing."""
        return len(self.frames) >= self.whole_with

    @property
    def sequence(self) -> "Parts":
        """The handler's sequence."""
        return self

    def receive(self, frame: Frame) -> None:
        """Note a frame."""
        self.frames.append(frame)
        self.calls.append("receive")

    def answered(self) -> None:
        """Note it."""
        self.calls.append("answered")
        then, self.then = self.then, None
        if then is not None:
            then()

    def let_time_pass(self) -> None:
        """Note it."""
        self.calls.append("time")
        self.deadline = None

    def raise_losses(self) -> None:
        """Note it."""
        self.calls.append("losses")
        self.whole_with = 0

    def work(self) -> None:
        """Note it."""
        self.calls.append("work")
        self.due = None

    def start(self) -> None:
        """Note it."""
        self.calls.append("start")
        self.restart_at = None

    def begin(self) -> None:
        """Note it."""
        self.calls.append("reload")

    def look(self) -> None:
        """Note it."""
        self.calls.append("look")
        self.look_at = None

    def take(self) -> set[int]:
        """The signals."""
        taken, self.pending_signals = self.pending_signals, set()
        os.read(self.output, 100)
        return taken


class Bench:
    """A loop between two pipes, and a pipe of signals."""

    def __init__(self) -> None:
        self.source, self.input = os.pipe()
        self.output, self.sink = os.pipe()
        signal_output, self.signal_input = os.pipe()
        self.parts = Parts(signal_output)
        self.reports: list[str] = []
        self._open = {self.source, self.input, self.output, self.sink, signal_output, self.signal_input}

    def run(self, *parts: bytes, clock: Clock | None = None, once: bool = False, end: bool = True) -> Status:
        """Run the loop on some bytes, after which the input ends unless told otherwise."""
        for part in parts:
            os.write(self.input, part)
        if end:
            self.close(self.input)
        none = Parts(-1)
        return Loop(
            self.source,
            self.sink,
            handler=cast("Handler", self.parts),
            keeper=cast("Keeper", self.parts),
            courier=cast("CourierProcess", none if self.parts.restart_at is None else self.parts),
            reload=cast("Reload", self.parts),
            signals=cast("Signals", self.parts),
            clock=clock or ManualClock(),
            report=self.reports.append,
            once=once,
        ).run()

    @property
    def answers(self) -> bytes:
        """All that was answered."""
        return os.read(self.output, 1 << 16)

    def close(self, *descriptors: int) -> None:
        """Close descriptors once."""
        for descriptor in self._open & set(descriptors or self._open):
            os.close(descriptor)
            self._open.discard(descriptor)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A loop, the ends of whose pipes are closed afterwards."""
    made = Bench()
    yield made
    made.close()


def test_the_end_of_the_input_is_a_clean_end(bench: Bench) -> None:
    """The listener says READY; when the input ends, it ends with status 0."""
    assert bench.run() is Status.CLEAN
    assert bench.answers == READY


def test_nobody_takes_the_answer(bench: Bench) -> None:
    """A supervisord that was killed is a clean end."""
    bench.close(bench.output)
    assert bench.run(end=False) is Status.CLEAN


def test_a_deadline_of_the_rules(bench: Bench) -> None:
    """The loop wakes when the rules have something to say, without any event."""
    bench.parts.deadline = monotonic() + 0.05
    later = threading.Timer(0.3, bench.close, [bench.input])
    later.start()
    bench.run(clock=SystemClock(), end=False)
    later.join()
    assert bench.parts.calls == ["work", "time"]


def test_a_deadline_that_is_far_away(bench: Bench) -> None:
    """What the rules wait for may be ten years away: until then there are events."""
    bench.parts.deadline = monotonic() + 3650 * 86_400
    assert bench.run(TICK, clock=SystemClock()) is Status.CLEAN
    assert bench.parts.calls == ["receive", "answered"]


def test_a_frame_is_handled_then_answered(bench: Bench) -> None:
    """A frame is handled, answered together with READY, and only then is the rest done."""
    assert bench.run(EVENT) is Status.CLEAN
    assert bench.answers == READY + OK + READY
    assert bench.parts.calls == ["receive", "answered"]
    assert bench.parts.frames[0].payload.decode() == "进程。"


def test_answers_are_timed(bench: Bench) -> None:
    """Where it is asked for, the time from each event that was read to its answer is measured."""
    clock = Running()
    bench.parts.timing = Timing(clock)
    assert bench.run(EVENT, clock=SystemClock()) is Status.CLEAN
    assert bench.parts.timing.take() == {"answered:longer": 1, ANSWERED_NS: 600_000_000_000}


def test_once(bench: Bench) -> None:
    """With `once` there is no READY after the one answer."""
    assert bench.run(EVENT, end=False, once=True) is Status.CLEAN
    assert bench.answers == READY + OK


BROKEN: dict[str, bytes] = {
    "a second frame before the answer": TICK + EVENT,
    "a byte after a frame": TICK + b"\n",
    "the end within a header": b"ver:3.0 server",
    "the end within a payload": EVENT[:-1],
    "no length": b"ver:3.0 server:s\n",
    "no protocol at all": b"x" * 60_000 + b"y" * 5_000,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_protocol_ends_the_listener(bench: Bench, data: bytes) -> None:
    """Bytes that can't be put into step end the listener with status 1, nothing is answered, and it says why."""
    assert bench.run(data) is Status.BROKEN
    assert bench.answers == READY
    assert bench.parts.calls == []
    assert bench.reports[0].startswith("supervisord's protocol is broken, a new listener has to begin afresh: ")


def test_silence_after_ticks_ends_the_listener(bench: Bench) -> None:
    """Where ticks came and then nothing for three minutes, the listener ends with status 1."""
    assert bench.run(TICK, clock=Running(), end=False) is Status.BROKEN
    assert bench.answers == READY + OK + READY
    assert bench.reports == ["supervisord sent nothing for three minutes, not even a tick: a new listener has to begin"]


def test_silence_is_noticed_before_what_is_due_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far away the next deadline is, three ticks that did not come end the listener in time."""
    monkeypatch.setattr("rules_listener.serve.loop.LONGEST_SLEEP_S", 5.0)
    monkeypatch.setattr("rules_listener.serve.loop.TICK_S", 0.02)
    began = monotonic()
    bench.parts.deadline = bench.parts.due = began + 3600
    assert bench.run(TICK, clock=SystemClock(), end=False) is Status.BROKEN
    assert monotonic() - began < 4


def test_silence_without_ticks_is_no_sign(bench: Bench) -> None:
    """Where no tick ever came, silence means nothing: only the end of the input ends the listener."""
    assert bench.run(EVENT, clock=Running()) is Status.CLEAN
    assert bench.reports == []


def test_losses_are_said_when_nothing_waits(bench: Bench) -> None:
    """Numbers that are missing are lost once no event has come for a while; before that nothing is said."""
    bench.parts.whole_with = 2
    bench.run(TICK, clock=Running(), end=False)
    assert bench.parts.calls[:4] == ["receive", "answered", "work", "losses"]


def test_what_was_missing_and_came_is_no_loss(bench: Bench) -> None:
    """A number that comes late is nobody's loss, and the next one that is missing is waited for anew."""

    def come_late() -> None:
        os.write(bench.input, EVENT)
        bench.close(bench.input)

    bench.parts.whole_with, bench.parts.then = 2, come_late
    assert bench.run(EVENT, clock=Running(), end=False) is Status.CLEAN
    assert bench.parts.calls.count("receive") == 2
    assert "losses" not in bench.parts.calls


def test_what_is_due_is_done(bench: Bench) -> None:
    """The keeper works when it asked for it, files are looked at, and the courier starts when its wait is over."""
    bench.parts.due = 0.0
    bench.parts.restart_at = 0.0
    bench.parts.look_at = 0.0
    bench.run(TICK, clock=Running(), end=False)
    assert {"work", "start", "look"} <= set(bench.parts.calls)


@pytest.mark.parametrize(("number", "calls"), [(15, []), (2, []), (1, ["reload"])])
def test_signals(bench: Bench, number: int, calls: list[str]) -> None:
    """SIGTERM and SIGINT are a clean end; SIGHUP begins a reload."""
    bench.parts.pending_signals = {number}
    os.write(bench.signal_input, bytes([number]))
    assert bench.run(end=number == 1) is Status.CLEAN
    assert bench.parts.calls == calls


def test_real_signals_arrive() -> None:
    """A signal to the process can be read from the pipe, with its number; many at once do no harm."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    signals: Signals | None = None
    try:
        signals = Signals()
        assert signals.take() == set()
        for _ in range(1000):
            signal.raise_signal(signal.SIGHUP)
        assert signals.take() == {signal.SIGHUP}
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in kept.items():
            signal.signal(number, handler)
        if signals is not None:
            os.close(signals.output)
            os.close(signals._input)


def test_a_loop_that_is_pushed_aside_sleeps() -> None:
    """Where others need the processor at half of the events, the loop does not stay awake for a while."""
    times = iter([0, 0, LOOK_EVENTS, LOOK_EVENTS])
    eagerness = Eagerness(lambda: next(times))
    awake = [eagerness.until(number * 0.001) > 0 for number in range(1, LOOK_EVENTS * 2 + 1)]
    assert awake == [*[True] * (LOOK_EVENTS * 2 - 1), False]
    assert not eagerness.until(0.2)
    assert eagerness.until(2.0) == 2.0 + EAGER_S
