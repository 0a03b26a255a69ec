"""Text that a person wrote, and places in it.

1. A place is a half-open range of characters of one source: `[start, end)`.
2. Lines and columns are counted from 1, for people; a column counts characters.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Source:
    """A named text: a rule file, or the prelude. Rules without a name are called by its `short` one."""

    name: str
    text: str = field(repr=False)
    short: str = field(default="", repr=False)
    _line_starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", self.short or self.name.rpartition("/")[2])
        starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        object.__setattr__(self, "_line_starts", starts)

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column, from 1, of the character at `offset`."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column, from 1: the opposite of `position`."""
        return self._line_starts[line - 1] + column - 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its end; empty where there is no such line."""
        if number > len(self._line_starts):
            return ""
        return self.text[self._line_starts[number - 1] :].split("\n", 1)[0].rstrip("\r")


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """For each path as many of its last parts as tell it from the others."""
    found: dict[str, str] = {}
    left = list(dict.fromkeys(paths))
    number = 0
    while left:
        number += 1
        shown = {path: "/".join(path.split("/")[-number:]) for path in left}
        times = Counter(shown.values())
        found |= {path: name for path, name in shown.items() if times[name] == 1 or name == path}
        left = [path for path in left if path not in found]
    return found


class Span(NamedTuple):
    """A place in a source: characters `[start, end)`."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The line on which it starts, from 1."""
        return self.source.position(self.start)[0]

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and compilers write it."""
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"

    @property
    def text(self) -> str:
        """What stands there, on one line."""
        return " ".join(self.source.text[self.start : self.end].split())

    def to(self, other: "Span") -> "Span":
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, max(self.end, other.end))
