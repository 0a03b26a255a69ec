"""Texts that can't end or disturb a line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.send.line import lines, one_line, plain_line, utf8

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31mred\x7f", "\\x1b[31mred\\x7f"),
        ("a\x85b\u2028c\u2029", "a\\x85b\\u2028c\\u2029"),
        ("\udc80", "\\udc80"),
        ("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"),
    ],
)
def test_what_could_disturb_a_line_is_escaped(text: str, shown: str) -> None:
    """Line ends, control characters and what is no UTF-8 are shown as escapes, all else as it is."""
    assert one_line(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_is_one_line(text: str) -> None:
    """No text makes a second line, and any can be encoded."""
    assert len(one_line(text).splitlines()) <= 1
    one_line(text).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nBcc: b@example.org", "a Bcc: b@example.org"),
        (" a\t\n\x00b ", "a b"),
        ("a\x85\u2028b", "a b"),
        ("a\udc80b", "a\ufffdb"),
        ("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"),
        ("\r\n", ""),
    ],
)
def test_a_plain_line_has_no_control_characters(text: str, shown: str) -> None:
    """Line ends and control characters are left out of what stands in a header."""
    assert plain_line(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\r\nb\n\tc", "a\nb\n\tc"), ("a\rb", "a\\rb"), ("\x1b[1m\x00", "\\x1b[1m\\x00"), ("\udc80", "\\udc80")],
)
def test_lines_stay_lines(text: str, shown: str) -> None:
    """A longer text keeps its line ends and tabs; all else that could disturb a reader is escaped."""
    assert lines(text) == shown


@given(ANY_TEXT)
def test_whatever_comes_can_be_written(text: str) -> None:
    """No text makes a second line where there is one, and any can be encoded."""
    for made in (plain_line(text), utf8(text), lines(text)):
        made.encode()
    assert len(plain_line(text).splitlines()) <= 1
