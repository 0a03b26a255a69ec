"""Firings become alerts, and alerts become deliveries.

1. One action of a firing is one alert; an alert to several channels has one delivery for each.
2. A delivery's id depends on nothing but the firing, its action and its channel: the same history gives the same ids.
3. What is no alert goes to a channel that is always there: `run` to `run`, actions on processes to `supervisor`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from rules_listener.event.event import Event
from rules_listener.match.firing import Action, Firing

RUN_CHANNEL = "run"
SUPERVISOR_CHANNEL = "supervisor"


@dataclass(slots=True)
class Delivery:
    """One alert on its way to one channel: `text` for people, `arguments` for what is not a text."""

    id: str
    channel: str
    text: str
    arguments: tuple[str, ...] = ()


@dataclass(slots=True)
class Alert:
    """What is to be said or done because of a firing."""

    time: float
    rule: str
    key: str
    kind: str
    severity: str
    event: Event
    deliveries: tuple[Delivery, ...]
    held: str | None = None


def alerts_of(firing: Firing, default_channels: Sequence[str]) -> list[Alert]:
    """All alerts of a firing, in the order of its rule's actions."""
    messages = [action for action in firing.rule.actions if action.kind == "alert"]
    identity = _identity(firing)
    return [
        Alert(
            firing.time,
            firing.rule.name,
            firing.key,
            action.kind,
            action.severity,
            firing.event,
            tuple(
                _delivery(firing, action, channel, messages, f"{identity} {number} {channel}")
                for channel in _channels(action, default_channels)
            ),
            firing.held,
        )
        for number, action in enumerate(firing.rule.actions)
    ]


def _channels(action: Action, default_channels: Sequence[str]) -> Sequence[str]:
    if action.kind == "alert":
        return action.channels or default_channels
    return (RUN_CHANNEL if action.kind == "run" else SUPERVISOR_CHANNEL,)


def _delivery(firing: Firing, action: Action, channel: str, messages: list[Action], identity: str) -> Delivery:
    event = firing.event
    identifier = blake2b(identity.encode("utf-8", "backslashreplace"), digest_size=10).hexdigest()
    values = {**firing.values, "rule": firing.rule.name, "severity": action.severity, "id": identifier}
    if action.kind == "alert":
        return Delivery(identifier, channel, action.templates[0](event, values))
    values["message"] = messages[0].templates[0](event, values) if messages else event.summary()
    arguments = tuple(template(event, values) for template in action.templates)
    if action.kind != "run":
        arguments = (action.kind, *arguments)
    return Delivery(identifier, channel, str(values["message"]), arguments)


def _identity(firing: Firing) -> str:
    """What makes a firing different from any other; fields have the order in which the event came."""
    event, rule = firing.event, firing.rule
    serials = event.header.get("serial"), event.header.get("poolserial")
    return repr((firing.time, event.time, event.type, event.fields, serials, rule.meaning, rule.name, firing.key))
