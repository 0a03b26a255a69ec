"""What rule tests cover, with the files that people write."""

import shutil
from collections.abc import Collection
from pathlib import Path

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.lang.changes import changeables
from rules_listener.tools.coverage import Coverage
from rules_listener.tools.coveragereport import summary
from rules_listener.tools.testcoverage import coverage_of
from rules_listener.tools.testfile import Library, Suite, read_suite
from rules_listener.tools.testrun import run_tests

EXAMPLES = Path(__file__).parents[2] / "examples"
TESTS = sorted(EXAMPLES.glob("*.test.yaml"))


def suite_in(path: Path) -> Suite | None:
    """The suite in a file; None if it, or a rule of it, is refused."""
    suite, found = read_suite(path, None, Library())
    return None if found else suite


def coverage(*suites: Suite | None) -> Coverage:
    """What all tests of some suites cover."""
    return coverage_of([(suite, suite.tests) for suite in suites if suite is not None], ManualClock())


def test_the_examples_are_covered() -> None:
    """The tests of the examples depend on all that their rules say."""
    assert summary(coverage(*map(suite_in, TESTS))).startswith("coverage 100 % ")


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_each_change_in_the_text_of_an_example(path: Path, step: int, tmp_path: Path) -> None:
    """Whatever is changed in the rule file itself, a test fails if and only if that is said to be noticed.

    This is so with all tests of an example, and with every other one.
    """
    suite = suite_in(path)
    assert suite is not None
    tests = [one.name for one in suite.tests[::step]]
    covered = coverage_of([(suite, suite.tests[::step])], ManualClock())
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    file = tmp_path / path.name.replace(".test.yaml", ".rules")
    text = file.read_text(encoding="utf-8")
    for part in covered.parts.values():
        for change in part.part.changes:
            span = part.part.span
            file.write_text(text[: span.start] + change.text + text[span.end :], encoding="utf-8")
            changed = suite_in(tmp_path / path.name)
            assert (change in part.unnoticed) is (changed is not None and all_pass(changed, tests))


def all_pass(suite: Suite, names: Collection[str]) -> bool:
    """Whether all tests with these names pass."""
    chosen = [one for one in suite.tests if one.name in names]
    return all(ran.passed for ran in run_tests(suite, chosen, ManualClock()))


RULES = 'rule r on PROCESS_STATE_FATAL where groupname == "web" alert "gone"\n'
HEAD = "rules: [x.rules]\ntests:\n"
WEB = '  - {name: web, events: ["0s PROCESS_STATE_FATAL web:a"], alerts: [{rule: r}]}\n'
OTHER = '  - {name: other, events: ["0s PROCESS_STATE_FATAL db:a"], alerts: []}\n'
WRONG = '  - {name: wrong, events: ["0s PROCESS_STATE_FATAL db:a"], alerts: [{rule: r}]}\n'


def suites(folder: Path, *texts: str) -> list[Suite | None]:
    """Suites about the same rules."""
    (folder / "x.rules").write_text(RULES, encoding="utf-8")
    library = Library()
    for number, text in enumerate(texts):
        (folder / f"{number}.test.yaml").write_text(HEAD + text, encoding="utf-8")
    return [read_suite(folder / f"{number}.test.yaml", None, library)[0] for number in range(len(texts))]


@pytest.mark.parametrize(
    ("texts", "covered"),
    [((WEB + OTHER,), 4), ((WEB, OTHER), 4), ((WEB,), 3), ((OTHER,), 1), ((WRONG,), 0), ((WEB + WRONG,), 3)],
)
def test_files_about_the_same_rules_count_together(tmp_path: Path, texts: tuple[str, ...], covered: int) -> None:
    """A rule, its operand both ways, its constant; a test that fails covers nothing."""
    found = coverage(*suites(tmp_path, *texts))
    assert (found.covered, found.wanted) == (covered, 4)


def test_rules_that_are_named_in_two_ways_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is the same, whether a test file or a configuration names it, relative or not."""
    monkeypatch.chdir(tmp_path)
    Path("x.rules").write_text(RULES, encoding="utf-8")
    Path("x.yaml").write_text("rules: [x.rules]\nchannels: {ops: {log: {}}}\ndefault: [ops]\n", encoding="utf-8")
    Path("a.test.yaml").write_text(HEAD + WEB, encoding="utf-8")
    Path("b.test.yaml").write_text("config: x.yaml\ntests:\n" + OTHER, encoding="utf-8")
    library = Library()
    found = coverage(*(read_suite(Path(name), None, library)[0] for name in ("a.test.yaml", "b.test.yaml")))
    assert (found.covered, found.wanted) == (4, 4)


def test_all_that_can_be_changed_counts(tmp_path: Path) -> None:
    """Nothing in a rule file is left out."""
    (suite,) = suites(tmp_path, WEB)
    assert suite is not None
    statements = [one for file in suite.rules.checked.parsed for one in file.statements]
    assert len(coverage(suite).parts) == len(changeables(statements))
