"""Random rules, as text that passes the checks, and random events for them."""

from collections.abc import Callable

from hypothesis import strategies as st

from rules_listener.event.catalogue import (
    CATALOGUE,
    HEADER_FIELDS,
    LISTENER_PREFIX,
    Field,
    Kind,
    concrete_types,
    fields_of,
)
from rules_listener.event.event import Event, Value
from rules_listener.lang.scope import EVERYTHING, Scope

HOST = {"host": "web", "fqdn": "web.example", "ip": "192.0.2.7"}
ENV = {"RULES_LISTENER_A": "web", "RULES_LISTENER_B": "7"}

WORDS = ("web", "site", "a", "", "Web", "磁盘", "web-1", "🔥", "a b", "7", "2.5", "{}", "[web]", "true", "x*")
DOCUMENTS = (
    '{"a": "web", "b": [1, "x", {"c": true}], "d": {"e": 2.5}}',
    '{"a": 7, "b": ["web"], "d": null, "f": false}',
    '{"a": true, "b": "7"}',
    "[1, 2]",
    '"web"',
    "ERROR disk 磁盘 full\r\ntook 250 ms\n",
)
PATHS = ("a", "b", "b[0]", "b[2].c", "d.e", "d", "", "[1]", "f")
REGEXES = (
    *("web", "^a", r"\d+", "(?i)WEB", "disk|^$", r"took (\d+)", "[^a-z]", ".", r"x?"),
    *("^web$", "b$", r"\Aweb\z", r"^web-\d", "^we*", r"2\.5", "^(web|a)", "we.$", "^a|b$", ""),
)
GLOBS = ("web", "web*", "*e*", "*", "?", "[a-w]*", "*[!0-9]", "*disk*", "*.5")
NUMBERS = ("0", "1", "7", "-1", "2.5", "250", "64KiB")

UNKNOWN_TYPES = ("SUPVISORS", "PROCESS_STATE_NEW", "None")
SELECTABLE = (*CATALOGUE, *["EVENT", "PROCESS_STATE", "PROCESS_LOG"] * 7, "crashed", "named_event")
DEFINITIONS = """
let named_condition = eventname like "PROCESS*" and not eventname endswith "STDERR"
let named_value = "web"
let named_list = ["web", "site", named_value]
let other_list = named_list
event named_event = (PROCESS_LOG where pid > 1 and has(data)), TICK where named_condition
"""


def quoted(text: str) -> str:
    """A text as a string of the language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


class Writer:
    """Writes conditions over some fields."""

    def __init__(self, draw: st.DrawFn, scope: Scope) -> None:
        self.draw = draw
        self.fields = {name: found[0] for name, found in scope.fields.items() if name != "down_ms"}

    def choose(self, *choices: Callable[[], str]) -> str:
        """What one of some writers writes."""
        return self.draw(st.sampled_from(choices))()

    def one_of(self, words: tuple[str, ...]) -> str:
        """One of some words."""
        return self.draw(st.sampled_from(words))

    def of_kind(self, kind: Kind) -> list[Field]:
        """The fields of a kind that can hold anything; there is always a text, the event's name."""
        return [field for field in self.fields.values() if field.kind is kind and not field.values]

    def text_field(self) -> str:
        """A field that is a text; the one without whose data half of the functions have nothing to do, more often."""
        names = tuple(field.name for field in self.of_kind(Kind.TEXT))
        return self.one_of(names + ("data",) * 8 if "data" in names else names)

    def text(self) -> str:
        """A text, or a value out of JSON where a text is asked for."""
        return self.choose(self.text_field, self.text_field, self.text_literal, self.text_call, self.json, self.known)

    def text_literal(self) -> str:
        """A text that is written out."""
        return quoted(self.one_of((*WORDS, *DOCUMENTS)))

    def known(self) -> str:
        """What is known of the host, or a name that stands for a text."""
        return self.one_of((*HOST, *(f'env("{name}")' for name in ENV), 'env("RULES_LISTENER_NOT_SET")', "named_value"))

    def text_call(self) -> str:
        """A function that gives a text."""
        text = self.text()
        call = self.one_of(
            ("lower({})", "upper({})", "first_line({})", "last_line({})", "truncate({}, 3)", "extract({}, R)")
        )
        return call.replace("R)", quoted(self.one_of(REGEXES)) + ")").replace("{}", text)

    def json(self) -> str:
        """A value out of JSON."""
        return f"json({self.text_field()}, {quoted(self.one_of(PATHS))})"

    def number(self) -> str:
        """A number, or a value out of JSON where a number is asked for."""
        names = tuple(field.name for field in self.of_kind(Kind.NUMBER))
        literal = self.one_of((*NUMBERS, *names, *names))
        return self.choose(lambda: literal, lambda: f"len({self.text()})", lambda: f"number({self.text()})", self.json)

    def atom(self) -> str:
        """A condition without another one in it."""
        return self.choose(
            self.equal_field,
            self.equal_field,
            lambda: f"{self.text()} {self.one_of(('==', '!=', 'contains', 'startswith', 'endswith'))} {self.text()}",
            lambda: f"{self.text_field()} {self.one_of(('<', '<=', '>', '>='))} {self.text()}",
            lambda: f"{self.text()} {self.one_of(('=~', '!~'))} {self.one_of_regexes()}",
            lambda: f"{self.text()} like {quoted(self.one_of(GLOBS))}",
            self.part_of_a_field,
            self.part_of_a_field,
            lambda: f"{self.number()} {self.one_of(('==', '!='))} {self.number()}",
            lambda: f"{self.one_of(NUMBERS)} {self.one_of(('<', '<=', '>', '>='))} {self.number()}",
            lambda: f"{self.json()} {self.one_of(('==', '!='))} {self.json()}",
            lambda: f"{self.json()} == {self.one_of(('true', 'false'))}",
            lambda: f"{self.json()} in {self.one_of(('[true]', '[1, 2.5, 7]', '[]', 'named_list'))}",
            lambda: f"{self.number()} {self.one_of(('in', 'not in'))} [{self.one_of(NUMBERS)}, {self.number()}]",
            lambda: f"{self.text()} {self.one_of(('in', 'not in'))} {self.one_of(('named_list', 'other_list', '[]'))}",
            lambda: f"{self.text()} in [{self.text_literal()}, {self.text()}]",
            self.part_of_a_fixed_value,
            lambda: f"has({self.one_of(tuple(self.fields))})",
            lambda: f"{self.one_of(tuple(self.fields))} {self.one_of(('==', '!='))} null",
            lambda: f"{self.json()} {self.one_of(('==', '!='))} null",
            self.json,
            lambda: self.one_of(("true", "false", "named_condition", "time == time", "5m < 1h")),
        )

    def part_of_a_field(self) -> str:
        """What else the index looks for: how a text begins or ends, what it holds, an expression in it."""
        word = quoted(self.one_of(("web", "web-", "a", "磁", "")))
        operator = self.one_of(("startswith", "endswith", "contains", "=~"))
        return f"{self.text_field()} {operator} {self.one_of_regexes() if operator == '=~' else word}"

    def one_of_regexes(self) -> str:
        """A regular expression, as a string."""
        return quoted(self.one_of(REGEXES))

    def part_of_a_fixed_value(self) -> str:
        """A test of a field that has a fixed set of values."""
        tests = {
            "from_state": (
                "from_state like 'ST*'",
                "from_state =~ 'ING$'",
                "from_state contains 'O'",
                "from_state > 'R'",
            ),
            "channel": ("channel startswith 'std'", "channel endswith 'r'"),
            "expected": ("expected < 1", "1 <= expected"),
        }
        return self.one_of(("true", *(test for name, found in tests.items() if name in self.fields for test in found)))

    def equal_field(self) -> str:
        """What the index looks for: a field that equals one of some constants."""
        fields = [field for field in self.fields.values() if field.kind in (Kind.TEXT, Kind.NUMBER)]
        field = self.draw(st.sampled_from(fields))
        literals = tuple(map(quoted, WORDS[:6])) if field.kind is Kind.TEXT else NUMBERS[:4]
        if field.values:
            literals = tuple(quoted(value) if isinstance(value, str) else str(value) for value in field.values)
        first, second = self.one_of(literals), self.one_of(literals)
        return self.one_of(
            (f"{field.name} == {first}", f"{first} == {field.name}", f"{field.name} in [{first}, {second}]")
        )

    def condition(self, levels: int = 2) -> str:
        """A condition."""
        if levels == 0:
            return self.atom()
        inner = [self.condition(levels - 1) for _ in range(self.draw(st.integers(1, 3)))]
        return self.choose(
            self.atom,
            lambda: f"not ({inner[0]})",
            lambda: " and ".join(f"({one})" for one in inner),
            lambda: " or ".join(f"({one})" for one in inner),
        )

    def expression(self) -> str:
        """What a template may hold."""
        return self.choose(
            lambda: self.one_of(tuple(self.fields)),
            self.text,
            self.number,
            self.json,
            lambda: self.condition(1),
            lambda: self.one_of(("rule", "severity", "id", "5m", "1h", "true")),
        )


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule, in one line."""
    selected = draw(st.lists(st.sampled_from(SELECTABLE), min_size=1, max_size=3))
    types = (
        [kind.name for name in selected for kind in concrete_types(name)] if set(selected) <= CATALOGUE.keys() else []
    )
    scope = Scope(tuple(types), ()) if types else EVERYTHING_SHARED
    writer = Writer(draw, scope)
    parts = [
        f"({name} where {Writer(draw, Scope(tuple(kind.name for kind in concrete_types(name)), ())).condition(2)})"
        if name in CATALOGUE and draw(st.booleans())
        else name
        for name in selected
    ]
    condition = f" where {writer.condition()}" if draw(st.integers(0, 9)) else ""
    template = "".join(
        draw(st.sampled_from(["", "text ", "{{", "磁盘\n"])) + "{" + writer.expression() + "}"
        for _ in range(draw(st.integers(0, 3)))
    )
    return f"on {', '.join(parts)}{condition} alert {quoted(template)}"


EVERYTHING_SHARED = Scope(("LISTENER_STARTED",), ())
"""A scope whose fields all events have, but for its one field of its own, which nothing here uses."""

_ALL_NAMES = sorted(
    {name for kind in CATALOGUE.values() for name in fields_of(kind)} - {"data", "time", "process", "eventname"}
)
_HEADER = {field.name for field in HEADER_FIELDS}


_SENT = (*WORDS, "web-1 and more", "no \ud800 character")
"""What events hold; what is no character can only come out of a recording."""


def _value(field: Field) -> st.SearchStrategy[Value]:
    if field.values:
        return st.sampled_from(field.values)
    return st.sampled_from([0, 1, 7, -1, 250]) if field.kind is Kind.NUMBER else st.sampled_from(_SENT)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """An event: of any type, with some of the fields that the type has; of an unknown type, with any texts."""
    name = draw(st.sampled_from([*EVERYTHING.types, *EVERYTHING.types, *UNKNOWN_TYPES]))
    data = draw(st.none() | st.sampled_from((*DOCUMENTS, *_SENT)))
    moment = draw(st.sampled_from([0.0, 1_764_000_000.0]))
    if name not in CATALOGUE:
        unknown: dict[str, Value] = dict(draw(st.dictionaries(st.sampled_from(_ALL_NAMES), st.sampled_from(WORDS))))
        header = {key: value for key, value in unknown.items() if key in _HEADER}
        return Event(name, moment, {key: value for key, value in unknown.items() if key not in _HEADER}, data, header)
    kind = CATALOGUE[name]
    fields: dict[str, Value] = {field.name: draw(_value(field)) for field in kind.fields if draw(st.integers(0, 2))}
    known: dict[str, Value] = {}
    if not name.startswith(LISTENER_PREFIX):
        known = {field.name: draw(_value(field)) for field in HEADER_FIELDS[:5] if draw(st.booleans())}
    return Event(name, moment, fields, data if kind.has_data else None, {**known, "eventname": name})
