"""The builtin functions: for each one its signature, what it says, examples that tests run, and its code.

1. A function never fails: what it can't compute is missing (None), and makes a comparison unknown.
2. Its code is called only with arguments that are there and of the right kind; literal arguments are read once.
3. It takes time linear in its arguments.
"""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_listener.event.catalogue import Kind

if TYPE_CHECKING:
    from json import JSONDecoder, JSONEncoder


class Parameter(NamedTuple):
    """One argument: its kind, and whether it has to be written out in the rule."""

    name: str
    kind: Kind
    literal: bool = False


class Function(NamedTuple):
    """A builtin. Each example is an expression over `data`, the text that it is given, and the result as it prints."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Kind
    call: Callable[..., Any]
    doc: str
    examples: tuple[tuple[str, str, str], ...]

    @property
    def signature(self) -> str:
        """`truncate(text, n)`."""
        return f"{self.name}({', '.join(parameter.name for parameter in self.parameters)})"


def first_line(text: str) -> str:
    """Up to the first line end."""
    return text.split("\n", 1)[0].rstrip("\r")


def last_line(text: str) -> str:
    """The last line that is not empty."""
    return text.rstrip("\r\n").rsplit("\n", 1)[-1]


def truncate(text: str, length: int) -> str:
    """At most `length` characters, the last of which is … where something was cut."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"[:length]


def extract(text: str, pattern: str) -> str | None:
    """The first group of `pattern` in `text`, or the whole match where it has no group."""
    try:
        match = regex(pattern).search(text)
    except UnicodeEncodeError:
        match = regex(pattern).search(without_surrogates(text))
    if match is None:
        return None
    found: str | None = match.group(1 if match.re.groups else 0)
    return found


@cache
def regex(pattern: str) -> Any:
    """`pattern` as a compiled RE2 expression.

    Raises:
        re2.error: it is not valid.
    """
    import re2  # noqa: PLC0415 - most rules use no regular expression, and it takes 3 MB

    return re2.compile(pattern, regex_options())


def regex_options(memory: int | None = None) -> Any:
    """How all regular expressions are read, by RE2 with at most `memory` bytes if that is given."""
    import re2  # noqa: PLC0415 - likewise

    options = re2.Options()
    options.log_errors = False
    if memory is not None:
        options.max_mem = memory
    return options


def without_surrogates(text: str) -> str:
    """A text that is Unicode: U+FFFD stands where there were lone surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


LONGEST_NUMBER = 40
"""Characters of a number in a text; a longer one is none, since reading it takes more than linear time."""


def number(text: str) -> int | float | None:
    """The number that `text` spells, with blanks around it or not."""
    text = text.strip()
    if len(text) > LONGEST_NUMBER or "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


PathStep = str | int


def json_path(path: str) -> tuple[PathStep, ...] | None:
    """`a.b[0]` as `("a", "b", 0)`; None if it is no path."""
    steps: list[PathStep] = []
    for part in path.split(".") if path else ():
        name, *indexes = part.split("[")
        if not name and (steps or not indexes):
            return None
        steps += [name] if name else []
        for index in indexes:
            if not index.endswith("]") or not index[:-1].isdecimal():
                return None
            steps.append(int(index[:-1]))
    return tuple(steps)


def json_value(text: str, path: str) -> object | None:
    """What stands at `path` in the JSON text `text`; None if it is none, or nothing stands there."""
    value = _parsed_json(text)
    for step in _cached_path(path):
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


@cache
def _cached_path(path: str) -> tuple[PathStep, ...]:
    return json_path(path) or ()


@lru_cache(maxsize=1)
def _parsed_json(text: str) -> object | None:
    try:
        value: object = _json_decoder().decode(text)
        text.encode()
        if "\\u" in text:
            _json_encoder().encode(value).encode()
    except UnicodeEncodeError:
        value = _json_decoder().decode(_whole_characters(text))
    except (ValueError, RecursionError):
        return None
    return value


def _whole_characters(text: str) -> str:
    """A JSON text in which U+FFFD stands for each half of a character that has no other half."""
    import re  # noqa: PLC0415 - as it is imported with the decoder

    return re.sub(_HALF, lambda found: found[0] if found["half"] is None else r"\ufffd", text)


_HALF = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff])|\\."
)


@cache
def _json_decoder() -> "JSONDecoder":
    from json import JSONDecoder  # noqa: PLC0415 - most rules read no JSON

    return JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)


@cache
def _json_encoder() -> "JSONEncoder":
    from json import JSONEncoder  # noqa: PLC0415 - likewise

    return JSONEncoder(ensure_ascii=False)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


_TEXT = Parameter("text", Kind.TEXT)
_LOG = "ERROR disk full\nretry in 30\n"

_FUNCTIONS = (
    Function("lower", (_TEXT,), Kind.TEXT, str.lower, "The text in lower case.", (("lower(data)", "Web", "web"),)),
    Function("upper", (_TEXT,), Kind.TEXT, str.upper, "The text in upper case.", (("upper(data)", "Web", "WEB"),)),
    Function("len", (_TEXT,), Kind.NUMBER, len, "How many characters the text has.", (("len(data)", "né", "2"),)),
    Function(
        "first_line",
        (_TEXT,),
        Kind.TEXT,
        first_line,
        "The text up to its first line end.",
        (("first_line(data)", _LOG, "ERROR disk full"),),
    ),
    Function(
        "last_line",
        (_TEXT,),
        Kind.TEXT,
        last_line,
        "The text's last line that is not empty.",
        (("last_line(data)", _LOG, "retry in 30"),),
    ),
    Function(
        "truncate",
        (_TEXT, Parameter("n", Kind.NUMBER, literal=True)),
        Kind.TEXT,
        truncate,
        "At most n characters of the text; where it is cut, the last of them is an ellipsis.",
        (("truncate(data, 6)", "ERROR disk", "ERROR…"), ("truncate(data, 20)", "ERROR disk", "ERROR disk")),
    ),
    Function(
        "extract",
        (_TEXT, Parameter("regex", Kind.TEXT, literal=True)),
        Kind.TEXT,
        extract,
        "What the regular expression's first group matches, or all that it matches where it has no group.",
        (("extract(data, 'in (\\d+)')", _LOG, "30"), ("extract(data, '[a-z]+')", _LOG, "disk")),
    ),
    Function(
        "json",
        (_TEXT, Parameter("path", Kind.TEXT, literal=True)),
        Kind.ANY,
        json_value,
        "What stands at a path of the JSON text: a text, a number or a truth. Missing if the text is no JSON.",
        (("json(data, 'a.b[0]')", '{"a": {"b": [7]}}', "7"), ("json(data, 'a.c')", '{"a": 1}', "-")),
    ),
    Function(
        "number",
        (_TEXT,),
        Kind.NUMBER,
        number,
        "The number that the text spells. Missing if it spells none.",
        (("number(data)", " 2.5 ", "2.5"), ("number(data)", "many", "-")),
    ),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _FUNCTIONS}
"""The builtins by name. `has(field)` and `env("NAME")` are not among them: their argument is no value."""

SPECIAL = {
    "has": "has(field): whether the event has the field.",
    "env": 'env("NAME"): a variable of the listener\'s environment. Missing if it is not set.',
}
"""What looks like a function and needs the checker's help."""
