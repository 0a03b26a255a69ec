"""Why a rule did not send what a test expects of it: which events came, and what was missing.

Everything is about what came up to the end of the test. Nothing is run again.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise

from rules_listener.event.event import Event
from rules_listener.lang.literals import spell_duration
from rules_listener.lang.parts import Arms, parted_rules
from rules_listener.match.firing import Pattern
from rules_listener.match.program import MAIN, SECOND, UNTIL, Loaded
from rules_listener.match.traces import trace_arms, type_of
from rules_listener.tools.expected import Expected
from rules_listener.tools.testfile import Suite
from rules_listener.tools.testrun import Ran
from rules_listener.tools.why import said_of

MOST_SAID = 3
"""So many events and parts of conditions are named."""


def why_not(suite: Suite, ran: Ran, expected: Expected) -> list[str]:
    """Sentences that say why an expected alert did not come; none if it does not say of which rule it is."""
    names = [rule.name for rule in suite.rules.checked.rules.rules]
    if suite.loaded is None or expected.rule not in names:
        return []
    reasons = _Reasons(suite, suite.loaded, ran, names.index(expected.rule))
    return list(dict.fromkeys(reasons.reasons(str(expected.facts.get("phase", "firing")))))


class _Reasons:
    """What can be said of one rule after a test."""

    def __init__(self, suite: Suite, loaded: Loaded, ran: Ran, number: int) -> None:
        self.suite = suite
        self.loaded = loaded
        self.ran = ran
        self.number = number
        self.parted = parted_rules(suite.rules.checked.parsed, suite.rules.checked.rules)[number]
        self.rule = loaded.rules[number]
        self.roles = [(event, self._roles(event)) for event in ran.events]
        """All events, with what they are to the rule."""

    def reasons(self, phase: str) -> Iterator[str]:
        """All that is to be said."""
        alerts = [one for one in self.ran.alerts if one.rule == self.rule.name]
        held = [one for one in alerts if one.held is not None]
        if held:
            yield from (f"held back at {self._at(one.time)}: {one.held}" for one in held[:MOST_SAID])
        elif phase != "firing":
            yield from self._not_again(phase, is_open=bool(alerts))
        elif alerts:
            yield f"it fired only at {', '.join(dict.fromkeys(self._at(one.time) for one in alerts))}"
        else:
            yield from self._not_fired()

    def _not_fired(self) -> Iterator[str]:
        selected = self._with(MAIN)
        pattern = self.rule.pattern
        if not selected and (pattern is None or pattern.kind != "no"):
            yield from self._not_selected(self.parted.selected)
        elif pattern is not None:
            yield from _PATTERNS[pattern.kind](self, pattern, selected)

    # events

    def _roles(self, event: Event) -> frozenset[int]:
        """What an event is to the rule."""
        bucket = self.loaded.buckets.get(type_of(event))
        pulled = (self.loaded.triggers[hit] for hit in (bucket(event) if bucket else ()))
        return frozenset(role for rule, role in pulled if rule == self.number)

    def _with(self, role: int) -> list[Event]:
        return [event for event, roles in self.roles if role in roles]

    def _at(self, time: float) -> str:
        return spell_duration(time - self.ran.start)

    def _named(self, event: Event) -> str:
        return f"{event.type}{f' of {event.process}' if event.process else ''} at {self._at(event.time)}"

    def _not_selected(self, arms: Arms) -> Iterator[str]:
        """Why no event was selected: none of the types, or what was not true of the nearest one."""
        tried = [(arm, event) for arm in arms for event, _ in self.roles if type_of(event) in arm.types]
        if not tried:
            yield f"no event of its types came: {' '.join(dict.fromkeys(name for arm in arms for name in arm.types))}"
            return
        traced = [(trace_arms([arm], event, self.suite.surroundings)[0].obstacles, event) for arm, event in tried]
        wrong, event = min(traced, key=lambda one: len(one[0]))
        if wrong:
            yield f"{self._named(event)} was not selected: {'; '.join(map(said_of, wrong[:MOST_SAID]))}"

    # what it waits for

    def counted(self, pattern: Pattern, selected: Sequence[Event]) -> Iterator[str]:
        """How far it counted."""
        is_of_values = pattern.of is not None
        of: Callable[[Event], object] = pattern.of or id
        windows: dict[str, list[Event]] = {}
        best, where = 0, ""
        for event in selected:
            key = self.rule.key(event)
            past = event.time - pattern.duration_s
            windows[key] = [*(one for one in windows.get(key, []) if one.time > past), event]
            number = len({of(one) for one in windows[key]} - {None})
            if number > best:
                best, where = number, f"at {self._at(event.time)}{f' for {key}' if key else ''}"
        noun = " different ones" if is_of_values else ""
        yield f"it counted {best} of {pattern.number}{noun} in {spell_duration(pattern.duration_s)}, {where}"

    def then(self, pattern: Pattern, selected: Sequence[Event]) -> Iterator[str]:
        """What did not follow, or too late."""
        within = spell_duration(pattern.duration_s)
        waits = [(second.time - one.time, second) for one in selected for second in self._seconds_of(one)]
        if waits:
            waited_s, second = min(waits, key=lambda one: one[0])
            yield f"{self._named(second)} came after {spell_duration(waited_s)}, and so not within {within}"
        else:
            yield f"what has to follow within {within} did not come after {self._named(selected[-1])}"
            if not self._with(SECOND):
                yield from self._not_selected(self.parted.second)

    def awaited(self, pattern: Pattern, selected: Sequence[Event]) -> Iterator[str]:
        """What came after all, of `without` and `for`, or that the test ends before."""
        for one in selected[:MOST_SAID]:
            due = one.time + pattern.duration_s
            second = next(self._seconds_of(one) if pattern.kind == "without" else self._left(one), None)
            if second is not None and second.time < due:
                yield f"{self._named(second)} came within {spell_duration(pattern.duration_s)}"
            else:
                yield from self._ends_before(due)

    def silent(self, pattern: Pattern, selected: Sequence[Event]) -> Iterator[str]:
        """How long it was silent."""
        if not selected and not self.rule.overall:
            yield "it waits from the first event that it names on, and none came"
            return
        longest = max((two.time - one.time for one, two in pairwise(selected)), default=0.0)
        if longest:
            yield f"no more than {spell_duration(longest)} passed between what it waits for"
        yield from self._ends_before((selected[-1].time if selected else self.ran.start) + pattern.duration_s)

    def _seconds_of(self, first: Event) -> Iterator[Event]:
        key = self.rule.key(first)
        return (one for one in self._with(SECOND) if one.time > first.time and self.rule.key(one) == key)

    def _left(self, first: Event) -> Iterator[Event]:
        """What ended the state into which an event brought its process."""
        place = next(place for place, (event, _) in enumerate(self.roles) if event is first)
        return (one for one, _ in self.roles[place + 1 :] if one.process == first.process and _is_state(one.type))

    def _ends_before(self, due: float) -> Iterator[str]:
        if due > self.ran.end:
            end = self._at(self.ran.end)
            yield f"its time would be up at {self._at(due)}, and the test ends at {end}: let it go on with `until`"

    # what is open

    def _not_again(self, phase: str, *, is_open: bool) -> Iterator[str]:
        """Why an alert was not sent again, or not closed."""
        untils = [action.until for action in self.rule.actions if action.until is not None]
        if not untils:
            yield f"it has no `until`, and so no {phase}"
        elif not is_open:
            yield f"it sent nothing that a {phase} could follow"
            yield from self._not_fired()
        elif phase == "recovery":
            yield from self._not_closed(untils[0].duration_s)

    def _not_closed(self, duration_s: float) -> Iterator[str]:
        closing = [event for event, roles in self.roles if any(role >= UNTIL for role in roles)]
        if closing:
            yield f"what closes it came: {self._named(closing[-1])}"
            yield from self._ends_before(closing[-1].time + duration_s)
            return
        yield "what closes it did not come"
        yield from self._not_selected(tuple(chain.from_iterable(self.parted.untils)))


_PATTERNS = {
    "times": _Reasons.counted,
    "distinct": _Reasons.counted,
    "then": _Reasons.then,
    "without": _Reasons.awaited,
    "for": _Reasons.awaited,
    "no": _Reasons.silent,
}


def _is_state(name: str) -> bool:
    return name.startswith("PROCESS_STATE_")
