"""Which events of a recording are explained."""

import pytest

from rules_listener.event.event import Event
from rules_listener.lang.parts import Parted
from rules_listener.match.program import Loaded
from rules_listener.tools.explained import Picked, Question, explain_events, pick
from rules_listener.tools.observed import shown_rules
from tests.match.harness import NOW, state
from tests.match.playing import at, backoff, exited, running
from tests.tools.observing import observed, observer

RULES = """
rule crash on crashed where groupname == "site" alert "x"
rule down on crashed without started within 30s alert "y"
rule fatal on gave_up alert "z"
"""
HISTORY = [
    at(0.1, exited()),
    at(0.2, state("STARTING", from_state="EXITED", tries=0)),
    at(0.25, exited("db", "db")),
    at(1.3, running()),
    at(9, state("STOPPED", from_state="RUNNING", pid=1)),
]


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        (Question(), [3]),
        (Question(process="site:web"), [4]),
        (Question(process="db"), [2]),
        (Question(process="db:db"), [2]),
        (Question(process="web"), []),
        (Question(at=NOW), [0, 2]),
        (Question(at=NOW, process="site:web"), [0, 1]),
        (Question(at=NOW, process="site:web", rules=("crash",)), [0]),
        (Question(at=NOW + 0.2, process="site:web"), [1]),
        (Question(at=NOW + 5), [3]),
        (Question(at=NOW - 5), []),
        (Question(rules=("crash",)), [2]),
        (Question(rules=("fatal",)), [4]),
    ],
)
def test_picked(question: Question, numbers: list[int]) -> None:
    """By moment, process and rules; the last one where nothing says more."""
    assert pick(HISTORY, observer(RULES).rules, question) == Picked(tuple(numbers), 0, "")


def test_a_crowded_second() -> None:
    """Of many events in one second the last are explained, and the others counted."""
    history = [at(number / 10, exited()) for number in range(8)]
    assert pick(history, observer(RULES).rules, Question(at=NOW)) == Picked((3, 4, 5, 6, 7), 3, "")


def test_the_pool_is_the_listeners_own_group() -> None:
    """Events say for which listener they were made."""
    event = Event("TICK_5", NOW, {"when": 5}, None, {"pool": "rules-listener"})
    assert pick([*HISTORY, at(20, event)], observer(RULES).rules, Question()).own_group == "rules-listener"


def _program(text: str) -> tuple[Parted, Loaded]:
    watching = observer(text)
    return Parted(tuple(watching.rules), ()), watching._program


def test_time_goes_on_after_the_event() -> None:
    """What deadlines do before the event and after it, up to the moment in question, is told apart."""
    question = Question(at=NOW + 40, process="db")
    rules, program = _program(RULES)
    history = [*HISTORY, at(41, exited("db", "db"))]
    explained = explain_events(history, rules, program, ["ops"], pick(history, rules.rules, question), question.end)
    ((number, found),) = explained.events
    assert (number, found.event.process) == (2, "db")
    assert [(alert.rule, alert.time) for alert in explained.since] == [("down", NOW + 30.25)]
    last = explain_events(history, rules, program, ["ops"], pick(history, rules.rules, Question()), float("inf"))
    assert [alert.time for alert in last.events[0][1].meanwhile] == [NOW + 30.25]
    assert last.since == ()


def test_nearest_rules_first() -> None:
    """Rules to which the event is something, then those that look at it, the nearest first; else those of its kind."""
    rules = "\n".join(f"rule r{number} on crashed where tries > {number} alert 'x'" for number in range(9))
    rules += "\nrule near on crashed where tries == 1 and processname == 'db' alert 'x'"
    rules += "\nrule other on PROCESS_STATE_FATAL where groupname == 'db' alert 'x'\nrule log on PROCESS_LOG alert 'x'"
    shown, left_out = shown_rules(observed(rules, [backoff()]), ())
    assert [one.rule.name for one in shown] == ["r0", "r1", "r2", "r3", "r4", "r5"]
    assert left_out == 4
    shown, left_out = shown_rules(observed(rules, [running()]), ())
    assert [one.rule.name for one in shown] == ["r0", "r1"]
    shown, left_out = shown_rules(observed(rules, [running()]), ("log",))
    assert ([one.rule.name for one in shown], left_out) == (["log"], 0)
