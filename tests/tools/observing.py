"""What rules make of some events, without files."""

from collections.abc import Sequence

from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.lang.parts import parted
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.tools.observed import Observation, Observed, Observer


def observer(text: str, own_group: str = "") -> Observer:
    """An observer of the rules in a text; alerts without `to` go to `ops`."""
    parsed = parse(Source("x.rules", text))
    rules, found = check([parsed])
    assert not found
    return Observer(parted([parsed], rules), load(compile_rules(rules)), ["ops"], own_group)


def observed(text: str, events: Sequence[Event], own_group: str = "") -> Observed:
    """What the rules make of the last of some events."""
    watching = observer(text, own_group)
    *before, last = events
    for event in before:
        watching.pass_over(event)
    return watching.observe(last)


def first(text: str, *events: Event) -> Observation:
    """What the first rule makes of the last of some events."""
    return observed(text, events).rules[0]
