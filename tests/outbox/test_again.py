"""Which alerts are sent again, and that a courier does so in time."""

import json
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.match.firing import Firing
from rules_listener.outbox.again import Again
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.outbox.database import Database
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.store import Store
from rules_listener.outbox.trim import DAY_S, Limits, open_incidents
from tests.eventually import eventually
from tests.match.harness import NOW, engine
from tests.match.playing import alerts, at, exited, running
from tests.outbox.taking import TakingQueue
from tests.outbox.test_courier import PATIENCE_S, Recording, Running, Start, start

__all__ = ["start"]

RULE = "rule down on PROCESS_STATE_EXITED alert 'down' to ops, am until PROCESS_STATE_RUNNING remind every 10m"


class History:
    """A listener that keeps its alerts and what it remembers, with one rule."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._engine = engine(RULE)

    def exit(self, seconds: float, process: str) -> None:
        """A process exits."""
        self._keep(self._engine.feed(at(seconds, exited(process))))

    def run(self, seconds: float, process: str) -> None:
        """It runs again."""
        self._keep(self._engine.feed(at(seconds, running(process))))

    def wait(self, seconds: float) -> None:
        """Nothing happens until then."""
        self._keep(self._engine.advance(NOW + seconds))

    def remember(self) -> None:
        """Write down what is open."""
        self._store.journal([], state=json.dumps(self._engine.dump()))

    def _keep(self, firings: list[Firing]) -> None:
        self._store.commit(alerts(firings), None, time=NOW)


@pytest.fixture
def history(store: Store) -> History:
    """One that has not begun."""
    return History(store)


@pytest.fixture
def again(database: Database) -> Again:
    """What is sent again from the same store."""
    return Again(database)


def _told(again: Again, channel: str = "am") -> list[tuple[str, str]]:
    return [(message.key, message.phase) for message in again.messages(channel)]


def test_what_is_open_is_said_again(history: History, again: Again, queue: TakingQueue) -> None:
    """An alert is said again from when the engine's memory has it until there is a recovery, whatever memory says."""
    assert _told(again) == []
    history.exit(1, "a")
    history.exit(2, "b")
    queue.take(NOW, {"ops": 9, "am": 0})
    assert _told(again) == []
    history.remember()
    assert _told(again) == [("site:a", "firing"), ("site:b", "firing")]
    assert _told(again, "nobody") == []
    history.run(3, "a")
    queue.take(NOW, {"ops": 9, "am": 0})
    assert _told(again) == [("site:b", "firing")]
    history.remember()
    assert _told(again) == [("site:b", "firing")]


def test_the_last_that_was_said_is_said_again(history: History, again: Again, queue: TakingQueue) -> None:
    """A reminder is said again in place of what it reminds of, under one incident; another start finds the same."""
    history.exit(1, "a")
    history.wait(700)
    history.exit(701, "a")
    history.remember()
    queue.take(NOW, {"ops": 9, "am": 0})
    (message,) = again.messages("am")
    assert (message.phase, message.opened, message.incident) == ("reminder", NOW + 1, open_incidents(queue.database)[0])
    assert Again(queue.database).messages("am") == [message]


def test_another_incident_of_the_same_key(history: History, again: Again, queue: TakingQueue) -> None:
    """After a recovery the next alert of the same key is said again, and not the one before."""
    history.exit(1, "a")
    history.run(2, "a")
    history.exit(3, "a")
    history.remember()
    queue.take(NOW, {"ops": 9, "am": 0})
    (message,) = again.messages("am")
    assert message.opened == NOW + 3


@pytest.mark.parametrize("outcome", [Sent(), RetryLater("one of them is down"), GaveUp("refused"), None])
def test_whatever_became_of_it(history: History, again: Again, queue: TakingQueue, outcome: Outcome | None) -> None:
    """One receiver of several may have it: it is said again while the delivery waits for the rest, or was given up."""
    history.exit(1, "a")
    history.remember()
    taken = queue.take(NOW + 5, {"ops": 0, "am": 1})
    queue.settle([(claimed.n, outcome) for claimed in taken], NOW)
    assert _told(again) == [("site:a", "firing")]


def test_what_was_dropped_by_hand(history: History, again: Again, queue: TakingQueue, folder: Path) -> None:
    """What somebody has dropped is not said again."""
    history.exit(1, "a")
    history.remember()
    queue.take(NOW, {"ops": 0, "am": 0})
    (listed,) = [one for one in Listing(folder).deliveries() if one.channel == "am"]
    assert Listing(folder).drop(listed.id, NOW)
    assert _told(again) == []


def test_what_is_open_for_long_is_kept(history: History, queue: TakingQueue, again: Again) -> None:
    """However long an alert is open, it can be said again; once it has recovered, it goes as any other does."""

    def settle_and_trim() -> list[tuple[str, str]]:
        queue.settle([(one.n, Sent()) for one in queue.take(NOW + 9, {"ops": 9, "am": 9})], NOW)
        while queue.trim(NOW + 30 * DAY_S, Limits()):
            pass
        return [(key, phase) for key, phase in queue.database.rows("SELECT key, phase FROM alerts ORDER BY n")]

    history.exit(1, "a")
    history.exit(2, "b")
    history.run(3, "b")
    history.exit(4, "c")
    history.remember()
    settle_and_trim()
    assert settle_and_trim() == [("site:a", "firing"), ("site:c", "firing")]
    assert _told(again) == [("site:a", "firing"), ("site:c", "firing")]
    history.run(5, "a")
    history.exit(6, "d")
    history.remember()
    settle_and_trim()
    assert settle_and_trim() == [("site:c", "firing"), ("site:d", "firing")]


class Forgetful(Recording):
    """A channel that has to be told again each minute."""

    refresh_s: float | None = 60.0

    def __init__(self, *outcomes: Outcome) -> None:
        super().__init__(places=1)
        self.refreshed: SimpleQueue[list[str]] = SimpleQueue()
        self.refusals = list(outcomes)

    def refresh(self, messages: Sequence[Message]) -> Outcome:
        """Note the keys."""
        self.refreshed.put([message.key for message in messages])
        return self.refusals.pop(0) if self.refusals else Sent()


@pytest.fixture
def clock() -> ManualClock:
    """A clock at the engine's beginning."""
    return ManualClock(NOW)


def _settled(folder: Path) -> bool:
    return {state for _, state in Listing(folder).summary().deliveries} == {"sent"}


def test_a_courier_tells_again_in_time(
    history: History,
    folder: Path,
    start: Start,
    clock: ManualClock,
) -> None:
    """What is open is said again each minute, to the channel that wants it only, and no more after its recovery."""
    am, ops = Forgetful(), Recording()
    running_courier: Running = start(am=am, ops=ops)
    history.exit(1, "a")
    running_courier.ring()
    am.get()
    ops.get()
    eventually(lambda: _settled(folder))
    history.remember()
    for number in range(3):
        clock.advance(60.0)
        assert am.refreshed.get(timeout=PATIENCE_S) == ["site:a"]
        clock.advance(59.0)
        history.exit(1 + number / 10, f"other{number}")
        running_courier.ring()
        assert (am.get().key, ops.get().key) == (f"site:other{number}",) * 2
        eventually(lambda: _settled(folder))
        assert am.refreshed.empty()
    history.run(2, "a")
    running_courier.ring()
    assert (am.get().phase, ops.get().phase) == ("recovery", "recovery")
    eventually(lambda: _settled(folder))
    clock.advance(600.0)
    history.exit(3, "b")
    running_courier.ring()
    am.get()
    eventually(lambda: _settled(folder))
    assert am.refreshed.empty()
    assert running_courier.reports == []


def test_a_courier_tells_at_its_start(history: History, start: Start, clock: ManualClock) -> None:
    """A new courier says at once what is open: nobody knows for how long there was none. A failure is reported once."""
    history.exit(1, "a")
    history.remember()
    am = Forgetful(RetryLater("no"), RetryLater("no"))
    running_courier = start(am=am, ops=Recording())
    for _ in range(3):
        assert am.refreshed.get(timeout=PATIENCE_S) == ["site:a"]
        clock.advance(60.0)
    eventually(lambda: len(running_courier.reports) == 2)
    assert running_courier.reports == [
        "channel `am`: open alerts could not be sent again: no",
        "channel `am`: open alerts are sent again",
    ]
