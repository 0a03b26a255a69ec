"""What a rule waits for and can never come: the S of `then S`, `without S` and `until S` (RL408).

1. S only counts where it has the key of what was selected. It never comes if no event of S can have that key, since it
   lacks a field that the selected events have, or has other values of it; or if its condition is never true. Who has
   the same `process` has the same `groupname` and `processname`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rules_listener.base.diagnostics import Diagnostic, warning
from rules_listener.event.catalogue import Kind
from rules_listener.lang import checked, nodes
from rules_listener.lang.domain import MISSING, Domain
from rules_listener.lang.overlaps import Stated
from rules_listener.lang.reasoning import NAMES, Situation, Situations
from rules_listener.lang.reasons import has_no, quoted
from rules_listener.lang.selections import Selections, fired

_NEVER_EMPTY = ("process", "processname", "groupname")
"""Fields that are no empty text where they are there (`supervisor/datatypes.py: process_or_group_name`)."""

_NAMES = tuple(checked.FieldValue(name, Kind.TEXT) for name in NAMES)
"""What is the same in two events whose `process` is the same."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """An S: which clause it belongs to, which events it selects, and the events with whose key it must agree."""

    clause: str
    selector: nodes.Selector
    arms: tuple[checked.Arm, ...]
    selected: Situations
    consequence: str


def awaited(one: Stated) -> Iterator[Awaited]:
    """What a rule waits for after an event that it selects."""
    node, pattern = one.node.pattern, one.rule.pattern
    fires_at = one.fired
    if node is not None and node.selector is not None and pattern is not None:
        outcome = "so this rule never fires" if pattern.kind == "then" else "so this rule fires each time"
        yield Awaited(pattern.kind, node.selector, pattern.arms, one.fired, outcome)
        fires_at = fired(pattern.arms) if pattern.kind == "then" else fires_at
    for action_node, action in zip(one.node.actions, one.rule.actions, strict=True):
        until = action_node.until if isinstance(action_node, nodes.Alert) else None
        if until is not None and action.until is not None:
            yield Awaited("until", until.selector, action.until.arms, fires_at, "so this alert never closes")


def never_comes(one: Stated, selections: Selections) -> list[Diagnostic]:
    """What is wrong with the events for which a rule waits."""
    return [found for waits in awaited(one) for found in _examined(waits, one.rule.keys, selections)]


def _examined(waits: Awaited, keys: tuple[checked.FieldValue, ...], selections: Selections) -> list[Diagnostic]:
    inner = Selections(selections.definitions, selections.hopeless_names)
    inner.selector(waits.selector, waits.consequence)
    comes = fired(waits.arms)
    if not comes:
        return _hopeless(waits, inner.found)
    label = _no_key_in_common(waits.selected, comes, keys)
    if not waits.selected or not label:
        return inner.found
    message = f"`{waits.clause} {quoted(waits.selector)[1:]} never comes: it never has the key of what was selected"
    key = ", ".join(key.name for key in keys)
    notes = (waits.consequence, f"kept per {key}; `per` names other fields, `overall` is one for all")
    found = warning("RL408", message, waits.selector.span, label, *notes)
    return [found, *inner.found]


def _hopeless(waits: Awaited, found: list[Diagnostic]) -> list[Diagnostic]:
    """That S has a condition that is never true, at the part that is to blame where one is."""
    if not found:
        message = f"`{waits.clause} {quoted(waits.selector)[1:]} never comes: its condition is never true"
        found = [warning("RL408", message, waits.selector.span, "", waits.consequence)]
    first, *others = found
    return [replace(first, code="RL408", message=f"`{waits.clause}` waits in vain: {first.message}"), *others]


def _no_key_in_common(selected: Situations, comes: Situations, keys: tuple[checked.FieldValue, ...]) -> str:
    """Why no event of the one kind has the key of one of the other; empty if one may."""
    for key in keys:
        if not any(_may_agree(key, first, second) for first in selected for second in comes):
            if all(second.domain(key).kinds == {MISSING} for second in comes):
                return has_no(list(dict.fromkeys(situation.type for situation in comes)), key.name)
            return f"`{key.name}` is never the same"
    return ""


def _may_agree(key: checked.FieldValue, first: Situation, second: Situation) -> bool:
    """Whether a field can be the same part of a key in two events; what is missing is the same as an empty text."""
    domains = first.domain(key), second.domain(key)
    if all(_may_be_blank(key.name, domain) for domain in domains):
        return True
    implied = _NAMES if key.name == "process" else ()
    return _may_be_equal(*domains) and all(_may_be_equal(first.domain(name), second.domain(name)) for name in implied)


def _may_be_equal(first: Domain, second: Domain) -> bool:
    if first.kinds == {MISSING} or second.kinds == {MISSING}:
        return False
    if first.only is None or second.only is None:
        return True
    return not {str(value) for value in first.only}.isdisjoint(str(value) for value in second.only)


def _may_be_blank(name: str, domain: Domain) -> bool:
    if MISSING in domain.kinds or name in _NEVER_EMPTY:
        return MISSING in domain.kinds
    return Kind.TEXT in domain.kinds and (domain.only is None or "" in domain.only)
