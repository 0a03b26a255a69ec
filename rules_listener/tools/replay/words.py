"""Alerts and moments in words, for all ways of showing them."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import tzinfo

from rules_listener.base.counted import counted
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.serve.channels import RESERVED_CHANNELS
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.tally import Tally
from rules_listener.tools.show import clock_time


def moment(time: float | None, zone: tzinfo | None) -> str:
    """A moment to the second, in a zone, or in the host's; empty if there is none."""
    return "" if time is None else clock_time(time, zone)


def said(alert: Alert, delivery: Delivery) -> str:
    """What an alert says, or what is to be done."""
    if alert.kind == "alert":
        return delivery.text
    if alert.kind == "run":
        return f"run {shlex.join(delivery.arguments)}"
    words = list(delivery.arguments)
    if len(words) < _WORDS.get(alert.kind, 0) and alert.event.process is not None:
        words.append(alert.event.process)
    return " ".join(words)


_WORDS = {"start": 2, "stop": 2, "restart": 2, "signal": 3}
"""How many words an action has that says to which process; without it, it is the event's."""


def by_text(alert: Alert) -> dict[str, list[str]]:
    """The different texts of an alert, each with the channels that it goes to."""
    texts: dict[str, list[str]] = {}
    for delivery in alert.deliveries:
        texts.setdefault(said(alert, delivery), []).append(delivery.channel)
    return texts or {"(to no channel)": []}


def to_whom(channels: Mapping[str, int]) -> str:
    """`ops 30, pager 4`: the busiest first."""
    return ", ".join(
        f"{name} {number:,}" for name, number in sorted(channels.items(), key=lambda one: (-one[1], one[0]))
    )


def covered(played: Played, zone: tzinfo | None) -> str:
    """How many events there were, and from when to when."""
    span = f" from {moment(played.first, zone)} to {moment(played.last, zone)}" if played.first is not None else ""
    return f"{counted(played.events, 'event')}{span}"


def outcome(tally: Tally) -> str:
    """How much would have been sent, to whom, and how much held back."""
    alerts = {name: number for name, number in tally.channels.items() if name not in RESERVED_CHANNELS}
    whom = f" ({to_whom(alerts)})" if alerts else ""
    actions = f", {counted(tally.actions, 'action')}" if tally.actions else ""
    return f"{counted(tally.sent - tally.actions, 'alert')} sent{whom}{actions}, {tally.held:,} held back"


def rows(tally: Tally, zone: tzinfo | None) -> Iterator[tuple[str, ...]]:
    """A row for each rule that had something to say: see `COLUMNS`."""
    for name, rule in tally.rules.items():
        if rule.first is not None:
            busiest = (
                ""
                if rule.busiest_hour is None
                else f"{moment(rule.busiest_hour, zone)[:16]} ({rule.sent_in_busiest_hour:,})"
            )
            numbers = (f"{rule.firings:,}", f"{rule.sent:,}", f"{rule.held:,}")
            yield (name, *numbers, moment(rule.first, zone), moment(rule.last, zone), busiest)


COLUMNS = ("rule", "fired", "sent", "held back", "first", "last", "busiest hour")
NUMBERS = ("fired", "sent", "held back", "before", "now", "added", "removed", "moved", "changed")
"""The columns of tables that hold numbers."""
