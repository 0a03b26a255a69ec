"""Conditions that are always true or never: the smallest part that is to blame.

In come the nodes of a condition and what they mean (an `and` of nodes is an AllOf of as many operands, and so on); out
come diagnostics RL404 and RL405.

1. Only what decides counts: a part is looked at in those situations alone in which the parts before it leave the answer
   open. To write `true` for what RL404 reports, or `false` for what RL405 does, never changes which events get through.
2. A named condition is made for many places: that it changes nothing in one of them is no mistake. That it is never
   true there is one, and is reported where the name is used.
"""

from collections.abc import Collection

from rules_listener.base.diagnostics import Diagnostic, warning
from rules_listener.lang import checked, nodes
from rules_listener.lang.reasoning import Outcome, Situations, assume, takes_all
from rules_listener.lang.reasons import Context, quoted, why


def examine(
    node: nodes.Expression,
    condition: checked.Condition,
    selected: Situations,
    hopeless_names: Collection[str] = (),
    consequence: str = "",
) -> list[Diagnostic]:
    """What is always true or never in a condition on selected events.

    `hopeless_names` are definitions that are never true, wherever they are used, and are reported there. `consequence`
    says what follows if the whole condition is never true.
    """
    examiner = _Examiner(hopeless_names, consequence if not assume(condition, Outcome.TRUE, selected) else "")
    if selected:
        examiner.part(node, condition, Outcome.TRUE, Context(selected, selected))
    return examiner.found


class _Examiner:
    """Looks at the parts of one condition. `wanted` is the outcome of a part that can let an event through."""

    def __init__(self, hopeless_names: Collection[str], consequence: str) -> None:
        self.hopeless_names = hopeless_names
        self.consequence = consequence
        self.found: list[Diagnostic] = []

    def part(self, node: nodes.Expression, condition: checked.Condition, wanted: Outcome, context: Context) -> None:
        """Report what is wrong with a part, or with the parts that it consists of."""
        node, condition, wanted = _without_nots(node, condition, wanted)
        if context.excludes(condition, wanted):
            self._hopeless(node, condition, wanted, context)
        elif context.excludes(condition, wanted.otherwise):
            self._idle(node, condition, wanted, context)
        else:
            outcome = wanted if takes_all(condition, wanted) else wanted.otherwise
            for inner, operand in _operands(node, condition):
                self.part(inner, operand, wanted, context)
                context = context.after(inner, operand, outcome)

    def _hopeless(
        self, node: nodes.Expression, condition: checked.Condition, wanted: Outcome, context: Context
    ) -> None:
        """Find the part because of which a condition never has the wanted outcome."""
        node, condition, wanted = _without_nots(node, condition, wanted)
        for inner, operand in _operands(node, condition) if takes_all(condition, wanted) else ():
            if context.excludes(operand, wanted):
                self._hopeless(inner, operand, wanted, context)
                return
            context = context.after(inner, operand, wanted)
        if not (isinstance(node, nodes.Name) and node.name in self.hopeless_names):
            self._report(node, condition, wanted, context, self.consequence)

    def _idle(self, node: nodes.Expression, condition: checked.Condition, wanted: Outcome, context: Context) -> None:
        """Find the part because of which a condition always has the wanted outcome."""
        node, condition, wanted = _without_nots(node, condition, wanted)
        for inner, operand in () if takes_all(condition, wanted) else _operands(node, condition):
            if context.excludes(operand, wanted.otherwise):
                self._idle(inner, operand, wanted, context)
                return
        if not isinstance(node, nodes.Name):
            note = "" if checked.named_processes(condition) else "leaving it out changes nothing"
            self._report(node, condition, wanted.otherwise, context, note)

    def _report(
        self, node: nodes.Expression, condition: checked.Condition, never: Outcome, context: Context, note: str
    ) -> None:
        """Report a part that never has an outcome."""
        match never:
            case Outcome.TRUE:
                code, said = "RL405", "can never be true"
            case Outcome.NOT_FALSE:
                code, said = "RL405", "is always false"
            case Outcome.FALSE if not context.excludes(condition, Outcome.NOT_TRUE):
                code, said = "RL404", "can never be false"
            case _:
                code, said = "RL404", "is always true"
        message = f"{quoted(node)} {said} here"
        label = why(condition, never, context)
        self.found.append(warning(code, message, node.span, label, *filter(None, [note])))


Part = tuple[nodes.Expression, checked.Condition]


def _without_nots(
    node: nodes.Expression, condition: checked.Condition, wanted: Outcome
) -> tuple[nodes.Expression, checked.Condition, Outcome]:
    while isinstance(node, nodes.Not) and isinstance(condition, checked.Negation):
        node, condition, wanted = node.operand, condition.operand, wanted.negated
    return node, condition, wanted


def _operands(node: nodes.Expression, condition: checked.Condition) -> list[Part]:
    """The parts that an `and` or `or` joins; none of anything else, also of a name that stands for one."""
    if isinstance(node, nodes.And | nodes.Or) and isinstance(condition, checked.AllOf | checked.AnyOf):
        return list(zip(node.operands, condition.operands, strict=True))
    return []
