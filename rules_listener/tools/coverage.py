"""Which parts of rules tests depend on: what they would notice if it were different.

1. An operand is seen to decide as true if a test fails once it is always false, and as false if one fails once it is
   always true; in either case one has to fail, too, once it is the opposite. A constant is seen if a test fails each
   time it is moved. So any of these changes to what counts as covered makes a test fail.
2. Only tests that pass without a change can notice one.
3. A rule is seen to fire if something of it was sent, its alert to close and to be sent again if that was sent, and its
   limit if it held something back.
4. What several files of tests look at counts as covered if one of them notices.
5. Of rule files that no test names nothing is covered.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rules_listener.base.diagnostics import has_errors
from rules_listener.lang import checked, nodes
from rules_listener.lang.changes import Change, Changeable, Kind, affected, changeables, changed
from rules_listener.lang.check import check
from rules_listener.lang.nesting import Definition
from rules_listener.lang.parse import Parsed
from rules_listener.match.clauses import limit_reason
from rules_listener.outbox.alert import Alert


class Changed(NamedTuple):
    """What a change makes of rules: those with these numbers are others; None: all of them may be, routes included."""

    rules: checked.RuleSet
    numbers: tuple[int, ...] | None


Notices = Callable[[Changed], bool]
"""Whether a test fails with a change."""

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class CoveredPart:
    """An operand or a constant, and the changes to it that no test notices."""

    part: Changeable
    unnoticed: tuple[Change, ...]

    @property
    def wanted(self) -> int:
        """How much there is to be covered: both ways of an operand, a constant once."""
        return 2 if self.part.is_operand else 1

    @property
    def covered(self) -> int:
        """How much of it is covered."""
        kinds = {change.kind for change in self.unnoticed}
        return 0 if kinds & {Kind.NEGATED, Kind.MOVED} else self.wanted - len(kinds)


@dataclass(slots=True)
class CoveredRule:
    """A rule: what of it can be seen to happen, and whether it was."""

    rule: checked.Rule
    node: nodes.Rule
    seen: dict[str, bool]


@dataclass(slots=True)
class Coverage:
    """What tests notice, put together from several sets of rules; each is `add`ed with its tests.

    `unnamed` are rule files that no test names.
    """

    parts: dict[Place, CoveredPart] = field(default_factory=dict)
    rules: dict[Place, CoveredRule] = field(default_factory=dict)
    unnamed: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> int:
        """How much there is to be covered."""
        return sum(part.wanted for part in self.parts.values()) + sum(len(rule.seen) for rule in self.rules.values())

    @property
    def covered(self) -> int:
        """How much of it is covered."""
        seen = sum(sum(rule.seen.values()) for rule in self.rules.values())
        return sum(part.covered for part in self.parts.values()) + seen

    @property
    def percent(self) -> float:
        """How much of it, of a hundred, to a tenth, and 100 only if it is all; that is so where there is nothing."""
        if self.covered == self.wanted:
            return 100.0
        return min(round(100 * self.covered / self.wanted, 1), 99.9)

    def is_at_least(self, percent: float) -> bool:
        """Whether so much of a hundred is covered, without rounding."""
        return 100 * self.covered >= percent * self.wanted

    def add(self, parsed: Sequence[Parsed], rules: checked.RuleSet, alerts: Iterable[Alert], notices: Notices) -> None:
        """Take in what the tests of some rules notice; `alerts` are all that came in those that pass."""
        statements = [statement for file in parsed for statement in file.statements]
        self._add_rules([one for one in statements if isinstance(one, nodes.Rule)], rules, list(alerts))
        for part in changeables(statements):
            known = self.parts.get(place_of(part.node))
            changes = part.changes if known is None else known.unnoticed
            unnoticed = _unnoticed(statements, part, changes, notices)
            if unnoticed is not None:
                self.parts[place_of(part.node)] = CoveredPart(part, unnoticed)

    def _add_rules(self, rule_nodes: Sequence[nodes.Rule], rules: checked.RuleSet, alerts: Sequence[Alert]) -> None:
        for node, rule in zip(rule_nodes, rules.rules, strict=True):
            known = self.rules.setdefault(place_of(node), CoveredRule(rule, node, dict.fromkeys(_wanted(rule), False)))
            known.seen |= dict.fromkeys(_happened(rule, alerts), True)


def place_of(node: nodes.Node) -> Place:
    """Where a node stands, however its file is named."""
    return os.path.realpath(node.span.source.name), node.span.start, node.span.end


def _unnoticed(
    statements: Sequence[nodes.Statement], part: Changeable, changes: Iterable[Change], notices: Notices
) -> tuple[Change, ...] | None:
    """The changes that no test notices; None if all are refused by the checks."""
    touched = affected(statements, part)
    possible = [
        (change, found) for change in changes if (found := _changed(statements, touched, part, change)) is not None
    ]
    if not possible and not part.is_operand:
        return None
    return tuple(change for change, found in possible if not notices(found))


def _changed(
    statements: Sequence[nodes.Statement], touched: Sequence[nodes.Statement], part: Changeable, change: Change
) -> Changed | None:
    """What a change makes of rules: only those that it touches are looked at again, if it touches nothing else."""
    is_local = all(isinstance(one, nodes.Rule) for one in touched)
    kept = [one for one in statements if isinstance(one, Definition) or _is_one_of(one, touched)]
    file = Parsed(part.span.source, changed(kept if is_local else statements, part, change))
    rules, found = check([file])
    if has_errors(found):
        return None
    rule_nodes = [one for one in statements if isinstance(one, nodes.Rule)]
    numbers = tuple(number for number, one in enumerate(rule_nodes) if _is_one_of(one, touched))
    return Changed(rules, numbers if is_local else None)


def _is_one_of(statement: nodes.Statement, others: Iterable[nodes.Statement]) -> bool:
    return any(statement is other for other in others)


FIRED, CLOSED, REMINDED, LIMITED = "fired", "closed", "reminded", "held back"
_PHASES = {"firing": FIRED, "recovery": CLOSED, "reminder": REMINDED}


def _wanted(rule: checked.Rule) -> Iterator[str]:
    """What of a rule can be seen to happen."""
    yield FIRED
    if any(action.until for action in rule.actions):
        yield CLOSED
    if any(action.remind for action in rule.actions):
        yield REMINDED
    if any(action.at_most for action in rule.actions):
        yield LIMITED


def _happened(rule: checked.Rule, alerts: Iterable[Alert]) -> Iterator[str]:
    """What happened of a rule."""
    limits = {limit_reason(one.number, one.duration_s) for one in (action.at_most for action in rule.actions) if one}
    for alert in alerts:
        if alert.rule == rule.name and alert.held is None:
            yield _PHASES[alert.phase]
        elif alert.rule == rule.name and alert.held in limits:
            yield LIMITED
