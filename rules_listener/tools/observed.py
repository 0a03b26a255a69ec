"""What rules make of an event, observed at the engine that the listener runs: conditions, memory, alerts.

1. Observing changes nothing: the alerts are those of a dry run that nobody looks at.
2. What deadlines have done before the event is kept apart from what the event does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rules_listener.event.catalogue import CATALOGUE, LISTENER_PREFIX
from rules_listener.event.event import Event, Seen
from rules_listener.lang.parts import Arms, Parted, PartedRule
from rules_listener.match.firing import Rule
from rules_listener.match.memory import Memory, remembered
from rules_listener.match.program import Loaded
from rules_listener.match.traces import Traced, TracedArm, looks_at, trace_arms, type_of
from rules_listener.outbox.alert import Alert
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.routed import Decided, deciding


class Asked(NamedTuple):
    """How a selector took an event: its arms that are about events of the type, or all if none is."""

    arms: tuple[TracedArm, ...]
    is_of_type: bool

    @property
    def truth(self) -> bool:
        """Whether the event is selected."""
        return self.is_of_type and any(arm.truth is True for arm in self.arms)

    @property
    def nearest(self) -> TracedArm | None:
        """The arm of which the fewest operands would have to come out differently."""
        return min(self.arms, key=lambda arm: len(arm.obstacles), default=None)

    @property
    def obstacles(self) -> tuple[Traced, ...]:
        """The fewest operands that would have to come out differently."""
        return self.nearest.obstacles if self.nearest is not None else ()

    @property
    def shown(self) -> tuple[TracedArm, ...]:
        """The arms of the event's type; of others, the nearest."""
        return self.arms if self.is_of_type or self.nearest is None else (self.nearest,)


@dataclass(frozen=True, slots=True)
class Observation:
    """One rule and one event: how what it selects and waits for took it, what is remembered, what came of it.

    `until` has an action's number and what closes its alert. `decided` are the routes and mutes that decided about its
    alerts. `is_own` says that the rule is not asked, since the event is of the listener's own group.
    """

    event: Event
    parted: PartedRule
    rule: Rule
    selected: Asked
    second: Asked | None
    until: tuple[tuple[int, Asked], ...]
    before: Memory
    after: Memory
    alerts: tuple[Alert, ...]
    decided: tuple[Decided, ...] = ()
    is_own: bool = False

    @property
    def key(self) -> str:
        """The key of the event, by which the rule keeps what it remembers."""
        return self.rule.key(self.event)

    @property
    def asked(self) -> list[Asked]:
        """All that was asked of the event."""
        second = [] if self.second is None else [self.second]
        return [self.selected, *second, *(asked for _, asked in self.until)]

    @property
    def place(self) -> str:
        """Where the rule stands."""
        return (self.parted.node.name or self.parted.node.selector).span.place

    @property
    def looks(self) -> bool:
        """Whether the rule looks at events of this type."""
        return any(asked.is_of_type for asked in self.asked)

    @property
    def is_concerned(self) -> bool:
        """Whether the event is something to the rule."""
        return not self.is_own and any(asked.truth for asked in self.asked)

    @property
    def distance(self) -> tuple[bool, bool, int, int]:
        """How far the rule is from selecting the event; the less, the nearer.

        A type of the same family is nearer than others; what is unknown only, such as a field that the type lacks, is
        nearer than what is false.
        """
        is_akin = family(self.event.type) in {family(name) for arm in self.parted.selected for name in arm.types}
        obstacles = self.selected.obstacles
        wrong = sum(traced.truth is not None for traced in obstacles)
        return not self.selected.is_of_type, not is_akin, wrong, len(obstacles)


def family(name: str) -> str | None:
    """The abstract type above a type of event."""
    return CATALOGUE[name].parent if name in CATALOGUE else None


MOST_NEAR = 5
"""How many rules are shown that look at an event and do not select it."""

MOST_AKIN = 2
"""How many are shown that would have to look at it."""


class Observed(NamedTuple):
    """An event, and what each rule made of it.

    `meanwhile` is what deadlines have done since the event before it.
    """

    event: Event
    meanwhile: tuple[Alert, ...]
    rules: tuple[Observation, ...]

    @property
    def keys(self) -> set[tuple[str, str]]:
        """The rules that look at it, by their names, and its key for each of them."""
        return {(one.rule.name, one.key) for one in self.rules if one.looks}


def shown_rules(observed: Observed, names: Sequence[str]) -> tuple[list[Observation], int]:
    """The rules that are shown for an event, the nearest first, and how many others look at it.

    Those that are named, whatever they make of it; else those to which it is something, and the nearest of the others
    that look at it. If none looks at it, the nearest are those that would select it if it were of another type.
    """
    if names:
        return [one for one in observed.rules if one.rule.name in names], 0
    concerned = [one for one in observed.rules if one.is_concerned]
    others = sorted((one for one in observed.rules if one.looks and not one.is_concerned), key=lambda one: one.distance)
    if concerned or others:
        return [*concerned, *others[:MOST_NEAR]], max(len(others) - MOST_NEAR, 0)
    return sorted(observed.rules, key=lambda one: one.distance)[:MOST_AKIN], 0


class Observer:
    """Feeds events into a dry run of some rules, and looks at those that are asked about."""

    def __init__(self, parted: Parted, program: Loaded, default_channels: Sequence[str], own_group: str = "") -> None:
        self.rules = parted.rules
        self._routing = parted.routing
        self.own_group = own_group
        self._program = program
        self._run = DryRun(program, default_channels, own_group)

    def own_group_is(self, group: str) -> None:
        """The listener that got the events belongs to this group."""
        self.own_group = self._run.engine.own_group = group

    def pass_over(self, event: Seen) -> list[Alert]:
        """Feed an event that nobody asks about: the alerts up to it, and its own."""
        return self._run.feed(event)

    def advance(self, time: float) -> list[Alert]:
        """The alerts of all deadlines up to `time`."""
        return self._run.advance(time)

    def meanwhile(self, event: Seen) -> list[Alert]:
        """The alerts of all deadlines before an event, which is then to be fed."""
        if event.type.startswith(LISTENER_PREFIX):
            return []
        return self._run.alerts(self._run.engine.let_pass(event))

    def observe(self, event: Event) -> Observed:
        """Feed an event, and say what each rule makes of it."""
        meanwhile = self.meanwhile(event)
        before = self._run.engine.dump()
        alerts = self._run.feed(event)
        meanwhile += [alert for alert in alerts if alert.event is not event]
        caused = [alert for alert in alerts if alert.event is event]
        after = self._run.engine.dump()
        pairs = zip(self.rules, self._program.rules, strict=True)
        rules = tuple(self._observation(event, *pair, before, after, caused) for pair in pairs)
        return Observed(event, tuple(meanwhile), rules)

    def _observation(  # noqa: PLR0913, PLR0917 - all that is to be seen
        self,
        event: Event,
        parted: PartedRule,
        rule: Rule,
        before: dict[str, Any],
        after: dict[str, Any],
        alerts: Sequence[Alert],
    ) -> Observation:
        own = tuple(alert for alert in alerts if alert.rule == rule.name)
        return Observation(
            event,
            parted,
            rule,
            _ask(parted.selected, event),
            _ask(parted.second, event) if parted.second else None,
            tuple((number, _ask(arms, event)) for number, arms in enumerate(parted.untils) if arms),
            remembered(before, rule, event),
            remembered(after, rule, event),
            own,
            tuple(deciding(self._routing, parted.rule, own)),
            is_own=self._is_own(event, rule),
        )

    def _is_own(self, event: Event, rule: Rule) -> bool:
        group = event.groupname
        return bool(self.own_group) and group == self.own_group and self.own_group not in rule.groups


def _ask(arms: Arms, event: Event) -> Asked:
    is_of_type = looks_at(arms, event)
    asked = [arm for arm in arms if type_of(event) in arm.types] if is_of_type else arms
    return Asked(tuple(trace_arms(asked, event)), is_of_type)
