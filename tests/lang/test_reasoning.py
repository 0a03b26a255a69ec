"""The decision procedure proves nothing that is not so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.event.catalogue import UNLISTED, concrete_types
from rules_listener.lang import checked
from rules_listener.lang.reasoning import Outcome, Situations, assume, situations
from tests.lang.possible import conditions, possible_events
from tests.match.harness import checked_rules
from tests.match.reference import Reference
from tests.match.strategies import ENV, HOST

THOROUGH = settings(derandomize=True, deadline=None, max_examples=400)

OUTCOMES: dict[bool | None, tuple[Outcome, ...]] = {
    True: (Outcome.TRUE, Outcome.NOT_FALSE),
    False: (Outcome.FALSE, Outcome.NOT_TRUE),
    None: (Outcome.NOT_TRUE, Outcome.NOT_FALSE),
}
"""How a truth can be described."""


def meant(condition: str) -> checked.Condition:
    """What a condition means, whatever it is asked of."""
    (rule,) = checked_rules(f"on EVENT where {condition} shutdown").rules
    (arm,) = rule.arms
    assert arm.condition is not None
    return arm.condition


def of(selected: str) -> Situations:
    """All that is known of events of some type."""
    return situations([*(kind.name for kind in concrete_types(selected)), *([UNLISTED] if selected == "EVENT" else [])])


SELECTED = ("PROCESS_STATE", "PROCESS_STATE_EXITED", "PROCESS_STATE_RUNNING", "PROCESS_LOG", "TICK", "EVENT")


@THOROUGH
@given(st.sampled_from(SELECTED), st.data())
def test_what_is_so_is_never_excluded(name: str, data: st.DataObject) -> None:
    """Whatever is assumed that is true of an event that can occur, situations are left."""
    left = of(name)
    event = data.draw(possible_events([situation.type for situation in left]))
    for text in data.draw(st.lists(conditions(), min_size=1, max_size=4)):
        condition = meant(text)
        outcome = data.draw(st.sampled_from(OUTCOMES[Reference(event, HOST, ENV).truth(condition)]))
        left = assume(condition, outcome, left)
        assert left, (text, outcome)


NEVER = {
    "two values of one field": ("PROCESS_LOG", "groupname == 'a' and groupname == 'b'"),
    "a value and a list without it": ("PROCESS_LOG", "groupname == 'a' and groupname in ['b', 'c']"),
    "two lists that share nothing": ("PROCESS_LOG", "groupname in ['a'] and groupname in ['b', 'c']"),
    "a list of which nothing is left": ("PROCESS_LOG", "groupname in ['a', 'b'] and groupname not in ['b', 'a']"),
    "both": ("PROCESS_STATE_EXITED", "expected == 0 and expected == 1"),
    "neither": ("PROCESS_STATE_EXITED", "expected != 0 and expected != 1"),
    "a state before which another one comes": ("PROCESS_STATE_RUNNING", "from_state == 'FATAL'"),
    "likewise, by a pattern": ("PROCESS_STATE_RUNNING", "from_state like 'STOP*'"),
    "likewise, by a regular expression": ("PROCESS_STATE_RUNNING", "from_state =~ '^R'"),
    "likewise, the other way round": ("PROCESS_STATE_RUNNING", "not 'STARTING' startswith from_state"),
    "likewise, by a function": ("PROCESS_STATE_RUNNING", "lower(from_state) == 'fatal'"),
    "another type's name": ("PROCESS_STATE_RUNNING", "eventname == 'PROCESS_STATE_EXITED'"),
    "a field that is missing": ("PROCESS_STATE_FATAL", "expected == 0"),
    "and its negation": ("PROCESS_STATE_FATAL", "not expected == 0"),
    "and what is made of it": ("PROCESS_STATE_FATAL", "len(data) >= 0 or not data contains 'x'"),
    "a field of the listener's": ("LISTENER_STARTED", "serial == 1"),
    "of two types, the one or the other": ("PROCESS_STATE", "has(tries) and has(expected)"),
    "bounds that cross": ("PROCESS_LOG", "len(data) > 5 and len(data) < 3"),
    "bounds that touch": ("PROCESS_LOG", "pid >= 5 and not pid > 4"),
    "bounds that exclude one value": ("PROCESS_LOG", "pid >= 5 and 5 > pid"),
    "texts out of order": ("PROCESS_LOG", "groupname > 'b' and groupname < 'a'"),
    "a text before all others": ("PROCESS_LOG", "groupname < ''"),
    "a name with a colon": ("PROCESS_LOG", "processname == 'web:nginx'"),
    "a group's, in a list": ("PROCESS_GROUP", "groupname in ['web:nginx', 'web:*']"),
    "the beginning of one": ("PROCESS_STATE", "processname like 'web:*' or groupname startswith 'web:'"),
    "a length below 0": ("PROCESS_LOG", "len(data) < 0"),
    "two beginnings": ("PROCESS_LOG", "groupname startswith 'a' and groupname like 'b*'"),
    "two ends": ("PROCESS_LOG", "groupname endswith 'a' and groupname like 'x*b'"),
    "a beginning and its negation": ("PROCESS_LOG", "groupname startswith 'ab' and not groupname startswith 'a'"),
    "an end and its negation": ("PROCESS_LOG", "groupname endswith 'ab' and not groupname like '*b'"),
    "a part and its negation": ("PROCESS_LOG", "groupname startswith 'abc' and not groupname contains 'b'"),
    "an expression and its negation": ("PROCESS_LOG", "data =~ 'x+' and data !~ 'x+'"),
    "a value that does not match": ("PROCESS_LOG", "groupname == 'web' and groupname =~ '^b'"),
    "a value that is no part": ("PROCESS_LOG", "groupname == 'web' and 'site' contains groupname"),
    "a relation and its negation": ("PROCESS_LOG", "groupname == processname and processname != groupname"),
    "something that is not itself": ("PROCESS_LOG", "groupname != groupname or groupname < groupname"),
    "two kinds": ("PROCESS_LOG", "json(data, 'a') == 1 and json(data, 'a') == '1'"),
    "a number that is true": ("PROCESS_LOG", "json(data, 'a') == 1 and json(data, 'a')"),
    "what is there and is not": ("PROCESS_LOG", "json(data, 'a') == null and json(data, 'a') == 1"),
    "an empty list": ("PROCESS_LOG", "groupname in []"),
    "constants": ("PROCESS_LOG", "1h < 5m or len('ab') == 3"),
    "all sides of an `or`": ("PROCESS_LOG", "(pid == 1 or pid == 2) and pid > 3"),
    "through a negated `or`": ("PROCESS_LOG", "not (pid == 1 or pid != 1)"),
    "of unlisted types too": ("EVENT", "groupname == 'a' and groupname == 'b'"),
}


@pytest.mark.parametrize("case", NEVER)
def test_never_true(case: str) -> None:
    """Conditions that are true of no event are seen to be."""
    selected, condition = NEVER[case]
    assert not assume(meant(condition), Outcome.TRUE, of(selected))


ALWAYS = {
    "all values of a field": ("PROCESS_STATE_EXITED", "expected == 0 or expected == 1"),
    "a range around them": ("PROCESS_STATE_EXITED", "expected >= 0 and expected < 2"),
    "the state before": ("PROCESS_STATE_EXITED", "from_state == 'RUNNING'"),
    "another state before": ("PROCESS_STATE_EXITED", "from_state != 'FATAL'"),
    "the type's name": ("PROCESS_LOG", "eventname like 'PROCESS_LOG_*'"),
    "a field that is there": ("PROCESS_STATE", "has(from_state)"),
    "a field that is not": ("PROCESS_STATE_FATAL", "pid == null"),
    "a time": ("TICK", "time == time"),
    "the host": ("TICK", "has(host) and host == host"),
    "any text": ("PROCESS_LOG", "groupname like '*' and data startswith '' and data >= ''"),
    "a length": ("PROCESS_LOG", "len(data) >= 0"),
    "a name without a colon": ("PROCESS_LOG", "processname != 'web:nginx' and not groupname contains ':'"),
    "two inequalities": ("PROCESS_LOG", "groupname != 'a' or groupname != 'b'"),
    "constants": ("EVENT", "5m < 1h"),
}


@pytest.mark.parametrize("case", ALWAYS)
def test_always_true(case: str) -> None:
    """Conditions that are true of every event are seen to be."""
    selected, condition = ALWAYS[case]
    assert not assume(meant(condition), Outcome.NOT_TRUE, of(selected))


OPEN = {
    "bounds that touch and include": ("PROCESS_LOG", "pid >= 5 and pid <= 5"),
    "the greatest and the least of a field": ("PROCESS_STATE_EXITED", "not expected > 0 and expected <= 0"),
    "the least text": ("PROCESS_LOG", "groupname <= ''"),
    "a field that some types lack": ("PROCESS_STATE", "expected >= 0"),
    "a header field, which a recording may leave out": ("TICK", "has(serial)"),
    "a type that is not listed": ("EVENT", "has(groupname) or eventname == 'x'"),
    "two regular expressions": ("PROCESS_LOG", "data =~ 'a' and data !~ 'b'"),
    "two sets": ("PROCESS_LOG", "groupname like '[ab]*' and not groupname like '[a]*'"),
    "a variable that may not be set": ("PROCESS_LOG", "env('HOME') == env('HOME')"),
    "a beginning and an end": ("PROCESS_LOG", "groupname startswith 'ab' and groupname endswith 'ba'"),
    "an end that is part of no beginning": ("PROCESS_LOG", "groupname startswith 'ab' and not groupname endswith 'ab'"),
    "a process with a colon": ("PROCESS_LOG", "process == 'web:nginx'"),
    "a name of an unlisted type": ("EVENT", "processname == 'web:nginx'"),
    "what is made of a name": ("PROCESS_LOG", "lower(processname) == 'web:nginx'"),
    "JSON that is missing": ("PROCESS_LOG", "json(data, 'a') == json(data, 'a')"),
}


@pytest.mark.parametrize("case", OPEN)
def test_open(case: str) -> None:
    """Of conditions that are true of some events and not of others, nothing is said."""
    selected, condition = OPEN[case]
    assert assume(meant(condition), Outcome.TRUE, of(selected))
    assert assume(meant(condition), Outcome.NOT_TRUE, of(selected))


def test_too_many_situations_prove_nothing() -> None:
    """Where more cases would have to be told apart than are, everything stays possible."""
    many = " and ".join(f"(json(data, 'a{number}') == 1 or json(data, 'b{number}') == 1)" for number in range(20))
    two, third = "(groupname == 'a' or groupname == 'b')", "groupname == 'c'"
    assert not assume(meant(f"{two} and {third} and {many}"), Outcome.TRUE, of("PROCESS_LOG"))
    assert not assume(meant(f"{third} and {many} and {two}"), Outcome.TRUE, of("PROCESS_LOG"))
    assert assume(meant(f"{many} and {two} and {third}"), Outcome.TRUE, of("PROCESS_LOG"))
