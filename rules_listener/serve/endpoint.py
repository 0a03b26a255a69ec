"""Where metrics are asked for: an HTTP server in a thread of the courier's.

1. Deliveries do not wait for it: it has a thread for whoever asks, and reads the store only.
2. An address that can't be used is reported once, and tried again until it can. A courier that is just ending may have
   it for a moment, so nothing is said in the first seconds.
3. Whoever asks has some seconds for it: no connection stays open for longer.
"""

import errno
import socket
from collections.abc import Callable
from time import sleep
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.send.network import Attempts

Report = Callable[[str], None]

RETRY_S = 0.5
PATIENCE_S = 5.0
ASKING_S = 10.0

_REMEDIES = {
    errno.EADDRINUSE: "another program has it, or another listener: name another port with `metrics:`",
    errno.EADDRNOTAVAIL: "this host has no such address: name one that it has with `metrics:`",
    errno.EACCES: "its user may not have this port: name one above 1023 with `metrics:`",
}


class Endpoint:
    """Serves what `collector` collects at `address` (`HOST:PORT`)."""

    def __init__(self, address: str, collector: Collector, report: Report, clock: Clock | None = None) -> None:
        registry = CollectorRegistry()
        registry.register(collector)
        self.address = address
        self._app = make_wsgi_app(registry)
        self._report = report
        self._clock = clock or SystemClock()

    def serve(self) -> None:
        """Serve as soon as the address can be used, to the end of the process."""
        self._patiently_open().serve_forever()

    def _patiently_open(self) -> WSGIServer:
        reported, began = False, self._clock.monotonic()
        while True:
            try:
                server = self.open()
            except (OSError, UnicodeError) as error:
                if not reported and self._clock.monotonic() - began >= PATIENCE_S:
                    reported = True
                    self._report(f"{self.trouble(error)}. It is tried again, and alerts are sent all the same")
                sleep(RETRY_S)
            else:
                if reported:
                    self._report(f"metrics are served at {self.address}")
                return server

    def open(self) -> WSGIServer:
        """The server, which listens already.

        Raises:
            OSError: the address can't be used.
            UnicodeError: this can't be the name of a host.
        """
        host, _, port = self.address.rpartition(":")
        host = host.strip("[]") or ("::" if socket.has_dualstack_ipv6() else "0.0.0.0")  # noqa: S104 - as asked for
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return make_server(host, int(port), self._app, _SERVERS[family], _Handler)

    def trouble(self, error: OSError | UnicodeError) -> str:
        """Why the address can't be used, and what to do."""
        reason, number = "this can't be the name of a host", 0
        if isinstance(error, OSError):
            reason, number = str(error.strerror), error.errno or 0
        remedy = _REMEDIES.get(number, "name another address with `metrics:`")
        return f"metrics can't be served at {self.address}: {reason}; {remedy}"


class _Server(ThreadingWSGIServer):
    """A server that looks up no name of its own host, which may take long, and says nothing of who hangs up."""

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


_SERVERS: dict[int, type[WSGIServer]] = {socket.AF_INET: _Server, socket.AF_INET6: _ServerOfIPv6}


class _Handler(WSGIRequestHandler):
    """One request; nothing is said about it."""

    timeout = ASKING_S

    def handle(self) -> None:
        """Answer, unless that takes too long: the time-out above is for each read alone."""
        with Attempts().begin(self.timeout) as attempt:
            attempt.watch(self.connection)
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        del format, args
