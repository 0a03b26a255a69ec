"""Conditions that look for many things in one text: one pass over it finds all of them.

1. What is looked for is written out in the condition. A pass finds plain texts and regular expressions alike.
2. With few searches, one after the other costs less, and most conditions are decided before they have made all of them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rules_listener.lang import checked

MANY_SEARCHES = 8
"""From how many searches on they are made in one pass."""


class Search(NamedTuple):
    """What is looked for, as a regular expression, in a value."""

    value: checked.Value
    pattern: str


def search_of(condition: checked.Condition) -> Search | None:
    """The search that a condition without operands is; None if it is none."""
    match condition:
        case checked.Comparison(operator="contains", right=checked.Constant(value=str(text))) if text:
            return Search(condition.left, re.escape(text))
        case checked.Comparison(operator="=~", right=checked.Constant(value=str(pattern))):
            return Search(condition.left, pattern)
    return None


def many_searches(condition: checked.Condition) -> Mapping[checked.Value, tuple[str, ...]]:
    """By each value in which a condition looks for many things, these things."""
    found: dict[checked.Value, dict[str, None]] = {}
    for value, pattern in _searches(condition):
        found.setdefault(value, {})[pattern] = None
    return {value: tuple(patterns) for value, patterns in found.items() if len(patterns) >= MANY_SEARCHES}


def _searches(condition: checked.Condition) -> Iterator[Search]:
    for part in checked.subexpressions(condition):
        if isinstance(part, checked.Comparison) and (found := search_of(part)) is not None:
            yield found
