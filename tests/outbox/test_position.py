"""Which event was seen last, whatever happens to the process."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rules_listener.outbox.position import Epoch, Position, PositionFile

FIRST = Epoch(100, 1_764_000_000.25, "listener")
SECOND = Epoch(200, 1_764_000_900.5, "listener")
SIZE = 4096


def test_a_new_event_was_never_noted(folder: Path) -> None:
    """The first note of each event says 0."""
    notes = PositionFile.open(folder)
    assert [notes.note(FIRST, serial, serial) for serial in (5, 6, 7)] == [0, 0, 0]


def test_an_event_that_was_not_acknowledged_is_counted(folder: Path) -> None:
    """An event noted again before it was acknowledged says how often, in this life and in later ones."""
    assert PositionFile.open(folder).note(FIRST, 5, 2) == 0
    assert PositionFile.open(folder).note(FIRST, 5, 2) == 1
    notes = PositionFile.open(folder)
    assert notes.note(FIRST, 5, 2) == 2
    assert notes.note(FIRST, 5, 2) == 3


def test_acknowledging_ends_the_count(folder: Path) -> None:
    """An event that comes again after it was acknowledged is counted from 0."""
    notes = PositionFile.open(folder)
    notes.note(FIRST, 5, 2)
    notes.acknowledged()
    assert PositionFile.open(folder).note(FIRST, 5, 2) == 0


@pytest.mark.parametrize(
    ("epoch", "serial", "poolserial"), [(SECOND, 5, 2), (FIRST, 6, 2), (FIRST, 5, 3), (FIRST._replace(pool="x"), 5, 2)]
)
def test_another_event_is_counted_from_0(folder: Path, epoch: Epoch, serial: int, poolserial: int) -> None:
    """An event is the same only if supervisord's life, pool and both serials are."""
    PositionFile.open(folder).note(FIRST, 5, 2)
    assert PositionFile.open(folder).note(epoch, serial, poolserial) == 0


def test_the_last_acknowledged_event_is_remembered(folder: Path) -> None:
    """`last` is the event acknowledged last, here and in the next life; one in flight does not change it."""
    notes = PositionFile.open(folder)
    assert notes.last is None
    notes.note(FIRST, 5, 2)
    assert notes.last is None
    notes.acknowledged()
    notes.note(SECOND, 0, 0)
    assert notes.last == PositionFile.open(folder).last == Position(FIRST, 5, 2)


def test_acknowledging_nothing_changes_nothing(folder: Path) -> None:
    """An acknowledgement without an event in flight is no event."""
    notes = PositionFile.open(folder)
    notes.acknowledged()
    assert notes.last is None
    notes.note(FIRST, 5, 2)
    notes.acknowledged()
    notes.acknowledged()
    assert notes.last == Position(FIRST, 5, 2)


def test_the_file_is_private_and_allotted(folder: Path) -> None:
    """The file is 0600 and has its block from the start, so that a full disk can't end the process later."""
    assert PositionFile.open(folder).survives
    state = (folder / "position").stat()
    assert (state.st_mode & 0o777, state.st_size) == (0o600, SIZE)
    assert state.st_blocks > 0


def test_memory_stands_in_where_no_file_can_be_made(tmp_path: Path) -> None:
    """Without a folder the notes work, and do not outlive the process."""
    (tmp_path / "file").write_text("")
    notes = PositionFile.open(tmp_path / "file" / "state")
    assert not notes.survives
    assert (notes.note(FIRST, 5, 2), notes.note(FIRST, 5, 2)) == (0, 1)
    notes.acknowledged()
    assert notes.last == Position(FIRST, 5, 2)


@pytest.mark.parametrize("content", [b"", b"\xff" * SIZE, bytes(SIZE), bytes(range(256)) * 16, b"short"])
def test_a_damaged_file_counts_as_empty(folder: Path, content: bytes) -> None:
    """Whatever a file holds, it is read as notes or as nothing."""
    folder.mkdir()
    (folder / "position").write_bytes(content)
    notes = PositionFile.open(folder)
    assert notes.last is None
    assert notes.note(FIRST, 5, 2) == 0


@pytest.mark.parametrize("step", ["note", "acknowledged", "new epoch"])
def test_a_write_that_was_cut_short_is_recognised(step: str) -> None:
    """Cut after any byte, a write leaves what was there before or what is there after, never a mixture."""
    page = bytearray(SIZE)
    notes = PositionFile(page)
    for serial in (7, 8, 0x1_0203):
        notes.note(FIRST, serial, serial - 1)
        notes.acknowledged()
    if step == "acknowledged":
        notes.note(FIRST, 0x9_0908, 0x9_0807)
    before = bytes(page)
    if step == "acknowledged":
        notes.acknowledged()
    else:
        notes.note(SECOND if step == "new epoch" else FIRST, 0x9_0908, 0x9_0807)
    after = bytes(page)
    possible = {_meaning(before), _meaning(after)}
    for cut in range(SIZE):
        assert _meaning(after[:cut] + before[cut:]) in possible


def _meaning(page: bytes) -> tuple[Position | None, int, int]:
    notes = [PositionFile(bytearray(page)) for _ in range(2)]
    again = (notes[0].note(FIRST, 0x9_0908, 0x9_0807), notes[1].note(SECOND, 0x9_0908, 0x9_0807))
    return PositionFile(bytearray(page)).last, *again


@pytest.mark.parametrize(("serial", "epoch"), [(2**64, FIRST), (-1, FIRST), (5, FIRST._replace(pool="p" * 2000))])
def test_what_does_not_fit_is_not_remembered(folder: Path, serial: int, epoch: Epoch) -> None:
    """Numbers and names beyond the room are no error; the next life just does not know them."""
    notes = PositionFile.open(folder)
    notes.note(epoch, serial, 2)
    notes.acknowledged()
    assert notes.last == Position(epoch, serial, 2)
    assert PositionFile.open(folder).last is None


def test_kill_9_loses_no_note(folder: Path) -> None:
    """What was noted before `kill -9` is there afterwards."""
    code = (
        "import sys, pathlib\n"
        "from rules_listener.outbox.position import Epoch, PositionFile\n"
        "notes = PositionFile.open(pathlib.Path(sys.argv[1]))\n"
        "epoch = Epoch(100, 1764000000.25, 'listener')\n"
        "notes.note(epoch, 5, 2); notes.acknowledged(); notes.note(epoch, 6, 3)\n"
        "print(flush=True); input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    notes = PositionFile.open(folder)
    assert notes.last == Position(FIRST, 5, 2)
    assert notes.note(FIRST, 6, 3) == 1
