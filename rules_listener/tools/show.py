"""How things look on a terminal: times, ages, states, tables."""

import os
import sys
from collections.abc import Collection
from datetime import datetime, tzinfo
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rules_listener.lang.literals import spell_duration

PLAIN_WIDTH = 200
"""Columns where neither a terminal nor COLUMNS says how many: nothing that scripts read is cut by a narrow default."""

STATE_STYLES = {
    "sent": "green",
    "waiting": "yellow",
    "sending": "yellow",
    "given_up": "bold red",
    "held": "cyan",
    "dropped": "dim",
}
SEVERITY_STYLES = {"info": "", "warning": "yellow", "error": "red", "critical": "bold red"}


def console() -> Console:
    """Standard output; colours only on a terminal, and not with NO_COLOR. No text is taken for markup.

    Where it is no terminal, COLUMNS says how wide it is, and lines don't end in blanks.
    """
    if sys.stdout.isatty():
        return Console(highlight=False, markup=False)
    width = None if os.environ.get("COLUMNS", "").isdecimal() else PLAIN_WIDTH
    return _Trimmed(highlight=False, markup=False, width=width)


class _Trimmed(Console):
    """Leaves out the blanks that fill the cells of a table up to the end of the line."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, as any console does."""
        with self.capture() as captured:
            super().print(*objects, **options)
        self.file.write("\n".join(line.rstrip(" ") for line in captured.get().split("\n")))


def is_coloured() -> bool:
    """Whether standard output takes colours."""
    made = console()
    return made.is_terminal and not made.no_color


def table(*columns: str, whole: Collection[str] = ()) -> Table:
    """An empty table that takes no more room than it needs; the columns that are `whole` are never folded.

    They are for what is short whatever happens: where they need all the room, nothing is left of the others.
    """
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in whole)
    return made


def grid(columns: int, *, whole: int = 1) -> Table:
    """An empty table without a head, the first `whole` of whose columns are never folded."""
    made = Table.grid(padding=(0, 2, 0, 0))
    for number in range(columns):
        made.add_column(no_wrap=number < whole, overflow="fold")
    return made


def clock_time(moment: float, zone: tzinfo | None = None) -> str:
    """A moment to the second, in a zone, or in the host's."""
    return datetime.fromtimestamp(moment, zone).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def short_time(moment: float, now: float) -> str:
    """A moment for a narrow place, in local time: of today the time, of this year no year, of others the day."""
    when, today = (datetime.fromtimestamp(one).astimezone() for one in (moment, now))
    if when.date() == today.date():
        return when.strftime("%H:%M:%S")
    return when.strftime("%m-%d %H:%M" if when.year == today.year else "%Y-%m-%d")


def age(moment: float, now: float) -> str:
    """How long ago a moment was, in the two greatest units that matter."""
    return span(now - moment)


def span(seconds: float) -> str:
    """A time in the two greatest units that matter."""
    seconds = round(seconds)
    if seconds <= 0:
        return "0s"
    unit = next((unit for unit in (86400, 3600, 60) if seconds >= unit * 10), 1)
    return spell_duration(float(seconds - seconds % unit))


def state(name: str) -> Text:
    """The state of a delivery in its colour."""
    return Text(name.replace("_", " "), STATE_STYLES.get(name, ""))


def severity(name: str) -> Text:
    """A severity in its colour."""
    return Text(name, SEVERITY_STYLES.get(name, ""))
