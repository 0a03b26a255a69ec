"""Command lines as people type them: each file of `scenarios/` is one, with its files, its output and its exit status.

A scenario is divided by lines `=== NAME`: `=== file PATH` is written first; `=== command` is run, its folder being an
empty one, with `=== stdin`; `=== stdout`, `=== stderr` and `=== status` are what must come of it (nothing and 0 unless
given), and `=== then PATH` what a file holds afterwards. FOLDER and VERSION stand for what differs from run to run.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rules_listener import __version__
from rules_listener.base.codes import CODES

SCENARIOS = sorted(Path(__file__).with_name("scenarios").glob("*.txt"))
HEADING = re.compile(r"^=== (.+)\n", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """The parts of a scenario by their headings."""
    _, *parts = HEADING.split(text)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path, tmp_path: Path) -> None:
    """The command prints just what the scenario says, and ends with its status."""
    parts = sections(path.read_text(encoding="utf-8"))
    for heading, content in parts.items():
        if heading.startswith("file "):
            file = tmp_path / heading.removeprefix("file ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SUPERVISOR_")}
    done = subprocess.run(
        [sys.executable, "-m", "rules_listener", *shlex.split(parts["command"])[1:]],
        cwd=tmp_path,
        env={**environment, "TZ": "UTC"},
        input=parts.get("stdin", ""),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (shown(done.stdout, tmp_path), shown(done.stderr, tmp_path), done.returncode) == (
        parts.get("stdout", ""),
        parts.get("stderr", ""),
        int(parts.get("status", "0")),
    )
    for heading, content in parts.items():
        if heading.startswith("then "):
            assert (tmp_path / heading.removeprefix("then ")).read_text(encoding="utf-8") == content


def test_each_code_that_no_rule_can_cause_has_a_scenario() -> None:
    """Each code that a supervisord.conf or a rule test can cause is shown by a scenario."""
    texts = "".join(path.read_text(encoding="utf-8") for path in SCENARIOS)
    assert [code for code in CODES if code.startswith(("RL31", "RL5")) and f"[{code}]" not in texts] == []


def shown(output: str, folder: Path) -> str:
    """Output without what differs from run to run."""
    output = output.replace(str(folder), "FOLDER").replace(__version__, "VERSION").replace(sys.executable, "PYTHON")
    return "".join(line.rstrip() + "\n" for line in output.splitlines())
