"""How deeply rules may be nested: far more than anyone writes, and never so deep that something breaks."""

import pytest

from rules_listener.base.source import Source
from rules_listener.lang.check import check
from rules_listener.lang.lint import lint
from rules_listener.lang.parse import parse
from tests.match.harness import engine, log


def codes(text: str) -> list[str]:
    """The codes of what is wrong with a text."""
    _, found = check([parse(Source("x.rules", text))])
    return [one.code for one in found]


def nots(levels: int) -> str:
    """A condition of so many levels; the last two of them are a comparison and its sides."""
    return "not " * (levels - 2) + "data == 'x'"


def mixed(levels: int) -> str:
    """Likewise, of all operators that hold others."""
    condition = "data == 'x'"
    for level in range(levels - 2):
        condition = (f"not {condition}", f"(pid == 0 or {condition})", f"({condition} and pid == 7)")[level % 3]
        condition = f"({condition})" if level % 3 == 0 else condition
    return condition


def calls(levels: int) -> str:
    """Likewise, of functions."""
    return "lower(" * (levels - 2) + "data" + ")" * (levels - 2) + " == 'x'"


def lists(levels: int) -> str:
    """Likewise, of lists, which is wrong in other ways if it is not too deep."""
    return "pid in " + "[" * (levels - 2) + "1" + "]" * (levels - 2)


WRITERS = {"not": nots, "all operators": mixed, "functions": calls}


@pytest.mark.parametrize("shape", WRITERS)
def test_200_levels_run(shape: str) -> None:
    """A condition of 200 levels is checked, compiled and evaluated, alone and in a template."""
    condition = WRITERS[shape](200)
    running = engine(f'on PROCESS_LOG where {condition} alert "{{{condition}}}"')
    fired = running.feed(log("x")) + running.feed(log("y"))
    assert [template(firing.event, {}) for firing in fired for template in firing.rule.actions[0].templates] == ["true"]


@pytest.mark.parametrize("shape", WRITERS)
def test_200_levels_are_looked_into(shape: str) -> None:
    """Warnings are looked for in a condition of 200 levels, of a rule and of a name."""
    condition, shorter = WRITERS[shape](200), WRITERS[shape](199)
    text = f"let a = {shorter}\non PROCESS_LOG where {condition} shutdown\non PROCESS_LOG where a restart"
    parsed = [parse(Source("x.rules", text))]
    rules, found = check(parsed)
    assert not found
    lint(parsed, rules)


@pytest.mark.parametrize("levels", [201, 1000, 5000])
@pytest.mark.parametrize("shape", [*WRITERS, "lists"])
def test_more_levels_are_refused(shape: str, levels: int) -> None:
    """A condition of more levels is one diagnostic wherever it stands, and nothing breaks."""
    condition = {**WRITERS, "lists": lists}[shape](levels)
    assert codes(f"on PROCESS_LOG where {condition} shutdown") == ["RL106"]
    assert codes(f'on PROCESS_LOG alert "{{{condition}}}"') == ["RL106"]
    assert codes(f"let a = {condition}\non PROCESS_LOG where a shutdown") == ["RL106"]
    assert codes(f"event a = PROCESS_LOG where {condition}\non a shutdown") == ["RL106"]


def test_parentheses_cost_nothing() -> None:
    """Parentheses around the same thing are no levels."""
    assert codes(f"on PROCESS_LOG where {'(' * 5000}pid == 1{')' * 5000} shutdown") == []


def test_wide_is_not_deep() -> None:
    """A condition of 5000 alternatives is one level."""
    condition = " or ".join(f"data == 'x{number}'" for number in range(5000))
    running = engine(f"on PROCESS_LOG where {condition} shutdown")
    assert running.feed(log("x4999"))
    assert not running.feed(log("x5000"))


@pytest.mark.parametrize("levels", [250, 5000])
def test_deep_selectors_are_refused(levels: int) -> None:
    """Selectors within selectors count as well."""
    assert codes(f"on {'(' * levels}TICK_5{')' * levels} shutdown") == ["RL106"]
    assert codes(f"on TICK_5 then {'(' * levels}TICK_5{')' * levels} within 5s shutdown") == ["RL106"]


@pytest.mark.parametrize("names", [120, 5000])
def test_names_are_as_deep_as_what_they_stand_for(names: int) -> None:
    """What is too deep only because of the names in it is reported once, where it becomes too deep."""
    lets = "".join(f"let a{number} = not not a{number - 1}\n" for number in range(1, names))
    assert codes(f"let a0 = has(data)\n{lets}on PROCESS_LOG where a{names - 1} shutdown") == ["RL106"]
    events = "".join(f"event e{number} = (e{number - 1}), TICK_5\n" for number in range(1, names))
    assert codes(f"event e0 = PROCESS_LOG\n{events}on e{names - 1} shutdown") == ["RL106"]


@pytest.mark.parametrize(("names", "expected"), [(190, []), (5000, ["RL106"])])
def test_names_of_names(names: int, expected: list[str]) -> None:
    """Each name that stands for another one is a level, for values, conditions and lists; for events it is two."""
    for first, use in (("data", "a{} == 'x'"), ("data == 'x'", "a{}"), ("['x']", "data in a{}")):
        lets = "".join(f"let a{number} = a{number - 1}\n" for number in range(1, names))
        assert codes(f"let a0 = {first}\n{lets}on PROCESS_LOG where {use.format(names - 1)} shutdown") == expected
    events = "".join(f"event e{number} = e{number - 1}\n" for number in range(1, names // 2))
    assert codes(f"event e0 = PROCESS_LOG\n{events}on e{names // 2 - 1} shutdown") == expected


def test_a_rule_may_be_too_deep_through_a_name() -> None:
    """A rule and a name that are not too deep each can be so together, in its condition as in its template."""
    name = f"let a = {nots(150)}\n"
    assert codes(f"{name}on PROCESS_LOG where a alert '{{a}}'") == []
    assert codes(f"{name}on PROCESS_LOG where {'not ' * 60}a shutdown") == ["RL106"]
    assert codes(f"{name}on PROCESS_LOG alert '{{{'not ' * 60}a}}'") == ["RL106"]


def test_long_circles() -> None:
    """A circle of definitions is found however long it is, and reported once; what is left of it may be too deep."""
    for names, levels, expected in ((3, 60, ["RL204"]), (3, 150, ["RL204", "RL106"]), (1000, 150, ["RL204", "RL106"])):
        lets = "".join(f"let a{number} = {'not ' * levels} a{(number + 1) % names}\n" for number in range(names))
        assert codes(f"{lets}on PROCESS_LOG where a0 shutdown") == expected


def test_names_that_double_each_other_are_refused() -> None:
    """Names built of names, twice each, are refused before they fill the memory; what uses them keeps quiet."""
    names = "".join(f"let a{number} = a{number - 1} and a{number - 1}\n" for number in range(1, 60))
    assert codes(f"let a0 = has(pid)\n{names}on PROCESS_STATE_EXITED where a59 shutdown") == ["RL106"]
