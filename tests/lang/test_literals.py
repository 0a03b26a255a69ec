"""What strings, numbers, durations and sizes stand for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source
from rules_listener.lang import nodes
from rules_listener.lang.literals import read_duration, read_size, spell_duration
from rules_listener.lang.parse import parse


def value(literal: str) -> nodes.Expression:
    """The node of a literal in a `let` statement."""
    parsed = parse(Source("x.rules", f"let a = {literal}"))
    assert not parsed.found
    (statement,) = parsed.statements
    assert isinstance(statement, nodes.Let)
    return statement.value


STRINGS = {
    r'"plain"': "plain",
    r'""': "",
    r'"a\"b\\c\nd\te"': 'a"b\\c\nd\te',
    r'"\u{1F600}\u{e9}\u{0}"': "😀é\0",
    r'"磁盘🔥"': "磁盘🔥",
    r"'C:\d+\n\'": "C:\\d+\\n\\",
    r"''": "",
    "'a\"b'": 'a"b',
    '"it\'s # no comment"': "it's # no comment",
}


@pytest.mark.parametrize("literal", STRINGS)
def test_string(literal: str) -> None:
    """Double quotes know five escapes; in single quotes all characters stand for themselves."""
    node = value(literal)
    assert isinstance(node, nodes.Text)
    assert node.value == STRINGS[literal]
    assert len(node.offsets) == len(node.value)


NUMBERS: dict[str, float] = {
    "3": 3,
    "-1": -1,
    "2.5": 2.5,
    "007": 7,
    "123456789012345678": 123456789012345678,
    "64KiB": 65536,
    "1.5KB": 1500,
    "200MB": 200_000_000,
    "1GiB": 2**30,
    "0.0001KB": 0.1,
}


@pytest.mark.parametrize("literal", NUMBERS)
def test_number_or_size(literal: str) -> None:
    """A number is whole unless it has a point; a size is a number of bytes, whole wherever it can be."""
    node = value(literal)
    assert isinstance(node, nodes.Number)
    assert node.value == NUMBERS[literal]
    assert isinstance(node.value, type(NUMBERS[literal]))


DURATIONS = {
    "500ms": 0.5,
    "30s": 30.0,
    "5m": 300.0,
    "2h": 7200.0,
    "1d": 86400.0,
    "1w": 604800.0,
    "1h30m": 5400.0,
    "1.5h": 5400.0,
    "1m500ms": 60.5,
}


@pytest.mark.parametrize("literal", DURATIONS)
def test_duration(literal: str) -> None:
    """A duration is a number with a unit, or several of them joined."""
    node = value(literal)
    assert isinstance(node, nodes.Duration)
    assert node.seconds == DURATIONS[literal]
    assert read_duration(literal) == DURATIONS[literal]


NO_DURATIONS = ("", "5", "m", "5 m", "-5m", "5M", "5m ", "5minutes", "٣m", "9" * 400 + "s", "1..5s")
NO_SIZES = ("", "5", "KB", "5 KB", "-5KB", "5kb", "5KBs", "٣KB", "9" * 5000 + "KB")


def test_what_is_no_duration_or_size() -> None:
    """Anything else is neither: other units, blanks, signs, other digits, more digits than anyone needs."""
    assert [text for text in NO_DURATIONS if read_duration(text) is not None] == []
    assert [text for text in NO_SIZES if read_size(text) is not None] == []


SPELLINGS = {0.0: "0s", 0.5: "500ms", 5400.0: "1h30m", 694861.5: "1w1d1h1m1s500ms", -60.0: "-1m", 0.0001: "0s"}


@pytest.mark.parametrize("seconds", SPELLINGS)
def test_spell_duration(seconds: float) -> None:
    """A duration is spelled in the fewest units, to the millisecond."""
    assert spell_duration(seconds) == SPELLINGS[seconds]


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10**12))
def test_a_spelled_duration_is_read_as_itself(milliseconds: int) -> None:
    """What a duration is spelled as means the same."""
    read = read_duration(spell_duration(milliseconds / 1000))
    assert read is not None
    assert round(read * 1000) == milliseconds
