"""Places in a text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source, Span, short_names

POSITIONS = {
    "start": ("ab\ncd", 0, (1, 1)),
    "line end": ("ab\ncd", 2, (1, 3)),
    "second line": ("ab\ncd", 3, (2, 1)),
    "end of the text": ("ab\ncd", 5, (2, 3)),
    "after the last line end": ("ab\n", 3, (2, 1)),
    "empty text": ("", 0, (1, 1)),
    "a wide character is one column": ("磁盘x", 2, (1, 3)),
    "a character beyond the basic plane is one column": ("🔥x", 1, (1, 2)),
    "CRLF": ("ab\r\ncd", 4, (2, 1)),
    "a lone CR is no line end": ("ab\rcd", 3, (1, 4)),
}


@pytest.mark.parametrize("case", POSITIONS)
def test_position(case: str) -> None:
    """Lines and columns count from 1, a column counts characters, and only a line feed ends a line; and back again."""
    text, offset, expected = POSITIONS[case]
    assert Source("x", text).position(offset) == expected
    assert Source("x", text).offset(*expected) == offset


LINES = {
    "first": ("ab\ncd", 1, "ab"),
    "last": ("ab\ncd", 2, "cd"),
    "CRLF": ("ab\r\ncd", 1, "ab"),
    "empty": ("ab\n\ncd", 2, ""),
    "after the last line end": ("ab\n", 2, ""),
    "beyond": ("ab", 7, ""),
}


@pytest.mark.parametrize("case", LINES)
def test_line(case: str) -> None:
    """A line comes without its end; there is nothing beyond the text."""
    text, number, expected = LINES[case]
    assert Source("x", text).line(number) == expected


@settings(derandomize=True, deadline=None)
@given(st.text(st.sampled_from("ab\n\r磁")), st.data())
def test_position_and_line_agree(text: str, data: st.DataObject) -> None:
    """The character at a position is that of the line, at the column."""
    offset = data.draw(st.integers(0, len(text)))
    line, column = Source("x", text).position(offset)
    assert text.count("\n", 0, offset) == line - 1
    if offset < len(text) and text[offset] not in "\r\n":
        assert Source("x", text).line(line)[column - 1] == text[offset]


def test_span() -> None:
    """A span knows its line and its place, and reaches to another one's end, never less far than it does."""
    source = Source("a/x.rules", "on A\n  shutdown")
    first, second = Span(source, 0, 4), Span(source, 7, 15)
    assert (second.line, second.place) == (2, "a/x.rules:2:3")
    assert first.to(second) == Span(source, 0, 15)
    assert first.to(Span(source, 1, 2)) == first


@pytest.mark.parametrize(
    ("paths", "short"),
    [
        (["/etc/rules/x.rules", "/etc/rules/y.rules"], ["x.rules", "y.rules"]),
        (["/r/a/x.rules", "/r/b/x.rules", "/r/b/y.rules"], ["a/x.rules", "b/x.rules", "y.rules"]),
        (["/r/a/c/x.rules", "/r/b/c/x.rules", "/r/c/d/x.rules"], ["a/c/x.rules", "b/c/x.rules", "d/x.rules"]),
        (["x.rules", "b/x.rules"], ["x.rules", "b/x.rules"]),
        (["/x.rules", "/b/x.rules", "/x.rules"], ["/x.rules", "b/x.rules"]),
        ([], []),
    ],
)
def test_files_are_told_apart(paths: list[str], short: list[str]) -> None:
    """A file is called by its name alone, unless another one has the same; then by as many folders as it takes."""
    assert short_names(paths) == dict(zip(dict.fromkeys(paths), short, strict=True))
