"""A replay as Markdown, for a pull request's summary."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

import click

from rules_listener.base.counted import names
from rules_listener.event.event import Seen
from rules_listener.outbox.alert import Alert
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.tally import Tally
from rules_listener.tools.replay.words import COLUMNS, NUMBERS, covered, outcome, rows

HEADING = "### Replay of recorded events"


class MarkdownReport:
    """Writes to standard output, once all is known."""

    every_event = False

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone

    def take(self, event: Seen | None, alerts: Sequence[Alert]) -> None:
        """Nothing to write yet."""

    def end(self, played: Played, tally: Tally) -> None:
        """Write what came of it, rule by rule."""
        click.echo(f"{HEADING}\n\n{covered(played, self._zone)}: {outcome(tally)}")
        found = list(rows(tally, self._zone))
        if found:
            click.echo("\n" + "\n".join(table(COLUMNS, found)))
        if tally.silent:
            click.echo(f"\nSilent: {names(map(code, tally.silent))}")


def table(columns: Sequence[str], found: Iterable[Sequence[str]]) -> list[str]:
    """A table in lines; numbers stand on the right."""
    marks = ["---:" if column in NUMBERS else "---" for column in columns]
    return [_row(columns), _row(marks), *(_row(map(escaped, row)) for row in found)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """A text that is shown as it is, in one line, whatever is in it."""
    plain = "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~!&$@" else sign for sign in text)
    return " ".join(plain.split())


def code(text: str) -> str:
    """A name that is shown as it is."""
    return f"`{text}`"
