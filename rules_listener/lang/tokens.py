"""Rule text as its tokens, and the comments between them: what the syntax tree leaves out.

1. Only text that the parser has read without a mistake is cut here, so each token is one of the grammar's.
2. Tokens are taken in their order, and no comment is lost on the way: each is handed out once, in order.
3. Only parentheses and commas may be passed over; what stands before them goes to the next token that is taken.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Comment(NamedTuple):
    """A comment, from `#` to the last character that is no space.

    `follows`: there is something else before it on its line. `apart`: there is a blank line before it.
    """

    text: str
    start: int
    follows: bool
    apart: bool


@dataclass(slots=True)
class Token:
    """A word, literal or sign at `[start, end)`, the comments before it, and whether a blank line is before it."""

    text: str
    start: int
    end: int
    apart: bool
    comments: list[Comment] = field(default_factory=list)


class Cursor:
    """A place among the tokens of a text; it moves forward only."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._held: list[Comment] = []
        self.last = self.next

    @property
    def next(self) -> Token:
        """The token that follows; at the end of the text, one without characters."""
        return self._tokens[self._at]

    def take(self, word: str = "") -> tuple[str, list[Comment]]:
        """The next token that is `word`, or that is neither a parenthesis nor a comma; and the comments before it."""
        while not self._is(word):
            if self.next.text not in _SIGNS:
                raise AssertionError(f"`{word}` should stand here, not `{self.next.text}`")
            self._pass()
        self._pass()
        return self.last.text, self.comments_held()

    def take_comments(self, *, inside: bool = False) -> list[Comment]:
        """The comments before the next token that closes no parenthesis, and opens none if those are to be `inside`."""
        while self.next.text == ")" or (inside and self.next.text == "("):
            self._pass()
        found, self.next.comments = self.next.comments, []
        return self.comments_held() + found

    def hold(self, comments: list[Comment]) -> None:
        """Hand out these comments with those before the next token."""
        self._held += comments

    def comments_held(self) -> list[Comment]:
        """The comments that were passed over."""
        held, self._held = self._held, []
        return held

    def _is(self, word: str) -> bool:
        return self.next.text == word if word else self.next.text not in _SIGNS

    def _pass(self) -> None:
        self.last = self.next
        self._at += 1
        self._held += self.last.comments
        self.last.comments = []


_SIGNS = ("(", ")", ",")
_PIECE = re.compile(
    r"""(?P<space>[ \t\r\n\f]+)
    | (?P<comment>\#[^\n]*)
    | "(?:[^"\\\n]|\\[^\n])*" | '[^'\n]*' | [=!<>]= | [=!]~
    | \d{4}-\d+-\d+T[\d:.]+ | \d+:\d+ | -(?=\s*\d+:) | [A-Za-z]\w*(?:/[\w+-]+)+ | -?\d[\w.]* | \w[\w.]* | .""",
    re.VERBOSE,
)


def _tokens(text: str) -> Iterator[Token]:
    """All tokens of a text, and one without characters at its end, before which the last comments stand."""
    comments: list[Comment] = []
    begins_line, apart = True, False
    for match in _PIECE.finditer(text):
        if match["space"]:
            breaks = match["space"].count("\n")
            begins_line, apart = begins_line or breaks > 0, breaks > 1
            continue
        if match["comment"]:
            comments.append(Comment(match["comment"].rstrip(), match.start(), not begins_line, apart))
        else:
            yield Token(match[0], match.start(), match.end(), apart, comments)
            comments = []
        begins_line, apart = False, False
    yield Token("", len(text), len(text), apart, comments)
