"""Why a condition never has an outcome, in a few words for the person who wrote it.

A reason is found by asking again with less known: what already follows from the type of event is said of the type, what
needs one other part of the condition is said of that part.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rules_listener.event.catalogue import UNLISTED
from rules_listener.lang import checked, nodes
from rules_listener.lang.checked import subexpressions
from rules_listener.lang.domain import MISSING, Domain
from rules_listener.lang.reasoning import NAMES, Outcome, Situations, assume, field_domain, situations

LONGEST_QUOTE = 60
"""Characters of a part of a condition that is quoted."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """A part of the condition that was looked at before, and what it must have come to."""

    node: nodes.Expression
    condition: checked.Condition
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Context:
    """Where a part of a condition stands: the situations in which it matters, and those before any of the condition."""

    selected: Situations
    here: Situations
    assumed: tuple[Assumption, ...] = ()

    def after(self, node: nodes.Expression, condition: checked.Condition, outcome: Outcome) -> "Context":
        """The context of what comes next, if it only matters where `condition` has an outcome."""
        more = (*self.assumed, Assumption(node, condition, outcome))
        return replace(self, here=assume(condition, outcome, self.here), assumed=more)

    def excludes(self, condition: checked.Condition, outcome: Outcome) -> bool:
        """Whether a condition never has an outcome here."""
        return not assume(condition, outcome, self.here)


def quoted(node: nodes.Node) -> str:
    """What stands in the file, on one line and not too long of it."""
    text = node.span.text
    return f"`{text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + '…'}`"


def why(condition: checked.Condition, never: Outcome, context: Context) -> str:
    """Why a condition never has an outcome in a context; empty if there is nothing to say beyond that."""
    types = list(dict.fromkeys(situation.type for situation in context.here))
    if not assume(condition, never, situations(types)):
        return _by_type(condition, types)
    for assumption in reversed(context.assumed):
        if not assume(condition, never, assume(assumption.condition, assumption.outcome, situations(types))):
            return f"asked only where {quoted(assumption.node)} is {assumption.outcome.value}"
    if not assume(condition, never, [one for one in context.selected if one.type in types]):
        return "by what the selected events mean"
    return "together with what stands before it"


def _by_type(condition: checked.Condition, types: Sequence[str]) -> str:
    """What the types of event say about the values of a condition."""
    parts = list(subexpressions(condition))
    asks_whether_there = isinstance(_without_negations(condition), checked.Present)
    for name in dict.fromkeys(part.name for part in parts if isinstance(part, checked.FieldValue)):
        domains = {kind: field_domain(kind, name) for kind in types}
        if all(domain.kinds == {MISSING} for domain in domains.values()):
            return has_no(types, name)
        if asks_whether_there:
            return f"{_these(types)} always {'has' if len(types) == 1 else 'have'} `{name}`"
        if said := _always(name, domains) or _no_colon(name, parts):
            return said
    return _whatever_the_type(condition, parts)


def _without_negations(condition: checked.Condition) -> checked.Condition:
    while isinstance(condition, checked.Negation):
        condition = condition.operand
    return condition


def _whatever_the_type(condition: checked.Condition, parts: Sequence[checked.Expression]) -> str:
    if not any(isinstance(part, checked.FieldValue | checked.Given) for part in parts):
        return "it does not depend on the event"
    if isinstance(condition, checked.AnyOf):
        return "one side of the `or` always is"
    if any(isinstance(part, checked.Apply) and part.function == "len" for part in parts):
        return "a text has 0 characters or more"
    return ""


def has_no(types: Sequence[str], name: str) -> str:
    """That events of some types lack a field."""
    return f"{_these(types)} {'has' if len(types) == 1 else 'have'} no `{name}`"


def _always(name: str, domains: dict[str, Domain]) -> str:
    """What a field always is, if its values are known."""
    present = {kind: domain for kind, domain in domains.items() if domain.kinds != {MISSING}}
    known = [domain.only for domain in present.values()]
    if any(only is None for only in known):
        return ""
    values = sorted({str(value) for only in known for value in only or ()})
    return f"`{name}` of {_these(list(present))} is always {_listed(values, 'or')}"


def _no_colon(name: str, parts: Iterable[checked.Expression]) -> str:
    """That a name has no colon, if one is written out: `process` has it."""
    constants = [part for part in parts if isinstance(part, checked.Constant)]
    constants += [one for part in parts if isinstance(part, checked.Member) for one in part.constants]
    has_colon = any(":" in str(constant.value) for constant in constants)
    return f"`{name}` never has a colon; did you mean `process`?" if name in NAMES and has_colon else ""


FEW = 2
"""Of how many types the names are said."""


def _these(types: Sequence[str]) -> str:
    return "these events" if len(types) > FEW or UNLISTED in types else _listed(types, "and")


def _listed(words: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
