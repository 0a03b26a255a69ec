"""How failed tests look: expected and sent side by side, and why something is missing.

1. Nothing of an event is taken for an instruction to the terminal: what can't be printed is spelled.
2. What is longer than its column goes on below; no text is cut.
"""

import json
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rules_listener.base.printable import printable
from rules_listener.lang.literals import spell_duration
from rules_listener.tools.expected import LIKE, Expected, Fact, Facts, Row, is_so
from rules_listener.tools.testfile import Suite
from rules_listener.tools.testrun import Ran
from rules_listener.tools.whynot import why_not

WIDTH = 80
"""Columns where the output is no terminal."""

MOST_SAME = 3
"""More alerts than that which come as expected, one after the other, are only counted."""

MOST_ROWS = 50
"""So many alerts are shown of one test."""

_ORDER = ["at", "rule", "kind", "phase", "severity", "key", "message", "to", "arguments", "reason"]
_USUAL: Facts = {"kind": "alert", "phase": "firing", "arguments": ()}
"""What is not said of an alert that was not expected, as it is most often so."""


def failure(suite: Suite, ran: Ran) -> RenderableType:
    """What a test that did not pass looks like."""
    title = Text.assemble(("FAILED ", "bold red"), (shown(ran.test.name), "bold"))
    place = Text(f" --> {ran.test.place.place}", no_wrap=True, overflow="ignore")
    parts: list[RenderableType] = [Text(f"can't be read: {shown(line)}", "red") for line in ran.unreadable]
    for rows, heading in ((ran.rows, "sent"), (ran.held_rows, "held back")):
        if not all(row.is_so for row in rows):
            parts.append(_table(rows, heading))
    parts += [Text(line) for line in _reasons(suite, ran)]
    return Group(title, place, *(Padding(part, (0, 0, 0, 2)) for part in parts), Text())


def as_plain(part: RenderableType) -> str:
    """The same for a file."""
    console = Console(file=StringIO(), width=WIDTH, highlight=False, no_color=True)
    return as_shown(part, console)


def as_shown(part: RenderableType, console: Console) -> str:
    """The same for a console, in lines that end where their text does."""
    with console.capture() as captured:
        console.print(part)
    return "\n".join(line.rstrip() for line in captured.get().rstrip().split("\n")) + "\n"


def _reasons(suite: Suite, ran: Ran) -> Iterator[str]:
    """Why what is missing did not come, once for each rule."""
    missing = {row.expected.rule: row.expected for row in ran.rows if row.expected and row.came is None}
    for name, expected in missing.items():
        if name is None:
            yield "why something is missing is said of those alerts that name their `rule`"
        for reason in why_not(suite, ran, expected):
            yield f"why not {name}: {shown(reason)}"


def _table(rows: Sequence[Row], heading: str) -> Table:
    table = Table(box=None, show_edge=False, pad_edge=False, expand=True, header_style="bold")
    table.add_column("", width=1)
    for name in ("expected", heading):
        table.add_column(name, ratio=1, overflow="fold")
    shown_rows = 0
    for same, several in groupby(rows, lambda row: row.is_so):
        alike = list(several)
        if same and len(alike) > MOST_SAME:
            table.add_row("=", f"{len(alike)} alerts", "as expected")
            continue
        for row in alike[: max(MOST_ROWS - shown_rows, 0)]:
            _add(table, row)
        shown_rows += len(alike)
    if shown_rows > MOST_ROWS:
        table.add_row("", f"and {shown_rows - MOST_ROWS} more")
    return table


def _add(table: Table, row: Row) -> None:
    """Add a row, which takes several lines where it is not as expected."""
    if row.expected is None:
        came = {name: value for name, value in (row.came or {}).items() if name != "key" and _USUAL.get(name) != value}
        _add_alone(table, "+", _said(came), is_expected=False)
    elif row.came is None:
        _add_alone(table, "-", _said(row.expected.facts), is_expected=True)
    elif row.is_so:
        table.add_row("=", *[Text(_in_short(row.came))] * 2)
    else:
        _add_compared(table, row.expected, row.came)


def _add_alone(table: Table, mark: str, lines: Sequence[str], *, is_expected: bool) -> None:
    for number, line in enumerate(lines or ["any alert"]):
        nothing = Text("nothing" if number == 0 else "", "dim")
        said = Text(line, "green" if is_expected else "red")
        table.add_row(mark if number == 0 else "", *([said, nothing] if is_expected else [nothing, said]))


def _add_compared(table: Table, expected: Expected, came: Facts) -> None:
    facts: dict[str, Fact | None] = {"at": None, "rule": None, **expected.facts}
    for key, value in facts.items():
        name = key.removesuffix(LIKE)
        right = value is None or is_so(key, value, came)
        left = Text("" if value is None else _fact(key, value), "" if right else "green")
        table.add_row("" if right else "!", left, Text(_fact(name, came.get(name)), "" if right else "red"))


def _said(facts: Facts) -> list[str]:
    """A line for each thing that is said of an alert."""
    return [_fact(name, facts[name]) for name in sorted(facts, key=lambda key: _ORDER.index(key.removesuffix(LIKE)))]


def _in_short(facts: Facts) -> str:
    words = [str(facts[name]) for name in ("rule", "kind", "phase") if _USUAL.get(name) != facts.get(name, "firing")]
    return " ".join([spell_duration(float(str(facts["at"]))), *words])


def _fact(name: str, value: Fact | None) -> str:
    match value:
        case None:
            said = "none"
        case tuple():
            said = f"[{', '.join(map(shown, value))}]"
        case str():
            said = shown(value)
        case _:
            said = spell_duration(value)
    return f"{name}: {said}"


def shown(text: str) -> str:
    """A text as it is, or in quotes if something of it can't be seen."""
    if text and text == text.strip() and text.isprintable():
        return text
    return printable(json.dumps(text, ensure_ascii=False))
