"""Actions on a real supervisord, and on what only looks like one."""

import http.server
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from xmlrpc.client import Fault, dumps, loads

import pytest

from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.supervisor import SupervisorChannel

MakeMessage = Callable[..., Message]
PATIENCE_S = 10.0
SECRET = "s3cret"  # noqa: S105 - a test's

CONFIGURATION = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/pid
[unix_http_server]
file={folder}/s
username=me
password=s3cret
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:one]
command=/bin/sleep 60
autostart=false
startsecs=0
stopsignal=KILL
[program:many]
command=/bin/sleep 60
process_name=%(process_num)d
numprocs=2
autostart=false
startsecs=0
stopsignal=KILL
[program:missing]
command=/nowhere/program
autostart=false
"""


def _listens(path: Path) -> bool:
    """Whether somebody listens at a socket; for a moment it is there, and nobody does."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


class Supervisord:
    """A supervisord of our own, with an RPC interface on a socket in a folder."""

    def __init__(self, folder: Path) -> None:
        configuration = folder / "supervisord.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder))
        self.url = f"unix://{folder}/s"
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = monotonic() + PATIENCE_S
        while not _listens(folder / "s"):
            assert monotonic() < deadline
            sleep(0.01)

    def channel(self, password: str = SECRET) -> SupervisorChannel:
        """A channel to it."""
        return SupervisorChannel(self.url, "me", password, timeout_s=PATIENCE_S)

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def supervisord(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisord]:
    """One supervisord for the tests that do not end it."""
    running = Supervisord(tmp_path_factory.mktemp("s"))
    yield running
    running.end()


def _event(process: str) -> dict[str, object]:
    group, _, name = process.partition(":")
    return {"event": "PROCESS_STATE_EXITED", "groupname": group, "processname": name or group}


@pytest.mark.parametrize("process", ["one", "many:0", "many:*"])
def test_a_process_is_started_stopped_and_signalled(
    supervisord: Supervisord, make_message: MakeMessage, process: str
) -> None:
    """Each action is done on a process or a whole group, and counts as done where there is nothing to do."""
    channel = supervisord.channel()
    for action in ("start", "start", "restart", "signal", "stop", "stop", "signal", "restart", "stop"):
        arguments = ("signal", "USR1", process) if action == "signal" else (action, process)
        assert channel.send(make_message(*arguments)) == Sent()


def test_without_a_target_the_process_of_the_event_is_meant(
    supervisord: Supervisord, make_message: MakeMessage
) -> None:
    """An action without a target, or with an empty one, is about the event's process."""
    channel = supervisord.channel()
    for arguments in (("start",), ("signal", "HUP"), ("stop", "")):
        assert channel.send(make_message(*arguments, event=_event("many:1"))) == Sent()
    outcome = channel.send(make_message("stop", event={"event": "TICK_60"}))
    assert outcome == GaveUp("`stop` needs a process: the event is about none, and the rule names none")


@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        (("start", "none"), GaveUp("supervisord has no such process (BAD_NAME: none)")),
        (("stop", "none:*"), GaveUp("supervisord has no such process (BAD_NAME: none)")),
        (("signal", "NONE", "one"), GaveUp("there is no such signal (BAD_SIGNAL: NONE)")),
        (("signal",), GaveUp("there is no such signal (BAD_SIGNAL: )")),
        (("dance",), GaveUp("`dance` is nothing that supervisord does")),
        ((), GaveUp("`` is nothing that supervisord does")),
        (
            ("start", "missing"),
            RetryLater("supervisord: NO_FILE: can't find command '/nowhere/program'"),
        ),
        (
            ("start", "missing:*"),
            RetryLater("supervisord: missing:missing: NO_FILE: can't find command '/nowhere/program'"),
        ),
    ],
)
def test_what_supervisord_refuses_is_said_in_words(
    supervisord: Supervisord, make_message: MakeMessage, arguments: tuple[str, ...], outcome: Outcome
) -> None:
    """What can never be done is given up, what may be possible later is tried again, each with supervisord's words."""
    assert supervisord.channel().send(make_message(*arguments, event=_event("one"))) == outcome


def test_a_wrong_password_is_given_up_and_not_shown(supervisord: Supervisord, make_message: MakeMessage) -> None:
    """A refused password can't heal, and stands in no reason."""
    outcome = supervisord.channel("wr0ng").send(make_message("stop", "one"))
    assert outcome == GaveUp("supervisord's RPC interface answered 401 Unauthorized")


def test_supervisord_is_shut_down(tmp_path: Path, make_message: MakeMessage) -> None:
    """`shutdown` ends supervisord."""
    running = Supervisord(tmp_path)
    assert running.channel().send(make_message("shutdown")) == Sent()
    assert running.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("unix:///nowhere/s", RetryLater("supervisord can't be reached: No such file or directory")),
        ("", GaveUp("supervisord's RPC interface is at unix://PATH or http://HOST:PORT")),
        ("https://127.0.0.1", GaveUp("supervisord's RPC interface is at unix://PATH or http://HOST:PORT")),
    ],
)
def test_where_no_supervisord_is(make_message: MakeMessage, url: str, outcome: Outcome) -> None:
    """What is not there may come back; what is no address never will."""
    assert SupervisorChannel(url, "me", SECRET).send(make_message("stop", "one")) == outcome


def test_a_refused_connection_is_tried_again(make_message: MakeMessage) -> None:
    """A port that nobody listens on is tried again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = SupervisorChannel(f"http://127.0.0.1:{port}").send(make_message("stop", "one"))
    assert outcome == RetryLater("supervisord can't be reached: Connection refused")


class Pretending(http.server.BaseHTTPRequestHandler):
    """Answers each call with the server's `answer`."""

    answer = b""
    status = 200

    def do_POST(self) -> None:
        """Answer."""
        loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _fault(code: int, text: str) -> bytes:
    return dumps(Fault(code, text)).encode()


@pytest.mark.parametrize(
    ("status", "answer", "action", "outcome"),
    [
        (200, _fault(6, "SHUTDOWN_STATE"), "stop", GaveUp("supervisord is shutting down (SHUTDOWN_STATE)")),
        (200, _fault(6, "SHUTDOWN_STATE"), "shutdown", Sent()),
        (200, _fault(60, "ALREADY_STARTED: one"), "start", Sent()),
        (200, _fault(70, "NOT_RUNNING: one"), "stop", Sent()),
        (200, _fault(30, "FAILED: unknown problem"), "restart", RetryLater("supervisord: FAILED: unknown problem")),
        (500, b"", "stop", RetryLater("supervisord's RPC interface answered 500 Internal Server Error")),
        (429, b"", "stop", RetryLater("supervisord's RPC interface answered 429 Too Many Requests")),
        (404, b"", "stop", GaveUp("supervisord's RPC interface answered 404 Not Found")),
        (200, b"<html>", "stop", RetryLater("supervisord can't be reached: ExpatError")),
        (200, b"", "stop", RetryLater("supervisord can't be reached: ResponseError")),
    ],
)
def test_every_answer_is_an_outcome(
    make_message: MakeMessage, status: int, answer: bytes, action: str, outcome: Outcome
) -> None:
    """Faults, HTTP errors and nonsense are sorted into done, later and never."""
    handler = type("Handler", (Pretending,), {"answer": answer, "status": status})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        channel = SupervisorChannel(f"http://127.0.0.1:{server.server_port}", "me", SECRET)
        sent = channel.send(make_message(action, "one"))
        thread.join(PATIENCE_S)
    if isinstance(outcome, RetryLater) and "reached" in outcome.reason:
        assert isinstance(sent, RetryLater)
    else:
        assert sent == outcome


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[str]:
    """The URL of something that takes calls and never answers."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        yield f"unix://{tmp_path}/s"


def test_a_silent_supervisord_is_not_waited_for(silent: str, make_message: MakeMessage) -> None:
    """A call ends at the timeout, on a socket in the file system too, and is tried again."""
    outcome = SupervisorChannel(silent, timeout_s=0.1).send(make_message("stop", "one"))
    assert outcome == RetryLater("supervisord can't be reached: timed out")


def test_stopping_breaks_off_what_is_under_way(silent: str, make_message: MakeMessage) -> None:
    """`stop` ends a call that waits, as something to be tried later, and no other begins."""
    channel = SupervisorChannel(silent, timeout_s=PATIENCE_S)
    outcomes: list[Outcome] = []
    begun = Event()

    def send() -> None:
        begun.set()
        outcomes.append(channel.send(make_message("stop", "one")))

    thread = Thread(target=send)
    thread.start()
    begun.wait(PATIENCE_S)
    start = monotonic()
    while thread.is_alive() and monotonic() < start + PATIENCE_S:
        channel.stop()
        thread.join(0.01)
    assert monotonic() - start < PATIENCE_S / 2
    assert isinstance(outcomes[0], RetryLater)
    assert channel.send(make_message("stop", "one")) == RetryLater(
        "supervisord can't be reached: the courier is ending"
    )
