"""supervisord's log, line by line: the events that it tells of. `tests/e2e/test_recordings.py` asks a real one."""

import re
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.event.catalogue import CATALOGUE
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.processes import Program
from rules_listener.event.supervisorlog import LogReader

PROGRAMS = {
    "web_00": Program("web", 1.0, "/usr/bin/web --port 8000"),
    "web_01": Program("web", 1.0, "/usr/bin/web --port 8001"),
    "cat": Program("cat", 5.0, "cat"),
    "twice": Program(None, 1.0, "sleep 1"),
}


def read(text: str, programs: dict[str, Program] | None = None) -> tuple[list[Event], Findings]:
    """The events in a log, and what else was found. Lines begin with seconds and level: `1.5 INFO spawned: …`."""
    lines = [
        re.sub(r"^(\d+)(?:\.(\d+))? ", lambda m: f"{clock(int(m[1]))},{m[2] or '0':0<3} ", line.strip())
        for line in text.strip().splitlines()
    ]
    findings = Findings(lambda _: None)
    reader = LogReader(programs or {}, UTC, findings)
    return [event for batch in reader.read(["\n".join(lines).encode()], "x.log") for event in batch], findings


def clock(second: int) -> str:
    """The local time that is `second` seconds after a certain moment."""
    return f"2025-11-23 {20 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def told(text: str, programs: dict[str, Program] | None = None) -> list[str]:
    """The events in a log, each as seconds and a line without what all have in common."""
    zero = 1763928000.0
    return [
        f"{round(event.time - zero, 3):g} {event.summary().removeprefix('PROCESS_STATE_')}"
        for event in read(text, programs)[0]
    ]


CASES = {
    "a process that starts, runs and ends": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'cat' with pid 7
        2.5 INFO success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)
        9 INFO exited: cat (exit status 0; expected)
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING cat from_state=STOPPED tries=0",
            "2.5 RUNNING cat from_state=STARTING pid=7",
            "9 EXITED cat from_state=RUNNING expected=1 pid=7",
        ],
    ),
    "a process that is killed, and started again": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'cat' with pid 7
        2 INFO success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)
        3 WARN exited: cat (terminated by SIGSEGV (core dumped); not expected)
        4 INFO spawned: 'cat' with pid 8
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING cat from_state=STOPPED tries=0",
            "2 RUNNING cat from_state=STARTING pid=7",
            "3 EXITED cat from_state=RUNNING expected=0 pid=7",
            "4 STARTING cat from_state=EXITED tries=0",
        ],
    ),
    "a process that never comes up": (
        """
        0 INFO supervisord started with pid 1
        0 INFO spawned: 'cat' with pid 7
        0.5 INFO exited: cat (exit status 1; not expected)
        2 INFO spawned: 'cat' with pid 8
        2.9 INFO exited: cat (exit status 0; not expected)
        3 INFO gave up: cat entered FATAL state, too many start retries too quickly
        60 INFO spawned: 'cat' with pid 9
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "0 STARTING cat from_state=STOPPED tries=0",
            "0.5 BACKOFF cat from_state=STARTING tries=1",
            "2 STARTING cat from_state=BACKOFF tries=1",
            "2.9 BACKOFF cat from_state=STARTING tries=2",
            "3 FATAL cat from_state=BACKOFF",
            "60 STARTING cat from_state=FATAL tries=0",
        ],
    ),
    "a process that needs no time to be up (startsecs=0)": (
        """
        0 INFO supervisord started with pid 1
        0 INFO spawned: 'cat' with pid 7
        0 INFO success: cat entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)
        0.1 INFO exited: cat (exit status 1; not expected)
        0.2 INFO spawned: 'cat' with pid 8
        0.3 INFO exited: cat (exit status 1; not expected)
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "0 STARTING cat from_state=STOPPED tries=0",
            "0 RUNNING cat from_state=STARTING pid=7",
            "0.1 EXITED cat from_state=RUNNING expected=0 pid=7",
            "0.2 STARTING cat from_state=EXITED tries=0",
            "0.3 RUNNING cat from_state=STARTING pid=8",
            "0.3 EXITED cat from_state=RUNNING expected=0 pid=8",
        ],
    ),
    "a process that ends as expected before it was seen running": (
        """
        0 INFO supervisord started with pid 1
        0 INFO spawned: 'cat' with pid 7
        0.1 INFO exited: cat (exit status 0; expected)
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "0 STARTING cat from_state=STOPPED tries=0",
            "0.1 RUNNING cat from_state=STARTING pid=7",
            "0.1 EXITED cat from_state=RUNNING expected=1 pid=7",
        ],
    ),
    "a clock that was set back while a process started": (
        """
        0 INFO supervisord started with pid 1
        50 INFO spawned: 'cat' with pid 7
        20 WARN process 'cat' (7) laststart time is in the future, don't know how long process was running so …
        20 WARN exited: cat (exit status 1; not expected)
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "50 STARTING cat from_state=STOPPED tries=0",
            "20 RUNNING cat from_state=STARTING pid=7",
            "20 EXITED cat from_state=RUNNING expected=0 pid=7",
        ],
    ),
    "a process that is stopped by hand": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'cat' with pid 7
        2 INFO success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)
        3 INFO waiting for cat to stop
        5 INFO waiting for cat to stop
        7 WARN killing 'cat' (7) with SIGKILL
        8 WARN stopped: cat (terminated by SIGKILL)
        9 INFO spawned: 'cat' with pid 8
        9.5 INFO stopped: cat (exit status 0)
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING cat from_state=STOPPED tries=0",
            "2 RUNNING cat from_state=STARTING pid=7",
            "3 STOPPING cat from_state=RUNNING pid=7",
            "8 STOPPED cat from_state=STOPPING pid=7",
            "9 STARTING cat from_state=STOPPED tries=0",
            "9.5 STOPPING cat from_state=STARTING pid=8",
            "9.5 STOPPED cat from_state=STOPPING pid=8",
        ],
    ),
    "a log at level debug, which tells when a stop begins": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'a' with pid 7
        1 INFO spawned: 'b' with pid 8
        2 DEBG killing a (pid 7) with signal SIGTERM
        2 DEBG killing b (pid 8) process group with signal SIGINT
        3 INFO stopped: b (terminated by SIGINT)
        3 INFO stopped: a (terminated by SIGTERM)
        4 INFO spawned: 'a' with pid 9
        4.5 INFO exited: a (exit status 1; not expected)
        5 DEBG Attempted to kill a, which is in BACKOFF state.
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING a from_state=STOPPED tries=0",
            "1 STARTING b from_state=STOPPED tries=0",
            "2 STOPPING a from_state=STARTING pid=7",
            "2 STOPPING b from_state=STARTING pid=8",
            "3 STOPPED b from_state=STOPPING pid=8",
            "3 STOPPED a from_state=STOPPING pid=7",
            "4 STARTING a from_state=STOPPED tries=0",
            "4.5 BACKOFF a from_state=STARTING tries=1",
            "5 STOPPED a from_state=BACKOFF pid=0",
        ],
    ),
    "a start by hand where supervisord would not have started it yet": (
        """
        0 INFO supervisord started with pid 1
        0 INFO spawned: 'cat' with pid 7
        0 INFO exited: cat (exit status 1; not expected)
        0.5 INFO spawned: 'cat' with pid 8
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "0 STARTING cat from_state=STOPPED tries=0",
            "0 BACKOFF cat from_state=STARTING tries=1",
            "0.5 STOPPED cat from_state=BACKOFF pid=0",
            "0.5 STARTING cat from_state=STOPPED tries=1",
        ],
    ),
    "a start by hand long after supervisord would have started it": (
        """
        0 INFO supervisord started with pid 1
        0 INFO spawned: 'cat' with pid 7
        0 INFO exited: cat (exit status 1; not expected)
        6.5 INFO spawned: 'cat' with pid 8
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "0 STARTING cat from_state=STOPPED tries=0",
            "0 BACKOFF cat from_state=STARTING tries=1",
            "6.5 STOPPED cat from_state=BACKOFF pid=0",
            "6.5 STARTING cat from_state=STOPPED tries=1",
        ],
    ),
    "an end of supervisord by a signal, said only once": (
        """
        0 INFO supervisord started with pid 1
        1 WARN received SIGTERM indicating exit request
        1 INFO waiting for a, b to die
        2 WARN received SIGTERM indicating exit request
        """,
        ["0 SUPERVISOR_STATE_CHANGE_RUNNING", "1 SUPERVISOR_STATE_CHANGE_STOPPING"],
    ),
    "an end of supervisord by supervisorctl, and a new start": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'a' with pid 7
        1 INFO waiting for a to die
        1 INFO stopped: a (terminated by SIGTERM)
        2 INFO supervisord started with pid 1
        3 INFO spawned: 'a' with pid 8
        4 WARN received SIGHUP indicating restart request
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING a from_state=STOPPED tries=0",
            "1 SUPERVISOR_STATE_CHANGE_STOPPING",
            "1 STOPPING a from_state=STARTING pid=7",
            "1 STOPPED a from_state=STOPPING pid=7",
            "2 SUPERVISOR_STATE_CHANGE_RUNNING",
            "3 STARTING a from_state=STOPPED tries=0",
            "4 SUPERVISOR_STATE_CHANGE_STOPPING",
        ],
    ),
    "a supervisord that ended without a word": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'a' with pid 7
        1.5 INFO exited: a (exit status 1; not expected)
        9 CRIT could not write pidfile /run/supervisord.pid
        9 INFO spawned: 'a' with pid 8
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING a from_state=STOPPED tries=0",
            "1.5 BACKOFF a from_state=STARTING tries=1",
            "9 SUPERVISOR_STATE_CHANGE_RUNNING",
            "9 STARTING a from_state=STOPPED tries=0",
        ],
    ),
    "a log that begins in the middle": (
        """
        1 INFO exited: a (exit status 1; not expected)
        2 INFO spawned: 'a' with pid 8
        3 INFO success: b entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)
        4 INFO spawned: 'c' with pid 9
        4.5 INFO exited: c (exit status 1; not expected)
        5 INFO stopped: d (exit status 0)
        6 INFO gave up: e entered FATAL state, too many start retries too quickly
        """,
        [
            "1 EXITED a from_state=RUNNING expected=0",
            "2 STARTING a from_state=EXITED tries=0",
            "3 RUNNING b from_state=STARTING",
            "4 STARTING c",
            "4.5 BACKOFF c from_state=STARTING",
            "5 STOPPING d",
            "5 STOPPED d from_state=STOPPING",
            "6 FATAL e from_state=BACKOFF",
        ],
    ),
    "what supervisord could not start, and names": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawnerr: too many open files to spawn 'a'
        2.1 INFO spawnerr: unknown error during fork for 'a': ENOMEM
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING a from_state=STOPPED tries=0",
            "1 BACKOFF a from_state=STARTING tries=1",
            "2.1 STARTING a from_state=BACKOFF tries=1",
            "2.1 BACKOFF a from_state=STARTING tries=2",
        ],
    ),
    "what supervisord could not end": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'a' with pid 7
        2 CRIT unknown problem killing a (7):Traceback (most recent call last):
        3 INFO spawned: 'b' with pid 8
        4 CRIT unknown problem sending sig b (8):Traceback (most recent call last):
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING a from_state=STOPPED tries=0",
            "2 STOPPING a from_state=STARTING pid=7",
            "2 UNKNOWN a from_state=STOPPING",
            "3 STARTING b from_state=STOPPED tries=0",
            "4 UNKNOWN b from_state=STARTING",
        ],
    ),
    "names that nobody expects": (
        """
        0 INFO supervisord started with pid 1
        1 INFO spawned: 'my 磁盘 (exit status 1)' with pid 7
        2 INFO stopped: my 磁盘 (exit status 1) (terminated by SIGSEGV (core dumped))
        3 INFO spawned: 'it's' with pid 8
        """,
        [
            "0 SUPERVISOR_STATE_CHANGE_RUNNING",
            "1 STARTING my 磁盘 (exit status 1) from_state=STOPPED tries=0",
            "2 STOPPING my 磁盘 (exit status 1) from_state=STARTING pid=7",
            "2 STOPPED my 磁盘 (exit status 1) from_state=STOPPING pid=7",
            "3 STARTING it's from_state=STOPPED tries=0",
        ],
    ),
    "lines that tell of no event": (
        """
        0 INFO reaped unknown pid 11 (exit status 0)
        0 CRIT Supervisor is running as root.  Privileges were not dropped because no user is specified
        0 INFO RPC interface 'supervisor' initialized
        0 ERRO pool listener event buffer overflowed, discarding event 5
        0 INFO spawned: nothing at all
        0 INFO spawned: 'cat' with pid 9999999999999999999
        0 INFO exited: cat (in some other way; not expected)
        0 INFO received SIGUSR2 indicating log reopen request
        2025-11-31 10:00:00,000 INFO spawned: 'cat' with pid 7
        spawned: 'cat' with pid 7
        [Sun Nov 23 10:00:00] spawned: 'cat' with pid 7
        """,
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_log_tells(name: str) -> None:
    """Each statement gives the events that supervisord has sent by then, with the fields that are known."""
    text, expected = CASES[name]
    assert told(text) == expected


def test_groups_and_start_times_of_the_configuration() -> None:
    """Where the configuration is given, a process has its group, and is up after its own `startsecs`."""
    text = """
        0 INFO spawned: 'web_00' with pid 7
        0 INFO spawned: 'cat' with pid 8
        0 INFO spawned: 'twice' with pid 9
        0 INFO spawned: 'gone' with pid 10
        2 INFO exited: web_00 (exit status 1; not expected)
        2 INFO exited: cat (exit status 1; not expected)
        """
    events, findings = read(text, PROGRAMS)
    assert [event.fields.get("groupname") for event in events] == ["web", "cat", None, None, "web", "web", "cat"]
    assert [event.type[14:] for event in events[4:]] == ["RUNNING", "EXITED", "BACKOFF"]
    assert findings.without_group == {"twice", "gone"}


MISSING = """
    0 INFO supervisord started with pid 1
    0 INFO spawnerr: can't find command '/usr/bin/web'
    0 INFO spawnerr: can't find command '/usr/bin/web'
    1.1 INFO spawnerr: command at '/usr/bin/web' is not executable
    1.2 INFO spawnerr: no permission to run command '/usr/bin/web'
    2 INFO spawnerr: can't find command 'cat'
    3 INFO spawnerr: can't find command '/opt/elsewhere'
"""


def test_commands_that_are_not_there() -> None:
    """The log names the command only; the configuration tells which processes have it, and their turn which it was."""
    assert told(MISSING, PROGRAMS)[1:] == [
        "0 STARTING web:web_00 from_state=STOPPED tries=0",
        "0 BACKOFF web:web_00 from_state=STARTING tries=1",
        "0 STARTING web:web_01 from_state=STOPPED tries=0",
        "0 BACKOFF web:web_01 from_state=STARTING tries=1",
        "1.1 STARTING web:web_00 from_state=BACKOFF tries=1",
        "1.1 BACKOFF web:web_00 from_state=STARTING tries=2",
        "1.2 STARTING web:web_01 from_state=BACKOFF tries=1",
        "1.2 BACKOFF web:web_01 from_state=STARTING tries=2",
        "2 STARTING cat from_state=STOPPED tries=0",
        "2 BACKOFF cat from_state=STARTING tries=1",
    ]
    assert read(MISSING, PROGRAMS)[1].unnamed_starts == 1
    assert read(MISSING)[1].unnamed_starts == 6


def test_a_log_in_parts() -> None:
    """What a rotated part tells is known in the next one, and all other lines are counted."""
    findings = Findings(lambda _: None)
    reader = LogReader({}, UTC, findings)
    first = b"2025-11-23 20:00:00,000 INFO supervisord started with pid 1\r\nsome other text\n"
    second = b"more \xff\xfe\n2025-11-23 20:00:01,250 INFO spawned: 'caf\xe9' with pid 7\r\nlast"
    events = [event for part in (first, second) for batch in reader.read([part], "x.log") for event in batch]
    assert [event.summary() for event in events][1] == "PROCESS_STATE_STARTING caf\ufffd from_state=STOPPED tries=0"
    assert events[1].time == 1763928001.25
    assert findings.passed_over == 3


def test_lines_that_were_cut() -> None:
    """A line that begins as a statement and does not end as one is reported; blanks behind one are none of it."""
    said: list[str] = []
    findings = Findings(said.append)
    lines = [
        b"\xef\xbb\xbf2025-11-23 20:00:00,000 INFO spawned: 'web' with pid 7 \t\r",
        b"some other text",
        b"2025-11-23 20:00:01,000 INFO received SIGUSR2 indicating log reopen request",
        b"\0\0\0002025-11-23 20:00:09,000 INFO exited: web (exit status 0; expected) ",
        b"2025-11-23 20:00:10,000 INFO spawned: 'web' with pid 8",
        b"2025-11-23 20:00:19,000 INFO exited: web (exit status 0; exp",
        b"2025-11-23 20:00:20,000 INFO success: web entered RUNNING st",
    ]
    parts = [b"\n".join(lines[:5]) + b"\n", b"\n".join(lines[5:])]
    events = [event for batch in LogReader({}, UTC, findings).read(parts, "x.log") for event in batch]
    assert [event.type.removeprefix("PROCESS_STATE_") for event in events] == [
        "STARTING",
        "RUNNING",
        "EXITED",
        "STARTING",
    ]
    assert said == [
        "x.log:6: cut, or not as supervisord writes it: 'exited: web (exit status 0; exp'",
        "x.log:7: cut, or not as supervisord writes it: 'success: web entered RUNNING st'",
    ]
    assert (findings.passed_over, findings.unreadable) == (2, 2)


STATEMENTS = st.sampled_from(
    [line.strip().split(" ", 2)[2] for text, _ in CASES.values() for line in text.splitlines() if " INFO " in line]
)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 99), STATEMENTS | st.text(max_size=20))))
def test_any_order_of_lines(lines: list[tuple[int, str]]) -> None:
    """However torn a log is, nothing stops the reading, and each event is one that supervisord could have sent."""
    text = "\n".join(f"{second} INFO {statement}" for second, statement in lines)
    for event in read(text, PROGRAMS)[0]:
        possible = {field.name: field.possible for field in CATALOGUE[event.type].fields}
        assert event.fields.keys() <= possible.keys()
        assert "from_state" not in event.fields or event.fields["from_state"] in possible["from_state"]
