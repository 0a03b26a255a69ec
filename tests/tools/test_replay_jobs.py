"""Several jobs tell what one job tells, in the same order."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import chain
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.event.jsonlines import encode_line
from rules_listener.lang.check import check
from rules_listener.lang.checked import RuleSet
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import Loaded, load
from rules_listener.outbox.alert import Alert
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.replay.history import History
from rules_listener.tools.replay.part import Part, why_not_divided
from tests.eventually import eventually

DIVIDED = [
    'on EVENT alert "{eventname} {process}"',
    'on PROCESS_STATE_EXITED where expected == 0 alert "{process} {pid}" run ["/x", "{message}"]',
    'on TICK overall alert "{when}"',
    'on crashed 2 times in 1m alert "{process} {count} {first_time}"',
    'on crashed 2 distinct pid in 1m per process alert "{process} {values}"',
    'on crashed then started within 1m alert "{process} is back"',
    'on crashed without started within 30s alert "{process} {elapsed} {count}" restart',
    'on PROCESS_STATE_RUNNING for 30s alert "{process} is up"',
    'on PROCESS_STATE_RUNNING for 30s per groupname alert "{process} is up"',
    'on no PROCESS_STATE for 1m per process alert "{process} is silent"',
    'on EVENT 3 times in 1m alert "{process} {count}"',
    'on LISTENER_STARTED, crashed without TICK within 20s alert "{process} {eventname}"',
    'on crashed alert "{process} down" until started remind every 20s doubling to 1m',
    'on crashed alert "{process} down" until started for 10s alert "{process} too" until PROCESS_STATE for 5s',
    'on crashed 2 times in 1m alert "{process} x" until PROCESS_STATE_RUNNING, SUPERVISOR_STATE_CHANGE_RUNNING',
    'on crashed without started within 5s per process, pid alert "{pid}" until PROCESS_STATE_EXITED remind every 7s',
]
MORE = [
    'mute processname == "p1" because "x"',
    'mute groupname == "a" from 1970-01-01T00:16:45 to 1970-01-01T00:17:20 UTC because "y"',
    'mute every Thu 00:17-00:18 UTC because "z"',
    'route groupname == "a" to pager',
]
"""What says where alerts go, and when none are sent."""

TOGETHER = {
    'on crashed alert "x" at most 3 per 1h': "`x.rules:1` counts all processes together (at most)",
    'on crashed 3 times in 1m overall alert "x"': "`x.rules:1` keeps what it knows overall, not per process",
    'on crashed without started within 1m per groupname alert "x"': (
        "`x.rules:1` keeps what it knows per groupname, not per process"
    ),
    'on crashed alert "x" until started\non no TICK for 1m alert "x"': (
        "`x.rules:2` keeps what it knows overall, not per process"
    ),
    'on PROCESS_STATE_RUNNING for 1m per groupname alert "x" until PROCESS_STATE_EXITED': (
        "`x.rules:1` keeps what it knows per groupname, not per process"
    ),
}


def checked(text: str) -> RuleSet:
    """The rules of a file."""
    rules, found = check([parse(Source("x.rules", text))])
    assert not found
    return rules


@pytest.mark.parametrize("text", DIVIDED)
def test_rules_that_can_be_divided(text: str) -> None:
    """What a rule remembers it remembers per process, or nothing at all."""
    assert why_not_divided(checked(text)) is None


@pytest.mark.parametrize(("text", "reason"), TOGETHER.items())
def test_rules_that_can_not_be_divided(text: str, reason: str) -> None:
    """One rule that knows of several processes together is enough."""
    assert why_not_divided(checked(text)) == reason


STATES = {
    "STARTING": {"tries": 1},
    "RUNNING": {"pid": 1},
    "EXITED": {"expected": 0, "pid": 1},
    "BACKOFF": {"tries": 2},
    "STOPPED": {"pid": 1},
    "FATAL": {},
}
OTHERS: list[tuple[str, dict[str, str | int]]] = [
    ("TICK_5", {"when": 5}),
    ("SUPERVISOR_STATE_CHANGE_RUNNING", {}),
    ("SUPERVISOR_STATE_CHANGE_STOPPING", {}),
    ("PROCESS_GROUP_REMOVED", {"groupname": "a"}),
    ("PROCESS_GROUP_REMOVED", {"groupname": "b"}),
    ("LISTENER_STARTED", {}),
    ("LISTENER_STARTED", {"down_ms": 15_000}),
    ("LISTENER_CLOCK_CHANGED", {"by_ms": -40_000}),
    ("LISTENER_CLOCK_CHANGED", {"by_ms": 40_000}),
    ("LISTENER_RULES_RELOADED", {"kept": 1, "anew": 0, "closed": 0}),
    ("PLUGIN", {"processname": "p1", "groupname": "a"}),
]


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    """Events of some processes and of none, at times that mostly go forward."""
    found = []
    time = 1000.0
    for _ in range(draw(st.integers(0, 40))):
        time += draw(st.sampled_from([0.0, 0.0, 0.5, 5.0, 5.0, 10.0, 30.0, 70.0, -0.5, -20.0]))
        if draw(st.integers(0, 3)):
            state = draw(st.sampled_from(sorted(STATES)))
            names: dict[str, str | int] = {
                "processname": draw(st.sampled_from(["p1", "p2", "a"])),
                "groupname": draw(st.sampled_from(["a", "b"])),
            }
            fields = {**names, "from_state": "RUNNING", **STATES[state]}
            if "pid" in fields:
                fields["pid"] = draw(st.integers(1, 3))
            found.append(Event(f"PROCESS_STATE_{state}", time, fields))
        else:
            kind, others = draw(st.sampled_from(OTHERS))
            found.append(Event(kind, time, dict(others)))
    return found


@cache
def program(text: str) -> Loaded:
    """The rules, ready to run."""
    return load(compile_rules(checked(text)))


def by_one(text: str, history: list[Event], until: float) -> list[Alert]:
    """What one job tells."""
    run = DryRun(program(text), ["ops"], "b")
    return [alert for event in history for alert in run.feed(event)] + run.advance(until)


def by_several(text: str, history: list[Event], until: float, parts: int) -> list[Alert]:
    """What several jobs tell, put together."""
    found = []
    for number in range(parts):
        part = Part(DryRun(program(text), ["ops"], "b"), number, parts)
        History([history]).play(part.feed, part.take)
        part.advance(until)
        found.append(part.found())
    return [alert for _, alerts in sorted(chain.from_iterable(found), key=itemgetter(0)) for alert in alerts]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(DIVIDED), min_size=1, max_size=5),
    st.lists(st.sampled_from(MORE), max_size=2, unique=True),
    events(),
    st.integers(2, 5),
)
def test_several_jobs_and_one(rules: list[str], more: list[str], history: list[Event], parts: int) -> None:
    """The same alerts, down to their ids, in the same order, however the processes are divided."""
    text = "\n".join([*rules, *more])
    assert by_several(text, history, 2000.0, parts) == by_one(text, history, 2000.0)


def replay(folder: Path, *arguments: str) -> tuple[str, str, int]:
    """What the command writes, what it says, and its exit status."""
    command = [sys.executable, "-m", "rules_listener", "replay", *arguments, "--timezone", "UTC"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout, done.stderr, done.returncode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two recordings, in one of which two lines can't be read, and with rules."""
    for part, name in enumerate(("a.jsonl", "b.jsonl")):
        lines = []
        for number in range(3_000):
            names: dict[str, str | int] = {"processname": f"p{number % 17}", "groupname": "g"}
            state = ("STARTING", "RUNNING", "EXITED")[number // 17 % 3]
            serials: dict[str, str | int] = {"server": "s", "serial": number, "pool": "p", "poolserial": number}
            fields = {**names, "from_state": "RUNNING", **STATES[state]}
            lines.append(encode_line(Event(f"PROCESS_STATE_{state}", 1e9 + part * 1e4 + number, fields, None, serials)))
        lines[1_000:1_000] = [b"nonsense\n", lines[999], b'{"time": 5}\n'] if part else []
        (tmp_path / name).write_bytes(b"".join(lines))
    (tmp_path / "x.rules").write_text("\n".join(DIVIDED[1:]))
    return tmp_path


@pytest.mark.parametrize("output_format", ["text", "json", "github"])
def test_the_same_bytes(folder: Path, output_format: str) -> None:
    """Whatever the number of jobs, the command writes the same, and says the same of what could not be read."""
    arguments = ["a.jsonl", "b.jsonl", "--rules", "x.rules", "--format", output_format]
    once = replay(folder, *arguments)
    assert once[2] == 1
    assert "b.jsonl:1001: not JSON" in once[1]
    assert "1 event came twice" in once[1]
    for jobs in ("2", "3"):
        assert replay(folder, *arguments, "--jobs", jobs) == once


def test_the_same_part_of_it(folder: Path) -> None:
    """So it is with all that chooses what is shown, and where the end lies within the recording."""
    arguments = ["a.jsonl", "b.jsonl", "--rules", "x.rules", "--format", "json", "--to", "1000001500.5"]
    arguments += ["--where", 'processname == "p3"', "--from", "1000000700"]
    once = replay(folder, *arguments)
    assert once[1:] == ("", 0)
    assert json.loads(once[0].splitlines()[-1])["events"] == 1_501
    assert len(once[0].splitlines()) > 100
    assert replay(folder, *arguments, "--jobs", "3") == once


def test_what_one_job_has_to_do(folder: Path) -> None:
    """Why the work is not shared is said, and all else is the same."""
    (folder / "y.rules").write_text('rule few\non crashed\n  alert "x"\n  at most 3 per 1h\n')
    once = replay(folder, "a.jsonl", "--rules", "y.rules")
    reason = "played by one job: `few` counts all processes together (at most)\n"
    assert replay(folder, "a.jsonl", "--rules", "y.rules", "--jobs", "2") == (once[0], reason + once[1], 0)
    reason = "played by one job: two sets of rules are compared\n"
    assert replay(folder, "a.jsonl", "--rules", "x.rules", "--against", "x.rules", "--jobs", "2")[1] == reason


def test_an_output_that_nobody_reads_any_more(folder: Path) -> None:
    """Where the reader has gone, all jobs end without a word."""
    script = f'"{sys.executable}" -m rules_listener replay a.jsonl --rules x.rules --format json --jobs 3 | head -n 1'
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, timeout=120, check=True)
    assert json.loads(done.stdout)["type"] == "alert"
    assert done.stderr == b""


@pytest.fixture
def _interrupts() -> Iterator[None]:
    """Programs that are started can be interrupted, although whoever runs these tests in the background can not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
def test_an_interrupt_while_the_jobs_are_starting(folder: Path) -> None:
    """Ctrl-C, which all processes of a terminal get, is for the one that has started the others."""
    command = [sys.executable, "-m", "rules_listener", "replay", "-", "--rules", "x.rules", "--jobs", "2"]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as replaying:
        assert replaying.stdin is not None
        replaying.stdin.write((folder / "a.jsonl").read_bytes()[:500])
        replaying.stdin.flush()
        children = Path(f"/proc/{replaying.pid}/task/{replaying.pid}/children")
        eventually(lambda: len(children.read_text(encoding="utf-8").split()) > 1, "the jobs", patience_s=60)
        os.killpg(replaying.pid, signal.SIGINT)
        assert replaying.communicate(timeout=60)[1] == b"\nAborted!\n"


def test_a_recording_that_is_damaged(folder: Path) -> None:
    """What can't be read of a file is said by whoever reads it, and the rest is played."""
    whole = gzip.compress((folder / "a.jsonl").read_bytes())
    (folder / "c.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    once = replay(folder, "c.jsonl.gz", "--rules", "x.rules")
    assert once[2] == 1
    assert "the compressed data end too early" in once[1]
    assert replay(folder, "c.jsonl.gz", "--rules", "x.rules", "--jobs", "2") == once
