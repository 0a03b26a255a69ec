"""Small changes of rules, one at a time: what tests have to notice, if they are to say that a condition is right.

1. An operand is a part of a condition that is neither `and`, `or` nor `not`. That of a named condition is the name
   where it is used; what the name stands for has operands of its own, where it is defined.
2. A change replaces one node of one statement. It may be one that the checks refuse, and is none then.
3. Constants that are written where values are compared are moved: a number by a tenth of it, whole ones by one at
   least; a text into another one. Patterns of `=~` and `like`, and what functions are told, are left alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from rules_listener.base.source import Span
from rules_listener.lang import nodes
from rules_listener.lang.literals import quote, spell_number
from rules_listener.lang.unused import users


class Kind(StrEnum):
    """What a change makes of an operand, or of a constant."""

    NEVER = "always false"
    ALWAYS = "always true"
    NEGATED = "the opposite"
    MOVED = "another one"


@dataclass(frozen=True, slots=True)
class Change:
    """What stands in the place of a node, and how it would be written."""

    kind: Kind
    node: nodes.Expression
    text: str


@dataclass(frozen=True, slots=True)
class Changeable:
    """An operand of a condition or a constant, in the statement that it is part of, and its changes."""

    statement: nodes.Statement
    node: nodes.Expression
    changes: tuple[Change, ...]

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.node.span

    @property
    def is_operand(self) -> bool:
        """Whether it is true or false; else it is a constant."""
        return any(change.kind is Kind.NEVER for change in self.changes)


def changeables(statements: Iterable[nodes.Statement]) -> list[Changeable]:
    """All that can be changed in the conditions of some statements, in their order."""
    return [found for statement in statements for found in _of_statement(statement)]


def changed(statements: Iterable[nodes.Statement], one: Changeable, change: Change) -> list[nodes.Statement]:
    """Some statements, with one change if it is about one of them."""
    return [_replaced(found, one.node, change.node) if found is one.statement else found for found in statements]


def affected(statements: Sequence[nodes.Statement], one: Changeable) -> list[nodes.Statement]:
    """The rules, routes and mutes whose meaning a change touches."""
    if isinstance(one.statement, nodes.Let | nodes.EventDefinition):
        return users(one.statement.name.name, statements)
    return [one.statement]


def _replaced(found: Any, old: nodes.Node, new: nodes.Node) -> Any:
    """Something with one node in the place of another one; what does not hold that one is the same object."""
    if found is old:
        return new
    if isinstance(found, tuple):
        items = tuple(_replaced(item, old, new) for item in found)
        return items if any(item is not other for item, other in zip(items, found, strict=True)) else found
    if not isinstance(found, nodes.Node):
        return found
    inner = {field.name: getattr(found, field.name) for field in fields(found)}
    other = {name: _replaced(value, old, new) for name, value in inner.items()}
    return found if all(other[name] is value for name, value in inner.items()) else replace(found, **other)


def _of_statement(statement: nodes.Statement) -> Iterator[Changeable]:
    if isinstance(statement, nodes.Let):
        yield from _of_definition(statement, statement.value)
    if isinstance(statement, nodes.Route | nodes.Mute) and statement.condition is not None:
        yield from _of_condition(statement, statement.condition)
    for selector in _selectors(statement):
        if selector.condition is not None:
            yield from _of_condition(statement, selector.condition)


def _selectors(found: Any) -> Iterator[nodes.Selector]:
    """All selectors within something, in the order of the text."""
    if isinstance(found, nodes.Selector):
        yield from _selectors(found.selected)
        yield found
    elif isinstance(found, tuple):
        for item in found:
            yield from _selectors(item)
    elif isinstance(found, nodes.Node):
        for field in fields(found):
            yield from _selectors(getattr(found, field.name))


_CONDITIONS = nodes.And | nodes.Or | nodes.Not | nodes.Compare | nodes.In


def _of_definition(statement: nodes.Let, value: nodes.Expression) -> Iterator[Changeable]:
    """What can be changed in what a name stands for, be it a condition or a value."""
    if isinstance(value, _CONDITIONS) or (isinstance(value, nodes.Call) and value.function.name == "has"):
        yield from _of_condition(statement, value)
    else:
        yield from _constants(statement, value.items if isinstance(value, nodes.ListOf) else (value,))


def _of_condition(statement: nodes.Statement, node: nodes.Expression) -> Iterator[Changeable]:
    match node:
        case nodes.And() | nodes.Or():
            for operand in node.operands:
                yield from _of_condition(statement, operand)
        case nodes.Not():
            yield from _of_condition(statement, node.operand)
        case nodes.Constant():
            return
        case _:
            yield Changeable(statement, node, tuple(_changes(node)))
            yield from _constants(statement, _compared(node))


def _written(span: Span) -> str:
    """What stands there, to the letter: spaces in a string matter."""
    return span.source.text[span.start : span.end]


def _changes(node: nodes.Expression) -> Iterator[Change]:
    for kind, value in ((Kind.NEVER, False), (Kind.ALWAYS, True)):
        yield Change(kind, nodes.Constant(node.span, value), str(value).lower())
    written = node.span.source.text[node.span.start : node.span.end]
    yield Change(Kind.NEGATED, nodes.Not(node.span, node), f"not ({written})")


_MOVABLE = ("==", "!=", "<", "<=", ">", ">=", "contains", "startswith", "endswith")


def _compared(node: nodes.Expression) -> tuple[nodes.Expression, ...]:
    """What is written out and compared with something."""
    match node:
        case nodes.Compare() if node.operator in _MOVABLE:
            return (node.left, node.right)
        case nodes.In(container=nodes.ListOf(items=items)):
            return items
    return ()


def _constants(statement: nodes.Statement, found: Iterable[nodes.Expression]) -> Iterator[Changeable]:
    for node in found:
        changes = tuple(_moved(node))
        if changes:
            yield Changeable(statement, node, changes)


def _moved(node: nodes.Expression) -> Iterator[Change]:
    match node:
        case nodes.Text():
            other = f"{node.value}~"
            yield Change(Kind.MOVED, replace(node, value=other), quote(other))
        case nodes.Number():
            step = abs(node.value) / 10
            step = max(round(step), 1) if isinstance(node.value, int) else step or 1.0
            for number in (node.value + step, node.value - step):
                yield Change(Kind.MOVED, replace(node, value=number), spell_number(number))
