"""What a running supervisord writes to a listener is decoded, all of it.

The listener of this test knows nothing of our codec: it hands on the raw bytes that it reads through a named pipe.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from xmlrpc.client import ServerProxy

import pytest
from supervisor.xmlrpc import SupervisorTransport

from rules_listener.event.catalogue import CATALOGUE
from rules_listener.event.event import Event
from rules_listener.event.wire import FrameReader, decode, encode

PATIENCE_S = 7.0

SCRIPTS = {
    "listener.py": """
        import os, sys
        copy = os.open(sys.argv[1], os.O_WRONLY)
        while True:
            os.write(1, b"READY\\n")
            received, whole = b"", False
            while not whole:
                part = os.read(0, 65536)
                if not part:
                    sys.exit()
                os.write(copy, part)
                received += part
                header, _, payload = received.partition(b"\\n")
                try:
                    whole = int(header.rsplit(b"len:", 1)[1]) <= len(payload.decode())
                except (IndexError, ValueError, UnicodeDecodeError):
                    whole = False
            os.write(1, b"RESULT 2\\nOK")
        """,
    "talk.py": """
        import os, signal, sys
        fd, text = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
        if sys.argv[3:]:
            text = b"<!--XSUPERVISOR:BEGIN-->" + text + b"<!--XSUPERVISOR:END-->"
        os.write(fd, text)
        signal.pause()
        """,
}

SAID = {
    "chinese": "磁盘已满: 100%\n".encode(),
    "emoji": "🔥 e\u0301 \U00020000\r\ndone: yes".encode(),
    "invalid": b"caf\xe9\n",
}

CONFIG = """
    [supervisord]
    identifier=my host:1
    nodaemon=true
    logfile=%(here)s/supervisord.log
    pidfile=%(here)s/supervisord.pid
    [unix_http_server]
    file=%(here)s/rpc
    [rpcinterface:supervisor]
    supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
    [eventlistener:listener]
    command={python} %(here)s/listener.py %(here)s/copy
    events=EVENT
    buffer_size=1000
    priority=-1
    startsecs=0
    stdout_logfile=NONE
    stderr_logfile=NONE
    [program:crash]
    command=sh -c 'exit 3'
    startsecs=0
    autorestart=false
    [program:磁盘]
    command=sh -c 'exit 1'
    startretries=0
    [program:spare]
    command={python} %(here)s/talk.py 1 {said}
    startsecs=0
    [group:talkers]
    programs={talkers}
    """

PROGRAM = """
    [program:{name}]
    command={python} %(here)s/talk.py {fd} {text} {captured}
    startsecs=0
    stdout_events_enabled=true
    stderr_events_enabled=true
    stdout_capture_maxbytes={limit}
    stderr_capture_maxbytes={limit}
    """

EXPECTED = {
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_STOPPED",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_GROUP_REMOVED",
    "PROCESS_GROUP_ADDED",
    "REMOTE_COMMUNICATION",
}


def talkers() -> Iterator[tuple[str, int, str, str]]:
    """A program for each text, on each stream, as a log and as a communication: name, stream, text, captured."""
    for said, text in SAID.items():
        for fd, stream in ((1, "stdout"), (2, "stderr")):
            for captured in ("", "captured"):
                yield f"{said}-{stream}-{captured or 'log'}", fd, text.hex(), captured


@contextmanager
def supervisord(folder: Path) -> Iterator[int]:
    """A supervisord of its own, and the read end of what its listener reads; it has ended when the block is left."""
    for name, text in SCRIPTS.items():
        (folder / name).write_text(dedent(text))
    names = ",".join(name for name, *_ in talkers())
    parts = [CONFIG.format(python=sys.executable, talkers=names, said=b"hi".hex())]
    for name, fd, text, captured in talkers():
        limit = "1MB" if captured else "0"
        parts.append(PROGRAM.format(name=name, python=sys.executable, fd=fd, text=text, captured=captured, limit=limit))
    (folder / "supervisord.conf").write_text("\n".join(map(dedent, parts)), encoding="utf-8")
    os.mkfifo(folder / "copy")
    copy = os.open(folder / "copy", os.O_RDONLY | os.O_NONBLOCK)
    program = Path(sys.executable).with_name("supervisord")
    process = subprocess.Popen(
        [program, "-n", "-c", folder / "supervisord.conf"],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    try:
        yield copy
    finally:
        os.close(copy)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def send_by_rpc(folder: Path) -> None:
    """Cause the events that only a person causes."""
    transport = SupervisorTransport(None, None, f"unix://{folder}/rpc")
    with ServerProxy("http://127.0.0.1", transport) as server:
        server.supervisor.sendRemoteCommEvent("nightly backup: full", "done 🔥\nreally")
        server.supervisor.stopProcess("spare")
        server.supervisor.removeProcessGroup("spare")
        server.supervisor.addProcessGroup("spare")
    transport.close()


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """All events that a listener of a real supervisord has read, and the encoded form of each is what it read."""
    folder = tmp_path_factory.mktemp("sv")
    reader, stream, events = FrameReader(), b"", list[Event]()
    deadline = time.monotonic() + PATIENCE_S
    asked = False
    with supervisord(folder) as copy, selectors.DefaultSelector() as selector:
        selector.register(copy, selectors.EVENT_READ)
        while not is_complete(events) and time.monotonic() < deadline and selector.select(deadline - time.monotonic()):
            part = os.read(copy, 65536)
            stream += part
            reader.receive_data(part)
            while (frame := reader.next_frame()) is not None:
                events.append(decode(frame, time.time()))
            if not asked and any(event.type == "PROCESS_STATE_RUNNING" for event in events):
                asked = True
                send_by_rpc(folder)
    assert b"".join(map(encode, events)) == stream[: len(stream) - reader.pending]
    return events


def is_complete(events: list[Event]) -> bool:
    """Whether all has arrived that the tests look for."""
    talked = {(event.type.split("_")[1], event.fields.get("processname")) for event in events if event.data is not None}
    expected = {("COMMUNICATION" if captured else "LOG", name) for name, _, _, captured in talkers()}
    return {event.type for event in events} >= EXPECTED and talked >= expected


def of_type(events: list[Event], *names: str) -> list[Event]:
    """The events of some types."""
    return [event for event in events if event.type in names]


def test_every_type_has_come(received: list[Event]) -> None:
    """Each type of event that a few seconds can bring has been read, with all fields that the catalogue lists."""
    assert {event.type for event in received} >= EXPECTED
    for event in received:
        assert event.fields.keys() == {field.name for field in CATALOGUE[event.type].fields}
        for field in CATALOGUE[event.type].fields:
            assert not field.possible or event.fields[field.name] in field.possible


def test_the_header(received: list[Event]) -> None:
    """The identifier holds what supervisord.conf says; no frame is lost or read twice."""
    assert {event.header["server"] for event in received} == {"my host:1"}
    assert [event.header["poolserial"] for event in received] == list(range(len(received)))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_programs_say(received: list[Event], stream: str) -> None:
    """Logs and communications hold the text that was written, or supervisord's description of what is no UTF-8."""
    expected = {name: text.decode() for name, text in SAID.items() if name != "invalid"}
    expected["invalid"] = f"Undecodable: {SAID['invalid']!r}"
    for kind, suffix in (("LOG", "log"), ("COMMUNICATION", "captured")):
        for name, text in expected.items():
            said = [
                event.data
                for event in of_type(received, f"PROCESS_{kind}_{stream.upper()}")
                if event.process == f"talkers:{name}-{stream}-{suffix}"
            ]
            assert text in said, (kind, name)


def test_states_and_remote_communication(received: list[Event]) -> None:
    """Names beyond ASCII, an exit that was not expected, a start that failed, and a message from outside."""
    (exited,) = [event for event in of_type(received, "PROCESS_STATE_EXITED") if event.process == "crash"]
    assert exited.fields["expected"] == 0
    assert {event.process for event in of_type(received, "PROCESS_STATE_BACKOFF", "PROCESS_STATE_FATAL")} == {"磁盘"}
    (remote,) = of_type(received, "REMOTE_COMMUNICATION")
    assert (remote.fields, remote.data) == ({"type": "nightly backup: full"}, "done 🔥\nreally")
