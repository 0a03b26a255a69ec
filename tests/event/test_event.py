"""What is derived from an event, and an event as a flat object."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.errors import ProtocolError
from rules_listener.event.event import Event, Value
from rules_listener.event.record import from_record, to_record

PROCESSES: dict[str, tuple[dict[str, Value], str | None]] = {
    "group and name": ({"processname": "cat", "groupname": "animals"}, "animals:cat"),
    "a group of its own name": ({"processname": "cat", "groupname": "cat"}, "cat"),
    "an empty group": ({"processname": "cat", "groupname": ""}, "cat"),
    "no group": ({"processname": "cat"}, "cat"),
    "no process": ({"groupname": "cat"}, None),
}


@pytest.mark.parametrize("case", PROCESSES)
def test_process(case: str) -> None:
    """`process` is group:name, or the name alone where that says it all."""
    fields, process = PROCESSES[case]
    assert Event("X", 0.0, fields).process == process


SUMMARIES: dict[str, tuple[Event, str]] = {
    "state": (
        Event(
            "PROCESS_STATE_EXITED",
            0.0,
            {"processname": "cat", "groupname": "cat", "from_state": "RUNNING", "expected": 0, "pid": 2766},
        ),
        "PROCESS_STATE_EXITED cat from_state=RUNNING expected=0 pid=2766",
    ),
    "a process of a group": (
        Event("PROCESS_STATE_FATAL", 0.0, {"processname": "nginx", "groupname": "web", "from_state": "BACKOFF"}),
        "PROCESS_STATE_FATAL web:nginx from_state=BACKOFF",
    ),
    "a process of an unknown group": (
        Event("PROCESS_STATE_FATAL", 0.0, {"processname": "nginx", "from_state": "BACKOFF"}),
        "PROCESS_STATE_FATAL nginx from_state=BACKOFF",
    ),
    "no process": (Event("TICK_5", 0.0, {"when": 5}), "TICK_5 when=5"),
    "the first line of data": (
        Event("REMOTE_COMMUNICATION", 0.0, {"type": "note"}, "one\r\ntwo"),
        "REMOTE_COMMUNICATION type=note one",
    ),
    "nothing": (Event("SUPERVISOR_STATE_CHANGE_RUNNING", 0.0, {}), "SUPERVISOR_STATE_CHANGE_RUNNING"),
}


@pytest.mark.parametrize("case", SUMMARIES)
def test_summary(case: str) -> None:
    """An event in one line: type, process, fields, first line of its data."""
    event, line = SUMMARIES[case]
    assert event.summary() == line


def test_record() -> None:
    """A record holds time, type, header, fields and data, without what only the wire needs."""
    header: dict[str, Value] = {"ver": "3.0", "server": "s", "serial": 1, "eventname": "TICK_5", "len": 6}
    assert to_record(Event("TICK_5", 2.5, {"when": 5}, None, header)) == {
        "time": 2.5,
        "event": "TICK_5",
        "server": "s",
        "serial": 1,
        "when": 5,
    }


WORD = st.text(st.characters(codec="utf-8"), max_size=9)
UNLISTED = st.dictionaries(st.sampled_from(["processname", "groupname", "pid", "type", "x"]), WORD)
EXITED = st.fixed_dictionaries(
    {"processname": WORD, "groupname": WORD, "expected": st.integers(0, 1), "pid": st.integers()}
)
EVENTS = st.tuples(WORD, UNLISTED) | st.tuples(st.just("PROCESS_STATE_EXITED"), EXITED)
HEADER = st.fixed_dictionaries({}, optional={"server": WORD, "serial": st.integers(0), "poolserial": st.integers(0)})


@settings(derandomize=True, deadline=None)
@given(EVENTS, st.floats(0, 2**33), st.none() | WORD, HEADER)
def test_a_record_is_read_as_the_event_that_it_was_made_of(
    kind: tuple[str, dict[str, Value]], time: float, data: str | None, header: dict[str, Value]
) -> None:
    """Through JSON and back, an event as it is decoded keeps its type, time, fields, data and serials."""
    event = Event(kind[0], time, kind[1], data, header)
    assert from_record(json.loads(json.dumps(to_record(event)))) == event


@pytest.mark.parametrize("wrong", [{"when": "soon"}, {"serial": True}, {"time": "now"}, {"time": "nan"}])
def test_a_record_with_a_number_that_is_none(wrong: dict[str, object]) -> None:
    """A record written by hand has numbers where the catalogue says so, or is refused."""
    with pytest.raises(ProtocolError, match=next(iter(wrong))):
        from_record({"time": 1.0, "event": "TICK_5", "when": 5, **wrong})


@pytest.mark.parametrize(
    ("written", "fields"),
    [
        ({"when": "5", "note": "x"}, {"when": 5, "note": "x"}),
        ({"note": 2.5}, {"note": "2.5"}),
        ({"note": True, "other": False}, {"note": "true", "other": "false"}),
        ({"when": None, "note": None}, {}),
    ],
)
def test_a_record_written_by_hand(written: dict[str, object], fields: dict[str, Value]) -> None:
    """A number may be written as a text, a field that is no number may be one, and null is as good as nothing."""
    assert from_record({"time": "1.5", "event": "TICK_5", **written}) == Event("TICK_5", 1.5, fields)


@pytest.mark.parametrize("wrong", [{"note": ["a"]}, {"note": {}}, {"data": []}, {"event": 7}])
def test_a_record_is_flat(wrong: dict[str, object]) -> None:
    """A value that is neither a text nor a number is refused, by its name."""
    with pytest.raises(ProtocolError, match=f"`{next(iter(wrong))}`"):
        from_record({"time": 1.0, "event": "TICK_5", **wrong})
