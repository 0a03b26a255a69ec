"""Explanations as programs read them: objects for JSON."""

from collections.abc import Sequence
from dataclasses import asdict

from rules_listener.event.event import Event
from rules_listener.match.traces import Traced
from rules_listener.outbox.alert import Alert
from rules_listener.tools.observed import Asked, Observation, Observed, shown_rules
from rules_listener.tools.routed import Decided
from rules_listener.tools.why import why


def event_object(event: Event) -> dict[str, object]:
    """An event, as in a recording."""
    data = {} if event.data is None else {"data": event.data}
    return {"time": event.time, "event": event.type, **event.header, **event.fields, **data}


def observed_object(number: int, observed: Observed, names: Sequence[str]) -> dict[str, object]:
    """All of an explanation: an event and its rules, the nearest first."""
    rules, left_out = shown_rules(observed, names)
    return {
        "number": number + 1,
        "event": event_object(observed.event),
        "before": [alert_object(alert) for alert in observed.meanwhile],
        "rules": [_rule_object(one) for one in rules],
        "left_out": left_out,
    }


def _rule_object(one: Observation) -> dict[str, object]:
    after = one.after
    return {
        "rule": one.rule.name,
        "place": one.place,
        "why": why(one),
        "looks_at_it": one.looks,
        "selected": one.selected.truth,
        "key": one.key,
        "conditions": _asked_object(one.selected),
        "second": None if one.second is None else _asked_object(one.second),
        "until": [{"action": action, "conditions": _asked_object(asked)} for action, asked in one.until],
        "window": [noted._asdict() for noted in after.noted],
        "deadline": None if after.awaited is None else asdict(after.awaited),
        "open": [found._asdict() for found in after.open],
        "limits": [limit._asdict() for limit in after.limits],
        "alerts": [alert_object(alert) for alert in one.alerts],
        "decided": [_decided_object(decided) for decided in one.decided],
    }


def _decided_object(decided: Decided) -> dict[str, object]:
    """A route or a mute."""
    condition = None if decided.traced is None else _part_object(decided.traced)
    return {"text": decided.node.span.text, "place": decided.node.span.place, "condition": condition}


def _asked_object(asked: Asked) -> dict[str, object]:
    arms = [[{**_part_object(where.traced), "event": where.event} for where in arm.wheres] for arm in asked.arms]
    return {"of_type": asked.is_of_type, "true": asked.truth, "arms": arms}


def _part_object(traced: Traced) -> dict[str, object]:
    return {
        "text": traced.part.node.span.text,
        "place": traced.part.node.span.place,
        "truth": traced.truth,
        "values": [{"text": value.text, "value": value.value} for value in traced.values],
        "operands": [_part_object(operand) for operand in traced.operands],
    }


def alert_object(alert: Alert) -> dict[str, object]:
    """What would have been sent where, or why not."""
    return {
        "time": alert.time,
        "rule": alert.rule,
        "kind": alert.kind,
        "severity": alert.severity,
        "phase": alert.phase,
        "held": alert.held,
        "deliveries": [
            {"channel": one.channel, "text": one.text, "arguments": list(one.arguments)} for one in alert.deliveries
        ],
    }
