"""Small changes of rules are what someone would write."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source
from rules_listener.lang.changes import Changeable, affected, changeables, changed
from rules_listener.lang.check import check
from rules_listener.lang.literals import quote
from rules_listener.lang.parse import Parsed, parse
from tests.match.strategies import DEFINITIONS, rules

TEXT = """
let core = groupname == "web" or processname in ["db", "cache"]
let names = ["a", 'b"']
event broken = PROCESS_STATE_EXITED where expected == 0
rule r on (broken where not core), PROCESS_LOG where processname in names and len("x") < 2.5 and true
  without PROCESS_STATE_RUNNING where has(pid) within 5m
  alert "{processname == 'x'}" until PROCESS_LOG where data like "*ok*"
"""


def changes_of(text: str) -> list[tuple[str, list[str]]]:
    """What can be changed in a text, and into what."""
    found = changeables(parse(Source("x.rules", text)).statements)
    return [(one.span.text, [change.text for change in one.changes]) for one in found]


def truths(text: str) -> tuple[str, list[str]]:
    """An operand and its changes."""
    return text, ["false", "true", f"not ({text})"]


def test_what_can_be_changed() -> None:
    """Each operand of each condition, and the constants that values are compared with; each where it is written."""
    assert changes_of(TEXT) == [
        truths('groupname == "web"'),
        ('"web"', ['"web~"']),
        truths('processname in ["db", "cache"]'),
        ('"db"', ['"db~"']),
        ('"cache"', ['"cache~"']),
        ('"a"', ['"a~"']),
        ("'b\"'", ['"b\\"~"']),
        truths("expected == 0"),
        ("0", ["1", "-1"]),
        truths("core"),
        truths("processname in names"),
        truths('len("x") < 2.5'),
        ("2.5", ["2.75", "2.25"]),
        truths("has(pid)"),
        truths('data like "*ok*"'),
    ]


def test_what_can_be_changed_in_routes_and_mutes() -> None:
    """Their conditions have operands too; where alerts go, and when, is none."""
    text = "route severity >= error to a mute rule == 'r' every Sun because 'x' route to b"
    assert changes_of(text) == [truths("severity >= error"), truths("rule == 'r'"), ("'r'", ['"r~"'])]


@pytest.mark.parametrize(("number", "moved"), [("0", ["1", "-1"]), ("7", ["8", "6"]), ("64KiB", ["72090", "58982"])])
def test_how_far_a_number_moves(number: str, moved: list[str]) -> None:
    """By a tenth, a whole one by one at least."""
    assert changes_of(f"on PROCESS_LOG where pid > {number} shutdown")[1] == (number, moved)


def meaning(parsed: Parsed) -> list[str]:
    """What rules mean, or what is wrong with them."""
    rule_set, found = check([parsed])
    return [one.code for one in found] or [rule.meaning for rule in rule_set.rules]


def edited(source: Source, one: Changeable, text: str) -> Source:
    """A text with a change written into it."""
    return Source(source.name, source.text[: one.span.start] + text + source.text[one.span.end :])


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.lists(rules(), min_size=1, max_size=3))
@example(["on PROCESS_LOG where (data == '\r  ') alert ''"])
def test_a_change_is_what_is_written(texts: list[str]) -> None:
    """To change a node is to edit the text at its place; nothing else changes, and the original stays as it is."""
    source = Source("x.rules", DEFINITIONS + "\n".join(texts))
    parsed = parse(source)
    before = meaning(parsed)
    for one in changeables(parsed.statements):
        for change in one.changes:
            after = changed(parsed.statements, one, change)
            assert meaning(Parsed(source, after)) == meaning(parse(edited(source, one, change.text)))
            assert [new is old for new, old in zip(after, parsed.statements, strict=True)].count(False) == 1
    assert meaning(parsed) == before


ROUTING = """
route core to a
mute severity < error because "x"
rule s on broken shutdown
rule t on TICK_5 shutdown
"""


def test_what_a_change_touches() -> None:
    """A rule itself; of a definition whatever uses it, also by way of others."""
    statements = parse(Source("x.rules", TEXT + ROUTING)).statements
    touched = {
        one.span.text: [two.span.text.split()[0] for two in affected(statements, one)]
        for one in changeables(statements)
    }
    assert touched['groupname == "web"'] == ["r", "route"]
    assert touched["expected == 0"] == ["r", "s"]
    assert touched["has(pid)"] == ["r"]
    assert touched["severity < error"] == ["mute"]


@given(st.text())
def test_a_text_as_a_string(text: str) -> None:
    """A string that is written for a text stands for it."""
    (rule,) = parse(Source("x.rules", f"on PROCESS_LOG where data == {quote(text)} shutdown")).statements
    assert getattr(getattr(rule, "selector").condition, "right").value == text  # noqa: B009 - of whatever type
