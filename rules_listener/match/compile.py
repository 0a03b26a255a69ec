"""A rule set becomes a program: one generated function for each type of event.

1. The function of a type knows only the triggers that select the type, and only what events of that type can have.
2. What a pattern or an `until` waits for counts only where it has the key of what the rule selects. If the rule selects
   by names that the key holds, a thousand rules that wait for any RUNNING are looked up by these names.
3. Triggers are numbered in the order of the rules; those of one rule in the order of `_triggers`.
4. What differs between rules only in its constants is written once: a program grows with what its rules say, not with
   how many of them say it.
"""

import marshal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rules_listener.lang import checked
from rules_listener.match.buckets import ALWAYS, Buckets
from rules_listener.match.codegen import FunctionWriter, Module
from rules_listener.match.index import Candidate
from rules_listener.match.necessary import required
from rules_listener.match.normal import all_of, any_of, normal
from rules_listener.match.program import (
    MAIN,
    REOPEN,
    SECOND,
    UNTIL,
    ActionData,
    MuteData,
    PatternData,
    Program,
    RouteData,
    RuleData,
)

Templates = Mapping[str, checked.TemplateParts]
"""Templates of the configuration, each under a name."""


def compile_rules(rules: checked.RuleSet, templates: Templates | None = None, *, indexed: bool = True) -> Program:
    """The program of a rule set and of the configuration's templates. Without `indexed`, every rule is tried."""
    return Compilation(rules, templates or {}, indexed=indexed).program


class Compilation:
    """The program of a rule set, and how it came about."""

    def __init__(self, rules: checked.RuleSet, templates: Templates, *, indexed: bool = True) -> None:
        self.module = Module()
        self.rules = rules.rules
        self.buckets = Buckets(self.module)
        self.triggers = [trigger for number, rule in enumerate(rules.rules) for trigger in _triggers(number, rule)]
        data = tuple(_rule_data(rule, self.module) for rule in rules.rules)
        self.functions = {
            name: self.buckets.function(name, bucket, indexed=indexed)
            for name, bucket in _buckets(self.triggers, indexed=indexed).items()
        }
        routes = tuple(_route_data(route, self.module) for route in rules.routes)
        mutes = tuple(_mute_data(mute, self.module) for mute in rules.mutes)
        self._assign_names(templates)
        code = compile(self.module.source, "<rules>", "exec", dont_inherit=True, optimize=2)
        self.program = Program(
            marshal.dumps((code, self.buckets.tables)),
            data,
            tuple((one.rule, one.role) for one in self.triggers),
            len(self.residual()),
            self.module.source,
            routes,
            mutes,
        )

    def _assign_names(self, templates: Templates) -> None:
        """Name what the loader looks up."""
        module = self.module
        module.assign("TESTS", f"({', '.join(self.buckets.tests)},)")
        module.assign("BUCKETS", _mapping(self.functions))
        module.assign("TEMPLATES", _mapping({name: _template(module, parts) for name, parts in templates.items()}))

    def residual(self) -> set[int]:
        """The numbers of the rules that are tried at each event of a type, since the index does not lead to them.

        A rule without a condition is none of them: it is not tried.
        """
        found = (one for several in self.buckets.found.values() for one in several)
        return {self.triggers[one.number].rule for one in found if one.predicate is None and one.test != ALWAYS}


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
        tuple(_shared_template(module, parts) for parts in action.templates),
        None if until is None else (until.duration_s, all(map(_is_state, _types(until.arms)))),
        None if remind is None else (remind.every_s, remind.longest_s),
        None if at_most is None else (at_most.number, at_most.duration_s),
        any(getattr(part, "name", "") == "suppressed" for one in told for part in checked.subexpressions(one)),
    )


def _route_data(route: checked.Route, module: Module) -> RouteData:
    return RouteData(_condition(route.condition, module), route.channels, route.otherwise)


def _mute_data(mute: checked.Mute, module: Module) -> MuteData:
    window = mute.window
    return MuteData(
        mute.name,
        _condition(mute.condition, module),
        mute.reason,
        (window.days, window.start, window.end, window.zone) if isinstance(window, checked.Weekly) else None,
        (window.start, window.end) if isinstance(window, checked.Stretch) else None,
    )


def _condition(condition: checked.Condition | None, module: Module) -> str:
    """The function that says whether a condition about an alert is true; no name if it always is."""
    if condition is None:
        return ""
    writer = FunctionWriter(module, None, "e, v")
    true = writer.true(normal(condition))
    return module.function("alert_", "e, v", [*writer.head(), f"return {true}"])


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
    return _template_function(module, parts, "e, v")


def _shared_template(module: Module, parts: checked.TemplateParts) -> tuple[str, ...]:
    """A template's function for any texts between its expressions, and its own texts."""
    texts = [part for part in parts if isinstance(part, str)]
    names = iter([f"c{number}" for number in range(len(texts))])
    holes = [checked.Given("constants", next(names)) if isinstance(part, str) else part for part in parts]
    parameters = ", ".join([*(f"c{number}" for number in range(len(texts))), "e", "v"])
    return _template_function(module, tuple(holes), parameters), *texts


def _template_function(module: Module, parts: checked.TemplateParts, parameters: str) -> str:
    """A function that renders a template; what a function of the language gives is worked out once."""
    applied = [
        checked.canonical(one)
        for part in parts
        if not isinstance(part, str)
        for one in checked.subexpressions(part)
        if isinstance(one, checked.Apply)
    ]
    repeats = len(set(applied)) < len(applied)
    writer = FunctionWriter(module, None, "e, v, m" if repeats else "e, v")
    text = writer.text(parts)
    memo = ["m = {}"] if writer.uses_memo else []
    return module.function("template_", parameters, [*memo, *writer.head(), f"return {text}"])


def _named_groups(rule: checked.Rule) -> set[str]:
    """The literals that a rule compares with the name of a process or a group."""
    arms = [arm for trigger in _triggers(0, rule) for arm in trigger.arms]
    names = {str(name) for arm in arms if arm.condition for name in checked.named_processes(arm.condition)}
    return names | {name.partition(":")[0] for name in names}


# buckets: the triggers of one type of event


class Trigger(NamedTuple):
    """What an event can be to a rule, and which events are that; others than `of` says do not matter to it."""

    rule: int
    role: int
    arms: tuple[checked.Arm, ...]
    of: tuple[checked.Condition, ...] = ()


def _triggers(number: int, rule: checked.Rule) -> Iterator[Trigger]:
    """The triggers of a rule, in the order in which an event that pulls several of them does so."""
    untils = [(place, action.until) for place, action in enumerate(rule.actions) if action.until is not None]
    held_by_key = _held_by_key(rule) if untils or rule.pattern is not None else ()
    if any(until.duration_s for _, until in untils) and (rule.pattern is None or rule.pattern.kind != "no"):
        yield Trigger(number, REOPEN, rule.arms)
    for place, until in untils:
        yield Trigger(number, UNTIL + place, until.arms, held_by_key)
    if rule.pattern is not None and rule.pattern.arms:
        yield Trigger(number, SECOND, rule.pattern.arms, held_by_key)
    yield Trigger(number, MAIN, rule.arms)


def _held_by_key(rule: checked.Rule) -> tuple[checked.Condition, ...]:
    """What is true of all that the rule selects, as far as it is about the values that its key is made of."""
    names = {key.name for key in rule.keys}
    if "process" in names:
        names |= {"groupname", "processname"}
    arms = [required(normal(arm.condition)) if arm.condition is not None else {} for arm in rule.arms]
    common = {value: set[checked.Scalar]() for value in arms[0] if all(value in arm for arm in arms)}
    for value, constants in common.items():
        constants.update(*(arm[value] for arm in arms))
    return tuple(
        checked.Member(value, tuple(checked.Constant(constant, value.kind) for constant in sorted(constants, key=str)))
        for value, constants in common.items()
        if value.name in names and "" not in constants
    )


def _buckets(triggers: Iterable[Trigger], *, indexed: bool) -> dict[str, list[Candidate]]:
    """By each type of event the triggers that it can pull; if they are tried, all those that it can in any way."""
    buckets: dict[str, list[Candidate]] = {}
    forms: dict[tuple[int, ...], checked.Condition | None] = {}
    for number, trigger in enumerate(triggers):
        conditions: dict[str, list[checked.Condition | None]] = {}
        for arm in trigger.arms:
            for name in arm.types:
                conditions.setdefault(name, []).append(arm.condition)
        for name, found in conditions.items():
            key = (id(trigger.of), *map(id, found))
            if key not in forms:
                forms[key] = _form(found, trigger.of if indexed else ())
            buckets.setdefault(name, []).append(Candidate(number, forms[key]))
    return buckets


def _form(
    alternatives: Sequence[checked.Condition | None], required: Sequence[checked.Condition]
) -> checked.Condition | None:
    """One of some alternatives and all that is required, in normal form; None if that is always true."""
    present = [normal(condition) for condition in alternatives if condition is not None]
    operands = [normal(condition) for condition in required]
    if len(present) == len(alternatives):
        operands.append(any_of(present))
    return all_of(operands) if operands else None
