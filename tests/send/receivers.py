"""Receivers that do something wrong, each on 127.0.0.1 until its block ends; and certificates of our own."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

import pytest
import trustme

from rules_listener.outbox.channel import Channel, Message, Outcome, RetryLater
from rules_listener.send.network import Attempts
from tests.eventually import eventually

PATIENCE_S = 10.0
STEP_S = 0.02
"""Between two bytes of a receiver that answers byte by byte."""

Serve = Callable[[socket.socket, Event], None]


@contextmanager
def receiver(serve: Serve) -> Iterator[int]:
    """A server that calls `serve` with each connection; its port. The event is set at its end."""
    ended = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=_accept, args=(server, serve, ended), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _accept(server: socket.socket, serve: Serve, ended: Event) -> None:
    with suppress(OSError):
        while not ended.is_set():
            connection, _ = server.accept()
            Thread(target=_serve, args=(connection, serve, ended), daemon=True).start()


def _serve(connection: socket.socket, serve: Serve, ended: Event) -> None:
    with connection, suppress(OSError):
        serve(connection, ended)


def silent(_: socket.socket, ended: Event) -> None:
    """Accept, and never answer."""
    ended.wait()


def resetting(connection: socket.socket, _: Event) -> None:
    """Break every connection off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping(text: bytes) -> Serve:
    """Answer with `text` byte by byte, over and over."""

    def serve(connection: socket.socket, ended: Event) -> None:
        while not ended.is_set():
            for byte in text:
                connection.sendall(bytes([byte]))
                ended.wait(STEP_S)

    return serve


def saying(text: bytes) -> Serve:
    """Say `text` at once, and then what was sent."""

    def serve(connection: socket.socket, _: Event) -> None:
        connection.sendall(text)
        while data := connection.recv(65536):
            connection.sendall(data)

    return serve


class Stoppable(Channel, Protocol):
    """A channel whose tries can be broken off."""

    _attempts: Attempts


def assert_stopping_breaks_off(channel: Stoppable, message: Message, port: int) -> None:
    """`stop` ends a try that is under way at a silent receiver; one that begins later ends at once."""
    outcomes: list[Outcome] = []
    thread = Thread(target=lambda: outcomes.append(channel.send(message)))
    thread.start()
    eventually(lambda: bool(channel._attempts._under_way), "the try")
    channel.stop()
    thread.join(PATIENCE_S)
    assert outcomes == [RetryLater(f"127.0.0.1:{port}: the courier is ending")]
    assert channel.send(message) == outcomes[0]


def closed_port() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Certificates:
    """An authority of our own, and what it has certified."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.ca = self._write(folder / "ca.pem", self.authority.cert_pem)
        self.stranger = self._write(folder / "stranger.pem", trustme.CA().cert_pem)
        self.server = self._certificate(folder / "server.pem", "127.0.0.1", "localhost")
        self.elsewhere = self._certificate(folder / "elsewhere.pem", "elsewhere.example")
        self.client = self._certificate(folder / "client.pem", "client.example")

    def _certificate(self, path: Path, *names: str) -> str:
        made = self.authority.issue_cert(*names)
        path.write_bytes(made.private_key_and_cert_chain_pem.bytes())
        return str(path)

    def _write(self, path: Path, pem: trustme.Blob) -> str:
        path.write_bytes(pem.bytes())
        return str(path)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
