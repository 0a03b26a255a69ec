"""The generated source of one rule, with what leads to it: what `explain --code RULE` prints."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rules_listener.lang import checked
from rules_listener.match.buckets import ALWAYS, IN_PLACE, Found
from rules_listener.match.compile import Compilation
from rules_listener.match.necessary import Predicate
from rules_listener.match.program import MAIN, REOPEN, SECOND, ActionData
from rules_listener.tools.loaded import checked_rules, number_of

_OPERATORS = {"equals": "==", "begins": "startswith", "ends": "endswith", "matches": "=~"}
_ROLES = {
    MAIN: "an event that it selects",
    SECOND: "an event that its pattern waits for",
    REOPEN: "an event that keeps its alert from closing",
}
_UNTIL = "an event that closes its alert"


class Way(NamedTuple):
    """How a trigger of the rule is found, and what is tried then."""

    role: int
    found: Found


def code_of_rule(name: str, config: Path | None, paths: Sequence[str]) -> str:
    """The generated source of the rule `name`, of some files or folders or else of the configuration.

    Raises:
        ConfigError: there is no such rule, or the rules have an error.
    """
    found = checked_rules(config, paths)
    return listing(Compilation(found.rules, {}), number_of(name, found))


def listing(compilation: Compilation, rule: int) -> str:
    """The generated source of a rule, by its number."""
    ways: dict[Way, list[str]] = {}
    for kind, several in compilation.buckets.found.items():
        for found in several:
            trigger = compilation.triggers[found.number]
            if trigger.rule == rule:
                ways.setdefault(Way(trigger.role, found), []).append(kind)
    data = compilation.program.rules[rule]
    functions = compilation.module.functions
    parts = [f"# {data.name}"]
    parts += [_described(way, kinds) for way, kinds in ways.items()]
    names = [way.found.test for way in ways if way.found.test not in (ALWAYS, IN_PLACE)]
    names += [compilation.functions[kind] for kinds in ways.values() for kind in kinds]
    names += [data.key, *_template_names(data.actions)]
    parts += [functions[name] for name in dict.fromkeys(names) if name in functions]
    return "\n\n".join(parts)


def _template_names(actions: Iterable[ActionData]) -> Iterator[str]:
    return (name for action in actions for name, *_ in action.templates)


def _described(way: Way, kinds: list[str]) -> str:
    found = way.found
    lines = [f"{', '.join(kinds)}: {_ROLES.get(way.role, _UNTIL)}"]
    lines.append("  tried at each of them" if found.predicate is None else f"  found by {_shown(found.predicate)}")
    if found.predicate is None and found.test == ALWAYS:
        lines[-1] = "  each of them"
    if found.test != ALWAYS:
        constants = ", ".join(f"c{number} = {constant!r}" for number, constant in enumerate(found.constants))
        test = "tested in place" if found.test == IN_PLACE else found.test
        lines.append(f"  then {test}{f' with {constants}' if constants else ''}")
    return "\n".join(f"# {line}" for line in lines)


def _shown(predicate: Predicate) -> str:
    method, value, _ = predicate.subject
    return f"{_spelled(value)} {_OPERATORS[method]} {predicate.operand!r}"


def _spelled(value: checked.Value) -> str:
    match value:
        case checked.Constant():
            return repr(value.value)
        case checked.Apply():
            return f"{value.function}({', '.join(map(_spelled, value.arguments))})"
        case checked.Given() | checked.FieldValue():
            return value.name
