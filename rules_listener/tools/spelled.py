"""Values, texts and moments as explanations spell them: short, and on one line."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any

from rules_listener.base.printable import printable
from rules_listener.event.catalogue import Kind
from rules_listener.lang.literals import SEVERITIES, spell_duration
from rules_listener.match.clauses import ALREADY_OPEN
from rules_listener.match.runtime import show, show_time

LONGEST_VALUE = 60
"""Characters of a value, or of what is quoted from a rule."""


def shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def cut(text: str, longest: int) -> str:
    """A text of so many characters, and how many more there are."""
    left_out = len(text) - longest
    return text if left_out <= 0 else f"{text[:longest]} … ({left_out} more characters)"


def printable_lines(text: str) -> str:
    """A text in which line ends alone are not spelled."""
    return "\n".join(map(printable, text.split("\n")))


def for_people(value: Any) -> Any:
    """A text, or whatever holds texts, with all of them as `printable_lines` spells them."""
    match value:
        case str():
            return printable_lines(value)
        case tuple() if hasattr(value, "_fields"):
            return type(value)(*map(for_people, value))
        case tuple() | list():
            return type(value)(map(for_people, value))
        case dict():
            return {for_people(key): for_people(one) for key, one in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{field.name: for_people(getattr(value, field.name)) for field in fields(value)})
    return value


def quoted(text: str) -> str:
    """What is quoted from a rule."""
    return f"`{shortened(text)}`"


def spell_value(value: object, kind: Kind) -> str:
    """A value as a rule would write it; `missing` if it is."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return printable(json.dumps(shortened(value), ensure_ascii=False))
    if kind is Kind.DURATION and isinstance(value, int | float):
        return spell_duration(value)
    if kind is Kind.SEVERITY and isinstance(value, int):
        return SEVERITIES[value]
    if kind is Kind.TIME and isinstance(value, int | float):
        return show_time(value)
    return printable(shortened(show(value)))


def held_back(reason: str, spell: Callable[[float], str]) -> str:
    """Why something was held back, with its moment (seconds since 1970) spelled like all others."""
    if not reason.startswith(ALREADY_OPEN):
        return reason
    try:
        since = datetime.fromisoformat(reason.removeprefix(ALREADY_OPEN))
    except ValueError:
        return reason
    return f"{ALREADY_OPEN}{spell(since.timestamp())}"


@dataclass(frozen=True, slots=True)
class Times:
    """Spells moments in local time, without the date where it is that of `near`."""

    near: float

    def at(self, moment: float) -> str:
        """A moment, to the second, or to the millisecond if it is between two."""
        local = datetime.fromtimestamp(moment).astimezone()
        same_day = local.date() == datetime.fromtimestamp(self.near).astimezone().date()
        text = local.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")
        thousandths = round(moment * 1000) % 1000
        return f"{text}.{thousandths:03}" if thousandths else text
