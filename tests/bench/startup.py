"""Time and memory from the start to READY, with a thousand compiled rules, beside an empty `childutils` loop.

Both have their bytecode, as whatever pip installs has. Of a clone that has not run yet it is made first: else the time
to compile this package would be measured, and supervisor's would not.
"""

import os
import subprocess
import sys
import tempfile
import time
from compileall import compile_dir
from dataclasses import dataclass
from pathlib import Path

import rules_listener
from tests.bench import workload
from tests.bench.figures import Figure, ratio
from tests.bench.throughput import PEERS

ROUNDS = 25


@dataclass(frozen=True, slots=True)
class Start:
    """How long a listener took to say READY, in seconds, and how much memory it then had, in KiB."""

    seconds: float
    memory: float


def command(folder: Path) -> list[str]:
    """How our listener is started with the configuration in a folder: as its section in supervisord.conf says."""
    program = Path(sys.executable).with_name("rules-listener")
    return [str(program), "run", "--config", str(folder / "rules-listener.yaml")]


def start(arguments: list[str], folder: Path) -> Start:
    """Start a listener, wait for READY, look at it, end it."""
    environment = {**os.environ, "SUPERVISOR_SERVER_URL": "unix:///none", "SUPERVISOR_GROUP_NAME": "listener"}
    began = time.perf_counter()
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=folder
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said = process.stdout.read(len(b"READY\n"))
        seconds = time.perf_counter() - began
        assert said == b"READY\n"
        memory = resident(process.pid)
        process.stdin.close()
        process.wait(timeout=30)
    return Start(seconds, memory)


def resident(pid: int) -> float:
    """The resident memory of a process, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def measure() -> list[Figure]:
    """All figures of this kind."""
    compile_dir(Path(rules_listener.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.rules").write_text(workload.rules(firing=False), encoding="utf-8")
        (folder / "rules-listener.yaml").write_text("rules: [bench.rules]\n", encoding="utf-8")
        ours = command(folder)
        theirs = [sys.executable, str(PEERS / "childutils_loop.py"), str(folder / "times"), "1"]
        start(ours, folder)
        pairs = [(start(ours, folder), start(theirs, folder)) for _ in range(ROUNDS)]
    first, second = zip(*pairs, strict=True)
    return [
        _figure(
            "seconds from start to READY, 1000 rules",
            [one.seconds * 1000 for one in first],
            [one.seconds * 1000 for one in second],
            "ms",
        ),
        _figure(
            "resident memory at READY, 1000 rules",
            [one.memory / 1024 for one in first],
            [one.memory / 1024 for one in second],
            "MiB",
        ),
    ]


def _figure(name: str, ours: list[float], theirs: list[float], unit: str) -> Figure:
    middle = ROUNDS // 2
    detail = f"{sorted(ours)[middle]:.1f} : {sorted(theirs)[middle]:.1f} {unit}"
    return ratio(f"{name} : `childutils` loop", ours, theirs, wanted="≤ 1.5", detail=detail)
