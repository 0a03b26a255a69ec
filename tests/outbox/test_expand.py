"""New alerts become deliveries: each once, in order, whoever does it and wherever it is stopped."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.outbox import expand as expand_module
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import Sent
from rules_listener.outbox.database import Database, Execute
from rules_listener.outbox.expand import expand, expand_all
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.position import Epoch, Position
from rules_listener.outbox.store import Store
from rules_listener.outbox.trim import DAY_S, Limits, trim
from tests.outbox.taking import TakingQueue

MakeAlert = Callable[..., Alert]
EPOCH = Epoch(100, 1_764_000_000.25, "listener")


class Stopping(Database):
    """A database whose process ends before statement number `stop_at` (from 1) of a transaction."""

    stop_at = 0

    def __enter__(self) -> Execute:
        execute = super().__enter__()
        left = self.stop_at

        def stopping(sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            nonlocal left
            left -= 1
            if left == 0:
                raise sqlite3.OperationalError("killed")
            return execute(sql, values)

        return stopping


def _ids(database: Database) -> list[str]:
    return [identifier for (identifier,) in database.rows("SELECT id FROM deliveries ORDER BY n")]


def test_an_alert_becomes_a_delivery_for_each_channel(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A delivery knows its alert, its channel and key, and since when it waits."""
    alert = make_alert("web:nginx", "ops", "pager")
    store.commit([alert], None, time=1001.0)
    assert expand(database, 1002.0)
    ((number,),) = database.rows("SELECT n FROM alerts")
    columns = "SELECT id, alert, channel, key, state, attempts, due, since FROM deliveries ORDER BY n"
    assert database.rows(columns) == [
        (delivery.id, number, channel, "web:nginx", "waiting", 0, 1001.0, 1001.0)
        for delivery, channel in zip(alert.deliveries, ("ops", "pager"), strict=True)
    ]
    assert not expand(database, 1002.0)


def test_a_held_alert_is_recorded_and_not_due(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A firing that is held back is kept with its reason and its text, and is not to be sent."""
    store.commit([make_alert(held="at most 5 per 1h")], None, time=1.0)
    expand(database, 1.0)
    assert database.rows("SELECT held FROM alerts") == [("at most 5 per 1h",)]
    assert database.rows("SELECT state, due, reason FROM deliveries") == [("held", None, "at most 5 per 1h")]


def test_only_the_oldest_of_a_channel_and_key_is_due(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A delivery behind an unsettled one of its channel and key has no time; other keys and channels do."""
    for key, channel in (("a", "ops"), ("a", "ops"), ("b", "ops"), ("a", "pager")):
        store.commit([make_alert(key, channel)], None, time=1.0)
    expand(database, 1.0)
    assert database.rows("SELECT due FROM deliveries ORDER BY n") == [(1.0,), (None,), (1.0,), (1.0,)]


def test_a_clock_that_jumped_back_since_the_commit_delays_nothing(
    store: Store, database: Database, make_alert: MakeAlert
) -> None:
    """What was committed at a moment that is now in the future is due now."""
    store.commit([make_alert()], None, time=5000.0)
    expand(database, 1000.0)
    assert database.rows("SELECT due FROM deliveries") == [(1000.0,)]


def test_an_id_that_is_taken_gets_a_suffix(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """An alert whose id is there already is kept under an id with a suffix."""
    alert = make_alert()
    for _ in range(3):
        store.commit([alert], None, time=1.0)
    expand(database, 1.0)
    identifier = alert.deliveries[0].id
    assert _ids(database) == [identifier, f"{identifier}-2", f"{identifier}-3"]


def test_many_alerts_are_expanded_in_parts(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """One transaction is short, however many alerts wait; all of them are expanded in their order in the end."""
    alerts = [make_alert(f"k{n}") for n in range(2 * expand_module.AT_ONCE + 1)]
    store.commit(alerts, None, time=1.0)
    assert expand(database, 1.0)
    assert len(_ids(database)) == expand_module.AT_ONCE
    expand_all(database, 1.0)
    assert _ids(database) == [alert.deliveries[0].id for alert in alerts]


@pytest.mark.parametrize("statement", range(1, 7))
def test_wherever_it_is_stopped_nothing_is_lost_or_doubled(
    folder: Path, store: Store, make_alert: MakeAlert, statement: int
) -> None:
    """An expansion that ends before any of its statements has not happened; the next one does all of it, once."""
    alerts = [make_alert("a", "ops", "pager"), make_alert("b", held="at most 1 per 1h")]
    store.commit(alerts, Position(EPOCH, 7, 7), time=1.0)
    database = Stopping(folder)
    database.stop_at = statement
    with pytest.raises(StoreError):
        expand(database, 1.0)
    assert _ids(database) == []
    assert store.position() == Position(EPOCH, 7, 7)
    database.stop_at = 0
    expand_all(database, 1.0)
    assert _ids(database) == [delivery.id for alert in alerts for delivery in alert.deliveries]
    assert store.position() == Position(EPOCH, 7, 7)
    database.close()


def test_courier_and_command_line_expand_at_the_same_time(
    folder: Path, store: Store, database: Database, make_alert: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While alerts come, a courier sends and two people change things: each alert is sent once, in order."""
    monkeypatch.setattr(expand_module, "AT_ONCE", 3)
    store.open()
    alerts = [make_alert("web:nginx") for _ in range(300)]
    sent: list[str] = []

    def carry() -> None:
        queue = TakingQueue(Database(folder), random=Random(1))  # noqa: S311 - a test repeats itself
        while len(sent) < len(alerts):
            queue.expand(2.0)
            for series in queue.claim(2.0, {"ops": 1}, {"ops": 4}):
                sent.extend(claimed.message.id for claimed in series)
                queue.settle([(claimed.n, Sent()) for claimed in series], 2.0)
        queue.close()

    def change() -> None:
        listing = Listing(folder)
        while len(sent) < len(alerts):
            assert not listing.retry("nothing", 2.0)

    workers = [Thread(target=work, daemon=True) for work in (carry, change, change)]
    for worker in workers:
        worker.start()
    for alert in alerts:
        store.commit([alert], None, time=1.0)
    for worker in workers:
        worker.join(30)
    ids = [alert.deliveries[0].id for alert in alerts]
    assert sent == ids
    assert _ids(database) == ids


def test_numbers_go_on_after_everything_was_trimmed(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """Trimming leaves the last expanded alert: a later one would else get its number, and never be expanded."""
    for time in (0.0, 1.0):
        store.commit([make_alert(held="at most 1 per 1h", time=time)], None, time=time)
    expand_all(database, 1.0)
    trim(database, 100 * DAY_S, Limits())
    assert database.rows("SELECT time FROM alerts") == [(1.0,)]
    alert = make_alert()
    store.commit([alert], None, time=2.0)
    expand_all(database, 2.0)
    assert _ids(database)[-1] == alert.deliveries[0].id


def test_what_is_not_expanded_is_not_trimmed(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """An alert that no courier has seen yet is kept, however old it is, held or not."""
    store.commit([make_alert(time=0.0), make_alert(time=0.0, held="at most 1 per 1h")], None, time=0.0)
    trim(database, 100 * DAY_S, Limits())
    assert database.rows("SELECT count(*) FROM alerts") == [(2,)]
