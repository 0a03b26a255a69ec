"""Attempts that end."""

import socket
import ssl
from collections.abc import Callable
from threading import Thread
from time import monotonic

import pytest

from rules_listener.send.network import Attempts, trouble
from tests.send.receivers import closed_port, receiver, resetting, silent

PATIENCE_S = 10.0


def _read(connection: socket.socket) -> bytes:
    with connection:
        return connection.recv(1)


def test_a_deadline_breaks_off_whatever_waits() -> None:
    """Who reads without a timeout of his own gets an end when the attempt's time is over."""
    with receiver(silent) as port, Attempts().begin(0.2) as attempt:
        connection = attempt.connect("127.0.0.1", port)
        connection.settimeout(None)
        began = monotonic()
        assert _read(connection) == b""
        assert monotonic() - began < PATIENCE_S
        assert (attempt.over, attempt.broken) == ("timed out after 0.2s",) * 2


def test_stopping_breaks_off_all_attempts() -> None:
    """`stop` ends attempts that wait, and those that begin later."""
    attempts, read = Attempts(), list[bytes]()
    with receiver(silent) as port, attempts.begin(60) as attempt:
        connection = attempt.connect("127.0.0.1", port)
        thread = Thread(target=lambda: read.append(_read(connection)))
        thread.start()
        attempts.stop()
        thread.join(PATIENCE_S)
        assert read == [b""]
        assert attempt.over == "the courier is ending"
        with attempts.begin(60) as late, pytest.raises(TimeoutError, match="the courier is ending"):
            late.connect("127.0.0.1", port)


def test_an_attempt_lets_go_of_its_connections() -> None:
    """After its end, a connection that goes on is not touched any more."""
    with receiver(silent) as port:
        with Attempts().begin(60) as attempt:
            connection = attempt.connect("127.0.0.1", port)
        attempt.time_out()
        with connection:
            assert connection.send(b"x") == 1


def test_a_connection_that_can_not_be_had() -> None:
    """The error of the last address is raised."""
    with Attempts().begin(PATIENCE_S) as attempt, pytest.raises(ConnectionRefusedError):
        attempt.connect("127.0.0.1", closed_port())
    with receiver(resetting) as port, Attempts().begin(PATIENCE_S) as attempt, pytest.raises(ConnectionResetError):
        _read(attempt.connect("127.0.0.1", port))


def _verification_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: socket.gaierror(socket.EAI_NONAME, "Name unknown"), "there is no host h: Name unknown"),
        (lambda: socket.gaierror(socket.EAI_AGAIN, "Try again"), "the name h can't be looked up at the moment"),
        (lambda: UnicodeError("label too long"), "`h` can't be the name of a host"),
        (_verification_error, "the certificate of h:1 is not accepted: certificate has expired"),
        (lambda: ssl.SSLError(1, "[SSL] wrong version"), "no TLS connection with h:1: it was broken off"),
        (lambda: ssl.SSLEOFError(8, "EOF"), "no TLS connection with h:1: it was broken off"),
        (lambda: ConnectionRefusedError(111, "x"), "nothing listens at h:1: connection refused"),
        (lambda: TimeoutError("timed out"), "h:1 does not answer in time"),
        (lambda: ConnectionResetError(104, "x"), "h:1 has broken the connection off"),
        (lambda: BrokenPipeError(32, "x"), "h:1 has broken the connection off"),
        (lambda: OSError(107, "Not connected"), "h:1 has broken the connection off"),
        (lambda: OSError(113, "No route to host"), "h:1 can't be reached: No route to host"),
        (lambda: OSError("h has no address"), "h:1 can't be reached: OSError"),
    ],
)
def test_an_error_says_what_is_the_matter(make: Callable[[], Exception], said: str) -> None:
    """Each trouble of a network has a sentence that names host and port."""
    assert trouble(make(), "h", 1).startswith(said)
