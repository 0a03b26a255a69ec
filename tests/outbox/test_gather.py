"""What a channel gathers: when a digest is due, what it has, and what becomes of it."""

import sqlite3
from collections.abc import Callable
from random import Random

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.outbox import gather as gather_module
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import GaveUp, Outcome, RetryLater, Sent
from rules_listener.outbox.database import Database, Execute, Row
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.queue import GIVE_UP_AFTER_S, Queue, Series
from rules_listener.outbox.store import Store
from rules_listener.send.digest import Batch, digest_of

MakeAlert = Callable[..., Alert]
FREE = {"ops": 1, "pager": 1, "supervisor": 1}
EVERY_S = 300.0


@pytest.fixture
def queue(database: Database) -> Queue:
    """A queue whose channel `ops` gathers for five minutes."""
    return Queue(database, random=Random(1), gather_s={"ops": EVERY_S})  # noqa: S311 - a test repeats itself


def _keep(store: Store, queue: Queue, now: float, *alerts: Alert) -> None:
    store.commit(alerts, None, time=now)
    while queue.expand(now):
        pass


def _texts(claims: list[Series]) -> list[list[str]]:
    return [[claimed.message.text for claimed in series] for series in claims]


def _settle(queue: Queue, series: Series, outcome: Outcome | None, now: float) -> None:
    queue.settle([(claimed.n, outcome) for claimed in series], now)


def _rows(database: Database) -> list[tuple[object, ...]]:
    return database.rows("SELECT state, attempts, reason FROM deliveries ORDER BY n")


def test_a_digest_is_due_when_its_first_has_waited(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """What comes soon enough after the first alert is one digest, in its order, of all keys; the rest is the next."""
    for n, now in enumerate((1000.0, 1001.0, 1299.0)):
        _keep(store, queue, now, make_alert(f"k{n % 2}", text=str(n)))
    assert queue.claim(1299.9, FREE) == []
    assert (queue.gather(1299.9, FREE), queue.next_due(FREE)) == ([], 1300.0)
    (series,) = queue.gather(1300.0, FREE)
    assert _texts([series]) == [["0", "1", "2"]]
    assert queue.next_due(FREE) is None
    _keep(store, queue, 1301.0, make_alert("k0", text="3"))
    assert (queue.gather(9999.0, FREE), queue.next_due(FREE)) == ([], None)
    _settle(queue, series, Sent(), 1302.0)
    assert (queue.gather(1600.9, FREE), queue.next_due(FREE)) == ([], 1601.0)
    assert _texts(queue.gather(1601.0, FREE)) == [["3"]]


def test_other_channels_do_not_wait(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """A channel that gathers changes nothing for one that does not; nothing is sent if nothing waits."""
    assert queue.gather(9999.0, FREE) == []
    _keep(store, queue, 1000.0, make_alert("a", "ops", "pager"))
    assert _texts(queue.claim(1000.0, FREE)) == [["web:nginx crashed"]]
    assert queue.gather(1000.0, FREE) == []
    assert queue.gather(2000.0, FREE | {"ops": 0}) == []
    assert queue.next_due(FREE | {"ops": 0}) is None


def test_a_digest_has_one_fate(store: Store, queue: Queue, database: Database, make_alert: MakeAlert) -> None:
    """Each of its deliveries is tried again with the others, the same ones; what came meanwhile waits for them."""
    _keep(store, queue, 1000.0, make_alert("a", text="0"), make_alert("b", text="1"))
    (first,) = queue.gather(1300.0, FREE)
    _settle(queue, first, RetryLater("busy", 60.0), 1300.0)
    _keep(store, queue, 1301.0, make_alert("b", text="2"), make_alert("c", text="3"))
    assert queue.next_due(FREE) == 1360.0
    assert queue.gather(1359.9, FREE) == []
    (again,) = queue.gather(1360.0, FREE)
    assert [claimed.message.id for claimed in again] == [claimed.message.id for claimed in first]
    assert {claimed.message.attempt for claimed in again} == {2}
    _settle(queue, again, Sent(), 1360.0)
    assert _rows(database) == [("sent", 2, None)] * 2 + [("waiting", 0, None)] * 2
    assert _texts(queue.gather(1601.0, FREE)) == [["2", "3"]]


def test_the_id_of_a_digest_is_found(store: Store, queue: Queue, database: Database, make_alert: MakeAlert) -> None:
    """It leads to the first of its deliveries, each of which tells of the others; one that was sent alone does not."""
    _keep(store, queue, 1000.0, *(make_alert(f"k{n}", "ops", "pager", text=str(n)) for n in range(3)))
    (series,) = queue.gather(1300.0, FREE)
    messages = [claimed.message for claimed in series]
    _settle(queue, series, Sent(), 1301.0)
    listing = Listing(database.path.parent)
    assert listing.find(digest_of(messages, Batch(EVERY_S)).id) == [messages[0].id]
    shown = listing.show(messages[1].id)
    assert shown is not None
    assert shown.together == [messages[0].id, messages[2].id]
    (alone,) = [one.id for one in shown.deliveries if one.channel == "pager"]
    found = listing.show(alone)
    assert found is not None
    assert found.together == []


def test_a_digest_is_given_up_as_a_whole(store: Store, queue: Queue, database: Database, make_alert: MakeAlert) -> None:
    """What can't heal, or was tried for long enough since its youngest alert, is given up; that is one failure."""
    _keep(store, queue, 1000.0, make_alert("a"), make_alert("b"))
    (series,) = queue.gather(1300.0, FREE)
    _settle(queue, series, GaveUp("no"), 1300.0)
    assert _rows(database) == [("given_up", 1, "no")] * 2
    _keep(store, queue, 2000.0, make_alert("a"))
    _keep(store, queue, 2000.0 + GIVE_UP_AFTER_S, make_alert("b"))
    for now in (
        2001.0 + GIVE_UP_AFTER_S,
        1999.0 + EVERY_S + 2 * GIVE_UP_AFTER_S,
        2009.0 + EVERY_S + 2 * GIVE_UP_AFTER_S,
    ):
        (series,) = queue.gather(now, FREE)
        _settle(queue, series, RetryLater("busy"), now)
    assert _rows(database)[2:] == [("given_up", 3, "busy")] * 2
    assert [failure[1:] for failure in store.failures()] == [("ops", "no", 1), ("ops", "busy", 3)]
    assert queue.given_up == 2


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_digest_that_a_courier_left_is_the_same(
    store: Store, queue: Queue, make_alert: MakeAlert, attempts: int
) -> None:
    """After a crash the next courier sends what the last one was sending, without what came since."""
    _keep(store, queue, 1000.0, make_alert("a", text="0"), make_alert("b", text="1"), make_alert("a", text="2"))
    (left,) = queue.gather(1300.0, FREE)
    for _ in range(1, attempts):
        _settle(queue, left, RetryLater("busy"), 1300.0)
        (left,) = queue.gather(1400.0, FREE)
    _keep(store, queue, 1401.0, make_alert("a", text="3"), make_alert("c", text="4"))
    queue.recover(1401.0)
    due = queue.next_due(FREE)
    assert due is not None
    assert (due > 1401.0) == (attempts > 1)
    (again,) = queue.gather(due, FREE)
    assert [claimed.message.id for claimed in again] == [claimed.message.id for claimed in left]
    _settle(queue, again, Sent(), due)
    assert _texts(queue.gather(1701.0, FREE)) == [["3", "4"]]


def test_what_was_dropped_by_hand_is_left_out(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """A digest goes on without what was dropped, be it the first; what is sent again by hand is for the next one."""
    alerts = [make_alert(key, text=key) for key in "abc"]
    _keep(store, queue, 1000.0, *alerts)
    (series,) = queue.gather(1300.0, FREE)
    _settle(queue, series, RetryLater("busy", 1000.0), 1300.0)
    listing = Listing(store._database.path.parent)
    assert listing.drop(alerts[0].deliveries[0].id, 1300.0)
    assert (queue.gather(2299.0, FREE), queue.next_due(FREE)) == ([], 2300.0)
    (series,) = queue.gather(2300.0, FREE)
    assert _texts([series]) == [["b", "c"]]
    assert listing.retry(alerts[0].deliveries[0].id, 2302.0)
    _settle(queue, series, Sent(), 2303.0)
    assert _texts(queue.gather(2303.0, FREE)) == [["a"]]


def test_a_drop_by_hand_sends_nothing_early(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """What else is gathered waits as long as before, also behind the one that was dropped, or not taken in so far."""
    alerts = [make_alert(key, text=f"{key}{n}") for n, key in enumerate("aab")]
    _keep(store, queue, 1000.0, *alerts)
    store.commit([make_alert("c", text="c3")], None, time=1001.0)
    listing = Listing(store._database.path.parent, {"ops": EVERY_S})
    assert listing.drop(alerts[0].deliveries[0].id, 1010.0)
    assert (queue.gather(1299.9, FREE), queue.next_due(FREE)) == ([], 1300.0)
    assert _texts(queue.gather(1300.0, FREE)) == [["a1", "b2", "c3"]]


def test_what_is_for_one_digest_is_tried_together(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """All of it is listed with the same next try, before the first one and after; what comes later is behind it."""
    _keep(store, queue, 1000.0, make_alert("a", text="0"), make_alert("b", text="1"), make_alert("a", text="2"))
    _keep(store, queue, 1010.0, make_alert("c", text="3"))
    listing = Listing(store._database.path.parent, {"ops": EVERY_S})
    assert {one.due for one in listing.deliveries()} == {1300.0}
    (series,) = queue.gather(1300.0, FREE)
    _settle(queue, series, RetryLater("busy", 50.0), 1300.0)
    _keep(store, queue, 1301.0, make_alert("d", text="4"))
    assert {one.text: one.due for one in listing.deliveries()} == dict.fromkeys("0123", 1350.0) | {"4": None}
    assert listing.summary().next_due == {"ops": 1350.0}


@pytest.mark.parametrize("tried", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_digest_is_tried_now_by_any_of_it(
    store: Store, queue: Queue, make_alert: MakeAlert, number: int, *, tried: bool
) -> None:
    """Whichever of a digest is to be tried now, all of it is; that the others are, too, may be asked for as well."""
    alerts = [make_alert(key, text=f"{key}{n}") for n, key in enumerate("aba")]
    _keep(store, queue, 1000.0, *alerts)
    now = 1301.0 if tried else 1200.0
    if tried:
        _settle(queue, queue.gather(1300.0, FREE)[0], RetryLater("busy", 900.0), 1300.0)
    ids = [alert.deliveries[0].id for alert in alerts]
    listing = Listing(store._database.path.parent, {"ops": EVERY_S})
    assert listing.retry(ids[number], now)
    assert all(listing.retry(identifier, now) for identifier in ids[1:])
    assert _texts(queue.gather(now, FREE)) == [["a0", "b1", "a2"]]
    assert not listing.retry(ids[number], now)


def test_what_is_revived_before_a_digest_makes_no_circle(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """An older delivery of a key that is sent again by hand waits for the digest, which keeps its pauses."""
    old, new = make_alert("a", text="old"), make_alert("a", text="new")
    _keep(store, queue, 1000.0, old)
    _settle(queue, queue.gather(1300.0, FREE)[0], GaveUp("no"), 1300.0)
    _keep(store, queue, 1301.0, new)
    (series,) = queue.gather(1601.0, FREE)
    assert Listing(store._database.path.parent).retry(old.deliveries[0].id, 1602.0)
    for now in (1700.0, 1800.0):
        _settle(queue, series, RetryLater("busy", 50.0), now)
        assert queue.next_due(FREE) == now + 50.0
        (series,) = queue.gather(now + 50.0, FREE)
        assert _texts([series]) == [["new"]]
    _settle(queue, series, Sent(), 1900.0)
    assert _texts(queue.gather(1902.0, FREE)) == [["old"]]


def test_a_hurry_gathers_no_longer(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """At the end what waits is a digest at once; one that was tried has to wait for its time."""
    _keep(store, queue, 1000.0, make_alert("a"))
    (series,) = queue.gather(1000.0, FREE, hurry=True)
    _settle(queue, series, RetryLater("busy"), 1000.0)
    assert queue.gather(1000.0, FREE, hurry=True) == []


def test_a_shutdown_is_a_hurry(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """What was said before supervisord is to be shut down is tried first, and not in five minutes."""
    alert = make_alert("core", "supervisor", kind="shutdown")
    shutdown = alert._replace(deliveries=(alert.deliveries[0]._replace(arguments=("shutdown",)),))
    _keep(store, queue, 1000.0, make_alert("a"), shutdown)
    assert queue.claim(1000.0, FREE) == []
    (series,) = queue.gather(1000.0, FREE)
    _settle(queue, series, Sent(), 1000.0)
    assert [[claimed.message.kind for claimed in one] for one in queue.claim(1000.0, FREE)] == [["shutdown"]]


def test_digests_are_claimed_together_or_not_at_all(
    store: Store, database: Database, make_alert: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the store fails while the second of two channels is marked, nothing of the first is left as being sent."""
    queue = Queue(database, random=Random(1), gather_s={"ops": 1.0, "pager": 1.0})  # noqa: S311 - a test repeats itself
    _keep(store, queue, 1000.0, make_alert("a", "ops", "pager"))
    monkeypatch.setattr("rules_listener.outbox.queue.mark", _mark_but_pager)
    with pytest.raises(StoreError):
        queue.gather(2000.0, FREE)
    monkeypatch.undo()
    assert len(queue.gather(2000.0, FREE)) == 2


def _mark_but_pager(execute: Execute, rows: list[Row], now: float) -> list[Row]:
    if rows[0][2] == "pager":
        raise sqlite3.OperationalError
    return gather_module.mark(execute, rows, now)


def test_a_digest_has_bounds(
    store: Store, queue: Queue, make_alert: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is more than a digest has room for is the next one, which need not wait."""
    monkeypatch.setattr(gather_module, "MOST_DELIVERIES", 3)
    _keep(store, queue, 1000.0, *[make_alert("a", text=str(n)) for n in range(4)])
    (series,) = queue.gather(1300.0, FREE)
    _settle(queue, series, Sent(), 1300.0)
    (rest,) = queue.gather(1300.0, FREE)
    assert _texts([series, rest]) == [["0", "1", "2"], ["3"]]
    _settle(queue, rest, Sent(), 1300.0)
    monkeypatch.setattr(gather_module, "MOST_CHARACTERS", 1500)
    _keep(store, queue, 2000.0, *[make_alert("a", text=f"{n}{'x' * 1000}") for n in range(3)])
    (one,) = queue.gather(2300.0, FREE)
    assert [len(texts) for texts in _texts([one])] == [1]


def test_a_batch_that_is_switched_on_or_off(
    store: Store, queue: Queue, database: Database, make_alert: MakeAlert
) -> None:
    """After a change of the configuration all that waits goes out, in the new way."""
    _keep(store, queue, 1000.0, make_alert("a", text="0"), make_alert("b", text="1"), make_alert("a", text="2"))
    (series,) = queue.gather(1300.0, FREE)
    _settle(queue, series, RetryLater("busy"), 1300.0)
    plain = Queue(database, random=Random(1))  # noqa: S311 - a test repeats itself
    plain.recover(1310.0)
    (first, second) = plain.claim(1310.0, {"ops": 4}, {"ops": 1})
    assert _texts([first, second]) == [["0"], ["1"]]
    _settle(plain, [*first, *second], RetryLater("busy"), 1310.0)
    queue.recover(1320.0)
    assert _texts(queue.gather(1320.0, FREE)) == [["0", "1", "2"]]


def test_a_crew_without_threads_puts_a_digest_back(store: Store, queue: Queue, make_alert: MakeAlert) -> None:
    """What became of the first of a digest became of all."""
    _keep(store, queue, 1000.0, make_alert("a"), make_alert("b"))
    (series,) = queue.gather(1300.0, FREE)
    queue.settle([(series[0].n, RetryLater("no room")), (series[1].n, None)], 1300.0)
    assert queue.gather(1300.0, FREE) == []
    assert len(queue.gather(1302.0, FREE)[0]) == 2
