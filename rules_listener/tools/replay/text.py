"""A replay for people: a line for each alert as it comes, then a table of the rules."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from functools import partial

import click
from rich.table import Table

from rules_listener.base.counted import names
from rules_listener.event.event import Seen
from rules_listener.outbox.alert import Alert
from rules_listener.tools import show
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.tally import Tally
from rules_listener.tools.replay.words import (
    COLUMNS,
    NUMBERS,
    by_text,
    covered,
    moment,
    outcome,
    rows,
)
from rules_listener.tools.show import clock_time
from rules_listener.tools.spelled import held_back, printable_lines

_INDENT = " " * 31


class TextReport:
    """Writes to standard output; times are in `zone`, or in the host's."""

    every_event = False

    def __init__(self, zone: tzinfo | None, *, coloured: bool) -> None:
        self._zone = zone
        self._coloured = coloured
        self._wrote = False

    def take(self, event: Seen | None, alerts: Sequence[Alert]) -> None:
        """Write the alerts."""
        del event
        for alert in alerts:
            for line in lines(alert, self._zone, coloured=self._coloured):
                click.echo(line)
            self._wrote = True

    def end(self, played: Played, tally: Tally) -> None:
        """Write what came of it, rule by rule."""
        if self._wrote:
            click.echo()
            show.console().print(numbers_table(COLUMNS, rows(tally, self._zone)))
        if tally.silent:
            click.echo(f"silent: {names(tally.silent)}")
        click.echo(f"{covered(played, self._zone)}: {outcome(tally)}")


def lines(alert: Alert, zone: tzinfo | None, *, coloured: bool) -> list[str]:
    """An alert in a line, or one for each text that is another one for another channel."""
    label = f"{_label(alert):8}"
    shown = click.style(label, fg=_COLOURS.get(label.strip())) if coloured else label
    found = []
    for text, channels in by_text(alert).items():
        body = printable_lines(text).replace("\n", f"\n{_INDENT}")
        found.append(f"{moment(alert.time, zone)}  {shown}  {body}  ({alert.rule}{_fate(alert, channels, zone)})")
    return found


def _label(alert: Alert) -> str:
    if alert.held is not None:
        return "held"
    if alert.kind != "alert":
        return "action"
    return "recovery" if alert.phase == "recovery" else alert.severity


def _fate(alert: Alert, channels: Sequence[str], zone: tzinfo | None) -> str:
    """What became of an alert, behind its rule's name."""
    phase = ", reminder" if alert.phase == "reminder" else ""
    if alert.held is not None:
        return f"{phase}, not sent: {held_back(alert.held, partial(clock_time, zone=zone))}"
    return f"{phase} → {', '.join(channels)}" if alert.kind == "alert" else phase


_COLOURS = {"held": "cyan", "recovery": "green", "warning": "yellow", "error": "red", "critical": "bright_red"}


def numbers_table(columns: Sequence[str], found: Iterable[Sequence[str]]) -> Table:
    """A table whose numbers stand on the right."""
    made = show.table(*columns)
    for column in made.columns:
        column.justify = "right" if column.header in NUMBERS else "left"
    for row in found:
        made.add_row(*row)
    return made
