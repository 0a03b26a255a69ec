"""Expressions are checked: names are looked up, kinds compared; what remains has a meaning.

1. A method returns None where something is wrong, after it has said so; what uses the result then keeps quiet.
2. A name of a `let` statement means the same as its expression in parentheses, checked where the name is used.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from rules_listener.base.counted import counted
from rules_listener.base.diagnostics import Diagnostic, suggestion
from rules_listener.base.source import Span
from rules_listener.event.catalogue import Kind
from rules_listener.lang import checked, nodes
from rules_listener.lang.functions import FUNCTIONS, SPECIAL, Parameter, json_path, regex
from rules_listener.lang.literals import SEVERITIES
from rules_listener.lang.scope import HOST_NAMES, Scope, given_elsewhere

T = TypeVar("T")

_OUT_OF_JSON = {Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.ANY}
_ORDERED = (Kind.TEXT, Kind.NUMBER, Kind.DURATION, Kind.TIME, Kind.SEVERITY, Kind.ANY)
_ORDERINGS = ("<", "<=", ">", ">=")
_ELSEWHERE = "severities are compared in `route` and `mute` alone"
_SEVERITIES = f"severities are {' < '.join(SEVERITIES)}, written without quotes"
_NO_TRUTH = "supervisord sends 1 for true and 0 for false"
_REGEX_OPERATORS = ("=~", "!~")
_PATTERN_OPERATORS = ("=~", "!~", "like")
_TEXT_OPERATORS = (*_PATTERN_OPERATORS, "contains", "startswith", "endswith")


class ExpressionChecker:
    """Checks the expressions of one scope. `lets` are all definitions; None stands for one that is wrong itself."""

    def __init__(self, scope: Scope, lets: Mapping[str, nodes.Let | None], found: list[Diagnostic]) -> None:
        self.scope = scope
        self.lets = lets
        self.found = found
        self._using: list[nodes.Name] = []

    def report(self, code: str, message: str, span: Span, label: str = "", *notes: str) -> None:
        """Say that something is wrong at `span`."""
        if self._using:
            first = self._using[0]
            notes = (*notes, f"`{first.name}` is used at {first.span.place}")
        self.found.append(Diagnostic(code, message, span, label, notes))

    # conditions

    def condition(self, node: nodes.Expression) -> checked.Condition | None:
        """`node` as something that is true, false or unknown."""
        match node:
            case nodes.And():
                return self._combination(checked.AllOf, node.operands)
            case nodes.Or():
                return self._combination(checked.AnyOf, node.operands)
            case nodes.Not():
                operand = self.condition(node.operand)
                return None if operand is None else checked.Negation(operand)
            case nodes.Compare():
                return self._comparison(node)
            case nodes.In():
                return self._membership(node)
            case nodes.Name() if (let := self._definition(node)) is not None:
                return self._within(node, lambda: self.condition(let.value))
            case nodes.Call() if node.function.name == "has":
                return self._has(node)
        return self._truth(node)

    def _combination(
        self, kind: type[checked.AllOf | checked.AnyOf], operands: tuple[nodes.Expression, ...]
    ) -> checked.Condition | None:
        conditions = [self.condition(operand) for operand in operands]
        present = tuple(condition for condition in conditions if condition is not None)
        return kind(present) if len(present) == len(conditions) else None

    def _truth(self, node: nodes.Expression) -> checked.Condition | None:
        value = self.value(node)
        if value is None:
            return None
        if value.kind not in (Kind.BOOLEAN, Kind.ANY):
            self.report("RL207", f"a {value.kind} is neither true nor false", node.span, "compare it with something")
            return None
        return checked.Truth(value)

    def _has(self, node: nodes.Call) -> checked.Condition | None:
        name = node.arguments[0] if len(node.arguments) == 1 else None
        if not isinstance(name, nodes.Name):
            self.report("RL211", "`has` takes the name of a field", node.span, SPECIAL["has"])
            return None
        value = self.value(name)
        return None if value is None else checked.Present(value)

    def _comparison(self, node: nodes.Compare) -> checked.Condition | None:
        if missing := self._null_comparison(node):
            return missing
        left, right = self.value(node.left), self._compared(node.right)
        if left is None or right is None:
            return None
        if not self._operator_fits(node, left, right):
            return None
        if node.operator in _PATTERN_OPERATORS and not self._pattern_is_valid(node, right):
            return None
        if node.operator in ("==", "!="):
            self._check_possible(left, right, node.right.span)
            self._check_possible(right, left, node.left.span)
        if node.operator in ("!=", "!~"):
            return checked.Negation(checked.Comparison({"!=": "==", "!~": "=~"}[node.operator], left, right))
        return checked.Comparison(node.operator, left, right)

    def _null_comparison(self, node: nodes.Compare) -> checked.Condition | None:
        """`x == null` is `not has(x)`, for every value."""
        sides = [side for side in (node.left, node.right) if not _is_null(side)]
        if len(sides) != 1 or node.operator not in ("==", "!="):
            return None
        value = self.value(sides[0])
        if value is None:
            return None
        present = checked.Present(value)
        return present if node.operator == "!=" else checked.Negation(present)

    def _compared(self, node: nodes.Expression) -> checked.Value | None:
        """The value of what something is compared with: a name that is none may be a text without its quotes."""
        if not isinstance(node, nodes.Name):
            return self.value(node)
        return self._name(node, otherwise=f'a text stands in quotes: "{node.name}"')

    def _operator_fits(self, node: nodes.Compare, left: checked.Value, right: checked.Value) -> bool:
        kinds = {left.kind, right.kind}
        if node.operator in _TEXT_OPERATORS:
            wrong = [(side, value) for side, value in ((node.left, left), (node.right, right)) if not _is_text(value)]
            for side, value in wrong:
                self.report("RL206", f"`{node.operator}` is made for text", side.span, f"this is a {value.kind}")
            return not wrong
        if not _can_be_compared(left.kind, right.kind):
            label = f"a {_shown(left.kind)} on the left, a {_shown(right.kind)} on the right"
            notes = [_SEVERITIES] * (Kind.SEVERITY in kinds) + [_NO_TRUTH] * (kinds == {Kind.NUMBER, Kind.BOOLEAN})
            self.report("RL205", "values of different kinds can't be compared", node.span, label, *notes)
            return False
        if node.operator in _ORDERINGS and (not kinds <= set(_ORDERED) or kinds == {Kind.ANY}):
            self.report("RL206", f"`{node.operator}` has no order to go by here", node.span, f"a {_shown(left.kind)}")
            return False
        if kinds & {Kind.LIST}:
            self.report("RL206", "lists can't be compared", node.span, "use `in`")
            return False
        return True

    def _pattern_is_valid(self, node: nodes.Compare, right: checked.Value) -> bool:
        if not isinstance(right, checked.Constant):
            self.report("RL206", f"`{node.operator}` needs a pattern that is written out", node.right.span)
            return False
        return node.operator not in _REGEX_OPERATORS or self._regex_is_valid(str(right.value), node.right.span)

    def _regex_is_valid(self, pattern: str, span: Span) -> bool:
        try:
            regex(pattern)
        except Exception as error:  # noqa: BLE001 - re2.error, which can't be named before re2 is imported
            reason = error.args[0] if error.args else error
            text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            self.report("RL208", "the regular expression is not valid", span, text)
            return False
        return True

    def _check_possible(self, value: checked.Value, other: checked.Value, span: Span) -> None:
        """Report a constant that the field it is compared with can never have."""
        if not isinstance(value, checked.FieldValue) or not isinstance(other, checked.Constant):
            return
        fields = self.scope.fields.get(value.name, [])
        known = [item for found in fields for item in found.values]
        if not all(found.values for found in fields) or not known or other.value in known:
            return
        label = suggestion(str(other.value), map(str, known))
        shown = " ".join(dict.fromkeys(map(str, known)))
        message = f"`{value.name}` is never {other.value!r}".replace("'", '"')
        self.report("RL209", message, span, label, f"values: {shown}")

    def _membership(self, node: nodes.In) -> checked.Condition | None:
        item, constants = self.value(node.item), self.items(node.container)
        if item is None or constants is None:
            return None
        for place, constant in constants:
            if not _can_be_compared(item.kind, constant.kind):
                notes = [_SEVERITIES] * (Kind.SEVERITY in (item.kind, constant.kind))
                message = f"a {_shown(item.kind)} is never in a list of {_plural(constant.kind)}"
                self.report("RL205", message, place.span, "", *notes)
                return None
            self._check_possible(item, constant, place.span)
        fixed = tuple(constant for _, constant in constants if isinstance(constant, checked.Constant))
        conditions: list[checked.Condition] = [checked.Member(item, fixed)] if fixed or not constants else []
        conditions += [
            checked.Comparison("==", item, value) for _, value in constants if not isinstance(value, checked.Constant)
        ]
        found = conditions[0] if len(conditions) == 1 else checked.AnyOf(tuple(conditions))
        return checked.Negation(found) if node.negated else found

    def items(self, node: nodes.Expression) -> list[tuple[nodes.Expression, checked.Value]] | None:
        """The items of a list, with their places; None if it is none."""
        if isinstance(node, nodes.Name) and (let := self._definition(node)) is not None:
            return self._within(node, lambda: self.items(let.value))
        if not isinstance(node, nodes.ListOf):
            if not isinstance(node, nodes.Name) or self.value(node) is not None:
                self.report("RL213", "there is no list to look in", node.span, "a list is written [a, b]")
            return None
        values = [(item, self._compared(item)) for item in node.items]
        items = [(item, value) for item, value in values if value is not None]
        kinds = {value.kind for _, value in items} - {Kind.ANY}
        if len(kinds) > 1:
            self.report("RL214", "a list has items of one kind", node.span, " and ".join(sorted(kinds)))
            return None
        return items if len(items) == len(values) else None

    # values

    def value(self, node: nodes.Expression) -> checked.Value | None:
        """`node` as a value."""
        match node:
            case nodes.Text():
                return checked.Constant(node.value, Kind.TEXT)
            case nodes.Number():
                return checked.Constant(node.value, Kind.NUMBER)
            case nodes.Duration():
                return checked.Constant(node.seconds, Kind.DURATION)
            case nodes.Constant(value=bool(value)):
                return checked.Constant(value, Kind.BOOLEAN)
            case nodes.Name():
                return self._name(node)
            case nodes.Call():
                return self._call(node)
            case nodes.ListOf():
                self.report("RL213", "a list can only be looked in", node.span, "with `in`")
            case nodes.Constant():
                self.report("RL206", "`null` can only be compared, with == and !=", node.span)
            case _:
                self.report("RL205", "a condition can't be compared", node.span, "use `and`, `or` and `not`")
        return None

    def expression(self, node: nodes.Expression) -> checked.Expression | None:
        """`node` as a value or a condition: what a template prints."""
        if isinstance(node, nodes.Name) and (let := self._definition(node)) is not None:
            return self._within(node, lambda: self.expression(let.value))
        is_condition = isinstance(node, nodes.And | nodes.Or | nodes.Not | nodes.Compare | nodes.In)
        if is_condition or (isinstance(node, nodes.Call) and node.function.name == "has"):
            return self.condition(node)
        return self.value(node)

    def _definition(self, node: nodes.Name) -> nodes.Let | None:
        """The `let` statement that defines a name, if one does and it can be used."""
        return self.lets.get(node.name)

    def _within(self, node: nodes.Name, check: Callable[[], T]) -> T:
        self._using.append(node)
        try:
            return check()
        finally:
            self._using.pop()

    def _name(self, node: nodes.Name, *, otherwise: str = "") -> checked.Value | None:
        """What a name stands for; `otherwise` is said of one that is not known, nor like one that is."""
        name = node.name
        if name in self.scope.fields:
            return checked.FieldValue(name, self.scope.fields[name][0].kind)
        if name in self.scope.given:
            return checked.Given("values", name, self.scope.given[name])
        if name in self.scope.severities:
            return checked.Constant(self.scope.severities.index(name), Kind.SEVERITY)
        if name in HOST_NAMES:
            return checked.Given("host", name)
        if let := self._definition(node):
            return self._within(node, lambda: self.value(let.value))
        if name in self.lets:
            return None
        known = [*self.scope.fields, *self.scope.given, *self.scope.severities, *HOST_NAMES, *self.lets]
        message = self.scope.subject(f"has no field `{name}`", f"has a field `{name}`")
        is_severity = name in ("severity", *SEVERITIES)
        label = _ELSEWHERE if is_severity else given_elsewhere(name) or suggestion(name, known) or otherwise
        self.report("RL201", message, node.span, label, f"fields: {' '.join(self.scope.common_names)}")
        return None

    def _call(self, node: nodes.Call) -> checked.Value | None:
        name = node.function.name
        if name == "env":
            return self._env(node)
        function = FUNCTIONS.get(name)
        if function is None:
            if name == "has":
                self.report("RL205", "`has(…)` is a condition, not a value", node.span)
            else:
                label = suggestion(name, [*FUNCTIONS, *SPECIAL])
                known = f"functions: {' '.join([*FUNCTIONS, *SPECIAL])}"
                self.report("RL210", f"there is no function `{name}`", node.function.span, label, known)
            return None
        if len(node.arguments) != len(function.parameters):
            wanted = counted(len(function.parameters), "argument")
            self.report("RL211", f"`{name}` takes {wanted}", node.span, function.signature)
            return None
        arguments = [
            self._argument(name, parameter, argument)
            for parameter, argument in zip(function.parameters, node.arguments, strict=True)
        ]
        present = tuple(argument for argument in arguments if argument is not None)
        return checked.Apply(name, present, function.result) if len(present) == len(arguments) else None

    def _argument(self, function: str, parameter: Parameter, node: nodes.Expression) -> checked.Value | None:
        value = self.value(node)
        if value is None:
            return None
        if value.kind not in (parameter.kind, Kind.ANY):
            message = f"`{parameter.name}` of `{function}` is a {parameter.kind}"
            self.report("RL211", message, node.span, f"this is a {value.kind}")
            return None
        if parameter.literal and not isinstance(value, checked.Constant):
            self.report("RL211", f"`{parameter.name}` of `{function}` has to be written out", node.span)
            return None
        return value if self._literal_is_valid(parameter, value, node.span) else None

    def _literal_is_valid(self, parameter: Parameter, value: checked.Value, span: Span) -> bool:
        if not isinstance(value, checked.Constant):
            return True
        if parameter.name == "regex":
            return self._regex_is_valid(str(value.value), span)
        if parameter.name == "path" and json_path(str(value.value)) is None:
            self.report("RL211", "this is no path into JSON", span, "such as 'a.b[0]'")
            return False
        if parameter.name == "n" and not (isinstance(value.value, int) and value.value >= 0):
            self.report("RL211", "`n` is a whole number, 0 or more", span)
            return False
        return True

    def _env(self, node: nodes.Call) -> checked.Value | None:
        name = self.value(node.arguments[0]) if len(node.arguments) == 1 else None
        if not isinstance(name, checked.Constant) or name.kind is not Kind.TEXT:
            self.report("RL211", "`env` takes the name of an environment variable", node.span, 'such as env("HOME")')
            return None
        return checked.Given("env", str(name.value))


def _can_be_compared(first: Kind, second: Kind) -> bool:
    """Whether values of two kinds may be equal; one out of JSON is a text, a number or a truth."""
    return first is second or (Kind.ANY in (first, second) and {first, second} <= _OUT_OF_JSON)


def _shown(kind: Kind) -> str:
    return "value out of JSON" if kind is Kind.ANY else str(kind)


def _plural(kind: Kind) -> str:
    return "severities" if kind is Kind.SEVERITY else f"{kind}s"


def _is_null(node: nodes.Expression) -> bool:
    return isinstance(node, nodes.Constant) and node.value is None


def _is_text(value: checked.Value) -> bool:
    return value.kind in (Kind.TEXT, Kind.ANY)
