"""`convert`: from whatever holds events, to a recording. What people see of it is in `scenarios/`."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rules_listener.event.event import Event
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.wire import Frame, encode
from rules_listener.outbox.schema import VERSION
from rules_listener.outbox.store import Received, Store

TICKS = [Event("TICK_5", float(number), {"when": number}) for number in (5, 10, 15)]
LINES = b"".join(map(encode_line, TICKS))


def convert(
    folder: Path, *arguments: object, data: bytes = b"", status: int = 0
) -> tuple[list[dict[str, object]], str]:
    """The events that come out, and what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "rules_listener", "convert", *map(str, arguments)],
        cwd=folder,
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = done.stderr.decode()
    assert done.returncode == status, said
    return [json.loads(line) for line in done.stdout.splitlines()], said


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of a listener that has seen three events, one of them beyond understanding."""
    store = Store(tmp_path / "state")
    header = b"ver:3.0 server:s serial:%d pool:p poolserial:%d eventname:TICK_5 len:6"
    store.journal(
        [
            Received(5.5, Frame(header % (1, 1), b"when:5")),
            Received(6.5, Frame(header % (2, 2), b"when!5")),
            Received(7.5, Frame(header % (3, 3), b"when:7")),
        ]
    )
    store.close()
    return tmp_path / "state"


@pytest.mark.parametrize("name", ["state", "state/store.sqlite3"])
def test_the_store_of_a_listener(tmp_path: Path, state: Path, name: str) -> None:
    """The journal comes out with the times at which events were received; what can't be decoded is reported."""
    events, said = convert(tmp_path, name, status=1)
    assert [(event["time"], event["serial"], event["when"]) for event in events] == [(5.5, 1, 5), (7.5, 3, 7)]
    assert said == "state: 'when!5' is no `key:value` in 'when!5'\nstore, 1 file: 2 events; 1 that can't be read\n"
    assert state.exists()


def test_a_folder_without_a_store(tmp_path: Path) -> None:
    """A folder of something else is refused, and nothing is made in it."""
    (tmp_path / "logs").mkdir()
    assert "logs holds no store of a listener" in convert(tmp_path, "logs", status=2)[1]
    assert list((tmp_path / "logs").iterdir()) == []


def test_another_database(tmp_path: Path) -> None:
    """A database that is no store is refused."""
    with sqlite3.connect(tmp_path / "other.sqlite3") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert "holds no store of a listener" in convert(tmp_path, "other.sqlite3", status=2)[1]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        ("CREATE TABLE t (x)", "not a store, but another program's database"),
        ("PRAGMA user_version = 99", f"written by a newer rules-listener (schema 99, this one knows {VERSION})"),
        ("", "there is no store here"),
        (None, "it is damaged, or no store at all (file is not a database)"),
    ],
)
def test_a_store_that_cannot_be_read(tmp_path: Path, make: str | None, reason: str) -> None:
    """It is said what is wrong with it, and nothing of what a listener would need."""
    path = tmp_path / "store.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute(make or "")
    connection.close()
    if make is None:
        path.write_bytes(b"something else")
    advice = "name a file that holds events, or a state folder that this rules-listener can read"
    said = convert(tmp_path, tmp_path, status=2)[1]
    assert said == f"rules-listener: {path}: {reason}: {advice}\n"


@pytest.mark.parametrize("data", [LINES, gzip.compress(LINES)], ids=["plain", "compressed"])
def test_standard_input(tmp_path: Path, data: bytes) -> None:
    """`-` is standard input, compressed or not."""
    events, said = convert(tmp_path, "-", data=data)
    assert [event["when"] for event in events] == [5, 10, 15]
    assert said == "JSON lines, 1 file: 3 events\n"


def test_a_capture_with_a_start(tmp_path: Path) -> None:
    """`--start` gives the frames a time that have none, in the zone that was given."""
    data = encode(Event("SUPERVISOR_STATE_CHANGE_RUNNING", 0, {}))
    events, said = convert(tmp_path, "-", "--start", "2025-11-24T17:00", "--timezone", "+01:00", data=data)
    assert [event["time"] for event in events] == [1764000000.0]
    assert said == "raw capture, 1 file: 1 event\n"


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"])
def test_into_a_file(tmp_path: Path, name: str) -> None:
    """The file is compressed as it is called, for its owner alone, and reads as what went in."""
    lines = LINES.splitlines(keepends=True)[0] * 300
    (tmp_path / "in.jsonl").write_bytes(lines)
    assert convert(tmp_path, "in.jsonl", "--to", name) == ([], "JSON lines, 1 file: 300 events\n")
    out = tmp_path / name
    assert out.stat().st_mode & 0o777 == 0o600
    assert (out.stat().st_size < 3_000) == (out.suffix != ".jsonl")
    assert convert(tmp_path, name)[0] == [json.loads(line) for line in lines.splitlines()]


def test_into_a_link(tmp_path: Path) -> None:
    """The file is replaced, or made, to which a link leads; the link stays."""
    (tmp_path / "in.jsonl").write_bytes(LINES)
    (tmp_path / "target").mkdir()
    (tmp_path / "out.jsonl").symlink_to("target/file")
    for _ in range(2):
        convert(tmp_path, "in.jsonl", "--to", "out.jsonl")
        assert (tmp_path / "out.jsonl").is_symlink()
        assert (tmp_path / "target/file").read_bytes() == LINES
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["file"]


def test_into_a_pipe(tmp_path: Path) -> None:
    """What is no regular file is written to, and stays."""
    (tmp_path / "in.jsonl").write_bytes(LINES)
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        convert(tmp_path, "in.jsonl", "--to", "pipe")
        assert reader.communicate(timeout=60)[0] == LINES
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "pipe"]


def test_into_the_file_that_is_read(tmp_path: Path) -> None:
    """A recording can be converted onto itself: it is replaced when the new one is complete."""
    (tmp_path / "x.jsonl").write_bytes(LINES + b"bad\n")
    assert convert(tmp_path, "x.jsonl", "--to", "x.jsonl", status=1)[0] == []
    assert (tmp_path / "x.jsonl").read_bytes() == LINES
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


def test_several_sources(tmp_path: Path, state: Path) -> None:
    """Sources are read one after the other, in the order of their first events, each as what it is."""
    (tmp_path / "a.jsonl").write_bytes(LINES)
    (tmp_path / "b.capture").write_bytes(encode(TICKS[1]))
    events, said = convert(tmp_path, "b.capture", state, "a.jsonl", "b.capture", status=1)
    assert [event["when"] for event in events] == [5, 10, 15, 5, 7, 10]
    assert said.endswith("raw capture, store, JSON lines, 3 files: 6 events; 1 that can't be read\n")


def test_an_output_that_nobody_reads_any_more(tmp_path: Path) -> None:
    """Where the reader has gone, the conversion ends without a word."""
    (tmp_path / "x.jsonl").write_bytes(encode_line(TICKS[0]) * 15_000)
    script = f'"{sys.executable}" -m rules_listener convert x.jsonl | head -n 1'
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, timeout=60, check=True)
    assert done.stdout == encode_line(TICKS[0])
    assert done.stderr == b""
