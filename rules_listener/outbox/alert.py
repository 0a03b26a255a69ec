"""Firings become alerts, and alerts become deliveries.

1. One action of a firing is one alert; an alert to several channels has one delivery for each, however often a
   channel is named.
2. A delivery's id depends on nothing but the firing, its action and its channel: the same history gives the same ids.
3. What is no alert goes to a channel that is always there: `run` to `run`, actions on processes to `supervisor`.
4. The texts of reminders and recoveries are made of what the alert said when it was opened. So is the text of an alert
   that is told later, since it was muted; it says so.
5. An alert goes to its own channels, or to those of the route that it took, or to the default ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

from rules_listener.base.digest import blake2b
from rules_listener.event.event import Event
from rules_listener.lang.literals import spell_duration
from rules_listener.match.firing import Action, Firing, Rule, Step, Values

RUN_CHANNEL = "run"
SUPERVISOR_CHANNEL = "supervisor"


class Delivery(NamedTuple):
    """One alert on its way to one channel: `text` for people, `arguments` for what is not a text."""

    id: str
    channel: str
    text: str
    arguments: tuple[str, ...] = ()


class Alert(NamedTuple):
    """What is to be said or done because of a firing.

    `phase` is `firing`, `reminder` or `recovery`. Where the alert stays open, `incident` names it, the same in all
    three, and `opened` is when that began, in seconds since 1970.
    """

    time: float
    rule: str
    key: str
    kind: str
    severity: str
    event: Event
    deliveries: tuple[Delivery, ...]
    held: str | None = None
    phase: str = "firing"
    incident: str | None = None
    opened: float | None = None


def alerts_of(firing: Firing, default_channels: Sequence[str]) -> list[Alert]:
    """All alerts of a firing, in the order of its rule's actions."""
    steps = firing.steps
    if steps is None:
        steps = tuple(Step(number, held=firing.held) for number in range(len(firing.rule.actions)))
    identity = firing.identity
    return [_alert(firing, step, identity, default_channels) for step in steps]


def _alert(firing: Firing, step: Step, identity: bytes, default_channels: Sequence[str]) -> Alert:
    action, opening = firing.rule.actions[step.action], step.opening
    channels = _channels(action, step.channels or default_channels)
    return Alert(
        firing.time,
        firing.rule.name,
        firing.key,
        action.kind,
        action.severity,
        firing.event,
        tuple(_delivery(firing, step, channel, identity) for channel in dict.fromkeys(channels)),
        step.held,
        step.phase,
        None if opening is None else opening.id,
        None if opening is None else opening.time,
    )


def _channels(action: Action, otherwise: Sequence[str]) -> Sequence[str]:
    if action.kind == "alert":
        return action.channels or otherwise
    return (RUN_CHANNEL if action.kind == "run" else SUPERVISOR_CHANNEL,)


def _delivery(firing: Firing, step: Step, channel: str, identity: bytes) -> Delivery:
    rule, event = firing.rule, firing.event
    action = rule.actions[step.action]
    way = f" {step.action} {step.phase} {channel}".encode("utf-8", "backslashreplace")
    identifier = blake2b(identity + way, digest_size=10).hexdigest()
    values = {**firing.values, "rule": rule.name, "severity": action.severity, "id": identifier}
    values["suppressed"] = firing.values.get("suppressed", 0) if step.phase == "recovery" else step.suppressed
    if action.kind == "alert":
        return Delivery(identifier, channel, _text(firing, step, values))
    values["message"] = _message(rule, event, values)
    arguments = tuple(template(event, values) for template in action.templates)
    if action.kind != "run":
        arguments = (action.kind, *arguments)
    return Delivery(identifier, channel, str(values["message"]), arguments)


def _text(firing: Firing, step: Step, values: Values) -> str:
    action, opening = firing.rule.actions[step.action], step.opening
    if step.phase == "recovery" and opening is not None:
        return f"{resolved_after(firing.time - opening.time)}: {action.templates[0](opening.event, values)}"
    text = action.templates[0](firing.event, values)
    if step.held is None and step.phase == "firing" and opening is not None and opening.time < firing.time:
        text = f"{text} (open for {_rounded(firing.time - opening.time)})"
    return f"{text} ({step.suppressed} more held back)" if step.suppressed and not action.tells_suppressed else text


def resolved_after(seconds: float) -> str:
    """What is said of an alert that was open for so long."""
    return f"resolved after {_rounded(seconds)}"


def _rounded(seconds: float) -> str:
    return spell_duration(round(seconds) if seconds >= 1 else seconds)


def _message(rule: Rule, event: Event, values: Values) -> str:
    """The text of the rule's alert or, where it has none, the event in one line."""
    for action in rule.actions:
        if action.kind == "alert":
            return action.templates[0](event, {**values, "severity": action.severity})
    return event.summary()
