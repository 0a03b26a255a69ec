"""A program in which some rules are others: for those who try many small changes, and compile only what is changed.

1. It does what the program of all its rules would do if they were compiled together.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rules_listener.event.event import Seen
from rules_listener.match.program import Bucket, Loaded


class _Placed(NamedTuple):
    """A trigger: of which rule, and which hit it is in the program that it comes from (0: the base, 1: the change)."""

    rule: int
    role: int
    source: int
    hit: int


def overlaid(base: Loaded, changed: Loaded, numbers: Sequence[int]) -> Loaded:
    """`base`, in which the rules with these numbers are those of `changed`, in their order."""
    rules = list(base.rules)
    for number, rule in zip(numbers, changed.rules, strict=True):
        rules[number] = rule
    kept = [_Placed(rule, role, 0, hit) for hit, (rule, role) in enumerate(base.triggers) if rule not in numbers]
    added = [_Placed(numbers[rule], role, 1, hit) for hit, (rule, role) in enumerate(changed.triggers)]
    order = sorted([*kept, *added], key=lambda one: (one.rule, one.hit))
    hits: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for place, one in enumerate(order):
        hits[one.source][one.hit] = place
    triggers = tuple((one.rule, one.role) for one in order)
    kinds = {*base.buckets, *changed.buckets}
    buckets = {kind: _both(base.buckets.get(kind), changed.buckets.get(kind), *hits) for kind in kinds}
    return base._replace(rules=tuple(rules), triggers=triggers, buckets=buckets)


def _both(base: Bucket | None, changed: Bucket | None, kept: dict[int, int], added: dict[int, int]) -> Bucket:
    """What an event pulls of both, by the numbers that triggers have in the whole."""

    def bucket(event: Seen) -> list[int]:
        found = [kept[hit] for hit in base(event) if hit in kept] if base is not None else []
        return found + [added[hit] for hit in changed(event)] if changed is not None else found

    return bucket
