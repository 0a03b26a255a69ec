"""A listener on two pipes, in the place of supervisord: each event is timed from its first byte to the answer."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ANSWER = b"RESULT 2\nOKREADY\n"
_END_S = 20.0


class Piped:
    """A listener with the configuration at `config`."""

    def __init__(self, config: Path) -> None:
        environment = {**os.environ, "SUPERVISOR_SERVER_URL": "unix:///none", "SUPERVISOR_GROUP_NAME": "rl"}
        command = [sys.executable, "-m", "rules_listener", "run", "--config", str(config)]
        self._errors = (config.parent / "rl.err").open("ab")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=environment, bufsize=0
        )
        self._serial = 0
        self._read(b"READY\n")

    def send(self, process: str, data: str) -> float:
        """Send an event of a process's; how long its answer took, in seconds."""
        return self.tell("PROCESS_COMMUNICATION_STDOUT", f"processname:{process} groupname:{process} pid:7\n{data}")

    def tell(self, kind: str, payload: str) -> float:
        """Send an event of this type; how long its answer took, in seconds."""
        head = (
            f"ver:3.0 server:supervisor serial:{self._serial} pool:rl poolserial:{self._serial} "
            f"eventname:{kind} len:{len(payload)}\n"
        )
        self._serial += 1
        assert self.process.stdin is not None
        began = time.perf_counter()
        self.process.stdin.write((head + payload).encode())
        self._read(ANSWER)
        return time.perf_counter() - began

    def courier_pid(self) -> int:
        """The pid of its courier."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        (courier,) = [pid for pid in children if b"couriering" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return int(courier)

    def resident_mib(self) -> tuple[float, float]:
        """The memory of the listener, and that of its courier."""
        return _resident_mib(self.process.pid), _resident_mib(self.courier_pid())

    def end(self) -> None:
        """End its input, and wait for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(_END_S)
        self.process.stdout.close()
        self._errors.close()

    def _read(self, expected: bytes) -> None:
        assert self.process.stdout is not None
        said = b""
        while len(said) < len(expected):
            part = self.process.stdout.read(len(expected) - len(said))
            assert part, f"the listener has ended after {said!r}"
            said += part
        assert said == expected


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


@contextmanager
def piped(config: Path) -> Iterator[Piped]:
    """A listener until the block ends."""
    listener = Piped(config)
    try:
        yield listener
    finally:
        listener.end()
