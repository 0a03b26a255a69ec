"""One line of a rule test becomes events: `OFFSET EVENT [GROUP:PROCESS] [FIELD=VALUE …] [xN every D]`.

1. All that is wrong with a line is reported, each at its word; then no event comes of it.
2. An event has every field that supervisord gives it. Left out may be what can only be one value, and what tests
   seldom care about: see `OMITTED`, and `_at` for the moment that a tick tells. Fields are in supervisord's order,
   whatever that of the line is: what a rule prints of an event as a whole has that order.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from rules_listener.base.clock import no_moment
from rules_listener.base.diagnostics import suggestion
from rules_listener.event.catalogue import (
    CATALOGUE,
    DATA_FIELD,
    HEADER_FIELDS,
    LISTENER_PREFIX,
    EventType,
    Field,
    Kind,
    concrete_types,
    fields_of,
)
from rules_listener.event.event import Event, Value
from rules_listener.lang.literals import read_duration, unescape

MOST_REPEATS = 100_000
COMMENT = "#"
AFTER_THE_END = "this is after the year 9999"

OMITTED: dict[tuple[str, str], Value] = {
    ("PROCESS_STATE_STARTING", "tries"): 0,
    ("PROCESS_STATE_BACKOFF", "tries"): 1,
    **{(name, "pid"): 1000 for name in CATALOGUE},
}
"""What a field of a type is where it is left out."""

_QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'[^']*'""")
_WORD = re.compile(rf"(?P<name>[A-Za-z_]+)=(?P<value>(?:{_QUOTED.pattern})(?!\S)|\S*)|\S+")
_REPEATS = ("xN", "every", "D")
_HEADER = {field.name: field for field in HEADER_FIELDS if field.name != "eventname"}
_TOLD_OTHERWISE = {
    "time": "the line begins with it",
    "eventname": "it is the second word of the line",
    "when": "a tick tells the moment of its line: leave it out",
    **dict.fromkeys(("processname", "groupname"), "it stands behind the event, as in web:nginx"),
    "process": "it stands behind the event, as in web:nginx",
}
_NAMES = frozenset({"processname", "groupname"})
_SENT = [name for name, found in CATALOGUE.items() if not found.abstract]


class Report(Protocol):
    """What is called for what is wrong with characters `[start, end)` of the line."""

    def __call__(self, message: str, start: int, end: int, label: str = "", /, *notes: str) -> None: ...  # noqa: D102 - see the class


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line; one such as `name=value` has a `name`, and its value as it is written."""

    text: str
    start: int
    end: int
    name: str = ""
    value: str = ""


def read_line(text: str, start: float, report: Report) -> list[Event]:
    """The events of a line, none of a blank one or a comment; its 0s are `start`, in seconds since 1970."""
    line = _Line(text, report)
    if line.is_blank:
        return []
    offset_s = line.offset()
    event, count, every_s = line.event()
    if line.wrong or event is None:
        return []
    if no_moment(start + offset_s + (count - 1) * every_s):
        report(AFTER_THE_END, len(text) - len(text.lstrip()), len(text.rstrip()))
        return []
    return [_at(event, start + offset_s + number * every_s) for number in range(count)]


def _at(event: Event, time: float) -> Event:
    """The event at a moment, of which a tick tells."""
    fields = dict(event.fields)
    if CATALOGUE[event.type].parent == "TICK":
        fields.setdefault("when", int(time))
    return Event(event.type, time, fields, event.data, dict(event.header))


class _Line:
    """The words of a line, taken one after the other."""

    def __init__(self, text: str, report: Report) -> None:
        self.wrong = False
        self._report = report
        self._words = [
            Word(found[0], found.start(), found.end(), found["name"] or "", found["value"] or "")
            for found in takewhile(lambda found: not found[0].startswith(COMMENT), _WORD.finditer(text))
        ]

    @property
    def is_blank(self) -> bool:
        """Whether there is no word left."""
        return not self._words

    def _say(self, word: Word, message: str, label: str = "", *notes: str) -> None:
        self.wrong = True
        self._report(message, word.start, word.end, label, *notes)

    def _say_of_value(self, word: Word, message: str, label: str = "", *notes: str) -> None:
        self.wrong = True
        self._report(message, word.end - len(word.value), word.end, label, *notes)

    def offset(self) -> float:
        """When the event is, in seconds after the start."""
        word = self._words[0] if self._words[0].text in CATALOGUE else self._words.pop(0)
        return self._duration(word, "a line begins with the time that has passed since the start")

    def _duration(self, word: Word, message: str) -> float:
        seconds = read_duration(word.text)
        if seconds is None:
            self._say(word, message, "such as 0s, 10s or 1h30m")
        return seconds or 0.0

    def event(self) -> tuple[Event | None, int, float]:
        """The event, without its time; how many of it there are, and the seconds between them."""
        if self.is_blank:
            self._report("the event is missing", 0, 0, "such as `10s PROCESS_STATE_EXITED web:nginx expected=0`")
            return None, 0, 0.0
        word = self._words.pop(0)
        kind = self._kind(word)
        if kind is None:
            return None, 0, 0.0
        fields = self._process(word) if kind.is_process else {}
        count, every_s = self._repeats()
        return self._filled(kind, word, fields), count, every_s

    def _kind(self, word: Word) -> EventType | None:
        kind = CATALOGUE.get(word.text)
        if kind is None:
            label = suggestion(word.text, _SENT) or suggestion(word.text.upper(), _SENT)
            self._say(word, f"there is no event `{word.text}`", label)
        elif kind.abstract:
            names = " ".join(one.name for one in concrete_types(word.text))
            self._say(word, f"`{word.text}` stands for several types, and an event is of one", "", f"types: {names}")
            return None
        return kind

    def _process(self, event: Word) -> dict[str, Value]:
        if not self._words or self._words[0].name:
            self._say(event, f"whose {event.text} is it?", "behind it belongs GROUP:PROCESS, such as web:nginx")
            return {}
        word = self._words.pop(0)
        group, colon, name = word.text.partition(":")
        if not group or (colon and not name):
            self._say(word, f"`{word.text}` is no process", "such as web:nginx, or nginx in a group of the same name")
        return {"processname": name if colon else group, "groupname": group}

    def _repeats(self) -> tuple[int, float]:
        if len(self._words) < len(_REPEATS) or self._words[-2].text != _REPEATS[1]:
            return 1, 0.0
        times, _, duration = self._words[-3:]
        del self._words[-3:]
        every_s = self._duration(duration, "how long is it from one event to the next?")
        count = times.text[1:]
        if times.text[:1] != "x" or not count.isdecimal() or not 1 <= int(count[:9]) <= MOST_REPEATS:
            self._say(times, "how often?", f"such as `x3 every 20s`; {MOST_REPEATS} times at most")
            return 1, 0.0
        return int(count), every_s

    # fields

    def _filled(self, kind: EventType, event: Word, fields: dict[str, Value]) -> Event:
        own = {field.name: field for field in _own_fields(kind)}
        header = {} if kind.name.startswith(LISTENER_PREFIX) else _HEADER
        given = self._given({**own, **header}, kind)
        for field in own.values():
            value = given[field.name] if field.name in given else self._omitted(kind, field, event)
            fields |= {} if value is None else {field.name: value}
        data = fields.pop("data", None)
        in_header = {name: value for name, value in given.items() if name in header}
        return Event(kind.name, 0.0, fields, None if data is None else str(data), in_header)

    def _given(self, known: dict[str, Field], kind: EventType) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for word in self._words:
            field = known.get(word.name)
            if field is None:
                self._unknown(word, known, kind)
            elif word.name in values:
                self._say(word, f"`{word.name}` stands here twice")
            elif (value := self._value(word, field)) is not None:
                values[word.name] = value
        return values

    def _unknown(self, word: Word, known: Iterable[str], kind: EventType) -> None:
        fields = " ".join(field.name for field in _own_fields(kind))
        if not word.name:
            label = "a field is NAME=VALUE, and a value with blanks stands in quotes"
            self._say(word, f"`{word.text}` is no field", label, f"fields: {fields}")
            return
        name = Word(word.name, word.start, word.start + len(word.name))
        if word.name in fields_of(kind) and word.name in _TOLD_OTHERWISE:
            self._say(name, f"`{word.name}` is not written here", _TOLD_OTHERWISE[word.name])
            return
        message = f"{kind.name} has no field `{word.name}`"
        self._say(name, message, suggestion(word.name, known), f"fields: {fields or 'none'}")

    def _omitted(self, kind: EventType, field: Field, event: Word) -> Value | None:
        """What a field is that was left out, if it may be."""
        if len(field.possible) == 1:
            return field.possible[0]
        if (kind.name, field.name) in OMITTED:
            return OMITTED[kind.name, field.name]
        if not field.optional and not self.wrong:
            choices = " or ".join(f"{field.name}={value}" for value in field.possible) or f"{field.name}=…"
            self._say(event, f"{kind.name} always has `{field.name}`", f"write {choices}")
        return None

    def _value(self, word: Word, field: Field) -> Value | None:
        text = self._text(word)
        if text is None:
            return None
        value: Value = text
        if field.kind is Kind.NUMBER:
            if not re.fullmatch(r"-?[0-9]{1,18}", text):
                self._say_of_value(word, f"`{field.name}` is a whole number")
                return None
            value = int(text)
        possible = field.possible or field.values
        if possible and value not in possible:
            shown = [str(one) for one in possible]
            label = suggestion(text, shown)
            self._say_of_value(word, f"`{field.name}` can't be {text} here", label, f"possible: {' '.join(shown)}")
        return value

    def _text(self, word: Word) -> str | None:
        """A value without its quotes."""
        raw = word.value
        if raw[:1] not in ('"', "'"):
            return raw
        if not _QUOTED.fullmatch(raw):
            self._say_of_value(word, "a value in quotes ends with the second one, and a blank follows it")
            return None
        if raw[0] == "'":
            return raw[1:-1]
        pieces = [piece for piece, _, _ in unescape(raw[1:-1])]
        if None in pieces:
            label = 'known are \\" \\\\ \\n \\t and \\u{1F600}; in single quotes a backslash is a backslash'
            self._say_of_value(word, "there is no such escape", label)
            return None
        return "".join(piece for piece in pieces if piece is not None)


def _own_fields(kind: EventType) -> list[Field]:
    """The fields that are written, and not told by the process or, for a tick, by the moment."""
    fields = [field for field in kind.fields if not (kind.is_process and field.name in _NAMES)]
    if kind.parent == "TICK":
        fields = []
    return [*fields, DATA_FIELD] if kind.has_data else fields
