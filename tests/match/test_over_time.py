"""Properties of everything that spans time, over random rules and random histories."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.event.event import Event
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Adopted, Engine
from rules_listener.match.program import load
from rules_listener.outbox.alert import Alert
from tests.match.harness import NOW, checked_rules, engine, state
from tests.match.naive import MODELS, Change, Occurrence, closings, no_overall, stays
from tests.match.playing import alerts, at, backoff, beat, exited, own, running

OCCURRENCES = st.lists(
    st.builds(
        Occurrence,
        st.integers(0, 12).map(float),
        st.sampled_from(["a", "b"]),
        st.sampled_from("xyz"),
        st.booleans(),
        st.booleans(),
    ),
    max_size=14,
).map(lambda found: sorted(found, key=lambda one: one.time))


def remote(one: Occurrence) -> Event:
    """An occurrence as an event of which a rule can tell all that."""
    text = "m" * one.main + "s" * one.second
    return Event("REMOTE_COMMUNICATION", NOW + one.time, {"type": one.key}, text, {"server": one.value})


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=300, deadline=None)
@given(history=OCCURRENCES, duration=st.integers(1, 6), number=st.integers(1, 4))
def test_windows_are_what_the_reference_says(name: str, history: list[Occurrence], duration: int, number: int) -> None:
    """What the engine remembers is enough: it fires just when a model does that keeps every event for ever."""
    text, model = MODELS[name]
    rules = engine(f"{text.format(n=number, d=f'{duration}s')} per type alert 'x'")
    firings = [firing for one in history for firing in rules.feed(remote(one))]
    firings += rules.advance(NOW + 20)
    assert sorted((one.time - NOW, one.key) for one in firings) == sorted(model(history, duration, number, 20.0))


@settings(max_examples=300, deadline=None)
@given(history=OCCURRENCES, duration=st.integers(1, 6))
def test_absence_of_anything(history: list[Occurrence], duration: int) -> None:
    """Overall, what does not come is missed from the beginning on."""
    rules = engine(f"on no REMOTE_COMMUNICATION where data contains 'm' for {duration}s alert 'x'")
    firings = [firing for one in history for firing in rules.feed(remote(one))]
    firings += rules.advance(NOW + 20) if history else []
    assert [(one.time - NOW, one.key) for one in firings] == no_overall(history, duration, 0, 20.0)


CHANGES = st.lists(
    st.builds(
        Change,
        st.integers(0, 12).map(float),
        st.sampled_from("ab"),
        st.sampled_from("gh"),
        st.sampled_from(["waited for", "waited for", "another", "removed"]),
    ),
    max_size=14,
).map(lambda found: sorted(found, key=lambda one: one.time))
SCOPES = {"": "{1}:{0}", "overall": "", "per groupname": "{1}", "per processname, groupname": "{0}, {1}"}


def changed(one: Change) -> Event:
    """A change as supervisord sends it; another state is RUNNING, or a BACKOFF that is not selected."""
    if one.kind == "removed":
        return at(one.time, Event("PROCESS_GROUP_REMOVED", NOW, {"groupname": one.group}))
    tried = 1 if one.kind == "waited for" else 2
    if tried == 2 and one.process == "a":
        return at(one.time, running(one.process, one.group))
    return at(one.time, state("BACKOFF", one.process, one.group, from_state="STARTING", tries=tried))


@pytest.mark.parametrize("scope", SCOPES)
@settings(max_examples=200, deadline=None)
@given(history=CHANGES, duration=st.integers(1, 6))
def test_states_that_last(scope: str, history: list[Change], duration: int) -> None:
    """A process that stays in its state is told once, D after it came into it, whatever the rule's key is."""
    rules = engine(f"on PROCESS_STATE_BACKOFF where tries == 1 for {duration}s {scope} alert 'x'")
    firings = [firing for one in history for firing in rules.feed(changed(one))]
    firings += rules.advance(NOW + 20)
    right = [(moment, SCOPES[scope].format(*names)) for moment, *names in stays(history, duration, 20.0)]
    assert sorted((one.time - NOW, one.key) for one in firings) == sorted(right)


STATES = st.lists(
    st.builds(
        Change,
        st.integers(0, 15).map(float),
        st.sampled_from("ab"),
        st.sampled_from("gh"),
        st.sampled_from(["fires", "fires", "closes", "closes", "closes", "another", "removed"]),
    ),
    max_size=16,
).map(lambda found: sorted(found, key=lambda one: one.time))


def come(one: Change) -> Event:
    """A change as supervisord sends it."""
    match one.kind:
        case "fires":
            return at(one.time, exited(one.process, one.group))
        case "closes":
            return at(one.time, running(one.process, one.group))
        case "removed":
            return at(one.time, Event("PROCESS_GROUP_REMOVED", NOW, {"groupname": one.group}))
    return at(one.time, state("STOPPING", one.process, one.group, from_state="RUNNING", pid=7))


@pytest.mark.parametrize("scope", SCOPES)
@settings(max_examples=300, deadline=None)
@given(history=STATES, duration=st.integers(1, 6))
def test_alerts_that_close_after_a_while(scope: str, history: list[Change], duration: int) -> None:
    """Only the process whose state is waited for can keep an alert from closing, and only as long as it is."""
    rules = engine(f"on PROCESS_STATE_EXITED {scope} alert 'x' until PROCESS_STATE_RUNNING for {duration}s")
    firings = [firing for one in history for firing in rules.feed(come(one))]
    firings += rules.advance(NOW + 30) if history else []
    found = [(one.time - NOW, one.key) for one in alerts(firings) if one.phase == "recovery"]
    assert sorted(found) == sorted(closings(history, SCOPES[scope].format, duration, 30.0))


RULES = """
rule times on crashed 2 times in 10s
  alert "{count} {first_time}" to a until started for 3s remind every 4s at most 2 per 9s
rule distinct on crashed 2 distinct process in 10s overall alert "{values}" until started remind every 2s doubling to 9s
rule stays on PROCESS_STATE_BACKOFF for 5s alert "{process} {elapsed}" at most 1 per 20s
rule follows on PROCESS_STATE_EXITED then PROCESS_STATE_BACKOFF within 5s per groupname run ["{process}", "{message}"]
rule lacks on crashed without started within 4s alert "{elapsed} {count} {ver}" until started for 2s remind every 3s
rule silent on no PROCESS_COMMUNICATION for 6s alert "{elapsed} {data}" until PROCESS_COMMUNICATION remind every 5s
rule beats on no PROCESS_COMMUNICATION for 6s per process alert "{elapsed} {process}" until PROCESS_COMMUNICATION for 2s
rule whole on crashed overall alert "{process}" until started for 3s
rule groups on crashed per groupname alert "{process}" until started for 3s remind every 4s
rule plain on EVENT where eventname != "TICK_5" alert "{eventname} {suppressed}" at most 3 per 7s
"""
PROGRAM = compile_rules(checked_rules(RULES))
MOVED = compile_rules(checked_rules(RULES.replace("rule ", "\n\n# moved\nrule renamed_")))
PROCESSES = st.sampled_from([("a", "g"), ("b", "g"), ("g", "g")])
EVENTS = st.one_of(
    st.builds(lambda which: exited(*which), PROCESSES),
    st.builds(lambda which: exited(*which), PROCESSES),
    st.builds(lambda which: backoff(*which), PROCESSES),
    st.builds(lambda which: running(*which), PROCESSES),
    st.builds(lambda which: beat("beat", *which), PROCESSES),
    st.builds(lambda which: state("STOPPING", *which, from_state="RUNNING", pid=1), PROCESSES),
    st.builds(lambda group: Event("PROCESS_GROUP_REMOVED", NOW, {"groupname": group}), st.just("g")),
    st.builds(lambda kind: Event(f"SUPERVISOR_STATE_CHANGE_{kind}", NOW, {}), st.sampled_from(["STOPPING", "RUNNING"])),
    st.just(own("STARTED")),
    st.builds(lambda seconds: own("CLOCK_CHANGED", by_ms=seconds * 1000), st.integers(-50, 50)),
)
STEPS = st.lists(st.tuples(st.integers(0, 5), EVENTS), max_size=25)


def history_of(steps: list[tuple[int, Event]]) -> list[Event]:
    """Events one after the other, each so many seconds after the one before, as clocks show it."""
    moment = 0.0
    events = []
    for seconds, event in steps:
        moment += seconds + int(event.fields.get("by_ms", 0)) / 1000
        events.append(at(moment, event))
    return events


def reloaded(old: Engine) -> Engine:
    """Another engine with the same rules, under other names and in other places, that takes over what one remembers."""
    engine_after = Engine(load(MOVED), old.own_group)
    adopted = engine_after.adopt(json.loads(json.dumps(old.dump())))
    assert (len(adopted.kept), adopted.anew, adopted.closed) == (len(PROGRAM.rules), (), ())
    return engine_after


def told(made: list[Alert]) -> list[tuple[object, ...]]:
    """All of some alerts that does not depend on the rule's name."""
    return [
        *((one.time, one.key, one.kind, one.held, one.phase, one.opened, one.event) for one in made),
        *((delivery.text, delivery.arguments) for one in made for delivery in one.deliveries),
    ]


def everything(first: Engine, events: list[Event], *, reload_at: int) -> list[tuple[object, ...]]:
    """What is said to all events and a minute after them, with a reload before one of them."""
    current, made = first, []
    for place, event in enumerate([*events, None]):
        if place == reload_at:
            current = reloaded(current)
        last = events[-1].time if events else NOW
        made += current.feed(event) if event is not None else current.advance(last + 60)
    return told(alerts(made))


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, place=st.integers(0, 25))
def test_a_reload_that_changes_no_meaning_changes_no_later_alert(steps: list[tuple[int, Event]], place: int) -> None:
    """At any moment of any history, rules that were renamed and moved go on as if nothing had happened."""
    events = history_of(steps)
    expected = everything(Engine(load(PROGRAM)), events, reload_at=-1)
    assert everything(Engine(load(PROGRAM)), events, reload_at=min(place, len(events))) == expected


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, looks=st.lists(st.floats(0, 1), max_size=25))
def test_it_makes_no_difference_when_somebody_looks(steps: list[tuple[int, Event]], looks: list[float]) -> None:
    """Whether and when time is let pass between two events changes nothing of what is said, nor of its moments."""
    events = history_of([step for step in steps if not step[1].type.startswith("LISTENER_")])
    expected = everything(Engine(load(PROGRAM)), events, reload_at=-1)
    looked, made = Engine(load(PROGRAM)), []
    for place, event in enumerate(events):
        made += looked.feed(event)
        if place < len(looks) and place + 1 < len(events):
            made += looked.advance(event.time + looks[place] * (events[place + 1].time - event.time))
    made += looked.advance((events[-1].time if events else NOW) + 60)
    assert told(alerts(made)) == expected


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_the_next_deadline_is_when_something_happens(steps: list[tuple[int, Event]]) -> None:
    """Before the next deadline nothing fires; there is none if nothing is remembered that could."""
    rules = Engine(load(PROGRAM))
    for event in history_of(steps):
        rules.feed(event)
    for _ in range(100):
        due = rules.next_deadline()
        if due is None:
            return
        assert rules.advance(due - 0.001) == []
        rules.advance(due)


def test_a_changed_meaning_begins_anew() -> None:
    """A rule that means something else forgets; one that is gone is named, with what it knew."""
    old = engine("rule a on crashed 3 times in 1m alert 'x' rule b on crashed 2 times in 1m alert 'x' until started")
    for second in (0, 1):
        old.feed(at(second, exited()))
    new = engine("rule a on crashed 3 times in 2m alert 'x' rule c on crashed 2 times in 1m alert 'x' until started")
    adopted = new.adopt(json.loads(json.dumps(old.dump())))
    assert adopted == Adopted(("c",), ("a",), ("a",), 0)
    assert [one.phase for one in alerts(new.feed(at(2, exited())))] == ["firing"][1:]
    assert [one.phase for one in alerts(new.feed(at(3, running())))] == ["recovery"]
