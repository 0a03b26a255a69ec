"""Three ways to say which rules fire agree: the index, trying every rule, and the reference evaluator."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.match import runtime
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.match.program import Loaded, load
from tests.match.harness import checked_rules
from tests.match.reference import Evaluator, fires
from tests.match.strategies import DEFINITIONS, ENV, HOST, events, rules

THOROUGH = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.fixture(autouse=True, scope="module")
def _known_host() -> Iterator[None]:
    """A host and an environment of which the tests know what they say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(runtime.NAMESPACE, "host", HOST.get)
        for name, value in ENV.items():
            patch.setenv(name, value)
        yield


def numbers(loaded: Loaded, event: Event) -> list[int]:
    """Which rules fire, by their numbers, in the engine's order."""
    places = {id(rule): number for number, rule in enumerate(loaded.rules)}
    return [places[id(firing.rule)] for firing in Engine(loaded).feed(event)]


def expected(rule_set: checked.RuleSet, event: Event) -> list[int]:
    """Which rules fire, as the reference says."""
    return [number for number, rule in enumerate(rule_set.rules) if fires(rule, event, HOST, ENV)]


@THOROUGH
@given(st.lists(rules(), min_size=1, max_size=10), st.lists(events(), min_size=1, max_size=8))
def test_index_and_trial_and_reference_agree(texts: list[str], fed: list[Event]) -> None:
    """For any rules and events, the index finds the rules that trying each finds, and those are the right ones."""
    rule_set = checked_rules(DEFINITIONS + "\n".join(texts))
    indexed, tried = load(compile_rules(rule_set)), load(compile_rules(rule_set, indexed=False))
    for event in fed:
        right = expected(rule_set, event)
        assert numbers(tried, event) == right
        assert numbers(indexed, event) == right


@THOROUGH
@given(st.lists(rules(), min_size=1, max_size=3), st.lists(events(), min_size=1, max_size=5))
def test_templates_render_what_the_reference_renders(texts: list[str], fed: list[Event]) -> None:
    """A compiled template prints, for any event, what the reference prints."""
    rule_set = checked_rules(DEFINITIONS + "\n".join(texts))
    loaded = load(compile_rules(rule_set))
    given_values = {"rule": "r", "severity": "error"}
    for event in fed:
        evaluator = Evaluator(event, HOST, ENV, given_values)
        for rule, compiled in zip(rule_set.rules, loaded.rules, strict=True):
            (parts,), (template,) = rule.actions[0].templates, compiled.actions[0].templates
            assert template(event, given_values) == evaluator.text(parts)


KEYS = ("web", "site", "a", "b", "c", "d")
SHAPES = (
    "{}",
    "({}) and expected == 0",
    "expected == 0 and ({} or processname == 'a')",
    "({}) or groupname == 'b'",
    "({}) or expected == 0",
    "not ({})",
    "({}) and processname in ['a', 'b']",
)
"""Conditions around a test of a name: some need the name, some do not."""


@THOROUGH
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("groupname", "processname")), st.sets(st.sampled_from(KEYS)), st.sampled_from(SHAPES)
        ),
        max_size=20,
    ),
    st.lists(st.tuples(st.sampled_from((*KEYS, "", "z")), st.sampled_from((*KEYS, None))), max_size=5),
)
def test_many_rules_that_ask_for_a_name(
    asked: list[tuple[str, set[str], str]], fed: list[tuple[str, str | None]]
) -> None:
    """Where the index has most to do, with many rules over few names, it finds each rule once and in order."""
    conditions = []
    for field, names, shape in asked:
        listed = f"{field} in [{', '.join(repr(name) for name in sorted(names))}]"
        conditions.append(shape.format(listed))
    text = "\n".join(f"on PROCESS_STATE_EXITED where {condition} shutdown" for condition in conditions)
    rule_set = checked_rules(text)
    indexed = load(compile_rules(rule_set))
    for process, group in fed:
        fields: dict[str, str | int] = {"processname": process, "expected": 0}
        fields |= {"groupname": group} if group else {}
        event = Event("PROCESS_STATE_EXITED", 0.0, fields)
        assert numbers(indexed, event) == expected(rule_set, event)


SECOND = "PROCESS_STATE_RUNNING, (PROCESS_COMMUNICATION where data == 'x'), TICK_5"
OVER_TIME = (
    f"without {SECOND} within 10s {{}} alert '{{{{count}}}}'",
    f"then {SECOND} within 10s {{}} alert '{{{{eventname}}}}'",
    f"2 times in 30s {{}} alert 'x' until {SECOND} for 3s",
    f"{{}} alert 'x' until {SECOND} remind every 7s",
    "{} alert 'x' until PROCESS_STATE_RUNNING where groupname == 'b' or processname == 'a'",
)
SCOPES = ("", "overall", "per processname", "per groupname", "per pid, groupname", "per process, pid", "per from_state")
SELECTED = (
    "PROCESS_STATE_EXITED where {}",
    "PROCESS_STATE where {}",
    "(PROCESS_STATE_EXITED where {0}), (PROCESS_STATE_BACKOFF where {0} and groupname != 'c')",
    "(PROCESS_STATE_EXITED where {0}), PROCESS_STATE_BACKOFF",
)


CONDITIONS = (
    *(f"groupname == '{group}'" for group in "abcde"),
    "groupname in ['a', 'b'] and processname != 'bb'",
    "processname == 'a'",
    "process == 'b:a'",
    "process == 'a' and groupname == 'a'",
    "true",
)
KINDS = ("EXITED", "EXITED", "BACKOFF", "RUNNING", "STDOUT", "TICK_5")


def occurrence(kind: str, name: str, group: str, moment: float) -> Event:
    """An event about a process, or about none."""
    if kind == "TICK_5":
        return Event(kind, moment, {"when": 5})
    fields: dict[str, str | int] = {"processname": name, "groupname": group, "pid": len(name)}
    if kind == "STDOUT":
        return Event("PROCESS_COMMUNICATION_STDOUT", moment, fields, "x")
    return Event(f"PROCESS_STATE_{kind}", moment, fields | ({"expected": 0} if kind == "EXITED" else {}))


RULES_OVER_TIME = st.tuples(*(st.sampled_from(parts) for parts in (SELECTED, CONDITIONS, OVER_TIME, SCOPES)))
OCCURRENCES = st.tuples(*(st.sampled_from(parts) for parts in (range(5), KINDS, ("a", "bb"), "abcde")))


@THOROUGH
@given(st.lists(RULES_OVER_TIME, min_size=8, max_size=12), st.lists(OCCURRENCES, max_size=20))
def test_what_is_waited_for_is_found(
    asked: list[tuple[str, str, str, str]], fed: list[tuple[int, str, str, str]]
) -> None:
    """Whether what rules wait for is looked up by names in the key or tried one after the other: rules say the same."""
    text = "\n".join(
        f"rule r{number} on {selected.format(condition)} {pattern.format(scope)}"
        for number, (selected, condition, pattern, scope) in enumerate(asked)
    )
    rule_set = checked_rules(text)
    indexed, tried = (Engine(load(compile_rules(rule_set, indexed=indexed))) for indexed in (True, False))
    moment = 0.0
    for seconds, kind, name, group in fed:
        moment += seconds
        event = occurrence(kind, name, group, moment)
        assert list(map(repr_of, indexed.feed(event))) == list(map(repr_of, tried.feed(event)))
    assert list(map(repr_of, indexed.advance(moment + 60))) == list(map(repr_of, tried.advance(moment + 60)))


def repr_of(firing: Firing) -> str:
    """All that a firing says."""
    return repr((firing.rule.name, firing.event, firing.time, firing.key, firing.values, firing.held, firing.steps))


def test_what_is_waited_for_is_looked_up() -> None:
    """A thousand rules that select by a name, and wait for any RUNNING, are not all asked about each RUNNING."""
    rules_over_time = (
        f"on crashed where groupname == 'g{number}' without started within 1m alert 'x' until started"
        for number in range(100)
    )
    loaded = load(compile_rules(checked_rules("\n".join(rules_over_time))))
    event = occurrence("PROCESS_STATE_RUNNING", "a", "g7", 0.0)
    assert len(loaded.buckets["PROCESS_STATE_RUNNING"](event)) == 2


def test_the_index_is_used() -> None:
    """Rules that ask for different names are looked up by the name, not tried one after the other."""
    text = "\n".join(f"on PROCESS_STATE_EXITED where groupname == 'g{number}' shutdown" for number in range(100))
    indexed = compile_rules(checked_rules(text)).source
    tried = compile_rules(checked_rules(text), indexed=False).source
    bucket = "def on_PROCESS_STATE_EXITED"
    assert "if groupname ==" not in indexed[indexed.index(bucket) :]
    assert tried[tried.index(bucket) :].count("if groupname ==") == 100
