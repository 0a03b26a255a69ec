"""Rule text becomes something that runs."""

from rules_listener.base.diagnostics import as_text, has_errors
from rules_listener.base.source import Source
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import Loaded, Program, load


def program(text: str) -> Program:
    """The compiled rules of a text without mistakes."""
    rules, found = check([parse(Source("bench.rules", text))])
    assert not has_errors(found), as_text(found)
    return compile_rules(rules)


def loaded(text: str) -> Loaded:
    """The rules of a text, ready to run."""
    return load(program(text))
