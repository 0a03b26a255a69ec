"""Whether a listener's metrics are served, as `status` sees it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from rules_listener.serve.metrics import PREFIX
from rules_listener.tools.health import TRIES, metrics_trouble


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
        """Say nothing of requests."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is open ends with the test."""
    with ExitStack() as stack:
        yield stack


def serve(stack: ExitStack, text: str, port: int = 0) -> str:
    """Answer each request with a text; the address."""
    server: WSGIServer = make_server(
        "127.0.0.1", port, lambda _, begin: (begin("200 OK", []), [text.encode()])[1], handler_class=_Quiet
    )
    Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return f"127.0.0.1:{server.server_port}"


def free_port() -> int:
    """One that nothing listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def test_metrics_are_served(stack: ExitStack) -> None:
    """What answers with metrics of a listener is one."""
    assert metrics_trouble(serve(stack, f"{PREFIX}info 1")) == ""


def test_another_program_answers(stack: ExitStack) -> None:
    """Whatever else answers is another program."""
    address = serve(stack, "hello")
    assert metrics_trouble(address) == f"another program answers at {address}"


def test_nothing_answers() -> None:
    """Where nothing listens it is asked again for a while, and then said."""
    address = f"127.0.0.1:{free_port()}"
    pauses: list[float] = []
    assert metrics_trouble(address, pauses.append) == f"nothing answers at {address}"
    assert len(pauses) == TRIES


def test_a_courier_that_is_just_starting(stack: ExitStack) -> None:
    """That nothing listens at first is no trouble."""
    port = free_port()
    begun: list[str] = []

    def begin(_: float) -> None:
        begun.append(serve(stack, f"{PREFIX}info 1", port))

    assert metrics_trouble(f"127.0.0.1:{port}", begin) == ""
    assert len(begun) == 1
