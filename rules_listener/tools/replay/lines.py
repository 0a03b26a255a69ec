"""A replay for programs: one JSON object a line for each alert as it comes, and one about all of it at the end."""

import json
import sys
from collections.abc import Mapping, Sequence

from rules_listener.event.event import Seen
from rules_listener.event.record import to_record
from rules_listener.outbox.alert import Alert
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.tally import RuleTally, Tally


class JsonReport:
    """Writes to standard output; what came of an event is there before the next one is looked at."""

    every_event = False

    def take(self, event: Seen | None, alerts: Sequence[Alert]) -> None:
        """Write the alerts."""
        del event
        for alert in alerts:
            write({"type": "alert", **alert_object(alert)})
        sys.stdout.flush()

    def end(self, played: Played, tally: Tally) -> None:
        """Write what came of it."""
        write({"type": "summary", **played_object(played), **tally_object(tally)})


def write(found: Mapping[str, object]) -> None:
    """Write one object as a line."""
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")


def alert_object(alert: Alert) -> dict[str, object]:
    """All of an alert; times are in seconds since 1970."""
    return {
        "time": alert.time,
        "rule": alert.rule,
        "key": alert.key,
        "phase": alert.phase,
        "kind": alert.kind,
        "severity": alert.severity,
        "held": alert.held,
        "incident": alert.incident,
        "opened": alert.opened,
        "deliveries": [
            {"id": one.id, "channel": one.channel, "text": one.text, "arguments": one.arguments}
            for one in alert.deliveries
        ],
        "event": to_record(alert.event),
    }


def played_object(played: Played) -> dict[str, object]:
    """The history itself."""
    return {
        "events": played.events,
        "first": played.first,
        "last": played.last,
        "repeated": played.repeated,
        "missing": played.missing,
        "unreadable": played.unreadable,
    }


def tally_object(tally: Tally) -> dict[str, object]:
    """What came of it, rule by rule."""
    return {
        "sent": tally.sent,
        "held": tally.held,
        "channels": dict(tally.channels),
        "rules": [{"rule": name, **_rule_object(rule)} for name, rule in tally.rules.items()],
    }


def _rule_object(rule: RuleTally) -> dict[str, object]:
    busiest = None if rule.busiest_hour is None else {"time": rule.busiest_hour, "sent": rule.sent_in_busiest_hour}
    return {
        "firings": rule.firings,
        "sent": rule.sent,
        "held": rule.held,
        "first": rule.first,
        "last": rule.last,
        "busiest_hour": busiest,
    }
