"""What all verbs have in common: where their results go, and what happens if they can't."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RULES = 'on PROCESS_STATE_FATAL alert "{process} gave up"\n'
EVENT = '{"time": 1764000000, "event": "PROCESS_STATE_FATAL", "processname": "cat", "from_state": "BACKOFF"}\n'
COMMANDS = (
    "check a.rules",
    "fmt -",
    "replay a.jsonl --rules a.rules",
    "replay a.jsonl --rules a.rules --format json",
    "convert a.jsonl",
    "explain RL101",
    "--help",
)


def _ran(folder: Path, command: str, output: int, *, buffered: bool) -> tuple[int, str]:
    """The exit status of a command whose standard output is `output`, and what it said on standard error."""
    (folder / "a.rules").write_text(RULES)
    (folder / "a.jsonl").write_text(EVENT)
    done = subprocess.run(
        [sys.executable, *([] if buffered else ["-u"]), "-m", "rules_listener", *command.split()],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        input=RULES.encode(),
        stdout=output,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_results_that_cannot_be_written_are_an_error(tmp_path: Path, command: str) -> None:
    """On a full disk the command says so in one line, and could not run, whenever Python notices."""
    said = (2, "rules-listener: standard output can't be written: No space left on device\n")
    with Path("/dev/full").open("wb") as full:
        for buffered in (True, False):
            assert _ran(tmp_path, command, full.fileno(), buffered=buffered) == said


def test_nobody_has_to_read_on(tmp_path: Path) -> None:
    """Where the reader of a pipe has gone, as `head` does, nothing is said of it."""
    read, write = os.pipe()
    os.close(read)
    for buffered in (True, False):
        assert _ran(tmp_path, "explain RL101", write, buffered=buffered) == (1, "")
    os.close(write)
