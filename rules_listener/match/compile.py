"""A rule set becomes a program: one generated function for each type of event.

1. The function of a type knows only the triggers that select the type, and only what events of that type can have.
2. A trigger that an event can pull only if a field equals one of some constants is looked up by that field's value; the
   others are tried one after the other. Which way a trigger goes never changes what the rules say.
3. What a pattern or an `until` waits for counts only where it has the key of what the rule selects. If the rule selects
   by names that the key holds, a thousand rules that wait for any RUNNING are looked up by these names.
4. Triggers are numbered in the order of the rules; those of one rule in the order of `_triggers`.
"""

import marshal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Kind, fields_of
from rules_listener.lang import checked
from rules_listener.match.codegen import FunctionWriter, Module
from rules_listener.match.program import (
    MAIN,
    REOPEN,
    SECOND,
    UNTIL,
    ActionData,
    PatternData,
    Program,
    RuleData,
)

MIN_SHARED = 4
"""From how many rules of a type on it pays to look them up by a field, rather than to try each."""

Templates = Mapping[str, checked.TemplateParts]
"""Templates of the configuration, each under a name."""


def compile_rules(rules: checked.RuleSet, templates: Templates | None = None, *, indexed: bool = True) -> Program:
    """The program of a rule set and of the configuration's templates. Without `indexed`, every rule is tried."""
    module = Module()
    data = tuple(_rule_data(rule, module) for rule in rules.rules)
    triggers = [trigger for number, rule in enumerate(rules.rules) for trigger in _triggers(number, rule)]
    buckets = _buckets(triggers)
    functions = {name: _bucket_function(module, name, bucket, indexed=indexed) for name, bucket in buckets.items()}
    module.assign("BUCKETS", _mapping(functions))
    module.assign("TEMPLATES", _mapping({name: _template(module, parts) for name, parts in (templates or {}).items()}))
    source = module.source
    code = compile(source, "<rules>", "exec", dont_inherit=True, optimize=2)
    return Program(marshal.dumps(code), data, tuple((one.rule, one.role) for one in triggers), source)


def _mapping(names: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key!r}: {name}" for key, name in names.items()) + "}"


def _rule_data(rule: checked.Rule, module: Module) -> RuleData:
    pattern = rule.pattern
    return RuleData(
        rule.name,
        rule.meaning,
        tuple(_action_data(action, module) for action in rule.actions),
        tuple(sorted(_named_groups(rule))),
        _key_of(module, rule.keys),
        not rule.keys,
        None
        if pattern is None
        else PatternData(pattern.kind, pattern.duration_s, pattern.number, _value_of(module, pattern.field)),
    )


def _action_data(action: checked.Action, module: Module) -> ActionData:
    until, remind, at_most = action.until, action.remind, action.at_most
    told = (part for parts in action.templates for part in parts if not isinstance(part, str))
    return ActionData(
        action.kind,
        action.severity,
        action.channels,
        tuple(_template(module, parts) for parts in action.templates),
        None if until is None else (until.duration_s, all(map(_is_state, _types(until.arms)))),
        None if remind is None else (remind.every_s, remind.longest_s),
        None if at_most is None else (at_most.number, at_most.duration_s),
        any(getattr(part, "name", "") == "suppressed" for one in told for part in checked.subexpressions(one)),
    )


def _is_state(name: str) -> bool:
    return name.startswith("PROCESS_STATE_")


def _types(arms: Iterable[checked.Arm]) -> set[str]:
    return {name for arm in arms for name in arm.types}


def _key_of(module: Module, keys: Sequence[checked.FieldValue]) -> str:
    """The function that finds the key of an event: empty without keys, or where they are missing."""
    writer = FunctionWriter(module, None)
    values = [writer.value(key) for key in keys]
    match values:
        case []:
            spelling = "''"
        case [value]:
            spelling = f"'' if {value} is None else show({value})"
        case _:
            spelling = f"joined_key(({', '.join(values)}))"
    return module.function("key_", "e", [*writer.head(), f"return {spelling}"])


def _value_of(module: Module, found: checked.FieldValue | None) -> str:
    if found is None:
        return ""
    writer = FunctionWriter(module, None)
    value = writer.value(found)
    return module.function("of_", "e", [*writer.head(), f"return {value}"])


def _template(module: Module, parts: checked.TemplateParts) -> str:
    writer = FunctionWriter(module, None, "e, v")
    text = writer.text(parts)
    return module.function("template_", "e, v", [*writer.head(), f"return {text}"])


def _named_groups(rule: checked.Rule) -> set[str]:
    """The literals that a rule compares with the name of a process or a group."""
    names = {"processname", "groupname", "process"}
    found: set[str] = set()
    for arm in (arm for trigger in _triggers(0, rule) for arm in trigger.arms):
        for part in checked.subexpressions(arm.condition) if arm.condition is not None else ():
            sides: tuple[checked.Value, ...] = ()
            if isinstance(part, checked.Comparison):
                sides = (part.left, part.right)
            elif isinstance(part, checked.Member):
                sides = (part.item, *part.constants)
            if any(isinstance(side, checked.FieldValue) and side.name in names for side in sides):
                literals = {str(side.value) for side in sides if isinstance(side, checked.Constant)}
                found |= literals | {literal.partition(":")[0] for literal in literals}
    return found


# buckets: the triggers of one type of event


Constants = dict[str, frozenset[checked.Scalar]]
"""For some fields, one of which values they must have."""


class Trigger(NamedTuple):
    """What an event can be to a rule, and which events are that; others than `of` says do not matter to it."""

    rule: int
    role: int
    arms: tuple[checked.Arm, ...]
    of: Constants


def _triggers(number: int, rule: checked.Rule) -> Iterator[Trigger]:
    """The triggers of a rule, in the order in which an event that pulls several of them does so."""
    untils = [(place, action.until) for place, action in enumerate(rule.actions) if action.until is not None]
    held_by_key = _held_by_key(rule)
    if any(until.duration_s for _, until in untils) and (rule.pattern is None or rule.pattern.kind != "no"):
        yield Trigger(number, REOPEN, rule.arms, {})
    for place, until in untils:
        yield Trigger(number, UNTIL + place, until.arms, held_by_key)
    if rule.pattern is not None and rule.pattern.arms:
        yield Trigger(number, SECOND, rule.pattern.arms, held_by_key)
    yield Trigger(number, MAIN, rule.arms, {})


def _held_by_key(rule: checked.Rule) -> Constants:
    """Which values the fields of a rule's key must have in what it selects."""
    names = {key.name for key in rule.keys}
    if "process" in names:
        names |= {"groupname", "processname"}
    arms = [_keys(arm.condition) for arm in rule.arms]
    common = names.intersection(*arms)
    found = {name: frozenset[checked.Scalar]().union(*(arm[name] for arm in arms)) for name in common}
    return {name: constants for name, constants in found.items() if "" not in constants}


@dataclass(slots=True)
class Candidate:
    """A trigger as one type of event sees it: its number and its condition there (None: always)."""

    number: int
    condition: checked.Condition | None
    keys: Constants = field(default_factory=dict)


def _buckets(triggers: Iterable[Trigger]) -> dict[str, list[Candidate]]:
    buckets: dict[str, list[Candidate]] = {}
    for number, trigger in enumerate(triggers):
        conditions: dict[str, list[checked.Condition | None]] = {}
        for arm in trigger.arms:
            for name in arm.types:
                conditions.setdefault(name, []).append(arm.condition)
        for name, found in conditions.items():
            condition = _any(found)
            buckets.setdefault(name, []).append(Candidate(number, condition, _both(_keys(condition), trigger.of)))
    return buckets


def _any(conditions: Iterable[checked.Condition | None]) -> checked.Condition | None:
    present = [condition for condition in dict.fromkeys(conditions) if condition is not None]
    if len(present) < len(set(conditions)):
        return None
    return present[0] if len(present) == 1 else checked.AnyOf(tuple(present))


def _bucket_function(module: Module, name: str, bucket: list[Candidate], *, indexed: bool) -> str:
    fields = None if name == UNLISTED else frozenset(fields_of(CATALOGUE[name]))
    index, rest = _index(bucket) if indexed else ({}, bucket)
    writer = FunctionWriter(module, fields)
    lines = _tests(writer, rest)
    for key, by_value in index.items():
        tables = {value: _key_function(module, fields, found) for value, found in by_value.items()}
        table = module.constant("by_", _table(tables))
        lines += [f"found = {table}.get({writer.value(checked.FieldValue(key, Kind.TEXT))})"]
        lines += ["if found is not None:", "    found(e, hits)"]
    return module.function(
        f"on_{name.replace('*', 'other')}_", "e", ["hits = []", *writer.head(), *lines, "return hits"]
    )


def _table(tables: Mapping[checked.Scalar, str]) -> str:
    return "{" + ", ".join(f"{value!r}: {name}" for value, name in tables.items()) + "}"


def _key_function(module: Module, fields: frozenset[str] | None, found: list[Candidate]) -> str:
    writer = FunctionWriter(module, fields)
    lines = _tests(writer, found)
    return module.function("key_", "e, hits", [*writer.head(), *lines] if lines else ["pass"])


def _tests(writer: FunctionWriter, candidates: Iterable[Candidate]) -> list[str]:
    lines = []
    for candidate in candidates:
        test = "True" if candidate.condition is None else writer.true(candidate.condition)
        if test == "True":
            lines.append(f"hits.append({candidate.number})")
        elif test != "False":
            lines.append(f"if {test}: hits.append({candidate.number})")
    return lines


# the index: which rules can be looked up, and by which field

Index = dict[str, dict[checked.Scalar, list[Candidate]]]


def _index(bucket: list[Candidate]) -> tuple[Index, list[Candidate]]:
    """The rules by field and value, each once; and those that have to be tried."""
    spread = _spread(bucket)
    index: Index = {}
    rest = []
    for candidate in bucket:
        key = max(candidate.keys, key=lambda name: (spread[name], name), default=None)
        if key is None or spread[key] < MIN_SHARED:
            rest.append(candidate)
            continue
        for value in candidate.keys[key]:
            index.setdefault(key, {}).setdefault(value, []).append(candidate)
    return index, rest


def _spread(candidates: Iterable[Candidate]) -> Counter[str]:
    """For each field, how many different values the rules ask of it: the more, the fewer rules share one."""
    values = {(name, value) for one in candidates for name, constants in one.keys.items() for value in constants}
    return Counter(name for name, _ in values)


def _keys(condition: checked.Condition | None) -> Constants:
    """The fields that must equal one of some constants for the condition to be true."""
    match condition:
        case checked.Comparison(
            operator="==", left=checked.FieldValue() as found, right=checked.Constant() as constant
        ):
            return {found.name: frozenset({constant.value})}
        case checked.Comparison(
            operator="==", left=checked.Constant() as constant, right=checked.FieldValue() as found
        ):
            return {found.name: frozenset({constant.value})}
        case checked.Member(item=checked.FieldValue() as found):
            return {found.name: frozenset(constant.value for constant in condition.constants)}
        case checked.AllOf():
            return reduce(_both, map(_keys, condition.operands))
    return {}


def _both(first: Constants, second: Constants) -> Constants:
    """What fields must be for both to hold."""
    return first | {name: first.get(name, constants) & constants for name, constants in second.items()}
