"""What is counted of a replay, and which alerts are asked for."""

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.event.event import Event
from rules_listener.match.firing import Action, Rule
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.tools.replay.selection import Selection, read_condition
from rules_listener.tools.replay.tally import Tally

WEB = Event("PROCESS_STATE_EXITED", 10.0, {"processname": "web", "groupname": "web", "expected": 0})
ALERT = Alert(10.0, "two", "web", "alert", "error", WEB, (Delivery("1", "ops", "x"), Delivery("2", "mail", "x")))
RULES = [Rule("two", "m", (Action("alert", "error"), Action("run", "error"))), Rule("quiet", "n", (Action("run", ""),))]


def tallied(*alerts: Alert) -> Tally:
    """What is counted of some alerts."""
    tally = Tally(RULES)
    tally.take(alerts)
    return tally


def test_firings_and_alerts() -> None:
    """A firing of a rule with two actions is two alerts; what follows an alert is no firing, but is sent."""
    run = ALERT._replace(kind="run", deliveries=(Delivery("3", "run", "x"),))
    tally = tallied(ALERT, run, ALERT._replace(phase="reminder", time=20.0), ALERT._replace(held="so", time=30.0), run)
    rule = tally.rules["two"]
    assert (rule.firings, rule.sent, rule.held) == (2, 4, 1)
    assert (rule.first, rule.last) == (10.0, 10.0)
    assert (tally.sent, tally.held, tally.silent) == (4, 1, ["quiet"])
    assert tally.channels == {"ops": 2, "mail": 2, "run": 2}


def test_the_busiest_hour() -> None:
    """It is the hour in which most was sent, the first of several; what is held back does not count."""
    times = [100.0, 3_600.0, 7_199.9, 7_200.0, 7_300.0, 11_000.0]
    held = [ALERT._replace(time=20_000.0, held="so")] * 5
    rule = tallied(*(ALERT._replace(time=time) for time in times), *held).rules["two"]
    assert (rule.busiest_hour, rule.sent_in_busiest_hour) == (3_600.0, 2)
    assert tallied(*held).rules["two"].busiest_hour is None


@pytest.mark.parametrize(
    ("condition", "fulfilled"),
    [
        ('processname == "web"', True),
        ("expected == 1", False),
        ("tries > 2", False),
        ("not tries > 2", False),
        ('eventname like "PROCESS_*" and len(processname) == 3', True),
    ],
)
def test_conditions(condition: str, *, fulfilled: bool) -> None:
    """A condition may name any field of any event; what an event lacks makes it unknown, which is not fulfilled."""
    assert Selection(fulfils=read_condition(condition)).of([ALERT]) == [ALERT] * fulfilled


def test_conditions_on_types_of_plugins() -> None:
    """Types that the catalogue does not list are looked at, too."""
    fulfils = read_condition('eventname == "PLUGIN"')
    assert fulfils(Event("PLUGIN", 1.0, {}))
    assert not fulfils(WEB)


def test_since() -> None:
    """Alerts count from the very moment on."""
    assert Selection(since=10.0).of([ALERT, ALERT._replace(time=9.9)]) == [ALERT]
    assert not Selection(since=10.0).is_all


@pytest.mark.parametrize("condition", ["", "processname ==", "expected", 'expected == "x"', "{x}"])
def test_conditions_that_are_none(condition: str) -> None:
    """What is no condition is refused."""
    with pytest.raises(ConfigError, match="the condition can't be used"):
        read_condition(condition)
