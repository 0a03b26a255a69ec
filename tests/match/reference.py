"""What rules mean, said again in the plainest way: a walk over the checked form, in Kleene's three-valued logic.

It shares nothing with the code generator. None is unknown, and a missing value.
"""

import fnmatch
import json
import re
from datetime import datetime

from rules_listener.event.catalogue import CATALOGUE, HEADER_FIELDS, UNLISTED, Kind, fields_of
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.lang.functions import FUNCTIONS
from rules_listener.match.firing import Values

HEADER = {field.name for field in HEADER_FIELDS}
NOTHING: Values = {}


class Evaluator:
    """Answers for one event. `given` is what a firing gives, `host` and `env` what is known of the host."""

    def __init__(self, event: Event, host: dict[str, str], env: dict[str, str], given: Values = NOTHING) -> None:
        self.event = event
        self.origins = {"values": given, "host": host, "env": env}

    def truth(self, condition: checked.Condition) -> bool | None:
        """Whether a condition is true."""
        match condition:
            case checked.Negation():
                operand = self.truth(condition.operand)
                return None if operand is None else not operand
            case checked.AllOf():
                answers = [self.truth(operand) for operand in condition.operands]
                return False if False in answers else None if None in answers else True
            case checked.AnyOf():
                answers = [self.truth(operand) for operand in condition.operands]
                return True if True in answers else None if None in answers else False
            case checked.Present():
                return self.value(condition.value) is not None
            case checked.Truth():
                return as_boolean(self.value(condition.value))
            case checked.Member():
                return self.member(condition)
            case checked.Comparison():
                return self.comparison(condition)

    def member(self, condition: checked.Member) -> bool | None:
        """Whether a value is one of some constants of one kind."""
        if not condition.constants:
            return None if self.value(condition.item) is None else False
        item = self.of_kind(condition.item, condition.constants[0].kind)
        return None if item is None else any(item == constant.value for constant in condition.constants)

    def comparison(self, condition: checked.Comparison) -> bool | None:
        """What an operator says about two values; of different kinds, nothing."""
        left, right = condition.left, condition.right
        if left.kind is Kind.ANY and right.kind is Kind.ANY and condition.operator == "==":
            kinds = (Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN)
            pairs = [(self.of_kind(left, kind), self.of_kind(right, kind)) for kind in kinds]
            return next((first == second for first, second in pairs if first is not None and second is not None), None)
        kind = Kind.TEXT if left.kind is right.kind is Kind.ANY else right.kind if left.kind is Kind.ANY else left.kind
        first, second = self.of_kind(left, kind), self.of_kind(right, kind)
        return None if first is None or second is None else compare(condition.operator, first, second)

    def of_kind(self, value: checked.Value, kind: Kind) -> object:
        """A value, if it is of a kind."""
        found = self.value(value)
        match kind:
            case Kind.TEXT:
                return found if isinstance(found, str) else None
            case Kind.NUMBER:
                return found if isinstance(found, int | float) and not isinstance(found, bool) else None
            case Kind.BOOLEAN:
                return as_boolean(found)
        return found

    def value(self, value: checked.Value) -> object:
        """What a value is for the event."""
        match value:
            case checked.Constant():
                return value.value
            case checked.FieldValue():
                return self.field(value.name)
            case checked.Given():
                return self.origins[value.origin].get(value.name)
            case checked.Apply():
                first, *rest = value.arguments
                text = self.of_kind(first, Kind.TEXT)
                if text is None:
                    return None
                result: object = FUNCTIONS[value.function].call(text, *map(self.value, rest))
                return result

    def field(self, name: str) -> object:
        """A field, its derived forms included; None where the event's type lacks it."""
        event = self.event
        if event.type in CATALOGUE and name not in fields_of(CATALOGUE[event.type]):
            return None
        derived = {"data": event.data, "time": event.time, "process": event.process, "eventname": event.type}
        if name in derived:
            return derived[name]
        return event.header.get(name) if name in HEADER else event.fields.get(name)

    def text(self, parts: checked.TemplateParts) -> str:
        """A template's text."""
        return "".join(part if isinstance(part, str) else self.shown(part) for part in parts)

    def shown(self, part: checked.Expression) -> str:
        """A value or a condition as a template prints it."""
        if not isinstance(part, checked.Value):
            return print_value(self.truth(part))
        found = self.value(part)
        if part.kind is Kind.TIME and isinstance(found, float):
            return datetime.fromtimestamp(found).astimezone().isoformat(timespec="seconds")
        if part.kind is Kind.DURATION:
            return {300.0: "5m", 3600.0: "1h"}[float(str(found))]
        return print_value(found)


def as_boolean(value: object) -> bool | None:
    """A value, if it is a truth."""
    return value if isinstance(value, bool) else None


def compare(operator: str, left: object, right: object) -> bool:
    """What an operator says about two values of one kind that are there."""
    match operator:
        case "==":
            return left == right
        case "=~":
            return re.search(_pythonic(str(right)), _whole(str(left))) is not None
        case "like":
            return fnmatch.fnmatchcase(str(left), str(right))
        case "contains":
            return str(right) in str(left)
        case "startswith":
            return str(left).startswith(str(right))
        case "endswith":
            return str(left).endswith(str(right))
    order: int = (left > right) - (left < right)  # type: ignore[operator] # the checker lets only ordered kinds through
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def _pythonic(pattern: str) -> str:
    r"""RE2's `$` and `\z` are the end of the text, and nothing else; `\x{…}` is a character by its number."""
    pattern = re.sub(r"\\x\{(\w+)\}", lambda found: f"\\U{int(found[1], 16):08X}", pattern)
    return pattern.replace("$", r"\Z").replace(r"\z", r"\Z")


def _whole(text: str) -> str:
    """What is no character is one that nobody knows."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def print_value(value: object) -> str:
    """A value as people read it."""
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case float() if value == int(value):
            return str(int(value))
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def fires(rule: checked.Rule, event: Event, host: dict[str, str], env: dict[str, str]) -> bool:
    """Whether an event makes a rule fire."""
    evaluator = Evaluator(event, host, env)
    kind = event.type if event.type in CATALOGUE else UNLISTED
    conditions = [arm.condition for arm in rule.arms if kind in arm.types]
    return any(condition is None or evaluator.truth(condition) is True for condition in conditions)
