"""Conditions in one form, so that what follows has few cases to look at.

1. The normal form means the same: it is true, false and unknown where the condition is.
2. Negations stand only before what is not composed; combinations of the same kind are one.
3. `like` is gone: it is `==`, `startswith`, `endswith`, `contains` or `=~`, and so is a regular expression that is no
   more than that. A list of one item is `==`.
"""

from collections.abc import Iterable, Iterator

from rules_listener.event.catalogue import Kind
from rules_listener.lang import checked
from rules_listener.match.globs import glob_test
from rules_listener.match.regexes import text_test

_TESTS = {"like": glob_test, "=~": text_test}


def normal(condition: checked.Condition) -> checked.Condition:
    """The normal form of a condition."""
    return _normal(condition, wanted=True)


def _normal(condition: checked.Condition, *, wanted: bool) -> checked.Condition:
    match condition:
        case checked.Negation():
            return _normal(condition.operand, wanted=not wanted)
        case checked.AllOf() | checked.AnyOf():
            operands = [_normal(operand, wanted=wanted) for operand in condition.operands]
            return all_of(operands) if isinstance(condition, checked.AllOf) == wanted else any_of(operands)
    simple = _simple(condition)
    return simple if wanted else checked.Negation(simple)


def _simple(condition: checked.Condition) -> checked.Condition:
    match condition:
        case checked.Comparison(operator="like" | "=~", right=checked.Constant(value=str(pattern))):
            method, text = _TESTS[condition.operator](pattern)
            operator = {"equals": "==", "regex": "=~"}.get(method, method)
            return checked.Comparison(operator, condition.left, checked.Constant(text, Kind.TEXT))
        case checked.Member(constants=(constant,)):
            return checked.Comparison("==", condition.item, constant)
    return condition


def all_of(conditions: Iterable[checked.Condition]) -> checked.Condition:
    """The conjunction of conditions in normal form, in normal form."""
    operands = tuple(dict.fromkeys(_flat(conditions, checked.AllOf)))
    return operands[0] if len(operands) == 1 else checked.AllOf(operands)


def any_of(conditions: Iterable[checked.Condition]) -> checked.Condition:
    """The disjunction of conditions in normal form, in normal form."""
    operands = tuple(dict.fromkeys(_flat(conditions, checked.AnyOf)))
    return operands[0] if len(operands) == 1 else checked.AnyOf(operands)


def _flat(
    conditions: Iterable[checked.Condition], kind: type[checked.AllOf | checked.AnyOf]
) -> Iterator[checked.Condition]:
    for condition in conditions:
        if isinstance(condition, checked.AllOf | checked.AnyOf) and isinstance(condition, kind):
            yield from condition.operands
        else:
            yield condition
