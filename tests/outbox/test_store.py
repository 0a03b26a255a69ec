"""What the listener commits is there, whole, whatever goes wrong."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.outbox.database import Database, Execute, Row
from rules_listener.outbox.expand import expand_all
from rules_listener.outbox.position import Epoch, Position
from rules_listener.outbox.store import Failure, Received, Store
from tests.outbox.taking import TakingQueue

MakeAlert = Callable[..., Alert]
EPOCH = Epoch(100, 1_764_000_000.25, "listener")


class FailingDatabase(Database):
    """A database whose statement number `fail_at` (from 1, `COMMIT` not counted) fails within each transaction."""

    fail_at = 0
    _left = 0

    def __enter__(self) -> Execute:
        execute = super().__enter__()
        self._left = self.fail_at

        def failing(sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            self._left -= 1
            if self._left == 0:
                raise sqlite3.OperationalError("disk I/O error")
            return execute(sql, values)

        return failing

    def execute_many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run the statement for each row, but for the one that fails."""
        for row in rows:
            self._left -= 1
            if self._left == 0:
                raise sqlite3.OperationalError("disk I/O error")
            super().execute_many(sql, [row])


def _content(database: Database) -> dict[str, list[tuple[object, ...]]]:
    tables = ("journal", "dead", "alerts", "progress", "deliveries", "failures", "counters")
    return {table: database.rows(f"SELECT * FROM {table}") for table in tables}  # noqa: S608 - names from above


def test_alerts_and_position_are_there_after_a_commit(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A commit keeps each alert with its event, one delivery for each channel, and the event's position."""
    alert = make_alert("web:nginx", "ops", "pager")
    store.commit([alert], Position(EPOCH, 21, 10), time=1001.0)
    assert store.position() == Position(EPOCH, 21, 10)
    columns = "SELECT time, since, rule, key, kind, severity, held, event, deliveries FROM alerts"
    ((*kept, event, deliveries),) = database.rows(columns)
    assert kept == [1000.0, 1001.0, "crash_loop", "web:nginx", "alert", "error", None]
    assert json.loads(event)["event"] == "PROCESS_STATE_EXITED"
    assert json.loads(deliveries) == [
        [delivery.id, channel, delivery.text, []]
        for delivery, channel in zip(alert.deliveries, ("ops", "pager"), strict=True)
    ]


def test_a_commit_touches_no_index(database: Database) -> None:
    """The listener appends: the table that it writes before it answers has no index."""
    assert database.rows("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'alerts'") == []


def test_an_empty_store_has_no_position(store: Store) -> None:
    """Before the first commit there is no position, no failure, no journal."""
    assert (store.position(), store.failures(), list(store.history(0))) == (None, [], [])


def test_the_position_is_that_of_the_last_event_with_alerts(
    store: Store, database: Database, make_alert: MakeAlert
) -> None:
    """Alerts of the listener's own events do not change the position: expanded, not expanded, or deleted meanwhile."""
    for expanding in (False, True):
        for n in (1, 2):
            store.commit([make_alert()], Position(EPOCH, n, n), time=1.0)
        store.commit([make_alert(), make_alert()], None, time=1.0)
        assert store.position() == Position(EPOCH, 2, 2)
        if expanding:
            expand_all(database, 1.0)
            assert store.position() == Position(EPOCH, 2, 2)
    store.commit([make_alert()], None, time=1.0)
    expand_all(database, 1.0)
    with database as execute:
        execute("DELETE FROM alerts WHERE pid IS NOT NULL")
    assert store.position() == Position(EPOCH, 2, 2)


def test_the_position_is_found_at_once(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """However many alerts of the listener's own were committed since, and whatever they hold, few are read."""
    store.commit([make_alert()], Position(EPOCH, 1, 1), time=1.0)
    store.commit([make_alert(text="x" * 1000) for _ in range(3000)], None, time=1.0)
    expand_all(database, 1.0)
    connection = store._database.open()
    steps: list[int] = []
    connection.set_progress_handler(lambda: steps.append(1), 1)
    assert store.position() == Position(EPOCH, 1, 1)
    connection.set_progress_handler(None, 1)
    assert len(steps) < 100


@pytest.mark.parametrize("text", ["\udc80", "caf\u00e9 \ud83d", "a\0b", "\U0001f600", "x" * 200_000, ""])
def test_no_text_is_refused(store: Store, queue: TakingQueue, make_alert: MakeAlert, text: str) -> None:
    """Whatever an event holds is kept: in JSON as it is, elsewhere with U+FFFD for what UTF-8 does not have."""
    alert = make_alert(text)
    alert.event.data = text
    delivery = Delivery("id", "run", text, ("program", text))
    store.commit([alert._replace(deliveries=(delivery,))], Position(EPOCH, 1, 1), time=1.0)
    ((_, message),) = queue.take(1.0, {"run": 1})
    shown = "".join("\ufffd" if 0xD800 <= ord(character) < 0xE000 else character for character in text)
    assert (message.key, message.text) == (shown, shown)
    assert (message.arguments, message.event["data"]) == (("program", text), text)
    assert store.position() == Position(EPOCH, 1, 1)


def test_the_journal_keeps_frames_as_they_came(store: Store, database: Database) -> None:
    """Frames are read back byte by byte from a time on; counters are added up."""
    rows = [Received(float(time), Frame(b"len:%d" % time, b"\xff\0" * time)) for time in range(1200)]
    store.journal(rows[:700], counts={"event:TICK_60": 700, "lost": 2})
    store.journal(rows[700:], counts={"event:TICK_60": 500})
    assert list(store.history(0)) == rows
    assert list(store.history(600.5)) == rows[601:]
    assert list(store.history(1200)) == []
    counters: dict[str, int] = dict(database.rows("SELECT name, value FROM counters"))
    assert (counters["event:TICK_60"], counters["lost"]) == (1200, 2)


def test_a_dead_frame_is_kept_and_counted(store: Store, database: Database) -> None:
    """A frame that can't be handled is kept with the reason."""
    store.bury(Frame(b"head\xff", b"body"), "not UTF-8: \udcff", time=5.0)
    assert database.rows("SELECT time, reason, header, payload FROM dead") == [
        (5.0, "not UTF-8: \ufffd", b"head\xff", b"body")
    ]
    assert database.rows("SELECT value FROM counters WHERE name = 'dead'") == [(1,)]


def test_a_failure_is_taken_with_what_it_caused(store: Store, database: Database, make_alert: MakeAlert) -> None:
    """A failure is there until the commit that names it, and stays if that commit fails."""
    with database as execute:
        execute("INSERT INTO failures (channel, reason, attempts) VALUES ('ops', 'refused', 3), ('ops', 'again', 1)")
    first, second = store.failures()
    assert first == Failure(1, "ops", "refused", 3)
    store.commit([make_alert()], None, time=1.0, taken_failures=[first.n])
    assert store.failures() == [second]


@pytest.mark.parametrize("statement", range(1, 5))
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
    assert [len(json.loads(deliveries)) for (deliveries,) in database.rows("SELECT deliveries FROM alerts")] == [
        1,
        2,
        1,
    ]
    assert (store.failures(), store.position()) == ([], Position(EPOCH, 2, 2))
    store.close()
