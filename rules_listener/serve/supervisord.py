"""What the listener knows of the supervisord that started it.

1. supervisord says so in the environment (`supervisor/process.py: _spawn_as_child`): without it, nothing speaks the
   protocol to us, and waiting for an event would be waiting for ever.
2. One life of supervisord is its pid and the moment of its start, counted by the kernel from its own boot.
"""

import os
import sys
from binascii import crc32
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Life(NamedTuple):
    """One life of a supervisord: no two have the same `pid` and `start`."""

    pid: int
    start: float


_START_FIELD = 22
"""Which word of /proc/PID/stat is the start time, in clock ticks since boot; see proc(5)."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def started_by_supervisord(environment: Mapping[str, str]) -> bool:
    """Whether the environment is that of a program that supervisord runs."""
    return bool(environment.get("SUPERVISOR_SERVER_URL") or environment.get("SUPERVISOR_ENABLED"))


def life_of_parent() -> Life:
    """The life of the process that started this one; where the kernel does not tell, the pid alone has to do."""
    pid = os.getppid()
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = crc32(_BOOT_ID.read_bytes()) >> 12
    except OSError:
        return Life(pid, 0.0)
    return Life(pid, float((boot << 32) + int(words[_START_FIELD - 3])))


SECTION = """\
[eventlistener:{name}]
command={command}
events={events}
; the burst of a start or a restart has to fit, or supervisord discards events
buffer_size=1000
; one listener keeps the order, and can tell how many events were discarded
numprocs=1
; of its own, and negative: it starts first, stops last, and shares no rejected event with other listeners
priority=-1
autorestart=true
; what it says about itself, and the alerts of `log` channels
stderr_logfile=AUTO
; the protocol: supervisord reads it, nobody needs a copy
stdout_logfile=NONE
"""

DEFAULT_EVENTS = "PROCESS_STATE,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_60"


def section(arguments: str, *, name: str = "rules-listener", events: str = DEFAULT_EVENTS) -> str:
    """The section of supervisord.conf that runs this program with `arguments`."""
    program = Path(sys.argv[0])
    command = str(program.absolute()) if program.name == "rules-listener" else f"{sys.executable} -m rules_listener"
    return SECTION.format(name=name, command=f"{command} {arguments}".replace("%", "%%"), events=events)
