"""Where alerts go that do not say so."""

import pytest

from rules_listener.event.event import Event
from tests.match.harness import NOW, engine, log, state
from tests.match.playing import alerts, at, beat, exited, own, running

TWO = """
rule low on PROCESS_STATE_EXITED alert warning 'low'
rule high on PROCESS_STATE_EXITED alert critical 'high'
"""

ROUTES: dict[str, tuple[str, str, str]] = {
    "none": ("", "ops", "ops"),
    "by severity": ("route severity >= error to pager", "ops", "pager"),
    "or else": ("route severity >= error to pager, sms, else to mail", "mail", "pager sms"),
    "the first decides": ("route severity > info to a route severity == critical to b", "a", "a"),
    "the order counts": ("route severity == critical to b route severity > info to a", "a", "b"),
    "in a list": ("route severity in [info, warning] to a", "a", "ops"),
    "not": ("route severity != critical to a", "a", "ops"),
    "by rule": ("route rule == 'high' to a", "ops", "a"),
    "by a field": ("route groupname == 'site' and severity < error to a", "a", "ops"),
    "by the process": ("route process like 'site:*' to a", "a", "a"),
    "by a field of another kind": ("route expected == 0 and pid == 7 to a", "a", "a"),
    "by what is missing": (
        "route has(data) to a route data contains 'x' to b route not data contains 'x' to c",
        "ops",
        "ops",
    ),
    "by what is missing, or else": ("route data contains 'x' to b, else to c", "c", "c"),
    "always": ("route to a", "a", "a"),
    "by a name": ("let site = groupname in ['site'] route site and severity == critical to a", "ops", "a"),
    "by the host": ("route host == 'not this one' to a", "ops", "ops"),
    "by an operator of text": ("route rule startswith 'h' and lower(processname) =~ '^w' to a", "ops", "a"),
    "whatever the parentheses": ("route not (severity < critical or rule == 'low') to a", "ops", "a"),
}


@pytest.mark.parametrize("name", ROUTES)
def test_routes(name: str) -> None:
    """The first route whose condition is true decides; without one, alerts go to the default channels."""
    routes, low, high = ROUTES[name]
    made = alerts(engine(routes + TWO).feed(exited()))
    assert [" ".join(one.channel for one in alert.deliveries) for alert in made] == [low, high]


def test_routes_are_for_alerts_without_channels() -> None:
    """An alert with `to` goes there, and what is no alert goes where it always does."""
    rules = "route to a on PROCESS_STATE_EXITED alert 'x' to b alert 'y' run ['z'] restart"
    made = alerts(engine(rules).feed(exited()))
    assert [alert.deliveries[0].channel for alert in made] == ["b", "a", "run", "supervisor"]


def test_any_event_can_be_asked() -> None:
    """A route may ask for what only some events have, whatever the event, and however odd it is."""
    rules = "route data contains 'disk' or pid > 5 to a on EVENT alert 'x'"
    events = [log("disk full"), exited(), state("FATAL", from_state="BACKOFF"), Event("OTHER", NOW, {"pid": "nine"})]
    made = [alerts(engine(rules).feed(event))[0].deliveries[0].channel for event in events]
    assert made == ["a", "a", "ops", "ops"]


OPEN = "on PROCESS_STATE_EXITED alert '{process}' until PROCESS_STATE_RUNNING remind every 1m"


def channels(engine_of: str, *events: Event) -> list[tuple[str, str]]:
    """The phase and the channel of all that is said."""
    running_engine = engine(engine_of)
    firings = [firing for event in events for firing in running_engine.feed(event)]
    return [(alert.phase, alert.deliveries[0].channel) for alert in alerts(firings)]


def test_reminders_and_recoveries_go_where_the_alert_went() -> None:
    """The event that ends an alert is another one, of which the route's condition may not be true."""
    rules = f"route expected == 0 to a {OPEN}"
    assert channels(rules, at(0, exited()), at(61, running())) == [
        ("firing", "a"),
        ("reminder", "a"),
        ("recovery", "a"),
    ]


def test_the_channels_of_what_is_open_survive_new_routes() -> None:
    """A reload with other routes: what is open goes on where it went, and what is new goes elsewhere."""
    before, after = engine(f"route groupname == 'site' to a {OPEN}"), engine(f"route to b {OPEN}")
    before.feed(at(0, exited()))
    assert after.adopt(before.dump()).kept == ("x.rules:1",)
    made = alerts(after.feed(at(61, running())) + after.feed(at(62, exited())))
    assert [alert.deliveries[0].channel for alert in made] == ["a", "a", "b"]


def test_what_is_held_back_shows_where_it_would_have_gone() -> None:
    """A limit, an open alert and a supervisord that stops: each is recorded with the channel of the route."""
    rules = f"route to a {OPEN} at most 1 per 1h on PROCESS_COMMUNICATION alert 'x'"
    stopping = Event("SUPERVISOR_STATE_CHANGE_STOPPING", NOW, {})
    found = channels(rules, exited(), exited(), exited("other"), stopping, beat(), exited("third"))
    assert [channel for _, channel in found] == ["a"] * 5


def test_an_absence_is_routed_by_its_last_event() -> None:
    """What fires because nothing came is about the last event that did; overall, perhaps about none."""
    rules = "route processname == 'web' to a on no PROCESS_COMMUNICATION for 10s alert 'x'"
    running_engine = engine(rules)
    made = [one for event in (at(0, own("STARTED")), at(15, beat())) for one in alerts(running_engine.feed(event))]
    made += alerts(running_engine.advance(NOW + 30))
    assert [alert.deliveries[0].channel for alert in made] == ["ops", "a"]
