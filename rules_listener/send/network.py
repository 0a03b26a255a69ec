"""Connections that end: no receiver holds up a try for longer than it may take, however it answers.

1. An attempt has a deadline for all of it. When that comes, or the channel is stopped, its connections are shut down:
   whoever waits for a receiver that never answers, or answers byte by byte, gets an error at once. To look up a name is
   the one thing that can't be broken off; the resolver has bounds of its own.
2. A descriptor is shut down through a duplicate that the attempt owns: its number can't be another's meanwhile, and it
   works within a TLS handshake.
3. What is said of an error names host and port, never a path, a user or a password.
"""

import errno
import math
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Timer

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.base.errors import ConfigError

_LEAST_S = 0.001


class Attempt:
    """One try, which may take `timeout_s` seconds; made by `Attempts`."""

    def __init__(self, timeout_s: float, clock: Clock) -> None:
        self._clock = clock
        self._deadline = clock.monotonic() + timeout_s
        self._timed_out = f"timed out after {timeout_s:g}s"
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self.broken = ""
        """Why its connections were shut down; empty while they are not."""

    @property
    def left_s(self) -> float:
        """How many seconds are left; never 0, which a socket takes for its opposite."""
        return max(self._deadline - self._clock.monotonic(), _LEAST_S)

    @property
    def over(self) -> str:
        """Why nothing more can come of it; empty as long as there is time left."""
        return self.broken or (self._timed_out if self._clock.monotonic() >= self._deadline else "")

    def time_out(self) -> None:
        """Shut all connections down, since the time is over."""
        self.break_off(self._timed_out)

    def connect(self, host: str, port: int, longest_s: float = math.inf) -> socket.socket:
        """A connection to the first address of `host` that takes it, each tried for at most `longest_s` seconds.

        Raises:
            OSError: there is none.
            UnicodeError: this can't be the name of a host.
        """
        reason = OSError(f"{host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if self.over:
                raise TimeoutError(self.over)
            connection = socket.socket(family, kind, protocol)
            try:
                self.watch(connection)
                connection.settimeout(min(self.left_s, longest_s))
                connection.connect(address)
            except OSError as error:
                connection.close()
                reason = error
            else:
                connection.settimeout(self.left_s)
                return connection
        raise reason

    def watch(self, connection: socket.socket) -> None:
        """Have `connection` shut down when the time is over; if it is, now."""
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))
            if self.broken:
                self._shut_down()

    def break_off(self, reason: str) -> None:
        """Shut all connections down, for this reason."""
        with self._lock:
            self.broken = self.broken or reason
            self._shut_down()

    def close(self) -> None:
        """Let go of the connections; those who made them go on with them."""
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()

    def _shut_down(self) -> None:
        for connection in self._sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Attempts:
    """The tries of a channel that are under way."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = Lock()
        self._under_way: set[Attempt] = set()
        self._stopped = ""

    @contextmanager
    def begin(self, timeout_s: float) -> Iterator[Attempt]:
        """A try, which ends with the block or is broken off when its time is over."""
        attempt = Attempt(timeout_s, self._clock)
        with self._lock:
            self._under_way.add(attempt)
            attempt.broken = self._stopped
        timer = Timer(timeout_s, attempt.time_out)
        timer.daemon = True
        timer.start()
        try:
            yield attempt
        finally:
            timer.cancel()
            with self._lock:
                self._under_way.discard(attempt)
            attempt.close()

    def stop(self) -> None:
        """Break all tries off; none that begins later connects to anything."""
        with self._lock:
            self._stopped = "the courier is ending"
            under_way = list(self._under_way)
        for attempt in under_way:
            attempt.break_off(self._stopped)


def tls_context(ca: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """TLS with the authorities of this system, and those in the file `ca`.

    Raises:
        ConfigError: that file can't be used.
    """
    context = ssl.create_default_context()
    if ca is not None:
        read_certificates(lambda: context.load_verify_locations(ca), ca)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def read_certificates(read: Callable[[], None], path: str) -> None:
    """Call `read`, which reads certificates or keys from `path`.

    Raises:
        ConfigError: it fails.
    """
    try:
        Path(path).open("rb").close()
        read()
    except ssl.SSLError as error:
        reason = "it holds no certificate or key that can be used, in PEM"
        raise ConfigError(f"the file {path} can't be used: {reason}") from error
    except OSError as error:
        raise ConfigError(f"the file {path} can't be read: {error.strerror}") from error


def trouble(error: Exception, host: str, port: int) -> str:
    """What went wrong with a connection, for the operator."""
    where = f"{host}:{port}"
    match error:
        case UnicodeError():
            return f"`{host}` can't be the name of a host"
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return f"the name {host} can't be looked up at the moment: no name server answers"
        case socket.gaierror():
            return f"there is no host {host}: {error.strerror}"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {where} is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"no TLS connection with {where}: {_tls_reason(error)}"
        case ConnectionRefusedError():
            return f"nothing listens at {where}: connection refused"
        case TimeoutError():
            return f"{where} does not answer in time"
        case ConnectionError() | EOFError() | OSError(errno=errno.ENOTCONN):
            return f"{where} has broken the connection off"
    return f"{where} can't be reached: {getattr(error, 'strerror', None) or type(error).__name__}"


def _tls_reason(error: ssl.SSLError) -> str:
    reason = getattr(error, "reason", None)
    if reason == "WRONG_VERSION_NUMBER":
        return "what answers there does not speak TLS"
    return str(reason).replace("_", " ").lower() if reason else "it was broken off"
