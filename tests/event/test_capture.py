"""Raw captures: the frames in them, and the times that frames do not have."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.event import capture
from rules_listener.event.capture import is_header, read_capture
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.wire import encode

EXITED = Event("PROCESS_STATE_EXITED", 0, {"processname": "磁盘", "groupname": "g", "from_state": "RUNNING"})
SAID = Event("PROCESS_LOG_STDOUT", 0, {"processname": "a", "groupname": "a", "pid": 1, "channel": "stdout"}, "x\ny\n")


def tick(when: int) -> Event:
    """A tick that says when it is."""
    return Event("TICK_60", 0, {"when": when})


def read(*parts: bytes, start: float | None = None) -> tuple[list[Event], list[str]]:
    """The events in a capture that was last changed at 99, and what was reported."""
    said: list[str] = []
    batches = read_capture(parts, "x.capture", Findings(said.append), start=start, otherwise=99.0)
    return [event for batch in batches for event in batch], said


def times(events: list[Event], start: float | None = None) -> list[float]:
    """The times that these events get."""
    return [event.time for event in read(*map(encode, events), start=start)[0]]


@pytest.mark.parametrize(
    ("events", "start", "expected"),
    [
        ([EXITED, SAID], None, [99, 99]),
        ([EXITED, SAID], 7.5, [7.5, 7.5]),
        ([EXITED, tick(60), SAID, tick(120), EXITED], None, [60, 60, 60, 120, 120]),
        ([EXITED, tick(60), SAID], 7.5, [7.5, 60, 60]),
        ([], None, []),
    ],
)
def test_the_time_of_a_frame(events: list[Event], start: float | None, expected: list[float]) -> None:
    """It is that of the tick before it; of the first one at the beginning; else what is given, or the file's."""
    assert times(events, start) == expected


@pytest.mark.parametrize("when", [1_764_000_000_000, -1, 10**400])
def test_a_tick_that_tells_of_no_moment(when: int) -> None:
    """It is reported like any frame that can't be read, and does not set the time."""
    events, said = read(*map(encode, [tick(60), tick(when), SAID]))
    assert [(event.type, event.time) for event in events] == [("TICK_60", 60), ("PROCESS_LOG_STDOUT", 60)]
    (line,) = said
    assert line.startswith(f"x.capture: frame 2: `when` is {when}"[:100])
    assert ": seconds since 1970 belong here" in line


def test_a_tick_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many events wait for the first tick: a long capture without one is read in little memory."""
    monkeypatch.setattr(capture, "MOST_WAITING", 3)
    assert times([EXITED, EXITED, EXITED, EXITED, tick(60), EXITED]) == [99, 99, 99, 99, 60, 60]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from([EXITED, SAID, tick(60)]), max_size=6), st.lists(st.integers(0, 600), max_size=9))
def test_any_split(events: list[Event], cuts: list[int]) -> None:
    """However the bytes come, the same events come out of them."""
    data = b"".join(map(encode, events))
    edges = [0, *sorted(cuts), len(data)]
    parts = [data[first:last] for first, last in pairwise(edges)]
    found, said = read(*parts)
    assert [(event.type, event.fields, event.data) for event in found] == [
        (event.type, event.fields, event.data) for event in events
    ]
    assert said == []


def test_a_frame_that_cannot_be_decoded() -> None:
    """It is reported with its number, and the next one is read."""
    bad = b"ver:3.0 serial:1 poolserial:1 eventname:TICK_5 len:5\nwhen!"
    events, said = read(encode(SAID) + bad + encode(EXITED))
    assert [event.type for event in events] == ["PROCESS_LOG_STDOUT", "PROCESS_STATE_EXITED"]
    assert said == ["x.capture: frame 2: 'when!' is no `key:value` in 'when!'"]


@pytest.mark.parametrize("rest", [b"ver:3.0 nothing here\n", encode(EXITED)[:-1], b"junk"])
def test_broken_borders(rest: bytes) -> None:
    """What follows a broken border is given up, and said to be; what stands before it is read."""
    events, said = read(encode(SAID) + encode(SAID) + rest)
    assert len(events) == 2
    assert len(said) == 1
    assert said[0].startswith("x.capture: after frame 2: ")
    assert said[0].endswith("; what follows can't be read")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (encode(EXITED).split(b"\n")[0], True),
        (b"len:0 eventname:TICK_5 poolserial:1 pool:p serial:2 server:s ver:3.0", True),
        (b"", False),
        (b"ver:3.0", False),
        (b'{"time": 1, "event": "TICK_5"}', False),
        (b"2025-11-23 20:00:00,000 INFO supervisord started with pid 1", False),
        (b"\xff\xfe", False),
    ],
)
def test_header_lines(line: bytes, expected: bool) -> None:  # noqa: FBT001 - a case's expectation
    """A header line is told from all others by its words, in any order."""
    assert is_header(line) is expected
