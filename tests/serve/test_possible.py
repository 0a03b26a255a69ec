"""What is said to be impossible never happens: for any rule, any processes, and any event that they can send."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.event.catalogue import CATALOGUE
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.match.engine import Engine
from rules_listener.serve.possible import PROCESS_TYPES, Possible, has_tries, most_tries, sends
from rules_listener.serve.reach import Reach
from rules_listener.serve.supervisorconf import Group, Process, SupervisorConf
from rules_listener.serve.supervisorparser import Places
from rules_listener.serve.wanted import Waiting
from tests.match.strategies import DEFINITIONS, WORDS, events, rules
from tests.serve.confs import process, program_of

pytestmark = pytest.mark.usefixtures("known_host")

NAMES = [word for word in WORDS if word and not {*word} & {*" :/"}]
THOROUGH = settings(derandomize=True, deadline=None, max_examples=100)


def conf_with(processes: list[Process]) -> SupervisorConf:
    """A configuration with just these processes."""
    groups = {
        one.group: Group(one.group, tuple(other for other in processes if other.group == one.group))
        for one in processes
    }
    return SupervisorConf("supervisord.conf", tuple(groups.values()), Places(), has_server=True, has_rpc_interface=True)


@st.composite
def processes(draw: st.DrawFn) -> list[Process]:
    """Some processes, with and without a group of their own name, that send all, some or nothing."""
    names = draw(
        st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=4, unique=True)
    )
    return [
        process(group, name, retries=draw(st.integers(0, 8)), logs=draw(st.booleans()), captured=draw(st.booleans()))
        for group, name in names
    ]


@st.composite
def sent(draw: st.DrawFn, conf: SupervisorConf) -> Event:
    """An event that a process of the configuration can send."""
    event = draw(events().filter(lambda event: event.type in PROCESS_TYPES))
    sender = draw(st.sampled_from(list(conf.processes)))
    channel = event.type.rpartition("_")[2].lower()
    known: dict[str, str | int] = {"processname": sender.name, "groupname": sender.group, "channel": channel}
    known["tries"] = draw(st.integers(0, most_tries(sender, event.type)))
    fields = {one.name: known[one.name] for one in CATALOGUE[event.type].fields if one.name in known}
    event.fields = {**event.fields, **fields}
    return event if sends(sender, event.type) else draw(events())


@st.composite
def about_tries(draw: st.DrawFn) -> str:
    """A rule about names and tries."""
    number = st.integers(-1, 12)
    comparison = st.sampled_from(["==", "!=", "<", ">=", ">"])
    parts = [
        f"tries {draw(comparison)} {draw(number)}",
        f"tries in [{draw(number)}, {draw(number)}.5]",
        f'groupname == "{draw(st.sampled_from(NAMES))}"',
        f'processname in ["{draw(st.sampled_from(NAMES))}", "web"]',
        f'process != "{draw(st.sampled_from(NAMES))}"',
    ]
    first, second, third = (draw(st.sampled_from(["", "not "])) + draw(st.sampled_from(parts)) for _ in range(3))
    selector = draw(st.sampled_from(["PROCESS_STATE", "PROCESS_STATE_BACKOFF", "crashed", "EVENT"]))
    join = draw(st.sampled_from(["and", "or"]))
    return f"on {selector} where {first} and ({second} {join} {third}) shutdown"


@THOROUGH
@given(st.data(), processes(), st.lists(rules() | about_tries(), min_size=1, max_size=4))
def test_what_fires_was_possible(data: st.DataObject, given_processes: list[Process], texts: list[str]) -> None:
    """If an event makes a rule fire, what the rule waits for was possible, and was not said to come never."""
    conf = conf_with(given_processes)
    waiting, loaded = program_of(DEFINITIONS + "\n".join(texts))
    possible = Possible(conf, conditions_of(waiting))
    reach = Reach(conf, None, waiting)
    for event in data.draw(st.lists(sent(conf), min_size=1, max_size=6)):
        fired = {firing.rule.name for firing in Engine(loaded).feed(event)}
        for one, running in zip(waiting, loaded.rules, strict=True):
            if running.name in fired:
                named = [wanted for wanted in one.wanted if event.type in wanted.types or event.type not in CATALOGUE]
                assert any(possible.can_come(wanted, conf.processes) for wanted in named)
                assert len(one.wanted) > 1 or not whole_of(one) & {places_of(found) for found in reach.rule(one)}


def conditions_of(waiting: list[Waiting]) -> list[checked.Condition]:
    """All conditions of some rules."""
    return [where.condition for one in waiting for wanted in one.wanted for where in wanted.wheres]


def whole_of(waiting: Waiting) -> set[tuple[int, int]]:
    """The places where something is said of all that a rule waits for: its types of events and its conditions."""
    nodes = [node for wanted in waiting.wanted for node in (wanted.node, *(where.node for where in wanted.wheres))]
    return {(node.span.start, node.span.end) for node in nodes}


def places_of(found: Diagnostic) -> tuple[int, int]:
    """From where to where the carets stand."""
    assert found.span is not None
    return found.span.start, found.span.end


@THOROUGH
@given(processes(), about_tries())
def test_what_is_known_is_exact(given_processes: list[Process], text: str) -> None:
    """A rule about names and tries alone is possible only if some event of some process makes it fire."""
    conf = conf_with(given_processes)
    waiting, loaded = program_of(text)
    possible = any(
        Possible(conf, conditions_of(waiting)).can_come(wanted, conf.processes) for wanted in waiting[0].wanted
    )
    fired = [
        event
        for one in conf.processes
        for name in PROCESS_TYPES
        if sends(one, name)
        for tries in (range(most_tries(one, name) + 1) if has_tries(name) else [0])
        for event in [_event(one, name, tries)]
        if Engine(loaded).feed(event)
    ]
    assert possible is (bool(fired) or " EVENT " in text)


def _event(one: Process, name: str, tries: int) -> Event:
    known: dict[str, str | int] = {"processname": one.name, "groupname": one.group, "tries": tries, "expected": 0}
    return Event(name, 0.0, {field.name: known[field.name] for field in CATALOGUE[name].fields if field.name in known})
