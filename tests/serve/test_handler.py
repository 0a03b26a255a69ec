"""What becomes of one frame between reading and answering it."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.event.event import Event
from rules_listener.event.wire import LONG, Frame
from rules_listener.match.engine import Adopted, Engine
from rules_listener.match.firing import Firing
from rules_listener.match.program import load
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.counters import LOADED, REJECTED
from rules_listener.outbox.database import Row
from rules_listener.outbox.position import Epoch, Position, PositionFile
from rules_listener.outbox.store import FAILURES_AT_ONCE, Failure, Received
from rules_listener.serve import handler as handler_module
from rules_listener.serve.bundle import Bundle
from rules_listener.serve.handler import Handler
from rules_listener.serve.keeper import RETRY_S
from rules_listener.serve.restore import Restored
from rules_listener.serve.sequence import Sequence as PoolSequence
from rules_listener.serve.supervisord import Life

if TYPE_CHECKING:
    from rules_listener.serve.keeper import Keeper
    from rules_listener.serve.timing import Timing

LIFE = Life(7, 1.0)
RULES = """
rule said on PROCESS_COMMUNICATION alert "{data}"
rule losses on LISTENER_EVENTS_LOST alert "lost {lost}"
rule failures on LISTENER_DELIVERY_FAILED alert "{channel} {attempts} {reason}"
"""


class FakeKeeper:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.taken: list[int] = []
        self.reasons: list[str] = []
        self.journalled: list[str] = []
        self.counts: dict[str, int] = {}
        self.waiting: list[Failure] = []
        self.works = True
        self.is_full = False
        self.owed: Callable[[], Sequence[Row]] | None = None
        self.remembered: Callable[[], str] | None = None
        self.timing: Timing | None = None
        self.notes: dict[str, int] = {}

    def owe(self, received: Received, kind: str, alerts: Callable[[], Sequence[Row]]) -> bool:
        """Note the event; its alerts are noted when that is paid."""
        self.owed = alerts
        self.journalled.append(kind)
        return received.frame is not None

    def pay(self) -> None:
        """Note the alerts that are owed."""
        rows, self.owed = self.owed() if self.owed is not None else [], None
        self.texts += _texts(rows)

    def keep(self, received: Received, kind: str, alerts: Sequence[Alert], _position: Position | None) -> None:
        """Note alerts and what caused them."""
        self.texts += [delivery.text for alert in alerts for delivery in alert.deliveries]
        if any(received.frame):
            self.journalled.append(kind)

    def remember_soon(self) -> None:
        """Do so."""

    def take_failures(self, taken: Sequence[int], rows: Sequence[Row], raised: Sequence[Received], kind: str) -> None:
        """Note alerts and what was taken."""
        self.texts += _texts(rows)
        self.journalled += [kind] * len(raised)
        self.taken += taken
        self.waiting = [failure for failure in self.waiting if failure.n not in taken]

    def bury(self, _frame: Frame, reason: str) -> None:
        """Note why."""
        self.reasons.append(reason)

    def journal(self, _received: Received, kind: str) -> None:
        """Note the type."""
        self.journalled.append(kind)

    def count(self, name: str, number: int) -> None:
        """Count."""
        self.counts[name] = self.counts.get(name, 0) + number

    def note(self, name: str, number: int) -> None:
        """Note."""
        self.notes[name] = number

    def failures(self) -> list[Failure] | None:
        """What no commit has taken yet."""
        return self.waiting[:FAILURES_AT_ONCE] if self.works else None


def _texts(rows: Sequence[Row]) -> list[str]:
    return [text for row in rows for _, _, text, _ in json.loads(row[10])]


class Bench:
    """A handler with all that it works with; `page` is what outlives it."""

    def __init__(self, bundle: Bundle, page: bytearray, restored: Restored | None = None) -> None:
        self.keeper = FakeKeeper()
        self.clock = ManualClock()
        self.reports: list[str] = []
        self.page = page
        position_file = PositionFile(page)
        self.handler = Handler(
            Engine(load(bundle.program)),
            cast("Keeper", self.keeper),
            position_file,
            PoolSequence(LIFE, position_file.last, restored.committed if restored else None),
            restored=restored or Restored(),
            default_channels=bundle.config.default,
            clock=self.clock,
            report=self.reports.append,
        )

    def take(self, frame: Frame) -> None:
        """Handle and answer a frame."""
        self.handler.receive(frame)
        self.handler.answered()


def said(poolserial: int, text: str = "hello") -> Frame:
    """The frame of a program that says something."""
    payload = f"processname:p groupname:p pid:1\n{text}"
    return _frame(poolserial, "PROCESS_COMMUNICATION_STDOUT", payload)


def _frame(poolserial: int, kind: str, payload: str) -> Frame:
    numbers = f"serial:{100 + poolserial} pool:rl poolserial:{poolserial}"
    header = f"ver:3.0 server:supervisor {numbers} eventname:{kind} len:{len(payload)}"
    return Frame(header.encode(), payload.encode())


@pytest.fixture
def make_bench(make_bundle: Callable[..., Bundle]) -> Callable[[bytearray], Bench]:
    """Makes a handler for the rules, on a page."""
    bundle = make_bundle(RULES)
    return lambda page: Bench(bundle, page)


@pytest.fixture
def bench(make_bench: Callable[[bytearray], Bench]) -> Bench:
    """A handler without a past."""
    return make_bench(bytearray(4096))


def test_an_event_that_fires(bench: Bench) -> None:
    """The frame of an event, and that it has caused something, is kept before it may be answered; its alerts after."""
    bench.handler.receive(said(0))
    assert bench.keeper.owed is not None
    assert bench.keeper.journalled == ["PROCESS_COMMUNICATION_STDOUT"]
    bench.handler.answered()
    assert bench.keeper.texts == ["hello"]


def test_an_event_that_fires_nothing(bench: Bench) -> None:
    """An event without alerts is journalled."""
    bench.take(_frame(0, "TICK_5", "when:5"))
    assert (bench.keeper.texts, bench.keeper.journalled) == ([], ["TICK_5"])


def test_a_deadline(make_bundle: Callable[..., Bundle]) -> None:
    """What the rules say because of the time is kept like anything else, at its own moment."""
    rules = "rule late on PROCESS_COMMUNICATION without TICK_5 within 30s alert '{data} is late'"
    bench = Bench(make_bundle(rules), bytearray(4096))
    bench.take(said(0))
    assert bench.handler.deadline == bench.clock.monotonic() + 30
    bench.clock.advance(29)
    bench.handler.let_time_pass()
    assert bench.keeper.texts == []
    bench.clock.advance(5)
    bench.handler.let_time_pass()
    assert bench.keeper.texts == ["hello is late"]


def test_a_clock_that_is_put_right(make_bundle: Callable[..., Bundle]) -> None:
    """A small step is nothing to report; until the deadline there is nothing to wake up for."""
    rules = "rule late on PROCESS_COMMUNICATION without TICK_5 within 30s alert '{data} is late'"
    bench = Bench(make_bundle(rules), bytearray(4096))
    bench.take(said(0))
    bench.clock.set_by(-0.45)
    bench.clock.advance(29.8)
    bench.handler.let_time_pass()
    assert bench.handler.deadline == pytest.approx(bench.clock.monotonic() + 0.65, abs=0.01, rel=0)
    assert bench.reports == []


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_clock_that_was_set(make_bundle: Callable[..., Bundle], step: float) -> None:
    """A deadline stays as far away as it was; that the clock was set is reported, and an event of its own."""
    rules = """
    rule late on PROCESS_COMMUNICATION without TICK_5 within 30s alert 'late'
    rule clock on LISTENER_CLOCK_CHANGED alert '{by_ms}'
    """
    bench = Bench(make_bundle(rules), bytearray(4096))
    bench.take(said(0))
    bench.clock.set_by(step)
    bench.clock.advance(20)
    bench.handler.let_time_pass()
    assert bench.keeper.texts == [f"{step * 1000:.0f}"]
    assert bench.keeper.journalled[-1] == "LISTENER_CLOCK_CHANGED"
    assert bench.handler.deadline == pytest.approx(bench.clock.monotonic() + 10, abs=0.01, rel=0)
    bench.clock.advance(10.01)
    bench.handler.let_time_pass()
    assert bench.keeper.texts[1:] == ["late"]
    assert bench.reports == [f"the clock was set {'forward' if step > 0 else 'back'} by 3600.0 s"]


def test_an_event_that_the_engine_has_yet_to_hear_of(make_bundle: Callable[..., Bundle]) -> None:
    """An event that comes again because only its alerts were kept is told to the engine, and fires nothing again."""
    rules = (
        "rule twice on PROCESS_COMMUNICATION 2 times in 1h alert 'twice' rule each on PROCESS_COMMUNICATION alert '1'"
    )
    bundle = make_bundle(rules)
    position = Position(Epoch(*LIFE, "rl"), 100, 0)
    bench = Bench(bundle, bytearray(4096), Restored(position, None, position))
    bench.take(said(0))
    bench.take(said(0))
    assert bench.keeper.texts == []
    bench.take(said(1))
    assert bench.keeper.texts == ["twice", "1"]


def test_an_event_that_lacked_nothing_but_its_answer(make_bundle: Callable[..., Bundle]) -> None:
    """An event that the last listener was about to answer is answered, and that is all."""
    bench = Bench(make_bundle(RULES), bytearray(4096), Restored(None, Position(Epoch(*LIFE, "rl"), 100, 0)))
    bench.take(said(0))
    bench.take(said(1))
    assert (bench.keeper.texts, bench.keeper.counts) == (["hello"], {"repeated": 1})


def test_a_repeat(bench: Bench) -> None:
    """An event that comes again is counted, and neither fires nor is journalled."""
    for _ in range(3):
        bench.take(said(0))
    assert bench.keeper.texts == ["hello"]
    assert bench.keeper.counts == {"repeated": 2}
    assert len(bench.keeper.journalled) == 1


def test_a_repeat_for_the_next_listener(bench: Bench, make_bench: Callable[[bytearray], Bench]) -> None:
    """What the last listener acknowledged is a repeat for the next one."""
    bench.take(said(0))
    following = make_bench(bench.page)
    following.take(said(0))
    following.take(said(1))
    assert following.keeper.texts == ["hello"]
    assert following.keeper.counts == {"repeated": 1}


def test_an_event_that_ends_the_listener(bench: Bench, make_bench: Callable[[bytearray], Bench]) -> None:
    """The third listener to which the same event comes keeps it as a dead frame, and goes on with the next."""
    bench.handler.receive(said(0))
    second = make_bench(bench.page)
    second.handler.receive(said(0))
    assert second.keeper.owed is not None
    third = make_bench(bench.page)
    third.take(said(0))
    assert third.keeper.reasons == ["it ended the listener 2 times"]
    assert third.keeper.texts == []
    third.take(said(1, "next"))
    assert third.keeper.texts == ["next"]


BROKEN = {
    "a payload that is no list of words": _frame(0, "PROCESS_COMMUNICATION_STDOUT", "no words"),
    "a number that is none": _frame(0, "PROCESS_COMMUNICATION_STDOUT", "processname:p groupname:p pid:x\nhello"),
    "a payload that is not UTF-8": Frame(said(0).header, b"\xff"),
    "a long payload that is not UTF-8": Frame(said(0).header, said(0, "x" * LONG).payload + b"\xff"),
    "an unknown type that is not UTF-8": Frame(_frame(0, "PLUGIN", "x").header, b"\xff"),
    "no event name": Frame(b"ver:3.0 poolserial:0 len:0", b""),
    "an empty header": Frame(b"", b""),
    "a header that is not UTF-8": Frame(b"\xff:\xff", b""),
}


@pytest.mark.parametrize("frame", BROKEN.values(), ids=BROKEN)
def test_a_frame_that_cannot_be_decoded(bench: Bench, frame: Frame) -> None:
    """A frame that is no event is kept as a dead frame; it is no loss, and the next events go on."""
    bench.take(frame)
    assert len(bench.keeper.reasons) == len(bench.reports) == 1
    assert bench.reports[0].startswith("an event was set aside as a dead frame: ")
    # a long payload is only decoded when the event is answered, and in the journal
    assert len(bench.keeper.journalled) == (len(frame.payload) > LONG)
    bench.take(said(1))
    assert bench.keeper.texts == ["hello"]


def test_what_no_rule_looks_at_is_not_decoded(bench: Bench) -> None:
    """An event of a type that no rule selects costs its header, whatever its payload holds."""
    bench.take(Frame(_frame(0, "TICK_5", "when:5").header, b"\xff"))
    assert bench.reports == []
    assert bench.keeper.journalled == ["TICK_5"]


def test_a_defect_of_the_engine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the engine raises, the event is a dead frame, and the next one is handled."""

    def fail(_engine: Engine, event: Event) -> None:
        raise ZeroDivisionError(event.type)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "feed", fail)
        bench.take(said(0))
    bench.take(said(1))
    assert bench.keeper.texts == ["hello"]
    (reason,) = bench.keeper.reasons
    assert reason.startswith("a bug of the listener, please report it: ZeroDivisionError: PROCESS_COMM")


def test_a_defect_of_the_decoder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where decoding raises what it must not, the event is a dead frame too: else it would come back for ever."""

    def fail(frame: Frame, time: float, looked_at: object) -> Event:
        raise ZeroDivisionError(frame, time, looked_at)

    with monkeypatch.context() as patch:
        patch.setattr(handler_module, "glance", fail)
        bench.take(said(0))
    bench.take(said(1))
    assert bench.keeper.texts == ["hello"]
    assert "a bug of the listener, please report it: ZeroDivisionError" in bench.keeper.reasons[0]


def test_losses(bench: Bench, make_bench: Callable[[bytearray], Bench]) -> None:
    """Missing numbers are raised as LISTENER_EVENTS_LOST once, and the next listener does not count them again."""
    for number in (0, 3, 6):
        bench.take(said(number))
    bench.handler.raise_losses()
    bench.handler.raise_losses()
    assert bench.keeper.texts[3:] == ["lost 4"]
    assert bench.keeper.counts["lost"] == 4
    following = make_bench(bench.page)
    following.take(said(7))
    assert following.handler.sequence.is_whole


@pytest.mark.parametrize("numbers", [(0, 2, 1), (0, 3, 1, 2), (2, 1, 0), (3, 0)])
def test_the_next_listener_knows_what_came_out_of_order(
    bench: Bench, make_bench: Callable[[bytearray], Bench], numbers: tuple[int, ...]
) -> None:
    """After events out of order the next listener takes none of them for new, and none for lost."""
    for number in numbers:
        bench.take(said(number))
    bench.handler.raise_losses()
    following = make_bench(bench.page)
    for number in (*numbers, max(numbers) + 1):
        following.take(said(number, str(number)))
    assert following.keeper.texts == [str(max(numbers) + 1)]
    assert following.handler.sequence.is_whole


def test_losses_that_were_not_said_yet(bench: Bench, make_bench: Callable[[bytearray], Bench]) -> None:
    """A listener that dies before it has said a loss leaves it to the next one."""
    bench.take(said(0))
    bench.take(said(3))
    following = make_bench(bench.page)
    following.take(said(4))
    assert following.handler.sequence.lose() >= 2


def test_failures_are_raised_and_taken_at_once(bench: Bench) -> None:
    """Each delivery that was given up is raised, and taken in the same commit as what came of it."""
    bench.keeper.waiting = [Failure(1, "ops", "refused", 3), Failure(2, "mail", "unknown", 1)]
    bench.handler.raise_failures()
    assert bench.keeper.texts == ["ops 3 refused", "mail 1 unknown"]
    assert bench.keeper.taken == [1, 2]
    assert bench.keeper.journalled == ["LISTENER_DELIVERY_FAILED"] * 2
    assert bench.handler.deadline is None


def test_many_failures_hold_nothing_up(bench: Bench) -> None:
    """Of many failures some are raised at once, and the others when time passes: events may come in between."""
    bench.keeper.waiting = [Failure(n, "ops", "refused", 3) for n in range(2 * FAILURES_AT_ONCE + 5)]
    bench.handler.raise_failures()
    assert len(bench.keeper.taken) == FAILURES_AT_ONCE
    for taken in (2 * FAILURES_AT_ONCE, 2 * FAILURES_AT_ONCE + 5):
        assert bench.handler.deadline == bench.clock.monotonic()
        bench.handler.let_time_pass()
        assert len(bench.keeper.taken) == taken
    assert bench.handler.deadline is None


def test_failures_are_raised_when_the_store_works_again(bench: Bench) -> None:
    """While the store fails no failure is raised; that is tried again, even if the courier has nothing to say."""
    bench.keeper.waiting = [Failure(1, "ops", "refused", 3)]
    bench.keeper.works = False
    bench.handler.raise_failures()
    bench.keeper.works = True
    bench.clock.advance(RETRY_S)
    assert bench.handler.deadline == bench.clock.monotonic()
    bench.handler.let_time_pass()
    assert bench.keeper.taken == [1]


def test_a_bug_in_an_event_of_its_own_ends_no_listener(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine can't digest of the listener's own events is reported: else no start would get past it."""
    monkeypatch.setattr(Engine, "feed", _no_feed)
    bench.handler.raise_start(None)
    assert bench.reports == [
        "LISTENER_STARTED was left out: a bug of the listener, please report it: ValueError: a bug"
    ]


def test_a_bug_in_an_event_that_comes_again_ends_no_listener(
    make_bundle: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event whose alerts are kept is answered, even if the engine can't digest it any more."""
    position = Position(Epoch(*LIFE, "rl"), 101, 1)
    monkeypatch.setattr(Engine, "feed", _no_feed)
    bench = Bench(make_bundle(RULES), bytearray(4096), Restored(position, untold=position))
    bench.take(said(1))
    assert len(bench.reports) == 1
    assert bench.keeper.journalled == ["PROCESS_COMMUNICATION_STDOUT"]


def _no_feed(_engine: Engine, _event: Event) -> list[Firing]:
    raise ValueError("a bug")


def test_when_rules_were_loaded_is_noted(bench: Bench) -> None:
    """The start and each reload are noted with their time; so are rules that are rejected, which raises an event."""
    bench.handler.raise_start(None)
    first = round(bench.clock.time() * 1000)
    assert bench.keeper.notes == {LOADED: first}
    bench.clock.advance(1)
    bench.handler.rejected("RL101")
    assert bench.keeper.notes == {LOADED: first, REJECTED: first + 1000}
    assert bench.keeper.journalled[-1] == "LISTENER_RULES_REJECTED"
    bench.clock.advance(1)
    bench.handler.reloaded(Adopted((), (), (), 0))
    assert bench.keeper.notes == {LOADED: first + 2000, REJECTED: first + 1000}


def test_answers_are_timed_where_it_is_wanted(bench: Bench) -> None:
    """A configuration with metrics has answers timed, the next one as well, and one without does not."""
    timings = []
    for wanted in (False, True, True, False):
        bench.handler.time_answers(wanted=wanted)
        timings.append(bench.keeper.timing)
    assert [timing is not None for timing in timings] == [False, True, True, False]
    assert timings[1] is timings[2]


def test_how_long_nobody_listened_is_rounded_down(make_bundle: Callable[..., Bundle]) -> None:
    """What was due when the last listener ended has fired: no replay may take it for what is still to come."""
    bench = Bench(make_bundle("rule started on LISTENER_STARTED alert '{down_ms}'"), bytearray(4096))
    bench.handler.raise_start(bench.clock.time() - 1.0006)
    assert bench.keeper.texts == ["1000"]
