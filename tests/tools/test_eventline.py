"""Lines of rule tests: what they say, and what is said of those that say nothing."""

import pytest

from rules_listener.event.catalogue import CATALOGUE
from rules_listener.event.event import Event, Value
from rules_listener.tools.eventline import read_line

NOW = 1_700_000_000.0
WEB = {"processname": "nginx", "groupname": "web"}


def read(text: str) -> tuple[list[Event], list[tuple[str, str, str]]]:
    """The events of a line, and each complaint with the characters that it is about and its label."""
    said: list[tuple[str, str, str]] = []

    def report(message: str, start: int, end: int, label: str = "", /, *_notes: str) -> None:
        said.append((text[start:end], message, label))

    return read_line(text, NOW, report), said


EXITED = Event("PROCESS_STATE_EXITED", NOW + 10, {**WEB, "expected": 0, "from_state": "RUNNING", "pid": 1000})
LINES: dict[str, tuple[str, Event]] = {
    "what may be left out": ("10s PROCESS_STATE_EXITED web:nginx expected=0", EXITED),
    "all of it": (
        "  1h30m  PROCESS_STATE_STARTING  nginx  from_state=EXITED  tries=2 server=west ",
        Event(
            "PROCESS_STATE_STARTING",
            NOW + 5400,
            {"processname": "nginx", "groupname": "nginx", "from_state": "EXITED", "tries": 2},
            None,
            {"server": "west"},
        ),
    ),
    "a first try": (
        "0s PROCESS_STATE_BACKOFF web:nginx",
        Event("PROCESS_STATE_BACKOFF", NOW, {**WEB, "from_state": "STARTING", "tries": 1}),
    ),
    "data": (
        "0s PROCESS_LOG_STDERR web:nginx data=OOM pid=3",
        Event("PROCESS_LOG_STDERR", NOW, {**WEB, "pid": 3, "channel": "stderr"}, "OOM"),
    ),
    "no data": (
        "0s PROCESS_COMMUNICATION_STDOUT web:nginx data=",
        Event("PROCESS_COMMUNICATION_STDOUT", NOW, {**WEB, "pid": 1000}, ""),
    ),
    "double quotes": (
        r'0s REMOTE_COMMUNICATION type="a b" data="a=1 \"b\" \n\u{1F600}"',
        Event("REMOTE_COMMUNICATION", NOW, {"type": "a b"}, 'a=1 "b" \n\N{GRINNING FACE}'),
    ),
    "single quotes": (
        r"""0s REMOTE_COMMUNICATION type=t data='{"a": "\n"}'""",
        Event("REMOTE_COMMUNICATION", NOW, {"type": "t"}, r'{"a": "\n"}'),
    ),
    "a quote within": (
        "0s REMOTE_COMMUNICATION type=it's data=5\"",
        Event("REMOTE_COMMUNICATION", NOW, {"type": "it's"}, '5"'),
    ),
    "a tick": ("1m TICK_60", Event("TICK_60", NOW + 60, {"when": int(NOW) + 60})),
    "no fields": ("0s SUPERVISOR_STATE_CHANGE_STOPPING", Event("SUPERVISOR_STATE_CHANGE_STOPPING", NOW, {})),
    "a group": ("0s PROCESS_GROUP_ADDED groupname=web", Event("PROCESS_GROUP_ADDED", NOW, {"groupname": "web"})),
    "the listener's own": (
        '0s LISTENER_DELIVERY_FAILED channel=mail reason="no such host" attempts=7',
        Event("LISTENER_DELIVERY_FAILED", NOW, {"channel": "mail", "reason": "no such host", "attempts": 7}),
    ),
    "an optional field": ("0s LISTENER_STARTED", Event("LISTENER_STARTED", NOW, {})),
    "less than nothing": ("0s LISTENER_CLOCK_CHANGED by_ms=-5", Event("LISTENER_CLOCK_CHANGED", NOW, {"by_ms": -5})),
    "a comment": ("0s TICK_60 # as ever", Event("TICK_60", NOW, {"when": int(NOW)})),
    "a process with the name of a repeat": (
        "0s PROCESS_STATE_FATAL x3",
        Event("PROCESS_STATE_FATAL", NOW, {"processname": "x3", "groupname": "x3", "from_state": "BACKOFF"}),
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_an_event(name: str) -> None:
    """A line has its event, with all fields of its type."""
    text, event = LINES[name]
    assert read(text) == ([event], [])


def test_every_type_can_be_written_as_it_is_shown() -> None:
    """The one line in which people see an event says the same in a test, for every type that is sent."""
    values: dict[str, Value] = {"channel": "stdout", "expected": 1, "pid": 7, "type": "t", "tries": 2}
    for kind in CATALOGUE.values():
        if kind.abstract or kind.parent == "TICK":
            continue
        fields = {field.name: (field.possible or (values.get(field.name, 3),))[0] for field in kind.fields}
        event = Event(kind.name, NOW, fields, "x" if kind.has_data else None)
        line = event.summary().removesuffix(" x") + " data=x" * kind.has_data
        (found,), said = read(f"0s {line}")
        shown = {name: value if isinstance(value, int) else str(value) for name, value in found.fields.items()}
        assert (shown, found.data, said) == (
            {key: _as_read(kind.name, key, fields[key]) for key in shown},
            event.data,
            [],
        )
        assert shown.keys() == fields.keys()


def _as_read(kind: str, name: str, value: str | int) -> str | int:
    numbers = {field.name for field in CATALOGUE[kind].fields if field.kind == "number"}
    return value if name in numbers else str(value)


def test_fields_are_in_their_order() -> None:
    """An event says of itself what supervisord's would, in whatever order its line is written."""
    (event,), said = read("0s PROCESS_STATE_EXITED cat pid=2766 expected=0 from_state=RUNNING")
    assert (event.summary(), said) == ("PROCESS_STATE_EXITED cat from_state=RUNNING expected=0 pid=2766", [])


def test_a_line_can_be_several_events() -> None:
    """`x3 every 20s` is three events, the first at the offset; each tick tells its own moment."""
    events, said = read("10s TICK_5 x3 every 5s")
    assert ([(one.time - NOW, one.fields["when"]) for one in events], said) == (
        [(10, int(NOW) + 10), (15, int(NOW) + 15), (20, int(NOW) + 20)],
        [],
    )
    assert len({id(one.fields) for one in events}) == 3


@pytest.mark.parametrize("text", ["", "  ", "# 0s TICK_5", "\t#"])
def test_a_line_that_says_nothing(text: str) -> None:
    """A blank line and a comment have no events, and are no mistake."""
    assert read(text) == ([], [])


WRONG: dict[str, list[tuple[str, str, str]]] = {
    "10 PROCESS_STATE_FATAL web": [
        ("10", "a line begins with the time that has passed since the start", "such as 0s, 10s or 1h30m")
    ],
    "PROCESS_STATE_FATAL web": [
        (
            "PROCESS_STATE_FATAL",
            "a line begins with the time that has passed since the start",
            "such as 0s, 10s or 1h30m",
        ),
    ],
    "5s": [("", "the event is missing", "such as `10s PROCESS_STATE_EXITED web:nginx expected=0`")],
    "0s process_state_exitd web": [
        ("process_state_exitd", "there is no event `process_state_exitd`", "did you mean `PROCESS_STATE_EXITED`?")
    ],
    "0s PROCESS_LOG web data=x": [
        ("PROCESS_LOG", "`PROCESS_LOG` stands for several types, and an event is of one", "")
    ],
    "0s PROCESS_STATE_FATAL": [
        (
            "PROCESS_STATE_FATAL",
            "whose PROCESS_STATE_FATAL is it?",
            "behind it belongs GROUP:PROCESS, such as web:nginx",
        )
    ],
    "0s PROCESS_STATE_FATAL web:": [
        ("web:", "`web:` is no process", "such as web:nginx, or nginx in a group of the same name")
    ],
    "0s PROCESS_STATE_EXITED web expcted=0": [
        ("expcted", "PROCESS_STATE_EXITED has no field `expcted`", "did you mean `expected`?")
    ],
    "0s PROCESS_STATE_EXITED web": [
        ("PROCESS_STATE_EXITED", "PROCESS_STATE_EXITED always has `expected`", "write expected=0 or expected=1")
    ],
    "0s PROCESS_LOG_STDOUT web": [("PROCESS_LOG_STDOUT", "PROCESS_LOG_STDOUT always has `data`", "write data=…")],
    "0s PROCESS_STATE_EXITED web expected=2 pid=x": [
        ("2", "`expected` can't be 2 here", ""),
        ("x", "`pid` is a whole number", ""),
    ],
    "0s PROCESS_STATE_EXITED web expected=0 from_state=RUNNIG": [
        ("RUNNIG", "`from_state` can't be RUNNIG here", "did you mean `RUNNING`?")
    ],
    "0s PROCESS_STATE_EXITED web expected=0 expected=0": [("expected=0", "`expected` stands here twice", "")],
    "0s PROCESS_LOG_STDOUT web data=disk full": [
        ("full", "`full` is no field", "a field is NAME=VALUE, and a value with blanks stands in quotes")
    ],
    '0s PROCESS_LOG_STDOUT web data="disk': [
        ('"disk', "a value in quotes ends with the second one, and a blank follows it", "")
    ],
    r'0s PROCESS_LOG_STDOUT web data="\d"': [
        (
            r'"\d"',
            "there is no such escape",
            'known are \\" \\\\ \\n \\t and \\u{1F600}; in single quotes a backslash is a backslash',
        )
    ],
    "0s PROCESS_STATE_FATAL web x0 every 5s": [("x0", "how often?", "such as `x3 every 20s`; 100000 times at most")],
    "0s PROCESS_STATE_FATAL web x3 every 5": [
        ("5", "how long is it from one event to the next?", "such as 0s, 10s or 1h30m")
    ],
    " 99999999w TICK_5 ": [("99999999w TICK_5", "this is after the year 9999", "")],
    "0s TICK_5 x100000 every 1000000h": [("0s TICK_5 x100000 every 1000000h", "this is after the year 9999", "")],
    "0s TICK_60 when=5": [("when", "`when` is not written here", "a tick tells the moment of its line: leave it out")],
    "0s PROCESS_STATE_FATAL web groupname=web": [
        ("groupname", "`groupname` is not written here", "it stands behind the event, as in web:nginx")
    ],
    "0s LISTENER_STARTED serial=3": [("serial", "LISTENER_STARTED has no field `serial`", "")],
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_a_line(text: str) -> None:
    """Each mistake is reported at its characters, all at once, and no event comes of the line."""
    assert read(text) == ([], WRONG[text])
