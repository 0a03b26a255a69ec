"""Several recordings: in which order they are read, what is said of it, and what is read once."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.recording import Reading
from rules_listener.event.wire import Frame, encode
from rules_listener.outbox.store import Received, Store
from rules_listener.tools.recordings import Recordings


def written(path: Path, *times: float) -> Path:
    """A recording with ticks at some times."""
    path.write_bytes(b"".join(encode_line(Event("TICK_5", time, {"when": 0})) for time in times))
    return path


def times_in(paths: Sequence[Path], *, rotated: bool = True) -> tuple[list[float], list[str]]:
    """The times of all events, as they are read, and what is noted."""
    noted: list[str] = []
    with Recordings(paths, Findings(pytest.fail, noted.append), rotated=rotated) as opened:
        times = [event.time for event in opened.events(Reading(zone=None))]
    return times, noted


def test_in_the_order_of_their_first_events(tmp_path: Path) -> None:
    """Files that were named in another order are one history all the same."""
    early, late = written(tmp_path / "b", 5, 10), written(tmp_path / "a", 15, 20)
    assert times_in([late, early]) == times_in([early, late]) == ([5, 10, 15, 20], [])


def test_whatever_holds_them(tmp_path: Path) -> None:
    """A store has its place as files have; one that holds nothing is in nobody's way."""
    store = Store(tmp_path / "state")
    header, payload = encode(Event("TICK_5", 0.0, {"when": 0}, header={"serial": 1, "poolserial": 1})).split(b"\n", 1)
    store.journal([Received(12.0, Frame(header, payload))])
    store.close()
    late, early, empty = written(tmp_path / "a", 15), written(tmp_path / "b", 5), written(tmp_path / "c")
    assert times_in([late, empty, tmp_path / "state", early])[0] == [5, 12, 15]


def test_files_that_overlap(tmp_path: Path) -> None:
    """They are read one after the other, and it is said by how much they overlap."""
    first, second = written(tmp_path / "a", 5, 100), written(tmp_path / "b", 40, 50, 120)
    said = f"{second} begins 0:01:00 before {first} ends; to rules, a clock was set back"
    assert times_in([second, first]) == ([5, 100, 40, 50, 120], [said])


@pytest.mark.parametrize(("times", "places"), [([5, 7, 6], []), ([5, 8, 6], [3]), ([9, 5, 8, 2], [2])])
def test_lines_that_are_out_of_order(tmp_path: Path, times: list[float], places: list[int]) -> None:
    """It is said where time goes back by more than a second, once in a file."""
    first, second = written(tmp_path / "a", *times), written(tmp_path / "b", *[time + 100 for time in times])
    found, noted = times_in([first, second])
    assert found == [*times, *[time + 100 for time in times]]
    back = [
        f"time goes back by 0:00:0{round(times[place - 2] - times[place - 1])} at event {place}" for place in places
    ]
    said = [f"{path}: {one}; to rules, a clock was set back" for path in (first, second) for one in back]
    assert noted == said


def test_a_file_that_has_two_names(tmp_path: Path) -> None:
    """However it is named, or linked, it is read once."""
    path = written(tmp_path / "a", 5, 10)
    (tmp_path / "soft").symlink_to("a")
    (tmp_path / "hard").hardlink_to(path)
    (tmp_path / "sub").mkdir()
    others = [tmp_path / "sub" / ".." / "a", tmp_path / "soft", tmp_path / "hard", Path(os.path.relpath(path))]
    assert times_in([path, *others]) == ([5, 10], [])


def test_a_part_that_is_named_too(tmp_path: Path) -> None:
    """A rotated part is read with its file, whichever of them is named first."""
    part, path = written(tmp_path / "a.1", 5, 10), written(tmp_path / "a", 15)
    assert times_in([part, path]) == times_in([path, part]) == ([5, 10, 15], [])
    assert times_in([path, part], rotated=False) == ([5, 10, 15], [])
