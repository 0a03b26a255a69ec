"""Others that can tell which of many conditions are true of an event, each in the fastest way that its documents show.

Each is a function of the condition's form and of how many there are, and gives a function of an event's fields that
gives the numbers of all conditions that are true. What they need is in the extra `bench`.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.bench.workloads import filled

Fields = dict[str, Any]
Matcher = Callable[[Fields], list[int]]

TOO_MANY = 500
"""Of how many rules a ruleset of durable_rules consists here: it does not come back from the making of one of 520."""


def python_chain(condition: str, count: int) -> Matcher:
    """An `if` for each rule, as one would write it by hand."""
    is_type = 'event["eventname"] == "PROCESS_STATE_EXITED"'
    tests = [f"    if {is_type} and {filled(condition, n=n)}: hits.append({n})" for n in range(count)]
    return _written(tests)


def python_chain_by_type(condition: str, count: int) -> Matcher:
    """The same, with the type of the event asked for once."""
    tests = [f"        if {filled(condition, n=n)}: hits.append({n})" for n in range(count)]
    return _written(['    if event["eventname"] == "PROCESS_STATE_EXITED":', *tests])


def _written(lines: list[str]) -> Matcher:
    names: dict[str, Any] = {"re": re}
    exec("\n".join(["def chain(event):", "    hits = []", *lines, "    return hits"]), names)  # noqa: S102 - ours
    chain: Matcher = names["chain"]
    return chain


def durable_rules(condition: str, count: int) -> Matcher:
    """Rules of a Rete network in C, some hundred in each of several rulesets."""
    from durable.engine import Host, MessageNotHandledException  # noqa: PLC0415 - an extra

    hits: list[int] = []
    host = Host()
    names = []
    for first in range(0, count, TOO_MANY):
        numbers = range(first, min(first + TOO_MANY, count))
        names.append(f"rules_{first}_{count}")
        host.register_rulesets({names[-1]: {f"r{n}": _durable_rule(condition, n, hits) for n in numbers}})

    def match(fields: Fields) -> list[int]:
        hits.clear()
        message = {**fields, "temporary": int(fields["processname"].startswith("tmp"))}
        for name in names:
            try:
                host.post(name, dict(message))
            except MessageNotHandledException:
                continue
        return list(hits)

    return match


def _durable_rule(condition: str, number: int, hits: list[int]) -> dict[str, Any]:
    def fire(_: object) -> None:
        hits.append(number)

    return {"all": [{"m": json.loads(filled(condition, n=number))}], "run": fire}


def common_expression_language(condition: str, count: int) -> Matcher:
    """Compiled programs, and one context for all of them."""
    import cel  # noqa: PLC0415 - an extra

    programs = [cel.compile(filled(condition, n=n)) for n in range(count)]

    def match(fields: Fields) -> list[int]:
        context = cel.Context(fields)
        return [n for n, program in enumerate(programs) if program.execute(context)]

    return match


def zen_engine(condition: str, count: int) -> Matcher:
    """One compiled expression with all conditions in it, which costs a third of a decision table."""
    import zen  # noqa: PLC0415 - an extra

    numbers = ", ".join(f"({filled(condition, n=n)}) ? {n} : -1" for n in range(count))
    expression = zen.compile_expression(f"filter([{numbers}], # >= 0)")
    return lambda fields: list(expression.evaluate(fields))


def rule_engine(condition: str, count: int) -> Matcher:
    """Rules, parsed once."""
    import rule_engine as engine  # noqa: PLC0415 - an extra

    rules = [engine.Rule(filled(condition, n=n)) for n in range(count)]
    return lambda fields: [n for n, rule in enumerate(rules) if rule.matches(fields)]


def cel_python(condition: str, count: int) -> Matcher:
    """Programs that are transpiled to Python."""
    import celpy  # noqa: PLC0415 - an extra

    environment = celpy.Environment(runner_class=celpy.CompiledRunner)
    programs = [environment.program(environment.compile(filled(condition, n=n))) for n in range(count)]

    def match(fields: Fields) -> list[int]:
        context = celpy.json_to_cel(fields)
        return [n for n, program in enumerate(programs) if program.evaluate(context)]

    return match


def panzi_json_logic(condition: str, count: int) -> Matcher:
    """Its one function, for each rule."""
    from json_logic import jsonLogic  # noqa: PLC0415 - an extra

    rules = [json.loads(filled(condition, n=n)) for n in range(count)]
    return lambda fields: [n for n, rule in enumerate(rules) if jsonLogic(rule, fields)]


CONTESTANTS: Mapping[str, tuple[str, Callable[[str, int], Matcher]]] = {
    "an `if` for each rule": ("python", python_chain),
    "an `if` for each rule, within one for the type": ("python", python_chain_by_type),
    "durable_rules": ("durable", durable_rules),
    "zen-engine": ("zen", zen_engine),
    "common-expression-language": ("cel", common_expression_language),
    "rule-engine": ("rule_engine", rule_engine),
    "panzi-json-logic": ("json_logic", panzi_json_logic),
    "cel-python": ("cel", cel_python),
}
"""By the name of each, in which form it wants conditions, and how it is made."""

BY_HAND = tuple(CONTESTANTS)[:2]
"""Those that are no package."""
