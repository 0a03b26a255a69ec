"""The channel that has supervisord act: start, stop, restart, signal, shutdown, through its XML-RPC interface.

1. What is already so counts as done: a process that is to be started and runs, or to be stopped and does not.
2. `start` and `stop` return when supervisord has begun; `restart` waits for the end of what it stops.
3. No name or password ever stands in a reason.
4. Every wait ends after the timeout, on `unix://` as on `http://`, and when the channel is stopped.
"""

import http.client
import socket
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.process import process_of

# supervisor/xmlrpc.py: Faults
_UNKNOWN_METHOD, _INCORRECT_PARAMETERS, _BAD_ARGUMENTS, _SIGNATURE = 1, 2, 3, 4
_SHUTDOWN_STATE, _BAD_NAME, _BAD_SIGNAL = 6, 10, 11
_ALREADY_STARTED, _NOT_RUNNING, _SUCCESS = 60, 70, 80

_DONE = (_ALREADY_STARTED, _NOT_RUNNING, _SUCCESS)
_HOPELESS = {
    _UNKNOWN_METHOD: "supervisord does not know the method: [rpcinterface:supervisor] is missing in its configuration",
    _INCORRECT_PARAMETERS: "supervisord does not take the arguments",
    _BAD_ARGUMENTS: "supervisord does not take the arguments",
    _SIGNATURE: "supervisord does not take the arguments",
    _SHUTDOWN_STATE: "supervisord is shutting down",
    _BAD_NAME: "supervisord has no such process",
    _BAD_SIGNAL: "there is no such signal",
}
_WORTH_ANOTHER_TRY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

_WAIT, _NO_WAIT = True, False

Rpc = Any
"""The `supervisor` namespace of a server proxy: its methods are those of supervisor/rpcinterface.py."""


class SupervisorChannel:
    """Asks the supervisord at `url`: what `SUPERVISOR_SERVER_URL` holds, or the same for another one."""

    places = 4

    def __init__(
        self, url: str, username: str | None = None, password: str | None = None, *, timeout_s: float = 30
    ) -> None:
        self._url = url
        self._username = username or None
        self._password = password or None
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._connections: set[http.client.HTTPConnection] = set()
        self._stopped = False

    def send(self, message: Message) -> Outcome:
        """Do what the message's arguments say."""
        action, *rest = message.arguments or ("",)
        try:
            with self._rpc() as rpc:
                return _perform(rpc, action, rest, process_of(message.event))
        except xmlrpc.client.Fault as fault:
            return Sent() if action == "shutdown" and fault.faultCode == _SHUTDOWN_STATE else _of_fault(fault)
        except xmlrpc.client.ProtocolError as error:
            return _of_status(error.errcode, error.errmsg)
        except ValueError as error:
            return GaveUp(str(error))
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as error:
            return RetryLater(f"supervisord can't be reached: {_shown(error)}")

    def stop(self) -> None:
        """Break off the calls that are under way; none begins any more."""
        with self._lock:
            self._stopped = True
            connections = list(self._connections)
        for connection in connections:
            _break_off(connection)

    @contextmanager
    def _rpc(self) -> Iterator[Rpc]:
        connection = self._connect()
        try:
            yield _proxy(self._url, self._username, self._password, connection).supervisor
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        connection = _connection(self._url, self._timeout_s)
        with self._lock:
            if self._stopped:
                raise ConnectionAbortedError("the courier is ending")
            self._connections.add(connection)
        return connection


class _UnixConnection(http.client.HTTPConnection):
    """HTTP on a socket in the file system, with the timeout that supervisor's own class lacks."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(url: str, timeout_s: float) -> http.client.HTTPConnection:
    if url.startswith("unix://"):
        return _UnixConnection(url.removeprefix("unix://"), timeout_s)
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError("supervisord's RPC interface is at unix://PATH or http://HOST:PORT")
    return http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout_s)


def _break_off(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _proxy(
    url: str, username: str | None, password: str | None, connection: http.client.HTTPConnection
) -> xmlrpc.client.ServerProxy:
    """A proxy as `supervisor/childutils.py: getRPCInterface` makes it, on a connection that knows a timeout."""
    from supervisor.xmlrpc import SupervisorTransport  # noqa: PLC0415 - a tenth of a second, for those who need it

    transport = SupervisorTransport(username, password, url)
    transport._get_connection = lambda: connection  # noqa: SLF001 - supervisor offers no other way to a timeout
    return xmlrpc.client.ServerProxy("http://127.0.0.1", transport)


def _perform(rpc: Rpc, action: str, rest: list[str], process: str | None) -> Outcome:
    if action == "shutdown":
        rpc.shutdown()
        return Sent()
    signal_name = rest.pop(0) if action == "signal" and rest else ""
    target = (rest[0] if rest else "") or process
    if not target:
        return GaveUp(f"`{action}` needs a process: the event is about none, and the rule names none")
    match action:
        case "start":
            return _call(rpc, "start", target, _NO_WAIT)
        case "stop":
            return _call(rpc, "stop", target, _NO_WAIT)
        case "restart":
            stopped = _call(rpc, "stop", target, _WAIT)
            return _call(rpc, "start", target, _NO_WAIT) if stopped == Sent() else stopped
        case "signal":
            return _call(rpc, "signal", target, signal_name)
    return GaveUp(f"`{action}` is nothing that supervisord does")


def _call(rpc: Rpc, verb: str, target: str, value: object) -> Outcome:
    group, colon, name = target.partition(":")
    if colon and name in ("", "*"):
        return _of_results(getattr(rpc, f"{verb}ProcessGroup")(group, value))
    try:
        getattr(rpc, f"{verb}Process")(target, value)
    except xmlrpc.client.Fault as fault:
        return _of_fault(fault)
    return Sent()


def _of_results(results: list[dict[str, Any]]) -> Outcome:
    failed = [f"{one['group']}:{one['name']}: {one['description']}" for one in results if one["status"] not in _DONE]
    return RetryLater(f"supervisord: {', '.join(failed)}") if failed else Sent()


def _of_fault(fault: xmlrpc.client.Fault) -> Outcome:
    if fault.faultCode in _DONE:
        return Sent()
    if fault.faultCode in _HOPELESS:
        return GaveUp(f"{_HOPELESS[fault.faultCode]} ({fault.faultString})")
    return RetryLater(f"supervisord: {fault.faultString}")


def _of_status(status: int, text: str) -> Outcome:
    reason = f"supervisord's RPC interface answered {status} {text}"
    hopeless = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return GaveUp(reason) if hopeless and status not in _WORTH_ANOTHER_TRY else RetryLater(reason)


def _shown(error: Exception) -> str:
    """What the system says of an error, without what it was said to."""
    return getattr(error, "strerror", None) or (str(error) if isinstance(error, OSError) else type(error).__name__)
