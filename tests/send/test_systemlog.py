"""Lines, as a syslog daemon gets them."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.match.runtime import host
from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent
from rules_listener.send.systemlog import MOST_BYTES, Address, Form, SyslogChannel, address_of
from tests.send.receivers import closed_port, receiver, resetting, silent

MakeMessage = Callable[..., Message]
QUICK_S = 0.4
PATIENCE_S = 10.0

# The grammar of RFC 5424, section 6.
NAME = r"[!-~]"
VALUE = r'(?:[^"\\\]]|\\["\\\]])*'
PARAMETER = rf'[!#-<>-\\^-~]{{1,32}}="{VALUE}"'
RFC5424 = re.compile(
    rf"<(?P<priority>\d{{1,3}})>1 (?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{1,6}}Z) (?P<host>{NAME}{{1,255}})"
    rf" (?P<program>{NAME}{{1,48}}) - (?P<id>{NAME}{{1,32}}) (?P<data>\[alert@32473(?: {PARAMETER})*\]) (?P<text>.*)"
)
LINE = (
    '<26>1 1970-01-01T00:16:40.500Z {host} rules-listener - crash_loop [alert@32473 id="id1" phase="firing" '
    'severity="critical" rule="crash_loop" process="web:nginx"] web:nginx crashed'
)


@contextmanager
def listening(family: int, kind: int, address: Any) -> Iterator[tuple[Any, "SimpleQueue[bytes]"]]:
    """A syslog receiver; its address, and what it gets: a datagram, or all of a connection."""
    got: SimpleQueue[bytes] = SimpleQueue()
    with socket.socket(family, kind) as server:
        server.bind(address)
        thread = Thread(target=_receive, args=(server, kind, got), daemon=True)
        thread.start()
        yield server.getsockname(), got
        if kind == socket.SOCK_STREAM:
            server.shutdown(socket.SHUT_RDWR)
        else:
            _poke(server)
        thread.join(5)


def _poke(server: socket.socket) -> None:
    with socket.socket(server.family, socket.SOCK_DGRAM) as client:
        client.sendto(b"", server.getsockname())


def _receive(server: socket.socket, kind: int, got: "SimpleQueue[bytes]") -> None:
    if kind == socket.SOCK_DGRAM:
        while line := server.recv(65536):
            got.put(line)
        return
    server.listen()
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as file:
            got.put(file.read())


@pytest.mark.parametrize(
    ("kind", "transport", "end"),
    [
        (socket.SOCK_DGRAM, "unix", b""),
        (socket.SOCK_STREAM, "unix", b"\n"),
        (socket.SOCK_DGRAM, "udp", b""),
        (socket.SOCK_STREAM, "tcp", b"\n"),
    ],
)
def test_a_line_arrives(tmp_path: Path, make_message: MakeMessage, kind: int, transport: str, end: bytes) -> None:
    """The same line arrives by each way, and one that is sent again has the same id."""
    local = transport == "unix"
    own = (socket.AF_UNIX, kind, str(tmp_path / "log")) if local else (socket.AF_INET, kind, ("127.0.0.1", 0))
    with listening(*own) as (found, got):
        address = Address("unix", found) if local else Address(transport, *found)
        channel = SyslogChannel(address, timeout_s=PATIENCE_S)
        assert [channel.send(make_message(attempt=attempt)) for attempt in (1, 2)] == [Sent()] * 2
        lines = [got.get(timeout=PATIENCE_S) for _ in range(2)]
    assert lines == [LINE.format(host=host("host")).encode() + end] * 2


@pytest.mark.parametrize(
    ("phase", "severity", "facility", "priority"),
    [
        ("firing", "critical", "kern", 2),
        ("firing", "error", "daemon", 27),
        ("reminder", "warning", "local0", 132),
        ("firing", "info", "local7", 190),
        ("recovery", "critical", "daemon", 29),
    ],
)
def test_a_priority_is_facility_and_severity(
    make_message: MakeMessage, phase: str, severity: str, facility: str, priority: int
) -> None:
    """A recovery is a notice, whatever the alert was."""
    line = Form(facility=facility).line(make_message(phase=phase, severity=severity), local=False)
    assert line.startswith(f"<{priority}>1 ".encode())


@pytest.mark.parametrize(
    ("local", "start"), [(True, r""), (False, rf"{re.escape(host('host'))} ")], ids=["here", "elsewhere"]
)
def test_the_old_form(make_message: MakeMessage, *, local: bool, start: str) -> None:
    """RFC 3164's form is what syslog(3) writes: without the host on the host itself."""
    line = Form("rfc3164").line(make_message(), local=local).decode()
    time = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    assert re.fullmatch(rf"<26>{time} {start}rules-listener: critical crash_loop \[id1\]: web:nginx crashed", line)


INJECTIONS = (
    "a\n<0>1 2025-01-01T00:00:00Z evil - - - - b",
    'a"] [evil x="',
    "a\\",
    "a\r\x00\x1b[31m\x85\u2028b",
    "\udc80",
    "x" * 100_000,
    "\u00e9" * 100_000,
)


@pytest.mark.parametrize("layout", ["rfc5424", "rfc3164"])
@pytest.mark.parametrize("text", INJECTIONS)
def test_no_line_comes_out_of_an_event(make_message: MakeMessage, text: str, layout: str) -> None:
    """Whatever a rule and a process are called and say, it is one line of its size, in UTF-8."""
    event = {"event": "X", "time": 0.0, "processname": text}
    line = Form(layout).line(make_message(text=text, rule=text, event=event), local=False)
    assert len(line) <= MOST_BYTES
    assert len(line.decode().splitlines()) == 1
    assert not re.search(rb"[\x00-\x1f\x7f]", line)


def test_what_is_too_long_is_cut(make_message: MakeMessage) -> None:
    """A line that was cut shows it."""
    line = Form().line(make_message(text="\u00e9" * 9000), local=False)
    assert MOST_BYTES - 1 <= len(line) <= MOST_BYTES
    assert line.decode().endswith("\u00e9\u00e9\u2026")


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_any_text_follows_the_grammar(text: str) -> None:
    """Each line is RFC 5424's, whatever the texts in it."""
    event = {"event": "X", "time": 0.0, "processname": text}
    message = Message(text, "c", text, text, text, "alert", "error", 0.0, event, incident=text)
    found = RFC5424.fullmatch(Form(program=text).line(message, local=False).decode())
    assert found is not None


def test_a_text_of_ones_own(make_message: MakeMessage) -> None:
    """Program and text can be chosen."""
    line = Form(program="watch dog", text=lambda message: message.rule).line(make_message(), local=False)
    found = RFC5424.fullmatch(line.decode())
    assert found is not None
    assert (found["program"], found["text"]) == ("watch_dog", "crash_loop")


def _sent(transport: str, place: str, port: int = 0) -> object:
    began = monotonic()
    message = Message("id1", "c", "x" * 100, "r", "", "alert", "error", 0.0, {"event": "X", "time": 0.0})
    outcome = SyslogChannel(Address(transport, place, port), timeout_s=QUICK_S).send(message)
    assert monotonic() - began < PATIENCE_S / 2
    return outcome


def test_nobody_is_there(tmp_path: Path) -> None:
    """A socket, port or host that is not there is named."""
    port = closed_port()
    refused = RetryLater(f"nothing listens at 127.0.0.1:{port}: connection refused")
    assert (_sent("udp", "127.0.0.1", port), _sent("tcp", "127.0.0.1", port)) == (refused, refused)
    assert _sent("unix", f"{tmp_path}/log") == RetryLater(f"no syslog daemon listens at {tmp_path}/log")
    (tmp_path / "file").write_text("")
    assert _sent("unix", f"{tmp_path}/file") == RetryLater(f"no syslog daemon listens at {tmp_path}/file")
    for transport in ("udp", "tcp"):
        outcome = _sent(transport, "nowhere.invalid", 514)
        assert isinstance(outcome, RetryLater)
        assert "nowhere.invalid" in outcome.reason


def test_all_addresses_of_a_name_are_tried(make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that listens at the second address of its name is found, over UDP too."""
    lookup = socket.getaddrinfo
    with listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)) as (found, got):
        port = found[1]

        def of_two(_: str, *how: Any, **ever: Any) -> list[Any]:
            return [*lookup("127.0.0.2", *how, **ever), *lookup("127.0.0.1", *how, **ever)]

        monkeypatch.setattr(socket, "getaddrinfo", of_two)
        assert SyslogChannel(Address("udp", "two.example", port)).send(make_message()) == Sent()
        assert got.get(timeout=PATIENCE_S)


def test_a_receiver_that_resets() -> None:
    """A connection that is broken off has not taken the line."""
    with receiver(resetting) as port:
        assert _sent("tcp", "127.0.0.1", port) == RetryLater(f"127.0.0.1:{port} has broken the connection off")


def test_a_receiver_that_never_closes(make_message: MakeMessage) -> None:
    """A receiver that keeps the connection has got the line all the same: its system said so."""
    with receiver(silent) as port:
        assert SyslogChannel(Address("tcp", "127.0.0.1", port), timeout_s=PATIENCE_S).send(make_message()) == Sent()


def test_a_receiver_that_reads_nothing(tmp_path: Path, make_message: MakeMessage) -> None:
    """A local daemon that hangs fills its queue; then a try ends in time, and the line waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(f"{tmp_path}/log")
        channel = SyslogChannel(Address("unix", f"{tmp_path}/log"), timeout_s=QUICK_S)
        outcomes: list[Outcome] = []
        while not outcomes or outcomes[-1] == Sent():
            outcomes.append(channel.send(make_message()))
    assert outcomes[-1] == RetryLater(f"{tmp_path}/log: timed out after 0.4s")


def test_stopping(make_message: MakeMessage) -> None:
    """After `stop` nothing is sent any more."""
    channel = SyslogChannel(Address("udp", "127.0.0.1", 514))
    channel.stop()
    assert channel.send(make_message()) == RetryLater("127.0.0.1:514: the courier is ending")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/dev/log", Address("unix", "/dev/log")),
        ("udp://h", Address("udp", "h", 514)),
        ("tcp://h:601", Address("tcp", "h", 601)),
        ("tcp://[::1]:601", Address("tcp", "::1", 601)),
        ("udp://h/path", None),
        ("udp://", None),
        ("udp://h:x", None),
        ("udp://h:0", None),
        ("http://h", None),
        ("dev/log", None),
        ("", None),
    ],
)
def test_an_address_is_a_path_or_a_url(text: str, address: Address | None) -> None:
    """An address says its transport."""
    assert address_of(text) == address
