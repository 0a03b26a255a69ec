"""A real supervisord for one test: what it runs, and what can be seen of it.

1. A test arranges (`program`, `rules`, `listener`, …), then calls `start`; whatever it waits for has a deadline.
2. `end` ends every process that came of it, by pid: all carry the test's folder in their environment.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from rules_listener.base.errors import StoreError
from rules_listener.outbox.listing import STATES, Listed, Listing
from rules_listener.serve.recorder import EVENTS as RECORDED_EVENTS
from rules_listener.serve.recorder import PRIORITY as RECORDER_PRIORITY

Found = TypeVar("Found")

PATIENCE_S = 20.0
STEP_S = 0.03
_MARK = "RULES_LISTENER_TEST"

EVERY_EVENT = "PROCESS_STATE,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_60"

RECORD = """
import json, os, sys, time
entry = {"arguments": sys.argv[2:], "input": sys.stdin.read(), "pid": os.getpid()}
entry |= {name: value for name, value in os.environ.items() if name.startswith("RL_")}
with open(sys.argv[1], "ab", buffering=0) as file:
    file.write(json.dumps(entry).encode() + b"\\n")
"""
"""An alert command: notes its arguments, its input and its variables, one JSON object a line."""

SAY = """
import os, sys
for text in sys.argv[1:]:
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{text}<!--XSUPERVISOR:END-->".encode())
"""
"""A program that sends each of its arguments as an event."""


QUICK_RESTART = """
from rules_listener.serve import couriers
couriers.FIRST_WAIT_S = couriers.LONGEST_WAIT_S = 0.05
"""
"""A wrapper: the listener does not wait long before it starts a courier again that has died."""


class Supervised:
    """One supervisord in `folder`, with its programs and listeners."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.rules_path = folder / "test.rules"
        self.config_path = folder / "rules-listener.yaml"
        self.identifier = "supervisor"
        self.settings = ""
        self._sections: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.write("record.py", RECORD)
        self.write("say.py", SAY)

    # what it runs

    def write(self, name: str, text: str) -> Path:
        """A file of the test's."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def python(self, name: str, code: str = "") -> str:
        """The command that runs a script of the test's, which is written if its code is given."""
        if code:
            self.write(name, code)
        return f"{sys.executable} -S {self.folder / name}"

    def section(self, text: str) -> None:
        """Add a section of supervisord.conf as it is."""
        self._sections.append(text)

    def program(self, name: str, command: str, **options: object) -> None:
        """A program that is started once, unless the options say otherwise."""
        given = {"autorestart": "false", "startsecs": 0, "stdout_capture_maxbytes": "4MB", **options}
        self._add(f"program:{name}", command, given)

    def say(self, name: str, *texts: str, **options: object) -> None:
        """A program that sends events with these texts, which have neither spaces nor special characters."""
        self.program(name, f"{self.python('say.py')} {' '.join(texts)}", **options)

    def rules(self, text: str) -> None:
        """The rules that the listener has, or gets when it is told to reload."""
        self.rules_path.write_text(text, encoding="utf-8")

    def config(self, channels: str = "", more: str = "") -> None:
        """A configuration with the rules, the state folder, and by default the channel `ops`, which records."""
        record = f'["{sys.executable}", "-S", "{self.folder}/record.py", "{self.folder}/record.jsonl", "{{message}}"]'
        channels = channels or f"{{ops: {{command: {record}}}}}"
        text = f"rules: [test.rules]\nstate: {self.state}\ndefault: [ops]\nchannels: {channels}\n{more}\n"
        self.config_path.write_text(text, encoding="utf-8")

    def listener(self, arguments: str = "", *, name: str = "rl", wrapper: str = "", **options: object) -> None:
        """The listener; `wrapper` is code that changes the package before it runs."""
        if not self.config_path.exists():
            self.config()
        arguments = arguments or f"--config {self.config_path}"
        command = f"{sys.executable} -m rules_listener run {arguments}"
        if wrapper:
            main = "\nfrom rules_listener.tools.run import main\nsys.exit(main(sys.argv[1:]))\n"
            path = self.write(f"{name}_wrapper.py", f"import os, sys\n{wrapper}{main}")
            command = f"{sys.executable} {path} {arguments}"
        given = {
            "events": EVERY_EVENT,
            "buffer_size": 1000,
            "priority": -1,
            "autorestart": "true",
            "startsecs": 0,
            "stdout_logfile": "NONE",
            **options,
        }
        self._add(f"eventlistener:{name}", command, given)

    def recorder(self, path: Path, arguments: str = "", **options: object) -> None:
        """A listener that only records."""
        given = {
            "events": RECORDED_EVENTS,
            "buffer_size": 1000,
            "priority": RECORDER_PRIORITY,
            "autorestart": "true",
            "startsecs": 0,
            "stdout_logfile": "NONE",
            **options,
        }
        self._add("eventlistener:recorder", f"{sys.executable} -m rules_listener record --to {path} {arguments}", given)

    def _add(self, header: str, command: str, options: dict[str, object]) -> None:
        name = header.partition(":")[2]
        given = {"command": command, "stderr_logfile": self.folder / f"{name}.err", **options}
        self.section(f"[{header}]\n" + "".join(f"{key}={value}\n" for key, value in given.items()))

    def start(self) -> None:
        """Start supervisord, and wait until it answers."""
        conf = f"""\
[supervisord]
nodaemon=true
identifier={self.identifier}
logfile={self.folder}/supervisord.log
{self.settings}
pidfile={self.folder}/supervisord.pid
childlogdir={self.folder}

[unix_http_server]
file={self.folder}/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{self.folder}/s.sock

"""
        path = self.write("supervisord.conf", conf + "\n".join(self._sections))
        with (self.folder / "supervisord.err").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={**os.environ, _MARK: str(self.folder)},
            )
        self.wait_for(self._answers, "supervisord to answer")

    def _answers(self) -> bool:
        with suppress(OSError, Error):
            return bool(self.ask("getState"))
        return False

    # what can be done with it

    def ask(self, method: str, *arguments: object) -> Any:
        """Call supervisord's XML-RPC interface."""
        transport = SupervisorTransport(None, None, f"unix://{self.folder}/s.sock")
        with closing(transport):
            return getattr(ServerProxy("http://127.0.0.1", transport).supervisor, method)(*arguments)

    def ctl(self, *arguments: str) -> str:
        """What supervisorctl says."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.folder / "supervisord.conf")]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False).stdout

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process of this test's, as soon as it runs its own code."""
        self.wait_for(lambda: self.has_begun(pid), f"process {pid} to run its own code")
        os.kill(pid, number)

    def kill_if_there(self, pid: int) -> bool:
        """Kill a process of this test's; False if it runs no more, or not yet."""
        if not self.has_begun(pid):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def kill_program(self, name: str) -> None:
        """Kill a program that has been started."""
        self.kill(self.wait_for(lambda: int(self.info(name)["pid"]), f"{name} to run"))

    def end(self) -> None:
        """End supervisord, and everything else that came of it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait_for(lambda: not self.processes(), "all processes to end")

    def end_cleanly(self) -> int:
        """Tell supervisord to end, and wait for it; its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=PATIENCE_S)

    # what can be seen of it

    @property
    def is_running(self) -> bool:
        """Whether supervisord runs."""
        return self._process is not None and self._process.poll() is None

    def processes(self) -> dict[int, str]:
        """Everything that runs because of this test: command lines by pid."""
        mark = f"{_MARK}={self.folder}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def has_begun(self, pid: int) -> bool:
        """Whether a process of this test's runs its own code: between fork and exec it runs supervisord's."""
        command = self.processes().get(pid)
        return bool(command) and "supervisor.supervisord" not in str(command)

    def info(self, name: str) -> dict[str, Any]:
        """What supervisord says of a process."""
        info: dict[str, Any] = self.ask("getProcessInfo", name)
        return info

    def listener_pid(self, name: str = "rl") -> int:
        """The pid of the listener that runs now; 0 if there is none."""
        return int(self.info(name)["pid"])

    def courier_pid(self) -> int:
        """The pid of the listener's courier; 0 if there is none."""
        listener = self.listener_pid()
        for pid, command in self.processes().items():
            if "serve.couriering" in command and _parent(pid) == listener:
                return pid
        return 0

    def read(self, name: str) -> str:
        """A file in the test's folder; empty if it is not there."""
        path = self.folder / name
        return path.read_bytes().decode(errors="replace") if path.exists() else ""

    def records(self) -> list[dict[str, Any]]:
        """What the recording command was told, in the order of its ends."""
        return [json.loads(line) for line in self.read("record.jsonl").splitlines()]

    def wait_for_refusal(self, name: str) -> None:
        """Wait until supervisord gives a listener up that ended with status 2."""
        self.wait_for(lambda: self.info(name)["statename"] == "FATAL", "FATAL")
        assert f"exited: {name} (exit status 2; not expected)" in self.log

    @property
    def log(self) -> str:
        """The log of supervisord."""
        return self.read("supervisord.log")

    @property
    def discarded(self) -> int:
        """How many events supervisord has discarded of our pool, by its own log."""
        return len(re.findall(r"pool rl event buffer overflowed, discarding event", self.log))

    def alerts(self, *states: str) -> list[Listed]:
        """All alerts in the store, the oldest first."""
        with suppress(StoreError):
            return Listing(self.state).deliveries(states or STATES, 100_000)[::-1]
        return []

    def texts(self, *states: str) -> Counter[str]:
        """The texts of all alerts in the store."""
        return Counter(alert.text for alert in self.alerts(*states))

    def counter(self, name: str) -> int:
        """One of the store's counters."""
        with suppress(StoreError):
            return Listing(self.state).summary().counters.get(name, 0)
        return 0

    def wait_for(self, condition: Callable[[], Found], what: str, timeout_s: float = PATIENCE_S) -> Found:
        """What `condition` gives as soon as it is true; after the timeout, all that may explain why it is not."""
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout_s:.0f} s for {what}\n{self._traces()}")
            time.sleep(STEP_S)
        return found

    def wait_for_texts(self, *texts: str, states: tuple[str, ...] = ("sent",)) -> None:
        """Wait until the store has just these alerts, each of them once, in whatever order."""
        self.wait_for(lambda: self.texts(*states) >= Counter(texts), f"{texts} ({states})")
        assert self.texts() == Counter(texts)

    def _traces(self) -> str:
        names = ["supervisord.err", "supervisord.log", *(path.name for path in self.folder.glob("*.err"))]
        parts = [f"--- {name}\n{self.read(name)[-3000:]}" for name in dict.fromkeys(names)]
        return "\n".join([*parts, f"--- alerts: {self.alerts()[-20:]}", f"--- processes: {self.processes()}"])


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
