"""Why a rule fired at an event or did not, in one sentence that an operator understands."""

from collections.abc import Iterable, Sequence

from rules_listener.base.printable import printable
from rules_listener.lang import nodes
from rules_listener.lang.literals import spell_duration
from rules_listener.lang.parts import PartedRule
from rules_listener.lang.selectors import shown_names
from rules_listener.match.firing import Pattern
from rules_listener.match.traces import Traced
from rules_listener.outbox.alert import Alert
from rules_listener.tools.observed import Asked, Observation
from rules_listener.tools.spelled import Times, held_back, quoted, shortened, spell_value

LONGEST_KEY = 200
"""Characters of a key."""

MOST_OBSTACLES = 2
"""How many operands that stand in the way a sentence names."""


def why(one: Observation) -> str:
    """Why the rule fired, or did not; the sentence begins with its name."""
    name = one.rule.name
    if one.is_own:
        return f"{name} was not asked: the event is about the listener's own group, which the rule does not name"
    said = [*_of_selected(one), *_of_second(one), *_of_untils(one)] or _of_nothing(one)
    return f"{name} {'; it '.join(said)}" if said else f"{name} did not fire: {_obstacle(one)}{_silence(one)}"


def _of_selected(one: Observation) -> list[str]:
    if not one.selected.truth:
        return []
    fired = _fired(one.alerts)
    if one.rule.pattern is None:
        return [fired or "fired"]
    return [f"{fired}{_reached(one, one.rule.pattern)}" if fired else _waiting(one, one.rule.pattern)]


def _reached(one: Observation, pattern: Pattern) -> str:
    """To what the count has come."""
    return f": it counts {pattern.number} {_window(one, pattern)}" if pattern.number else ""


def _fired(alerts: Iterable[Alert]) -> str:
    """What came of a firing; empty if there was none."""
    fired = [alert for alert in alerts if alert.phase == "firing"]
    if not fired:
        return ""
    held = list(dict.fromkeys(alert.held for alert in fired if alert.held is not None))
    if not held:
        return "fired"
    rest = "some of it was held back" if any(alert.held is None for alert in fired) else "nothing was sent"
    spell = Times(fired[0].time).at
    return f"fired, and {rest} ({', '.join(held_back(reason, spell) for reason in held)})"


def _waiting(one: Observation, pattern: Pattern) -> str:
    """What a pattern makes of an event that it selects and that does not make it fire."""
    match pattern.kind:
        case "times" | "distinct":
            return _counting(one, pattern)
        case "for":
            return f"did not fire yet: {one.event.process} has to stay in this state until {_due(one)}"
        case "then" | "without":
            return f"did not fire yet: it waits for {awaited(one.parted)} {_until(one, pattern)}{for_key(one)}"
    return f"did not fire: this is what it waits for; it fires at {_due(one)} if no other comes{for_key(one)}"


def _until(one: Observation, pattern: Pattern) -> str:
    if pattern.kind == "then":
        return f"until {Times(one.event.time).at(one.event.time + pattern.duration_s)}"
    return f"until {_due(one)}"


def _due(one: Observation) -> str:
    due = one.after.awaited.due if one.after.awaited is not None else None
    return "a time that is not known" if due is None else Times(one.event.time).at(due)


def _counting(one: Observation, pattern: Pattern) -> str:
    count, number, field = len(one.after.noted), pattern.number, counted_field(one.parted)
    if field and pattern.of is not None and pattern.of(one.event) is None:
        return f"did not fire: it counts values of `{field}`, and the event has none"
    window = _window(one, pattern)
    if count >= number:
        return f"did not fire again: it has for these {number} {window}, and does so once they were fewer"
    return f"did not fire: it counts {count} of {number} {window}"


def _window(one: Observation, pattern: Pattern) -> str:
    field = counted_field(one.parted)
    counted = f"values of `{field}`" if field else "events"
    return f"{counted} within {spell_duration(pattern.duration_s)}{for_key(one)}"


def counted_field(parted: PartedRule) -> str:
    """The field whose values a rule counts; empty if it counts none."""
    field = parted.rule.pattern.field if parted.rule.pattern is not None else None
    return "" if field is None else field.name


def awaited(parted: PartedRule) -> str:
    """The S that a pattern waits for, as it is written."""
    selector = parted.node.pattern.selector if parted.node.pattern is not None else None
    return "" if selector is None else quoted(selector.span.text)


def for_key(one: Observation) -> str:
    """The key for which a rule counts or waits, after a blank; empty if there is none."""
    return f" for {printable(shortened(one.key, LONGEST_KEY))}" if one.key else ""


# what a pattern and an open alert wait for


def _of_second(one: Observation) -> list[str]:
    if one.second is None or not one.second.truth:
        return []
    kind = one.rule.pattern.kind if one.rule.pattern is not None else ""
    if kind == "then":
        fired = _fired(one.alerts)
        return [fired or f"did not fire: nothing was selected in the {_time_before(one)}"]
    if _waits(one):
        return [f"does not fire any more: {awaited(one.parted)} came in time{for_key(one)}"]
    return []


def _waits(one: Observation) -> bool:
    return one.before.awaited is not None and one.before.awaited.due is not None


def _time_before(one: Observation) -> str:
    duration_s = one.rule.pattern.duration_s if one.rule.pattern is not None else 0.0
    return f"{spell_duration(duration_s)} before {awaited(one.parted)}{for_key(one)}"


def _of_untils(one: Observation) -> list[str]:
    closing = dict.fromkeys(_closing(one, action) for action, asked in one.until if asked.truth)
    return [said for said in closing if said]


def _of_nothing(one: Observation) -> list[str]:
    """What an event is to the rule that comes when nothing waits for it."""
    if one.second is not None and one.second.truth:
        return [f"waits for nothing{for_key(one)} that {awaited(one.parted)} would end"]
    if any(asked.truth for _, asked in one.until):
        return [f"has no open alert{for_key(one)} that this would close"]
    return []


def _closing(one: Observation, action: int) -> str:
    before = next((found for found in one.before.open if found.action == action), None)
    after = next((found for found in one.after.open if found.action == action), None)
    if before is None:
        return ""
    since = Times(one.event.time).at(before.since)
    if after is None:
        told = "" if before.sent else " without a word, since the alert itself was not sent"
        return f"closes the alert that was open since {since}{for_key(one)}{told}"
    if after.closing is None:
        return f"leaves the alert open that is so since {since}{for_key(one)}: the rule selects the event, too"
    due = Times(one.event.time).at(after.closing)
    return f"closes the alert that is open since {since}{for_key(one)} at {due}, if nothing speaks against it"


# what stands in the way


def _obstacle(one: Observation) -> str:
    asked = next((asked for asked in one.asked if asked.is_of_type), one.selected)
    if not asked.is_of_type:
        return _other_type(one)
    said = obstacles(asked)
    return said if asked is one.selected else f"it only waits for such events, and {said}"


def _silence(one: Observation) -> str:
    """When a rule fires that waits for nothing to come, and this event is not what would keep it from that."""
    pattern, waits = one.rule.pattern, one.after.awaited
    if pattern is None or pattern.kind != "no" or waits is None or waits.due is None:
        return ""
    return f"; it fires at {_due(one)} if none comes{for_key(one)}"


def _other_type(one: Observation) -> str:
    names = " and ".join(map(quoted, shown_names(one.parted.node.selector)))
    rest = _said([traced for traced in one.selected.obstacles if traced.truth is not None])
    return f"it selects {names}, and this is {one.event.type}" + (f"; besides, {rest}" if rest else "")


def obstacles(asked: Asked) -> str:
    """Which operands would have to come out differently, and what their values are."""
    return _said(asked.obstacles)


def _said(found: Sequence[Traced]) -> str:
    said = ", and ".join(map(said_of, found[:MOST_OBSTACLES]))
    more = len(found) - MOST_OBSTACLES
    return f"{said}, and {more} more" if more > 0 else said


def said_of(traced: Traced) -> str:
    """How an operand came out, with its values."""
    said = f"{quoted(traced.part.node.span.text)} is {truth_word(traced.truth)}"
    values = _values(traced)
    return f"{said} ({', '.join(values)})" if values else said


def truth_word(truth: bool | None) -> str:  # noqa: FBT001 - it is what is spelled
    """`true`, `false` or `unknown`."""
    return "unknown" if truth is None else str(truth).lower()


def _values(traced: Traced) -> list[str]:
    """What the values of a part are; of what is missing, the reason."""
    if isinstance(traced.part.node, nodes.Constant):
        return []
    there = [f"{one.text} is {spell_value(one.value, one.kind)}" for one in traced.values if one.value is not None]
    missing = [one.text for one in traced.values if one.value is None]
    if not missing:
        return there
    return [f"the event has no {missing[-1]}" if missing[-1].isidentifier() else f"{missing[-1]} is missing", *there]
