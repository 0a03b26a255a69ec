"""What a value can be: what tests of it have left over, and whether that is nothing.

1. A domain never leaves out a value that is possible, and may hold some that are not: only an empty one is a proof.
2. A fact is said of values of one kind; a domain of several kinds has none yet, but for those that were always true.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from rules_listener.event.catalogue import Kind
from rules_listener.lang.checked import Scalar
from rules_listener.lang.functions import regex

MISSING = None
"""Stands among the kinds of a value that may be missing."""

Kinds = frozenset[Kind | None]

OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}
"""What is true of two values exactly where the other is false."""


def said(operator: str, left: Scalar, right: Scalar | frozenset[Scalar]) -> bool:
    """What an operator says about two values of one kind."""
    match operator:
        case "==":
            return left == right
        case "in":
            return isinstance(right, frozenset) and left in right
        case "=~":
            return regex(str(right)).search(str(left)) is not None
        case "like":
            return fnmatchcase(str(left), str(right))
        case "contains":
            return str(right) in str(left)
        case "startswith":
            return str(left).startswith(str(right))
        case "endswith":
            return str(left).endswith(str(right))
    order: int = (left > right) - (left < right)  # type: ignore[operator] # both are of one kind, which has an order
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


@dataclass(frozen=True, slots=True)
class Fact:
    """Whether `VALUE OPERATOR CONSTANT` is true; where `backwards`, `CONSTANT OPERATOR VALUE`."""

    operator: str
    constant: Scalar | frozenset[Scalar]
    holds: bool = True
    backwards: bool = False

    def admits(self, value: Scalar) -> bool:
        """Whether this is so for a value."""
        if self.backwards and not isinstance(self.constant, frozenset):
            return said(self.operator, self.constant, value) is self.holds
        return said(self.operator, value, self.constant) is self.holds


@dataclass(frozen=True, slots=True)
class Domain:
    """What a value can be: of one of some kinds, or missing; one of `only`, where that is known; as the facts say."""

    kinds: Kinds
    only: frozenset[Scalar] | None = None
    facts: tuple[Fact, ...] = ()

    def of(self, kind: Kind | None) -> "Domain":
        """What is of one kind, or missing."""
        return Domain(frozenset([kind]), self.only, self.facts) if kind in self.kinds else _NOTHING

    def without(self, kind: Kind | None) -> "Domain":
        """What is not of a kind, or not missing."""
        return Domain(self.kinds - {kind}, self.only, self.facts)

    def among(self, values: Iterable[Scalar]) -> "Domain":
        """What is one of some values."""
        admitted = frozenset(value for value in values if all(fact.admits(value) for fact in self.facts))
        return Domain(self.kinds, admitted if self.only is None else self.only & admitted, self.facts)

    def where(self, fact: Fact) -> "Domain":
        """What a fact is true of."""
        if self.only is not None:
            return Domain(self.kinds, frozenset(filter(fact.admits, self.only)), self.facts)
        if fact.holds and fact.operator in ("==", "in"):
            return self.among(fact.constant if isinstance(fact.constant, frozenset) else [fact.constant])
        return self if fact in self.facts else Domain(self.kinds, None, (*self.facts, fact))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left, for certain."""
        if len(self.kinds) != 1 or MISSING in self.kinds:
            return not self.kinds
        return not self.only if self.only is not None else _contradict_each_other(self.facts)


_NOTHING = Domain(frozenset(), frozenset())


def _contradict_each_other(facts: tuple[Fact, ...]) -> bool:
    tests = {(fact.operator, fact.constant, fact.backwards) for fact in facts}
    return (
        len(tests) < len(facts)  # they are different, so two about the same test are opposites
        or _no_room_between(facts)
        or _no_text_fits([fact for fact in facts if not fact.backwards])
    )


def _no_room_between(facts: Iterable[Fact]) -> bool:
    """Whether the lower bounds are above the upper ones."""
    bounds: list[tuple[str, Any]] = [
        (fact.operator if fact.holds else OPPOSITE[fact.operator], fact.constant)
        for fact in facts
        if fact.operator in OPPOSITE
    ]
    lower = [(bound, operator == ">") for operator, bound in bounds if operator in (">", ">=")]
    upper = [(bound, operator != "<") for operator, bound in bounds if operator in ("<", "<=")]
    if not lower or not upper:
        return False
    (low, above), (high, included) = max(lower), min(upper)
    return bool(low > high) or (low == high and (above or not included))


# texts: how they begin, how they end, and what they contain

_PLAIN_START = re.compile(r"[^*?\[]*")
_PLAIN_END = re.compile(r"[^*?\[\]]*\Z")
_SPECIAL = re.compile(r"[*?\[]")


def simpler(operator: str, pattern: Scalar) -> tuple[str, Scalar]:
    """The same as an operator and what is on its right, with a simpler operator instead of `like` where one will do."""
    if operator != "like" or not isinstance(pattern, str):
        return operator, pattern
    middle = pattern.strip("*")
    if _SPECIAL.search(middle):
        return operator, pattern
    if middle == pattern:
        return "==", pattern
    if pattern[0] == "*":
        return ("contains" if pattern[-1] == "*" else "endswith"), middle
    return "startswith", middle


def _no_text_fits(facts: Iterable[Fact]) -> bool:
    """Whether no text begins, ends and contains what it has to, and nothing that it must not."""
    tests = [(fact.operator, str(fact.constant), fact.holds) for fact in facts]
    starts, ends, parts = [""], [""], [""]
    for operator, text, holds in tests:
        if holds and operator in ("startswith", "like"):
            starts.append(_PLAIN_START.match(text)[0] if operator == "like" else text)  # type: ignore[index] # it matches
        if holds and operator in ("endswith", "like"):
            ends.append(_PLAIN_END.search(text)[0] if operator == "like" else text)  # type: ignore[index] # it matches
        if holds and operator == "contains":
            parts.append(text)
    start, end = max(starts, key=len), max(ends, key=len)
    if not all(map(start.startswith, starts)) or not all(map(end.endswith, ends)):
        return True
    parts += [start, end]
    return any(
        (operator == "startswith" and start.startswith(text))
        or (operator == "endswith" and end.endswith(text))
        or (operator == "contains" and any(text in part for part in parts))
        for operator, text, holds in tests
        if not holds
    )
