"""What rules say when some events come at some moments, without a clock."""

from collections.abc import Iterable

from rules_listener.event.event import Event
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.outbox.alert import Alert, alerts_of
from tests.match.harness import NOW, engine, state

Said = tuple[float, str, str]
"""Seconds since the beginning, the phase or why it was held back, and the text."""


def at(seconds: float, event: Event) -> Event:
    """An event so long after the beginning."""
    return Event(event.type, NOW + seconds, event.fields, event.data, event.header)


def own(name: str, **fields: str | int) -> Event:
    """One of the listener's own events."""
    return Event(f"LISTENER_{name}", NOW, dict(fields))


def exited(process: str = "web", group: str = "site", *, expected: int = 0) -> Event:
    """A process has exited."""
    return state("EXITED", process, group, from_state="RUNNING", expected=expected, pid=7)


def backoff(process: str = "web", group: str = "site") -> Event:
    """A process did not stay up long enough."""
    return state("BACKOFF", process, group, from_state="STARTING", tries=1)


def running(process: str = "web", group: str = "site") -> Event:
    """A process runs."""
    return state("RUNNING", process, group, from_state="STARTING", pid=7)


def beat(text: str = "beat", process: str = "web", group: str = "site") -> Event:
    """A process says something."""
    fields: dict[str, str | int] = {"processname": process, "groupname": group, "pid": 7}
    return Event("PROCESS_COMMUNICATION_STDOUT", NOW, fields, text)


def alerts(firings: Iterable[Firing]) -> list[Alert]:
    """The alerts of some firings; those without `to` go to `ops`."""
    return [alert for firing in firings for alert in alerts_of(firing, ("ops",))]


def said(made: Iterable[Alert]) -> list[Said]:
    """When, how and what."""
    return [(round(one.time - NOW, 6), one.held or one.phase, one.deliveries[0].text) for one in made]


def play(rules: str | Engine, *events: Event, until: float | None = None) -> list[Said]:
    """What the rules say to some events, and to the time that passes `until` so many seconds after the beginning."""
    running_engine = engine(rules) if isinstance(rules, str) else rules
    firings = [firing for event in events for firing in running_engine.feed(event)]
    if until is not None:
        firings += running_engine.advance(NOW + until)
    return said(alerts(firings))
