"""What people see of the store, and what they can change, while listener and courier work."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.event.event import Event
from rules_listener.event.record import own_frame
from rules_listener.event.wire import Frame
from rules_listener.match.engine import OpenAlert
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.outbox.channel import GaveUp, RetryLater, Sent
from rules_listener.outbox.listing import Listed, Listing, Problem, Wanted
from rules_listener.outbox.store import Received, Store
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
    store.commit([make_alert("g")._replace(deliveries=())], None, time=0.0)
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
    alert = alert._replace(deliveries=(alert.deliveries[0]._replace(arguments=("a", "b")),))
    store.commit([alert], None, time=5.0)
    identifier = alert.deliveries[0].id
    shown = listing.show(identifier)
    assert shown is not None
    assert shown.event["event"] == "PROCESS_STATE_EXITED"
    assert shown.deliveries == [shown.delivery]
    assert shown.delivery == Listed(
        id=identifier,
        state="waiting",
        alert=1,
        time=1000.0,
        rule="crash_loop",
        key="web:nginx",
        kind="alert",
        phase="firing",
        severity="error",
        incident=None,
        opened=None,
        channel="ops",
        text="caf\u00e9",
        arguments=("a", "b"),
        reason=None,
        attempts=0,
        due=None,
        since=5.0,
        changed=None,
    )
    assert listing.show("nothing") is None


def test_what_no_courier_has_expanded_is_shown_all_the_same(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """In lists and counts an alert is the same before and after a courier took it in, but for when it is due."""
    nowhere = make_alert("nowhere")._replace(deliveries=())
    alerts = [make_alert("a", "ops", "pager"), make_alert("b", held="at most 1 per 1h"), nowhere, make_alert("c")]
    store.commit(alerts, None, time=7.0)

    def looks() -> tuple[object, ...]:
        listed = listing.deliveries()
        shown = [listing.show(one.id) for one in listed if one.id]
        assert [one.delivery for one in shown if one] == [one for one in listed if one.id]
        limited = [listing.deliveries(("waiting",), limit) for limit in (1, 2, 3)]
        assert [[one.key for one in some] for some in limited] == [["c"], ["c", "a", "a"], ["c", "a", "a"]]
        return [one._replace(due=None, changed=None) for one in listed], replace(
            listing.summary(), counters={}, next_due={}
        )

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
    assert summary.errors == [Problem(8.0, "ops", "busy", "waiting", 1)]
    assert summary.dead == [Problem(9.0, "", "not UTF-8")]


def test_what_is_listed_can_be_chosen(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """By state, rule, key and channel, before and after a courier took it in; all that is named has to hold."""
    other = make_alert("c", "pager")._replace(rule="other")
    store.commit([make_alert("a", "ops", "pager"), make_alert("b", "ops", held="muted"), other], None, time=0.0)

    def chosen() -> list[list[tuple[str, str]]]:
        return [
            [(one.key, one.channel) for one in listing.deliveries(wanted=wanted)]
            for wanted in (
                Wanted(channels=["pager"]),
                Wanted(rules=["other", "unknown"]),
                Wanted(keys=["a", "b"], channels=["ops"]),
                Wanted(states=["held"]),
                Wanted(states=["held"], channels=["pager"]),
            )
        ]

    expected = [[("c", "pager"), ("a", "pager")], [("c", "pager")], [("b", "ops"), ("a", "ops")], [("b", "ops")], []]
    assert chosen() == expected
    queue.expand(1.0)
    assert chosen() == expected


def test_a_limit_counts_alerts(store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert) -> None:
    """Of each alert that is listed all is listed that is wanted, before and after a courier took it in."""
    store.commit([make_alert(key, "ops", "mail", "pager") for key in "abc"], None, time=0.0)

    def listed(limit: int, *channels: str) -> list[str]:
        return [f"{one.key} {one.channel}" for one in listing.deliveries(limit=limit, wanted=Wanted(channels=channels))]

    def looks() -> list[list[str]]:
        return [listed(1), listed(2, "mail"), listed(2, "mail", "pager"), listed(2, "unknown")]

    expected = [["c ops", "c mail", "c pager"], ["c mail", "b mail"], ["c mail", "c pager", "b mail", "b pager"], []]
    assert looks() == expected
    queue.expand(0.0)
    assert looks() == expected


def test_an_id_is_found_by_its_beginning(store: Store, queue: TakingQueue, listing: Listing) -> None:
    """One id, several, or none begin so; one that is complete stands for itself, whatever else begins with it."""
    alerts = [_with_ids("abc1", "abd"), _with_ids("abc12")]
    store.commit(alerts[:1], None, time=0.0)
    queue.expand(0.0)
    store.commit(alerts[1:], None, time=0.0)
    assert [listing.find(beginning) for beginning in ("abd", "ab", "abc", "abc1", "abc12", "x", "%")] == [
        ["abd"],
        ["abc1", "abc12", "abd"],
        ["abc1", "abc12"],
        ["abc1"],
        ["abc12"],
        [],
        [],
    ]
    assert listing.find("ab", 2) == ["abc1", "abc12"]


def _with_ids(*ids: str) -> Alert:
    event = Event("PROCESS_STATE_EXITED", 0.0, {})
    return Alert(0.0, "rule", "key", "alert", "error", event, tuple(Delivery(one, "ops", "text") for one in ids))


def test_the_story_of_an_open_alert(store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert) -> None:
    """All that was said of it is told with each of its alerts, and with what it held back; nothing of another one."""
    phases = ["firing", "held", "reminder", "held", "recovery", "held", "firing"]
    alerts = []
    for time, phase in enumerate(phases, 10):
        alert = make_alert(
            "a", "ops", "pager", time=float(time), held="already open since 10" if phase == "held" else None
        )
        if phase != "held":
            incident, opened = ("second", 16.0) if time == 16 else ("first", 10.0)
            alert = alert._replace(phase=phase, incident=incident, opened=opened)
        alerts.append(alert)
    store.commit([make_alert("b", held="muted"), *alerts], None, time=20.0)
    queue.expand(20.0)

    def story(number: int) -> tuple[list[tuple[float, str]], int]:
        shown = listing.show(alerts[number].deliveries[1].id)
        assert shown is not None
        assert [one.channel for one in shown.deliveries] == ["ops", "pager"]
        return [(one.time, one.phase) for one in shown.incident if one.channel == "ops"], shown.held_meanwhile

    first = [(10.0, "firing"), (12.0, "reminder"), (14.0, "recovery")]
    assert [story(number) for number in (0, 1, 3, 4)] == [(first, 2)] * 4
    assert story(5) == ([], 0)
    assert story(6) == ([(16.0, "firing")], 0)


def test_one_that_waits_for_its_next_try_is_tried_now(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """Retry by hand does not have to wait for the next try; the tries go on being counted."""
    store.commit([make_alert(text="first"), make_alert(text="second")], None, time=0.0)
    ((n, message),) = queue.take(0.0, OPS)
    queue.settle([(n, RetryLater("busy", 3600.0))], 0.0)
    assert queue.take(10.0, OPS) == []
    assert listing.retry(message.id, 10.0)
    assert not listing.retry(message.id, 10.0)
    assert [(one.message.text, one.message.attempt) for one in queue.take(10.0, OPS)] == [("first", 2)]


def test_the_summary_says_what_is_held_back_and_why(
    store: Store, queue: TakingQueue, listing: Listing, make_alert: MakeAlert
) -> None:
    """Alerts that were held back are counted by reason, of which the moment is no part; queues tell their ages."""
    for held in ("already open since 1", "already open since 2", "muted: a long night since Monday"):
        store.commit([make_alert(held=held)], None, time=5.0)
    store.commit([make_alert()], None, time=6.0)
    ((n, _),) = queue.take(6.0, OPS)
    queue.settle([(n, RetryLater("busy", 60.0))], 6.0)
    summary = listing.summary()
    assert summary.held == {"already open": 2, "muted: a long night since Monday": 1}
    assert (summary.oldest, summary.next_due) == ({"ops": 6.0}, {"ops": 66.0})


def test_the_summary_says_why_rules_were_rejected(store: Store, listing: Listing) -> None:
    """Until others are loaded; also when the event that said why is not there any more."""
    store.journal([], notes={"loaded_ms": 1000})
    assert (listing.summary().rejected, listing.summary().last_event) == (None, None)
    store.journal([], notes={"rejected_ms": 2000})
    assert listing.summary().rejected == ""
    event = Event("LISTENER_RULES_REJECTED", 2.0, {"reason": "RL101 at a.rules:1:1"})
    store.journal([Received(2.0, own_frame(event)), Received(3.0, Frame(b"header", b"payload"))])
    assert (listing.summary().rejected, listing.summary().last_event) == ("RL101 at a.rules:1:1", 3.0)
    store.journal([], notes={"loaded_ms": 3000})
    assert listing.summary().rejected is None


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
