"""The end of the journal that is not in the store yet."""

import signal
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rules_listener.event.wire import Frame
from rules_listener.outbox.store import Received
from rules_listener.outbox.tail import Entry, Tail

RECEIVED = st.builds(Received, st.floats(0, 2e9), st.builds(Frame, st.binary(max_size=40), st.binary(max_size=200)))
ENTRIES = st.builds(Entry, RECEIVED, st.binary(max_size=80))


@given(st.lists(ENTRIES, max_size=12))
def test_what_is_appended_is_found(entries: list[Entry]) -> None:
    """The next process finds all frames in their order with what they caused, and may append after them."""
    page = bytearray(5000)
    tail = Tail(page)
    assert all(tail.append(*entry) for entry in entries)
    following = Tail(page)
    assert following.found == entries
    assert following.append(Received(1.0, Frame(b"h", b"p")), b"a")
    assert Tail(page).found == [*entries, Entry(Received(1.0, Frame(b"h", b"p")), b"a")]


@given(st.lists(ENTRIES, min_size=1, max_size=8), st.data())
def test_what_was_cut_short_was_never_appended(entries: list[Entry], data: st.DataObject) -> None:
    """Whatever bytes of the last entry are missing or wrong, those before it are found, and it is not."""
    page = bytearray(4000)
    tail = Tail(page)
    for entry in entries[:-1]:
        tail.append(*entry)
    before = bytes(page)
    tail.append(*entries[-1])
    changed = [place for place in range(len(page)) if page[place] != before[place]]
    for place in data.draw(st.sets(st.sampled_from(changed), min_size=1)):
        page[place] = before[place]
    found = Tail(page).found
    assert found[: len(entries) - 1] == entries[:-1]
    assert found == entries[:-1] or bytes(page) == before


def test_a_new_generation_is_empty() -> None:
    """What was cleared is not found again, and the generation says that it is another one."""
    page = bytearray(1000)
    tail = Tail(page)
    tail.append(Received(1.0, Frame(b"h", b"old")))
    tail.clear()
    tail.append(Received(2.0, Frame(b"h", b"new")))
    following = Tail(page)
    assert (following.generation, [one.received.time for one in following.found]) == (2, [2.0])


def test_no_room() -> None:
    """A frame that does not fit is refused, and nothing of the others is lost."""
    page = bytearray(200)
    tail = Tail(page)
    assert tail.append(Received(1.0, Frame(b"h", bytes(100))))
    assert not tail.append(Received(2.0, Frame(b"h", bytes(100))))
    assert len(Tail(page).found) == 1


def test_it_survives_a_kill(tmp_path: Path) -> None:
    """What a process appended is there after `kill -9`."""
    script = (
        "import os, sys; from pathlib import Path; from rules_listener.outbox.tail import *;"
        "t = Tail.open(Path(sys.argv[1])); t.append(Received(1.5, Frame(b'h', b'p'))); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "state")], check=False)
    assert done.returncode == -signal.SIGKILL
    tail = Tail.open(tmp_path / "state")
    assert tail.found == [Entry(Received(1.5, Frame(b"h", b"p")))]
    assert tail.survives
    assert (tmp_path / "state" / "tail").stat().st_mode & 0o777 == 0o600


def test_without_a_file_memory_stands_in(tmp_path: Path) -> None:
    """Where no file can be made, frames are kept all the same, as long as the process lives."""
    (tmp_path / "file").write_text("")
    tail = Tail.open(tmp_path / "file")
    assert tail.append(Received(1.0, Frame(b"h", b"p")))
    assert not tail.survives
