"""How deep and how large something is, and what names it uses: what walks over nodes recurses, and so has to know.

Nothing here recurses.
"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from math import inf
from typing import NamedTuple

from rules_listener.lang import nodes

MAX_DEPTH = 200
"""How deeply expressions may be nested."""

MAX_SIZE = 20_000
"""Of how many parts an expression may consist, once names stand for what they mean."""

Definition = nodes.Let | nodes.EventDefinition


class Extent(NamedTuple):
    """How deep and how large something is, once names stand for what they mean."""

    levels: float
    size: float

    @property
    def fits(self) -> bool:
        """Whether it can be checked and compiled."""
        return self.levels <= MAX_DEPTH and self.size <= MAX_SIZE


ENDLESS = Extent(inf, inf)
"""What does not fit, and was reported."""


def extent(node: nodes.Node, known: Mapping[str, Extent]) -> Extent:
    """The extent of an expression or a selector; a name has one level and one part more than what it stands for."""
    levels, size = 0.0, 0.0
    for level, part in _levels(node):
        below = known.get(part.name) if isinstance(part, nodes.Name) else None
        if below is not None:
            levels, size = max(levels, level + 1 + below.levels), size + below.size
        elif level >= levels:
            levels = level + 1
        size += 1
    return Extent(levels, size)


def defined(definition: Definition) -> nodes.Expression | nodes.Selector:
    """What a definition's name stands for."""
    return definition.value if isinstance(definition, nodes.Let) else definition.selector


def in_order_of_use(definitions: Mapping[str, Definition]) -> tuple[list[Definition], list[nodes.Name]]:
    """Definitions, each after those that it uses; and from each circle the use that closes it.

    The definitions to which those uses lead are left out of the order.
    """
    uses = {name: _uses(definition, definitions) for name, definition in definitions.items()}
    closing: list[nodes.Name] = []
    while True:
        try:
            return [definitions[name] for name in TopologicalSorter(uses).static_order()], closing
        except CycleError as error:
            circle: list[str] = error.args[1]
            name = next(name for name in uses if name in circle)
            closing.append(uses[circle[circle.index(name) + 1]][name])
            del uses[name]
            for used in uses.values():
                used.pop(name, None)


def _uses(definition: Definition, definitions: Mapping[str, Definition]) -> dict[str, nodes.Name]:
    return {name.name: name for name in names_in(defined(definition)) if name.name in definitions}


def names_in(node: nodes.Node) -> list[nodes.Name]:
    """All names in an expression or a selector."""
    return [part for _, part in _levels(node) if isinstance(part, nodes.Name)]


def _levels(node: nodes.Node) -> Iterator[tuple[int, nodes.Node]]:
    """A node and all its parts, with the number of levels above each; a condition is on its selector's level."""
    waiting = [(0, node)]
    while waiting:
        level, part = waiting.pop()
        yield level, part
        waiting += [(level + 1, inner) for inner in _parts(part)]
        if isinstance(part, nodes.Selector) and part.condition is not None:
            waiting.append((level, part.condition))


def _parts(node: nodes.Node) -> tuple[nodes.Node, ...]:
    match node:
        case nodes.Name() | nodes.Text() | nodes.Number():
            return ()  # most parts are such: they come first
        case nodes.Selector():
            return node.selected
        case nodes.Not():
            return (node.operand,)
        case nodes.And() | nodes.Or():
            return node.operands
        case nodes.Compare():
            return (node.left, node.right)
        case nodes.In():
            return (node.item, node.container)
        case nodes.Call():
            return node.arguments
        case nodes.ListOf():
            return node.items
    return ()
