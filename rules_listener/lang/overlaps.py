"""Rules beside one another: what one of them does already (RL402, RL403), and what none of them sees (RL407).

1. All files count together.
2. A rule is covered only if it is certain: whenever it fires, the other one does too, and both do the same.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rules_listener.base.diagnostics import Diagnostic, warning
from rules_listener.base.source import Span
from rules_listener.lang import checked, nodes
from rules_listener.lang.reasoning import Outcome, Situation, Situations, assume
from rules_listener.lang.selections import can_be_assumed, fired


@dataclass(frozen=True, slots=True)
class Stated:
    """A rule with its place in a file, the situations in which one event makes it fire, and the processes it names."""

    node: nodes.Rule
    rule: checked.Rule
    fired: Situations
    named: frozenset[checked.Scalar]

    @property
    def span(self) -> Span:
        """Where to point to."""
        return (self.node.name or self.node.selector).span

    @property
    def shown(self) -> str:
        """How to name it."""
        return f"`{self.rule.name}` ({self.span.place})" if self.node.name else self.span.place


def stated(rule_nodes: Iterable[nodes.Rule], rules: Iterable[checked.Rule]) -> list[Stated]:
    """The rules of all files, each with what it means."""
    return [Stated(node, rule, fired(rule.arms), _named(rule)) for node, rule in zip(rule_nodes, rules, strict=True)]


# rules that do what others do


def repeated(rules: Sequence[Stated]) -> list[Diagnostic]:
    """Rules that mean the same as an earlier one, or that fire only where another one does the same."""
    first = dict[str, Stated]()
    found = []
    for one in rules:
        earlier = first.setdefault(one.rule.meaning, one)
        if earlier is not one:
            message = f"this rule means the same as {earlier.shown}"
            found.append(warning("RL402", message, one.span, "all that it does is done twice"))
    return found + _covered(list(first.values()))


def _covered(rules: Sequence[Stated]) -> list[Diagnostic]:
    """Rules that fire only where another one of them does, which does the same."""
    by_deed = dict[object, list[Stated]]()
    for one in rules:
        is_plain = one.rule.pattern is None and not any(map(_has_clauses, one.rule.actions))
        if is_plain and all(can_be_assumed(arm.condition) for arm in one.rule.arms):
            by_deed.setdefault(one.rule.actions, []).append(one)
    return [found for group in by_deed.values() if len(group) > 1 for found in _covered_in(group)]


def _has_clauses(action: checked.Action) -> bool:
    """Whether what an alert does depends on what was before."""
    return bool(action.until or action.remind or action.at_most)


def _covered_in(group: Sequence[Stated]) -> list[Diagnostic]:
    """Likewise, of rules that all do the same; of two that cover each other, the later one is reported."""
    lookup = _Lookup(group)
    found = []
    for number, one in enumerate(group):
        for other in lookup.may_cover(one.fired):
            if other == number or not _covers(group[other], one):
                continue
            if other < number or not _covers(one, group[other]):
                message = f"whenever this rule fires, {group[other].shown} fires too and does the same"
                found.append(warning("RL403", message, one.span, "all that it does is done twice"))
                break
    return found


def _covers(rule: Stated, other: Stated) -> bool:
    """Whether a rule fires whenever another one does, which can fire at all.

    The listener's own events come only to those rules that name it: if the other one names more, it may be one of them.
    """
    if not other.fired or not other.named <= rule.named:
        return False
    return all(_fires(rule.rule, situation) for situation in other.fired)


def _named(rule: checked.Rule) -> frozenset[checked.Scalar]:
    """The names with which a rule compares that of a process or a group."""
    return frozenset(name for arm in rule.arms if arm.condition for name in checked.named_processes(arm.condition))


def _fires(rule: checked.Rule, situation: Situation) -> bool:
    left: Situations = [situation]
    for arm in rule.arms:
        if situation.type in arm.types:
            left = assume(arm.condition, Outcome.NOT_TRUE, left)
    return not left


MOST_COMPARED = 50
"""With how many others a rule is compared, where nothing tells at a glance that they can't cover it."""


class _Lookup:
    """Finds the rules of a group that may cover one: those that ask for no value that it is not known to have."""

    def __init__(self, group: Sequence[Stated]) -> None:
        self._others: list[int] = []
        self._by_value: dict[tuple[str, checked.Scalar], list[int]] = {}
        asked = [_asked(one.fired) for one in group]
        pairs = {(spelling, value) for values in asked for spelling, found in values.items() for value in found}
        spread = Counter(spelling for spelling, _ in pairs)
        for number, values in enumerate(asked):
            if not values:
                self._others.append(number)
                continue
            spelling = max(values, key=lambda spelling: (spread[spelling], spelling))
            for value in values[spelling]:
                self._by_value.setdefault((spelling, value), []).append(number)

    def may_cover(self, fired_in: Situations) -> list[int]:
        """The numbers of the rules to compare with, in order."""
        known = fired_in[0].domains if fired_in else {}
        keys = [(spelling, next(iter(domain.only))) for spelling, domain in known.items() if domain.only]
        found = {number for key in keys for number in self._by_value.get(key, ())}
        return sorted({*found, *self._others})[:MOST_COMPARED]


def _asked(fired_in: Situations) -> dict[str, set[checked.Scalar]]:
    """The values, by canonical spelling, that are known in each of some situations, with all that they are there."""
    asked: dict[str, set[checked.Scalar]] = {}
    for spelling in fired_in[0].domains if fired_in else ():
        known = [one.domains[spelling].only if spelling in one.domains else None for one in fired_in]
        if all(known):
            asked[spelling] = {value for only in known for value in only or ()}
    return asked


# rules that do not see all that they seem to be about

EXITED, BACKOFF, GAVE_UP = "PROCESS_STATE_EXITED", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_FATAL"
_SAME_PROCESS = ("field.processname", "field.groupname", "field.process", "field.server", "host.", "env.")


def blind_to_backoff(rules: Sequence[Stated]) -> list[Diagnostic]:
    """Rules about programs that crash after they were up, where no rule is about the same programs before they are."""
    found = []
    seeing = [one.rule for one in rules if any(situation.type == BACKOFF for situation in one.fired)]
    for one in rules:
        crashes = [situation for situation in one.fired if situation.type == EXITED]
        if _is_blind(one) and not any(_sees_backoff(rule, crashes) for rule in seeing):
            message = "this rule misses programs that crash before they are up"
            label = "within `startsecs` of its start, a program goes to BACKOFF and never sends EXITED"
            note = "`crashed` selects both"
            found.append(warning("RL407", message, _selected_exit(one.node), label, note))
    return found


def _is_blind(one: Stated) -> bool:
    """Whether a rule is about unexpected exits, and neither about BACKOFF nor about what comes of it.

    One that selects BACKOFF in vain is none: that is another warning (RL406).
    """
    is_absence = one.rule.pattern is not None and one.rule.pattern.kind == "no"
    if is_absence or any(arm.types == (BACKOFF,) for arm in one.rule.arms):
        return False
    expected = [situation.domains.get("field.expected") for situation in one.fired if situation.type == EXITED]
    seen = {situation.type for situation in one.fired}
    return (
        bool(expected)
        and all(domain is not None and domain.only == frozenset([0]) for domain in expected)
        and not {BACKOFF, GAVE_UP} & seen
    )


def _sees_backoff(rule: checked.Rule, crashes: Situations) -> bool:
    """Whether a rule may fire on BACKOFF of a process with whose crashes another one is concerned."""
    for crash in crashes:
        process = {spelling: domain for spelling, domain in crash.domains.items() if spelling.startswith(_SAME_PROCESS)}
        for arm in (arm for arm in rule.arms if BACKOFF in arm.types):
            if not can_be_assumed(arm.condition) or assume(arm.condition, Outcome.TRUE, [Situation(BACKOFF, process)]):
                return True
    return False


def _selected_exit(rule: nodes.Rule) -> Span:
    """Where a rule names EXITED, if it does so itself."""
    names = [node for node in rule.selector.selected if isinstance(node, nodes.Name)]
    return next((name.span for name in names if name.name == EXITED), rule.selector.span)
