"""Rules are checked: what they wait for, what they do, and whether the clauses fit together.

1. All that is wrong with a rule is said at once; a rule comes out only if nothing is.
2. What a template may name is what the event that it is rendered with has: that of `then S` is the S.
"""

import signal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules_listener.base.diagnostics import Diagnostic, suggestion
from rules_listener.base.source import Span
from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Kind
from rules_listener.lang import checked, nodes
from rules_listener.lang.expressions import ExpressionChecker
from rules_listener.lang.literals import SECONDS
from rules_listener.lang.nesting import extent
from rules_listener.lang.scope import ALWAYS_GIVEN, GIVEN_BY_LIMIT, GIVEN_BY_PATTERN, MESSAGE, Scope
from rules_listener.lang.selectors import Definitions, SelectorChecker, shown_names, too_large, types_of

MAX_NUMBER = 100_000
"""The greatest N of `N times`, `N distinct` and `at most N`: so many moments may have to be remembered for each key."""

MAX_DURATION_S = 3650 * SECONDS["d"]

SIGNALS = tuple(sorted(name.removeprefix("SIG") for name in signal.Signals.__members__ if not name.startswith("SIGRT")))
"""The names that `signal` takes, with or without `SIG` before them (`supervisor/datatypes.py: signal_number`)."""

DEFAULT_KEYS = (checked.FieldValue("process", Kind.TEXT),)


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels that the configuration defines, and those of an alert without `to` that no route takes.

    `are_routed`: there are routes, which may take an alert before that.
    """

    names: Collection[str]
    default: Sequence[str]
    are_routed: bool = False

    def unknown(self, names: Iterable[nodes.Name]) -> Iterator[Diagnostic]:
        """What to say of channels that the configuration lacks."""
        known = f"channels: {' '.join(self.names) or 'none'}"
        for name in names:
            if name.name not in self.names:
                label = suggestion(name.name, self.names)
                yield Diagnostic("RL212", f"there is no channel `{name.name}`", name.span, label, (known,))


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selector selects, and the scope of what is said about it."""

    arms: tuple[checked.Arm, ...]
    scope: Scope


class RuleChecker:
    """Checks one rule."""

    def __init__(self, node: nodes.Rule, definitions: Definitions, channels: Channels | None) -> None:
        self.node = node
        self.definitions = definitions
        self.channels = channels
        self.found: list[Diagnostic] = []
        self._selectors = SelectorChecker(definitions, self.found)

    def rule(self, found: list[Diagnostic]) -> checked.Rule | None:
        """The rule, or None if something is wrong with it, which is then added to `found`."""
        node = self.node
        given = GIVEN_BY_PATTERN[node.pattern.kind] if node.pattern else {}
        selected = self._selected(node.selector, given)
        pattern, fired = self._pattern(node.pattern, selected) if node.pattern else (None, selected)
        keys = self._keys(selected)
        actions = tuple(self._action(action, fired) for action in node.actions)
        found += self.found
        if self.found or selected is None or self._selectors.wrong:
            return None
        return checked.Rule(_shown_name(node), selected.arms, actions, pattern, keys)

    def _report(self, code: str, message: str, span: Span, label: str = "", *notes: str) -> None:
        self.found.append(Diagnostic(code, message, span, label, notes))

    def _selected(self, selector: nodes.Selector, given: Mapping[str, Kind]) -> Selected | None:
        arms = self._selectors.arms(selector) if self._fits(selector) else None
        if arms is None:
            return None
        return Selected(arms, Scope(types_of(arms), shown_names(selector), {**ALWAYS_GIVEN, **given}))

    # what it waits for

    def _pattern(
        self, node: nodes.Pattern, selected: Selected | None
    ) -> tuple[checked.Pattern | None, Selected | None]:
        """The pattern, and what its firings are about."""
        second = None if node.selector is None else self._selected(node.selector, GIVEN_BY_PATTERN[node.kind])
        if node.kind == "for" and selected is not None:
            self._check_states(node, selected.scope)
        pattern = checked.Pattern(
            node.kind,
            self._duration(node.duration),
            0 if node.number is None else self._number(node.number),
            None if node.field is None else self._field(node.field, selected),
            () if second is None else second.arms,
        )
        return pattern, second if node.kind == "then" else selected

    def _check_states(self, node: nodes.Pattern, scope: Scope) -> None:
        others = [name for name in scope.types if name == UNLISTED or CATALOGUE[name].parent != "PROCESS_STATE"]
        if others:
            message = "`for` asks how long a process stays in a state, and not all of these are PROCESS_STATE events"
            self._report("RL216", message, node.span, "", f"others: {_some(others)}")

    def _keys(self, selected: Selected | None) -> tuple[checked.FieldValue, ...]:
        node = self.node
        if node.scope is None:
            return () if node.pattern is not None and node.pattern.kind == "no" else DEFAULT_KEYS
        keys = [self._field(name, selected) for name in node.scope.keys]
        return tuple(dict.fromkeys(key for key in keys if key is not None))

    def _field(self, name: nodes.Name, selected: Selected | None) -> checked.FieldValue | None:
        if selected is None:
            return None
        value = ExpressionChecker(selected.scope, {}, self.found).value(name)
        if value is None or isinstance(value, checked.FieldValue):
            return value
        self._report("RL201", f"`{name.name}` is no field of an event", name.span)
        return None

    def _duration(self, node: nodes.Duration) -> float:
        if not 0 < node.seconds <= MAX_DURATION_S:
            self._report("RL215", "a duration is longer than 0, and at most ten years", node.span)
        return node.seconds

    def _number(self, node: nodes.Number) -> int:
        if not 1 <= node.value <= MAX_NUMBER or node.value != int(node.value):
            self._report("RL215", f"this is a whole number from 1 to {MAX_NUMBER}", node.span)
        return int(node.value)

    # what it does

    def _action(self, node: nodes.Action, selected: Selected | None) -> checked.Action:
        scope = None if selected is None else selected.scope
        match node:
            case nodes.Alert():
                return self._alert(node, scope)
            case nodes.Run():
                return checked.Action("run", templates=self._templates(node.arguments, scope, MESSAGE))
            case nodes.ProcessAction():
                return self._process_action(node, scope)

    def _process_action(self, node: nodes.ProcessAction, scope: Scope | None) -> checked.Action:
        templates = self._templates([] if node.target is None else [node.target], scope, {})
        if node.target is None and node.kind != "shutdown" and scope is not None and "process" not in scope.fields:
            message = f"`{node.kind}` needs a process, and {scope.subject('is about none', 'is about one')}"
            self._report("RL216", message, node.span, f'name one: `{node.kind} "group:name"`')
        if node.signal is not None:
            self._check_signal(node.signal)
            templates = ((node.signal.name,), *templates)
        return checked.Action(node.kind, templates=templates)

    def _check_signal(self, node: nodes.Name) -> None:
        if node.name.removeprefix("SIG") not in SIGNALS:
            label = suggestion(node.name, SIGNALS) or suggestion(node.name.upper().removeprefix("SIG"), SIGNALS)
            self._report("RL217", f"there is no signal `{node.name}`", node.span, label, f"signals: {_some(SIGNALS)}")

    def _alert(self, node: nodes.Alert, scope: Scope | None) -> checked.Action:
        self._check_channels(node)
        return checked.Action(
            "alert",
            node.severity,
            distinct(node.channels),
            self._templates([node.template], scope, GIVEN_BY_LIMIT if node.at_most else {}),
            None if node.until is None else self._until(node.until),
            None if node.remind is None else self._remind(node.remind, node.until),
            None
            if node.at_most is None
            else checked.AtMost(self._number(node.at_most.number), self._duration(node.at_most.duration)),
        )

    def _until(self, node: nodes.Until) -> checked.Until:
        selected = self._selected(node.selector, {})
        duration_s = 0.0 if node.duration is None else self._duration(node.duration)
        return checked.Until(() if selected is None else selected.arms, duration_s)

    def _remind(self, node: nodes.Remind, until: nodes.Until | None) -> checked.Remind:
        if until is None:
            message = "only an alert that stays open can be sent again"
            self._report("RL216", message, node.span, "say what closes it: `until PROCESS_STATE_RUNNING`")
        every_s = self._duration(node.every)
        longest_s = every_s if node.doubling_to is None else self._duration(node.doubling_to)
        if node.doubling_to is not None and longest_s < every_s:
            self._report("RL215", "the longest wait is at least as long as the first", node.doubling_to.span)
        return checked.Remind(every_s, longest_s)

    def _check_channels(self, node: nodes.Alert) -> None:
        if self.channels is None:
            return
        self.found += self.channels.unknown(node.channels)
        if not node.channels and not self.channels.default:
            message = "this alert goes nowhere: it has no `to`, and the configuration has no `default`"
            if self.channels.are_routed:
                message = "this alert goes nowhere if no route takes it: the configuration has no `default`"
            known = " ".join(self.channels.names) or "none"
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
        self.found += [] if found.fits else too_large(node, found)
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
    return short_place(node.span)


def distinct(names: Iterable[nodes.Name]) -> tuple[str, ...]:
    """The names in their order, each once."""
    return tuple(dict.fromkeys(name.name for name in names))


def short_place(span: Span) -> str:
    """A place as a name: that of the file, with folders only where another file has the same, and the line."""
    return f"{span.source.short}:{span.line}"


def _some(names: Sequence[str], at_most: int = 12) -> str:
    return " ".join([*names[:at_most], *["…"] * (len(names) > at_most)])
