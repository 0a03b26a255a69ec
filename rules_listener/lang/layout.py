"""A text with places at which it may be broken becomes lines.

1. A group stands on one line if it fits there, or else is broken at all of its own places; its inner groups are asked
   in turn. What fits is decided from the outermost group to the innermost, and never taken back.
2. A group in which a line has to end, since a comment or a new line stands in it, is broken whatever its width.
3. No line ends in spaces, and none is empty.
4. A remark at the end of a line does not count to its width.

Nothing here recurses: what is nested deeply can be laid out.
"""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Place:
    """Where a group may be broken; `flat` stands there if it is not."""

    flat: str


@dataclass(frozen=True, slots=True)
class NewLine:
    """Here the line ends."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment at the end of a line, behind what is there; a new line has to follow."""

    text: str


@dataclass(frozen=True, slots=True)
class IfBroken:
    """A text that stands here only if the group is broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Indented:
    """Lines that begin within it are indented by so many spaces more."""

    by: int
    content: "Layout"


@dataclass(slots=True)
class Group:
    """What is broken as a whole, or not at all."""

    content: "Layout"
    broken: bool = field(init=False)

    def __post_init__(self) -> None:
        self.broken = _has_to_be_broken(self.content)


Layout: TypeAlias = str | Place | NewLine | Remark | IfBroken | Indented | Group | tuple["Layout", ...]
"""A text without line ends; several layouts in a row; or one of the things above."""


def _has_to_be_broken(content: Layout) -> bool:
    waiting = [content]
    while waiting:
        part = waiting.pop()
        if isinstance(part, NewLine | Remark) or (isinstance(part, Group) and part.broken):
            return True
        if isinstance(part, tuple):
            waiting += part
        elif isinstance(part, Indented):
            waiting.append(part.content)
    return False


_Pending = list[tuple[int, bool, Layout]]
"""What is still to be written, in reverse: its indentation, whether the group around it is broken, and what it is."""


def lay_out(layout: Layout, width: int) -> list[str]:
    """The lines of a layout, none of them longer than `width` characters where that can be avoided."""
    lines, line = list[str](), ""
    pending: _Pending = [(0, True, layout)]
    while pending:
        indent, broken, part = pending.pop()
        match part:
            case str() | IfBroken():
                line += _text(part, broken=broken)
            case tuple():
                pending += [(indent, broken, inner) for inner in reversed(part)]
            case Indented():
                pending.append((indent + part.by, broken, part.content))
            case Group():
                broken = broken and (part.broken or not _fits(width - len(line), part, pending))
                pending.append((indent, broken, part.content))
            case Remark():
                line = line.rstrip() + "  " + part.text if line.strip() else line + part.text
            case Place() if not broken:
                line += part.flat
            case _:
                lines += [line.rstrip()] * bool(line.strip())
                line = " " * indent
    return [*lines, line.rstrip()]


def _text(part: str | IfBroken, *, broken: bool) -> str:
    if isinstance(part, str):
        return part
    return part.text if broken else ""


def _fits(room: int, group: Group, pending: _Pending) -> bool:
    """Whether a group on one line, and what follows it up to the next place where a line may end, has `room`."""
    waiting: list[tuple[bool, Layout]] = [(False, group.content)]
    following = len(pending)
    while room >= 0:
        if not waiting:
            if following == 0:
                return True
            following -= 1
            waiting.append(pending[following][1:])
        broken, part = waiting.pop()
        match part:
            case str() | IfBroken():
                room -= len(_text(part, broken=broken))
            case tuple():
                waiting += [(broken, inner) for inner in reversed(part)]
            case Indented() | Group():
                waiting.append((broken, part.content))
            case Place() if not broken:
                room -= len(part.flat)
            case _:
                return True
    return False
