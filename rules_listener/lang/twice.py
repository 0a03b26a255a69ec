"""Channels that are named twice in one place (RL410)."""

from collections.abc import Iterable, Iterator

from rules_listener.base.diagnostics import Diagnostic, warning
from rules_listener.lang import nodes


def channels_named_twice(statements: Iterable[nodes.Statement]) -> list[Diagnostic]:
    """A warning for each channel that stands twice after one `to`."""
    found = []
    for names in (names for statement in statements for names in _channels(statement)):
        first = dict[str, nodes.Name]()
        for name in names:
            if first.setdefault(name.name, name) is not name:
                message = f"the channel `{name.name}` is named twice here"
                found.append(warning("RL410", message, name.span, "each alert goes there once"))
    return found


def _channels(statement: nodes.Statement) -> Iterator[tuple[nodes.Name, ...]]:
    match statement:
        case nodes.Rule():
            yield from (action.channels for action in statement.actions if isinstance(action, nodes.Alert))
        case nodes.Route():
            yield from (statement.channels, statement.otherwise)
