"""Which events of a recording are explained."""

from collections.abc import Sequence

import pytest

from rules_listener.event.event import Event
from rules_listener.tools.explained import Explained, Explaining, Picked, Picking, Question
from rules_listener.tools.observed import shown_rules
from rules_listener.tools.replay.history import History
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


def pick(history: Sequence[Event], text: str, question: Question) -> Picked:
    """Which events are asked about."""
    picking = Picking(observer(text).rules, question)
    History([history], until=question.end).look(picking.look)
    return picking.picked


def explain(history: Sequence[Event], text: str, question: Question) -> Explained:
    """What the rules in a text make of what is asked about."""
    explaining = Explaining(observer(text), pick(history, text, question), question)
    History([history], until=question.end).look(explaining.look)
    return explaining.explained()


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
    assert pick(HISTORY, RULES, question) == Picked(tuple(numbers), 0)


def test_a_crowded_second() -> None:
    """Of many events in one second the last are explained, and the others counted."""
    history = [at(number / 10, exited()) for number in range(8)]
    assert pick(history, RULES, Question(at=NOW)) == Picked((3, 4, 5, 6, 7), 3)


def test_time_goes_on_after_the_event() -> None:
    """What deadlines do before the event and after it, up to the moment in question, is told apart."""
    history = [*HISTORY, at(41, exited("db", "db"))]
    explained = explain(history, RULES, Question(at=NOW + 40, process="db"))
    ((number, found),) = explained.events
    assert (number, found.event.process) == (2, "db")
    assert [(alert.rule, alert.time) for alert in explained.since] == [("down", NOW + 30.25)]
    last = explain(history, RULES, Question())
    assert [alert.time for alert in last.events[0][1].meanwhile] == [NOW + 30.25]
    assert last.since == ()


BY_TIME = """
rule down on PROCESS_STATE_EXITED for 40s alert "down"
rule quiet on no PROCESS_STATE_RUNNING for 45s alert "quiet"
"""


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (Question(at=NOW + 40), [("down", "a")]),
        (Question(at=NOW + 39), []),
        (Question(at=NOW + 41), []),
        (Question(at=NOW + 40, rules=["down"]), [("down", "a")]),
        (Question(at=NOW + 40, rules=["quiet"]), []),
        (Question(at=NOW + 40, process="b"), []),
        (Question(at=NOW + 45), [("quiet", None)]),
        (Question(at=NOW + 45, rules=["quiet"]), [("quiet", None)]),
        (Question(at=NOW + 45, process="a"), [("down", "a")]),
        (Question(at=NOW + 60), [("down", "b")]),
    ],
)
def test_what_time_alone_has_caused(question: Question, told: list[tuple[str, str | None]]) -> None:
    """An alert of the moment in question is told, whatever event is the last one before it."""
    history = [at(0, exited("a", "a")), at(20, exited("b", "b")), at(100, exited("c", "c"))]
    explained = explain(history, BY_TIME, question)
    assert [(alert.rule, alert.event.process) for alert in explained.since] == told


def test_what_time_has_caused_in_a_second_with_events() -> None:
    """It is told where it came: before the events of that second, between them, or after them."""
    history = [at(0, exited("a", "a")), at(40.5, exited("b", "b")), at(45.5, exited("c", "c"))]
    explained = explain(history, BY_TIME, Question(at=NOW + 40))
    ((_, found),) = explained.events
    assert [(alert.rule, alert.event.process) for alert in found.meanwhile] == [("down", "a")]
    assert explained.since == ()


def test_in_a_crowded_second_it_is_not_told_what_events_caused_that_are_left_out() -> None:
    """They are counted; only what time has caused is told of all of the second."""
    history = [at(0, exited("a", "a"))] + [at(40.1 + number / 100, exited("web")) for number in range(8)]
    explained = explain(history, BY_TIME + "rule each on crashed alert 'x'", Question(at=NOW + 40))
    assert explained.left_out == 3
    assert [alert.rule for alert in explained.events[0][1].meanwhile] == ["down"]


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
