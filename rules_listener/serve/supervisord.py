"""What the listener knows of the supervisord that started it.

1. supervisord says so in the environment (`supervisor/process.py: _spawn_as_child`): without it, nothing speaks the
   protocol to us, and waiting for an event would be waiting for ever.
2. One life of supervisord is its pid and the moment of its start, counted by the kernel from its own boot. Where the
   kernel does not tell that moment, as in some containers, its pid and the boot have to do.
"""

import os
import sys
from binascii import crc32
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rules_listener.event.catalogue import CATALOGUE, LISTENER_PREFIX, UNLISTED, concrete_types


class Life(NamedTuple):
    """One life of a supervisord: no two have the same `pid` and `start`, if the latter is known."""

    pid: int
    start: float

    @property
    def is_certain(self) -> bool:
        """Whether the moment of the start is known."""
        return bool(self.start % _BOOT)

    def may_be(self, other: "Life") -> bool:
        """Whether this life, whose start is not known, may be one of which positions were noted."""
        return self.pid == other.pid and 0 <= other.start - self.start < _BOOT

    @property
    def following(self) -> "Life":
        """The name of the life after one that was named without knowing its start."""
        return Life(self.pid, self.start + 1)


_START_FIELD = 22
"""Which word of /proc/PID/stat is the start time, in clock ticks since boot; see proc(5)."""
_BOOT = 1 << 32
"""So much stands for a boot in `Life.start`; the rest is the start time."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def started_by_supervisord(environment: Mapping[str, str]) -> bool:
    """Whether the environment is that of a program that supervisord runs."""
    return bool(environment.get("SUPERVISOR_SERVER_URL") or environment.get("SUPERVISOR_ENABLED"))


def life_of_parent() -> Life:
    """The life of the process that started this one, as far as the kernel tells."""
    pid, boot, ticks = os.getppid(), 0, 0
    with suppress(OSError):
        boot = crc32(_BOOT_ID.read_bytes()) >> 12
    with suppress(OSError):
        ticks = _start_ticks(pid)
    return Life(pid, float(boot * _BOOT + ticks))


def start_of_parent() -> float:
    """When the process that started this one began, in seconds since the boot; 0 where the kernel does not tell."""
    try:
        return _start_ticks(os.getppid()) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def _start_ticks(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[_START_FIELD - 3])


BUFFER_SIZE = 1000
"""How many events the sections that we write let supervisord keep for the listener."""

LOG_FILE = "rules-listener.log"
"""What the listener says of itself, and what its `log` channels write."""

SECTION = """\
[eventlistener:{name}]
command={command}
events={events}
; the burst of a start or a restart has to fit, or supervisord discards events
buffer_size={buffer_size}
; one listener keeps the order, and can tell how many events were discarded
numprocs=1
; of its own, and negative: it starts first, stops last, and shares no rejected event with other listeners
priority={priority}
autorestart=true
; {logged}
stderr_logfile={log}
; the protocol: supervisord reads it, nobody needs a copy
stdout_logfile=NONE
"""

LOGGED = "what it says about itself, and the alerts of `log` channels"
"""What comes on the listener's standard error."""

OWN_EVENTS = ("SUPERVISOR_STATE_CHANGE_RUNNING", "SUPERVISOR_STATE_CHANGE_STOPPING", "TICK_60")
"""What the listener needs for itself: to hold alerts back while everything stops, and to notice silence."""

DEFAULT_EVENTS = "PROCESS_STATE,PROCESS_COMMUNICATION,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,TICK_60"


def events_needed(types: Iterable[str]) -> str:
    """The `events=` that rules about these concrete types need, as short as can be, each type once.

    A type that is subscribed twice is sent twice (`supervisor/process.py: _subscribe`).
    """
    wanted = {*types, *OWN_EVENTS}
    if UNLISTED in wanted:
        return "EVENT"
    needed = []
    for event_type in CATALOGUE.values():
        concrete = {one.name for one in concrete_types(event_type.name)}
        if event_type.name != "EVENT" and concrete <= wanted and not event_type.name.startswith(LISTENER_PREFIX):
            needed.append(event_type.name)
            wanted -= concrete
    return ",".join(needed)


class Own(NamedTuple):
    """What a section of ours says that is told by no rule: the command and the log, as supervisord.conf has them."""

    command: str
    log: str


def section(  # noqa: PLR0913 - what differs between our listeners
    arguments: Sequence[str],
    *,
    log: str,
    logged: str = LOGGED,
    name: str = "rules-listener",
    events: str = DEFAULT_EVENTS,
    priority: int = -1,
) -> str:
    """The section of supervisord.conf that runs this program with `arguments`; `logged` is what its log holds."""
    own = Own(own_command(arguments), log)
    return render_section(own, logged=logged, name=name, events=events, priority=priority)


def own_command(arguments: Sequence[str]) -> str:
    """The command that runs this program with `arguments`, as supervisord.conf has it: in words, like a shell's."""
    import shlex  # noqa: PLC0415 - the listener starts sooner without it

    program = Path(sys.argv[0])
    named = [str(program.absolute())] if program.name == "rules-listener" else [sys.executable, "-m", "rules_listener"]
    return escaped(shlex.join([*named, *arguments]))


def log_beside(file: Path, name: str = LOG_FILE) -> str:
    """Where the standard error of a listener that uses `file` goes, as supervisord.conf has it.

    The place is named, for supervisord deletes the files of `AUTO` whenever it starts. It expands the name of a log
    twice (`supervisor/options.py: processes_from_section`).
    """
    return escaped(escaped(str(file.absolute().parent / name)))


def escaped(text: str) -> str:
    """A text as a value in supervisord.conf, where `%(…)s` stands for something."""
    return text.replace("%", "%%")


def render_section(  # noqa: PLR0913 - what the section holds
    own: Own,
    *,
    logged: str = LOGGED,
    name: str = "rules-listener",
    events: str,
    buffer_size: int = BUFFER_SIZE,
    priority: int = -1,
) -> str:
    """A section of supervisord.conf for one of our listeners."""
    values = {"name": name, "events": events, "buffer_size": buffer_size, "priority": priority, "logged": logged}
    return SECTION.format(**own._asdict(), **values)
