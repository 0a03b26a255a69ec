"""A file and its rotated parts: `NAME.1` is younger than `NAME.2`, and `NAME` the youngest.

1. So supervisord rotates its log (`supervisor/loggers.py: RotatingFileHandler`), and so recordings are rotated.
2. logrotate's names are known too: a part may be compressed (`NAME.2.gz`), or have a date instead of a number
   (`NAME-20251123`).
"""

import re
from contextlib import suppress
from pathlib import Path

SUFFIXES = (".gz", ".zst")
"""What the names of compressed files end in."""

_COMPRESSED = "|".join(map(re.escape, SUFFIXES))
_PART = re.compile(rf"\.(?P<number>\d{{1,9}})(?:{_COMPRESSED})?|-(?P<date>\d{{8}}(?:-\d+)?)(?:{_COMPRESSED})?")


def parts_of(path: Path) -> list[Path]:
    """The rotated parts of a file and the file itself, the oldest first; just the file if it can't be looked for more.

    A part that is there both plain and compressed (logrotate is at work) is named once, plain.
    """
    found: dict[tuple[int, str, int], Path] = {}
    with suppress(OSError):
        for other in sorted(path.parent.iterdir(), reverse=True):
            match = _PART.fullmatch(other.name[len(path.name) :]) if other.name.startswith(path.name) else None
            if match is not None and other.is_file():
                # a date comes before all numbers, an early date before a late one, a high number before a low one
                found[match["number"] is not None, match["date"] or "", -int(match["number"] or 0)] = other
    return [*(found[key] for key in sorted(found)), path]


def rotate(path: Path, keep: int) -> None:
    """Make room at `path`: it becomes `NAME.1`, that `NAME.2`, and so on up to `keep`; what was `NAME.keep` is deleted.

    Nothing happens if there is no file at `path`.

    Raises:
        OSError: a file can't be renamed or deleted.
    """
    if not path.exists():
        return
    names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, keep + 1))]
    for older, younger in zip(reversed(names), reversed(names[:-1]), strict=False):
        if younger.exists():
            younger.replace(older)
    if keep == 0:
        path.unlink()
