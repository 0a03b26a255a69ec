"""The journal for those who only look."""

import sqlite3
from pathlib import Path

import pytest

from rules_listener.base.errors import StoreError
from rules_listener.event.wire import Frame
from rules_listener.outbox import journal
from rules_listener.outbox.journal import read_journal
from rules_listener.outbox.store import Received, Store


def rows(first: int, last: int) -> list[Received]:
    """Frames with these numbers as their times."""
    return [Received(float(number), Frame(b"header", b"%d" % number)) for number in range(first, last)]


def test_all_frames_in_order(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All frames come, in parts, as the listener kept them; while it has the store open, and after that."""
    monkeypatch.setattr(journal, "_PART_ROWS", 4)
    store.journal(rows(0, 10))
    assert [len(part) for part in read_journal(folder)] == [4, 4, 2]
    store.close()
    assert [row for part in read_journal(folder) for row in part] == rows(0, 10)


def test_frames_that_come_and_go_meanwhile(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept while someone reads is read as well; what is trimmed is not, and stops nothing."""
    monkeypatch.setattr(journal, "_PART_ROWS", 4)
    store.journal(rows(0, 10))
    parts = read_journal(folder)
    assert next(parts) == rows(0, 4)
    store.journal(rows(10, 12))
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        connection.execute("DELETE FROM journal WHERE n <= 6")
    connection.close()
    assert [row for part in parts for row in part] == rows(6, 12)


def test_an_empty_journal(store: Store, folder: Path) -> None:
    """A store in which nothing was kept yet is no error; a folder without one is, and none is made."""
    store.open()
    assert list(read_journal(folder)) == []
    with pytest.raises(StoreError, match="there is no store here"):
        list(read_journal(folder / "other"))
    assert not (folder / "other").exists()
