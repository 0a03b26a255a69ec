"""The threads of a channel, and what wakes their courier."""

import os
import select
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.outbox import crew as crew_module
from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent
from rules_listener.outbox.crew import Crew
from rules_listener.outbox.doorbell import Doorbell
from rules_listener.outbox.lock import take_lock
from rules_listener.outbox.queue import Claimed

PATIENCE_S = 5

Results = SimpleQueue[tuple[str, int, Outcome]]


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
    return lambda channel: Crew("ops", channel, lambda *result: results.put(result))


def test_a_place_is_taken_until_the_outcome_is_written(results: Results, make_crew: Callable[[Waiting], Crew]) -> None:
    """A crew sends as many messages at a time as its channel has places; a place is free once it is given back."""
    channel = Waiting()
    crew = make_crew(channel)
    for n in range(2):
        crew.give(_claimed(n))
    assert (crew.free, crew.busy) == (0, 2)
    channel.go.set()
    assert {results.get(timeout=PATIENCE_S)[1] for _ in range(2)} == {0, 1}
    assert crew.free == 0
    crew.take_back()
    assert (crew.free, crew.busy) == (1, 1)


def test_a_defect_of_a_channel_is_an_outcome(results: Results, make_crew: Callable[[Waiting], Crew]) -> None:
    """An exception in a channel counts as `RetryLater`, says where it was and not what, and ends no thread."""
    channel = Waiting()
    channel.go.set()
    crew = make_crew(channel)
    for n, text in enumerate(("defect", "")):
        crew.give(_claimed(n, text))
        _, _, outcome = results.get(timeout=PATIENCE_S)
        crew.take_back()
        if text:
            assert isinstance(outcome, RetryLater)
            assert outcome.reason.startswith("defect of channel `ops`: KeyError in send, line ")
    assert outcome == Sent()
    crew.stop()


def test_no_thread_is_no_end(
    results: Results, make_crew: Callable[[Waiting], Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system gives no more threads, a message is tried later."""

    def no_thread(**_: object) -> Thread:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(crew_module, "Thread", no_thread)
    make_crew(Waiting()).give(_claimed(7))
    assert results.get(timeout=0) == ("ops", 7, RetryLater("the system has no room for another thread"))


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
