"""Which outcomes a condition can have: a small decision procedure over checked conditions.

In come events of some types, about which some conditions may have been assumed already; out come those situations that
are left when one more is assumed.

1. No situation that can occur is left out; some that can't may be left in. So none left is a proof, one left is not.
2. What an event's type says is believed: its own fields are there, with the values that they can have; fields that it
   lacks are missing. A recording may leave out header fields, so those may be missing.
3. There are at most MAX_SITUATIONS at a time; an assumption that would make more is not made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from rules_listener.event.catalogue import CATALOGUE, HEADER_FIELDS, UNLISTED, Kind, fields_of
from rules_listener.lang import checked
from rules_listener.lang.checked import canonical, subexpressions
from rules_listener.lang.domain import MISSING, Domain, Fact, said, simpler
from rules_listener.lang.functions import FUNCTIONS
from rules_listener.lang.literals import SEVERITIES

MAX_SITUATIONS = 200
"""How many situations are told apart; every selected type is one at least."""

MAX_PARTS = 300
"""Of how many parts a condition that is reasoned about may consist."""


class Outcome(Enum):
    """What a condition comes to; what is not true is false or unknown."""

    TRUE = "true"
    FALSE = "false"
    NOT_TRUE = "not true"
    NOT_FALSE = "not false"

    @property
    def negated(self) -> "Outcome":
        """What a condition comes to when its negation comes to this."""
        return _NEGATED[self]

    @property
    def otherwise(self) -> "Outcome":
        """What is left of all that a condition can come to."""
        return _OTHERWISE[self]


_NEGATED = {
    Outcome.TRUE: Outcome.FALSE,
    Outcome.FALSE: Outcome.TRUE,
    Outcome.NOT_TRUE: Outcome.NOT_FALSE,
    Outcome.NOT_FALSE: Outcome.NOT_TRUE,
}
_OTHERWISE = {
    Outcome.TRUE: Outcome.NOT_TRUE,
    Outcome.NOT_TRUE: Outcome.TRUE,
    Outcome.FALSE: Outcome.NOT_FALSE,
    Outcome.NOT_FALSE: Outcome.FALSE,
}


class Situation(NamedTuple):
    """An event of one type, and what is known of it: values and relations of values, each by its canonical spelling."""

    type: str
    domains: Mapping[str, Domain] = MappingProxyType({})
    relations: Mapping[str, bool] = MappingProxyType({})

    def domain(self, value: checked.Value, spelling: str = "") -> Domain:
        """What a value can be, whose canonical spelling may be given."""
        known = self.domains.get(spelling or canonical(value))
        return known if known is not None else self._unconstrained(value)

    def where(self, spelling: str, domain: Domain) -> "Situation":
        """This situation with another domain of a value."""
        return Situation(self.type, {**self.domains, spelling: domain}, self.relations)

    def _unconstrained(self, value: checked.Value) -> Domain:
        match value:
            case checked.FieldValue():
                return field_domain(self.type, value.name)
            case checked.Constant():
                return Domain(frozenset({value.kind}), frozenset({value.value}))
            case checked.Given(kind=Kind.SEVERITY):
                return Domain(frozenset({Kind.SEVERITY}), frozenset(range(len(SEVERITIES))))
            case checked.Given(origin="host") | checked.Given(origin="values", name="rule"):
                return Domain(frozenset({Kind.TEXT}))
            case checked.Given():
                return Domain(frozenset({value.kind, MISSING}))
            case checked.Apply():
                return _result(value, self.domain(value.arguments[0]))

    def narrowed(self, value: checked.Value, narrow: Callable[[Domain], Domain]) -> "list[Situation]":
        """This situation with less that a value can be; none if nothing is left."""
        spelling = canonical(value)
        domain = narrow(self.domain(value, spelling))
        return [] if domain.is_empty else [self.where(spelling, domain)]

    def related(self, relation: str, *, holds: bool) -> "list[Situation]":
        """This situation with a relation that holds, or does not; none if the opposite is known."""
        if self.relations.get(relation, holds) is not holds:
            return []
        return [Situation(self.type, self.domains, {**self.relations, relation: holds})]


Situations = Sequence[Situation]

_ANY = Domain(frozenset({Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.LIST, MISSING}))
_MAY_BE_LEFT_OUT = frozenset(found.name for found in HEADER_FIELDS) - {"eventname"}
_LEAST = {Kind.TEXT: (Fact(">=", ""),)}
"""What is true of every value of a kind."""

NAMES = ("processname", "groupname")
"""The fields that have no colon in them: supervisord refuses such names, which would break the lines that it sends."""
_NO_COLON = Fact("contains", ":", holds=False)


@cache
def field_domain(event_type: str, name: str) -> Domain:
    """What a field can be in events of a type."""
    if event_type == UNLISTED:
        always = {"eventname": Kind.TEXT, "time": Kind.TIME}
        return Domain(frozenset({always[name]})) if name in always else _ANY
    found = fields_of(CATALOGUE[event_type]).get(name)
    if found is None:
        return Domain(frozenset({MISSING}))
    kinds = frozenset({found.kind, MISSING} if found.optional or name in _MAY_BE_LEFT_OUT else {found.kind})
    possible = frozenset([event_type] if name == "eventname" else found.possible)
    facts = _LEAST.get(found.kind, ())
    return Domain(kinds, possible or None, (*facts, _NO_COLON) if name in NAMES else facts)


_NEVER_MISSING = ("lower", "upper", "len", "first_line", "last_line", "truncate")
"""Functions that give something for every text."""


def _result(applied: checked.Apply, argument: Domain) -> Domain:
    """What a function gives for what its argument can be."""
    if Kind.TEXT not in argument.kinds:
        return Domain(frozenset({MISSING}))
    if applied.kind is Kind.ANY:
        return _ANY
    certain = argument.kinds == {Kind.TEXT} and applied.function in _NEVER_MISSING
    kinds = frozenset({applied.kind} if certain else {applied.kind, MISSING})
    facts = (Fact(">=", 0),) if applied.function == "len" else _LEAST.get(applied.kind, ())
    if argument.only is None:
        return Domain(kinds, None, facts)
    more = [constant.value for constant in applied.arguments[1:] if isinstance(constant, checked.Constant)]
    results = {FUNCTIONS[applied.function].call(text, *more) for text in argument.only}
    return Domain(frozenset({applied.kind, *([] if certain else [MISSING])}), frozenset(results - {None}), facts)


def situations(types: Iterable[str]) -> Situations:
    """Events of some types (concrete ones, or UNLISTED), of which nothing else is known."""
    return [Situation(name) for name in types]


def is_small(condition: checked.Condition) -> bool:
    """Whether a condition is small enough to be reasoned about."""
    return sum(1 for _ in subexpressions(condition)) <= MAX_PARTS


def assume(condition: checked.Condition | None, outcome: Outcome, known: Situations) -> Situations:
    """The situations that are left where a condition has an outcome; no condition is always true."""
    if condition is None:
        return known if outcome in (Outcome.TRUE, Outcome.NOT_FALSE) else ()
    match condition:
        case checked.Negation():
            return assume(condition.operand, outcome.negated, known)
        case checked.AllOf() | checked.AnyOf():
            return _combined(condition, outcome, known)
    left = _left_of_all(condition, outcome, known)
    return left if len(left) <= MAX_SITUATIONS else known


def takes_all(condition: checked.Condition, outcome: Outcome) -> bool:
    """Whether a combination has an outcome if all of its operands have it; otherwise, if one of them has."""
    return (outcome in (Outcome.TRUE, Outcome.NOT_FALSE)) is isinstance(condition, checked.AllOf)


def _combined(condition: checked.AllOf | checked.AnyOf, outcome: Outcome, known: Situations) -> Situations:
    if takes_all(condition, outcome):
        left = known
        for operand in condition.operands:
            left = assume(operand, outcome, left)
        return left
    left = [one for operand in condition.operands for one in assume(operand, outcome, known)]
    return left if len(left) <= MAX_SITUATIONS else known


def _left_of_all(condition: checked.Condition, outcome: Outcome, known: Situations) -> list[Situation]:
    """What is left of some situations; where a condition is about one value, only the value's domain matters."""
    value = _only_value(condition) if len(known) > 1 else None
    if value is None:
        return [one for situation in known for one in _left(condition, outcome, situation)]
    spelling = canonical(value)
    left, by_domain = list[Situation](), dict[Domain, list[Domain]]()
    for situation in known:
        domain = situation.domain(value, spelling)
        narrowed = by_domain.get(domain)
        if narrowed is None:
            narrowed = [one.domain(value, spelling) for one in _left(condition, outcome, situation)]
            by_domain[domain] = narrowed
        left += [situation.where(spelling, one) for one in narrowed]
    return left


def _only_value(condition: checked.Condition) -> checked.Value | None:
    """The value that a condition without operands is about, if it is about no other that may differ."""
    match condition:
        case checked.Present() | checked.Truth():
            return condition.value
        case checked.Member():
            return condition.item
        case checked.Comparison(right=checked.Constant()):
            return condition.left
        case checked.Comparison(left=checked.Constant()):
            return condition.right
    return None


def _left(condition: checked.Condition, outcome: Outcome, situation: Situation) -> list[Situation]:
    """What is left of one situation where a condition without operands has an outcome."""
    left = []
    if outcome in (Outcome.TRUE, Outcome.NOT_FALSE):
        left += _decided(condition, situation, holds=True)
    if outcome in (Outcome.FALSE, Outcome.NOT_TRUE):
        left += _decided(condition, situation, holds=False)
    if outcome in (Outcome.NOT_FALSE, Outcome.NOT_TRUE):
        left += _undecided(condition, situation)
    return left


def _decided(condition: checked.Condition, situation: Situation, *, holds: bool) -> list[Situation]:
    match condition:
        case checked.Present():
            narrow = (lambda domain: domain.without(MISSING)) if holds else (lambda domain: domain.of(MISSING))
            return situation.narrowed(condition.value, narrow)
        case checked.Truth():
            return situation.narrowed(condition.value, lambda domain: domain.of(Kind.BOOLEAN).among([holds]))
        case checked.Member(constants=()):
            return [] if holds else situation.narrowed(condition.item, lambda domain: domain.without(MISSING))
        case checked.Member():
            fact = Fact("in", frozenset(constant.value for constant in condition.constants), holds)
            kind = condition.constants[0].kind
            return situation.narrowed(condition.item, lambda domain: domain.of(kind).where(fact))
        case checked.Comparison():
            return _compared(condition, situation, holds=holds)
    raise TypeError(condition)


def _undecided(condition: checked.Condition, situation: Situation) -> list[Situation]:
    match condition:
        case checked.Truth():
            return situation.narrowed(condition.value, lambda domain: domain.without(Kind.BOOLEAN))
        case checked.Member(constants=()):
            return situation.narrowed(condition.item, lambda domain: domain.of(MISSING))
        case checked.Member():
            kind = condition.constants[0].kind
            return situation.narrowed(condition.item, lambda domain: domain.without(kind))
        case checked.Comparison():
            compared = compared_kind(condition)
            if compared is Kind.ANY:
                return [situation]
            sides = (condition.left, condition.right)
            return [one for side in sides for one in situation.narrowed(side, lambda domain: domain.without(compared))]
    return []


# comparisons

_BACKWARDS = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TRUE_OF_ITSELF = frozenset(("==", "<=", ">=", "contains", "startswith", "endswith"))


def compared_kind(condition: checked.Comparison) -> Kind:
    """The kind of which both sides have to be; any, if all that matters is that they are of the same."""
    left, right = condition.left.kind, condition.right.kind
    if left is right is Kind.ANY:
        return Kind.ANY if condition.operator == "==" else Kind.TEXT
    return right if left is Kind.ANY else left


def _compared(condition: checked.Comparison, situation: Situation, *, holds: bool) -> list[Situation]:
    left, right, kind = condition.left, condition.right, compared_kind(condition)
    if isinstance(right, checked.Constant):
        fact = Fact(*simpler(condition.operator, right.value), holds)
        return situation.narrowed(left, lambda domain: domain.of(kind).where(fact))
    if isinstance(left, checked.Constant):
        turned = _BACKWARDS.get(condition.operator)
        fact = Fact(turned or condition.operator, left.value, holds, backwards=turned is None)
        return situation.narrowed(right, lambda domain: domain.of(kind).where(fact))
    return _related(condition, situation, kind, holds=holds)


def _related(condition: checked.Comparison, situation: Situation, kind: Kind, *, holds: bool) -> list[Situation]:
    """What is left where two values, neither of which is written out, compare in a way."""
    sides = [canonical(condition.left), canonical(condition.right)]
    if sides[0] == sides[1] and holds is not (condition.operator in _TRUE_OF_ITSELF):
        return []
    if not _can_relate(condition, situation, holds=holds):
        return []
    sides = sorted(sides) if condition.operator == "==" else sides
    left = situation.related(condition.operator.join(sides), holds=holds)
    for side in (condition.left, condition.right):
        left = [one for found in left for one in found.narrowed(side, lambda domain: _present_as(kind, domain))]
    return left


def _present_as(kind: Kind, domain: Domain) -> Domain:
    return domain.without(MISSING) if kind is Kind.ANY else domain.of(kind)


def _can_relate(condition: checked.Comparison, situation: Situation, *, holds: bool) -> bool:
    left, right = situation.domain(condition.left).only, situation.domain(condition.right).only
    if left is None or right is None or Kind.ANY in (condition.left.kind, condition.right.kind):
        return True
    return any(said(condition.operator, one, other) is holds for one in left for other in right)
