"""The catalogue says what the installed supervisor does."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from supervisor import events
from supervisor.process import Subprocess
from supervisor.states import ProcessStates, getProcessStateDescription
from supervisor.tests.base import DummyOptions, DummyPConfig

from rules_listener.event.catalogue import (
    CATALOGUE,
    HEADER_FIELDS,
    LISTENER_PREFIX,
    PROCESS_STATES,
    Kind,
    ancestry,
    concrete_types,
    fields_of,
)
from tests.event.upstream import CLASSES, SENT, build, envelope

UPSTREAM = sorted(name for name in CATALOGUE if not name.startswith(LISTENER_PREFIX))


def test_the_names_are_those_of_supervisor() -> None:
    """The catalogue lists supervisor's types of events, all of them and no others, beside the listener's own."""
    assert sorted(CLASSES) == UPSTREAM


@pytest.mark.parametrize("name", UPSTREAM)
def test_parent_is_the_nearest_base_class(name: str) -> None:
    """A type's parent is the nearest base class of its class that is a type itself."""
    names = {kind: name for name, kind in CLASSES.items()}
    nearest = [names[base] for base in CLASSES[name].__mro__[1:] if base in names]
    assert ancestry(CATALOGUE[name])[1:] == nearest


@pytest.mark.parametrize("name", UPSTREAM)
def test_abstract_types_are_those_with_descendants(name: str) -> None:
    """A type is abstract if and only if other types descend from it."""
    assert CATALOGUE[name].abstract is (name not in SENT)


@pytest.mark.parametrize("name", SENT)
def test_fields_are_those_of_the_payload(name: str) -> None:
    """A type has the fields of its payload's first line, in their order; numbers are numbers; data follows or not."""
    line, newline, rest = build(name).payload().partition("\n")
    words = [word.partition(":") for word in line.split()]
    assert [field.name for field in CATALOGUE[name].fields] == [key for key, _, _ in words]
    for field, (_, _, value) in zip(CATALOGUE[name].fields, words, strict=True):
        assert (field.kind is Kind.NUMBER) == value.isdigit(), field.name
    assert CATALOGUE[name].has_data is (rest == "hello")
    assert bool(newline) is (CATALOGUE[name].has_data or name.startswith("PROCESS_GROUP_"))


@pytest.mark.parametrize("name", [name for name in UPSTREAM if CATALOGUE[name].abstract])
def test_an_abstract_type_has_what_its_subtypes_share(name: str) -> None:
    """The fields of an abstract type are those that all its subtypes have."""
    subtypes = [kind for kind in concrete_types(name) if not kind.name.startswith(LISTENER_PREFIX)]
    shared = set.intersection(*({field.name for field in kind.fields} for kind in subtypes))
    assert {field.name for field in CATALOGUE[name].fields} == shared
    assert CATALOGUE[name].has_data is all(kind.has_data for kind in subtypes)


def test_header_fields_are_those_of_the_envelope() -> None:
    """The header has the fields that supervisor writes before the payload, beside its length."""
    line = envelope(build("TICK_5")).split(b"\n")[0].decode()
    words = dict(word.split(":") for word in line.split())
    assert [field.name for field in HEADER_FIELDS] == [key for key in words if key != "len"]
    for field in HEADER_FIELDS:
        assert (field.kind is Kind.NUMBER) == words[field.name].isdigit()


def test_process_states_are_those_of_supervisor() -> None:
    """The states that `from_state` can hold are supervisor's process states."""
    codes = [code for name, code in vars(ProcessStates).items() if name.isupper()]
    assert sorted(PROCESS_STATES) == sorted(map(getProcessStateDescription, codes))


@pytest.mark.parametrize("name", [name for name in SENT if name.startswith("PROCESS_LOG_")])
def test_channel_is_the_class_attribute(name: str) -> None:
    """A log event's channel is the one that its class names."""
    (field,) = [field for field in CATALOGUE[name].fields if field.name == "channel"]
    assert field.possible == (vars(CLASSES[name])["channel"],)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_type_has_the_common_fields(name: str) -> None:
    """Every event has a name and a time; supervisord's have the whole header, process events `process`."""
    fields = fields_of(CATALOGUE[name])
    assert fields.keys() >= {"eventname", "time"}
    assert ("serial" in fields) is not name.startswith(LISTENER_PREFIX)
    assert ("process" in fields) is ("processname" in fields)


def test_selecting_everything_selects_every_sent_type() -> None:
    """`EVENT` stands for each type that is sent, once."""
    names = [kind.name for kind in concrete_types("EVENT")]
    assert len(names) == len(set(names))
    assert sorted(name for name in names if not name.startswith(LISTENER_PREFIX)) == SENT


# Which state follows which: a real process object is driven through all that supervisord does to one.

Situation = tuple[int, int, bool]
"""State, pid (0: none), and whether it is being killed."""

Deed = Callable[[Subprocess], object]


def _spawn_failing(process: Subprocess) -> None:
    process.config.options.fork_exception = OSError(11)
    process.spawn()


def _kill_failing(process: Subprocess) -> None:
    process.config.options.kill_exception = OSError(1)
    process.kill(15)


def _signal_failing(process: Subprocess) -> None:
    process.config.options.kill_exception = OSError(1)
    process.signal(1)


def _give_up_retrying(process: Subprocess) -> None:
    process.backoff = process.config.startretries + 1
    process.transition()


def _finish(process: Subprocess, ran_s: float, status: int) -> None:
    if process.pid:
        process.laststart = time.time() - ran_s
        process.finish(process.pid, status << 8)


DEEDS: dict[str, Deed] = {
    "spawn": lambda process: process.spawn(),
    "spawn failing": _spawn_failing,
    "startsecs have passed": lambda process: process.transition(),
    "retries are used up": _give_up_retrying,
    "kill": lambda process: process.kill(15),
    "kill failing": _kill_failing,
    "signal failing": _signal_failing,
    "give up": lambda process: process.give_up(),
    "exit at once": lambda process: _finish(process, 0.0, 0),
    "exit as expected": lambda process: _finish(process, 100.0, 0),
    "exit otherwise": lambda process: _finish(process, 100.0, 3),
    "exit after the clock went back": lambda process: _finish(process, -100.0, 0),
}


def _followers(situation: Situation, deed: Deed) -> tuple[list[Any], Situation | None]:
    """The events that a deed causes, and what it leads to; None where supervisord holds it to be impossible."""
    config = DummyPConfig(DummyOptions(), "web", "/bin/sh", startsecs=10, startretries=3)
    config.options.forkpid = 4711
    process = Subprocess(config)
    process.state, process.pid, process.killing = situation
    process.laststart, process.pipes = time.time() - 100, {"stdin": None}
    seen: list[Any] = []
    events.subscribe(events.ProcessStateEvent, seen.append)
    try:
        deed(process)
    except AssertionError:
        return seen, None
    finally:
        events.unsubscribe(events.ProcessStateEvent, seen.append)
    return seen, (process.state, process.pid, process.killing)


def _transitions() -> Iterator[tuple[str, str]]:
    """All changes of state that supervisord can bring about, as (type of event, state before)."""
    names = {kind: name for name, kind in CLASSES.items()}
    known: set[Situation] = set()
    waiting: list[Situation] = [(ProcessStates.STOPPED, 0, False)]
    while waiting:
        situation = waiting.pop()
        if situation in known:
            continue
        known.add(situation)
        for deed in DEEDS.values():
            seen, following = _followers(situation, deed)
            waiting += [] if following is None else [following]
            for event in seen:
                yield names[type(event)], getProcessStateDescription(event.from_state)


def test_from_state_is_what_can_come_before() -> None:
    """The possible values of `from_state` are the states from which a real process object gets there."""
    before: dict[str, set[str]] = defaultdict(set)
    for name, state in _transitions():
        before[name].add(state)
    catalogue = {
        kind.name: {str(value) for field in kind.fields if field.name == "from_state" for value in field.possible}
        for kind in concrete_types("PROCESS_STATE")
    }
    assert dict(before) == catalogue
