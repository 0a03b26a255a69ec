r"""The channel of the kind `syslog`: one line for each message, to a socket of this host or over the network.

1. A line is RFC 5424's or, where a receiver knows no other, of the older form that syslog(3) writes (RFC 3164).
2. A message is one line, whatever it holds: line ends and control characters are escaped. It has at most 8 KiB, which
   receivers take. Over TCP each line ends in `\n`, the framing of RFC 6587 that all receivers know.
3. Syslog answers nothing. Over TCP a line counts as sent when the receiver has closed the connection after its end, or
   its system has at least acknowledged it; over UDP when nobody refused it; a local socket refuses by itself.
"""

import errno
import fcntl
import re
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from rules_listener.match.runtime import host
from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent
from rules_listener.send.line import one_line
from rules_listener.send.network import Attempt, Attempts, trouble
from rules_listener.send.process import process_of
from rules_listener.send.wording import utc

Text = Callable[[Message], str]

FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"),
)
FORMATS = ("rfc5424", "rfc3164")
LOCAL = "/dev/log"
PORT = 514
MOST_BYTES = 8192

_SEVERITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6}
_NOTICE = 5
_NOT_PRINTABLE = re.compile(r"[^!-~]+")
_FAREWELL_S = 1.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where lines go: `transport` is `unix` (with a path as `host`), `udp` or `tcp`."""

    transport: str
    host: str
    port: int = PORT


def address_of(text: str) -> Address | None:
    """The address in `/dev/log`, `udp://HOST[:PORT]` or `tcp://HOST[:PORT]`; None if it is none."""
    if text.startswith("/"):
        return Address("unix", text)
    with suppress(ValueError):
        url = urlsplit(text)
        if (
            url.scheme in {"udp", "tcp"}
            and url.hostname
            and url.port != 0
            and url.geturl() == f"{url.scheme}://{url.netloc}"
        ):
            return Address(url.scheme, url.hostname, url.port or PORT)
    return None


@dataclass(frozen=True, slots=True)
class Form:
    """How a line is written; `text` is what it says."""

    layout: str = "rfc5424"
    facility: str = "daemon"
    program: str = "rules-listener"
    text: Text = lambda message: message.text

    def line(self, message: Message, *, local: bool) -> bytes:
        """The line for a message, without its end; `local`: for a receiver that knows which host this is."""
        severity = _NOTICE if message.phase == "recovery" else _SEVERITIES.get(message.severity, _NOTICE)
        priority = FACILITIES.index(self.facility) * 8 + severity
        head = self._rfc5424(message) if self.layout == "rfc5424" else self._rfc3164(message, local=local)
        line = f"<{priority}>{head} {one_line(self.text(message))}"
        return _cut(line).encode()

    def _rfc5424(self, message: Message) -> str:
        names = f"{_name(host('host'), 255)} {_name(self.program, 48)} - {_name(message.rule, 32)}"
        return f"1 {utc(message.time)} {names} {_structured_data(message)}"

    def _rfc3164(self, message: Message, *, local: bool) -> str:
        time = datetime.fromtimestamp(message.time, UTC).astimezone()
        names = f"{'' if local else _name(host('host'), 255) + ' '}{_name(self.program, 48)}"
        what = f"{message.severity} {one_line(message.rule)} [{message.id}]"
        return f"{time:%b} {time.day:2} {time:%H:%M:%S} {names}: {what}:"


class SyslogChannel:
    """Sends lines of a form to an address; a try takes at most `timeout_s`."""

    places = 4

    def __init__(self, address: Address, form: Form | None = None, *, timeout_s: float = 5) -> None:
        self._address = address
        self._form = form or Form()
        self._timeout_s = timeout_s
        self._attempts = Attempts()
        self._send = {"unix": self._send_here, "udp": self._send_datagram, "tcp": self._send_stream}[address.transport]

    def send(self, message: Message) -> Outcome:
        """Send one line."""
        line = self._form.line(message, local=self._address.transport == "unix")
        with self._attempts.begin(self._timeout_s) as attempt:
            try:
                if attempt.over:
                    raise TimeoutError
                self._send(line, attempt)
            except (OSError, UnicodeError) as error:
                return RetryLater(self._reason(error, attempt))
        return Sent()

    def stop(self) -> None:
        """Break off what is under way."""
        self._attempts.stop()

    def _send_here(self, line: bytes, attempt: Attempt) -> None:
        try:
            self._send_to_socket(line, socket.SOCK_DGRAM, attempt)
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
            self._send_to_socket(line + b"\n", socket.SOCK_STREAM, attempt)

    def _send_to_socket(self, line: bytes, kind: socket.SocketKind, attempt: Attempt) -> None:
        with socket.socket(socket.AF_UNIX, kind) as local:
            attempt.watch(local)
            local.settimeout(attempt.left_s)
            local.connect(self._address.host)
            local.sendall(line)

    def _send_datagram(self, line: bytes, attempt: Attempt) -> None:
        reason = OSError(f"{self._address.host} has no address")
        found = socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_DGRAM)
        for family, kind, protocol, _, address in found:
            try:
                with socket.socket(family, kind, protocol) as datagrams:
                    attempt.watch(datagrams)
                    datagrams.settimeout(attempt.left_s)
                    datagrams.connect(address)
                    datagrams.sendall(line)
                    _raise_refusal(datagrams)
            except OSError as error:
                reason = error
            else:
                return
        raise reason

    def _send_stream(self, line: bytes, attempt: Attempt) -> None:
        with attempt.connect(self._address.host, self._address.port) as stream:
            stream.sendall(line + b"\n")
            stream.shutdown(socket.SHUT_WR)
            while True:
                stream.settimeout(min(_FAREWELL_S, attempt.left_s))
                try:
                    if not stream.recv(4096) and not attempt.over:
                        return
                except TimeoutError:
                    if not _unacknowledged(stream):
                        return
                if attempt.over:
                    raise TimeoutError

    def _reason(self, error: Exception, attempt: Attempt) -> str:
        address = self._address
        place = address.host if address.transport == "unix" else f"{address.host}:{address.port}"
        if attempt.over:
            return f"{place}: {attempt.over}"
        if address.transport != "unix":
            return trouble(error, address.host, address.port)
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return f"no syslog daemon listens at {place}"
        return f"{place} can't be written: {getattr(error, 'strerror', None) or type(error).__name__}"


def _cut(line: str) -> str:
    """What is cut is shown by `…`."""
    content = line.encode()
    if len(content) <= MOST_BYTES:
        return line
    return content[: MOST_BYTES - len("…".encode())].decode(errors="ignore") + "…"


def _raise_refusal(datagrams: socket.socket) -> None:
    """Raise what the receiver's system has answered by now; on this host that is at once."""
    datagrams.settimeout(0)
    with suppress(BlockingIOError):
        datagrams.recv(1)


def _unacknowledged(stream: socket.socket) -> int:
    """How many bytes the receiver's system has not acknowledged (SIOCOUTQ, tcp(7))."""
    (number,) = struct.unpack("i", fcntl.ioctl(stream, termios.TIOCOUTQ, bytes(4)))
    return int(number)


def _structured_data(message: Message) -> str:
    """The facts that programs look for. 32473 is the number that RFC 5612 has for whoever has none of his own."""
    facts = {
        "id": message.id,
        "phase": message.phase,
        "severity": message.severity,
        "rule": message.rule,
        "process": process_of(message.event),
        "incident": message.incident,
    }
    parameters = [f'{key}="{_value(value)}"' for key, value in facts.items() if value]
    return f"[alert@32473 {' '.join(parameters)}]"


def _value(text: str) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", one_line(text))


def _name(text: str, length: int) -> str:
    return _NOT_PRINTABLE.sub("_", text)[:length] or "-"
