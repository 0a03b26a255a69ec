"""Alerts for Alertmanager: to a real one where it is installed, and to servers that answer as they are told."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest

from rules_listener.base.clock import ManualClock, SystemClock
from rules_listener.match.runtime import host
from rules_listener.outbox.channel import GaveUp, Message, RetryLater, Sent
from rules_listener.send.alertmanager import FIRST_REST_S, AlertmanagerChannel, Wording, alerts_url, labels_of
from rules_listener.send.webhook import Target
from tests.eventually import eventually
from tests.send.alertmanager import alertmanager, needs_alertmanager
from tests.send.hook import Answer, Hook, hook_server
from tests.send.receivers import PATIENCE_S, closed_port, receiver, resetting, silent

MakeMessage = Callable[..., Message]
SERVED = {"event": "PROCESS_STATE_EXITED", "server": "main", "processname": "nginx", "groupname": "web", "pid": 7}
OPEN = {"incident": "i1", "opened": 1000.5}


def _channel(
    *ports: int, wording: Wording | None = None, timeout_s: float = 10.0, clock: ManualClock | None = None
) -> AlertmanagerChannel:
    targets = [Target(alerts_url(f"http://127.0.0.1:{port}")) for port in ports]
    return AlertmanagerChannel(
        targets, wording, headers={"X-Tenant": "a"}, timeout_s=timeout_s, clock=clock or ManualClock(2000.0)
    )


def _told(hook: Hook) -> list[dict[str, Any]]:
    return [alert for asked in hook.asked for alert in json.loads(asked.body)]


def test_an_alert_is_told(make_message: MakeMessage) -> None:
    """An alert that does not stay open begins when it was raised, and ends some minutes after it was sent."""
    hook = Hook()
    with hook_server(hook) as port:
        assert _channel(port).send(make_message(event=SERVED)) == Sent()
    (asked,) = hook.asked
    assert (asked.method, asked.path) == ("POST", "/api/v2/alerts")
    assert (asked.headers["content-type"], asked.headers["x-tenant"]) == ("application/json", "a")
    assert "idempotency-key" not in asked.headers
    assert json.loads(asked.body) == [
        {
            "labels": {
                "alertname": "crash_loop",
                "severity": "critical",
                "process": "web:nginx",
                "group": "web",
                "server": "main",
                "host": host("host"),
            },
            "annotations": {"summary": "web:nginx crashed"},
            "startsAt": "1970-01-01T00:16:40.500Z",
            "endsAt": "1970-01-01T00:38:20.000Z",
        }
    ]


def test_a_recovery_ends_what_was_opened(make_message: MakeMessage) -> None:
    """Opening, reminder and recovery have the same labels and beginning; the recovery ends it at its own moment."""
    hook = Hook()
    with hook_server(hook) as port:
        channel = _channel(port)
        for number, (phase, text) in enumerate(
            (("firing", "it is down"), ("reminder", "it is down"), ("recovery", "resolved"))
        ):
            event = {**SERVED, "pid": number, "event": f"PROCESS_STATE_{phase}"}
            told = make_message(id=f"id{number}", event=event, phase=phase, text=text, time=1000.5 + number, **OPEN)
            assert channel.send(told) == Sent()
    opened, reminded, recovered = _told(hook)
    assert opened["labels"] == reminded["labels"] == recovered["labels"]
    assert {told["startsAt"] for told in (opened, reminded, recovered)} == {"1970-01-01T00:16:40.500Z"}
    assert opened["endsAt"] == "1970-01-01T00:37:20.000Z"
    assert recovered["endsAt"] == "1970-01-01T00:16:42.500Z"
    assert recovered["annotations"] == {"summary": "resolved"}


def test_nothing_ends_before_it_begins(make_message: MakeMessage) -> None:
    """A clock that was set back makes no alert that Alertmanager would refuse."""
    told = _channel(1).alert(make_message(phase="recovery", time=10.0, **OPEN))
    assert told["endsAt"] == told["startsAt"]


@pytest.mark.parametrize(
    ("key", "event", "more", "expected"),
    [
        ("web:nginx", SERVED, {}, {"process": "web:nginx", "group": "web"}),
        ("web:nginx", SERVED, OPEN, {"process": "web:nginx", "group": "web"}),
        ("", SERVED, {}, {"process": "web:nginx", "group": "web"}),
        ("", SERVED, OPEN, {}),
        ("web", SERVED, {}, {"process": "web:nginx", "group": "web"}),
        ("web", SERVED, OPEN, {"group": "web"}),
        ("/dev/sda", SERVED, {}, {"process": "web:nginx", "group": "web", "key": "/dev/sda"}),
        ("/dev/sda", SERVED, OPEN, {"key": "/dev/sda"}),
        ("a\udc80", {"event": "TICK_60"}, {}, {"key": "a\ufffd"}),
    ],
)
def test_labels(
    make_message: MakeMessage, key: str, event: dict[str, object], more: dict[str, Any], expected: dict[str, str]
) -> None:
    """An alert that stays open is about its key; one that does not is also about the process of its event."""
    labels = labels_of(make_message(key=key, event=event, **more))
    assert {name: labels[name] for name in ("process", "group", "key") if name in labels} == expected


def test_all_addresses_are_told(make_message: MakeMessage) -> None:
    """A message is sent when all have it; meanwhile the reason names who has not, and only those are asked again."""
    good, bad = Hook(), Hook(Answer(503, b"starting", {"Retry-After": "7"}))
    with hook_server(good) as first, hook_server(bad) as second:
        outcome = _channel(first, second).send(make_message())
        assert isinstance(outcome, RetryLater)
        assert outcome.reason == f"127.0.0.1:{second} answered 503 Service Unavailable: starting; the others have it"
        assert (outcome.after_s, len(outcome.arrived), outcome.aside) == (7, 1, True)
        assert _channel(first, second).send(make_message(attempt=2, arrived=outcome.arrived)) == Sent()
    assert (len(good.asked), len(bad.asked)) == (1, 2)


def test_an_address_that_fails_rests(make_message: MakeMessage) -> None:
    """An address that has failed is not asked for a while, longer each time; the others are told meanwhile."""
    clock, good, bad = ManualClock(2000.0), Hook(), Hook(*[Answer(500)] * 2)
    with hook_server(good) as first, hook_server(bad) as second:
        channel = _channel(first, second, clock=clock)
        outcomes = []
        for seconds in (0.0, 3.0, 3.0, 9.0, 2.0):
            clock.advance(seconds)
            outcomes.append(channel.send(make_message(id=f"at {clock.time():g}")))
    waits = [outcome.after_s if isinstance(outcome, RetryLater) else None for outcome in outcomes]
    assert waits == [FIRST_REST_S, 2.0, 2 * FIRST_REST_S, 1.0, None]
    assert (len(good.asked), len(bad.asked)) == (5, 3)


def test_a_single_address_never_rests(make_message: MakeMessage) -> None:
    """Where there is no other that could be told, each try is one."""
    hook = Hook(Answer(500), Answer(500))
    with hook_server(hook) as port:
        channel = _channel(port)
        outcomes = [channel.send(make_message()) for _ in range(3)]
    assert [type(outcome) for outcome in outcomes] == [RetryLater, RetryLater, Sent]


def test_a_hanging_address_costs_one_try(make_message: MakeMessage) -> None:
    """Of two addresses one hangs: all alerts reach the other one, and it is waited for once."""
    hook = Hook()
    with receiver(silent) as hanging, hook_server(hook) as port:
        channel, began = _channel(hanging, port, timeout_s=1.0), monotonic()
        for number in range(60):
            outcome = channel.send(make_message(id=f"id{number}", key=f"k{number}"))
            assert isinstance(outcome, RetryLater)
            assert outcome.aside
    assert len(_told(hook)) == 60
    assert monotonic() - began < PATIENCE_S


def test_an_address_that_has_failed_is_not_waited_for(make_message: MakeMessage) -> None:
    """One that is asked again, and hangs, holds up nobody; what it says too late is what it is at the next try."""
    clock, hook, serving = ManualClock(2000.0), Hook(), [resetting, silent]
    asked, answer = Event(), Event()

    def serve(connection: socket.socket, ended: Event) -> None:
        if serving.pop(0) is resetting:
            resetting(connection, ended)
            return
        connection.recv(65536)
        asked.set()
        answer.wait(PATIENCE_S)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with receiver(serve) as port, hook_server(hook) as good:
        channel = _channel(port, good, timeout_s=PATIENCE_S, clock=clock)
        for _ in range(3):
            outcome = channel.send(make_message())
            assert isinstance(outcome, RetryLater)
            assert outcome.reason == f"127.0.0.1:{port} has broken the connection off; the others have it"
            clock.advance(FIRST_REST_S + 1)
        assert asked.wait(PATIENCE_S)
        answer.set()
        address = next(iter(channel._addresses.values()))
        eventually(lambda: address.patience_s is None, "the late answer")
    assert (len(hook.asked), serving) == (3, [])


@pytest.mark.parametrize("phase", ["firing", "reminder"])
def test_what_is_open_is_sent_when_one_has_it(make_message: MakeMessage, phase: str) -> None:
    """The others learn of an open alert by the next refresh: a delivery that waits for them would come too late."""
    with hook_server(Hook()) as port:
        assert _channel(port, closed_port()).send(make_message(phase=phase, **OPEN)) == Sent()
        assert isinstance(_channel(closed_port()).send(make_message(phase=phase, **OPEN)), RetryLater)


def test_a_recovery_that_comes_too_late(make_message: MakeMessage) -> None:
    """Once an address has ended an alert by itself, or knows that it is open anew, it is not told of the recovery."""
    clock, hook = ManualClock(2000.0), Hook()
    with hook_server(hook) as port:
        channel = _channel(port, closed_port(), clock=clock, wording=Wording(refresh_s=30.0))
        recovery = make_message(phase="recovery", time=2000.0, **OPEN)
        outcome = channel.send(recovery)
        assert isinstance(outcome, RetryLater)
        again = replace(recovery, attempt=2, arrived=outcome.arrived)
        assert channel.send(again).__class__ is RetryLater
        clock.advance(121.0)
        assert channel.send(again) == Sent()
        clock.set_by(-121.0)
        assert channel.send(again).__class__ is RetryLater
        assert channel.send(make_message(incident="i2", opened=2001.0, time=2001.0)) == Sent()
        assert channel.send(again) == Sent()
    assert len(hook.asked) == 2


def test_a_recovery_that_comes_after_the_next_alert(make_message: MakeMessage) -> None:
    """A new courier that has told an address what is open does not tell it of the end of what was open before."""
    hook, good = Hook(), Hook()
    with hook_server(hook) as port, hook_server(good) as other:
        recovery = make_message(phase="recovery", time=2000.0, **OPEN)
        outcome = _channel(closed_port(), other).send(recovery)
        assert isinstance(outcome, RetryLater)
        channel = _channel(port, other)
        assert channel.refresh([make_message(incident="i2", opened=2001.0, time=2001.0)]) == Sent()
        assert channel.send(replace(recovery, attempt=2, arrived=outcome.arrived)) == Sent()
    assert [alert["startsAt"] for alert in _told(hook)] == [alert["startsAt"] for alert in _told(good)][1:]


def test_no_address_rests_for_days(make_message: MakeMessage) -> None:
    """However long an address asks to be left alone, it is told of what is open after an hour."""
    clock, good, bad = ManualClock(2000.0), Hook(), Hook(Answer(503, headers={"Retry-After": "315360000"}))
    with hook_server(good) as first, hook_server(bad) as second:
        channel = _channel(first, second, clock=clock)
        assert channel.send(make_message(id="1")).__class__ is RetryLater
        clock.advance(3601.0)
        assert channel.send(make_message(id="2")) == Sent()
    assert len(bad.asked) == 2


@pytest.mark.parametrize(
    ("status", "tried_again"),
    [(200, None), (202, None), (400, False), (404, False), (408, True), (429, True), (500, True)],
)
def test_answers(make_message: MakeMessage, status: int, tried_again: bool | None) -> None:  # noqa: FBT001 - a table
    """2xx is sent; what would be refused again is given up, with the words of Alertmanager."""
    with hook_server(Hook(Answer(status, b'"no such thing"'))) as port:
        outcome = _channel(port).send(make_message())
    kinds = {None: Sent, False: GaveUp, True: RetryLater}
    assert type(outcome) is kinds[tried_again]
    if not isinstance(outcome, Sent):
        assert outcome.reason.startswith(f"127.0.0.1:{port} answered {status} ")
        assert outcome.reason.endswith(': "no such thing"')


def test_one_that_refuses_and_one_that_waits(make_message: MakeMessage) -> None:
    """As long as one address may still take it, a message is not given up; then it is, and says who has it."""
    with hook_server(Hook(Answer(400), Answer(400))) as first, hook_server(Hook(Answer(500))) as second:
        channel = _channel(first, second)
        outcome = channel.send(make_message())
        assert isinstance(outcome, RetryLater)
        assert [str(port) in outcome.reason for port in (first, second)] == [True, True]
        outcome = _channel(first, second).send(make_message(attempt=2))
    assert outcome == GaveUp(f"127.0.0.1:{first} answered 400 Bad Request: ok; the others have it")


def test_a_hanging_address_holds_up_no_other(make_message: MakeMessage) -> None:
    """Addresses are told at the same time: one that hangs makes the others no later, and the try ends in time."""
    hook, began = Hook(), monotonic()
    with receiver(silent) as hanging, hook_server(hook) as port:
        outcome = _channel(hanging, port, closed_port(), timeout_s=1.0).send(make_message())
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.startswith(f"127.0.0.1:{hanging}: timed out after 1s; nothing listens at 127.0.0.1:")
    assert hook.asked[0].time - began < 0.9


def test_what_is_open_is_told_again(make_message: MakeMessage) -> None:
    """All that is open goes to every address with one request, and lasts for four times as long as until the next."""
    hooks = [Hook(), Hook(Answer(500), Answer(500))]
    with hook_server(hooks[0]) as first, hook_server(hooks[1]) as second:
        clock = ManualClock(2000.0)
        channel = _channel(first, second, wording=Wording(refresh_s=30.0), clock=clock)
        assert channel.refresh_s == 30.0
        messages = [make_message(id=key, key=key, **OPEN) for key in ("a", "b")]
        for _ in range(2):
            outcome = channel.refresh(messages)
            assert isinstance(outcome, RetryLater)
            assert outcome.reason == f"127.0.0.1:{second} answered 500 Internal Server Error: ok"
            clock.advance(FIRST_REST_S + 1)
    for hook in hooks:
        assert [len(json.loads(asked.body)) for asked in hook.asked] == [2, 2]
        assert [alert["labels"]["key"] for alert in _told(hook)] == ["a", "b"] * 2
        assert [alert["endsAt"][14:19] for alert in _told(hook)] == ["35:20", "35:20", "35:26", "35:26"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h:9093", "http://h:9093/api/v2/alerts"),
        ("http://h/alertmanager/", "http://h/alertmanager/api/v2/alerts"),
        ("http://h/api/v2/alerts", "http://h/api/v2/alerts"),
    ],
)
def test_urls(url: str, expected: str) -> None:
    """An address is that of Alertmanager's pages, or of its API."""
    assert alerts_url(url) == expected


@needs_alertmanager
def test_a_real_one(make_message: MakeMessage, tmp_path: Path) -> None:
    """Debian's Alertmanager shows what was told, takes a reminder for the same alert, and drops what has recovered."""
    now = SystemClock().time()
    opened = {"incident": "i1", "opened": now - 5, "time": now - 5, "event": SERVED}
    wording = Wording({"team": "web"}, {"runbook": lambda message: f"https://wiki/{message.rule}"})
    with alertmanager(tmp_path / "a") as first, alertmanager(tmp_path / "b") as second:
        targets = [Target(alerts_url(one.url)) for one in (first, second)]
        channel = AlertmanagerChannel(targets, wording)
        assert channel.send(make_message(**opened)) == Sent()
        assert channel.send(make_message(id="id2", key="web:b", severity="error", event=SERVED)) == Sent()
        for one in (first, second):
            shown = {alert["labels"]["severity"]: alert for alert in one.wait_for(2)}
            assert shown["critical"]["labels"] == {**labels_of(make_message(**opened)), "team": "web"}
            assert shown["critical"]["annotations"] == {
                "summary": "web:nginx crashed",
                "runbook": "https://wiki/crash_loop",
            }
        assert channel.send(make_message(id="id3", phase="reminder", text="still", **opened)) == Sent()
        shown = {alert["labels"]["severity"]: alert for alert in first.wait_for(2)}
        assert shown["critical"]["annotations"]["summary"] == "still"
        assert channel.send(make_message(id="id4", phase="recovery", **{**opened, "time": now})) == Sent()
        for one in (first, second):
            (left,) = one.wait_for(1)
            assert left["labels"]["severity"] == "error"
