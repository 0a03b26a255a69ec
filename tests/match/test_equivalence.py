"""Three ways to say which rules fire agree: the index, trying every rule, and the reference evaluator."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.match.program import Loaded, load
from tests.match.harness import checked_rules
from tests.match.reference import Reference, fires
from tests.match.strategies import DEFINITIONS, ENV, HOST, events, rules

pytestmark = pytest.mark.usefixtures("known_host")

THOROUGH = settings(derandomize=True, deadline=None, max_examples=100)


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
        evaluator = Reference(event, HOST, ENV, given_values)
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


ASKED = ("groupname == '{0}'", "groupname in ['{0}', '{1}']", "groupname like '{0}*'", "groupname =~ '{0}.?{1}'")
ALIKE = (
    "processname == '{0}'",
    "processname in ['{0}', '{1}']",
    "processname not in ['{0}', '{1}']",
    "not processname startswith '{0}'",
    "processname =~ '{0}|{1}.'",
    "lower(processname) == '{0}' or lower(processname) == '{1}'",
    "extract(processname, '(.){0}') == '{1}'",
    "pid > {2}",
    "pid in [{2}, 1] and has(expected)",
    "(tries == {2} or from_state > '{0}')",
)
"""What is tried of rules that are alike once they are found, where they may differ in each constant or in none."""
DIFFERENCES = st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS), st.integers(0, 2))


@settings(THOROUGH, max_examples=200)
@given(
    st.sampled_from(ASKED),
    st.sampled_from(ALIKE),
    st.lists(DIFFERENCES, min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=1, max_size=20),
    st.lists(st.tuples(st.sampled_from((*KEYS, None)), st.sampled_from((*KEYS, "Web", "aa", None))), max_size=8),
)
def test_rules_that_are_alike(
    asked: str,
    tried: str,
    constants: list[tuple[str, str, int]],
    chosen: list[int],
    fed: list[tuple[str | None, str | None]],
) -> None:
    """Many rules of one shape, whether they have the same constants or others, fire as each would by itself."""
    lines = []
    for number, place in enumerate(chosen):
        condition = tried.format(*constants[place % len(constants)])
        lines.append(f"on PROCESS_STATE where {asked.format(KEYS[number % 3], KEYS[place])} and {condition} shutdown")
    rule_set = checked_rules("\n".join(lines))
    indexed, all_tried = load(compile_rules(rule_set)), load(compile_rules(rule_set, indexed=False))
    for kind in ("EXITED", "BACKOFF", "FATAL"):
        for number, (group, process) in enumerate(fed):
            fields = {"groupname": group, "processname": process, "from_state": "b", "pid": number, "tries": 1}
            event = Event(f"PROCESS_STATE_{kind}", 0.0, {name: one for name, one in fields.items() if one is not None})
            assert numbers(indexed, event) == numbers(all_tried, event) == expected(rule_set, event)


TESTS = (
    "{field} == '{word}'",
    "{field} in ['{word}', '{other}']",
    "{field} startswith '{word}'",
    "{field} like '{word}*'",
    "{field} like '*{word}'",
    "{field} like '*{word}*'",
    "{field} like '{word}?{other}'",
    "{field} endswith '{word}'",
    "{field} contains '{word}'",
    "{field} =~ '{word}'",
    "{field} =~ '^{word}'",
    "{field} =~ '{word}$'",
    "{field} =~ '^{word}$'",
    "{field} =~ '^{word}.*{other}'",
    "{field} =~ '{word}+(.|\\n)?{other}*'",
    "lower({field}) == '{word}'",
    "has({field})",
    "json({field}, '') == '{word}'",
)
"""Tests of a text: all that an index can look for, and some of what it can't."""
COMBINED = ("{}", "{} and {}", "{} or {}", "not ({} or {})", "{} and not ({} and {})", "({} or {}) and ({} or {})")
PIECES = ("a", "b", "ab", "ba", "aab", "A", ".", "\n")


@st.composite
def text_conditions(draw: st.DrawFn) -> str:
    """A condition about texts of few letters, so that many conditions ask for the same."""
    pieces = st.sampled_from(PIECES[:5])
    fields = st.sampled_from(("data", "processname"))
    shape = draw(st.sampled_from(COMBINED))
    tests = [
        draw(st.sampled_from(TESTS)).format(field=draw(fields), word=draw(pieces), other=draw(pieces))
        for _ in range(shape.count("{}"))
    ]
    return shape.format(*tests)


TEXTS = st.none() | st.lists(st.sampled_from((*PIECES, "\ud800")), max_size=4).map("".join)


@settings(THOROUGH, max_examples=400)
@given(st.lists(text_conditions(), min_size=1, max_size=25), st.lists(st.tuples(TEXTS, TEXTS), max_size=8))
def test_many_rules_about_few_texts(conditions: list[str], fed: list[tuple[str | None, str | None]]) -> None:
    """Prefixes, suffixes and expressions that many rules share lead to each rule that fires, once and in order."""
    text = "\n".join(f"on PROCESS_LOG_STDOUT where {condition} shutdown" for condition in conditions)
    rule_set = checked_rules(text)
    indexed, tried = load(compile_rules(rule_set)), load(compile_rules(rule_set, indexed=False))
    for process, data in fed:
        event = Event("PROCESS_LOG_STDOUT", 0.0, {} if process is None else {"processname": process}, data)
        right = expected(rule_set, event)
        assert numbers(tried, event) == right
        assert numbers(indexed, event) == right


SEARCHES = st.tuples(
    st.sampled_from(("data contains '{}'", "data =~ '{}'", "processname =~ '^{}'", "not data contains '{}'")),
    st.sampled_from((*PIECES[:5], "a.b", "b+a", "aa", "bb", "bab", "c", "(a|b)b$", "[ab]a", "abab")),
    st.sampled_from((" and ({})", " or ({})", " and not ({})")),
)


@settings(THOROUGH, max_examples=200)
@given(st.lists(st.lists(SEARCHES, min_size=6, max_size=16), min_size=1, max_size=3), st.lists(TEXTS, max_size=8))
def test_many_searches_in_one_text(written: list[list[tuple[str, str, str]]], fed: list[str | None]) -> None:
    """What a condition looks for in one pass is what it would find one after the other, in any combination."""
    conditions = []
    for searches in written:
        condition = "groupname == 'x'"
        for test, word, joined in searches:
            condition = test.format(word) + joined.format(condition)
        conditions += [condition, f"groupname == 'a' and ({condition})"]
    rule_set = checked_rules("\n".join(f"on PROCESS_LOG_STDOUT where {condition} shutdown" for condition in conditions))
    indexed, tried = load(compile_rules(rule_set)), load(compile_rules(rule_set, indexed=False))
    for number, data in enumerate(fed):
        fields: dict[str, str | int] = {"groupname": "xa"[number % 2], "processname": "ab"[: number % 3]}
        event = Event("PROCESS_LOG_STDOUT", 0.0, fields, data)
        assert numbers(indexed, event) == numbers(tried, event) == expected(rule_set, event)


def test_searches_are_made_in_a_pass() -> None:
    """Eight things or more are looked for in one pass; seven one after the other."""

    def source(count: int) -> str:
        condition = " and ".join(f"not data contains 'x{number}'" for number in range(count))
        return compile_rules(checked_rules(f"on PROCESS_LOG where {condition} shutdown")).source

    assert "numbers(" in source(8)
    assert "numbers(" not in source(7)


INDEXED = {
    "groupname == 'g{n}'": True,
    "groupname in ['g{n}', 'h{n}'] and pid > {n}": True,
    "groupname == 'g{n}' or processname == 'p{n}'": True,
    "not (groupname != 'g{n}' or pid == {n})": True,
    "processname startswith 'p{n}-'": True,
    "processname like 'p{n}-*'": True,
    "processname endswith '-{n}' or groupname like '*-{n}'": True,
    "data =~ 'code {n} .* ended'": True,
    "data contains 'code {n}'": True,
    "lower(groupname) == 'g{n}'": True,
    "json(data, 'code') == {n}": True,
    "tested and data =~ 'code {n}[^0-9]'": True,
    "pid > {n}": False,
    "groupname != 'g{n}'": False,
    "groupname == 'g{n}' or pid > {n}": False,
    "has(data) and len(data) != {n}": False,
    "env('CODE') == 'g{n}'": False,
}


@pytest.mark.parametrize("condition", INDEXED)
def test_what_is_looked_up(condition: str) -> None:
    """Rules that ask for different things are looked up where that can be done; the others are counted."""
    rules = "\n".join(f"on PROCESS_LOG where {condition.format(n=n)} shutdown" for n in range(10))
    program = compile_rules(checked_rules(f"let tested = groupname == 'g' or groupname == 'h'\n{rules}"))
    assert program.residual == (0 if INDEXED[condition] else 10)


def test_what_is_not_tried_is_not_counted() -> None:
    """A rule without a condition fires at each event, and costs nothing before it does."""
    assert compile_rules(checked_rules("on EVENT shutdown")).residual == 0


def test_few_plain_texts_are_tried() -> None:
    """To look for two or three texts one after the other costs less than a pass over them all."""
    rules = [f"on PROCESS_LOG where data contains '{word}' shutdown" for word in ("a", "b", "c", "d")]
    assert compile_rules(checked_rules("\n".join(rules[:3]))).residual == 3
    assert compile_rules(checked_rules("\n".join(rules))).residual == 0


def test_a_part_that_is_not_there_is_no_reason_to_try() -> None:
    """Where a type of event has not the field that a condition asks for, its rules are not tried."""
    program = compile_rules(checked_rules("on PROCESS_STATE where pid > 5 shutdown"))
    loaded = load(program)
    assert program.residual == 1
    assert loaded.buckets["PROCESS_STATE_FATAL"](Event("PROCESS_STATE_FATAL", 0.0, {"pid": 7})) == []


def test_the_cost_of_an_event_depends_on_the_rules_that_could_fire() -> None:
    """Ten rules or a thousand: an event goes through the same calls."""

    def calls(count: int) -> int:
        condition = "groupname == 'g{n}' and pid > 5 or data =~ 'code {n}:'"
        rules = "\n".join(f"on PROCESS_LOG where {condition.format(n=n)} shutdown" for n in range(count))
        bucket = load(compile_rules(checked_rules(rules))).buckets["PROCESS_LOG_STDOUT"]
        event = Event("PROCESS_LOG_STDOUT", 0.0, {"groupname": "g3", "pid": 7}, "code 4: x")
        assert sorted(bucket(event)) == [3, 4]
        made = 0

        def count_call(_frame: object, kind: str, _argument: object) -> None:
            nonlocal made
            made += kind in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            bucket(event)
        finally:
            sys.setprofile(None)
        return made

    assert calls(10) == calls(1000)


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
