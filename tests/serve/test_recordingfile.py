"""The file that a recorder appends to, on disks good and bad."""

import resource
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.event.rotation import parts_of
from rules_listener.serve.recordingfile import RecordingFile

Opened = Callable[..., RecordingFile]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the recording goes."""
    return tmp_path / "x.jsonl"


@pytest.fixture
def opened(path: Path, reports: list[str]) -> Opened:
    """Opens the file, to be rotated beyond some bytes."""

    def open_file(rotate_bytes: int = 0, keep: int = 2, at: Path = path) -> RecordingFile:
        file = RecordingFile(at, reports.append, rotate_bytes=rotate_bytes, keep=keep)
        file.open()
        return file

    return open_file


@contextmanager
def full_disk(left: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_lines_are_there_at_once(opened: Opened, path: Path) -> None:
    """A line is in the file when it was appended; the file is its owner's alone."""
    with closing(opened()) as file:
        file.append(b"one\n")
        assert path.read_bytes() == b"one\n"
        file.append(b"two\n")
        assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_recording_goes_on(opened: Opened, path: Path) -> None:
    """A new recorder appends to what is there, on a line of its own."""
    path.write_bytes(b"one\ncut sho")
    with closing(opened()) as file:
        file.append(b"two\n")
    assert path.read_bytes() == b"one\ncut sho\ntwo\n"


def test_rotation(opened: Opened, path: Path) -> None:
    """A line that no longer fits begins a new file; the newest parts are kept, and each line is whole."""
    with closing(opened(10)) as file:
        for number in range(1, 9):
            file.append(b"%04d\n" % number)
        file.append(b"longer than a file may be\n")
        file.append(b"last\n")
    assert [part.read_text() for part in parts_of(path)] == [
        "0007\n0008\n",
        "longer than a file may be\n",
        "last\n",
    ]


def test_rotation_goes_by_the_size_that_is_there(opened: Opened, path: Path) -> None:
    """What an earlier recorder wrote counts."""
    path.write_bytes(b"123456789\n")
    with closing(opened(10)) as file:
        file.append(b"new\n")
    assert [part.read_text() for part in parts_of(path)] == ["123456789\n", "new\n"]


def test_a_rotation_that_fails(opened: Opened, path: Path, reports: list[str]) -> None:
    """The file grows instead, which is said, and tried again after as many bytes."""
    (path.parent / "x.jsonl.1").mkdir()
    (path.parent / "x.jsonl.1" / "in the way").touch()
    (path.parent / "x.jsonl.2").touch()
    with closing(opened(10)) as file:
        for _ in range(4):
            file.append(b"1234\n")
        assert path.read_bytes() == b"1234\n" * 4
        assert len(reports) == 1
        assert "x.jsonl can't be rotated, so it grows: " in reports[0]
        (path.parent / "x.jsonl.2").unlink()
        file.append(b"new\n")
    assert path.read_bytes() == b"new\n"
    assert (path.parent / "x.jsonl.2").is_dir()


def test_a_full_disk(opened: Opened, path: Path, reports: list[str]) -> None:
    """What does not fit is left out as a whole, counted, and said twice: when it begins, and when it is over."""
    with closing(opened()) as file:
        file.append(b"one\n")
        with full_disk(6):
            file.append(b"two\n")
            file.append(b"three\n")
            assert path.read_bytes() == b"one\n"
        file.append(b"four\n")
        file.append(b"five\n")
        assert file.missed == 2
    assert path.read_bytes() == b"one\nfour\nfive\n"
    assert reports == [
        f"{path} can't be written, events are being left out: the disk is full",
        f"2 events are missing in {path}: it could not be written",
    ]


def test_a_disk_that_stays_full(opened: Opened, reports: list[str]) -> None:
    """At the end it is said how much is missing."""
    with closing(opened(at=Path("/dev/full"))) as file:
        file.append(b"one\n")
    assert [report.partition(": ")[0] for report in reports] == [
        "/dev/full can't be written, events are being left out",
        "1 events are missing in /dev/full",
    ]


def test_two_recorders(opened: Opened, path: Path) -> None:
    """A file has one recorder; the next one can have it when that has ended, and after a rotation too."""
    with closing(opened(3)) as file:
        for line in (b"one\n", b"two\n"):
            file.append(line)
            with pytest.raises(ConfigError, match=r"another recorder writes .*x\.jsonl: give each its own file"):
                opened()
    with closing(opened()) as file:
        file.append(b"three\n")
    assert path.read_bytes() == b"two\nthree\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "Is a directory"), ("no/folder/x.jsonl", "there is no folder .*/no/folder, make it first")],
)
def test_a_file_that_cannot_be_written(opened: Opened, path: Path, name: str, reason: str) -> None:
    """The error names the file and the reason."""
    with pytest.raises(ConfigError, match=rf"can't be written: {reason}$"):
        opened(at=path.parent / name)
