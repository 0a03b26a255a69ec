"""The end of the journal that is not in the store yet."""

import signal
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rules_listener.event.wire import Frame
from rules_listener.outbox.store import Received
from rules_listener.outbox.tail import OWED, Entry, Tail

RECEIVED = st.builds(Received, st.floats(0, 2e9), st.builds(Frame, st.binary(max_size=40), st.binary(max_size=200)))
ENTRIES = st.builds(Entry, RECEIVED, st.just(b"") | st.just(OWED) | st.binary(max_size=80).map(b"\x91".__add__))


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


def test_what_has_no_room_is_not_overtaken() -> None:
    """Where something did not fit, nothing does until the tail is cleared: what is there is a beginning."""
    tail = Tail(bytearray(200))
    assert not tail.append(Received(1.0, Frame(b"h", bytes(300))))
    assert not tail.append(Received(2.0, Frame(b"h", b"")))
    tail.clear()
    assert tail.append(Received(3.0, Frame(b"h", b"")))
    assert not tail.append(Received(4.0, Frame(b"h", bytes(140))))
    assert not tail.append(Received(5.0, Frame(b"h", b"")))


def test_behind_a_border_the_next_generation_begins() -> None:
    """What was appended behind a border is missing in a store that has only what was before it."""
    page = bytearray(1000)
    one, two, three = (Entry(Received(time, Frame(b"h", b"p"))) for time in (1.0, 2.0, 3.0))
    first = Tail(page)
    first.append(*one)
    first.divide()
    first.append(*two)
    second = Tail(page)
    assert (first.generation, second.generation, second.found) == (2, 2, [one, two])
    second.divide()
    second.divide()
    second.append(*three)
    third = Tail(page)
    assert third.later_than(0) == [(1, [one]), (2, [two]), (4, [three])]
    assert third.later_than(1) == [(2, [two]), (4, [three])]
    assert third.later_than(2) == third.later_than(3) == [(4, [three])]
    assert third.later_than(4) == []
    third.clear()
    assert (Tail(page).generation, Tail(page).found) == (5, [])


def test_a_border_that_has_no_room() -> None:
    """Where no border fits, nothing is appended that could be taken for what was before it."""
    page = bytearray(90)
    first = Tail(page)
    assert first.append(Received(1.0, Frame(b"h", bytes(30))))
    first.divide()
    assert not first.append(Received(1.0, Frame(b"", b"")))
    assert (first.generation, Tail(page).generation) == (1, 1)


def test_a_tail_that_was_made_anew_goes_beyond_what_the_store_has() -> None:
    """A new file's numbers are higher than those of the one before it: else the store would seem to have it."""
    page = bytearray(1000)
    Tail(page).clear(57)
    assert Tail(page).generation == 58


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
