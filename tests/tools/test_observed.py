"""To observe what rules do changes nothing, and what is said of it is what they do."""

import json

import pytest
from hypothesis import given, settings

from rules_listener.event.event import Event
from rules_listener.tools.explained_objects import observed_object
from rules_listener.tools.explained_text import TextWriter
from rules_listener.tools.why import why
from tests.match.harness import NOW
from tests.match.playing import exited, said
from tests.match.test_over_time import RULES, STEPS, history_of
from tests.tools.observing import observer


@settings(derandomize=True, deadline=None, max_examples=60)
@given(STEPS)
def test_observing_changes_nothing(steps: list[tuple[int, Event]]) -> None:
    """Whoever looks at each event sees the alerts that come when nobody looks.

    A rule fired if and only if that is said, and whatever happens can be written down.
    """
    seen, unseen = observer(RULES), observer(RULES)
    for number, event in enumerate(history_of(steps)):
        expected = unseen.pass_over(event)
        found = seen.observe(event)
        mine = [alert for one in found.rules for alert in one.alerts]
        assert said(mine) == said(alert for alert in expected if alert.event is event)
        for one in found.rules:
            fired = any(alert.phase == "firing" for alert in one.alerts)
            assert why(one).startswith(f"{one.rule.name} fired") is fired
        json.dumps(observed_object(number, found, ()))
        assert list(TextWriter(80).event(number, found, ()))
    assert said(seen.advance(NOW + 500)) == said(unseen.advance(NOW + 500))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit(width: int) -> None:
    """No line is wider than the terminal."""
    text = """
    let core = groupname in ["site", "db"] and not (processname startswith "batch-" or process like "*-old")
    rule a_rule_with_a_long_name_that_says_it_all
    on crashed where core or expected == 0 and env("HOME") == "/" 3 distinct process in 10m
      alert "{process} did something that is told at some length: {values}"
        until started remind every 1h at most 5 per 1h
    """
    found = observer(text).observe(exited())
    lines = [line.plain for line in TextWriter(width).event(1, found, ())]
    assert max(map(len, lines)) <= width


def test_what_can_not_be_printed_is_spelled() -> None:
    """Nothing of an event is an instruction to the terminal."""
    event = Event("REMOTE_COMMUNICATION", NOW, {"type": "x\x1b[31m"}, "\x07data\x9b")
    found = observer("rule r on REMOTE_COMMUNICATION where type == 'x' or data contains 'd' alert '{data}'").observe(
        event
    )
    text = "\n".join(line.plain for line in TextWriter(80).event(1, found, ()))
    assert all(character.isprintable() for character in text.replace("\n", ""))


def test_what_is_too_long_is_cut() -> None:
    """Of an event with 1 MB of text there is as much as tells what it is, in the event, in values, keys and texts."""
    event = Event("REMOTE_COMMUNICATION", NOW, {"type": "x" * 1_000_000}, "y" * 1_000_000)
    rule = "rule r on REMOTE_COMMUNICATION where data contains 'y' 2 times in 1m per type alert '{data}' until TICK"
    found = observer(rule).observe(event)
    lines = [line.plain for line in TextWriter(80).event(1, found, ())]
    assert len("\n".join(lines)) < 5_000
    found = observer("rule r on REMOTE_COMMUNICATION where data contains 'y' alert '{data}'").observe(event)
    lines = [line.plain for line in TextWriter(80).event(1, found, ())]
    assert len("\n".join(lines)) < 5_000
    assert "more characters)" in " ".join(lines[-2:])
