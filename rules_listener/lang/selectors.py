"""What selectors select: arms of concrete types, each under its condition.

1. A definition that is wrong is reported where it stands; what uses it keeps quiet about it.
2. What is too large to be looked at, names counted as what they mean, is reported instead (RL106).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from math import inf

from rules_listener.base.diagnostics import Diagnostic, suggestion
from rules_listener.event.catalogue import CATALOGUE, UNLISTED, concrete_types
from rules_listener.lang import checked, nodes
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.nesting import MAX_DEPTH, MAX_SIZE, Definition, Extent
from rules_listener.lang.scope import Scope


@dataclass(slots=True)
class Definitions:
    """What `let` and `event` statements define, and the extent of each.

    None stands for a definition that is wrong: its use is no error.
    """

    lets: dict[str, nodes.Let | None] = field(default_factory=dict)
    events: dict[str, nodes.EventDefinition | None] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)

    def right(self) -> dict[str, Definition]:
        """Those that are not known to be wrong."""
        both: dict[str, Definition | None] = {**self.events, **self.lets}
        return {name: definition for name, definition in both.items() if definition is not None}

    def forget(self, name: str) -> None:
        """Note that a definition is wrong."""
        for kind in (self.lets, self.events):
            if name in kind:
                kind[name] = None


def too_large(node: nodes.Node, found: Extent) -> list[Diagnostic]:
    """What there is to say of a node of this extent: nothing if it was said before, where a name is defined."""
    if found.levels > MAX_DEPTH:
        message = f"this is nested more than {MAX_DEPTH} levels deep, once names stand for what they mean"
    else:
        message = f"this has more than {MAX_SIZE} parts, once names stand for what they mean"
    return [] if found.levels == inf else [Diagnostic("RL106", message, node.span)]


class SelectorChecker:
    """Looks up what selectors select. `wrong` says that a condition was, and is left out."""

    def __init__(self, definitions: Definitions, found: list[Diagnostic]) -> None:
        self.definitions = definitions
        self.found = found
        self.wrong = False

    def arms(self, selector: nodes.Selector) -> tuple[checked.Arm, ...] | None:
        """What the selector selects; None if that is not known."""
        arms = [self._selected(node) for node in selector.selected]
        present = tuple(chain.from_iterable(arm for arm in arms if arm is not None))
        if any(arm is None for arm in arms):
            return None
        if selector.condition is None:
            return present
        scope = Scope(types_of(present), shown_names(selector))
        condition = ExpressionChecker(scope, self.definitions.lets, self.found).condition(selector.condition)
        if condition is None:
            self.wrong = True
            return present
        return tuple(checked.Arm(arm.types, _both(arm.condition, condition)) for arm in present)

    def _selected(self, node: nodes.Name | nodes.Selector) -> tuple[checked.Arm, ...] | None:
        if isinstance(node, nodes.Selector):
            return self.arms(node)
        if node.name in CATALOGUE:
            types = tuple(event_type.name for event_type in concrete_types(node.name))
            return (checked.Arm((*types, UNLISTED) if node.name == "EVENT" else types, None),)
        if node.name not in self.definitions.events:
            self._report_unknown(node)
            return None
        event = self.definitions.events[node.name]
        return None if event is None else self.arms(event.selector)

    def _report_unknown(self, node: nodes.Name) -> None:
        known = [*CATALOGUE, *self.definitions.events]
        label = suggestion(node.name, known) or _full_name(node.name) or suggestion(node.name.upper(), known)
        message = f"there is no event `{node.name}`"
        if node.name in self.definitions.lets:
            message, label = f"`{node.name}` is a value, no event", "events are named with `event`"
        self.found.append(Diagnostic("RL202", message, node.span, label))


def _full_name(name: str) -> str:
    """A label that proposes the type whose name ends with a word, as EXITED; empty if there is none."""
    full = next((known for known in CATALOGUE if known.endswith(f"_{name.upper()}")), "")
    return f"did you mean `{full}`?" if full else ""


def types_of(arms: Iterable[checked.Arm]) -> tuple[str, ...]:
    """All types that some arms select, each once."""
    return tuple(dict.fromkeys(chain.from_iterable(arm.types for arm in arms)))


def shown_names(selector: nodes.Selector) -> tuple[str, ...]:
    """How a selector names what it selects."""
    parts = [(node.name,) if isinstance(node, nodes.Name) else shown_names(node) for node in selector.selected]
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


def _both(first: checked.Condition | None, second: checked.Condition) -> checked.Condition:
    return second if first is None else checked.AllOf((first, second))
