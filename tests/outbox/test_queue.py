"""Which delivery is due, in which order, and what becomes of it."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.outbox import expand, gather, order
from rules_listener.outbox import queue as queue_module
from rules_listener.outbox import store as store_module
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import GaveUp, Outcome, RetryLater, Sent
from rules_listener.outbox.database import Database
from rules_listener.outbox.expand import expand_all
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.queue import GIVE_UP_AFTER_S, Claimed, wait_after
from rules_listener.outbox.store import Store
from tests.outbox.taking import TakingQueue

MakeAlert = Callable[..., Alert]
OPS = {"ops": 10}


def _keys(claims: list[Claimed]) -> list[str]:
    return [claimed.message.key for claimed in claims]


def _settle_all(queue: TakingQueue, claims: list[Claimed], outcome: Outcome, now: float) -> None:
    queue.settle([(claimed.n, outcome) for claimed in claims], now)


def _states(database: Database) -> list[str]:
    return [state for (state,) in database.rows("SELECT state FROM deliveries ORDER BY n")]


def test_a_claimed_delivery_is_what_was_committed(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """A channel gets the alert with its event, its id and the number of the try."""
    alert = make_alert(text="caf\u00e9")
    store.commit([alert], None, time=1000.0)
    ((_, message),) = queue.take(1000.0, OPS)
    assert (message.id, message.channel, message.text) == (alert.deliveries[0].id, "ops", "caf\u00e9")
    assert (message.rule, message.key, message.kind, message.severity) == ("crash_loop", "web:nginx", "alert", "error")
    assert (message.time, message.arguments, message.attempt) == (1000.0, (), 1)
    assert message.event == {
        "time": 1000.0,
        "event": "PROCESS_STATE_EXITED",
        "serial": 3,
        "processname": "nginx",
        "groupname": "web",
        "pid": 7,
    }


def test_a_claim_takes_the_oldest_and_no_more_than_there_are_places(
    store: Store, queue: TakingQueue, make_alert: MakeAlert
) -> None:
    """Each channel gets its oldest deliveries, as many as it has places; nothing is claimed twice."""
    for n in range(4):
        store.commit([make_alert(f"k{n}", "ops", "pager")], None, time=float(n))
    claims = queue.take(10.0, {"ops": 3, "pager": 1, "other": 2})
    assert [(claimed.message.channel, claimed.message.key) for claimed in claims] == [
        ("ops", "k0"),
        ("ops", "k1"),
        ("ops", "k2"),
        ("pager", "k0"),
    ]
    assert _keys(queue.take(10.0, {"ops": 3, "pager": 0})) == ["k3"]


def test_nothing_is_written_when_nothing_is_due(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """A claim that finds nothing, or no place, leaves the file as it is."""
    store.commit([make_alert()], None, time=1000.0)
    queue.expand(1000.0)
    changes = database.rows("SELECT total_changes()")
    before = database.rows("PRAGMA data_version")
    assert queue.take(999.0, OPS) == []
    assert queue.take(2000.0, {"ops": 0}) == []
    assert not queue.expand(2000.0)
    assert (database.rows("SELECT total_changes()"), database.rows("PRAGMA data_version")) == (changes, before)


def test_a_recovery_never_overtakes_its_alert(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """Of a channel and key, a later delivery is claimed only when the earlier one is sent or given up."""
    for text in ("crashed", "still down", "recovered"):
        store.commit([make_alert(text=text)], None, time=0.0)
    seen = []
    now = 0.0
    for outcome in (RetryLater("busy"), Sent(), GaveUp("refused"), Sent()):
        now += 1000
        claims = queue.take(now, OPS)
        assert queue.take(now, OPS) == []
        seen.append([claimed.message.text for claimed in claims])
        _settle_all(queue, claims, outcome, now)
    assert seen == [["crashed"], ["crashed"], ["still down"], ["recovered"]]
    assert queue.next_due(OPS) is None


def test_who_has_it_is_kept(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """Which receivers have a delivery is known at each further try, after a crash too."""
    store.commit([make_alert()], None, time=0.0)
    seen = []
    for outcome in (RetryLater("busy", arrived=frozenset({"a", "b"})), RetryLater("defect"), None, Sent()):
        claims = queue.take(1e6, OPS)
        seen.append([sorted(claimed.message.arrived) for claimed in claims])
        if outcome is None:
            queue.recover(0.0)
        else:
            _settle_all(queue, claims, outcome, 0.0)
    assert seen == [[[]], [["a", "b"]], [["a", "b"]], [["a", "b"]]]


def test_what_is_put_aside_holds_up_no_other(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """Later alerts of its key are sent while it waits; it keeps its key for all to see, and comes again by itself."""
    for text in ("first", "second", "third"):
        store.commit([make_alert(text=text)], None, time=0.0)
    _settle_all(queue, queue.take(0.0, OPS), RetryLater("busy", 100.0, aside=True), 0.0)
    (second,) = queue.take(0.0, OPS)
    queue.recover(0.0)
    assert [one.n for one in queue.take(0.0, OPS)] == [second.n]
    _settle_all(queue, [second], RetryLater("busy", 5.0), 0.0)
    again, aside = queue.take(200.0, OPS)
    assert [(one.message.text, one.message.key) for one in (again, aside)] == [
        ("second", "web:nginx"),
        ("first", "web:nginx"),
    ]
    _settle_all(queue, [again], Sent(), 200.0)
    (third,) = queue.take(200.0, OPS)
    assert third.message.text == "third"


def test_keys_of_a_channel_do_not_wait_for_each_other(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """A delivery that waits for its next try holds up its own channel and key only."""
    store.commit([make_alert("a", "ops"), make_alert("b", "ops"), make_alert("a", "pager")], None, time=0.0)
    _settle_all(queue, queue.take(0.0, {"ops": 1, "pager": 0}), RetryLater("busy"), 0.0)
    store.commit([make_alert("a", "ops")], None, time=0.0)
    claims = queue.take(0.0, {"ops": 9, "pager": 9})
    assert [(claimed.message.key, claimed.message.channel) for claimed in claims] == [("b", "ops"), ("a", "pager")]


def test_a_channel_that_is_not_configured_is_given_up(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """All that waits for a channel that is gone is given up, with a reason that names it, and raised as failures."""
    for n in range(250):
        store.commit([make_alert(f"k{n % 3}", "gone"), make_alert(f"k{n}")], None, time=0.0)
    claims = queue.take(0.0, OPS) + queue.take(0.0, OPS)
    assert {claimed.message.channel for claimed in claims} == {"ops"}
    assert queue.given_up == 250
    reason = "channel `gone` is not in the configuration"
    assert database.rows("SELECT DISTINCT state, reason FROM deliveries WHERE channel = 'gone'") == [
        ("given_up", reason)
    ]
    assert {(failure.channel, failure.reason, failure.attempts) for failure in store.failures()} == {
        ("gone", reason, 0)
    }


@given(st.integers(1, 10_000), st.integers())
def test_the_wait_doubles_up_to_ten_minutes(attempts: int, seed: int) -> None:
    """After failure n the wait is 2ⁿ⁻¹ s, at most 10 minutes, times 0.5 to 1.5."""
    base = min(600, 2 ** (attempts - 1))
    assert 0.5 * base <= wait_after(attempts, Random(seed)) <= 1.5 * base  # noqa: S311 - a test repeats itself


@pytest.mark.parametrize(
    ("after_s", "least", "most"),
    [
        (None, 0.5, 1.5),
        (0.0, 0.5, 1.5),
        (-5.0, 0.5, 1.5),
        (120.0, 120.0, 120.0),
        (float("nan"), 0.5, 1.5),
        (float("inf"), 86_400.0, 86_400.0),
    ],
)
def test_a_receiver_may_ask_for_more_time(  # noqa: PLR0913, PLR0917 - three of them are fixtures
    store: Store, queue: TakingQueue, make_alert: MakeAlert, after_s: float | None, least: float, most: float
) -> None:
    """The next try is not before the moment that the receiver named, within a day."""
    store.commit([make_alert()], None, time=0.0)
    _settle_all(queue, queue.take(0.0, OPS), RetryLater("busy", after_s), 100.0)
    due = queue.next_due(OPS)
    assert due is not None
    assert 100.0 + least <= due <= 100.0 + most


def test_a_delivery_is_given_up_after_its_time(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A failure after `give_up_after` is the last; the failure then waits for the listener."""
    queue = TakingQueue(database, random=Random(1), give_up_after_s={"pager": 60.0})  # noqa: S311 - a test repeats itself
    store.commit([make_alert("a", "ops"), make_alert("b", "pager")], None, time=0.0)
    for now in (0.0, 61.0, GIVE_UP_AFTER_S, GIVE_UP_AFTER_S + 100):
        _settle_all(queue, queue.take(now, {"ops": 1, "pager": 1}), RetryLater("refused"), now)
    assert _states(database) == ["given_up", "given_up"]
    assert [failure[1:] for failure in store.failures()] == [("pager", "refused", 2), ("ops", "refused", 4)]
    assert queue.given_up == 2


def test_time_without_a_courier_is_left_out(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """What was not tried for a weekend has the rest of its time afterwards, also what nobody has taken in so far."""
    queue = TakingQueue(database, random=Random(1), give_up_after_s={"ops": 100.0})  # noqa: S311 - a test repeats itself
    store.commit([make_alert("a")], None, time=1000.0)
    queue.expand(1000.0)
    store.commit([make_alert("b"), make_alert("c")], None, time=1010.0)
    queue.leave_out(5000.0, 6020.0)
    queue.recover(6020.0)
    free = {"ops": 3}
    for now, left in ((6020.0, "abc"), (6090.0, "abc"), (6105.0, "bc"), (6200.0, "")):
        claimed = queue.take(now, free)
        queue.settle([(n, RetryLater("busy")) for n, _ in claimed], now)
        assert sorted(one.key for one in Listing(database.path.parent).deliveries(("waiting",))) == [*left]


def test_what_cant_heal_is_given_up_at_once(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """`GaveUp` ends a delivery at its first try; the reason is kept, within bounds."""
    store.commit([make_alert()], None, time=0.0)
    _settle_all(queue, queue.take(0.0, OPS), GaveUp("\udc80" + "x" * 5000), 1.0)
    ((state, reason),) = database.rows("SELECT state, reason FROM deliveries")
    assert (state, reason) == ("given_up", "?" + "x" * 999)


def test_a_failure_does_not_lead_to_failures_for_ever(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """An alert about a failed delivery that fails itself is given up without another failure."""
    store.commit([make_alert(cause="LISTENER_DELIVERY_FAILED")], None, time=0.0)
    _settle_all(queue, queue.take(0.0, OPS), GaveUp("refused"), 1.0)
    assert (store.failures(), queue.given_up) == ([], 0)


def test_an_outcome_counts_only_while_sending(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """An outcome for a delivery that is not being sent changes nothing."""
    store.commit([make_alert()], None, time=0.0)
    (claimed,) = queue.take(0.0, OPS)
    for outcome in (Sent(), GaveUp("late"), RetryLater("late")):
        queue.settle([(claimed.n, outcome), (12345, outcome)], 0.0)
    assert _states(database) == ["sent"]


def _shutdown(make_alert: MakeAlert, time: float) -> Alert:
    alert = make_alert("core", "supervisor", time=time, kind="shutdown")
    return alert._replace(deliveries=(alert.deliveries[0]._replace(arguments=("shutdown",)),))


def test_an_alert_is_tried_before_supervisord_is_shut_down(
    store: Store, queue: TakingQueue, make_alert: MakeAlert
) -> None:
    """A shutdown waits until all that was said before it, or with it, was tried once, successful or not."""
    free = {"ops": 1, "supervisor": 4}
    store.commit([make_alert("a")], None, time=1000.0)
    store.commit([_shutdown(make_alert, 1000.0), make_alert("b", time=1000.0)], None, time=1000.0)
    store.commit([make_alert("later", "pager", time=1001.0)], None, time=1001.0)
    for key in ("a", "b"):
        claims = queue.take(1001.0, free | {"pager": 0})
        assert _keys(claims) == [key]
        assert queue.take(1001.0, free | {"pager": 0, "ops": 0}) == []
        _settle_all(queue, claims, RetryLater("refused"), 1001.0)
    assert _keys(queue.take(1001.1, free | {"pager": 0})) == ["core"]


def test_a_shutdown_waits_no_longer_than_30_seconds(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """A channel that hangs holds up a shutdown for 30 s at most."""
    store.commit([make_alert("a"), _shutdown(make_alert, 1000.0)], None, time=1000.0)
    assert _keys(queue.take(1000.0, {"ops": 1, "supervisor": 1})) == ["a"]
    assert queue.take(1029.0, {"ops": 0, "supervisor": 1}) == []
    assert _keys(queue.take(1030.0, {"ops": 0, "supervisor": 1})) == ["core"]


def test_a_shutdown_does_not_wait_for_a_clock_that_jumped_back(
    store: Store, queue: TakingQueue, make_alert: MakeAlert
) -> None:
    """A shutdown from what is now the future waits for nothing."""
    store.commit([make_alert("a"), _shutdown(make_alert, 5000.0)], None, time=5000.0)
    assert _keys(queue.take(1000.0, {"ops": 0, "supervisor": 1})) == ["core"]


def test_what_a_courier_left_is_tried_again(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """After a courier died, its first tries are due at once, later ones after their wait; the try is counted."""
    store.commit([make_alert("first"), make_alert("second")], None, time=0.0)
    claims = queue.take(0.0, OPS)
    queue.settle([(claims[1].n, RetryLater("busy"))], 0.0)
    queue.take(100.0, OPS)
    queue.recover(100.0)
    rows = database.rows("SELECT key, state, attempts, due > 100 FROM deliveries ORDER BY n")
    assert rows == [("first", "waiting", 1, 0), ("second", "waiting", 2, 1)]
    assert [claimed.message.attempt for claimed in queue.take(100.0, OPS)] == [2]


def test_what_kills_each_courier_is_given_up_in_the_end(
    store: Store, queue: TakingQueue, make_alert: MakeAlert
) -> None:
    """A delivery during which couriers die again and again is given up when its time is over."""
    store.commit([make_alert()], None, time=0.0)
    now = 0.0
    while claims := queue.take(now, OPS):
        queue.recover(now)
        now = queue.next_due(OPS) or now
    assert now > GIVE_UP_AFTER_S
    assert claims == []
    assert [failure.reason for failure in store.failures()] == ["the courier ended while it was sending"]


def test_a_series_is_taken_only_as_far_as_it_may_be_sent(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """A quick channel gets some of a key at once; what was not tried is put back, uncounted, behind what failed."""
    store.commit([make_alert("a", text=str(n)) for n in range(5)] + [make_alert("b")], None, time=0.0)
    queue.expand(0.0)
    series = queue.claim(0.0, {"ops": 2}, {"ops": 4})
    assert [[claimed.message.text for claimed in one] for one in series] == [
        ["0", "1", "2", "3"],
        ["web:nginx crashed"],
    ]
    outcomes = (Sent(), GaveUp("no"), RetryLater("busy", 60.0), None)
    queue.settle([(claimed.n, outcome) for claimed, outcome in zip(series[0], outcomes, strict=True)], 0.0)
    assert database.rows("SELECT state, attempts, due FROM deliveries WHERE key = 'a' ORDER BY n") == [
        ("sent", 1, None),
        ("given_up", 1, None),
        ("waiting", 1, 60.0),
        ("waiting", 0, None),
        ("waiting", 0, None),
    ]
    assert queue.claim(1.0, OPS, {"ops": 4}) == []
    (again,) = queue.claim(60.0, OPS, {"ops": 2})
    assert [(claimed.message.text, claimed.message.attempt) for claimed in again] == [("2", 2), ("3", 1)]


def test_a_transaction_claims_no_more_than_some(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """However long the series may be, one transaction is short."""
    store.commit([make_alert(f"k{n % 4}") for n in range(400)], None, time=0.0)
    assert len(queue.take(0.0, {"ops": 1})) == 1
    claims = queue.claim(0.0, {"ops": 3}, {"ops": 60})
    assert [len(series) for series in claims] == [60, queue_module.AT_ONCE - 61, 1]


@pytest.mark.parametrize("channel", ["run", "supervisor"])
def test_what_is_done_is_never_in_a_series(
    store: Store, queue: TakingQueue, make_alert: MakeAlert, channel: str
) -> None:
    """Programs are run and processes restarted one by one: a courier that is killed repeats one of them at most."""
    store.commit([make_alert("a", channel), make_alert("a", channel)], None, time=0.0)
    queue.expand(0.0)
    assert [len(series) for series in queue.claim(0.0, {channel: 4}, {channel: 9})] == [1]


def test_a_shutdown_waits_for_what_is_not_expanded(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """A shutdown is not claimed while an alert of the same moment has not even been taken in."""
    free = {"ops": 1, "supervisor": 1}
    store.commit([_shutdown(make_alert, 1000.0)], None, time=1000.0)
    queue.expand(1000.0)
    store.commit([make_alert("a", time=1000.0)], None, time=1000.0)
    assert queue.claim(1000.0, free) == []
    assert _keys(queue.take(1000.0, free)) == ["a"]


@pytest.mark.parametrize("seconds", [1.0, 3600.0])
def test_a_clock_that_jumps_back_delays_nothing(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert, seconds: float
) -> None:
    """When the clock goes back, what waits is due earlier; a new courier tries at once what was written later."""
    store.commit([make_alert("retried"), make_alert("first"), make_alert("first")], None, time=1000.0)
    (claimed, *_) = queue.take(1000.0, {"ops": 1})
    queue.settle([(claimed.n, RetryLater("busy", 60.0))], 1000.0)
    queue.turn_back(seconds)
    dues = "SELECT due FROM deliveries ORDER BY n"
    assert database.rows(dues) == [(1060.0 - seconds,), (1000.0 - seconds,), (None,)]
    with database as execute:
        execute("UPDATE deliveries SET due = due + ? WHERE due IS NOT NULL", (seconds,))
    queue.recover(1000.0 - seconds)
    assert database.rows(dues) == [(1000.0 - seconds,), (1000.0 - seconds,), (None,)]


def test_recovering_heals_the_order(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """Whatever a hand in the file has done to the turns, a courier's start puts them right."""
    store.commit([make_alert("a"), make_alert("a"), make_alert("b"), make_alert("b")], None, time=0.0)
    queue.expand(5.0)
    with database as execute:
        execute("UPDATE deliveries SET due = NULL WHERE key = 'a'")
        execute("UPDATE deliveries SET due = 5 WHERE key = 'b'")
    queue.recover(9.0)
    assert database.rows("SELECT due FROM deliveries ORDER BY n") == [(9.0,), (None,), (5.0,), (None,)]


def test_next_due_is_the_first_that_can_be_claimed(store: Store, queue: TakingQueue, make_alert: MakeAlert) -> None:
    """The next time is that of the first delivery of any channel with a free place, known or not."""
    assert queue.next_due(OPS) is None
    for time, channel in ((5.0, "ops"), (3.0, "pager"), (4.0, "gone")):
        store.commit([make_alert(channel, channel)], None, time=time)
    queue.expand(9.0)
    assert queue.next_due({"ops": 1, "pager": 1}) == 3.0
    assert queue.next_due({"ops": 1, "pager": 0}) == 4.0


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        (queue_module._DUE_CHANNELS, ()),
        (queue_module._DUE, ("ops", 1.0, 4)),
        (queue_module._MARK_SENDING, (1.0, 1)),
        (queue_module._SENDING, ()),
        (queue_module._SENDING_NOW, (1,)),
        (queue_module._ABANDONED, ("ops", 4)),
        (queue_module._UNTRIED, (1.0,)),
        (queue_module._NEXT, ("ops", "a", 1, 4)),
        (queue_module._MARK_DUE, (1.0, 1)),
        (queue_module._PUT_BACK, (1.0, 1)),
        (expand._ANY_NEW, ()),
        (expand._NEW, (4,)),
        (store_module._NEW_POSITION, ()),
        (order.INSERT_WAITING, ("id", 1, 1, "ops", "a", 1.0, 1.0)),
        (order._PROMOTE, ("ops", "a", 1.0, 0.0)),
        (order._DEMOTE, ("ops", "a")),
        (gather.UNSETTLED, ("ops",)),
        (gather.WAITING, ("ops", None, 4)),
        (gather.WAITING, ("ops", 1000, 4)),
        (gather.MARK, (1.0, 1000, 1000)),
        (gather.FORGET, ("[]",)),
    ],
)
def test_no_statement_reads_all_deliveries(
    store: Store, database: Database, make_alert: MakeAlert, sql: str, values: tuple[object, ...]
) -> None:
    """With thousands of deliveries waiting and sent, each statement finds its rows by an index, and sorts no heap."""
    store.commit([make_alert(f"k{n % 500}") for n in range(2000)], None, time=0.0)
    expand_all(database, 0.0)
    with database as execute:
        execute("UPDATE deliveries SET state = 'sent', due = NULL WHERE n % 3 = 0")
    plan = [str(row[3]) for row in database.rows(f"EXPLAIN QUERY PLAN {sql}", values)]
    scans = [line for line in plan if line.startswith("SCAN") and "INDEX" not in line]
    assert [line for line in scans if not any(word in line for word in ("due_channels", "CONSTANT", "progress"))] == []
    if sql in {queue_module._DUE, queue_module._NEXT}:
        assert not any("TEMP B-TREE" in line for line in plan)


def test_a_dead_channel_beside_a_live_one_costs_no_steps(
    store: Store, queue: TakingQueue, database: Database, make_alert: MakeAlert
) -> None:
    """A claim beside 10,000 deliveries that wait for a dead channel takes no more steps of SQLite's than beside one."""
    steps = []
    store.commit([make_alert("k", "dead")], None, time=0.0)
    for _ in range(2):
        store.commit([make_alert("live")], None, time=0.0)
        expand_all(database, 0.0)
        steps.append(_steps(database, lambda: queue.take(0.0, {"dead": 0, "ops": 4})))
        store.commit([make_alert(f"k{n % 100}", "dead") for n in range(10_000)], None, time=0.0)
        with database as execute:
            execute("UPDATE deliveries SET state = 'sent' WHERE state = 'sending'")
    assert steps[1] <= steps[0] + 20


def _steps(database: Database, act: Callable[[], list[Claimed]]) -> int:
    connection = database._connection or database.open()
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    connection.set_progress_handler(count, 1)
    assert len(act()) == 1
    connection.set_progress_handler(None, 1)
    return counted
