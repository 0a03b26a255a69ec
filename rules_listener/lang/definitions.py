"""What `let` and `event` statements define, those of the prelude included.

1. A name has one meaning in all files together, and a definition that is wrong is reported once.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.base.source import Source, Span
from rules_listener.lang import nodes
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.nesting import ENDLESS, Definition, defined, extent, in_order_of_use
from rules_listener.lang.parse import parse
from rules_listener.lang.scope import EVERYTHING, RESERVED
from rules_listener.lang.selectors import Definitions, SelectorChecker, too_large


@cache
def _prelude() -> tuple[nodes.EventDefinition, ...]:
    text = files("rules_listener.lang").joinpath("prelude.rules").read_text(encoding="utf-8")
    statements = parse(Source("prelude.rules", text)).statements
    return tuple(statement for statement in statements if isinstance(statement, nodes.EventDefinition))


def define(statements: Iterable[nodes.Statement], broken: set[str], found: list[Diagnostic]) -> Definitions:
    """The definitions of all statements. `broken` are names whose definition could not be parsed."""
    definitions = Definitions(dict.fromkeys(broken), {statement.name.name: statement for statement in _prelude()})
    definitions.events |= dict.fromkeys(broken)
    first = dict[str, Span]()
    for statement in statements:
        if not isinstance(statement, Definition) or not _is_free(statement.name, first, found):
            continue
        if isinstance(statement, nodes.Let):
            definitions.lets[statement.name.name] = statement
            definitions.events.pop(statement.name.name, None)
        else:
            definitions.events[statement.name.name] = statement
    _check_definitions(definitions, found)
    return definitions


def _is_free(name: nodes.Name, first: dict[str, Span], found: list[Diagnostic]) -> bool:
    if name.name in RESERVED:
        found.append(taken(name, "it is a field, a type of event or a word of the language"))
        return False
    earlier = first.setdefault(name.name, name.span)
    if earlier is not name.span:
        found.append(taken(name, f"it is first defined at {earlier.place}"))
        return False
    return True


def _check_definitions(definitions: Definitions, found: list[Diagnostic]) -> None:
    """Find what is wrong with a definition, before those that use it, so that they can keep quiet about it."""
    ordered, closing = in_order_of_use(definitions.right())
    for use in closing:
        found.append(Diagnostic("RL204", f"`{use.name}` is defined by itself", use.span))
        definitions.forget(use.name)
    for definition in ordered:
        found_extent = extent(defined(definition), definitions.extents)
        definitions.extents[definition.name.name] = found_extent if found_extent.fits else ENDLESS
        here = _mistakes(definition, definitions) if found_extent.fits else too_large(definition.name, found_extent)
        if here or not found_extent.fits:
            definitions.forget(definition.name.name)
            found += here


def _mistakes(definition: Definition, definitions: Definitions) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    match definition:
        case nodes.EventDefinition():
            SelectorChecker(definitions, found).arms(definition.selector)
        case nodes.Let() if _is_list(definition.value, definitions.lets):
            ExpressionChecker(EVERYTHING, definitions.lets, found).items(definition.value)
        case nodes.Let():
            ExpressionChecker(EVERYTHING, definitions.lets, found).expression(definition.value)
    return found


def _is_list(node: nodes.Expression, lets: Mapping[str, nodes.Let | None]) -> bool:
    while isinstance(node, nodes.Name) and (let := lets.get(node.name)) is not None:
        node = let.value
    return isinstance(node, nodes.ListOf)


def taken(name: nodes.Name, label: str) -> Diagnostic:
    """What to say of a name that means something already."""
    return Diagnostic("RL203", f"the name `{name.name}` is already taken", name.span, label)
