"""Which parts of conditions are not true of an event, in words: with the values that the event has.

Whether a part is true is answered by the code that the listener runs, compiled for each of them.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Kind
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.lang.functions import truncate
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.match.runtime import MISSING

LONGEST_VALUE = 60

_NOT = {"==": "!=", "=~": "!~"}


def conjuncts(condition: checked.Condition | None) -> list[checked.Condition]:
    """The parts of a condition that all have to be true."""
    match condition:
        case None:
            return []
        case checked.AllOf():
            return [part for operand in condition.operands for part in conjuncts(operand)]
    return [condition]


class ConditionParts:
    """The conjuncts of the conditions of some arms."""

    def __init__(self, arms: Sequence[checked.Arm], surroundings: Mapping[str, Callable[..., object]]) -> None:
        types = tuple({name for arm in arms for name in arm.types})
        self._parts = list(dict.fromkeys(part for arm in arms for part in conjuncts(arm.condition)))
        asked = [one for part in self._parts for one in (part, checked.Negation(part))]
        rules = tuple(checked.Rule("", (checked.Arm(types, one),), ()) for one in asked)
        values = {spell_value(value): (value,) for part in self._parts for value in _values(part)}
        self._loaded = load(compile_rules(checked.RuleSet(rules), values), surroundings)

    def not_true(self, arm: checked.Arm, event: Event) -> list[str]:
        """What of an arm's condition is not true of an event of its types."""
        bucket = self._loaded.buckets.get(event.type if event.type in CATALOGUE else UNLISTED)
        answers = {self._loaded.triggers[hit][0] for hit in (bucket(event) if bucket else ())}
        places = [self._parts.index(part) for part in conjuncts(arm.condition)]
        return [
            self._sentence(self._parts[place], event, is_false=2 * place + 1 in answers)
            for place in places
            if 2 * place not in answers
        ]

    def _sentence(self, part: checked.Condition, event: Event, *, is_false: bool) -> str:
        named = _named_values(part).items()
        values = ", ".join(f"{name} is {self._value(name, kind, event)}" for name, kind in named)
        return f"`{spell(part)}` is {'false' if is_false else 'unknown'}{f' ({values})' if values else ''}"

    def _value(self, name: str, kind: Kind, event: Event) -> str:
        text = self._loaded.templates[name](event, {})
        if text == MISSING:
            return "missing"
        return json.dumps(truncate(text, LONGEST_VALUE), ensure_ascii=False) if kind is Kind.TEXT else text


def _named_values(condition: checked.Condition) -> dict[str, Kind]:
    return {spell_value(value): value.kind for value in _values(condition)}


def _values(condition: checked.Condition) -> Iterator[checked.Value]:
    """What a condition looks at, but for constants."""
    match condition:
        case checked.AllOf() | checked.AnyOf():
            for operand in condition.operands:
                yield from _values(operand)
        case checked.Negation():
            yield from _values(condition.operand)
        case checked.Comparison():
            yield from (side for side in (condition.left, condition.right) if not isinstance(side, checked.Constant))
        case checked.Member():
            yield condition.item
        case checked.Present() | checked.Truth():
            yield condition.value


def spell(condition: checked.Condition) -> str:
    """A condition in the words of the language."""
    match condition:
        case checked.AllOf():
            return " and ".join(map(_in_parentheses, condition.operands))
        case checked.AnyOf():
            return " or ".join(map(_in_parentheses, condition.operands))
        case checked.Negation():
            return _spell_not(condition.operand)
        case checked.Comparison():
            return _spell_comparison(condition, condition.operator)
        case checked.Member():
            return _spell_member(condition, "in")
        case checked.Present():
            return f"{spell_value(condition.value)} != null"
        case checked.Truth():
            return spell_value(condition.value)


def _spell_not(condition: checked.Condition) -> str:
    match condition:
        case checked.Comparison() if condition.operator in _NOT:
            return _spell_comparison(condition, _NOT[condition.operator])
        case checked.Member():
            return _spell_member(condition, "not in")
        case checked.Present():
            return f"{spell_value(condition.value)} == null"
    return f"not {_in_parentheses(condition)}"


def _in_parentheses(condition: checked.Condition) -> str:
    spelled = spell(condition)
    return f"({spelled})" if isinstance(condition, checked.AllOf | checked.AnyOf) else spelled


def _spell_comparison(condition: checked.Comparison, operator: str) -> str:
    return f"{spell_value(condition.left)} {operator} {spell_value(condition.right)}"


def _spell_member(condition: checked.Member, operator: str) -> str:
    constants = ", ".join(map(spell_value, condition.constants))
    return f"{spell_value(condition.item)} {operator} [{constants}]"


def spell_value(value: checked.Value) -> str:
    """A value in the words of the language."""
    match value:
        case checked.Constant():
            return json.dumps(value.value, ensure_ascii=False)
        case checked.FieldValue():
            return value.name
        case checked.Given():
            return f'env("{value.name}")' if value.origin == "env" else value.name
        case checked.Apply():
            return f"{value.function}({', '.join(map(spell_value, value.arguments))})"
