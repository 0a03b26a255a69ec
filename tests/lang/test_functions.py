"""The builtins: their documented examples, and what is at the borders of each."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.lang.functions import FUNCTIONS, SPECIAL, json_path, json_value, number
from tests.match.harness import engine, log, texts

EXAMPLES = [
    pytest.param(*example, id=f"{name}-{index}")
    for name, function in FUNCTIONS.items()
    for index, example in enumerate(function.examples)
]


def evaluated(expression: str, data: str) -> str:
    """What a template prints for an expression over a log text."""
    escaped = expression.replace("\\", "\\\\").replace('"', '\\"')
    (text,) = texts(engine(f'on PROCESS_LOG alert "{{{escaped}}}"').feed(log(data)))
    return text


@pytest.mark.parametrize(("expression", "data", "expected"), EXAMPLES)
def test_example(expression: str, data: str, expected: str) -> None:
    """A documented example gives the result that the documentation says."""
    assert evaluated(expression, data) == expected


def test_every_function_is_documented() -> None:
    """Each builtin has a text and an example of its own."""
    for name, function in FUNCTIONS.items():
        assert function.doc.endswith(".")
        assert all(f"{name}(" in expression for expression, _, _ in function.examples)
        assert function.examples
        assert function.signature.startswith(f"{name}(")
    assert not FUNCTIONS.keys() & SPECIAL.keys()


BORDERS = (
    ("lower(data)", "ÄİX", "äi\u0307x"),
    ("len(data)", "磁🔥e\u0301", "4"),
    ("first_line(data)", "", ""),
    ("first_line(data)", "one\r\ntwo", "one"),
    ("last_line(data)", "one\r\ntwo\r\n\n", "two"),
    ("last_line(data)", "", ""),
    ("last_line(data)", "one", "one"),
    ("truncate(data, 0)", "one", ""),
    ("truncate(data, 1)", "one", "…"),
    ("truncate(data, 3)", "one", "one"),
    ("truncate(data, 2)", "🔥🔥🔥", "🔥…"),
    ("extract(data, 'x(y)?')", "x", "-"),
    ("extract(data, '(?i)ERR(OR)')", "an error", "or"),
    ("extract(data, '磁(.)')", "磁盘", "盘"),
    ("extract(data, 'z')", "x", "-"),
    ("json(data, 'a.b[1][0]')", '{"a": {"b": [0, [true]]}}', "true"),
    ("json(data, '[1]')", "[1, 2]", "2"),
    ("json(data, '')", '"text"', "text"),
    ("json(data, 'a')", '{"a": null}', "-"),
    ("json(data, 'a')", '{"a": {"b": "磁"}}', '{"b": "磁"}'),
    ("json(data, 'a')", '{"a": 1.5}', "1.5"),
    ("json(data, 'a')", '{"a": 2.0}', "2"),
    ("json(data, 'a')", '{"a": NaN}', "-"),
    ("json(data, 'a')", '{"a": 1e999}', "-"),
    ("json(data, 'a')", '{"a": "x\\ud800y"}', "x\N{REPLACEMENT CHARACTER}y"),
    ("json(data, 'a')", '{"a": "\\uDfFf\\ud83d\\ude00\\\\ud800"}', "\N{REPLACEMENT CHARACTER}😀\\ud800"),
    (
        "json(data, 'a')",
        '{"a": {"b": ["\\udc00\\ud800"]}}',
        '{"b": ["\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"]}',
    ),
    ("json(data, 'level')", '{"level": "error", "s": "\\ud800"}', "error"),
    ("json(data, 'level')", '{"level": "error", "s": "\ud800"}', "error"),
    ("json(data, 'a.b')", '{"a": [1]}', "-"),
    ("json(data, 'a[0]')", '{"a": {"0": 1}}', "-"),
    ("json(data, 'a[7]')", '{"a": []}', "-"),
    ("json(data, 'a')", "no json", "-"),
    ("json(data, 'a')", "[" * 100_000, "-"),
    ("json(data, 'a')", '{"a": ' + "9" * 5000 + "}", "-"),
    ("json(data, 'a')", '{"a": 1, "a": 2}', "2"),
    ("json(json(data, 'a'), 'b')", '{"a": "{\\"b\\": 7}"}', "7"),
    ("upper(json(data, 'a'))", '{"a": 1}', "-"),
    ("number(data)", "-3", "-3"),
    ("number(data)", "1e3", "1000"),
    ("number(data)", "\t7\n", "7"),
    ("number(data)", "1_000", "-"),
    ("number(data)", "nan", "-"),
    ("number(data)", "inf", "-"),
    ("number(data)", "", "-"),
    ("number(data)", "0x10", "-"),
    ("number(data)", "9" * 5000, "-"),
    ("number(extract(data, '(\\d+) ms')) > 100", "took 250 ms", "true"),
    ("len(extract(data, 'x'))", "y", "-"),
    ("lower(upper(first_line(data)))", "Ab\nc", "ab"),
    ('env("RULES_LISTENER_TEST")', "", "a value"),
    ('env("RULES_LISTENER_NOT_SET")', "", "-"),
)


@pytest.mark.parametrize(
    ("expression", "data", "expected"), BORDERS, ids=[f"{row[0]}-{row[2]}"[:60] for row in BORDERS]
)
def test_borders(expression: str, data: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its borders a function gives what a person expects; what it can't compute is missing."""
    monkeypatch.setenv("RULES_LISTENER_TEST", "a value")
    assert evaluated(expression, data) == expected


PATHS = {
    "": (),
    "a": ("a",),
    "a.b[0]": ("a", "b", 0),
    "[0].a": (0, "a"),
    "a[0][12]": ("a", 0, 12),
    "磁.x y": ("磁", "x y"),
    "a..b": None,
    ".a": None,
    "a.": None,
    "a[": None,
    "a[x]": None,
    "a[-1]": None,
    "a[0]b": None,
    "a.[0]": None,
}


@pytest.mark.parametrize("path", PATHS)
def test_json_path(path: str) -> None:
    """A path is names between dots, each with indexes behind it; anything else is none."""
    assert json_path(path) == PATHS[path]


@settings(derandomize=True, deadline=None)
@given(st.text() | st.text('[]{}",:0123456789.eE+-\\untrfalse '), st.sampled_from(["", "a", "[0]", "a.b[0]"]))
def test_json_never_fails(text: str, path: str) -> None:
    """Whatever the text, reading JSON out of it gives a value or nothing."""
    json_value(text, path)


@settings(derandomize=True, deadline=None)
@given(st.text() | st.text("0123456789.eE+-_ infa"))
def test_number_never_fails(text: str) -> None:
    """Whatever the text, reading a number gives a finite one or nothing."""
    value = number(text)
    assert value is None or abs(value) < float("inf")
