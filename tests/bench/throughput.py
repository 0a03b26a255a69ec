"""Events a second through a real supervisord: one program sends 20,000 events, one listener takes them.

The time is that between the moments at which the listener received the first event and the last one.
"""

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tests.bench import workload
from tests.bench.figures import Figure, in_turn, ratio

PEERS = Path(__file__).with_name("peers")
DEADLINE_S = 120.0
ROUNDS = 9

CONFIGURATION = """\
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid

[program:writer]
command={python} {folder}/writer.py
stdout_capture_maxbytes=1MB
stdout_logfile=NONE

[eventlistener:listener]
command={command}
events=PROCESS_COMMUNICATION
buffer_size=50000
priority=-1
stderr_logfile={folder}/listener.log
stdout_logfile=NONE
"""


def supervised(folder: Path, command: str, finished: Callable[[], float | None]) -> float:
    """Seconds that the listener `command` took for all events; `finished` says so once they are through."""
    (folder / "writer.py").write_text(workload.writer(), encoding="utf-8")
    configuration = CONFIGURATION.format(folder=folder, python=sys.executable, command=command)
    (folder / "supervisord.conf").write_text(configuration, encoding="utf-8")
    arguments = [sys.executable, "-m", "supervisor.supervisord", "-c", str(folder / "supervisord.conf")]
    supervisord = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return _wait(finished)
    finally:
        supervisord.terminate()
        supervisord.wait(timeout=30)


def _wait(finished: Callable[[], float | None]) -> float:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        seconds = finished()
        if seconds is not None:
            return seconds
        time.sleep(0.25)
    raise TimeoutError(f"not all events came through within {DEADLINE_S} s")


def peer(script: str) -> float:
    """Seconds of one of the listeners that ours is compared with."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = folder / "times"

        def finished() -> float | None:
            words = times.read_text(encoding="ascii").split() if times.exists() else []
            return float(words[1]) - float(words[0]) if len(words) == 2 else None

        return supervised(folder, f"{sys.executable} {PEERS / script} {times} {workload.EVENTS}", finished)


LOG = "channels: {out: {log: {}}}"
HANGING_COMMAND = 'channels: {out: {command: ["sleep", "60"], timeout: 60s}}'


def ours(*, firing: bool, channels: str = LOG) -> float:
    """Seconds of our listener, as its journal has them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bench.rules").write_text(workload.rules(firing=firing), encoding="utf-8")
        (folder / "rules-listener.yaml").write_text(
            f"rules: [bench.rules]\n{channels}\ndefault: [out]\n", encoding="utf-8"
        )
        store = folder / ".rules-listener" / "store.sqlite3"
        command = f"{sys.executable} -m rules_listener run --config {folder}/rules-listener.yaml"
        return supervised(folder, command, lambda: _journalled(store))


def _journalled(store: Path) -> float | None:
    if not store.exists():
        return None
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection,
    ):
        (highest,) = connection.execute("SELECT max(n) FROM journal").fetchone()
        if highest is None or highest < workload.EVENTS:
            return None
        count, first, last = connection.execute(
            "SELECT count(*), min(time), max(time) FROM journal WHERE header <> x''"
        ).fetchone()
        return float(last - first) if count >= workload.EVENTS else None
    return None


COMPARED = (
    ("none fires : empty `childutils` loop", "idle", "childutils", "≥ 1.0"),
    ("each event fires and is committed : empty `childutils` loop", "firing", "childutils", "≥ 0.9"),
    ("each event fires, and its command hangs for 60 s : the same without a command", "hanging", "firing", "≥ 0.95"),
    ("none fires : raw `os.read`/`os.write` loop that decodes nothing", "idle", "raw", "≥ 0.85"),
)
"""What is compared with what, and what is wanted of it."""


def measure() -> list[Figure]:
    """All figures of this kind."""
    seconds = in_turn(
        {
            "raw": lambda: peer("raw_loop.py"),
            "childutils": lambda: peer("childutils_loop.py"),
            "idle": lambda: ours(firing=False),
            "firing": lambda: ours(firing=True),
            "hanging": lambda: ours(firing=True, channels=HANGING_COMMAND),
        },
        ROUNDS,
    )
    rates = {name: [workload.EVENTS / value for value in values] for name, values in seconds.items()}
    shown = {name: f"{sorted(values)[ROUNDS // 2]:,.0f}/s" for name, values in rates.items()}
    return [
        ratio(
            f"events a second, 1000 rules, {name}",
            rates[first],
            rates[second],
            wanted=wanted,
            detail=f"{shown[first]} : {shown[second]}",
        )
        for name, first, second, wanted in COMPARED
    ]
