"""Rule text to firings, on the one path that everything uses: parse, check, compile, feed."""

from rules_listener.base.diagnostics import as_text
from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.match.program import load

NOW = 1_764_000_000.0


def checked_rules(text: str) -> checked.RuleSet:
    """The checked rules of a text without mistakes."""
    rules, found = check([parse(Source("x.rules", text))])
    assert not found, as_text(found)
    return rules


def engine(text: str, own_group: str = "", *, indexed: bool = True) -> Engine:
    """An engine that runs the rules of a text."""
    return Engine(load(compile_rules(checked_rules(text), indexed=indexed)), own_group)


def names(firings: list[Firing]) -> list[str]:
    """The names of the rules that fired, in order."""
    return [firing.rule.name for firing in firings]


def texts(firings: list[Firing]) -> list[str]:
    """All texts of all actions of some firings, in order."""
    return [
        template(firing.event, {"rule": firing.rule.name, "severity": action.severity})
        for firing in firings
        for action in firing.rule.actions
        for template in action.templates
    ]


def fires(condition: str, event: Event, selector: str | None = None) -> bool:
    """Whether an event makes a rule with one condition fire, which selects the event's type unless told otherwise."""
    return bool(engine(f"on {selector or event.type} where {condition} shutdown").feed(event))


def log(data: str) -> Event:
    """A log event with some text."""
    fields: dict[str, str | int] = {"processname": "web", "groupname": "site", "pid": 7, "channel": "stdout"}
    return Event("PROCESS_LOG_STDOUT", NOW, fields, data, {"eventname": "PROCESS_LOG_STDOUT", "serial": 3})


def state(name: str, process: str = "web", group: str = "site", **fields: str | int) -> Event:
    """A state event."""
    named: dict[str, str | int] = {"processname": process, "groupname": group}
    return Event(f"PROCESS_STATE_{name}", NOW, named | fields, None, {"eventname": f"PROCESS_STATE_{name}"})
