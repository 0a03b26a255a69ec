"""What an engine remembers can be looked at, for a rule and a key."""

import pytest

from rules_listener.event.event import Event
from rules_listener.match.memory import Awaited, LimitState, Memory, Noted, OpenState, remembered
from tests.match.harness import NOW, engine
from tests.match.playing import at, backoff, exited, own, running

THREE = [at(0, exited()), at(5, exited("db")), at(8, exited())]
ALERT = "alert 'x' until started for 5s remind every 1m at most 1 per 1h"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("on crashed alert 'x'", Memory()),
        ("on crashed 5 times in 10s alert 'x'", Memory((Noted(NOW), Noted(NOW + 8)))),
        ("on crashed 5 times in 8s alert 'x'", Memory((Noted(NOW + 8),))),
        (
            "on crashed 5 distinct processname in 10s overall alert 'x'",
            Memory((Noted(NOW + 5, "db"), Noted(NOW + 8, "web"))),
        ),
        ("on crashed then started within 10s alert 'x'", Memory((Noted(NOW + 8),))),
        ("on crashed without started within 10s alert 'x'", Memory((), Awaited(NOW, NOW + 10, 2))),
        ("on PROCESS_STATE_EXITED for 10s alert 'x'", Memory((), Awaited(NOW + 8, NOW + 18, 1))),
        ("on no crashed for 10s alert 'x'", Memory((), Awaited(NOW + 8, NOW + 18, 1))),
        (
            f"on crashed {ALERT}",
            Memory(
                open=(OpenState(0, NOW, sent=True, reminder=NOW + 60, closing=None),),
                limits=(LimitState(0, (NOW,), 1),),
            ),
        ),
    ],
)
def test_what_is_remembered(rule: str, expected: Memory) -> None:
    """Windows, deadlines, open alerts and limits of the event's key alone."""
    rules = engine(f"rule other on crashed 2 times in 1h alert 'y'\nrule r {rule}")
    for event in THREE:
        rules.feed(event)
    before = rules.dump()
    assert remembered(before, rules.program.rules[1], THREE[-1]) == expected
    assert rules.dump() == before


def test_values_of_one_moment() -> None:
    """Two that came at the same time are two."""
    rules = engine("on crashed 3 distinct processname in 10s overall alert 'x'")
    events = [at(0, exited(name)) for name in ("web", "db")]
    for event in events:
        rules.feed(event)
    found = remembered(rules.dump(), rules.program.rules[0], events[0])
    assert found.noted == (Noted(NOW, "web"), Noted(NOW, "db"))


def test_an_alert_that_is_about_to_close() -> None:
    """When it closes, and how many were held back."""
    rules = engine(f"on crashed {ALERT}")
    for event in (*THREE, at(9, running())):
        rules.feed(event)
    found = remembered(rules.dump(), rules.program.rules[0], THREE[0])
    assert found.open == (OpenState(0, NOW, sent=True, reminder=NOW + 60, closing=NOW + 14),)
    assert found.limits == (LimitState(0, (NOW,), 1),)
    assert [one.sent for one in remembered(rules.dump(), rules.program.rules[0], THREE[1]).open] == [False]


def test_moments_are_those_of_clocks() -> None:
    """A clock that was set changes what is shown, as everywhere."""
    rules = engine("on crashed without started within 100s alert 'x'")
    rules.feed(at(0, exited()))
    rules.feed(at(3610, own("CLOCK_CHANGED", by_ms=3_600_000)))
    found = remembered(rules.dump(), rules.program.rules[0], exited())
    assert found.awaited == Awaited(NOW + 3600, NOW + 3700, 1)


def test_nothing_is_known_of_other_rules() -> None:
    """A rule that the engine does not run has no memory in it; nor has one that has seen nothing."""
    rules, others = engine("on crashed 2 times in 1m alert 'x'"), engine("on crashed 3 times in 1m alert 'x'")
    for event in (backoff(), Event("TICK_5", NOW + 1, {"when": 1})):
        rules.feed(event)
    assert remembered(rules.dump(), others.program.rules[0], backoff()) == Memory()
    assert remembered(others.dump(), others.program.rules[0], backoff()) == Memory()
