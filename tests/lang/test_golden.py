"""Each diagnostic of the language, as a person sees it.

A golden file is a rule file whose first comment is what checking it prints, each line behind `# `. Its name begins with
the code that it is about; no other code comes up in it. The channels are `pager` and `ops`, the default.
"""

from itertools import takewhile
from pathlib import Path

import pytest

from rules_listener.base.codes import CODES
from rules_listener.base.diagnostics import Diagnostic, as_text
from rules_listener.base.source import Source
from rules_listener.lang.check import check
from rules_listener.lang.lint import lint
from rules_listener.lang.parse import parse
from rules_listener.lang.rules import Channels

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.rules"))
NOT_BY_RULES = {"RL107", *(code for code in CODES if code.startswith(("RL3", "RL5")))}
"""Codes that are about files, the configuration, rule tests and supervisord.conf: see `tests/tools/scenarios`."""
GENERATED = {"RL106"}
"""Codes whose smallest example is too long to be read; see `test_nesting`."""


def diagnostics(name: str, text: str) -> list[Diagnostic]:
    """What is wrong with a rule file: its errors or, if there are none, the warnings."""
    parsed = [parse(Source(name, text))]
    rules, found = check(parsed, Channels(["pager", "ops"], ["ops"]))
    return found or lint(parsed, rules)


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_golden_file(path: Path) -> None:
    """Checking a golden file prints its first comment, and no code but the one in its name."""
    text = path.read_text(encoding="utf-8")
    expected = [line[1:].removeprefix(" ") for line in takewhile(lambda line: line.startswith("#"), text.split("\n"))]
    found = diagnostics(path.name, text)
    assert as_text(found).split("\n") == expected
    assert {one.code for one in found} == {path.name[:5]}


def test_each_code_has_a_golden_file() -> None:
    """Each code that a rule file can cause is shown by a golden file."""
    shown = {path.name[:5] for path in GOLDEN}
    assert shown == CODES.keys() - NOT_BY_RULES - GENERATED
