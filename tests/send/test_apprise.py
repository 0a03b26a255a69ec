"""Services, by the library, to a real HTTP server and to what only looks like one."""

import json
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.match.runtime import host
from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent
from rules_listener.send.apprise import MOST_ANSWER_BYTES, MOST_HANGING, AppriseChannel
from tests.send.hook import Answer, Hook, hook_server
from tests.send.receivers import closed_port, dripping, receiver, silent

MakeMessage = Callable[..., Message]
QUICK_S = 0.5

# Of its plugins, which are imported with the first service.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PATIENCE_S = 10.0


def _channel(*ports: int, timeout_s: float = PATIENCE_S, **more: Any) -> AppriseChannel:
    return AppriseChannel(
        [f"json://127.0.0.1:{port}/{number}" for number, port in enumerate(ports)], timeout_s=timeout_s, **more
    )


def _asked(hook: Hook) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in hook.asked]


def test_a_service_is_told(make_message: MakeMessage) -> None:
    """A service gets a title, the text, and how bad it is."""
    hook = Hook()
    with hook_server(hook) as port:
        channel = _channel(port)
        for severity, phase in (
            ("info", "firing"),
            ("warning", "firing"),
            ("critical", "firing"),
            ("error", "recovery"),
        ):
            assert channel.send(make_message(severity=severity, phase=phase)) == Sent()
    assert [(told["title"], told["message"], told["type"]) for told in _asked(hook)] == [
        (f"INFO {host('host')} web:nginx", "web:nginx crashed", "info"),
        (f"WARNING {host('host')} web:nginx", "web:nginx crashed", "warning"),
        (f"CRITICAL {host('host')} web:nginx", "web:nginx crashed", "failure"),
        (f"OK {host('host')} web:nginx", "web:nginx crashed", "success"),
    ]


@pytest.mark.parametrize(
    ("text", "title", "told"),
    [
        ("{process} {{x}} ${HOME} %s", "{process} {{x}} ${HOME} %s", "{process} {{x}} ${HOME} %s"),
        ("a\\nb\r\nc", "a\\nb c", "a\\nb\nc"),
        ("<b>&amp; :smile:", "<b>&amp; :smile:", "<b>&amp; :smile:"),
        ("\udc80\x1b[31m", "\ufffd [31m", "\\udc80\\x1b[31m"),
    ],
)
def test_event_data_is_data(make_message: MakeMessage, text: str, title: str, told: str) -> None:
    """Whatever an event holds, the library takes it as it is."""
    hook = Hook()
    with hook_server(hook) as port:
        channel = _channel(port, heading=lambda message: message.text)
        assert channel.send(make_message(text=text)) == Sent()
    assert [(one["title"], one["message"]) for one in _asked(hook)] == [(title, told)]


def test_what_the_library_logs_is_the_reason(make_message: MakeMessage, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure is tried again, and its reason is what the library said of it, which nobody else hears."""
    with hook_server(Hook(Answer(500))) as port:
        outcome = _channel(port).send(make_message())
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.startswith("json: Failed to send JSON POST notification: Internal server error")
    nowhere = _channel(closed_port()).send(make_message())
    assert nowhere == RetryLater(
        "json: A Connection error occurred sending JSON notification to 127.0.0.1; Connection refused"
    )
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("query", "lengths"), [("", [32_768]), ("?overflow=split", [32_768, 17_232]), ("?overflow=upstream", [50_000])]
)
def test_what_is_too_long_is_cut(make_message: MakeMessage, query: str, lengths: list[int]) -> None:
    """A service gets no more than it takes, unless its URL says otherwise."""
    hook = Hook()
    with hook_server(hook) as port:
        channel = AppriseChannel([f"json://127.0.0.1:{port}/{query}"], timeout_s=PATIENCE_S)
        assert channel.send(make_message(text="x" * 50_000)) == Sent()
    assert [len(told["message"]) for told in _asked(hook)] == lengths


def test_who_has_it_does_not_get_it_again(make_message: MakeMessage) -> None:
    """A further try goes to the services that could not be told before."""
    good, bad = Hook(), Hook(Answer(503))
    with hook_server(good) as first, hook_server(bad) as second:
        outcome = _channel(first, second).send(make_message())
        assert isinstance(outcome, RetryLater)
        assert _channel(first, second).send(make_message(attempt=2, arrived=outcome.arrived)) == Sent()
    assert (len(good.asked), len(bad.asked)) == (1, 2)


def test_an_answer_without_end(make_message: MakeMessage) -> None:
    """No more than the beginning of an answer is read: its status is what counts."""
    read: list[int] = []

    def serve(connection: socket.socket, ended: Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(OSError):
            while not ended.is_set():
                connection.sendall(bytes(100_000))
                read.append(100_000)

    with receiver(serve) as port:
        assert _channel(port).send(make_message()) == Sent()
    assert sum(read) < 100 * MOST_ANSWER_BYTES


@pytest.mark.parametrize("serve", [silent, dripping(b"HTTP/1.1 2")], ids=["never", "byte by byte"])
def test_a_try_ends_in_time(make_message: MakeMessage, serve: Any) -> None:
    """Whatever a service does, the try ends in time; when too many hang, no more are begun."""
    with receiver(serve) as port:
        channel = _channel(port, timeout_s=QUICK_S)
        began = monotonic()
        assert channel.send(make_message()) == RetryLater("json: timed out after 0.5s")
        assert monotonic() - began < PATIENCE_S / 2
        channel._timeout_s = 0.01
        outcomes = [channel.send(make_message()) for _ in range(MOST_HANGING)]
        assert outcomes[-1] == RetryLater("json: 8 earlier tries have not come to an end yet")


def test_stopping(make_message: MakeMessage) -> None:
    """`stop` ends a try that is under way."""
    outcomes: list[Outcome] = []
    with receiver(silent) as port:
        channel = _channel(port)
        thread = Thread(target=lambda: outcomes.append(channel.send(make_message())))
        thread.start()
        deadline = monotonic() + PATIENCE_S
        while not channel._hanging:
            assert monotonic() < deadline
        channel.stop()
        thread.join(PATIENCE_S)
    assert outcomes == [RetryLater("json: the courier is ending")]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("slak://a/b/c", "Unparseable URL slak://\u2026$"),
        ("slack://nothing", "Slack"),
        ("nothing", "Unsupported URL"),
        ("", "it gives no reason"),
    ],
)
def test_a_url_that_is_none(url: str, reason: str) -> None:
    """A URL that the library can't use is an error with its reason."""
    with pytest.raises(ConfigError, match=f"apprise can't use this URL: .*{reason}"):
        AppriseChannel([url])


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library is not installed, that is said, with what to do."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"pip install 'rules-listener\[apprise\]'"):
        AppriseChannel(["json://localhost"])
