"""Firings become alerts, and ids tell them apart."""

from rules_listener.event.event import Event, Value
from rules_listener.match.firing import Action, Firing, Rule, Step
from rules_listener.outbox.alert import alerts_of

RULE = Rule(
    "crash_loop",
    "fingerprint",
    (
        Action("alert", "error", ("ops", "pager"), (lambda event, _: f"{event.process} crashed",)),
        Action("run", "error", (), (lambda _, values: str(values["message"]), lambda _, values: str(values["id"]))),
    ),
)


def _ids(fields: dict[str, Value], key: str = "", time: float = 5.0, **header: Value) -> list[str]:
    firing = Firing(RULE, Event("LISTENER_DELIVERY_FAILED", 5.0, fields, None, header), time, key)
    return [delivery.id for alert in alerts_of(firing, ("log",)) for delivery in alert.deliveries]


def test_each_action_is_an_alert_with_its_deliveries() -> None:
    """An alert goes to its channels, a `run` to `run` with the alert's text as message and its own id."""
    event = Event("PROCESS_STATE_EXITED", 5.0, {"processname": "nginx", "groupname": "web"})
    told, run = alerts_of(Firing(RULE, event, 5.0, "web:nginx"), ("log",))
    assert [(one.channel, one.text) for one in told.deliveries] == [
        ("ops", "web:nginx crashed"),
        ("pager", "web:nginx crashed"),
    ]
    (delivery,) = run.deliveries
    assert (delivery.channel, delivery.arguments) == ("run", ("web:nginx crashed", delivery.id))


def test_a_channel_that_is_named_twice_has_one_delivery() -> None:
    """However often a channel is named, by the rule, a route or the default, an alert goes there once."""
    named = Rule("named", "", (Action("alert", "error", ("ops", "pager", "ops"), (lambda _, __: "text",)),))
    unnamed = Rule("unnamed", "", (Action("alert", "error", (), (lambda _, __: "text",)),))
    event = Event("TICK_5", 5.0, {})
    (by_rule,) = alerts_of(Firing(named, event, 5.0), ())
    (by_route,) = alerts_of(Firing(unnamed, event, 5.0, steps=(Step(0, channels=("ops", "ops")),)), ())
    (by_default,) = alerts_of(Firing(unnamed, event, 5.0), ("log", "ops", "log"))
    found = [[one.channel for one in alert.deliveries] for alert in (by_rule, by_route, by_default)]
    assert found == [["ops", "pager"], ["ops"], ["log", "ops"]]


def test_the_same_history_gives_the_same_ids() -> None:
    """An id depends on nothing but the firing, its action and its channel."""
    assert _ids({"channel": "ops"}) == _ids({"channel": "ops"})


def test_different_firings_have_different_ids() -> None:
    """Two events of the same moment differ by their fields or serials, two firings by key and time, all by channel."""
    ids = [
        *_ids({"channel": "ops"}),
        *_ids({"channel": "pager"}),
        *_ids({}),
        *_ids({}, serial=1),
        *_ids({}, serial=1, poolserial=1),
        *_ids({}, "key"),
        *_ids({}, "key", 6.0),
    ]
    assert len(set(ids)) == len(ids) == 21
