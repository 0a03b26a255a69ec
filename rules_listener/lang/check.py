"""Statements become a rule set: what they mean, or what is wrong with them.

1. All of it is checked: one wrong rule hides no other, and a name that is wrong is reported once, where it is defined.
2. What the language knows and this version can't carry out is refused (RL901), never ignored.
3. The rules that come out are those without an error; they may only be loaded if there is no error at all.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import chain
from math import inf

from rules_listener.base.diagnostics import Diagnostic, suggestion
from rules_listener.base.source import Source, Span
from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Kind, concrete_types
from rules_listener.lang import checked, nodes
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.nesting import (
    ENDLESS,
    MAX_DEPTH,
    MAX_SIZE,
    Definition,
    Extent,
    defined,
    extent,
    in_order_of_use,
)
from rules_listener.lang.parse import Parsed, parse, parse_template
from rules_listener.lang.scope import (
    ALWAYS_GIVEN,
    EVERYTHING,
    GIVEN_BY_LIMIT,
    GIVEN_BY_PATTERN,
    MESSAGE,
    RESERVED,
    Scope,
)


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels that the configuration defines, and those of an alert without `to`."""

    names: Collection[str]
    default: Sequence[str]


def check(parsed: Iterable[Parsed], channels: Channels | None = None) -> tuple[checked.RuleSet, list[Diagnostic]]:
    """The rules of all files together, and all diagnostics, those of the parser included.

    Without `channels`, any name of a channel is accepted.
    """
    files_parsed = list(parsed)
    found = list(chain.from_iterable(one.found for one in files_parsed))
    statements = list(chain.from_iterable(one.statements for one in files_parsed))
    definitions = _define(statements, set().union(*(one.broken for one in files_parsed)), found)
    names = dict[str, nodes.Name]()
    rules = []
    for node in statements:
        if isinstance(node, nodes.Rule):
            _check_rule_name(node, names, found)
            rule = RuleChecker(node, definitions, channels).rule(found)
            rules += [] if rule is None else [rule]
    return checked.RuleSet(tuple(rules)), found


def _check_rule_name(rule: nodes.Rule, names: dict[str, nodes.Name], found: list[Diagnostic]) -> None:
    if rule.name is None:
        return
    first = names.setdefault(rule.name.name, rule.name)
    if first is not rule.name:
        found.append(_taken(rule.name, f"the first rule of this name is at {first.span.place}"))


def _taken(name: nodes.Name, label: str) -> Diagnostic:
    return Diagnostic("RL203", f"the name `{name.name}` is already taken", name.span, label)


# names


@dataclass(slots=True)
class Definitions:
    """What `let` and `event` statements define, and the extent of each.

    None stands for a definition that is wrong: its use is no error.
    """

    lets: dict[str, nodes.Let | None] = field(default_factory=dict)
    events: dict[str, nodes.EventDefinition | None] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)

    def right(self) -> dict[str, Definition]:
        """Those that are not known to be wrong."""
        both: dict[str, Definition | None] = {**self.events, **self.lets}
        return {name: definition for name, definition in both.items() if definition is not None}

    def forget(self, name: str) -> None:
        """Note that a definition is wrong."""
        for kind in (self.lets, self.events):
            if name in kind:
                kind[name] = None


@cache
def _prelude() -> tuple[nodes.EventDefinition, ...]:
    text = files("rules_listener.lang").joinpath("prelude.rules").read_text(encoding="utf-8")
    statements = parse(Source("prelude.rules", text)).statements
    return tuple(statement for statement in statements if isinstance(statement, nodes.EventDefinition))


def _define(statements: Iterable[nodes.Statement], broken: set[str], found: list[Diagnostic]) -> Definitions:
    definitions = Definitions(dict.fromkeys(broken), {statement.name.name: statement for statement in _prelude()})
    definitions.events |= dict.fromkeys(broken)
    first = dict[str, Span]()
    for statement in statements:
        if isinstance(statement, nodes.Rule) or not _is_free(statement.name, first, found):
            continue
        if isinstance(statement, nodes.Let):
            definitions.lets[statement.name.name] = statement
            definitions.events.pop(statement.name.name, None)
        else:
            definitions.events[statement.name.name] = statement
    _check_definitions(definitions, found)
    return definitions


def _is_free(name: nodes.Name, first: dict[str, Span], found: list[Diagnostic]) -> bool:
    if name.name in RESERVED:
        found.append(_taken(name, "it is a field, a type of event or a word of the language"))
        return False
    earlier = first.setdefault(name.name, name.span)
    if earlier is not name.span:
        found.append(_taken(name, f"it is first defined at {earlier.place}"))
        return False
    return True


def _check_definitions(definitions: Definitions, found: list[Diagnostic]) -> None:
    """Find what is wrong with a definition, before those that use it, so that they can keep quiet about it."""
    ordered, closing = in_order_of_use(definitions.right())
    for use in closing:
        found.append(Diagnostic("RL204", f"`{use.name}` is defined by itself", use.span))
        definitions.forget(use.name)
    for definition in ordered:
        found_extent = extent(defined(definition), definitions.extents)
        definitions.extents[definition.name.name] = found_extent if found_extent.fits else ENDLESS
        here = _mistakes(definition, definitions) if found_extent.fits else _too_large(definition.name, found_extent)
        if here or not found_extent.fits:
            definitions.forget(definition.name.name)
            found += here


def _mistakes(definition: Definition, definitions: Definitions) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    match definition:
        case nodes.EventDefinition():
            SelectorChecker(definitions, found).arms(definition.selector)
        case nodes.Let() if _is_list(definition.value, definitions.lets):
            ExpressionChecker(EVERYTHING, definitions.lets, found).items(definition.value)
        case nodes.Let():
            ExpressionChecker(EVERYTHING, definitions.lets, found).expression(definition.value)
    return found


def _is_list(node: nodes.Expression, lets: Mapping[str, nodes.Let | None]) -> bool:
    while isinstance(node, nodes.Name) and (let := lets.get(node.name)) is not None:
        node = let.value
    return isinstance(node, nodes.ListOf)


def _too_large(node: nodes.Node, found: Extent) -> list[Diagnostic]:
    if found.levels > MAX_DEPTH:
        message = f"this is nested more than {MAX_DEPTH} levels deep, once names stand for what they mean"
    else:
        message = f"this has more than {MAX_SIZE} parts, once names stand for what they mean"
    return [] if found.levels == inf else [Diagnostic("RL106", message, node.span)]


# selectors


class SelectorChecker:
    """Looks up what selectors select. `wrong` says that a condition was, and is left out."""

    def __init__(self, definitions: Definitions, found: list[Diagnostic]) -> None:
        self.definitions = definitions
        self.found = found
        self.wrong = False

    def arms(self, selector: nodes.Selector) -> tuple[checked.Arm, ...] | None:
        """What the selector selects; None if that is not known."""
        arms = [self._selected(node) for node in selector.selected]
        present = tuple(chain.from_iterable(arm for arm in arms if arm is not None))
        if any(arm is None for arm in arms):
            return None
        if selector.condition is None:
            return present
        scope = Scope(types_of(present), shown_names(selector))
        condition = ExpressionChecker(scope, self.definitions.lets, self.found).condition(selector.condition)
        if condition is None:
            self.wrong = True
            return present
        return tuple(checked.Arm(arm.types, _both(arm.condition, condition)) for arm in present)

    def _selected(self, node: nodes.Name | nodes.Selector) -> tuple[checked.Arm, ...] | None:
        if isinstance(node, nodes.Selector):
            return self.arms(node)
        if node.name in CATALOGUE:
            types = tuple(event_type.name for event_type in concrete_types(node.name))
            return (checked.Arm((*types, UNLISTED) if node.name == "EVENT" else types, None),)
        if node.name not in self.definitions.events:
            self._report_unknown(node)
            return None
        event = self.definitions.events[node.name]
        return None if event is None else self.arms(event.selector)

    def _report_unknown(self, node: nodes.Name) -> None:
        known = [*CATALOGUE, *self.definitions.events]
        label = suggestion(node.name, known) or suggestion(node.name.upper(), known)
        message = f"there is no event `{node.name}`"
        if node.name in self.definitions.lets:
            message, label = f"`{node.name}` is a value, no event", "events are named with `event`"
        self.found.append(Diagnostic("RL202", message, node.span, label))


def types_of(arms: Iterable[checked.Arm]) -> tuple[str, ...]:
    """All types that some arms select, each once."""
    return tuple(dict.fromkeys(chain.from_iterable(arm.types for arm in arms)))


def shown_names(selector: nodes.Selector) -> tuple[str, ...]:
    """How a selector names what it selects."""
    parts = [(node.name,) if isinstance(node, nodes.Name) else shown_names(node) for node in selector.selected]
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


def _both(first: checked.Condition | None, second: checked.Condition) -> checked.Condition:
    return second if first is None else checked.AllOf((first, second))


# rules


class RuleChecker:
    """Checks one rule."""

    def __init__(self, node: nodes.Rule, definitions: Definitions, channels: Channels | None) -> None:
        self.node = node
        self.definitions = definitions
        self.channels = channels
        self.found: list[Diagnostic] = []

    def rule(self, found: list[Diagnostic]) -> checked.Rule | None:
        """The rule, or None if something is wrong with it, which is then added to `found`."""
        node = self.node
        selectors = SelectorChecker(self.definitions, self.found)
        arms = selectors.arms(node.selector) if self._fits(node.selector) else None
        self._refuse(node.pattern, "patterns over time")
        self._refuse(node.scope, "`per` and `overall`")
        shown = shown_names(node.selector)
        given = {**ALWAYS_GIVEN, **GIVEN_BY_PATTERN[node.pattern.kind]} if node.pattern else ALWAYS_GIVEN
        scope = Scope(types_of(arms), shown, given) if arms is not None else None
        actions = tuple(self._action(action, scope) for action in node.actions)
        found += self.found
        if self.found or arms is None or selectors.wrong:
            return None
        return checked.Rule(_shown_name(node), arms, actions)

    def _refuse(self, clause: nodes.Node | None, what: str) -> None:
        if clause is not None:
            self._report("RL901", f"{what} are not supported yet", clause.span)

    def _report(self, code: str, message: str, span: Span, label: str = "", *notes: str) -> None:
        self.found.append(Diagnostic(code, message, span, label, notes))

    def _action(self, node: nodes.Action, scope: Scope | None) -> checked.Action:
        match node:
            case nodes.Alert():
                return self._alert(node, scope)
            case nodes.Run():
                return checked.Action("run", templates=self._templates(node.arguments, scope, MESSAGE))
            case nodes.ProcessAction(kind="shutdown"):
                return checked.Action("shutdown")
            case nodes.ProcessAction():
                self._refuse(node, "actions on processes other than `shutdown`")
        return checked.Action(node.kind)

    def _alert(self, node: nodes.Alert, scope: Scope | None) -> checked.Action:
        self._refuse(node.until, "alerts with `until`")
        self._refuse(node.remind, "reminders")
        self._refuse(node.at_most, "limits")
        self._check_channels(node)
        channels = tuple(name.name for name in node.channels)
        given = GIVEN_BY_LIMIT if node.at_most else {}
        return checked.Action("alert", node.severity, channels, self._templates([node.template], scope, given))

    def _check_channels(self, node: nodes.Alert) -> None:
        if self.channels is None:
            return
        known = " ".join(self.channels.names) or "none"
        for name in node.channels:
            if name.name not in self.channels.names:
                label = suggestion(name.name, self.channels.names)
                self._report("RL212", f"there is no channel `{name.name}`", name.span, label, f"channels: {known}")
        if not node.channels and not self.channels.default:
            message = "this alert goes nowhere: it has no `to`, and the configuration has no `default`"
            self._report("RL212", message, node.span, "", f"channels: {known}")

    def _templates(
        self, templates: Iterable[nodes.Template], scope: Scope | None, more: Mapping[str, Kind]
    ) -> tuple[checked.TemplateParts, ...]:
        if scope is None:
            return ()
        given = Scope(scope.types, scope.shown, {**scope.given, **more})
        checker = ExpressionChecker(given, self.definitions.lets, self.found)
        fitting = [template for template in templates if all(map(self._fits, _expressions(template)))]
        return tuple(template_parts(template, checker) for template in fitting)

    def _fits(self, node: nodes.Expression | nodes.Selector) -> bool:
        found = extent(node, self.definitions.extents)
        self.found += [] if found.fits else _too_large(node, found)
        return found.fits


def _expressions(template: nodes.Template) -> list[nodes.Expression]:
    return [part for part in template.parts if not isinstance(part, str)]


def template_parts(template: nodes.Template, checker: ExpressionChecker) -> checked.TemplateParts:
    """A template with its expressions checked; what is wrong is left out, and reported."""
    parts = [part if isinstance(part, str) else checker.expression(part) for part in template.parts]
    return tuple(part for part in parts if part is not None and part != "")


def _shown_name(node: nodes.Rule) -> str:
    if node.name is not None:
        return node.name.name
    return f"{node.span.source.name.rsplit('/', 1)[-1]}:{node.span.line}"


def check_template(source: Source) -> tuple[checked.TemplateParts, list[Diagnostic]]:
    """A template of the configuration: it may name any field of any event, and the firing's values."""
    template, found = parse_template(source)
    checker = ExpressionChecker(Scope(EVERYTHING.types, EVERYTHING.shown, CONFIGURED), {}, found)
    return template_parts(template, checker), found


CONFIGURED = {**ALWAYS_GIVEN, **MESSAGE}
