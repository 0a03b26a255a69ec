"""The file: who may read it, and what is said when it can't be used."""

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.outbox import database as database_module
from rules_listener.outbox import schema
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.counters import COUNT
from rules_listener.outbox.database import Database, ReadOnlyDatabase
from rules_listener.outbox.expand import expand_all
from rules_listener.outbox.store import BRIEF_TRIES, Store

OTHERS = 0o077


def _fill(database: Database) -> None:
    with database as execute:
        for n in range(100):
            execute("INSERT INTO counters VALUES (?, 1)", (f"{n}" * 500,))


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_the_store(folder: Path, umask: int) -> None:
    """Folder and files are for their owner alone, whatever the umask."""
    before = os.umask(umask)
    try:
        database = Database(folder)
        with database as execute:
            execute("INSERT INTO counters VALUES ('x', 1)")
        files = list(folder.iterdir())
        assert len(files) == 3
        assert [path.name for path in (folder, *files) if path.stat().st_mode & OTHERS] == []
        database.close()
    finally:
        os.umask(before)


def test_an_empty_folder_is_made_private_and_a_full_one_is_left(tmp_path: Path) -> None:
    """A folder that holds something else keeps its mode; the store in it is private all the same."""
    tmp_path.chmod(0o755)
    (tmp_path / "mine.txt").write_text("")
    (tmp_path / "empty").mkdir(mode=0o755)
    for folder in (tmp_path, tmp_path / "empty"):
        database = Database(folder)
        database.open()
        assert stat.S_IMODE(database.path.stat().st_mode) == 0o600
        database.close()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "empty").stat().st_mode) == 0o700


def _newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def _damaged(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_newer, "newer rules-listener (schema 99"),
        (_foreign, "another program's database"),
        (_damaged, "move it away"),
    ],
)
def test_a_file_that_is_no_store_is_left_alone(folder: Path, spoil: Callable[[Path], None], said: str) -> None:
    """A newer, foreign or damaged file is an error that names the file and says what to do."""
    folder.mkdir()
    path = folder / "store.sqlite3"
    spoil(path)
    for open_it in (Database(folder).open, lambda: ReadOnlyDatabase(folder).rows("SELECT 1 FROM alerts")):
        with pytest.raises(StoreError) as raised:
            open_it()
        assert said in str(raised.value)
        assert str(path) in str(raised.value)


def test_a_store_that_is_made_meanwhile_is_ours(folder: Path, database: Database) -> None:
    """Whenever another process makes the tables while it is asked for them, they are not another program's."""

    class Interrupted(sqlite3.Connection):
        """A connection after whose first question the tables are made."""

        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            """Ask."""
            ((found,),) = super().execute(*arguments).fetchall()
            database.open()
            return super().execute(f"VALUES ({found})")

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / database_module.FILE_NAME
    connection = sqlite3.connect(path, factory=Interrupted)
    assert schema.schema_version(connection, path) in (0, schema.VERSION)
    connection.close()


def test_a_store_of_an_older_version_goes_on(
    folder: Path, make_alert: Callable[..., Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store of any older version is brought up to date, with all that is in it; who only looks leaves it as it is."""
    steps = schema._STEPS
    for version in range(1, len(steps)):
        monkeypatch.setattr(schema, "_STEPS", steps[:version])
        monkeypatch.setattr(schema, "VERSION", version)
        monkeypatch.setattr(database_module, "VERSION", version)
        place = folder / str(version)
        store = Store(place)
        store.commit([make_alert()], None, time=0.0)
        store.close()
        monkeypatch.undo()
        assert ReadOnlyDatabase(place).rows("PRAGMA user_version") == [(version,)]
        database = Database(place)
        expand_all(database, 0.0)
        assert database.rows("PRAGMA user_version") == [(schema.VERSION,)]
        assert database.rows("SELECT state, digest FROM deliveries") == [("waiting", None)]
        database.close()


def test_damage_in_the_middle_is_an_error_until_the_file_is_replaced(folder: Path) -> None:
    """Pages that are overwritten raise `StoreError`, and a new file is used as soon as the old one is moved away."""
    database = Database(folder)
    _fill(database)
    database.close()
    content = bytearray(database.path.read_bytes())
    content[2048:] = b"\xff" * (len(content) - 2048)
    database.path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        _fill(database)
    database.path.unlink()
    _fill(database)
    database.close()


def test_a_folder_that_cant_be_made_can_be_tried_again(tmp_path: Path) -> None:
    """Opening fails with the path and the reason, and succeeds once the cause is gone."""
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("")
    store = Store(obstacle / "state")
    for attempt in (store.open, store.position, store.open):
        with pytest.raises(StoreError, match=r"obstacle/state: Not a directory.*another folder"):
            attempt()
    obstacle.unlink()
    store.open()
    assert store.position() is None
    store.close()


def test_a_full_disk_loses_nothing_and_heals(folder: Path, make_alert: Callable[..., Alert]) -> None:
    """A commit on a full disk raises, keeps what was there, and can be repeated when there is room."""
    store = Store(folder)
    store.commit([make_alert("first")], None, time=1.0)
    connection = store._database.open()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    big = make_alert("second", text="x" * 10_000)
    for _ in range(3):
        with pytest.raises(StoreError, match="the disk is full: free some space"):
            store.commit([big], None, time=2.0)
    connection.execute("PRAGMA max_page_count=1000000")
    store.commit([big], None, time=2.0)
    store.close()
    rows = Database(folder).rows("SELECT key FROM alerts ORDER BY n")
    assert rows == [("first",), ("second",)]


def test_a_lock_that_is_not_given_back_is_an_error(
    folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some seconds of a foreign lock a transaction says so; it works when the lock is gone."""
    monkeypatch.setattr(database_module, "LOCK_TRIES", 3)
    other = Database(folder)
    with other, pytest.raises(StoreError, match="another process keeps it locked"):
        _fill(database)
    _fill(database)
    other.close()


def test_a_lock_is_waited_for(folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that finds the file locked happens as soon as it is free."""
    other = Database(folder)
    database.open()
    other.__enter__()
    waits: list[float] = []

    def free_it(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 5:
            other.__exit__(None, None, None)

    monkeypatch.setattr(database_module, "sleep", free_it)
    _fill(database)
    assert waits == [0.0002] * 5
    other.close()


def test_who_has_no_time_waits_briefly(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener, once it runs, asks for a lock only for a moment: its events are in the tail meanwhile."""
    store, other = Store(folder), Database(folder)
    store.open()
    waits: list[float] = []
    monkeypatch.setattr(database_module, "sleep", waits.append)
    with other:
        for hurry, tries in ((False, database_module.LOCK_TRIES), (True, BRIEF_TRIES)):
            if hurry:
                store.wait_briefly()
            waits.clear()
            with pytest.raises(StoreError, match="another process keeps it locked"):
                store.journal([])
            assert len(waits) == tries
    store.journal([])
    other.close()


@pytest.mark.parametrize("remade", [False, True])
def test_a_store_that_was_moved_away_is_left(folder: Path, *, remade: bool) -> None:
    """Who has a file open that was moved away writes, and reads, the one that is in its place from then on."""
    databases = first, second, third = Database(folder), Database(folder), Database(folder)
    for database in (first, second):
        _count(database)
    for path in list(folder.glob("store.sqlite3*")):
        path.rename(path.with_name(f"old-{path.name}"))
    if remade:
        _count(third)
    _count(first)
    for database in databases:
        assert database.rows("SELECT value FROM counters") == [(1 + remade,)]
        database.close()
    assert Database(folder).rows("SELECT value FROM counters") == [(1 + remade,)]


def _count(database: Database) -> None:
    with database as execute:
        execute(COUNT, ("lost", 1))


def test_any_exception_rolls_back(database: Database) -> None:
    """An exception out of the block, of whatever kind, leaves nothing behind."""

    def fail() -> None:
        with database as execute:
            execute("INSERT INTO counters VALUES ('x', 1)")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.rows("SELECT * FROM counters") == []


@pytest.mark.parametrize(("durability", "synchronous"), [("process", 1), ("power", 2)])
def test_durability_decides_about_waiting_for_the_disk(folder: Path, durability: str, synchronous: int) -> None:
    """`process` commits without waiting for the disk (NORMAL), `power` with it (FULL); both in WAL mode."""
    database = Database(folder, durability="power" if durability == "power" else "process")
    assert database.rows("PRAGMA synchronous") == [(synchronous,)]
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    database.close()


def test_looking_makes_nothing(folder: Path) -> None:
    """Reading where no store is says so, and leaves no folder and no file behind."""
    with pytest.raises(StoreError, match="there is no store here"):
        ReadOnlyDatabase(folder).rows("SELECT 1")
    assert not folder.exists()
    folder.mkdir()
    (folder / "store.sqlite3").touch()
    with pytest.raises(StoreError, match="there is no store here"):
        ReadOnlyDatabase(folder).rows("SELECT 1")


def test_looking_works_beside_a_writer_and_after_it(folder: Path, database: Database) -> None:
    """A reader sees what is committed, even during another one's transaction, and with nobody there."""
    database.open()
    count = "SELECT count(*) FROM counters"
    with database as execute:
        execute("INSERT INTO counters VALUES ('x', 1)")
        assert ReadOnlyDatabase(folder).rows(count) == [(0,)]
    assert ReadOnlyDatabase(folder).rows(count) == [(1,)]
    database.close()
    assert ReadOnlyDatabase(folder).rows(count) == [(1,)]
    assert [path.name for path in folder.iterdir() if path.stat().st_mode & OTHERS] == []
