"""The normal form and the accesses of a condition mean what the condition means."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.match.necessary import MOST_BRANCHES, Access, Branch, Predicate, access, predicates
from rules_listener.match.normal import normal
from tests.match.harness import NOW, checked_rules
from tests.match.reference import Reference
from tests.match.strategies import DEFINITIONS, ENV, HOST, events, rules
from tests.match.test_equivalence import THOROUGH


def conditions(texts: list[str]) -> Iterator[checked.Condition]:
    """All conditions of some rules."""
    for rule in checked_rules(DEFINITIONS + "\n".join(texts)).rules:
        yield from (arm.condition for arm in rule.arms if arm.condition is not None)


def holds(branch: Branch, evaluator: Reference) -> bool:
    """Whether a branch's predicate holds and its rest is true."""
    method, value, kind = branch.predicate.subject
    operator = {"equals": "==", "begins": "startswith", "ends": "endswith", "matches": "=~"}.get(method, method)
    constant = checked.Constant(branch.predicate.operand, kind)
    predicate = evaluator.truth(checked.Comparison(operator, value, constant))
    return predicate is True and (branch.rest is None or evaluator.truth(branch.rest) is True)


@THOROUGH
@given(st.lists(rules(), min_size=1, max_size=3), st.lists(events(), min_size=1, max_size=5), st.randoms())
def test_the_same_meaning(texts: list[str], fed: list[Event], random: Random) -> None:
    """The normal form is true, false and unknown where the condition is; an access is true where it is true."""
    for condition in conditions(texts):
        form = normal(condition)
        found = access(form, lambda _: random.choice([1, 2, 3]))
        branches = None if found is None else found.branches()
        for event in fed:
            evaluator = Reference(event, HOST, ENV)
            truth = evaluator.truth(condition)
            assert evaluator.truth(form) is truth
            if branches is not None:
                assert any(holds(branch, evaluator) for branch in branches) is (truth is True)


def only_access(condition: str) -> Access | None:
    """The access to a condition about a log event."""
    (form,) = (normal(one) for one in conditions([f"on PROCESS_LOG where {condition} shutdown"]))
    return access(form, lambda _: 1.0)


def shown(predicate: Predicate) -> str:
    """A predicate in one line."""
    method, value, _ = predicate.subject
    return f"{checked.canonical(value).removeprefix('field.')} {method} {predicate.operand}"


PREDICATES = {
    "groupname == 'a'": ["groupname equals a"],
    "'a' == groupname": ["groupname equals a"],
    "groupname in ['a', 'b']": ["groupname equals a", "groupname equals b"],
    "groupname in []": [],
    "groupname like 'a*'": ["groupname begins a"],
    "groupname like '*a'": ["groupname ends a"],
    "groupname like 'a?'": ["groupname matches (?s)\\Aa.\\z", "groupname begins a"],
    "groupname =~ '^a'": ["groupname begins a"],
    "groupname =~ '^a+b'": ["groupname matches ^a+b"],
    "groupname =~ '^ab+'": ["groupname matches ^ab+", "groupname begins a"],
    "data contains 'a'": ["data contains a"],
    "pid == 7 and not groupname == 'a'": ["pid equals 7"],
    "pid == 7 or groupname == 'a'": ["pid equals 7", "groupname equals a"],
    "not (pid != 7 or groupname == 'a')": ["pid equals 7"],
    "not (pid != 7 and groupname !~ '^a$')": ["pid equals 7", "groupname equals a"],
    "number(data) == 7": ["number(field.data) equals 7"],
}


@pytest.mark.parametrize("condition", PREDICATES)
def test_what_must_hold(condition: str) -> None:
    """What a condition can be looked up by."""
    (form,) = (normal(one) for one in conditions([f"on PROCESS_LOG where {condition} shutdown"]))
    assert list(map(shown, predicates(form))) == PREDICATES[condition]


NO_ACCESS = (
    "groupname != 'a'",
    "pid > 7",
    "has(data)",
    "groupname == processname",
    "env('RULES_LISTENER_A') == 'a'",
    "'abc' contains groupname",
    "groupname like '*'",
    "pid == 7 or pid > 9",
    "not (pid == 7 or pid > 9)",
    " or ".join(f"groupname == 'g{number}'" for number in range(MOST_BRANCHES + 1)),
)


@pytest.mark.parametrize("condition", NO_ACCESS)
def test_what_has_no_access(condition: str) -> None:
    """A negation, an order, a comparison of two fields, an `or` with such a part, and one of too many parts."""
    assert only_access(condition) is None


def test_the_rest_is_what_is_left_to_be_tried() -> None:
    """What the predicate says is not tried again; what an expression begins with does not say all of it."""
    found = only_access("groupname == 'a' and pid > 7")
    assert found is not None
    assert [branch.rest and checked.canonical(branch.rest) for branch in found.branches()] == ["(field.pid>number:7)"]
    event = Event("PROCESS_LOG_STDOUT", NOW, {"groupname": "ax"})
    (form,) = (normal(one) for one in conditions(["on PROCESS_LOG where groupname =~ '^ab+' shutdown"]))
    found = access(form, lambda predicate: 1.0 if predicate.subject.method == "begins" else 2.0)
    assert found is not None
    assert not holds(found.branches()[0], Reference(event, HOST, ENV))
