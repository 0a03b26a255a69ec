"""supervisord's own log: the events that its lines tell of.

1. A line begins with its moment, `2025-11-23 20:01:02,345`, and its level; what follows is told by `_STATEMENTS`
   (`supervisor/process.py`, `supervisor/supervisord.py`, `supervisor/options.py`). All other lines, whatever they hold,
   are passed over and counted; one that begins as a statement and does not go on as one was cut, and is reported.
2. The parts of a log that was rotated are one log: what was known at the end of one part is known in the next.
3. Text that is not UTF-8 is no error: U+FFFD stands for it.
"""

import ast
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import tzinfo
from typing import Any, NamedTuple

from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.localtime import LocalTimes
from rules_listener.event.processes import Processes, Program

_LEVEL = rb"(?:CRIT|ERRO|WARN|INFO|DEBG|TRAC|BLAT)"
_PADDING = rb"(?:\xef\xbb\xbf)?\0*"
"""Editors begin a file with a byte order mark; zeros stand where a file was cut while it was written."""
_BEGINNING = _PADDING + rb"(\d{4}-\d\d-\d\d \d\d:\d\d):(\d\d,\d{3}) " + _LEVEL + rb" "
_is_line = re.compile(_BEGINNING).match
_FIRST_WORDS = (
    b"spawned:", b"spawnerr:", b"success:", b"exited:", b"gave up:", b"stopped:", b"waiting for", b"killing",
    b"Attempted to kill", b"process '", b"unknown problem", b"supervisord started", b"could not write pidfile",
    b"received SIG",
)  # fmt: skip
_CUT = ("spawned:", "spawnerr:", "success:", "exited:", "gave up:", "stopped:", "supervisord started")
"""So only statements begin."""
_find_lines = re.compile(
    rb"^" + _BEGINNING + rb"((?:" + b"|".join(map(re.escape, _FIRST_WORDS)) + rb")[^\n]*)", re.MULTILINE
).finditer

MOST_SHOWN = 60
"""Characters of a line that can't be read."""

_ENDED = r"(?:exit status \d+|terminated by [^()]+(?: \(core dumped\))?|unknown termination cause 0x[0-9a-f]+)"


class _Statement(NamedTuple):
    """A form of line, and what of `Processes` takes its groups."""

    match: Callable[[str], re.Match[str] | None]
    take: Callable[..., None]


def _statement(form: str, take: Callable[..., None]) -> _Statement:
    return _Statement(re.compile(form).fullmatch, take)


_STATEMENTS = (
    _statement(r"spawned: '(?P<name>.+)' with pid (?P<pid>\d{1,18})", Processes.spawned),
    _statement(
        r"success: (?P<name>.+) entered RUNNING state, .* for > than (?P<startsecs>\d{1,18}) seconds.*",
        Processes.entered_running,
    ),
    _statement(rf"exited: (?P<name>.+) \({_ENDED}; (?P<unexpected>not )?expected\)", Processes.exited),
    _statement(r"gave up: (?P<name>.+) entered FATAL state, .*", Processes.gave_up),
    _statement(rf"stopped: (?P<name>.+) \({_ENDED}\)", Processes.stopped),
    _statement(r"waiting for (?P<name>.+) to stop", Processes.is_stopping),
    _statement(r"killing '(?P<name>.+)' \((?P<pid>\d{1,18})\) with SIGKILL", Processes.is_stopping),
    _statement(
        r"killing (?P<name>.+) \(pid (?P<pid>\d{1,18})\) (?:process group )?with signal .+", Processes.is_stopping
    ),
    _statement(r"Attempted to kill (?P<name>.+), which is in BACKOFF state\.", Processes.stopped_in_backoff),
    _statement(r"process '(?P<name>.+)' \(\d+\) laststart time is in the future, .*", Processes.clock_was_set),
    _statement(r"unknown problem killing (?P<name>.+) \((?P<pid>\d{1,18})\):.*", Processes.kill_failed),
    _statement(r"unknown problem sending sig (?P<name>.+) \(\d+\):.*", Processes.signal_failed),
    _statement(
        r"spawnerr: (?:too many open files to spawn|unknown error making dispatchers for|"
        r"Too many processes in process table to spawn|unknown error during fork for) '(?P<name>.+?)'(?:: .*)?",
        Processes.spawn_failed,
    ),
    _statement(r"supervisord started with pid \d+", Processes.supervisord_started),
    _statement(r"could not write pidfile .*", Processes.supervisord_started),
    _statement(r"received SIG(?:TERM|INT|QUIT) indicating exit request", Processes.supervisord_stops),
    _statement(r"received SIGHUP indicating restart request", Processes.supervisord_stops),
    _statement(r"waiting for .+ to die", Processes.supervisord_stops),
)

_failed_command = re.compile(
    r"spawnerr: (?:can't find command|command at|no permission to run command|can't parse command) "
    r"(?P<command>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\").*|spawnerr: command is (?P<empty>empty)"
).fullmatch


def is_log_line(line: bytes) -> bool:
    """Whether a line is one of supervisord's log."""
    return _is_line(line) is not None


class LogReader:
    """Reads one log, which may be in several parts. `zone` is that of its times, None the host's."""

    def __init__(self, programs: Mapping[str, Program], zone: tzinfo | None, findings: Findings) -> None:
        self._programs = programs
        self._times = LocalTimes(zone)
        self._findings = findings
        self._processes = Processes(programs)

    def read(self, parts: Iterable[bytes], name: str) -> Iterator[list[Event]]:
        """The events in `parts`, each of which ends where a line ends, one list for each; `name` is the file's."""
        processes, number = self._processes, 1
        for part in parts:
            told = sum(self._read_line(match, name, number) for match in _find_lines(part))
            ends = part.count(b"\n")
            number += ends
            self._findings.passed_over += ends + (not part.endswith(b"\n")) - told
            yield processes.events
            processes.events = []
        self._findings.without_group |= processes.without_group

    def _read_line(self, match: re.Match[bytes], name: str, number: int) -> bool:
        """Whether a line tells of something, or was cut, which is reported. Its part begins with line `number`."""
        minute, seconds, text = (group.decode(errors="replace") for group in match.groups())
        try:
            moment = self._times.moment(minute, float(seconds.replace(",", ".")))
        except ValueError:
            return False
        told = self._take(moment, text.rstrip())
        if told is None and text.startswith(_CUT):
            line = number + match.string.count(b"\n", 0, match.start())
            self._findings.cannot_read(f"{name}:{line}", f"cut, or not as supervisord writes it: {text[:MOST_SHOWN]!r}")
            return True
        return bool(told)

    def _take(self, moment: float, text: str) -> bool | None:
        """Whether a statement tells of something; None if it is none."""
        for statement in _STATEMENTS:
            if found := statement.match(text):
                statement.take(self._processes, moment, **found.groupdict())
                return True
        found = _failed_command(text)
        return None if found is None else self._take_failed_command(moment, found)

    def _take_failed_command(self, moment: float, found: re.Match[str]) -> bool:
        """A start failed, and the log names the command, but not the process."""
        command: Any = ""
        with suppress(ValueError, SyntaxError):
            command = ast.literal_eval(found["command"] or "''")
        names = [name for name, program in self._programs.items() if _runs(program.command, command)]
        name = self._processes.next_to_start(names)
        if name is None:
            self._findings.unnamed_starts += 1
            return False
        self._processes.spawn_failed(moment, name)
        return True


def _runs(command: str, failed: str) -> bool:
    """Whether a program with this command is one that supervisord could not find or run."""
    try:
        first = next(iter(shlex.split(command)), "")
    except ValueError:
        first = command
    return failed in (first, command) or ("/" not in first and failed.endswith(f"/{first}"))
