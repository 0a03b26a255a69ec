"""The file of the outbox: opening it, and transactions that happen as a whole or raise `StoreError`.

1. `with database as execute:` is one transaction. When the block ends it is committed; when anything fails it is rolled
   back, an error of SQLite's comes out as `StoreError`, and the next transaction may be tried at once.
2. Nothing needs the file until the first transaction: it opens the file, and opens it again after an error that the
   connection would not survive.
3. Several processes write, each briefly. Whoever finds the file locked asks again every 0.2 ms: SQLite's own waiting
   begins with steps of 1 ms and goes up to 100 ms, and the listener has no such time. How often is up to who asks.
4. A file that was moved away is left: the next statement opens, or makes, the one that is in its place then.
5. `durability` "process" survives the end of any process; "power" waits for the disk at each commit.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Any, Literal, TypeVar

from rules_listener.base.errors import StoreError
from rules_listener.outbox.folder import make_file, make_folder
from rules_listener.outbox.schema import PAGE_BYTES, VERSION, make_schema, schema_version

Durability = Literal["process", "power"]
Row = tuple[Any, ...]
Execute = Callable[..., sqlite3.Cursor]
Rows = Callable[..., list[Row]]
"""Runs a reading statement, with its values."""
Result = TypeVar("Result")

FILE_NAME = "store.sqlite3"

CHECKPOINT_PAGES = 1000
"""After how many pages a commit moves the write-ahead log into the file, which waits for the disk."""

LOCK_TRIES = 15_000
LOCK_STEP_S = 0.0002
"""The longest wait for a lock is their product: 3 s and more."""

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_PERMISSIONS = "correct the permissions of the file and its folder"
_OLDER = "an older rules-listener wrote it: start the listener once, which brings it up to date"
_LOCKED = "another process keeps it locked: end whatever else has it open"
_DAMAGES = {
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is damaged, or no store at all",
}
_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_IOERR: "reading or writing failed: see whether the disk is full or broken",
    sqlite3.SQLITE_CANTOPEN: f"it can't be opened: {_PERMISSIONS}",
    sqlite3.SQLITE_READONLY: f"it can't be written: {_PERMISSIONS}",
    sqlite3.SQLITE_PERM: f"it can't be opened: {_PERMISSIONS}",
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    **{code: f"{damage}: move it away, and a new one is made" for code, damage in _DAMAGES.items()},
}

_SURVIVED = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CONSTRAINT, *_BUSY)
"""After any other error the file is opened anew."""


class Database:
    """One process's connection to the store in `folder`; used by one thread."""

    def __init__(
        self, folder: Path, *, durability: Durability = "process", checkpoint_pages: int = CHECKPOINT_PAGES
    ) -> None:
        self.path = folder / FILE_NAME
        self._synchronous = "FULL" if durability == "power" else "NORMAL"
        self._checkpoint_pages = checkpoint_pages
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        """Of the file that is open."""
        self.lock_tries = LOCK_TRIES

    def open(self) -> sqlite3.Connection:
        """Open the file, and make it if it is not there. If it is open, it is opened anew.

        Raises:
            StoreError: it can't be made, opened or understood; the text says what to do.
        """
        self.close()
        make_folder(self.path.parent)
        make_file(self.path)
        self._identity = _identity(self.path)
        try:
            self._connection = self._connect()
        except sqlite3.Error as error:
            raise store_error(self.path, error) from error
        return self._connection

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def rows(self, sql: str, values: Row = ()) -> list[Row]:
        """What a reading statement finds, outside of any transaction.

        Raises:
            StoreError: the file can't be read.
        """
        connection = self._current()
        try:
            return patiently(lambda: connection.execute(sql, values).fetchall(), self.lock_tries)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def execute_many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run a statement for each row, within the transaction that has begun."""
        if self._connection is not None:
            self._connection.executemany(sql, rows)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, as far as that disturbs nobody.

        Raises:
            StoreError: the file can't be written.
        """
        self.rows("PRAGMA wal_checkpoint(PASSIVE)")

    def __enter__(self) -> Execute:
        """Begin a transaction, and give what runs its statements.

        Raises:
            StoreError: the file can't be opened, or another process keeps it locked.
        """
        execute = self._current().execute
        try:
            execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            self._begin_patiently(execute)
        return execute

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection or self.open()
        if error is None:
            try:
                connection.execute("COMMIT")
            except sqlite3.Error as failure:
                error = failure
            else:
                return
        with suppress(sqlite3.Error):
            connection.rollback()
        if isinstance(error, sqlite3.Error):
            raise self._failed(error) from error

    def _begin_patiently(self, execute: Execute) -> None:
        try:
            patiently(lambda: execute("BEGIN IMMEDIATE"), self.lock_tries)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _current(self) -> sqlite3.Connection:
        """The connection to the file that is there now; a transaction goes on with the one with which it began."""
        connection = self._connection
        if connection is None or not (connection.in_transaction or self._identity == _identity(self.path)):
            return self.open()
        return connection

    def _failed(self, error: sqlite3.Error) -> StoreError:
        if _primary(error) not in _SURVIVED:
            self.close()
        return store_error(self.path, error)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            version = patiently(lambda: schema_version(connection, self.path), self.lock_tries)
            patiently(lambda: connection.execute("PRAGMA journal_mode=WAL"), self.lock_tries)
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint={self._checkpoint_pages}")
            if version < VERSION:
                _fill(connection, self.path, self.lock_tries)
        except BaseException:
            connection.close()
            raise
        return connection


class ReadOnlyDatabase:
    """The store in `folder` for those who only look: nothing is made, and nobody is kept waiting."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def rows(self, sql: str, values: Row = ()) -> list[Row]:
        """What a reading statement finds.

        Raises:
            StoreError: there is no store, or it can't be read.
        """
        return self.read(lambda rows: rows(sql, values))

    def read(self, ask: Callable[[Rows], Result]) -> Result:
        """What `ask` returns, which is given what reads: all that it finds is of one moment.

        Raises:
            StoreError: there is no store, or it can't be read.
        """
        if not self.path.exists():
            raise self._missing()
        try:
            return patiently(lambda: self._read(ask))
        except sqlite3.Error as error:
            raise store_error(self.path, error) from error

    def _read(self, ask: Callable[[Rows], Result]) -> Result:
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, timeout=0, uri=True, isolation_level=None)
        try:
            version = schema_version(connection, self.path)
            if not version:
                raise self._missing()
            connection.execute("BEGIN")
            return ask(lambda sql, values=(): connection.execute(sql, values).fetchall())
        except sqlite3.OperationalError as error:
            if _primary(error) == sqlite3.SQLITE_ERROR and version < VERSION:
                raise StoreError(f"{self.path}: {_OLDER}") from error
            raise
        finally:
            connection.close()

    def _missing(self) -> StoreError:
        reason = f"{self.path}: there is no store here"
        advice = "the listener has not run yet, or its folder has to be named, with --config FILE or --state DIR"
        return StoreError(f"{reason}: {advice}", reason=reason)


def patiently(ask: Callable[[], Result], tries: int | None = None) -> Result:
    """What `ask` returns, asked again so many times, else for some seconds, while another process has the file locked.

    Raises:
        sqlite3.Error: any other error, or it stayed locked.
    """
    for _ in range(tries or LOCK_TRIES):
        try:
            return ask()
        except sqlite3.OperationalError as error:
            if _primary(error) not in _BUSY:
                raise
            sleep(LOCK_STEP_S)
    return ask()


def store_error(path: Path, error: sqlite3.Error) -> StoreError:
    """What to tell the operator when SQLite fails on `path`."""
    remedy = _REMEDIES.get(_primary(error), "this should not happen: please report it")
    damage = _DAMAGES.get(_primary(error))
    return StoreError(f"{path}: {remedy} ({error})", reason=f"{path}: {damage} ({error})" if damage else "")


def utf8(text: str) -> str:
    """`text` in characters that UTF-8 has, for SQLite takes no others: U+FFFD stands for each that it has not."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names now; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _primary(error: sqlite3.Error) -> int:
    """The kind of error, without the details in the upper bytes; 0 for Python's own (`ProgrammingError`)."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _fill(connection: sqlite3.Connection, path: Path, tries: int) -> None:
    """Make the tables, unless another process has just done so; a new file is then there even after a power cut.

    Raises:
        StoreError: it is not ours.
        sqlite3.Error: they can't be made.
    """
    patiently(lambda: connection.execute("BEGIN IMMEDIATE"), tries)
    if (version := schema_version(connection, path)) < VERSION:
        make_schema(connection, version)
    connection.execute("COMMIT")
    with suppress(OSError):
        _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
