"""Explanations as people read them.

1. A sentence comes first, then what it rests on: the condition as a tree, what is remembered, what was sent where.
2. Nothing is wider than the terminal but words that are.
"""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from rules_listener.base.printable import printable
from rules_listener.lang import nodes
from rules_listener.lang.literals import spell_duration
from rules_listener.match.firing import AtMost
from rules_listener.match.memory import LimitState, OpenState
from rules_listener.match.traces import Traced, TracedArm
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.tools.observed import Asked, Observation, Observed, shown_rules
from rules_listener.tools.routed import Decided
from rules_listener.tools.spelled import Times, cut, held_back, spell_value
from rules_listener.tools.why import awaited, counted_field, for_key, truth_word, why

if TYPE_CHECKING:
    from rules_listener.event.event import Event

LONGEST_TEXT = 1000
"""Characters of an event or of an alert's text: the sentences around it are what was asked for."""

_LABEL = 10
_TRUTH = 9
_STYLES = {True: "green", False: "red", None: "yellow"}

Lines = Iterator[Text]


class TextWriter:
    """Writes explanations for people, in lines of at most `width` columns."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._shown: list[Event] = []

    def event(self, number: int, observed: Observed, names: Sequence[str]) -> Lines:
        """What the rules make of an event; `names` are those that are asked about, all if there are none."""
        event = observed.event
        if observed.meanwhile:
            yield from self.alerts_of_time("before it:", observed.meanwhile)
            yield Text()
        self._shown.append(event)
        yield from self._wrapped(f"{_moment(event.time)}  {_shown(event.summary())}", "  ", "bold")
        yield Text(f"  event {number + 1} of the recording", "dim")
        rules, left_out = shown_rules(observed, names)
        if not any(one.is_concerned for one in rules):
            yield from self._wrapped(self._nobody(rules, names), "  ")
        for one in rules:
            yield Text()
            yield from self.rule(one)
        if left_out:
            yield Text()
            more = f"{left_out} more rule{'s look' if left_out > 1 else ' looks'} at it"
            yield from self._wrapped(f"{more}, and would need more to be different: --rule NAME shows one", "  ")

    def _nobody(self, rules: Sequence[Observation], names: Sequence[str]) -> str:
        if names:
            return ""
        if not rules:
            return "there are no rules"
        return "no rule selects it, nor waits for it; the nearest are:"

    def alerts_of_time(self, heading: str, alerts: Iterable[Alert]) -> Lines:
        """What was said because time passed, and of which event, unless that was shown."""
        yield Text(heading)
        for alert in alerts:
            yield from self._alert(alert, f"{_moment(alert.time)}  {alert.rule}: ")
            event = alert.event
            if event.time != alert.time and event not in self._shown:
                yield from self._labelled("", [f"since {_moment(event.time)}: {_shown(event.summary())}"])

    def rule(self, one: Observation) -> Lines:
        """One rule: why, then all that it rests on."""
        yield from self._wrapped(why(one), "  ", "bold" if one.is_concerned else "")
        yield Text(f"  {one.place}", "dim")
        yield from self._conditions(one)
        for label, facts in _facts(one) if one.looks else ():
            yield from self._labelled(label, facts)
        for alert in one.alerts:
            yield from self._alert(alert)
        for decided in one.decided:
            yield from self._decided(decided)

    def _decided(self, decided: Decided) -> Lines:
        """A route or a mute."""
        node = decided.node
        word, _, text = node.span.text.partition(" ")
        yield from self._labelled(word, [f"{text} ({node.span.place})"])
        if decided.traced is not None:
            yield from self._part(decided.traced, 0)

    # conditions

    def _conditions(self, one: Observation) -> Lines:
        if one.selected.is_of_type or not one.looks:
            yield from self._asked("selects", one.parted.node.selector, one.selected)
        pattern = one.parted.node.pattern
        if one.second is not None and pattern is not None and pattern.selector is not None and one.second.is_of_type:
            yield from self._asked(pattern.kind, pattern.selector, one.second)
        for action, asked in one.until:
            alert = one.parted.node.actions[action]
            if isinstance(alert, nodes.Alert) and alert.until is not None and asked.is_of_type:
                yield from self._asked("until", alert.until.selector, asked)

    def _asked(self, label: str, selector: nodes.Selector, asked: Asked) -> Lines:
        yield from self._labelled(label, [selector.span.text])
        for number, arm in enumerate(asked.shown):
            if number:
                yield Text("    or")
            if not arm.wheres:
                yield _without_condition(arm, is_of_type=asked.is_of_type)
            for where in arm.wheres:
                yield from self._part(where.traced, 0, f" (`{where.event}`)" if where.event else "")

    def _part(self, traced: Traced, level: int, note: str = "") -> Lines:
        """A part of a condition, its truth first, and below it what it consists of."""
        word = {nodes.And: "all of", nodes.Or: "one of", nodes.Not: "not"}.get(type(traced.part.node))
        text = word or traced.part.node.span.text
        margin = " " * (4 + _TRUTH + 2 * level)
        values = [f"{value.text} = {spell_value(value.value, value.kind)}" for value in traced.values]
        said = f"{text}{note}" + (f"   {', '.join(values)}" if values else "")
        if len(margin) + len(said) > self._width and values:
            said = f"{text}{note}"
        else:
            values = []
        first, *more = wrap(said, max(self._width - len(margin), 20))
        yield Text(f"    {truth_word(traced.truth):{_TRUTH}}", _STYLES[traced.truth]) + Text(f"{'  ' * level}{first}")
        yield from (Text(f"{margin}{line}") for line in more)
        for value in values:
            yield from self._wrapped(f"{margin}  {value}", f"{margin}    ")
        for operand in traced.operands:
            yield from self._part(operand, level + 1)

    # facts and alerts

    def _labelled(self, label: str, facts: Iterable[str]) -> Lines:
        for number, fact in enumerate(facts):
            yield from self._wrapped(f"  {label * (not number):{_LABEL}}{fact}", " " * (_LABEL + 2))

    def _alert(self, alert: Alert, prefix: str = "") -> Lines:
        label = "held back" if alert.held is not None else _LABELS.get(alert.phase, alert.kind)
        for delivery in alert.deliveries:
            yield from self._labelled(label, [f"{prefix}{_delivered(alert, delivery)}"])
        if not alert.deliveries:
            yield from self._labelled(label, [f"{prefix}{_what(alert)} to no channel"])
        if alert.held is not None:
            yield from self._labelled("", [f"because: {held_back(alert.held, _moment)}"])

    def _wrapped(self, text: str, indent: str, style: str = "") -> Lines:
        first = text[: len(text) - len(text.lstrip())]
        lines = wrap(text.strip(), self._width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
        return (Text(line, style) for line in lines)


_LABELS = {"reminder": "reminder", "recovery": "recovery"}


def _moment(time: float) -> str:
    return Times(0.0).at(time)


def _shown(text: str) -> str:
    return printable(cut(text, LONGEST_TEXT))


def _types(arm: TracedArm) -> str:
    types = arm.arm.types
    return types[0] if len(types) == 1 else "events of its types"


def _without_condition(arm: TracedArm, *, is_of_type: bool) -> Text:
    said = ", without a condition" if is_of_type else ""
    return Text(f"    {truth_word(is_of_type):{_TRUTH}}", _STYLES[is_of_type]) + Text(f"{_types(arm)}{said}")


def _what(alert: Alert) -> str:
    return f"{alert.kind} {alert.severity}" if alert.kind == "alert" else alert.kind


def _delivered(alert: Alert, delivery: Delivery) -> str:
    if alert.kind == "alert":
        return f"{alert.severity} to {delivery.channel}: {_shown(delivery.text)}"
    return _shown(" ".join([alert.kind, *delivery.arguments[alert.kind != "run" :]]))


def _facts(one: Observation) -> Iterator[tuple[str, list[str]]]:
    """What is remembered for the key after the event, each fact under its label."""
    times = Times(one.event.time)
    yield "window", _window(one, times)
    yield "deadline", _deadline(one, times)
    for action, clause in enumerate(one.rule.actions):
        if clause.until is not None:
            yield "open", [_open(one, next((found for found in one.after.open if found.action == action), None), times)]
        for limit in one.after.limits:
            if limit.action == action and clause.at_most is not None:
                yield "limit", [_limit(limit, clause.at_most, times)]


def _limit(limit: LimitState, at_most: AtMost, times: Times) -> str:
    used = f"{len(limit.used)} of {at_most.number} per {spell_duration(at_most.duration_s)} used"
    at = f": {', '.join(map(times.at, limit.used))}" if limit.used else ""
    return f"{used}{at}; {limit.suppressed} held back since"


def _window(one: Observation, times: Times) -> list[str]:
    pattern = one.rule.pattern
    if pattern is None or pattern.kind not in ("times", "distinct", "then"):
        return []
    counted = f"{len(one.after.noted)} of {pattern.number}" if pattern.number else str(len(one.after.noted))
    field = counted_field(one.parted)
    seen = [
        f"{spell_value(noted.value, one.parted.rule.pattern.field.kind)} {times.at(noted.time)}"  # type: ignore[union-attr] # see `field`
        if field
        else times.at(noted.time)
        for noted in one.after.noted
    ]
    said = f"{counted} within {spell_duration(pattern.duration_s)}{for_key(one)}"
    return [f"{said}: {', '.join(seen)}" if seen else said]


def _deadline(one: Observation, times: Times) -> list[str]:
    waits = one.after.awaited
    pattern = one.rule.pattern
    if pattern is None or pattern.kind not in ("for", "without", "no"):
        return []
    if waits is None or waits.due is None:
        return ["none is set"]
    unless = f" unless {awaited(one.parted)} comes" if pattern.kind == "without" else ""
    count = f", {waits.count} events" if waits.count > 1 else ""
    return [f"{times.at(waits.due)}{unless}; it waits since {times.at(waits.since)}{count}"]


def _asked_again(found: OpenState, times: Times) -> str:
    return "" if found.telling is None else f", at least until {times.at(found.telling)}"


def _open(one: Observation, found: OpenState | None, times: Times) -> str:
    key = for_key(one)
    if found is None:
        return f"no alert is open{key}"
    told = "sent" if found.sent else "not sent yet"
    said = [f"since {times.at(found.since)}{key}, {told}"]
    said += [] if found.reminder is None else [f"next reminder {times.at(found.reminder)}"]
    said += [] if found.closing is None else [f"closes {times.at(found.closing)}"]
    said += [] if found.hidden is None else [f"{found.hidden}{_asked_again(found, times)}"]
    return "; ".join(said)
