"""Where metrics are asked for: real requests on 127.0.0.1."""

import errno
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from queue import SimpleQueue
from threading import Event, Thread

import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rules_listener.serve import endpoint as endpoint_module
from rules_listener.serve.endpoint import Endpoint

WAIT_S = 10.0


class One(Collector):
    """Collects one figure; the first collection waits until it may go on, if it has to."""

    def __init__(self) -> None:
        self.go_on = Event()
        self.go_on.set()

    def collect(self) -> Iterator[Metric]:
        """The figure."""
        self.go_on.wait(WAIT_S)
        yield GaugeMetricFamily("one", "One.", 1)


@pytest.fixture
def port() -> int:
    """A port that nobody has."""
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])


def asked(host: str, port: int) -> str:
    """What a request gets."""
    with closing(HTTPConnection(host, port, timeout=WAIT_S)) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


Serve = Callable[..., None]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves at an address until the end of the test."""
    with ExitStack() as ends:

        def serving(address: str, collector: Collector | None = None) -> None:
            server = Endpoint(address, collector or One(), pytest.fail).open()
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            for end in (server.server_close, thread.join, server.shutdown):
                ends.callback(end)

        yield serving


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.1", "127.0.0.1"), ("", "127.0.0.1"), ("[::1]", "::1"), ("localhost", "localhost")]
)
def test_addresses(serve: Serve, port: int, address: str, host: str) -> None:
    """Metrics are served at addresses of both kinds, and at all of this host where none is named."""
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("this host has no IPv6")
    serve(f"{address}:{port}")
    assert "\none 1.0\n" in asked(host, port)


def test_one_who_hangs_keeps_nobody_waiting(serve: Serve, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection over which nothing is asked holds up no other, and is closed after a while."""
    monkeypatch.setattr(endpoint_module._Handler, "timeout", 0.2)
    serve(f"127.0.0.1:{port}")
    with closing(HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as silent:
        silent.connect()
        assert "one 1.0" in asked("127.0.0.1", port)
        assert silent.sock.recv(1) == b""


def test_one_who_asks_byte_by_byte(serve: Serve, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is closed when its time is over, even if something comes again and again."""
    monkeypatch.setattr(endpoint_module._Handler, "timeout", 0.5)
    serve(f"127.0.0.1:{port}")
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        with suppress(ConnectionError):
            while not select.select([slow], [], [], 0.05)[0]:
                slow.sendall(b"x")
            assert slow.recv(1) == b""


def test_two_ask_at_the_same_time(serve: Serve, port: int) -> None:
    """A collection that takes its time holds up no other."""
    slow = One()
    slow.go_on.clear()
    serve(f"127.0.0.1:{port}", slow)
    with ExitStack() as ends:
        waiting = [ends.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=WAIT_S))) for _ in range(3)]
        for connection in waiting:
            connection.request("GET", "/metrics")
        slow.go_on.set()
        assert [connection.getresponse().status for connection in waiting] == [200] * 3


def test_a_port_that_is_in_use(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, with what to do; once the port is free, metrics are served, and that is said too."""
    reports: list[str] = []
    reported = [Event(), Event()]

    def report(text: str) -> None:
        reports.append(text)
        reported[len(reports) - 1].set()

    monkeypatch.setattr(endpoint_module, "PATIENCE_S", 0.02)
    monkeypatch.setattr(endpoint_module, "RETRY_S", 0.01)
    with closing(socket.create_server(("127.0.0.1", port))):
        Thread(target=Endpoint(f"127.0.0.1:{port}", One(), report).serve, daemon=True).start()
        assert reported[0].wait(WAIT_S)
    assert reported[1].wait(WAIT_S)
    assert "one 1.0" in asked("127.0.0.1", port)
    trouble, end = reports
    assert trouble.startswith(f"metrics can't be served at 127.0.0.1:{port}: Address already in use; another program")
    assert "name another port with `metrics:`. It is tried again" in trouble
    assert end == f"metrics are served at 127.0.0.1:{port}"


def test_a_host_that_can_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be the name of a host is said like any other trouble."""
    reported: SimpleQueue[str] = SimpleQueue()
    monkeypatch.setattr(endpoint_module, "PATIENCE_S", 0.0)
    Thread(target=Endpoint("a..b:9464", One(), reported.put).serve, daemon=True).start()
    said = reported.get(timeout=WAIT_S)
    assert said.startswith(
        "metrics can't be served at a..b:9464: this can't be the name of a host; name another address"
    )


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EADDRNOTAVAIL, "this host has no such address"),
        (errno.EACCES, "name one above 1023"),
        (errno.EAFNOSUPPORT, "name another address"),
    ],
)
def test_what_to_do_about_other_addresses(number: int, advice: str) -> None:
    """Each reason comes with its remedy."""
    assert advice in Endpoint("192.0.2.1:9464", One(), pytest.fail).trouble(OSError(number, os.strerror(number)))


def test_a_courier_without_metrics_imports_nothing_for_them() -> None:
    """The library is imported only where metrics are asked for."""
    code = "import sys, rules_listener.serve.couriering; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith(("prometheus_client", "wsgiref", "http"))]
