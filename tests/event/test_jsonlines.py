"""Recordings as JSON lines: events in, lines out, and back; whatever else stands in a line."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_listener.base.errors import ProtocolError
from rules_listener.event.catalogue import CATALOGUE, Kind
from rules_listener.event.event import Event
from rules_listener.event.findings import MOST_SHOWN, Findings
from rules_listener.event.jsonlines import encode_line, read_lines
from rules_listener.event.record import from_record

EXITED = {
    "time": 1764000000.25,
    "event": "PROCESS_STATE_EXITED",
    "server": "supervisor",
    "serial": 21,
    "pool": "listener",
    "poolserial": 10,
    "processname": "cat",
    "groupname": "cat",
    "from_state": "RUNNING",
    "expected": 0,
    "pid": 2766,
}
LINE = (
    b'{"time": 1764000000.25, "event": "PROCESS_STATE_EXITED", "server": "supervisor", "serial": 21, '
    b'"pool": "listener", '
    b'"poolserial": 10, "processname": "cat", "groupname": "cat", "from_state": "RUNNING", "expected": 0, '
    b'"pid": 2766}\n'
)


def read(*parts: bytes) -> tuple[list[Event], list[str]]:
    """The events in `parts`, and what was reported."""
    said: list[str] = []
    events = [event.kept() for batch in read_lines(parts, "x.jsonl", Findings(said.append)) for event in batch]
    return events, said


def test_a_line() -> None:
    """A line has spaces where people would put them, and the order of `to_record`; it reads as what it was made of."""
    assert encode_line(from_record(EXITED)) == LINE
    assert read(LINE) == ([from_record(EXITED)], [])


def test_letters_of_all_kinds() -> None:
    """Text is written as it is, not escaped; line ends in it do not end the line."""
    event = Event("PROCESS_LOG_STDOUT", 1.0, {"processname": "磁盘"}, "é\n\u2028🔥\r\x00")
    line = encode_line(event)
    assert line.count(b"\n") == 1
    assert "磁盘".encode() in line
    assert read(line) == ([event], [])


GOOD = '{"time": 1, "event": "TICK_5", "when": 5}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "not JSON: invalid character (byte 4)"),
        ('{"time": 1, "event": "TICK_5"', "not JSON: Input data was truncated"),
        ('{"time": 1, "event": "TICK_5"} {}', "not JSON: trailing characters (byte 32)"),
        ('["time", 1]', "not one flat JSON object: Expected `object`, got `array`"),
        ("[" * 100_000, "not one flat JSON object: Expected `object`, got `array`"),
        ('{"a": ' * 100_000, "not one flat JSON object: it is nested too deeply"),
        ('{"event": "TICK_5"}', "`time` is missing"),
        ('{"time": 1}', "`event` is missing"),
        ('{"time": "soon", "event": "TICK_5"}', "`time` is no number of seconds: 'soon'"),
        (
            '{"time": 1764000000000, "event": "TICK_5", "when": 5}',
            "`time` is 1764000000000: seconds since 1970 belong here, not milliseconds",
        ),
        (
            '{"time": -1, "event": "TICK_5", "when": 5}',
            "`time` is -1: seconds since 1970 belong here, up to the year 9999",
        ),
        (
            '{"time": 1e300, "event": "SUPERVISOR_STATE_CHANGE_RUNNING"}',
            "`time` is 1e+300: seconds since 1970 belong here, up to the year 9999",
        ),
        ('{"time": 1, "event": "TICK_5", "when": 5.5}', "`when` is no whole number: 5.5"),
        ('{"time": 1, "event": "OTHER", "list": [1]}', "`list` is neither a text nor a number: [1]"),
        ('{"time": 1, "event": 5}', "`event` is no text: 5"),
    ],
)
def test_a_line_that_cannot_be_read(line: str, reason: str) -> None:
    """It is reported with file, line and reason; the lines around it are read."""
    events, said = read(f"{GOOD}\n\n{line}\n{GOOD}\n".encode())
    assert said == [f"x.jsonl:3: {reason}"]
    assert [event.fields for event in events] == [{"when": 5}, {"when": 5}]


def test_lines_are_counted_over_all_parts() -> None:
    """However a file is cut into parts, the numbers of its lines are the file's; the last line needs no end."""
    good = GOOD.encode()
    events, said = read(good + b"\n", b"x\n", b"\n" + good + b"\r\n", b"y\n" + good)
    assert [text.split(" ")[0] for text in said] == ["x.jsonl:2:", "x.jsonl:5:"]
    assert len(events) == 3


def test_a_byte_order_mark() -> None:
    """What some editors put before the first line is passed over."""
    assert read(b"\xef\xbb\xbf" + LINE) == ([from_record(EXITED)], [])


def test_reports_end_at_some_time() -> None:
    """A file that is no recording is not reported line by line for ever; the rest is counted."""
    said: list[str] = []
    findings = Findings(said.append)
    list(read_lines([b"x\n" * 1000], "x.jsonl", findings))
    assert (len(said), findings.unreadable) == (MOST_SHOWN + 1, 1000)
    assert said[-1] == "what else can't be read is only counted"


FIELDS = ["time", "event", "data", "processname", "groupname", "pid", "expected", "from_state", "tries", "when", "lost"]
NAMES = st.sampled_from([*FIELDS, "server", "serial", "pool", "poolserial", "note"])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
TYPES = st.sampled_from([name for name, kind in CATALOGUE.items() if not kind.abstract] + ["OTHER"])
ANY_RECORD = st.builds(
    lambda fields, kind, time: fields | {"time": time, "event": kind},
    st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=2)),
    TYPES,
    st.integers(0, 2**33) | st.floats(0, 2**33),
)


@st.composite
def usual_records(draw: st.DrawFn) -> dict[str, Any]:
    """Objects with just the fields of their type, with a header or without."""
    name = draw(TYPES)
    kind = CATALOGUE.get(name, CATALOGUE["TICK_5"])
    text, number = st.text(st.characters(codec="utf-8"), max_size=5), st.integers(-(2**70), 2**70)
    record = {"time": draw(st.floats(0, 2**33)), "event": name}
    if draw(st.booleans()):
        record |= {"server": draw(text), "serial": draw(number), "pool": draw(text), "poolserial": draw(number)}
    record |= {field.name: draw(number if field.kind is Kind.NUMBER else text) for field in kind.fields}
    return record | ({"data": draw(text)} if kind.has_data else {})


def one_by_one(records: list[dict[str, Any]]) -> list[Event]:
    """What `from_record` makes of them, without those that it refuses."""
    events = []
    for record in records:
        try:
            events.append(from_record(record))
        except ProtocolError:
            continue
    return events


@settings(derandomize=True, deadline=None)
@given(st.lists(usual_records()) | st.lists(usual_records() | ANY_RECORD))
def test_the_short_way_and_the_long_one(records: list[dict[str, Any]]) -> None:
    """Decoding many lines at once gives the same events as asking `from_record` for each."""
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    expected = one_by_one([json.loads(json.dumps(record)) for record in records])
    assert read(lines)[0] == expected


GARBAGE = st.binary(max_size=30).map(lambda line: line.replace(b"\n", b" ")) | ANY_RECORD.map(
    lambda record: json.dumps(record).encode()[:-3]
)


@settings(derandomize=True, deadline=None)
@given(st.lists(GARBAGE), st.integers(1, 7))
@example([b'{"time": 1, "event": "TICK_5", "when": 1e999}', b'{"a":"\\ud800"}', b"\xff\xfe", b"\x00"], 1)
def test_no_line_stops_the_stream(garbage: list[bytes], every: int) -> None:
    """Between any lines of garbage all events are read, and each line of garbage is an event or is reported once."""
    lines = [line for number, bad in enumerate(garbage) for line in ([LINE.strip()] * (number % every == 0) + [bad])]
    events, said = read(b"\n".join([*lines, LINE]))
    blank = sum(1 for line in lines if not line.strip())
    assert len(events) + len(said) == len(lines) + 1 - blank
    assert events.count(from_record(EXITED)) >= 1 + len(range(0, len(garbage), every))
