"""What selectors select in vain: conditions that are always true or never (RL404, RL405), events for nothing (RL406).

1. A definition is looked at where it stands, for whatever it may be used; its uses are not blamed for it.
2. A condition that is not small (`reasoning.is_small`) is not looked into, nor is what stands under it.
"""

from collections.abc import Iterable
from itertools import chain

from rules_listener.base.diagnostics import Diagnostic, warning
from rules_listener.event.catalogue import CATALOGUE, UNLISTED, concrete_types
from rules_listener.lang import checked, nodes
from rules_listener.lang.conditions import examine
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.reasoning import Outcome, Situation, Situations, assume, is_small, situations
from rules_listener.lang.reasons import quoted
from rules_listener.lang.scope import EVERYTHING, Scope
from rules_listener.lang.selectors import Definitions, SelectorChecker, shown_names, types_of


class Selections:
    """Looks at selectors and definitions, which pass the checks.

    `hopeless_names` are those definitions that are never true, wherever they are used.
    """

    def __init__(self, definitions: Definitions, hopeless_names: Iterable[str] = ()) -> None:
        self.definitions = definitions
        self.hopeless_names = set(hopeless_names)
        self.found: list[Diagnostic] = []

    def value(self, let: nodes.Let) -> None:
        """Look at a definition that may be a condition; those that it uses have been looked at."""
        condition = ExpressionChecker(EVERYTHING, self.definitions.lets, []).expression(let.value)
        if condition is None or isinstance(condition, checked.Value) or not is_small(condition):
            return
        anything = situations((*EVERYTHING.types, UNLISTED))
        self.found += examine(let.value, condition, anything, self.hopeless_names)
        if not assume(condition, Outcome.TRUE, anything):
            self.hopeless_names.add(let.name.name)

    def selector(self, selector: nodes.Selector, consequence: str) -> None:
        """Look at a selector; `consequence` says what follows if it selects nothing."""
        for node in selector.selected:
            if isinstance(node, nodes.Selector):
                self.selector(node, consequence if len(selector.selected) == 1 else "")
        self.found += _selected_twice(selector.selected)
        if selector.condition is not None:
            self._under_condition(selector, selector.condition, consequence)

    def _under_condition(self, selector: nodes.Selector, where: nodes.Expression, consequence: str) -> None:
        arms = [self.arms(node) for node in selector.selected]
        scope = Scope(types_of(chain.from_iterable(arms)), shown_names(selector))
        condition = ExpressionChecker(scope, self.definitions.lets, []).condition(where)
        if condition is None or not is_small(condition):
            return
        selected = [fired(some) for some in arms]
        everything = list(chain.from_iterable(selected))
        self.found += examine(where, condition, everything, self.hopeless_names, consequence)
        if assume(condition, Outcome.TRUE, everything):
            for node, part in zip(selector.selected, selected, strict=True):
                if part and not assume(condition, Outcome.TRUE, part):
                    self.found.append(_in_vain(node, examine(where, condition, part)))

    def arms(self, node: nodes.Name | nodes.Selector) -> tuple[checked.Arm, ...]:
        """What a selector selects, or what is named in one."""
        selector = node if isinstance(node, nodes.Selector) else nodes.Selector(node.span, (node,), None)
        return SelectorChecker(self.definitions, []).arms(selector) or ()


def fired(arms: Iterable[checked.Arm]) -> Situations:
    """The situations in which one of some arms lets an event through."""
    found: list[Situation] = []
    for arm in arms:
        selected = situations(arm.types)
        found += assume(arm.condition, Outcome.TRUE, selected) if can_be_assumed(arm.condition) else selected
    return found


def can_be_assumed(condition: checked.Condition | None) -> bool:
    """Whether an arm's condition is small enough to be reasoned about."""
    return condition is None or is_small(condition)


def _in_vain(node: nodes.Name | nodes.Selector, reasons: list[Diagnostic]) -> Diagnostic:
    """That a part of a selector never fulfils the condition; `reasons` are what is wrong with the condition for it."""
    label = reasons[0].label if reasons else ""
    note = "a condition is about all events before it; to give one its own, write: (EVENT where …), EVENT"
    message = f"{quoted(node)} is selected in vain: the condition is never true of it"
    return warning("RL406", message, node.span, label, note)


def _selected_twice(selected: Iterable[nodes.Name | nodes.Selector]) -> list[Diagnostic]:
    """Types of event that another one beside them selects too."""
    types = [node for node in selected if isinstance(node, nodes.Name) and node.name in CATALOGUE]
    found = []
    for number, node in enumerate(types):
        others = [*types[:number], *(later for later in types[number + 1 :] if later.name != node.name)]
        over = [other.name for other in others if {*concrete_types(node.name)} <= {*concrete_types(other.name)}]
        if over:
            label = f"`{over[0]}` selects it too"
            message = f"`{node.name}` is selected twice"
            found.append(warning("RL406", message, node.span, label))
    return found
