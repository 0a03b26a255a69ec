"""What people see of the store, and what they can change, while listener and courier work."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.event.wire import Frame
from rules_listener.match.engine import OpenAlert
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import GaveUp, RetryLater, Sent
from rules_listener.outbox.listing import Listed, Listing, Problem
from rules_listener.outbox.store import Store
from tests.match.harness import NOW, engine
from tests.match.playing import at, exited
from tests.outbox.taking import TakingQueue

MakeAlert = Callable[..., Alert]
OPS = {"ops": 1}


@pytest.fixture
def listing(folder: Path) -> Listing:
    """The command line's side of the store."""
    return Listing(folder)


def _states(listing: Listing) -> dict[str, str]:
    return {listed.key: listed.state for listed in listing.deliveries()}


def _send(queue: TakingQueue, outcome: Sent | RetryLater | GaveUp, now: float) -> str:
    ((n, message),) = queue.take(now, OPS)
    queue.settle([(n, outcome)], now)
    return message.id


def test_the_list_shows_every_state(store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert) -> None:
    """Each delivery is listed with its state, newest first; an alert that goes nowhere is listed too."""
    for outcome, key in ((Sent(), "a"), (GaveUp("refused"), "b"), (RetryLater("busy"), "c")):
        store.commit([make_alert(key)], None, time=0.0)
        _send(queue, outcome, 0.0)
    store.commit([make_alert("d"), make_alert("e"), make_alert("f", held="at most 1 per 1h")], None, time=0.0)
    nowhere = make_alert("g")
    nowhere.deliveries = ()
    store.commit([nowhere], None, time=0.0)
    assert listing.drop(listing.deliveries(("waiting",))[0].id, 1.0)
    queue.take(0.0, OPS)
    assert _states(listing) == {
        "g": "held",
        "f": "held",
        "e": "dropped",
        "d": "sending",
        "c": "waiting",
        "b": "given_up",
        "a": "sent",
    }
    assert [listed.key for listed in listing.deliveries()] == list("gfedcba")
    reasons = {listed.key: listed.reason for listed in listing.deliveries() if listed.reason}
    assert reasons == {"g": "it names no channel", "f": "at most 1 per 1h", "c": "busy", "b": "refused"}
    assert [listed.key for listed in listing.deliveries(("held", "given_up"), limit=2)] == ["g", "f"]


def test_a_delivery_is_shown_with_its_event(store: Store, listing: Listing, make_alert: MakeAlert) -> None:
    """One delivery is shown with all that is known of it; an id that is not there shows nothing."""
    alert = make_alert(text="caf\u00e9")
    alert.deliveries[0].arguments = ("a", "b")
    store.commit([alert], None, time=5.0)
    identifier = alert.deliveries[0].id
    shown = listing.show(identifier)
    assert shown is not None
    assert shown.event["event"] == "PROCESS_STATE_EXITED"
    assert shown.delivery == Listed(
        identifier,
        "waiting",
        1000.0,
        "crash_loop",
        "web:nginx",
        "alert",
        "firing",
        "error",
        "ops",
        "caf\u00e9",
        ("a", "b"),
        None,
        0,
        None,
    )
    assert listing.show("nothing") is None


def test_what_no_courier_has_expanded_is_shown_all_the_same(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """In lists and counts an alert is the same before and after a courier took it in, but for when it is due."""
    nowhere = make_alert("nowhere")
    nowhere.deliveries = ()
    alerts = [make_alert("a", "ops", "pager"), make_alert("b", held="at most 1 per 1h"), nowhere, make_alert("c")]
    store.commit(alerts, None, time=7.0)

    def looks() -> tuple[object, ...]:
        listed = listing.deliveries()
        shown = [listing.show(one.id) for one in listed if one.id]
        assert [one.delivery for one in shown if one] == [one for one in listed if one.id]
        limited = [listing.deliveries(("waiting",), limit) for limit in (1, 2, 3)]
        assert [len(some) for some in limited] == [1, 2, 3]
        return [one._replace(due=None) for one in listed], replace(listing.summary(), counters={})

    before = looks()
    queue.expand(8.0)
    assert looks() == before
    assert [(one.key, one.channel, one.state) for one in listing.deliveries()] == [
        ("c", "ops", "waiting"),
        ("nowhere", "", "held"),
        ("b", "ops", "held"),
        ("a", "ops", "waiting"),
        ("a", "pager", "waiting"),
    ]
    assert listing.summary().deliveries == {("ops", "held"): 1, ("ops", "waiting"): 2, ("pager", "waiting"): 1}
    assert listing.summary().oldest_waiting == 7.0


def test_what_no_courier_has_expanded_can_be_changed(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """An alert is dropped and revived while no courier works; the next one then finds all in order."""
    alerts = [make_alert(text=text) for text in ("first", "second", "third")]
    store.commit(alerts, None, time=0.0)
    identifier = alerts[0].deliveries[0].id
    assert not listing.retry(identifier, 1.0)
    assert listing.drop(identifier, 1.0)
    assert listing.drop(alerts[1].deliveries[0].id, 1.0)
    assert listing.retry(identifier, 2.0)
    assert [_send(queue, Sent(), 2.0) for _ in range(2)] == [identifier, alerts[2].deliveries[0].id]


def test_what_was_given_up_can_be_sent_again(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """A delivery revived by hand is as new: before younger ones, its tries from 1, its time to give up from now."""
    store.commit([make_alert(text="first")], None, time=0.0)
    identifier = _send(queue, GaveUp("refused"), 0.0)
    store.commit([make_alert(text="second")], None, time=0.0)
    later = 1_000_000.0
    assert listing.retry(identifier, later)
    ((n, message),) = queue.take(later, OPS)
    assert (message.text, message.attempt, message.id) == ("first", 1, identifier)
    queue.settle([(n, RetryLater("busy"))], later)
    assert queue.take(later, OPS) == []
    assert _send(queue, Sent(), later + 2) == identifier
    assert _send(queue, Sent(), later + 2) != identifier


def test_a_delivery_revived_during_another_waits_for_its_end(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """What is revived while a younger one of its key is being sent comes right after that."""
    store.commit([make_alert(text="first"), make_alert(text="second"), make_alert(text="third")], None, time=0.0)
    identifier = _send(queue, GaveUp("refused"), 0.0)
    ((n, second),) = queue.take(0.0, OPS)
    assert listing.retry(identifier, 1.0)
    assert queue.take(1.0, OPS) == []
    queue.settle([(n, Sent())], 1.0)
    assert second.text == "second"
    assert [_send(queue, Sent(), 1.0) == identifier for _ in range(2)] == [True, False]


def test_dropping_lets_the_next_one_go(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """What is dropped is never sent, and holds up nothing."""
    store.commit([make_alert(text="first"), make_alert(text="second")], None, time=0.0)
    first = listing.deliveries()[1]
    assert first.text == "first"
    assert listing.drop(first.id, 1.0)
    ((_, message),) = queue.take(1.0, OPS)
    assert message.text == "second"


@pytest.mark.parametrize("change", ["retry", "drop"])
def test_what_is_sent_or_being_sent_cant_be_changed(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert, change: str
) -> None:
    """Neither what is being sent, nor what was sent, nor what is not there can be revived or dropped."""
    store.commit([make_alert()], None, time=0.0)
    ((n, message),) = queue.take(0.0, OPS)
    assert not getattr(listing, change)(message.id, 1.0)
    queue.settle([(n, Sent())], 1.0)
    assert not getattr(listing, change)(message.id, 1.0)
    assert not getattr(listing, change)("nothing", 1.0)
    assert _states(listing) == {"web:nginx": "sent"}


def test_the_summary_says_how_things_stand(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """Deliveries are counted by channel and state, beside counters, last errors and dead frames."""
    store.commit([make_alert("a"), make_alert("b", "ops", "pager")], None, time=7.0)
    ((n, _),) = queue.take(7.0, OPS | {"pager": 0})
    queue.settle([(n, RetryLater("busy"))], 8.0)
    store.journal([], counts={"lost": 3})
    store.bury(Frame(b"", b""), "not UTF-8", time=9.0)
    summary = listing.summary()
    assert summary.deliveries == {("ops", "waiting"): 2, ("pager", "waiting"): 1}
    assert summary.oldest_waiting == 7.0
    assert {name: summary.counters[name] for name in ("lost", "dead", "journal_bytes", "failed_try:ops")} == {
        "lost": 3,
        "dead": 1,
        "journal_bytes": 0,
        "failed_try:ops": 1,
    }
    assert summary.errors == [Problem(8.0, "ops", "busy")]
    assert summary.dead == [Problem(9.0, "", "not UTF-8")]


def test_there_has_to_be_a_store(listing: Listing, folder: Path) -> None:
    """Without a store every question and every change is an error, and none is made."""
    for act in (listing.deliveries, listing.summary, lambda: listing.show("x"), lambda: listing.retry("x", 0.0)):
        with pytest.raises(StoreError, match="there is no store here"):
            act()
    assert not folder.exists()


def test_what_is_open_is_shown(store: Store, listing: Listing) -> None:
    """The open alerts are those that the engine remembered last, and whether they were sent."""
    rules = engine("rule down on PROCESS_STATE_EXITED alert 'x' until PROCESS_STATE_RUNNING at most 1 per 1h")
    for seconds, process in ((5, "a"), (3, "b")):
        rules.feed(at(seconds, exited(process)))
    store.journal([], state=json.dumps(rules.dump()))
    found = listing.summary().open_alerts
    assert len({alert.incident for alert in found}) == len(found)
    assert [alert._replace(incident="") for alert in found] == [
        OpenAlert("down", "site:b", NOW + 3, sent=False, incident=""),
        OpenAlert("down", "site:a", NOW + 5, sent=True, incident=""),
    ]
    store.journal([], state='{"format": 0}')
    assert listing.summary().open_alerts == []
