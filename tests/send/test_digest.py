"""What a digest says."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.match.runtime import host
from rules_listener.outbox.channel import Message
from rules_listener.send.digest import LINE_CHARACTERS, Batch, digest_of
from rules_listener.send.environment import environment_of, input_of
from rules_listener.send.systemlog import Form
from rules_listener.send.wording import body, document, subject
from tests.zones import zone_of_host

MakeMessage = Callable[..., Message]
BATCH = Batch(300.0)
NOON = 43_200.0
"""Of the first of January 1970, in UTC; the day is the same in zones that are not too far east."""


@pytest.fixture
def make(make_message: MakeMessage) -> MakeMessage:
    """Makes messages with ids, texts and times of their own: one a minute."""

    def make(number: int, **others: Any) -> Message:
        given = {"id": f"id{number}", "text": f"text {number}", "time": NOON + 60 * number, "severity": "error"}
        return make_message(**{**given, **others})

    return make


@pytest.fixture(autouse=True, scope="module")
def _utc() -> Iterator[None]:
    """Times are shown in UTC."""
    with zone_of_host("UTC"):
        yield


def test_one_message_stays_as_it_is(make: MakeMessage) -> None:
    """A digest of one is that one, id and all."""
    message = make(1)
    assert digest_of([message], BATCH) is message


def test_a_channel_that_takes_little(make: MakeMessage) -> None:
    """Beyond what the channel takes, lines are counted only, the least severe first; none is cut."""
    messages = [make(n, text="x" * 290, severity="critical" if n == 70 else "error") for n in range(100)]
    digest = digest_of(messages, Batch(1.0, at_most=100, separator="; ", most_bytes=6000))
    head, *lines, more = digest.text.split("; ")
    assert (head, more) == ("100 alerts: 1 critical, 99 error", "… and 81 more")
    assert (len(lines), len(digest.alerts), digest.more) == (19, 19, 81)
    assert lines[-1] == f"13:10:00 CRITICAL {'x' * 290}"
    line = Form(text=lambda message: message.text).line(digest, local=False)
    assert line.decode().endswith("; … and 81 more")


def test_who_has_all_of_it(make: MakeMessage) -> None:
    """A receiver has a digest if it has each of its messages: what it got of one alone is not the rest."""
    first, second = (make(n, arrived=frozenset({"a", f"b{n}"})) for n in (1, 2))
    assert digest_of([first, second], BATCH).arrived == {"a"}
    same = [replace(one, incident="i1", opened=NOON) for one in (first, make(2, phase="recovery"))]
    assert digest_of(same, BATCH).arrived == frozenset()


def test_several_are_lines(make: MakeMessage) -> None:
    """The first line counts, then each has its own: time, severity, text. The order is kept."""
    digest = digest_of(
        [make(1), make(2, severity="critical"), make(3, phase="reminder"), make(4, phase="recovery")], BATCH
    )
    assert digest.text.split("\n") == [
        "4 alerts: 1 critical, 2 error, 1 resolved",
        "12:01:00 ERROR text 1",
        "12:02:00 CRITICAL text 2",
        "12:03:00 STILL ERROR text 3",
        "12:04:00 OK text 4",
    ]
    assert (digest.severity, digest.phase, digest.time) == ("critical", "firing", NOON + 240)
    assert subject(digest) == f"CRITICAL {host('host')} web:nginx: 4 alerts: 1 critical, 2 error, 1 resolved"


def test_days_are_told_where_there_are_several(make: MakeMessage) -> None:
    """A digest that waited over midnight says of which day each line is."""
    digest = digest_of([make(1), make(2, time=NOON + 86_400)], BATCH)
    assert digest.text.split("\n")[1:] == ["1970-01-01 12:01:00 ERROR text 1", "1970-01-02 12:00:00 ERROR text 2"]


def test_an_alert_that_came_and_went_is_one_line(make: MakeMessage) -> None:
    """A recovery is merged with what was said of its alert; if that was sent earlier, it has a line of its own."""
    digest = digest_of(
        [
            make(1, incident="a", opened=NOON + 60),
            make(2, incident="b", opened=NOON, phase="reminder"),
            make(3, incident="a", opened=NOON + 60, phase="reminder", text="text 1, again"),
            make(4, incident="c", opened=NOON, phase="recovery", text="resolved after 4m: text c"),
            make(5, incident="a", opened=NOON + 60, phase="recovery"),
            make(6, incident="d", opened=NOON + 360),
        ],
        BATCH,
    )
    assert digest.text.split("\n") == [
        "4 alerts: 2 error, 2 resolved",
        "12:03:00 OK text 1, again (resolved after 4m)",
        "12:02:00 STILL ERROR text 2",
        "12:04:00 OK resolved after 4m: text c",
        "12:06:00 ERROR text 6",
    ]


def test_one_line_alone_looks_like_any_message(make: MakeMessage) -> None:
    """Where all are about one alert, there is nothing to count."""
    digest = digest_of(
        [make(1, incident="a", opened=NOON + 60), make(2, incident="a", opened=NOON + 60, phase="recovery")], BATCH
    )
    assert (digest.text, digest.phase, digest.incident, digest.alerts) == (
        "text 1 (resolved after 1m)",
        "recovery",
        "a",
        (),
    )
    assert subject(digest) == f"OK {host('host')} web:nginx: text 1 (resolved after 1m)"
    assert digest.id not in {"id1", "id2"}


def test_what_is_too_much_is_counted(make: MakeMessage) -> None:
    """What is well again is left out, then the least severe, of these the youngest; the order stays."""
    messages = [make(n, severity="critical" if n == 7 else "info" if n == 1 else "error") for n in range(9)]
    messages.append(make(9, severity="critical", phase="recovery"))
    digest = digest_of(messages, Batch(1.0, 3))
    assert [line.partition(" ")[2] for line in digest.text.split("\n")] == [
        "alerts: 1 critical, 7 error, 1 info, 1 resolved",
        "ERROR text 0",
        "ERROR text 2",
        "CRITICAL text 7",
        "and 7 more",
    ]
    assert ([one.id for one in digest.alerts], digest.more) == (["id0", "id2", "id7"], 7)


@pytest.mark.parametrize(
    ("severities", "phases", "severity", "phase"),
    [
        (("info", "error"), ("firing", "firing"), "error", "firing"),
        (("info", "critical"), ("firing", "recovery"), "info", "firing"),
        (("info", "critical"), ("reminder", "recovery"), "info", "reminder"),
        (("info", "critical"), ("recovery", "recovery"), "critical", "recovery"),
    ],
)
def test_how_bad_it_is(
    make: MakeMessage, severities: tuple[str, ...], phases: tuple[str, ...], severity: str, phase: str
) -> None:
    """The highest of what is said; what is well again counts only if that is all."""
    pairs = zip(severities, phases, strict=True)
    digest = digest_of([make(n, severity=one, phase=other) for n, (one, other) in enumerate(pairs)], BATCH)
    assert (digest.severity, digest.phase) == (severity, phase)


def test_what_all_have_in_common_is_the_digests(make: MakeMessage) -> None:
    """Rule, key and fields are there where they are the same; else the rule is `digest`."""
    first = {"event": "PROCESS_STATE_EXITED", "time": 1.0, "processname": "a", "groupname": "g", "pid": 1}
    second = {**first, "time": 2.0, "pid": 2}
    same = digest_of([make(1, event=first), make(2, event=second)], BATCH)
    assert (same.rule, same.key) == ("crash_loop", "web:nginx")
    assert same.event == {
        "event": "PROCESS_STATE_EXITED",
        "time": NOON + 120,
        "processname": "a",
        "groupname": "g",
    }
    other = make(3, event={"event": "TICK_60", "time": 3.0}, rule="tick", key="")
    mixed = digest_of([make(1, event=first), other], BATCH)
    assert (mixed.rule, mixed.key, mixed.event) == ("digest", "", {"event": "LISTENER_DIGEST", "time": NOON + 180})
    assert "process " not in body(mixed)


def test_programs_get_each_alert(make: MakeMessage) -> None:
    """The object for programs has the alerts as objects; a command reads the event of each on a line."""
    digest = digest_of([make(1), make(2, text="a\nb"), make(3)], Batch(1.0, 2))
    made = document(digest)
    alerts = made["alerts"]
    assert isinstance(alerts, list)
    assert ([one["id"] for one in alerts], [one["text"] for one in alerts], made["more"]) == (
        ["id1", "id2"],
        ["text 1", "a\nb"],
        1,
    )
    assert made.keys() - alerts[0].keys() == {"alerts", "more"}
    assert [json.loads(line)["processname"] for line in input_of(digest).splitlines()] == ["nginx"] * 2
    assert environment_of(digest, {})[b"RL_MESSAGE"].decode() == digest.text


def test_a_digest_is_the_same_at_every_try(make: MakeMessage) -> None:
    """The number of the try changes nothing that a receiver sees; other messages are another digest."""
    first, again = (digest_of([make(n, attempt=attempt) for n in (1, 2)], BATCH) for attempt in (1, 2))
    assert document(first) == document(again)
    assert (first.attempt, again.attempt) == (1, 2)
    others = [digest_of([make(n) for n in numbers], BATCH).id for numbers in ((1, 2), (2, 1), (1, 2, 3))]
    assert others[0] == first.id
    assert first.id.startswith("id1-")
    assert len({*others}) == 3


def test_a_digest_may_be_one_line(make: MakeMessage) -> None:
    """For a log or syslog the lines are joined."""
    digest = digest_of([make(1), make(2)], Batch(1.0, separator="; "))
    assert digest.text == "2 alerts: 2 error; 12:01:00 ERROR text 1; 12:02:00 ERROR text 2"


def test_control_characters_are_spelled(make: MakeMessage) -> None:
    """Colours of a program's output look in a digest as they do in other messages; blanks are one blank."""
    digest = digest_of([make(1, text=" esc \x1b[31mred\x1b[0m \x07\r\n\t nul \x00 \udc80"), make(2)], BATCH)
    assert digest.text.split("\n")[1] == r"12:01:00 ERROR esc \x1b[31mred\x1b[0m \x07 nul \x00 \udc80"


HOSTILE = ("a\r\nSubject: x", "a\n12:00:00 CRITICAL all is lost", "a\x00\x85\u2028b\x1b[31m", "{message} ${HOME} %s")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_makes_a_line(make: MakeMessage, text: str) -> None:
    """Whatever an event holds, it stays in its line, and has an end."""
    digest = digest_of([make(1, text=text), make(2, text="x" * 10_000)], BATCH)
    head, first, second = digest.text.split("\n")
    assert head == "2 alerts: 2 error"
    assert first.startswith("12:01:00 ERROR ")
    assert first.isprintable()
    assert second == f"12:02:00 ERROR {'x' * (LINE_CHARACTERS - 1)}…"


@given(
    st.lists(
        st.tuples(
            st.text(max_size=20),
            st.sampled_from(("info", "warning", "error", "critical")),
            st.sampled_from(("firing", "reminder", "recovery")),
            st.sampled_from((None, "a", "b")),
        ),
        min_size=2,
        max_size=20,
    ),
    st.integers(1, 25),
)
def test_any_messages_make_a_digest(
    make_message: MakeMessage, parts: list[tuple[str, str, str, str | None]], at_most: int
) -> None:
    """Nothing is left uncounted: lines and count make as many as there are alerts."""
    messages = [
        make_message(id=str(n), text=text, severity=severity, phase=phase, incident=incident, time=float(n))
        for n, (text, severity, phase, incident) in enumerate(parts)
    ]
    digest = digest_of(messages, Batch(1.0, at_most))
    alerts = len({message.incident or message.id for message in messages})
    assert len(digest.alerts) + digest.more == (alerts if alerts > 1 else 0)
    assert len(digest.alerts) <= at_most
    if digest.alerts:
        assert len(digest.text.split("\n")) == 1 + len(digest.alerts) + (digest.more > 0)
