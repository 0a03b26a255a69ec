"""Rule text becomes the one form in which it is written: the same statements and comments, laid out anew.

1. The form depends on the words and comments of a text, not on its line breaks, its spaces, or parentheses that change
   nothing. Only blank lines between statements are kept, one at most in a row.
2. All comments are kept, in their order and as they are spelled. One that stands before a statement, or is at the end
   of a statement's line, stays there; one at the end of a one-line statement that has to be broken goes before it.
3. What is formatted already stays as it is.
4. The result is read again before it is returned: it says what the text says.
"""

import re
from dataclasses import fields, is_dataclass
from typing import NamedTuple

from rules_listener.base.diagnostics import Diagnostic, has_errors
from rules_listener.base.source import Source
from rules_listener.lang import nodes
from rules_listener.lang.arrange import INDENT, Arranger
from rules_listener.lang.layout import lay_out
from rules_listener.lang.parse import parse
from rules_listener.lang.tokens import Comment, Cursor

WIDTH = 100
"""How many characters a line may have, where it can be broken."""

_Block = tuple[bool, list[str]]
"""Lines, and whether a blank one is before them."""


class Formatted(NamedTuple):
    """A text in its form; or the text as it was, with what keeps it from being read."""

    text: str
    found: list[Diagnostic]


def format_source(source: Source) -> Formatted:
    """The text of `source` in the one form of rule files, or as it is if it has a mistake.

    Each line ends in a line feed. A byte order mark is no part of a source's text.

    Raises:
        AssertionError: the result would say something else: a defect of this module.
    """
    parsed = parse(source)
    if has_errors(parsed.found):
        return Formatted(source.text, parsed.found)
    lines = _Formatter(source.text).lines(parsed.statements)
    text = "".join(line + "\n" for line in lines)
    again = parse(Source(source.name, text))
    if again.found or not same_statements(parsed.statements, again.statements):
        raise AssertionError(f"{source.name} would say something else when formatted: a defect, please report it")
    return Formatted(text, [])


def same_statements(first: object, second: object) -> bool:
    """Whether nodes, or sequences of them, are the same wherever they stand in their texts."""
    waiting = [(first, second)]
    while waiting:
        one, other = waiting.pop()
        if type(one) is not type(other):
            return False
        if is_dataclass(one) and is_dataclass(other):
            names = [part.name for part in fields(one) if part.name not in ("span", "offsets")]
            waiting += [(getattr(one, name), getattr(other, name)) for name in names]
        elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
            if len(one) != len(other):
                return False
            waiting += zip(one, other, strict=True)
        elif one != other:
            return False
    return True


class _Written(NamedTuple):
    """A statement that is laid out: where it begins in the text, whether a blank line is before it, and its lines."""

    node: nodes.Statement
    start: int
    apart: bool
    lines: list[str]

    @property
    def is_long_rule(self) -> bool:
        """Whether it is a rule of several lines."""
        return isinstance(self.node, nodes.Rule) and len(self.lines) > 1


class _Formatter:
    """Formats one text, which has no mistakes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.cursor = Cursor(text)
        self.arranger = Arranger(self.cursor)
        self.written: list[str] = []
        self.is_behind_long_rule = False

    def lines(self, statements: list[nodes.Statement]) -> list[str]:
        """The lines of the whole text."""
        before = self.cursor.take_comments()
        for node in statements:
            first = self.cursor.next
            statement = _Written(node, first.start, first.apart, lay_out(self.arranger.statement(node), WIDTH))
            behind = self.cursor.take_comments()
            count = self._count_own(statement, behind)
            lines = self._with_comments(statement, behind[:count])
            self._write([*_blocks(before), (statement.apart, lines)], is_long_rule=statement.is_long_rule)
            before = behind[count:]
        self._write(_blocks(before), is_long_rule=False)
        return self.written

    def _write(self, blocks: list[_Block], *, is_long_rule: bool) -> None:
        """Write a statement and the comments before it; rules of several lines have blank lines around them."""
        is_apart = any(apart for apart, _ in blocks)
        for number, (apart, lines) in enumerate(blocks):
            is_set_apart = number == 0 and not is_apart and (is_long_rule or self.is_behind_long_rule)
            if self.written and (apart or is_set_apart):
                self.written.append("")
            self.written += lines
        self.is_behind_long_rule = is_long_rule

    def _count_own(self, statement: _Written, behind: list[Comment]) -> int:
        """How many of the comments behind a statement are its own.

        One may be on its last line; others directly below that, if they are indented more than the statement is, and
        if it is a rule, of which they may be actions or clauses, or if they go on with the one on its line. What a
        comment allows comes after it.
        """
        indentation = self._indentation(statement.start)
        count = int(bool(behind) and behind[0].follows)
        if not count and not isinstance(statement.node, nodes.Rule):
            return 0
        for comment in behind[count:]:
            is_below = comment.follows or (not comment.apart and self._column(comment) > indentation)
            if not is_below or _ALLOW.match(comment.text):
                break
            count += 1
        return count

    def _with_comments(self, statement: _Written, own: list[Comment]) -> list[str]:
        """The lines of a statement and of its own comments."""
        lines = statement.lines
        if own and own[0].follows:
            was_one_line = "\n" not in self.text[statement.start : self.cursor.last.end]
            if was_one_line and len(lines) > 1:
                return [*(comment.text for comment in own), *lines]
            lines = [*lines[:-1], f"{lines[-1]}  {own[0].text}"]
            own = own[1:]
        return lines + [" " * self._indent(statement, comment) + comment.text for comment in own]

    def _indent(self, statement: _Written, comment: Comment) -> int:
        """How far a comment below a statement is indented: as an action, or as a clause of an alert."""
        if isinstance(statement.node, nodes.Rule) and isinstance(statement.node.actions[-1], nodes.Alert):
            is_deeper = self._column(comment) > self._indentation(self.arranger.action_start)
            return INDENT * 2 if statement.is_long_rule and is_deeper else INDENT
        return INDENT

    def _column(self, comment: Comment) -> int:
        return comment.start - self._line_start(comment.start)

    def _indentation(self, offset: int) -> int:
        """How far the line is indented on which the character at `offset` stands."""
        line = self.text[self._line_start(offset) : offset]
        return len(line) - len(line.lstrip())

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1


def _blocks(comments: list[Comment]) -> list[_Block]:
    return [(comment.apart, [comment.text]) for comment in comments]


_ALLOW = re.compile(r"#\s*allow\b", re.IGNORECASE)
