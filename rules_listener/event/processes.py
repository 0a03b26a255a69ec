"""What supervisord's processes went through, one statement of its log after the other, becomes the events that it sent.

1. A statement gives the events that supervisord sends where it logs it (`supervisor/process.py: Subprocess`), and those
   that must have been sent before it but have no statement of their own; these have its time.
2. What the log does not tell is absent from an event's fields. That is so for processes that were started before the
   log begins: their first event lacks `from_state`, `pid` or `tries`.
3. A process is known by its name: the log has no groups.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules_listener.event.event import Event, Value

STARTSECS = 1.0
"""supervisord's default."""

EARLY_S = 0.02
LATE_S = 5.0
"""supervisord starts a process that failed `tries` times again when as many seconds have passed; it looks every
second. A start that is earlier, or so much later, was made by hand: the process had been stopped."""

_BEFORE_START = ("STOPPED", "EXITED", "FATAL", "BACKOFF")
_BEFORE_STOP = ("STARTING", "RUNNING")


class Program(NamedTuple):
    """What supervisord.conf says of a process: its group (None: of several), `startsecs`, and its command."""

    group: str | None
    startsecs: float
    command: str


@dataclass(slots=True)
class _Process:
    name: str
    group: str | None
    state: str | None = None
    pid: int | None = None
    tries: int | None = None
    since: float = 0.0
    """When it came into its state; 0 if it was never started."""
    clock_was_set: bool = False


class Processes:
    """All processes of one supervisord; `programs` are those of its configuration, by the name of the process."""

    def __init__(self, programs: Mapping[str, Program]) -> None:
        self.events: list[Event] = []
        """What came of the statements since it was last emptied."""
        self.without_group: set[str] = set()
        """The names of processes whose group is not known."""
        self._programs = programs
        self._startsecs = {name: program.startsecs for name, program in programs.items()}
        self._known: dict[str, _Process] = {}
        self._from_the_start = False
        self._stopping = False

    # statements about supervisord

    def supervisord_started(self, time: float) -> None:
        """`supervisord started with pid 1`: all is new, after a reload too."""
        self._known.clear()
        self._from_the_start = True
        self._stopping = False
        self.events.append(Event("SUPERVISOR_STATE_CHANGE_RUNNING", time, {}))

    def supervisord_stops(self, time: float) -> None:
        """`received SIGTERM indicating exit request`, or `waiting for a, b to die`."""
        if not self._stopping:
            self._stopping = True
            self.events.append(Event("SUPERVISOR_STATE_CHANGE_STOPPING", time, {}))

    # statements about a process

    def spawned(self, time: float, name: str, pid: str) -> None:
        """`spawned: 'name' with pid 7`."""
        process = self._process(name)
        self._start(process, time)
        process.pid = int(pid)

    def spawn_failed(self, time: float, name: str) -> None:
        """`spawnerr: …`: there was nothing to run, or no room for it."""
        process = self._process(name)
        self._start(process, time)
        self._back_off(process, time)

    def entered_running(self, time: float, name: str, startsecs: str) -> None:
        """`success: name entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)`."""
        process = self._process(name)
        self._startsecs[name] = float(startsecs)
        self._run(process, time)

    def clock_was_set(self, _time: float, name: str) -> None:
        """`process 'name' (7) laststart time is in the future, …`: its exit is not taken for a failed start."""
        process = self._process(name)
        process.clock_was_set = process.state == "STARTING"

    def exited(self, time: float, name: str, unexpected: str | None) -> None:
        """`exited: name (exit status 1; not expected)`."""
        process = self._process(name)
        if process.state == "STARTING":
            startsecs = self._startsecs.get(name, STARTSECS)
            too_quickly = time - process.since < startsecs and not process.clock_was_set
            if unexpected and too_quickly:
                self._back_off(process, time)
                return
            self._run(process, time)
        expected = 0 if unexpected else 1
        self._enter(process, "EXITED", time, came_from="RUNNING", expected=expected, pid=process.pid)
        process.tries, process.pid = 0, None

    def gave_up(self, time: float, name: str) -> None:
        """`gave up: name entered FATAL state, too many start retries too quickly`."""
        process = self._process(name)
        self._enter(process, "FATAL", time, came_from="BACKOFF")
        process.tries = 0

    def is_stopping(self, time: float, name: str, pid: str | None = None) -> None:
        """`waiting for name to stop`, `killing 'name' (7) with SIGKILL`."""
        process = self._process(name)
        process.pid = process.pid if pid is None else int(pid)
        if process.state != "STOPPING":
            came_from = process.state if process.state in _BEFORE_STOP else None
            self._enter(process, "STOPPING", time, came_from=came_from, pid=process.pid)

    def stopped(self, time: float, name: str) -> None:
        """`stopped: name (terminated by SIGTERM)`."""
        self.is_stopping(time, name)
        process = self._process(name)
        self._enter(process, "STOPPED", time, came_from="STOPPING", pid=process.pid)
        process.pid = None

    def stopped_in_backoff(self, time: float, name: str) -> None:
        """`Attempted to kill name, which is in BACKOFF state.`."""
        self._enter(self._process(name), "STOPPED", time, came_from="BACKOFF", pid=0)

    def kill_failed(self, time: float, name: str, pid: str) -> None:
        """`unknown problem killing name (7):…`."""
        self.is_stopping(time, name, pid)
        self._enter(self._process(name), "UNKNOWN", time, came_from="STOPPING")

    def signal_failed(self, time: float, name: str) -> None:
        """`unknown problem sending sig name (7):…`."""
        process = self._process(name)
        came_from = process.state if process.state in (*_BEFORE_STOP, "STOPPING") else None
        self._enter(process, "UNKNOWN", time, came_from=came_from)

    def next_to_start(self, names: list[str]) -> str | None:
        """Which of these processes supervisord starts next by itself; None if there are none."""
        return min(names, key=lambda name: self._due(self._process(name)), default=None)

    # what follows from them

    def _process(self, name: str) -> _Process:
        process = self._known.get(name)
        if process is None:
            program = self._programs.get(name)
            process = self._known[name] = _Process(name, program and program.group)
            if process.group is None:
                self.without_group.add(name)
            if self._from_the_start:
                process.state, process.tries = "STOPPED", 0
        return process

    def _start(self, process: _Process, time: float) -> None:
        if process.state == "BACKOFF" and process.tries is not None and time >= process.since:
            late_s = time - process.since - process.tries
            if not -EARLY_S <= late_s <= LATE_S:
                self._enter(process, "STOPPED", time, came_from="BACKOFF", pid=0)
        came_from = process.state if process.state in _BEFORE_START else None
        self._enter(process, "STARTING", time, came_from=came_from, tries=process.tries)
        process.pid = None
        process.clock_was_set = False

    def _back_off(self, process: _Process, time: float) -> None:
        process.tries = None if process.tries is None else process.tries + 1
        self._enter(process, "BACKOFF", time, came_from="STARTING", tries=process.tries)

    def _run(self, process: _Process, time: float) -> None:
        self._enter(process, "RUNNING", time, came_from="STARTING", pid=process.pid)
        process.tries = 0

    def _enter(self, process: _Process, state: str, time: float, **more: Value | None) -> None:
        fields: dict[str, Value | None] = {"processname": process.name, "groupname": process.group}
        fields |= {"from_state": more.pop("came_from")} | more
        told = {name: value for name, value in fields.items() if value is not None}
        self.events.append(Event(f"PROCESS_STATE_{state}", time, told))
        process.state, process.since = state, time

    def _due(self, process: _Process) -> float:
        match process.state:
            case "BACKOFF":
                return process.since + (process.tries or 0)
            case "EXITED" | None:
                return process.since
            case "STOPPED" if not process.since:
                return 0.0
        return float("inf")
