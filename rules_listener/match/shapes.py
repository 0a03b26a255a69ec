"""What is written for many rules at once: conditions and templates without their constants.

1. Rules that differ only in the constants that they compare with have one shape, and so one test; each brings its own
   constants along. What is the same in all of them can be left in the shape.
2. A shape filled with its constants is the condition again.
3. Where a condition looks for many things in one text, what it looks for belongs to its shape: see `searches`.
"""

from collections.abc import Container, Iterable
from typing import NamedTuple

from rules_listener.event.catalogue import Kind
from rules_listener.lang import checked
from rules_listener.match.searches import many_searches, search_of

Constants = tuple[object, ...]


class Shape(NamedTuple):
    """A condition in normal form in which `c0`, `c1`, … stand for constants, and the constants of one rule."""

    condition: checked.Condition
    constants: Constants


class _Holes:
    """Takes constants out, only those that are asked for by their numbers, and puts names in their places."""

    def __init__(self, asked: Container[int] | None, many: Container[checked.Value]) -> None:
        self.constants: list[object] = []
        self._many = many
        self._asked = asked
        self._number = -1

    def condition(self, condition: checked.Condition) -> checked.Condition:
        """The condition without the constants that stand alone on one side of a comparison."""
        match condition:
            case checked.AllOf():
                return checked.AllOf(tuple(map(self.condition, condition.operands)))
            case checked.AnyOf():
                return checked.AnyOf(tuple(map(self.condition, condition.operands)))
            case checked.Negation():
                return checked.Negation(self.condition(condition.operand))
            case checked.Comparison() if condition.left in self._many and search_of(condition) is not None:
                return condition
            case checked.Comparison():
                left, right = self._value(condition.left), self._value(condition.right)
                return checked.Comparison(condition.operator, left, right)
            case checked.Member() if condition.constants:
                constants = frozenset(constant.value for constant in condition.constants)
                hole = self._hole(constants, condition.constants[0].kind)
                return condition if hole is None else checked.Comparison("in", condition.item, hole)
        return condition

    def _value(self, value: checked.Value) -> checked.Value:
        if isinstance(value, checked.Constant) and value.kind is not Kind.BOOLEAN:
            return self._hole(value.value, value.kind) or value
        return value

    def _hole(self, constant: object, kind: Kind) -> checked.Given | None:
        self._number += 1
        if self._asked is not None and self._number not in self._asked:
            return None
        self.constants.append(constant)
        return checked.Given("constants", f"c{len(self.constants) - 1}", kind)


def shape_of(condition: checked.Condition, asked: Container[int] | None = None) -> Shape:
    """The shape of a condition in normal form; it keeps its constants but for those that are `asked` for, by number."""
    holes = _Holes(asked, many_searches(condition))
    found = holes.condition(condition)
    return Shape(found, tuple(holes.constants))


def that_differ(several: Iterable[Constants]) -> list[int]:
    """The numbers of those constants that are not the same in all rules of a shape."""
    return [
        number
        for number, found in enumerate(zip(*several, strict=True))
        if len({(type(constant), constant) for constant in found}) > 1
    ]
