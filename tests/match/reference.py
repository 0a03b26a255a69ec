"""What rules mean, said again: the plain evaluator, without what it shares with the generated code.

`like` and `=~` are `fnmatch` and `re` here, templates are printed anew. None is unknown, and a missing value.
"""

import fnmatch
import json
import re
from datetime import datetime
from typing import Any

from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Kind
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.match.evaluate import NOTHING, Evaluator
from rules_listener.match.firing import Values


class Reference(Evaluator):
    """The plain evaluator, with operators that are said by Python itself. `host` and `env` are what is known."""

    def __init__(self, event: Event, host: dict[str, str], env: dict[str, str], given: Values = NOTHING) -> None:
        super().__init__(event, given)
        self.origins = {"host": host, "env": env}

    def value(self, value: checked.Value) -> object:
        """What a value is for the event."""
        if isinstance(value, checked.Given) and value.origin in self.origins:
            return self.origins[value.origin].get(value.name)
        return super().value(value)

    def compare(self, operator: str, left: Any, right: Any) -> bool:
        """What an operator says about two values of one kind that are there."""
        match operator:
            case "=~":
                return re.search(_pythonic(right), _whole(left)) is not None
            case "like":
                return fnmatch.fnmatchcase(left, right)
        return super().compare(operator, left, right)

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
    evaluator = Reference(event, host, env)
    kind = event.type if event.type in CATALOGUE else UNLISTED
    conditions = [arm.condition for arm in rule.arms if kind in arm.types]
    return any(condition is None or evaluator.truth(condition) is True for condition in conditions)
