"""The tables of the store, and whether a file holds them.

1. The schema's version is the file's `user_version`. A file of an older version is brought up to date by whoever opens
   it for writing, one of a newer version is left alone.
2. The listener appends to `alerts`, which has no index: a commit writes one page. The courier expands an alert into
   rows of `deliveries`; `progress` is how far it has come, and is written in the same transaction.
3. A delivery's number is its alert's times `PLACES`, plus its place in it: both ways between them lead through primary
   keys. What it says stays in its alert.
4. The alert that was expanded last is never deleted: the next one's number is higher.
5. A delivery is `waiting`, `sending`, `sent`, `given_up`, `dropped` or `held`; `order` says when its `due` is null.
6. `digest` is the number of the first delivery of the digest in which it was sent last; null if it was sent alone.
7. `arrived` is a JSON list of the receivers that have it while it waits for others; null if none has. A delivery that
   is put aside has a key of its own (`order`); that of its alert is never changed.
"""

import sqlite3
from pathlib import Path

from rules_listener.base.errors import StoreError

PLACES = 1000
"""More than the deliveries that one alert can have."""

PAGE_BYTES = 4096
"""Measured: a commit of 64 alerts costs a fifth less than with 2048; larger pages gain nothing more."""

_TABLES = """
CREATE TABLE journal (n INTEGER PRIMARY KEY, time REAL NOT NULL, header BLOB NOT NULL, payload BLOB NOT NULL);

CREATE TABLE memory (        -- what the engine remembered after the frame of the journal with this number
    n INTEGER PRIMARY KEY CHECK (n = 1), frame INTEGER NOT NULL, state TEXT NOT NULL
);

CREATE TABLE dead (
    n INTEGER PRIMARY KEY, time REAL NOT NULL, reason TEXT NOT NULL, header BLOB NOT NULL, payload BLOB NOT NULL
);

CREATE TABLE alerts (
    n INTEGER PRIMARY KEY,
    time REAL NOT NULL,         -- the firing's
    since REAL NOT NULL,        -- when it was committed
    pid INTEGER,                -- this and the next four: the position of its event, null for the listener's own
    start_time REAL,
    pool TEXT,
    serial INTEGER,
    poolserial INTEGER,
    rule TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    held TEXT,                  -- why it was held back
    phase TEXT NOT NULL,        -- firing, reminder or recovery
    incident TEXT,              -- names the open alert that it is about, with `opened`
    opened REAL,
    event TEXT NOT NULL,        -- a JSON object
    deliveries TEXT NOT NULL    -- a JSON list of [id, channel, text, [arguments]]
);

CREATE TABLE progress (
    alert INTEGER NOT NULL,     -- the last one that was expanded
    pid INTEGER,                -- this and the rest: the last position among those that were
    start_time REAL,
    pool TEXT,
    serial INTEGER,
    poolserial INTEGER
);
INSERT INTO progress (alert) VALUES (0);

CREATE TABLE deliveries (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    alert INTEGER NOT NULL,
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due REAL,
    since REAL NOT NULL,        -- `give_up_after` counts from here
    reason TEXT,                -- of the last failure, or why it was held back
    changed REAL NOT NULL
);
CREATE INDEX unsettled ON deliveries (channel, key) WHERE state IN ('waiting', 'sending');
CREATE INDEX turn ON deliveries (channel, key) WHERE due IS NOT NULL OR state = 'sending';
CREATE INDEX due ON deliveries (channel, due) WHERE state = 'waiting' AND due IS NOT NULL;

CREATE TABLE failures (
    n INTEGER PRIMARY KEY, channel TEXT NOT NULL, reason TEXT NOT NULL, attempts INTEGER NOT NULL
);

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

_DIGESTS = """
ALTER TABLE deliveries ADD COLUMN digest INTEGER;
CREATE INDEX gathered ON deliveries (channel, digest) WHERE digest IS NOT NULL AND state IN ('waiting', 'sending');
"""

_ARRIVED = "ALTER TABLE deliveries ADD COLUMN arrived TEXT"

_STEPS = (_TABLES, _DIGESTS, _ARRIVED)
"""What makes each version of the one before it."""

VERSION = len(_STEPS)


def schema_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the tables that are there; 0 if the file is empty.

    Another process may make them meanwhile, tables and version at once: so it is asked first whether there are any.

    Raises:
        StoreError: it is a newer version's store, or another program's database.
        sqlite3.Error: the file can't be read.
    """
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        reason = f"{path}: written by a newer rules-listener (schema {version}, this one knows {VERSION})"
        raise StoreError(f"{reason}: install that one again, or name another folder with `state:`", reason=reason)
    if tables and version == 0:
        reason = f"{path}: not a store, but another program's database"
        raise StoreError(f"{reason}: name another folder with `state:`", reason=reason)
    return int(version)


def make_schema(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables out of those of an older version (0: none), within a transaction.

    Raises:
        sqlite3.Error: they can't be made.
    """
    for step in _STEPS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={VERSION}")
