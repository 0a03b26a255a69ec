"""Diagnostics and the four ways in which they are shown."""

import json
from itertools import permutations
from unicodedata import east_asian_width

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.codes import CODES
from rules_listener.base.diagnostics import (
    Diagnostic,
    Severity,
    as_github,
    as_json,
    as_sarif,
    as_text,
    in_order,
    suggestion,
)
from rules_listener.base.source import Source, Span


def at(text: str, word: str, name: str = "x.rules") -> Span:
    """The place of a word in a text."""
    start = text.index(word)
    return Span(Source(name, text), start, start + len(word))


RULE = "on PROCESS_STATE_EXITED where expcted == 0\n  shutdown\n"
FIELD = Diagnostic(
    "RL201",
    "PROCESS_STATE_EXITED has no field `expcted`",
    at(RULE, "expcted"),
    "did you mean `expected`?",
    ("fields: processname groupname", "`expcted` is used at x.rules:9:1"),
)
FILE = Diagnostic("RL301", "the file does not exist", file="50%, a:b.rules")
WARNING = Diagnostic("RL302", "there are no rules", at(RULE, "shutdown"), severity=Severity.WARNING)

FIELD_SHOWN = """\
error[RL201]: PROCESS_STATE_EXITED has no field `expcted`
 --> x.rules:1:31
  |
1 | on PROCESS_STATE_EXITED where expcted == 0
  |                               ^^^^^^^ did you mean `expected`?
  = fields: processname groupname
  = `expcted` is used at x.rules:9:1"""

TEXTS = {
    "all of it": (
        FIELD,
        FIELD_SHOWN,
    ),
    "a file without a place": (FILE, "error[RL301]: the file does not exist\n --> 50%, a:b.rules"),
    "neither file nor place": (Diagnostic("RL302", "no rules"), "error[RL302]: no rules"),
    "a warning without a label": (
        WARNING,
        "warning[RL302]: there are no rules\n --> x.rules:2:3\n  |\n2 |   shutdown\n  |   ^^^^^^^^",
    ),
    "a tab is shown as blanks, so that the carets are below": (
        Diagnostic("RL101", "m", at("\ton\tx y", "n\tx")),
        "error[RL101]: m\n --> x.rules:1:3\n  |\n1 |     on    x y\n  |      ^^^^^^",
    ),
    "what a terminal would do is spelled": (
        Diagnostic("RL101", "m\x1b", at("a\x1b[31m b\u202ec", "b\u202e"), "l\x07", ("n\x1b",)),
        (
            "error[RL101]: m\\u001b\n --> x.rules:1:8\n  |\n1 | a\\u001b[31m b\\u202ec\n"
            "  |             ^^^^^^^ l\\u0007\n  = n\\u001b"
        ),
    ),
    "of a long line, what is near": (
        Diagnostic("RL101", "m", at("a" * 1000 + "xyz" + "b" * 1000, "xyz")),
        (f"error[RL101]: m\n --> x.rules:1:1001\n  |\n1 | …{'a' * 80}xyz{'b' * 117}…\n  | {' ' * 81}^^^"),
    ),
    "the beginning of a long line": (
        Diagnostic("RL101", "m", at("xyz" + "b" * 1000, "xyz")),
        f"error[RL101]: m\n --> x.rules:1:1\n  |\n1 | xyz{'b' * 197}…\n  | ^^^",
    ),
    "the end of a long line, all of which is meant": (
        Diagnostic("RL101", "m", at("a" * 1000 + "b" * 1000, "b" * 1000)),
        f"error[RL101]: m\n --> x.rules:1:1001\n  |\n1 | …{'a' * 80}{'b' * 120}…\n  | {' ' * 81}{'^' * 120}",
    ),
    "wide and combining characters": (
        Diagnostic("RL101", "m", at("'磁e\u0301' 盘x 🔥", "盘x")),
        "error[RL101]: m\n --> x.rules:1:7\n  |\n1 | '磁e\u0301' 盘x 🔥\n  |       ^^^",
    ),
    "a place over several lines is marked on its first": (
        Diagnostic("RL101", "m", Span(Source("x", "ab\r\ncd"), 1, 6)),
        "error[RL101]: m\n --> x:1:2\n  |\n1 | ab\n  |  ^",
    ),
    "the end of the text": (
        Diagnostic("RL101", "m", Span(Source("x", "ab"), 2, 2), "here"),
        "error[RL101]: m\n --> x:1:3\n  |\n1 | ab\n  |   ^ here",
    ),
    "a line number of two digits": (
        Diagnostic("RL101", "m", Span(Source("x", "\n" * 9 + "ab"), 10, 11), notes=("n",)),
        "error[RL101]: m\n  --> x:10:2\n   |\n10 | ab\n   |  ^\n   = n",
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_as_text(case: str) -> None:
    """For people: message, place, the line with carets below, notes."""
    found, expected = TEXTS[case]
    assert as_text([found]) == expected


def test_several_texts_stand_apart() -> None:
    """Between two diagnostics there is an empty line; of none there is no text."""
    assert as_text([WARNING, FIELD]) == f"{as_text([FIELD])}\n\n{as_text([WARNING])}"
    assert as_text([]) == ""


def cells(text: str) -> int:
    """How many columns of a terminal a text without combining characters takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


@settings(derandomize=True, deadline=None)
@given(st.text("ab 磁ｘ🔥", min_size=1), st.data())
def test_carets_stand_below_what_they_mark(line: str, data: st.DataObject) -> None:
    """The carets begin in the column of the first marked character and are as wide as the marked text."""
    start = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(start + 1, len(line)))
    *_, shown, carets = as_text([Diagnostic("RL101", "m", Span(Source("x", line), start, end))]).split("\n")
    assert shown == f"1 | {line}"
    assert carets == "  | " + " " * cells(line[:start]) + "^" * cells(line[start:end])


def test_order_is_by_file_and_place() -> None:
    """However they were found, diagnostics are shown by file, line, column and code."""
    other = Diagnostic("RL101", "m", at("abc", "c", "w.rules"))
    same_place = Diagnostic("RL202", "m", FIELD.span)
    expected = [FILE, other, FIELD, same_place, WARNING]
    for order in permutations(expected):
        assert in_order(order) == expected


def test_the_same_is_said_once() -> None:
    """What is said twice about a place is shown once, as it was said first; another message is another diagnostic."""
    again = Diagnostic(FIELD.code, FIELD.message, FIELD.span, "another label")
    other = Diagnostic(FIELD.code, "another message", FIELD.span)
    assert in_order([FIELD, again, other]) == [FIELD, other]


def test_as_json() -> None:
    """For programs: a list of objects with all that there is to know; positions only where there are some."""
    assert json.loads(as_json([FIELD, FILE])) == [
        {
            "code": "RL301",
            "severity": "error",
            "title": CODES["RL301"].title,
            "message": "the file does not exist",
            "file": "50%, a:b.rules",
            "label": "",
            "notes": [],
        },
        {
            "code": "RL201",
            "severity": "error",
            "title": CODES["RL201"].title,
            "message": "PROCESS_STATE_EXITED has no field `expcted`",
            "file": "x.rules",
            "line": 1,
            "column": 31,
            "end_line": 1,
            "end_column": 38,
            "label": "did you mean `expected`?",
            "notes": ["fields: processname groupname", "`expcted` is used at x.rules:9:1"],
        },
    ]
    assert as_json([]) == "[]"


def test_as_github() -> None:
    """For GitHub: one workflow command a line, with what would end a property or the command escaped."""
    first, second, third = as_github([FIELD, FILE, WARNING]).split("\n")
    assert first == "::error file=50%25%2C a%3Ab.rules,title=RL301%3A file can't be read::the file does not exist"
    assert second == (
        "::error file=x.rules,line=1,col=31,title=RL201%3A no such field or name"
        "::PROCESS_STATE_EXITED has no field `expcted`%0Adid you mean `expected`?"
        "%0Afields: processname groupname%0A`expcted` is used at x.rules:9:1"
    )
    assert third.startswith("::warning file=x.rules,line=2,col=3,")


def test_as_sarif() -> None:
    """For code scanning: SARIF 2.1.0, each code described once, columns counted in characters."""
    log = json.loads(as_sarif([FIELD, WARNING, FILE, FIELD], "1.2.3"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("rules-listener", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["RL201", "RL301", "RL302"]
    assert driver["rules"][0]["fullDescription"]["text"] == CODES["RL201"].meaning
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("RL301", "error"),
        ("RL201", "error"),
        ("RL302", "warning"),
    ]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert "region" not in places[0]
    assert places[1] == {
        "artifactLocation": {"uri": "x.rules"},
        "region": {"startLine": 1, "startColumn": 31, "endLine": 1, "endColumn": 38},
    }


SUGGESTIONS = {
    "a letter missing": ("expcted", ["expected", "pid"], "did you mean `expected`?"),
    "nothing near": ("xyz", ["expected", "pid"], ""),
    "nothing known": ("pid", [], ""),
}


@pytest.mark.parametrize("case", SUGGESTIONS)
def test_suggestion(case: str) -> None:
    """The nearest known word is proposed, if one is near."""
    word, known, expected = SUGGESTIONS[case]
    assert suggestion(word, known) == expected


def test_suggestion_does_not_depend_on_the_order() -> None:
    """Of several words that are equally near, the same one is proposed, whatever order they come in."""
    assert {suggestion("ab", order) for order in permutations(["abx", "aby", "abz"])} == {
        suggestion("ab", ["abz", "aby", "abx"])
    }
