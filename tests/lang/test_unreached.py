"""Routes to which no alert gets: what is found is certain, and the engine decides as the reference does."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.diagnostics import in_order
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.lang.literals import SEVERITIES
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.match.routing import Routing
from tests.lang.possible import conditions, possible_events
from tests.lang.test_lint import codes, linted, messages
from tests.match.reference import Reference
from tests.match.strategies import ENV, HOST

pytestmark = pytest.mark.usefixtures("known_host")

THOROUGH = settings(derandomize=True, deadline=None, max_examples=80)
TYPES = ("PROCESS_STATE_EXITED", "PROCESS_STATE_RUNNING", "PROCESS_LOG_STDOUT", "TICK_5", "*")
RULES = "".join(f"rule {severity}s on EVENT alert {severity} 'x' " for severity in SEVERITIES)

SEVERITY = st.builds(
    "severity {} {}".format, st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), st.sampled_from(SEVERITIES)
)
LISTED = st.lists(st.sampled_from(SEVERITIES), max_size=3).map(lambda some: f"severity in [{', '.join(some)}]")
RULE = st.sampled_from(["rule == 'errors'", "rule != 'infos'", "rule in ['infos', 'criticals']"])
OF_ALERT = SEVERITY | SEVERITY | LISTED | RULE
ANY = st.one_of(
    OF_ALERT,
    conditions(TYPES[:-1]),
    st.tuples(OF_ALERT, conditions(TYPES[:-1])).map(" and ".join),
    st.tuples(OF_ALERT, OF_ALERT).map(" or ".join),
)


def decided(routes: tuple[checked.Route, ...], rule: str, severity: int, event: Event) -> tuple[str, ...]:
    """Where an alert goes, as the reference says."""
    evaluator = Reference(event, HOST, ENV, {"rule": rule, "severity": severity})
    for route in routes:
        if route.condition is None or evaluator.truth(route.condition):
            return route.channels
        if route.otherwise:
            return route.otherwise
    return ()


@THOROUGH
@given(st.lists(st.tuples(ANY, st.booleans()), min_size=1, max_size=5), st.lists(possible_events(TYPES), max_size=8))
def test_what_is_not_reached_decides_nothing(asked: list[tuple[str, bool]], events: list[Event]) -> None:
    """For any routes, alerts go where the reference says; to what is said to be never reached, none."""
    statements = [
        f"route {condition} to c{number}{f', else to e{number}' * otherwise}"
        for number, (condition, otherwise) in enumerate(asked)
    ]
    rules, found = linted("\n".join([*statements, RULES]))
    unreached = {
        name for one in found if one.code == "RL409" for name in _channels_of(one.message, statements, one.where)
    }
    loaded = load(compile_rules(rules))
    routing = Routing(loaded)
    for event in events:
        for rule in loaded.rules:
            (action,) = rule.actions
            gone = routing.channels(rule, action, event)
            assert gone == decided(rules.routes, rule.name, SEVERITIES.index(action.severity), event)
            assert not unreached & {*gone}


def _channels_of(message: str, statements: list[str], where: tuple[str, int, int]) -> list[str]:
    """The channels of the part of a route that a diagnostic is about."""
    names = re.findall(r"to ([ce]\d)", statements[where[1] - 1])
    if "`else`" in message:
        return names[1:]
    return names[:1] if "fulfils" in message else names


ON = "\nrule x on crashed alert '{process} crashed'\nrule y on gave_up alert '{process} gave up'" + "".join(
    f"\nrule {severity}s on crashed alert {severity} '{severity}'" for severity in SEVERITIES
)
FOUND: dict[str, tuple[str, list[int]]] = {
    "behind one without a condition": ("route to a\nroute severity == error to b", [2]),
    "behind an else": ("route rule == 'x' to a, else to b\nroute rule == 'y' to c\nroute to d", [2, 3]),
    "implied by one before": ("route severity >= error to a\nroute severity == critical and pid == 1 to b", [2]),
    "by several together": ("route severity < error to a\nroute severity > warning to b\nroute rule == 'x' to c", [3]),
    "by a name": ("let site = groupname == 'a'\nroute site to a\nroute groupname == 'a' to b", [3]),
    "an else for nothing": ("route severity < error to a\nroute severity >= error to b, else to c", [2]),
    "a condition whose else is reached": ("route severity < error to a\nroute severity == info to b, else to c", [2]),
    "nothing": ("route severity > error to a\nroute severity > warning to b\nroute to c", []),
    "what is missing goes on": ("route pid > 5 to a\nroute pid <= 5 to b\nroute to c", []),
    "it depends on the environment": ("route env('A') == 'x' to a\nroute env('A') == 'x' and pid == 1 to b", [2]),
}


@pytest.mark.parametrize("name", FOUND)
def test_which_routes_are_not_reached(name: str) -> None:
    """A route is reported if one before it takes all, or some of them together all that it would."""
    text, lines = FOUND[name]
    assert codes(text + ON) == [("RL409", line) for line in lines]


def test_rules_that_are_not_there() -> None:
    """A route or a mute that asks for a rule which no file has is never true, and says which name is near."""
    rules = "\nrule disk on PROCESS_COMMUNICATION alert 'x'\nrule down on crashed alert 'x'"
    text = (
        "mute rule == 'dsik' because 'a'\nroute rule in ['a', 'b'] to c\nmute rule like 'x*' and pid == 1 because 'a'"
    )
    found = in_order(linted(text + rules)[1])
    assert [(one.code, one.label) for one in found] == [
        ("RL405", "did you mean `disk`?"),
        ("RL405", "no rule has such a name"),
        ("RL405", "no rule has such a name"),
    ]
    for condition in (
        "rule == 'disk'",
        "rule != 'disk' and rule != 'down'",
        "rule in ['gone', 'down']",
    ):
        assert messages(f"mute {condition} because 'a'\nroute rule like 'd*' to a\nroute to b{rules}") == []
    assert messages("mute rule == 'elsewhere' because 'a'") == []
    assert codes(f"mute rule != 'gone' because 'a'{rules}") == [("RL404", 1)]


@pytest.mark.parametrize(
    ("condition", "is_idle"),
    [
        ("severity == critical", True),
        ("severity <= info and pid > 1", True),
        ("eventname == 'TICK_60'", True),
        ("eventname == 'PROCESS_STATE_STOPPED'", True),
        ("rule == 'pages' and severity == error", True),
        ("rule == 'pages' and severity == warning", False),
        ("severity == warning", False),
        ("eventname == 'PROCESS_STATE_RUNNING'", False),
        ("severity == error and eventname == 'TICK_5'", False),
        ("severity < critical", False),
        ("severity != critical", False),
    ],
)
def test_no_rule_sends_such_an_alert(condition: str, is_idle: bool) -> None:  # noqa: FBT001 - of a table
    """A route is never taken if no alert without `to` is such; that all are such is no mistake."""
    rules = (
        "rule pages on crashed alert critical '{process}' to pager run ['true'] alert warning '{process}'",
        "rule waits on PROCESS_STATE_STOPPED then PROCESS_STATE_RUNNING within 5s alert '{process}'",
        "rule ticks on TICK_5, PROCESS_STATE_FATAL shutdown alert '{eventname}'",
        "rule says on PROCESS_COMMUNICATION alert critical '{data}' to pager",
    )
    found = linted("\n".join([f"route {condition} to a, else to b", f"mute {condition} because 'x'", *rules]))[1]
    expected = [("RL405", 1, "no rule sends such an alert without `to`")]
    assert [(one.code, one.where[1], one.label) for one in found] == expected * is_idle


def test_what_is_absent_is_of_any_type() -> None:
    """An alert that something did not come may be about anything that came before it."""
    for pattern in ("", "overall"):
        text = f"route eventname == 'TICK_60' to a\nrule x on no PROCESS_COMMUNICATION for 5m {pattern} alert 'x'"
        assert messages(text) == []


def test_all_alerts_say_where_they_go() -> None:
    """No route is reached then; where there is no rule at all, nothing is known of any."""
    routes = "route severity == critical to a, else to b\nroute to c\n"
    assert codes(f"{routes}on crashed alert '{{process}}' to a run ['true']") == [("RL409", 1), ("RL409", 2)]
    assert codes(f"{routes}on TICK_5 shutdown") == [("RL409", 1), ("RL409", 2)]
    assert codes(routes) == [("RL409", 2)]


def test_names_are_used_by_routes_and_mutes() -> None:
    """What only a route or a mute uses is used."""
    text = "let a = groupname == 'a'\nlet b = pid > 1\nroute a to x\nmute b because 'test'"
    assert messages(text + ON) == []


def test_conditions_that_are_always_true() -> None:
    """A condition that is always true is said to be, in routes and mutes as in rules."""
    assert codes("route severity >= info to a\nmute 'a' == 'a' because 'test'" + ON) == [("RL404", 1), ("RL404", 2)]
