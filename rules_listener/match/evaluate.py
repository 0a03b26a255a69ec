"""What conditions come to for one event, in the plainest way: a walk over the checked form.

1. It says what the generated code says (`codegen`), with which it shares nothing but the builtins and RE2.
2. None is unknown, and a missing value. Nothing here raises, for any event.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rules_listener.event.catalogue import CATALOGUE, HEADER_FIELDS, Kind, fields_of
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.match.firing import Values
from rules_listener.match.globs import glob_test
from rules_listener.match.lookup import found, utf8
from rules_listener.match.runtime import NAMESPACE, boolean_of, number_of, same, text_of

_HEADER = {field.name for field in HEADER_FIELDS}
_OF_KIND = {Kind.TEXT: text_of, Kind.NUMBER: number_of, Kind.BOOLEAN: boolean_of}
NOTHING: Values = {}


class Evaluator:
    """Answers for one event. `given` is what a firing gives; `surroundings` are as for `load` of `match/program.py`."""

    def __init__(
        self, event: Event, given: Values = NOTHING, surroundings: Mapping[str, Callable[..., object]] | None = None
    ) -> None:
        self.event = event
        self.given = given
        self._names = {**NAMESPACE, **(surroundings or {})}

    # conditions

    def truth(self, condition: checked.Condition) -> bool | None:
        """Whether a condition is true."""
        match condition:
            case checked.Negation():
                operand = self.truth(condition.operand)
                return None if operand is None else not operand
            case checked.AllOf():
                answers = [self.truth(operand) for operand in condition.operands]
                return False if False in answers else None if None in answers else True
            case checked.AnyOf():
                answers = [self.truth(operand) for operand in condition.operands]
                return True if True in answers else None if None in answers else False
            case checked.Present():
                return self.value(condition.value) is not None
            case checked.Truth():
                return boolean_of(self.value(condition.value))
            case checked.Member():
                return self._member(condition)
            case checked.Comparison():
                return self._comparison(condition)

    def _member(self, condition: checked.Member) -> bool | None:
        if not condition.constants:
            return None if self.value(condition.item) is None else False
        item = self._of_kind(condition.item, condition.constants[0].kind)
        return None if item is None else any(item == constant.value for constant in condition.constants)

    def _comparison(self, condition: checked.Comparison) -> bool | None:
        """What an operator says about two values; of different kinds, nothing."""
        left, right = condition.left, condition.right
        if left.kind is Kind.ANY and right.kind is Kind.ANY and condition.operator == "==":
            return same(self.value(left), self.value(right))
        kind = next((kind for kind in (left.kind, right.kind) if kind is not Kind.ANY), Kind.TEXT)
        first, second = self._of_kind(left, kind), self._of_kind(right, kind)
        return None if first is None or second is None else self.compare(condition.operator, first, second)

    def compare(self, operator: str, left: Any, right: Any) -> bool:
        """What an operator says about two values of one kind that are there."""
        match operator:
            case "==" | "equals":
                return bool(left == right)
            case "=~" | "regex":
                return found(right, utf8(left))
            case "like":
                method, text = glob_test(right)
                return self.compare(method, left, text)
            case "contains":
                return right in left
            case "startswith":
                return bool(left.startswith(right))
            case "endswith":
                return bool(left.endswith(right))
        order: int = (left > right) - (left < right)
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]

    # values

    def value(self, value: checked.Value) -> object:
        """What a value is for the event."""
        match value:
            case checked.Constant():
                return value.value
            case checked.FieldValue():
                return self._field(value.name)
            case checked.Given(origin="values"):
                return self.given.get(value.name)
            case checked.Given():
                return self._names[value.origin](value.name)
            case checked.Apply():
                first, *rest = value.arguments
                text = text_of(self.value(first))
                return None if text is None else self._names[value.function](text, *map(self.value, rest))

    def _of_kind(self, value: checked.Value, kind: Kind) -> object:
        found_value = self.value(value)
        return _OF_KIND[kind](found_value) if kind in _OF_KIND else found_value

    def _field(self, name: str) -> object:
        """A field, its derived forms included; None where the event's type lacks it."""
        event = self.event
        if event.type in CATALOGUE and name not in fields_of(CATALOGUE[event.type]):
            return None
        derived = {"data": event.data, "time": event.time, "process": event.process, "eventname": event.type}
        if name in derived:
            return derived[name]
        return event.header.get(name) if name in _HEADER else event.fields.get(name)
