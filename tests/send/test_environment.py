"""What a program is told."""

import json
from collections.abc import Callable

import pytest

from rules_listener.outbox.channel import Message
from rules_listener.send.environment import MAX_STRING_BYTES, arguments_of, environment_of, input_of
from rules_listener.send.process import process_of

MakeMessage = Callable[..., Message]


def test_the_environment_says_what_happened(make_message: MakeMessage) -> None:
    """A program finds the message and the event's fields beside what was there before."""
    environment = environment_of(make_message(attempt=2), {b"PATH": b"/bin", b"SUPERVISOR_ENABLED": b"1"})
    assert environment == {
        b"PATH": b"/bin",
        b"SUPERVISOR_ENABLED": b"1",
        b"RL_ID": b"id1",
        b"RL_RULE": b"crash_loop",
        b"RL_KEY": b"web:nginx",
        b"RL_SEVERITY": b"critical",
        b"RL_MESSAGE": b"web:nginx crashed",
        b"RL_TIME": b"1000.5",
        b"RL_CHANNEL": b"ops",
        b"RL_ATTEMPT": b"2",
        b"RL_EVENT": b"PROCESS_STATE_EXITED",
        b"RL_PHASE": b"firing",
        b"RL_INCIDENT": b"",
        b"RL_PROCESS": b"web:nginx",
        b"RL_SERIAL": b"21",
        b"RL_PROCESSNAME": b"nginx",
        b"RL_GROUPNAME": b"web",
        b"RL_EXPECTED": b"0",
    }


@pytest.mark.parametrize(
    ("name", "value", "variable", "expected"),
    [
        ("channel", "stderr", b"RL_CHANNEL", b"ops"),
        ("id", "theirs", b"RL_ID", b"id1"),
        ("data", "a\0b\nc", b"RL_DATA", b"a\xef\xbf\xbdb\nc"),
        ("data", "\udc80", b"RL_DATA", b"\x80"),
        ("data", "\ud83d", b"RL_DATA", b"?"),
        ("data", "x" * (MAX_STRING_BYTES - len("RL_DATA=")), b"RL_DATA", b"x" * (MAX_STRING_BYTES - len("RL_DATA="))),
        ("data", "x" * (MAX_STRING_BYTES - len("RL_DATA=") + 1), b"RL_DATA", None),
        ("a=b", "1", b"RL_A=B", None),
        ("caf\u00e9", "1", "RL_CAF\u00c9".encode(), None),
        ("", "1", b"RL_", None),
    ],
)
def test_a_variable_is_what_can_be_passed(
    make_message: MakeMessage, name: str, value: str, variable: bytes, expected: bytes | None
) -> None:
    """What is too long, or has no name that a shell knows, is left out; NUL and the message's own are replaced."""
    environment = environment_of(make_message(event={"event": "X", name: value}), {})
    assert environment.get(variable) == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("", b""),
        ("a b; $(c)", b"a b; $(c)"),
        ("a\0b", b"a\xef\xbf\xbdb"),
        ("x" * MAX_STRING_BYTES, b"x" * MAX_STRING_BYTES),
    ],
)
def test_an_argument_is_passed_as_it_is(argument: str, expected: bytes) -> None:
    """Arguments are bytes of UTF-8, up to what the kernel takes."""
    assert arguments_of(["program", argument]) == [b"program", expected]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no program is named"),
        (["", "a"], "no program is named"),
        (["program", "x" * (MAX_STRING_BYTES + 1)], "argument 1 has 131072 bytes"),
        (["program", "\u00e9" * 70_000], "argument 1 has 140000 bytes"),
    ],
)
def test_arguments_that_cant_be_passed_are_an_error(arguments: list[str], said: str) -> None:
    """What no system takes is an error that says why."""
    with pytest.raises(ValueError, match=said):
        arguments_of(arguments)


@pytest.mark.parametrize("data", ["caf\u00e9", "a\0b\nc", "\ud83d", "\udc80", "x" * 500_000])  # noqa: PT014 - they differ
def test_standard_input_is_the_event(make_message: MakeMessage, data: str) -> None:
    """Standard input is one line of JSON in UTF-8 that holds the event exactly."""
    event = {"event": "PROCESS_LOG_STDOUT", "data": data}
    line = input_of(make_message(event=event))
    assert line.count(b"\n") == 1
    assert json.loads(line) == event


@pytest.mark.parametrize(
    ("event", "process"),
    [
        ({"processname": "cat", "groupname": "cat"}, "cat"),
        ({"processname": "cat_1", "groupname": "cat"}, "cat:cat_1"),
        ({"processname": "cat", "groupname": ""}, "cat"),
        ({"processname": "cat"}, "cat"),
        ({"groupname": "cat"}, None),
    ],
)
def test_a_process_is_called_by_its_group(event: dict[str, str], process: str | None) -> None:
    """A process is `group:name`, or its name alone where the two are the same."""
    assert process_of(event) == process
