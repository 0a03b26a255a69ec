"""Recordings as files: what a file is, compressed or not, whole or damaged, alone or with its rotated parts."""

import gzip
import io
import tracemalloc
from contextlib import ExitStack
from datetime import UTC
from pathlib import Path

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.event import recording
from rules_listener.event.compression import open_writing
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.recording import Kind, Reading, Recording, kind_of
from rules_listener.event.rotation import rotate
from rules_listener.event.wire import encode

TICKS = [Event("TICK_5", float(number), {"when": number}) for number in range(1000)]
LINES = b"".join(map(encode_line, TICKS))
LOG = b"2025-11-23 20:00:00,000 INFO spawned: 'cat' with pid 7\n"


def write(path: Path, data: bytes) -> Path:
    """A file with this content, compressed as its name says."""
    with open_writing(path, path.suffix) as file:
        file.write(data)
    return path


def pass_over(note: str) -> None:
    """That time goes back is another test's matter."""


def read(path: Path, *, rotated: bool = True) -> tuple[list[Event], list[str]]:
    """The events in a file, and what could not be read."""
    said: list[str] = []
    with Recording(path, Findings(said.append, pass_over), rotated=rotated) as opened:
        return list(opened.events(Reading(zone=UTC))), said


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (LINES[:200], Kind.LINES),
        (b"\xef\xbb\xbf" + LINES[:200], Kind.LINES),
        (b'\n  {"event": "X", "time": 1}\n', Kind.LINES),
        (b'garbage\n{"cut off\n' + LINES[:200], Kind.LINES),
        (b'{"a": 1}\n', Kind.LINES),
        (encode(TICKS[0]), Kind.CAPTURE),
        (LOG, Kind.LOG),
        (b"Traceback\n  {'x': 1}\n{\n" + LOG, Kind.LOG),
        (b"SQLite format 3\0\x10\x00", Kind.STORE),
        (b"", None),
        (b"\n\n", None),
        (b"some text\n", None),
        (b"\x7fELF\x02\x01", None),
    ],
)
def test_what_a_file_is(head: bytes, kind: Kind | None) -> None:
    """The first line that is known tells it."""
    assert kind_of(head) is kind


@pytest.mark.parametrize("name", ["x", "x.jsonl", "x.gz", "x.jsonl.zst", "supervisord.log"])
def test_compression(tmp_path: Path, name: str) -> None:
    """A file is decompressed by what is in it; its name decides only how it is written."""
    path = write(tmp_path / name, LINES)
    assert read(path) == (TICKS, [])
    assert read(path.rename(tmp_path / "renamed")) == (TICKS, [])
    assert (path.suffix in (".gz", ".zst")) == ((tmp_path / "renamed").stat().st_size < len(LINES) / 3)


@pytest.mark.parametrize("name", ["x.gz", "x.zst"])
def test_several_compressed_streams_in_one_file(tmp_path: Path, name: str) -> None:
    """What was compressed in pieces and put together is read as one."""
    path = write(tmp_path / name, LINES)
    path.write_bytes(path.read_bytes() * 2)
    assert read(path) == (TICKS + TICKS, [])


@pytest.mark.parametrize("name", ["x.gz", "x.zst"])
def test_a_compressed_file_that_was_cut_short(tmp_path: Path, name: str) -> None:
    """What is there is read, and what is missing is reported."""
    data = "".join(f"{encode_line(tick).decode()}" for tick in TICKS * 50).encode()
    path = write(tmp_path / name, data)
    path.write_bytes(path.read_bytes()[:-20])
    events, said = read(path)
    assert 0 < len(events) < 50_000
    assert events[:1000] == TICKS
    assert f"{path}: the compressed data end too early: the end is missing" in said


@pytest.mark.parametrize("name", ["x.gz", "x.zst"])
def test_a_compressed_file_that_is_damaged(tmp_path: Path, name: str) -> None:
    """A damage is reported, whatever comes out of the part before it."""
    path = write(tmp_path / name, LINES)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path.write_bytes(data)
    assert any("the compressed data are damaged" in text for text in read(path)[1])


def test_rotated_parts(tmp_path: Path) -> None:
    """A file is read with its rotated parts, the oldest first, each as it is compressed; alone if that is asked for."""
    write(tmp_path / "x.jsonl", LINES)
    write(tmp_path / "x.jsonl.1", encode_line(TICKS[7]))
    write(tmp_path / "x.jsonl.2.gz", b"bad\n" + encode_line(TICKS[8]))
    events, said = read(tmp_path / "x.jsonl")
    assert events == [TICKS[8], TICKS[7], *TICKS]
    assert [text.partition(" ")[0] for text in said] == [f"{tmp_path}/x.jsonl.2.gz:1:"]
    assert read(tmp_path / "x.jsonl", rotated=False) == (TICKS, [])


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_recording_that_is_rotated_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Whatever is open already when it is rotated, no part is missing, none is there twice, and it is no error."""
    path = tmp_path / "x.jsonl"
    for tick in TICKS[:3]:
        rotate(path, 10)
        path.write_bytes(encode_line(tick))
    opened = 0
    open_one = recording._open

    def rotate_and_open(one: Path | None, stack: ExitStack) -> io.BufferedReader:
        nonlocal opened
        opened += 1
        if opened == moment:
            rotate(path, 10)
        elif opened == moment + 1:
            path.write_bytes(encode_line(TICKS[3]))
        return open_one(one, stack)

    monkeypatch.setattr(recording, "_open", rotate_and_open)
    assert read(path) == (TICKS[: 3 + (moment < 4)], [])


def test_a_log_in_rotated_parts(tmp_path: Path) -> None:
    """A log that was rotated is one log; a part without a line that is known is a part all the same."""
    write(tmp_path / "x.log.3", b"2025-11-23 20:00:00,000 INFO supervisord started with pid 1\n")
    write(tmp_path / "x.log.2", b"nothing but text\n" * 9)
    write(tmp_path / "x.log.1", LOG)
    write(tmp_path / "x.log", LOG.replace(b"spawned: 'cat' with pid 7", b"stopped: cat (exit status 0)"))
    events, said = read(tmp_path / "x.log")
    assert [event.summary().removeprefix("PROCESS_STATE_") for event in events] == [
        "SUPERVISOR_STATE_CHANGE_RUNNING",
        "STARTING cat from_state=STOPPED tries=0",
        "STOPPING cat from_state=STARTING pid=7",
        "STOPPED cat from_state=STOPPING pid=7",
    ]
    assert said == []


def test_a_capture(tmp_path: Path) -> None:
    """A capture is read as one; its events are dated by its ticks, and those without by the file."""
    path = write(tmp_path / "x", encode(TICKS[5]) + encode(TICKS[6]))
    assert [event.time for event in read(path)[0]] == [5, 6]
    path = write(tmp_path / "y", encode(Event("SUPERVISOR_STATE_CHANGE_RUNNING", 0, {})))
    assert [event.time for event in read(path)[0]] == [path.stat().st_mtime]


def test_an_empty_file(tmp_path: Path) -> None:
    """A file with nothing in it holds no events, whatever it would have become."""
    assert read(write(tmp_path / "x", b"")) == ([], [])
    assert read(write(tmp_path / "y.gz", b"\n")) == ([], [])


@pytest.mark.parametrize("content", [LINES, LOG * 3])
def test_zeros_before_the_first_line(tmp_path: Path, content: bytes) -> None:
    """A file that was emptied while a process wrote to it begins with as many zeros as it had bytes."""
    expected = read(write(tmp_path / "x", content))
    assert expected[0]
    assert read(write(tmp_path / "y", bytes(100_000) + content)) == expected


@pytest.mark.parametrize("content", [b"just some text\n", b"\x7fELF\x00", bytes(100_000)])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    """A file in which nothing is known is refused, with what could have been in it."""
    with pytest.raises(
        ConfigError, match=r"x is nothing that holds events: neither a recording .* nor a supervisord.log"
    ):
        read(write(tmp_path / "x", content))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """The error names the file and the reason."""
    with pytest.raises(ConfigError, match="x can't be read: No such file or directory"):
        read(tmp_path / "x")
    with pytest.raises(ConfigError, match="/proc/self/mem can't be read: Input/output error"):
        read(Path("/proc/self/mem"), rotated=False)


def test_a_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is too long is cut, so that it does not fill the memory; the next one is read."""
    monkeypatch.setattr(recording, "MAX_LINE_BYTES", 100_000)
    path = write(tmp_path / "x", encode_line(TICKS[0]) + b"x" * 300_000 + b"\n" + encode_line(TICKS[1]))
    events, said = read(path)
    assert events == TICKS[:2]
    assert {text.partition(" ")[0] for text in said} == {f"{path}:2:"}


def peak(path: Path) -> tuple[int, int]:
    """How many events there are, and how many bytes were needed at a time to read them."""
    tracemalloc.start()
    with Recording(path, Findings(pytest.fail, pass_over)) as opened:
        count = sum(1 for _ in opened.events(Reading(zone=UTC)))
    needed = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, needed


CONTENTS = {
    "x.jsonl": LINES,
    "x.jsonl.gz": LINES,
    "x.jsonl.zst": LINES,
    "x.capture": b"".join(map(encode, TICKS)),
    "x.log": LOG * 1000,
}


@pytest.mark.parametrize("name", CONTENTS)
def test_memory_is_flat(tmp_path: Path, name: str) -> None:
    """Ten times as many events are read in the same memory."""
    content = CONTENTS[name]
    small, large = write(tmp_path / f"small-{name}", content), write(tmp_path / f"large-{name}", content * 10)
    first, second = peak(small), peak(large)
    assert (first[0], second[0]) == (1_000, 10_000)
    assert second[1] < first[1] * 1.3 + 100_000


def test_gzip_of_other_programs(tmp_path: Path) -> None:
    """A file that another program has compressed, with its name in it, is read as well."""
    with gzip.open(tmp_path / "x.jsonl.gz", "wb") as file:
        file.write(LINES)
    assert read(tmp_path / "x.jsonl.gz") == (TICKS, [])
