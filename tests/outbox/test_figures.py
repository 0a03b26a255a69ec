"""The store in figures: what was counted, what is open, what waits."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import GaveUp, Outcome, RetryLater, Sent
from rules_listener.outbox.counters import by_label
from rules_listener.outbox.figures import Queued, read_figures, store_bytes
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.store import Received, Store
from tests.match.harness import engine
from tests.match.playing import at, exited
from tests.outbox.taking import TakingQueue

MakeAlert = Callable[..., Alert]
FREE = {"ops": 10, "pager": 0}


def test_what_waits_is_told_by_channel(store: Store, queue: TakingQueue, folder: Path, make_alert: MakeAlert) -> None:
    """What is expanded, what is being sent, and what no courier has seen yet waits together; what is held does not."""
    store.commit([make_alert("a", "ops", "pager"), make_alert("b", held="at most 1 per 1h")], None, time=7.0)
    queue.take(8.0, FREE)
    store.commit([make_alert("c", "ops", "hook"), make_alert("d", held="at most 1 per 1h")], None, time=9.0)
    figures = read_figures(folder)
    assert figures.queues == {"ops": Queued(2, 7.0), "pager": Queued(1, 7.0), "hook": Queued(1, 9.0)}


OUTCOMES: dict[str, Outcome] = {"sent": Sent(), "given_up": GaveUp("refused"), "failed_try": RetryLater("busy")}


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcomes_are_counted_by_channel(
    store: Store, queue: TakingQueue, folder: Path, make_alert: MakeAlert, name: str
) -> None:
    """Each outcome counts once, in the transaction that writes it; one that changes nothing counts nothing."""
    outcome = OUTCOMES[name]
    store.commit([make_alert("a"), make_alert("b")], None, time=0.0)
    taken = queue.take(0.0, FREE)
    queue.settle([(claimed.n, outcome) for claimed in taken], 0.0)
    queue.settle([(claimed.n, outcome) for claimed in taken], 0.0)
    counters = read_figures(folder).counters
    assert {name: value for name, value in counters.items() if name.endswith(":ops")} == {f"{name}:ops": 2}


def test_what_is_dropped_by_hand_is_counted(store: Store, folder: Path, make_alert: MakeAlert) -> None:
    """A delivery that is dropped counts; one that can't be dropped does not."""
    alert = make_alert()
    store.commit([alert], None, time=0.0)
    listing = Listing(folder)
    assert listing.drop(alert.deliveries[0].id, 1.0)
    assert not listing.drop(alert.deliveries[0].id, 1.0)
    assert by_label(read_figures(folder).counters, "dropped") == {"ops": 1}


def test_a_firing_is_counted_once_whatever_it_causes(
    store: Store, queue: TakingQueue, folder: Path, make_alert: MakeAlert
) -> None:
    """A rule's actions are one firing; the next event is the next one; reminders and recoveries are none."""

    def firing(time: float, phase: str = "firing", **more: object) -> list[Alert]:
        alerts = [make_alert("a", "ops", time=time, **more), make_alert("a", "run", time=time, kind="run", **more)]
        return [alert._replace(phase=phase) for alert in alerts]

    for alerts in (firing(1.0), firing(2.0, held="already open"), firing(3.0, "reminder"), firing(4.0, "recovery")):
        store.commit(alerts, None, time=5.0)
        queue.expand(6.0)
    store.commit([*firing(5.0), *firing(6.0)], None, time=7.0)
    queue.expand(8.0)
    assert by_label(read_figures(folder).counters, "firing") == {"crash_loop": 4}


def test_a_firing_whose_alerts_are_expanded_one_by_one_is_one(
    store: Store, queue: TakingQueue, folder: Path, make_alert: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction may end between two alerts of a firing."""
    monkeypatch.setattr("rules_listener.outbox.expand.AT_ONCE", 1)
    store.commit([make_alert("a"), make_alert("a"), make_alert("b")], None, time=0.0)
    assert [queue.expand(1.0) for _ in range(4)] == [True, True, True, False]
    assert by_label(read_figures(folder).counters, "firing") == {"crash_loop": 2}


def test_open_alerts_and_the_last_event(store: Store, folder: Path) -> None:
    """What the engine remembers as open is counted by rule; memory of another format is not understood."""
    rules = engine(
        "rule down on PROCESS_STATE_EXITED"
        "  alert 'x' until PROCESS_STATE_RUNNING alert 'y' until PROCESS_STATE_RUNNING\n"
        "rule other on PROCESS_STATE_EXITED 3 times in 1m alert 'x'"
    )
    for process in ("a", "b"):
        rules.feed(at(1, exited(process)))
    frames = [Received(time, Frame(b"header", b"payload")) for time in (3.0, 5.0)]
    store.journal(frames, state=json.dumps(rules.dump()))
    figures = read_figures(folder)
    assert ({rule: number for rule, number in figures.open_alerts.items() if number}, figures.last_event) == (
        {"down": 4},
        5.0,
    )
    store.journal([], state='{"format": 0}')
    assert read_figures(folder).open_alerts == {}


def test_an_empty_store_has_figures(store: Store, folder: Path) -> None:
    """Before the first event nothing is counted; where there is no store, that is an error, and none is made."""
    with pytest.raises(StoreError, match="there is no store here"):
        read_figures(folder)
    assert not folder.exists()
    store.open()
    figures = read_figures(folder)
    assert (figures.counters, figures.open_alerts, figures.queues, figures.last_event) == ({}, {}, {}, None)
    assert store_bytes(folder) >= (folder / "store.sqlite3").stat().st_size
