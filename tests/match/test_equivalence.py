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


def test_the_index_is_used() -> None:
    """Rules that ask for different names are looked up by the name, not tried one after the other."""
    text = "\n".join(f"on PROCESS_STATE_EXITED where groupname == 'g{number}' shutdown" for number in range(100))
    indexed = compile_rules(checked_rules(text)).source
    tried = compile_rules(checked_rules(text), indexed=False).source
    bucket = "def on_PROCESS_STATE_EXITED"
    assert "if groupname ==" not in indexed[indexed.index(bucket) :]
    assert tried[tried.index(bucket) :].count("if groupname ==") == 100
