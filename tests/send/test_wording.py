"""What a message says where nobody configured it."""

import json
from collections.abc import Callable

import pytest

from rules_listener.match.runtime import host
from rules_listener.outbox.channel import Message
from rules_listener.send.wording import SUBJECT_CHARACTERS, body, document, json_text, subject, title

MakeMessage = Callable[..., Message]
HOST = host("host")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("crashed 3 times in 10m", "CRITICAL {host} web:nginx: crashed 3 times in 10m"),
        ("web:nginx crashed", "CRITICAL {host}: web:nginx crashed"),
        ("web:nginx died on {host}.", "CRITICAL: web:nginx died on {host}."),
        ("web:nginx2 crashed", "CRITICAL {host} web:nginx: web:nginx2 crashed"),
        ("first\nsecond", "CRITICAL {host} web:nginx: first"),
        ("", "CRITICAL {host} web:nginx"),
        ("a\r\x00b", "CRITICAL {host} web:nginx: a b"),
    ],
)
def test_a_subject_says_it_all_and_nothing_twice(make_message: MakeMessage, text: str, shown: str) -> None:
    """How bad, where and what stand in front; host and process only where the text does not name them."""
    assert subject(make_message(text=text.format(host=HOST))) == shown.format(host=HOST)


@pytest.mark.parametrize(
    ("phase", "severity", "state"),
    [("firing", "warning", "WARNING"), ("reminder", "error", "STILL ERROR"), ("recovery", "critical", "OK")],
)
def test_the_phase_stands_in_front(make_message: MakeMessage, phase: str, severity: str, state: str) -> None:
    """A recovery can be told from an alert at the first glance."""
    message = make_message(phase=phase, severity=severity)
    assert title(message) == f"{state} {HOST} web:nginx"
    assert subject(message).startswith(f"{state} {HOST}: ")


def test_a_subject_is_short(make_message: MakeMessage) -> None:
    """A subject is cut, visibly."""
    cut = subject(make_message(text="x" * 1000))
    assert (len(cut), cut[-1]) == (SUBJECT_CHARACTERS, "…")


def test_an_event_about_no_process(make_message: MakeMessage) -> None:
    """Where there is no process, none is named."""
    message = make_message(event={"event": "TICK_60", "time": 1.0, "when": 60}, text="tick")
    assert subject(message) == f"CRITICAL {HOST}: tick"
    assert "process " not in body(message)
    assert document(message)["process"] is None


def test_a_body_holds_everything(make_message: MakeMessage) -> None:
    """Below the text stands what is known, the data of the event last, without control characters."""
    event = {
        "event": "PROCESS_LOG_STDOUT",
        "processname": "a",
        "groupname": "a",
        "pid": 7,
        "serial": 3,
        "data": "one\n\x1b[1mtwo",
    }
    text = body(make_message(event=event, phase="reminder", incident="i7", opened=900.0))
    lines = text.splitlines()
    assert lines[0] == "web:nginx crashed"
    facts = {line[:10].strip(): line[11:] for line in lines[2:-4]}
    assert facts["event"] == "PROCESS_LOG_STDOUT pid=7"
    assert (facts["incident"], facts["id"], facts["host"]) == ("i7", "id1", HOST)
    assert facts.keys() >= {"open since", "time", "rule", "severity", "process"}
    assert lines[-3:] == ["data:", "one", "\\x1b[1mtwo"]


def test_a_document_is_for_programs(make_message: MakeMessage) -> None:
    """The object has the same keys always, and is the same at every try."""
    made = document(make_message(attempt=1))
    assert made == document(make_message(attempt=2))
    assert json.loads(json.dumps(made)) == made
    assert made == {
        "id": "id1",
        "incident": None,
        "phase": "firing",
        "severity": "critical",
        "text": "web:nginx crashed",
        "rule": "crash_loop",
        "key": "web:nginx",
        "process": "web:nginx",
        "host": HOST,
        "time": "1970-01-01T00:16:40.500Z",
        "opened": None,
        "event": dict(make_message().event),
    }


def test_json_is_one_line_for_everyone() -> None:
    """What is the end of a line for some, or steers a terminal, is escaped, and comes back as it was."""
    text = "a\x7f\x85\x9b31m\u2028\u2029\nb \u4e2d"
    written = json_text({"text": text})
    assert json.loads(written) == {"text": text}
    assert written.isprintable()
