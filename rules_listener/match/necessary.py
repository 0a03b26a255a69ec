"""What must hold for a rule to fire: the predicates by which rules are looked up.

1. An access is a disjunction of branches, and means the same as the condition that it was derived from: the condition
   is true if and only if there is a branch whose predicate holds and whose rest is true. So a rule that is looked up by
   the predicates of its branches is found whenever it fires, and only the rest is left to be tried.
2. A predicate holds only where its subject is there: what is unknown is never looked up, and a negation, which can be
   true of nearly all events, is never a predicate.
3. Conditions are in normal form (see `normal`).
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import NamedTuple

from rules_listener.event.catalogue import Kind
from rules_listener.lang import checked
from rules_listener.match.lookup import MATCHES
from rules_listener.match.normal import all_of
from rules_listener.match.regexes import beginning

EQUALS, BEGINS, ENDS, CONTAINS = "equals", "begins", "ends", "contains"
"""The methods of predicates, with `MATCHES`: a value equals the operand, a text begins or ends with it, or holds it."""

MOST_BRANCHES = 200
"""Of how many alternatives an `or` may consist to be looked up by them: with more, nearly any event has one."""

_KINDS = (Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN)
_TEXT_PREDICATES = {"startswith": BEGINS, "endswith": ENDS, "contains": CONTAINS, "=~": MATCHES}


class Subject(NamedTuple):
    """What a predicate is about: a value, read as a value of a kind, and how it is looked up."""

    method: str
    value: checked.Value
    kind: Kind


class Predicate(NamedTuple):
    """Something that holds of an event, or does not."""

    subject: Subject
    operand: checked.Scalar


class Branch(NamedTuple):
    """A predicate, and what has to be true besides (None: nothing)."""

    predicate: Predicate
    rest: checked.Condition | None


class Access(NamedTuple):
    """A way to look a condition up; `cost` is an estimate of what it costs."""

    cost: float
    alternatives: int
    branches: Callable[[], list[Branch]]


Cost = Callable[[Predicate], float]
"""What it costs to look up a predicate; infinite where that does not pay."""


def predicates(condition: checked.Condition) -> Iterator[Predicate]:
    """All predicates that can be part of an access to the condition."""
    match condition:
        case checked.AllOf() | checked.AnyOf():
            for operand in condition.operands:
                yield from predicates(operand)
        case _:
            for option in _options(condition):
                for branch in option:
                    yield branch.predicate


def access(condition: checked.Condition, cost: Cost) -> Access | None:
    """The access that costs least; None if there is none."""
    match condition:
        case checked.AllOf():
            return _cheapest(_of_operand(condition, place, cost) for place in range(len(condition.operands)))
        case checked.AnyOf():
            return _of_alternatives(condition, cost)
    return _cheapest(_of_option(option, cost) for option in _options(condition))


def required(condition: checked.Condition) -> dict[checked.FieldValue, frozenset[checked.Scalar]]:
    """For each field that must equal one of some constants for the condition to be true, those constants."""
    match condition:
        case checked.AllOf():
            found: dict[checked.FieldValue, frozenset[checked.Scalar]] = {}
            for operand in condition.operands:
                for value, constants in required(operand).items():
                    found[value] = found.get(value, constants) & constants
            return found
        case checked.Comparison(operator="==") | checked.Member():
            for option in _options(condition):
                subjects = {branch.predicate.subject.value for branch in option}
                subject = subjects.pop() if len(subjects) == 1 else None
                if isinstance(subject, checked.FieldValue):
                    return {subject: frozenset(branch.predicate.operand for branch in option)}
    return {}


def _cheapest(found: Iterable[Access | None]) -> Access | None:
    return min((one for one in found if one is not None), key=lambda one: one.cost, default=None)


def _of_operand(condition: checked.AllOf, place: int, cost: Cost) -> Access | None:
    """By one operand of a conjunction; the others are part of the rest."""
    found = access(condition.operands[place], cost)
    if found is None:
        return None

    def branches() -> list[Branch]:
        others = condition.operands[:place] + condition.operands[place + 1 :]
        rests: dict[checked.Condition | None, checked.Condition] = {}
        made = []
        for predicate, rest in found.branches():
            if rest not in rests:
                rests[rest] = all_of(others if rest is None else (rest, *others))
            made.append(Branch(predicate, rests[rest]))
        return made

    return Access(found.cost, found.alternatives, branches)


def _of_alternatives(condition: checked.AnyOf, cost: Cost) -> Access | None:
    """By all operands of a disjunction, each with its own predicates."""
    found = [access(operand, cost) for operand in condition.operands]
    present = [one for one in found if one is not None]
    alternatives = sum(one.alternatives for one in present)
    if len(present) < len(found) or alternatives > MOST_BRANCHES:
        return None
    cost_of_all = sum(one.cost for one in present)
    return Access(cost_of_all, alternatives, lambda: [branch for one in present for branch in one.branches()])


def _of_option(option: list[Branch], cost: Cost) -> Access | None:
    costs = sum(cost(branch.predicate) for branch in option)
    return None if costs == inf else Access(costs, 1, lambda: option)


def _options(condition: checked.Condition) -> list[list[Branch]]:
    """The accesses to a condition that is not composed."""
    match condition:
        case checked.Member() if _is_of_event(condition.item):
            kind = condition.constants[0].kind if condition.constants else Kind.ANY
            subject = Subject(EQUALS, condition.item, kind)
            return [[Branch(Predicate(subject, constant.value), None) for constant in condition.constants]]
        case checked.Comparison(left=value, right=checked.Constant() as constant) if _is_of_event(value):
            return _of_comparison(condition, value, constant)
        case checked.Comparison(operator="==", left=checked.Constant() as constant, right=value) if _is_of_event(value):
            return _of_comparison(condition, value, constant)
    return []


def _of_comparison(
    condition: checked.Comparison, value: checked.Value, constant: checked.Constant
) -> list[list[Branch]]:
    if condition.operator == "==" and constant.kind in _KINDS:
        return [[Branch(Predicate(Subject(EQUALS, value, constant.kind), constant.value), None)]]
    method, text = _TEXT_PREDICATES.get(condition.operator), str(constant.value)
    if method is None or not text:
        return []
    options = [[Branch(Predicate(Subject(method, value, Kind.TEXT), text), None)]]
    if method == MATCHES and (begins := beginning(text)):
        options.append([Branch(Predicate(Subject(BEGINS, value, Kind.TEXT), begins), condition)])
    return options


def _is_of_event(value: checked.Value) -> bool:
    """Whether a value comes out of the event, and so differs from one event to another."""
    return any(isinstance(part, checked.FieldValue) for part in checked.subexpressions(value))
