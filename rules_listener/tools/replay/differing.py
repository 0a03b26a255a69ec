"""Differences, shown: as text, as JSON lines, and as Markdown for a pull request's summary."""

from collections.abc import Callable, Iterator
from datetime import tzinfo

import click

from rules_listener.base.counted import counted
from rules_listener.lang.literals import spell_duration
from rules_listener.outbox.alert import Alert
from rules_listener.tools import show
from rules_listener.tools.replay.comparing import Compared
from rules_listener.tools.replay.differences import Change, Difference
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.lines import alert_object, played_object, tally_object, write
from rules_listener.tools.replay.markdown import HEADING, table
from rules_listener.tools.replay.tally import Tally
from rules_listener.tools.replay.text import lines, numbers_table
from rules_listener.tools.replay.words import by_text, covered, moment
from rules_listener.tools.spelled import printable_lines

MOST_ROWS = 50
_COLOURS = {Change.ADDED: "green", Change.REMOVED: "red", Change.MOVED: "cyan", Change.CHANGED: "yellow"}
COLUMNS = ("rule", "before", "now", *map(str, Change))


def rows(compared: Compared) -> Iterator[tuple[str, ...]]:
    """A row for each rule with differences, old ones that are gone at the end: see `COLUMNS`."""
    differing = {row for row, _ in compared.comparison.counts}
    for row in compared.comparison.rows:
        if row in differing:
            sent = (_sent(compared.old, row.old), _sent(compared.new, row.new))
            yield (row.name, *map(_number, (*sent, *(compared.count(change, row) for change in Change))))


def _sent(tally: Tally, rule: str | None) -> int:
    return 0 if rule is None else tally.rules[rule].sent


def _number(number: int) -> str:
    return f"{number:,}"


def outcome(compared: Compared) -> str:
    """How much was sent before, how much is now, and what differs."""
    before, now = compared.old.sent, compared.new.sent
    among = ", actions among them" if compared.old.actions or compared.new.actions else ""
    if not compared.differs:
        return f"no difference, {counted(now, 'alert')} before and now{among}"
    changes = ", ".join(f"{compared.count(one):,} {one}" for one in Change if compared.count(one))
    return f"{counted(before, 'alert')} before, {now:,} now{among}: {changes}"


def details(difference: Difference, zone: tzinfo | None) -> Iterator[str]:
    """What the alert was before, part by part, or why one side holds it back."""
    if difference.held is not None:
        yield f"{'held back before' if difference.old is None else 'held back now'}: {difference.held}"
    old, new = difference.old, difference.new
    if old is not None and new is not None:
        for part in difference.parts:
            verb = "were" if part.endswith("s") else "was"
            yield f"{part} {verb} {_PARTS[part](old, zone)}{_by(part, old, new)}"


def _by(part: str, old: Alert, new: Alert) -> str:
    if part != "time":
        return ""
    seconds = abs(new.time - old.time)
    apart = spell_duration(round(seconds)) if seconds >= 1 else spell_duration(round(seconds, 3))
    return f", {apart} {'earlier' if new.time > old.time else 'later'}"


_PARTS: dict[str, Callable[[Alert, tzinfo | None], str]] = {
    "time": lambda alert, zone: moment(alert.time, zone),
    "severity": lambda alert, _: alert.severity,
    "channels": lambda alert, _: ", ".join(delivery.channel for delivery in alert.deliveries),
    "text": lambda alert, _: " / ".join(by_text(alert)),
}


class TextDifferences:
    """Writes a line for each difference, and what exactly differs below it."""

    def __init__(self, zone: tzinfo | None, *, coloured: bool) -> None:
        self._zone = zone
        self._coloured = coloured
        self._wrote = False

    def take(self, difference: Difference) -> None:
        """Write a difference."""
        self._wrote = True
        label = f"{difference.change:8}"
        shown = click.style(label, fg=_COLOURS[difference.change]) if self._coloured else label
        for line in lines(difference.alert, self._zone, coloured=self._coloured):
            click.echo(f"{shown} {line}")
        for detail in details(difference, self._zone):
            click.echo(f"         {printable_lines(detail)}")

    def end(self, played: Played, compared: Compared) -> None:
        """Write what differs, rule by rule."""
        if self._wrote:
            click.echo()
            show.console().print(numbers_table(COLUMNS, rows(compared)))
        click.echo(f"{covered(played, self._zone)}: {outcome(compared)}")


class JsonDifferences:
    """Writes an object for each difference, and one about all of it."""

    def take(self, difference: Difference) -> None:
        """Write a difference."""
        old, new = (None if alert is None else alert_object(alert) for alert in (difference.old, difference.new))
        found = {"change": difference.change, "parts": difference.parts, "held": difference.held}
        write({"type": "difference", **found, "old": old, "new": new})

    def end(self, played: Played, compared: Compared) -> None:
        """Write what differs in all."""
        changes = {str(change): compared.count(change) for change in Change}
        sides = {"old": tally_object(compared.old), "new": tally_object(compared.new)}
        write(
            {"type": "summary", **played_object(played), "same": compared.comparison.same, "changes": changes, **sides}
        )


class MarkdownDifferences:
    """Writes a summary with the first differences, once all is known."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._first: list[tuple[str, ...]] = []
        self._count = 0

    def take(self, difference: Difference) -> None:
        """Note the difference, if it is one of the first."""
        self._count += 1
        if self._count <= MOST_ROWS:
            alert = difference.alert
            text = [" / ".join(by_text(alert)), *details(difference, self._zone)]
            self._first.append((difference.change, moment(alert.time, self._zone), alert.rule, "; ".join(text)))

    def end(self, played: Played, compared: Compared) -> None:
        """Write what differs, rule by rule, and the first differences."""
        click.echo(f"{HEADING}\n\n{covered(played, self._zone)}: {outcome(compared)}")
        if not self._first:
            return
        click.echo("\n" + "\n".join(table(COLUMNS, rows(compared))))
        click.echo("\n" + "\n".join(table(("", "time", "rule", "alert"), self._first)))
        if self._count > MOST_ROWS:
            click.echo(f"\nand {self._count - MOST_ROWS:,} more")
