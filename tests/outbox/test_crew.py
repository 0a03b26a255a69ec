"""The threads of a channel, and what wakes their courier."""

import os
import select
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.base.errors import StoreError
from rules_listener.outbox import crew as crew_module
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.outbox.crew import LONGEST_SERIES, QUICK_S, REFRESH, Crew, Outcomes
from rules_listener.outbox.doorbell import Doorbell
from rules_listener.outbox.lock import take_lock
from rules_listener.outbox.queue import Claimed

PATIENCE_S = 5

Results = SimpleQueue[tuple[str, Outcomes]]


class Waiting:
    """A channel whose messages arrive when they are let go."""

    places = 2

    def __init__(self) -> None:
        self.go = Event()

    def send(self, message: Message) -> Outcome:
        """Wait to be let go."""
        self.go.wait(PATIENCE_S)
        if message.text == "defect":
            raise KeyError("s3cret")
        return Sent()

    def stop(self) -> None:
        """Fail, as no channel should."""
        raise OSError


def _claimed(n: int, text: str = "") -> Claimed:
    return Claimed(n, Message("id", "ops", text, "rule", "key", "alert", "error", 0.0, {}))


@pytest.fixture
def results() -> Results:
    """Where a crew puts its outcomes."""
    return SimpleQueue()


@pytest.fixture
def make_crew(results: Results) -> Callable[[Waiting], Crew]:
    """Makes a crew whose outcomes come to `results`."""
    return lambda channel: Crew("ops", channel, ManualClock(), lambda *result: results.put(result))


def test_a_place_is_taken_until_the_outcome_is_written(results: Results, make_crew: Callable[[Waiting], Crew]) -> None:
    """A crew sends as many messages at a time as its channel has places; a place is free once it is given back."""
    channel = Waiting()
    crew = make_crew(channel)
    for n in range(2):
        crew.give([_claimed(n)])
    assert (crew.free, crew.busy) == (0, 2)
    channel.go.set()
    assert {results.get(timeout=PATIENCE_S)[1][0][0] for _ in range(2)} == {0, 1}
    assert crew.free == 0
    crew.take_back()
    assert (crew.free, crew.busy) == (1, 1)


def test_a_defect_of_a_channel_is_an_outcome(results: Results, make_crew: Callable[[Waiting], Crew]) -> None:
    """An exception in a channel counts as `RetryLater`, says where it was and not what, and ends no thread."""
    channel = Waiting()
    channel.go.set()
    crew = make_crew(channel)
    for n, text in enumerate(("defect", "")):
        crew.give([_claimed(n, text)])
        ((_, outcome),) = results.get(timeout=PATIENCE_S)[1]
        crew.take_back()
        if text:
            assert isinstance(outcome, RetryLater)
            assert outcome.reason.startswith("defect of channel `ops`: KeyError in send, line ")
    assert outcome == Sent()
    crew.stop()


def test_a_series_ends_with_what_has_to_be_tried_again(results: Results) -> None:
    """Messages are sent in order up to one that fails; one that can't arrive is no reason to stop."""
    outcomes: dict[str, Outcome] = {"0": Sent(), "1": GaveUp("no"), "2": RetryLater("busy")}

    class Telling(Waiting):
        def send(self, message: Message) -> Outcome:
            return outcomes[message.text]

    crew = Crew("ops", Telling(), ManualClock(), lambda *result: results.put(result))
    crew.give([_claimed(n, str(n)) for n in range(5)])
    expected = [(0, outcomes["0"]), (1, outcomes["1"]), (2, outcomes["2"]), (3, None), (4, None)]
    assert results.get(timeout=PATIENCE_S) == ("ops", expected)


def test_series_grow_while_the_channel_is_quick(results: Results) -> None:
    """Each series may be twice as long as the last, up to a limit; one that took too long is cut, and the next is 1."""
    clock = ManualClock()
    takes_s = 0.0

    class Taking(Waiting):
        def send(self, message: Message) -> Outcome:
            clock.advance(takes_s)
            return super().send(message)

    channel = Taking()
    channel.go.set()
    crew = Crew("ops", channel, clock, lambda *result: results.put(result))
    lengths = []
    for takes_s in (0.0,) * 7 + (QUICK_S / 2, 0.0):
        lengths.append(crew.length)
        crew.give([_claimed(n) for n in range(crew.length)])
        _, outcomes = results.get(timeout=PATIENCE_S)
        assert [n for n, outcome in outcomes if outcome] == list(range(2 if takes_s else crew.length))[: len(outcomes)]
        crew.take_back()
    assert lengths == [1, 2, 4, 8, 16, 32, 32, LONGEST_SERIES, 1]


def test_no_thread_is_no_end(
    results: Results, make_crew: Callable[[Waiting], Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system gives no more threads, a message is tried later."""

    def no_thread(**_: object) -> Thread:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(crew_module, "Thread", no_thread)
    make_crew(Waiting()).give([_claimed(7), _claimed(8)])
    no_room = RetryLater("the system has no room for another thread")
    assert results.get(timeout=0) == ("ops", [(7, no_room), (8, None)])


def test_a_doorbell_wakes_until_it_is_answered() -> None:
    """A bell that was rung, however often, can be read until it is answered; after its end it is silent."""
    bell = Doorbell()
    poll = select.poll()
    poll.register(bell.descriptor, select.POLLIN)
    assert poll.poll(0) == []
    for _ in range(100_000):
        bell.ring()
    assert len(poll.poll(0)) == 1
    while poll.poll(0):
        bell.answer()
    bell.answer()
    bell.close()
    bell.ring()


def test_only_one_has_the_lock(folder: Path, tmp_path: Path) -> None:
    """The lock is given once, again when it was given back, and not where no folder can be made."""
    first = take_lock(folder)
    assert first is not None
    assert take_lock(folder) is None
    assert (folder / "courier.lock").stat().st_mode & 0o777 == 0o600
    os.close(first)
    second = take_lock(folder)
    assert second is not None
    os.close(second)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Not a directory"):
        take_lock(tmp_path / "file" / "state")


class Forgetful(Waiting):
    """A channel that has to be told again."""

    refresh_s: float | None = 60.0

    def refresh(self, messages: Sequence[Message]) -> Outcome:
        """Take it, or fail as no channel should."""
        if not messages:
            raise KeyError("s3cret")
        return RetryLater(f"no to {len(messages)}")


def test_what_is_open_is_said_in_a_place(results: Results) -> None:
    """Saying again what is open takes a place; what became of it comes under a number of its own."""
    crew = Crew("am", Forgetful(), ManualClock(), lambda *result: results.put(result))
    crew.refresh([_claimed(1).message] * 2)
    assert (crew.busy, crew.free) == (1, 1)
    assert results.get(timeout=PATIENCE_S) == ("am", [(REFRESH, RetryLater("no to 2"))])
    crew.take_back()
    crew.refresh([])
    ((_, outcome),) = results.get(timeout=PATIENCE_S)[1]
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.startswith("defect of channel `am`: KeyError")
