"""How conditions came out, part by part, is how the compiled rules take them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.lang.parts import PartedRule, parted_rules
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.match.traces import Traced, TracedArm, trace_arms, type_of
from tests.match.harness import log, state
from tests.match.strategies import DEFINITIONS, events, rules

pytestmark = pytest.mark.usefixtures("known_host")


def parted(text: str) -> list[PartedRule]:
    """The rules of a text, part by part."""
    parsed = parse(Source("x.rules", text))
    rule_set, found = check([parsed])
    assert not found
    return parted_rules([parsed], rule_set)


def traced(text: str, event: Event) -> list[TracedArm]:
    """How the first rule of a text takes an event, by the arms that are about its type."""
    (rule, *_) = parted(text)
    return trace_arms([arm for arm in rule.selected if type_of(event) in arm.types], event)


def leaves(one: Traced) -> list[tuple[str, bool | None, list[tuple[str, object]]]]:
    """All parts without operands: how they are written, their truth, and their values."""
    if not one.operands:
        return [(one.part.node.span.text, one.truth, [(value.text, value.value) for value in one.values])]
    return [leaf for operand in one.operands for leaf in leaves(operand)]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(rules(), min_size=1, max_size=6), st.lists(events(), min_size=1, max_size=6))
def test_what_is_traced_is_what_is_compiled(texts: list[str], fed: list[Event]) -> None:
    """For any rules and events: the parts mean what was checked, and a rule fires if and only if an arm came out true.

    Each part's truth follows from those of its operands.
    """
    found = parted(DEFINITIONS + "\n".join(texts))
    assert [tuple(arm.arm for arm in rule.selected) for rule in found] == [rule.rule.arms for rule in found]
    parsed = parse(Source("x.rules", DEFINITIONS + "\n".join(texts)))
    buckets = load(compile_rules(check([parsed])[0])).buckets
    for event in fed:
        bucket = buckets.get(type_of(event))
        fired = set(bucket(event)) if bucket is not None else set()
        for number, rule in enumerate(found):
            arms = trace_arms([arm for arm in rule.selected if type_of(event) in arm.types], event)
            assert (number in fired) is any(arm.truth is True for arm in arms)
            assert all((arm.truth is True) is (not arm.obstacles) for arm in arms)


def test_each_operand_has_its_value() -> None:
    """What is compared is shown as it is written, with what it is; what is written out is not."""
    text = """
    let core = groupname in ["site", "db"]
    let loud = upper(json(data, "level")) == "ERROR" or len(data) > 100
    on PROCESS_LOG where core and not loud and "web" == processname and has(pid) and pid != null  shutdown
    """
    (arm,) = traced(text, log('{"level": "info"}'))
    assert arm.truth is True
    assert leaves(arm.wheres[0].traced) == [
        ('groupname in ["site", "db"]', True, [("groupname", "site")]),
        ('upper(json(data, "level")) == "ERROR"', False, [('upper(json(data, "level"))', "INFO")]),
        ("len(data) > 100", False, [("len(data)", 17)]),
        ('"web" == processname', True, [("processname", "web")]),
        ("has(pid)", True, [("pid", 7)]),
        ("pid != null", True, [("pid", 7)]),
    ]


def test_what_is_missing_shows_of_what_it_was_made() -> None:
    """Of a value that is missing, what a function was applied to is shown too."""
    (arm,) = traced('on PROCESS_LOG where number(json(data, "free")) < 5 shutdown', log("no JSON"))
    assert arm.truth is None
    assert leaves(arm.wheres[0].traced)[0][2] == [
        ('number(json(data, "free"))', None),
        ('json(data, "free")', None),
        ("data", "no JSON"),
    ]


def test_conditions_of_events_come_first() -> None:
    """A named event brings its own condition, and each arm of it has its own."""
    text = 'on crashed where groupname == "site" shutdown'
    (exited,) = traced(text, state("EXITED", expected=1))
    assert [(where.event, where.traced.truth) for where in exited.wheres] == [("crashed", False), ("", True)]
    (backoff,) = traced(text, state("BACKOFF"))
    assert [(where.event, where.traced.truth) for where in backoff.wheres] == [("", True)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("processname == 'web'", []),
        ("processname == 'db' and pid == 7 and channel == 'stderr'", ["processname == 'db'", "channel == 'stderr'"]),
        ("processname == 'db' and pid == 8 or channel == 'stderr'", ["channel == 'stderr'"]),
        ("not (processname == 'web' or pid == 7)", ["processname == 'web'", "pid == 7"]),
        ("not (processname == 'web' and pid == 7)", ["processname == 'web'"]),
        ("not not pid == 8", ["pid == 8"]),
        ("named and pid == 7", ["processname == 'db'"]),
    ],
)
def test_what_stands_in_the_way(condition: str, expected: list[str]) -> None:
    """As few operands as would have to come out differently."""
    (arm,) = traced(f"let named = processname == 'db'\non PROCESS_LOG where {condition} shutdown", log("x"))
    assert [one.part.node.span.text for one in arm.obstacles] == expected
