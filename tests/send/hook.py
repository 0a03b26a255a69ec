"""An HTTP server on 127.0.0.1 that answers as it is told, and what it was asked."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic


@dataclass
class Asked:
    """A request as it came; names of headers are in lower case, `client` is the name in the client's certificate."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: tuple[str, int]
    time: float = field(compare=False)
    client: str = ""


@dataclass
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)


class Hook:
    """Gives its answers one after another, then 200; keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []

    def answer(self, asked: Asked) -> Answer:
        """Note a request, and answer it."""
        self.asked.append(asked)
        return self.answers.pop(0) if self.answers else Answer()


def _handler(hook: Hook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(
                self.command, self.path, headers, body, self.client_address, monotonic(), _client(self.connection)
            )
            answer = hook.answer(asked)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_PUT = do_GET = handle_any  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of those who asked and were killed; tests see whatever else goes wrong by what was asked."""


def _client(connection: object) -> str:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    names = (certificate or {}).get("subjectAltName", ())
    return str(names[0][1]) if isinstance(names, tuple) and names else ""


@contextmanager
def hook_server(hook: Hook, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that asks `hook` for its answers; its port."""
    server = _Server(("127.0.0.1", 0), _handler(hook))
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
