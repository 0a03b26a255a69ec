"""Which triggers of a bucket are looked up, and by what; which have to be tried at each event.

1. A trigger is looked up wherever its condition has an access, by the one that is estimated to cost least: the more
   different values there are of a subject, the fewer conditions an event has to do with.
2. A trigger whose condition has none is tried; one that has no condition is pulled by every event of the type.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from rules_listener.lang import checked
from rules_listener.match.lookup import MATCHES
from rules_listener.match.necessary import (
    BEGINS,
    CONTAINS,
    ENDS,
    EQUALS,
    Branch,
    Cost,
    Predicate,
    access,
    predicates,
)

WEIGHTS = {EQUALS: 1.0, BEGINS: 1.2, ENDS: 1.3, CONTAINS: 4.0, MATCHES: 4.0}
"""What a look by a method costs, beside one into a dictionary: an expression needs a pass over the whole text."""

LEAST_VALUES = 8
"""How many different values are expected of what can have any, even if rules ask for fewer."""

MIN_PASS = 4
"""From how many expressions on a text on one pass costs less than to look for plain texts one after the other."""


class Candidate(NamedTuple):
    """A trigger as one type of event sees it: its number, and its condition there (None: always), in normal form."""

    number: int
    condition: checked.Condition | None


class Index(NamedTuple):
    """The triggers of a bucket.

    `looked_up` has by each predicate what is left to be tried of the conditions that are found by it. `twice` says that
    an event may find a trigger by more than one predicate.
    """

    looked_up: dict[Predicate, list[Candidate]]
    tried: list[Candidate]
    twice: bool = False


def index_of(bucket: Sequence[Candidate], possible: Mapping[str, int]) -> Index:
    """The index of a bucket; `possible` says how many values a field can have, where it has a fixed set of them."""
    cost = _costs(bucket, possible)
    looked_up: dict[Predicate, list[Candidate]] = {}
    tried = []
    twice = False
    for candidate in bucket:
        found = None if candidate.condition is None else access(candidate.condition, cost)
        if found is None:
            tried.append(candidate)
            continue
        branches = found.branches()
        twice = twice or not _exclude_each_other(branches)
        for predicate, rest in branches:
            looked_up.setdefault(_in_a_pass(predicate), []).append(Candidate(candidate.number, rest))
    return Index(looked_up, tried, twice)


def _costs(bucket: Iterable[Candidate], possible: Mapping[str, int]) -> Cost:
    """What it costs to look up a predicate, beside the others that the bucket's conditions have."""
    operands: dict[tuple[str, checked.Value], set[checked.Scalar]] = defaultdict(set)
    for condition in {id(one.condition): one.condition for one in bucket}.values():
        for found in predicates(condition) if condition is not None else ():
            operands[_in_a_pass(found).subject[:2]].add(found.operand)

    def cost(predicate: Predicate) -> float:
        method, value, _ = predicate.subject
        asked = len(operands[_in_a_pass(predicate).subject[:2]])
        if method == CONTAINS and asked < MIN_PASS:
            return inf
        fixed = possible.get(value.name) if isinstance(value, checked.FieldValue) else None
        return WEIGHTS[method] / (fixed or max(asked, LEAST_VALUES))

    return cost


def _in_a_pass(predicate: Predicate) -> Predicate:
    """Plain texts are looked for in the same pass as expressions."""
    subject, operand = predicate
    if subject.method != CONTAINS:
        return predicate
    return Predicate(subject._replace(method=MATCHES), re.escape(str(operand)))


def _exclude_each_other(branches: Sequence[Branch]) -> bool:
    """Whether no event finds more than one of some branches: a value equals only one of several."""
    if len(branches) < 2:  # noqa: PLR2004 - a branch excludes itself
        return True
    subjects = {branch.predicate.subject for branch in branches}
    operands = {branch.predicate.operand for branch in branches}
    return len(subjects) == 1 and len(operands) == len(branches) and all(one.method == EQUALS for one in subjects)
