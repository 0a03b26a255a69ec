"""The root documents: what they name exists, and what they say to type works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules_listener.base.clock import ManualClock
from rules_listener.base.diagnostics import as_text
from rules_listener.base.source import Source
from rules_listener.event.catalogue import CATALOGUE
from rules_listener.lang.check import check
from rules_listener.lang.functions import FUNCTIONS, SPECIAL
from rules_listener.lang.lint import lint
from rules_listener.lang.parse import parse
from rules_listener.serve.compiler import check_all
from rules_listener.serve.configfile import read_config
from rules_listener.serve.kinds import KINDS
from rules_listener.tools.cli import cli
from rules_listener.tools.testfile import Library, read_suite
from rules_listener.tools.testrun import run_tests

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md", "LANGUAGE.md")
PATH = re.compile(
    r"(?:`|\]\()((?:rules_listener|grammar|examples|tests)(?:/[\w./-]+)?|[A-Z]+\.md|Makefile|pyproject\.toml)(?:`|\))"
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fences(document: str, language: str) -> list[str]:
    """The fenced blocks of a document in one language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [block for found, block in FENCE.findall(text) if found == language]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_exists(document: str) -> None:
    """A document names no file or folder that is not there."""
    named = PATH.findall((ROOT / document).read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_heading_that_is_linked_exists(document: str) -> None:
    """A link into a document, this one or another, leads to one of its headings."""
    for other, anchor in re.findall(r"\]\(([A-Z]+\.md)?#([\w-]+)\)", (ROOT / document).read_text(encoding="utf-8")):
        headings = re.findall(r"^##+ (.*)$", (ROOT / (other or document)).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings}


def test_every_command_of_the_readme_runs(tmp_path: Path) -> None:
    """The fenced commands of the README succeed, one after the other, in an empty folder. `make` has its own tests."""
    commands = [
        line for block in fences("README.md", "sh") for line in block.splitlines() if not line.startswith("make")
    ]
    assert len(commands) >= 4
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = "set -e\n" + "\n".join(commands)
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", ["README.md", "LANGUAGE.md"])
def test_every_rule_in_the_documents_is_right(document: str) -> None:
    """Blocks without a language are rules, and pass the checks without a warning."""
    for block in fences(document, ""):
        parsed = [parse(Source(document, block))]
        rules, found = check(parsed)
        assert as_text(found or lint(parsed, rules)) == ""


@pytest.mark.parametrize("folder", ["starter", "stage"])
def test_the_rules_of_starter_and_demo_are_right(folder: str) -> None:
    """Both cause neither an error nor a warning."""
    config = ROOT / "rules_listener/tools" / folder / "rules-listener.yaml"
    assert as_text(check_all(config, [], environment=None).found) == ""


def test_every_configuration_in_the_readme_is_right(tmp_path: Path) -> None:
    """Blocks of YAML without tests are configurations that pass the checks, but for what is not on this machine."""
    kinds = set()
    for block in (block for block in fences("README.md", "yaml") if "tests:" not in block):
        (tmp_path / "c.yaml").write_text(block, encoding="utf-8")
        read = read_config(tmp_path / "c.yaml")
        assert as_text(read.found) == ""
        kinds |= {channel.kind for channel in read.config.channels}
    assert kinds == set(KINDS)


def test_the_rule_tests_in_the_readme_pass(tmp_path: Path) -> None:
    """The block of YAML with tests is about the rules that the README shows, and passes."""
    (rules,) = (block for block in fences("README.md", "") if "rule crash_loop" in block)
    (tmp_path / "crash.rules").write_text(rules, encoding="utf-8")
    (block,) = (block for block in fences("README.md", "yaml") if "tests:" in block)
    (tmp_path / "crash.test.yaml").write_text(block, encoding="utf-8")
    done = CliRunner().invoke(cli, ["test", str(tmp_path)])
    assert (done.output, done.exit_code) == ("2 tests in 1 file: all passed\n", 0)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's package prometheus is not installed")
def test_what_the_readme_has_for_prometheus_is_right(tmp_path: Path) -> None:
    """Blocks of YML are Prometheus' own: its configuration, and its alerting rules."""
    for block, kind in zip(fences("README.md", "yml"), ("config", "rules"), strict=True):
        (tmp_path / kind).write_text(block, encoding="utf-8")
        done = subprocess.run(["promtool", "check", kind, tmp_path / kind], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_kind_of_channel_is_in_the_readme() -> None:
    """The table of channels has a row for each kind."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"\n| `{kind}` | " not in text] == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.rules")), ids=lambda path: path.stem)
def test_every_example_is_right_and_listed(path: Path) -> None:
    """Each rule file of the examples passes the checks, with the configuration of the examples; the README lists it."""
    checked = check_all(ROOT / "examples/rules-listener.yaml", [str(path)])
    assert as_text(checked.found) == ""
    assert f"`examples/{path.name}`" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_all_examples_can_be_used_together() -> None:
    """No two of them have the same names; what one misses that allows it (RL407), others have."""
    found = check_all(ROOT / "examples/rules-listener.yaml", [str(ROOT / "examples")]).found
    assert [one.code for one in found] == ["RL414"]


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.rules")), ids=lambda path: path.stem)
def test_every_example_is_tested(path: Path) -> None:
    """Each rule file of the examples has rule tests beside it, which pass, and see each of its rules send something."""
    suite, found = read_suite(path.with_suffix(".test.yaml"), None, Library())
    assert as_text(found) == ""
    assert suite is not None
    ran = list(run_tests(suite, suite.tests, ManualClock()))
    assert [one.test.name for one in ran if not one.passed] == []
    sent = {alert.rule for one in ran for alert in one.alerts if alert.held is None}
    assert sent == {rule.name for rule in suite.rules.checked.rules.rules}


def test_the_reference_names_all_types_and_functions() -> None:
    """The reference leaves out no type of event and no function."""
    text = (ROOT / "LANGUAGE.md").read_text(encoding="utf-8")
    suffixes = {name for name in CATALOGUE if f"`{name}`" not in text and f"`_{name.rsplit('_', 1)[1]}`" not in text}
    assert suffixes == set()
    assert [name for name in [*FUNCTIONS, *SPECIAL] if f"`{name}(" not in text] == []
