"""How deeply something is nested, and what names it uses: what walks over nodes recurses, and so has to know.

Nothing here recurses.
"""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from rules_listener.lang import nodes

MAX_DEPTH = 200
"""How deeply expressions may be nested."""

Definition = nodes.Let | nodes.EventDefinition


def depth(node: nodes.Node, depths: Mapping[str, float]) -> float:
    """How many levels an expression or a selector has; a name has one more than what it stands for."""
    deepest = 0.0
    for level, part in _levels(node):
        below = depths.get(part.name, 0) if isinstance(part, nodes.Name) else 0
        deepest = max(deepest, level + 1 + below)
    return deepest


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
    names = [part for _, part in _levels(defined(definition)) if isinstance(part, nodes.Name)]
    return {name.name: name for name in names if name.name in definitions}


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
