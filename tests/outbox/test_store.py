"""What the listener commits is there, whole, whatever goes wrong."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.outbox.database import Database, Execute
from rules_listener.outbox.position import Epoch, Position
from rules_listener.outbox.store import Failure, Received, Store

MakeAlert = Callable[..., Alert]
EPOCH = Epoch(100, 1_764_000_000.25, "listener")


class FailingDatabase(Database):
    """A database whose statement number `fail_at` (from 1, `COMMIT` not counted) fails within each transaction."""

    fail_at = 0

    def __enter__(self) -> Execute:
        execute = super().__enter__()
        left = self.fail_at

        def failing(sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            nonlocal left
            left -= 1
            if left == 0:
                raise sqlite3.OperationalError("disk I/O error")
            return execute(sql, values)

        return failing


def _content(database: Database) -> dict[str, list[tuple[object, ...]]]:
    tables = ("journal", "dead", "alerts", "deliveries", "failures", "position", "counters")
    return {table: database.rows(f"SELECT * FROM {table}") for table in tables}  # noqa: S608 - names from above


def test_alerts_and_position_are_there_after_a_commit(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A commit keeps each alert with its event, one delivery for each channel, and the position."""
    alert = make_alert("web:nginx", "ops", "pager")
    store.commit([alert], Position(EPOCH, 21, 10), time=1001.0)
    assert store.position() == Position(EPOCH, 21, 10)
    ((number, *kept, event, held),) = database.rows("SELECT * FROM alerts")
    assert kept == [1000.0, "crash_loop", "web:nginx", "alert", "error"]
    assert (json.loads(event)["event"], held) == ("PROCESS_STATE_EXITED", None)
    columns = "SELECT id, alert, channel, key, text, arguments, state, attempts, due, since FROM deliveries ORDER BY n"
    assert database.rows(columns) == [
        (delivery.id, number, channel, "web:nginx", delivery.text, "[]", "waiting", 0, 1001.0, 1001.0)
        for delivery, channel in zip(alert.deliveries, ("ops", "pager"), strict=True)
    ]


def test_an_empty_store_has_no_position(store: Store) -> None:
    """Before the first commit there is no position, no failure, no journal."""
    assert (store.position(), store.failures(), list(store.history(0))) == (None, [], [])


def test_a_held_alert_is_recorded_and_not_due(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A firing that is held back is kept with its reason and its text, and is not to be sent."""
    store.commit([make_alert(held="at most 5 per 1h")], None, time=1.0)
    assert database.rows("SELECT held FROM alerts") == [("at most 5 per 1h",)]
    assert database.rows("SELECT state, due, reason FROM deliveries") == [("held", None, "at most 5 per 1h")]


def test_only_the_oldest_of_a_channel_and_key_is_due(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A delivery behind an unsettled one of its channel and key has no time; other keys and channels do."""
    for key, channel in (("a", "ops"), ("a", "ops"), ("b", "ops"), ("a", "pager")):
        store.commit([make_alert(key, channel)], None, time=1.0)
    assert database.rows("SELECT due FROM deliveries ORDER BY n") == [(1.0,), (None,), (1.0,), (1.0,)]


def test_an_id_that_is_taken_gets_a_suffix(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """An alert whose id is there already is kept under an id with a suffix."""
    alert = make_alert()
    for _ in range(3):
        store.commit([alert], None, time=1.0)
    identifier = alert.deliveries[0].id
    assert database.rows("SELECT id FROM deliveries ORDER BY n") == [
        (identifier,),
        (f"{identifier}-2",),
        (f"{identifier}-3",),
    ]


@pytest.mark.parametrize("text", ["\udc80", "caf\u00e9 \ud83d", "a\0b", "\U0001f600", "x" * 200_000, ""])
def test_no_text_is_refused(store: Store, database: Database, make_alert: MakeAlert, text: str) -> None:
    """Whatever an event holds is kept: in JSON as it is, elsewhere with U+FFFD for what UTF-8 does not have."""
    alert = make_alert(text)
    alert.event.data = text
    delivery = Delivery("id", "run", text, ("program", text))
    store.commit([replace(alert, deliveries=(delivery,))], Position(EPOCH, 1, 1), time=1.0)
    shown = "".join("\ufffd" if 0xD800 <= ord(character) < 0xE000 else character for character in text)
    ((key, kept, arguments),) = database.rows("SELECT key, text, arguments FROM deliveries")
    ((event,),) = database.rows("SELECT event FROM alerts")
    assert (key, kept) == (shown, shown)
    assert (json.loads(arguments), json.loads(event)["data"]) == (["program", text], text)


def test_the_journal_keeps_frames_as_they_came(store: Store, database: Database) -> None:
    """Frames are read back byte by byte from a time on; counters are added up; the position moves."""
    rows = [Received(float(time), Frame(b"len:%d" % time, b"\xff\0" * time)) for time in range(1200)]
    store.journal(rows[:700], Position(EPOCH, 700, 700), counts={"event:TICK_60": 700, "lost": 2})
    store.journal(rows[700:], None, counts={"event:TICK_60": 500})
    assert list(store.history(0)) == rows
    assert list(store.history(600.5)) == rows[601:]
    assert list(store.history(1200)) == []
    assert store.position() == Position(EPOCH, 700, 700)
    counters: dict[str, int] = dict(database.rows("SELECT name, value FROM counters"))
    assert (counters["event:TICK_60"], counters["lost"]) == (1200, 2)


def test_a_dead_frame_is_kept_and_counted(store: Store, database: Database) -> None:
    """A frame that can't be handled is kept with the reason, and the position is behind it."""
    store.bury(Frame(b"head\xff", b"body"), "not UTF-8: \udcff", time=5.0, position=Position(EPOCH, 9, 9))
    assert database.rows("SELECT time, reason, header, payload FROM dead") == [
        (5.0, "not UTF-8: \ufffd", b"head\xff", b"body")
    ]
    assert database.rows("SELECT name, value FROM counters") == [("dead", 1)]
    assert store.position() == Position(EPOCH, 9, 9)


def test_a_failure_is_taken_with_what_it_caused(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A failure is there until the commit that names it, and stays if that commit fails."""
    with database as execute:
        execute("INSERT INTO failures (channel, reason, attempts) VALUES ('ops', 'refused', 3), ('ops', 'again', 1)")
    first, second = store.failures()
    assert first == Failure(1, "ops", "refused", 3)
    store.commit([make_alert()], None, time=1.0, taken_failures=[first.n])
    assert store.failures() == [second]


@pytest.mark.parametrize("statement", range(1, 8))
def test_a_commit_happens_as_a_whole_or_not_at_all(folder: Path, make_alert: MakeAlert, statement: int) -> None:
    """Whichever statement fails, the store is as before, the error is a `StoreError`, and the same call then works."""
    store, database = Store(folder), FailingDatabase(folder)
    store._database = database
    store.commit([make_alert()], Position(EPOCH, 1, 1), time=1.0)
    with database as execute:
        execute("INSERT INTO failures (channel, reason, attempts) VALUES ('ops', 'refused', 3)")
    before = _content(database)
    again = [make_alert("a", "ops", "pager"), make_alert("b")]
    database.fail_at = statement
    with pytest.raises(StoreError):
        store.commit(again, Position(EPOCH, 2, 2), time=2.0, taken_failures=[1])
    assert _content(database) == before
    database.fail_at = 0
    store.commit(again, Position(EPOCH, 2, 2), time=2.0, taken_failures=[1])
    assert database.rows("SELECT count(*) FROM deliveries") == [(4,)]
    assert (store.failures(), store.position()) == ([], Position(EPOCH, 2, 2))
    store.close()
