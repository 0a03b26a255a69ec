"""`rules-listener replay`: a dry run of rules over recorded events.

1. Exit status 0 says that all was read and, with `--against`, that both sets of rules would have sent the same.
"""

import sys
from collections.abc import Sequence
from datetime import tzinfo
from math import inf
from pathlib import Path

import click

from rules_listener.base.counted import names
from rules_listener.event.localtime import read_moment
from rules_listener.serve.config import FILE_NAME
from rules_listener.tools import show
from rules_listener.tools.reading import own_group_of, pool_option, reading_of, reading_options
from rules_listener.tools.replay.comparing import Comparing, DifferenceReport
from rules_listener.tools.replay.differing import JsonDifferences, MarkdownDifferences, TextDifferences
from rules_listener.tools.replay.lines import JsonReport
from rules_listener.tools.replay.markdown import MarkdownReport
from rules_listener.tools.replay.page import PageReport
from rules_listener.tools.replay.playing import Playing
from rules_listener.tools.replay.report import Player, Report
from rules_listener.tools.replay.rules import read_earlier_rules, read_rules
from rules_listener.tools.replay.running import Asked, play
from rules_listener.tools.replay.selection import Selection, read_condition
from rules_listener.tools.replay.text import TextReport

FORMATS = ("text", "json", "github")
HELP = """\
Say what would have been sent, when, to whom, and what would have been held back, and why.

RECORDING is what `convert` takes: a recording, a listener's state folder, a supervisord.log, a raw capture, or -
for standard input. Nothing is sent, and nothing is run. --where and --from choose what is shown: all events reach
the rules. Exit status 1 if something in RECORDING can't be read.

With --against, the same history goes through the earlier rules too, and the differences are shown: what is added,
removed, moved in time, or has another text, channel or severity. Exit status 1 if there is any.
"""


@click.command(help=HELP, short_help="Say what rules would have sent, had they run when events were recorded.")
@click.argument("recordings", nargs=-1, required=True, metavar="RECORDING...", type=click.Path(path_type=Path))
@click.option("--rules", multiple=True, metavar="PATH", help="A rule file or a folder of them; may be given again.")
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="The configuration: channels, rules.")
@click.option(
    "--against",
    multiple=True,
    metavar="PATH",
    help="Compare: earlier rules, or a configuration with such; see --rules.",
)
@click.option("--where", metavar="COND", help="Show the alerts alone whose event fulfils this condition.")
@click.option("--from", "since", metavar="TIME", help="Show alerts from then on: seconds since 1970 or ISO 8601.")
@click.option("--to", "until", metavar="TIME", help="Stop there.  [default: at the last event]")
@reading_options
@pool_option
@click.option("--jobs", default=1, metavar="N", type=click.IntRange(min=1), help="So many processes share the work.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write a page that shows all of it, too.")
def replay(  # noqa: PLR0913 - one for each option
    recordings: tuple[Path, ...],
    *,
    rules: tuple[str, ...],
    config: Path | None,
    against: tuple[str, ...],
    where: str | None,
    since: str | None,
    until: str | None,
    supervisor_conf: Path | None,
    timezone: str | None,
    start: str | None,
    pool: str,
    jobs: int,
    rotated: bool,
    output_format: str,
    html: Path | None,
) -> None:
    """Play recordings to rules; see `HELP`."""
    reading = reading_of(supervisor_conf, timezone, start)
    first, last = _between(since, until, reading.zone)
    selection = Selection(first, None if where is None else read_condition(where))
    own_group = own_group_of(pool, supervisor_conf)
    asked = Asked(recordings, reading, jobs=jobs, rotated=rotated, until=last, own_group=own_group)
    if against and html is not None:
        raise click.UsageError("--html shows what one set of rules would have sent: leave out --against")
    new = read_rules(rules, config)
    player: Player
    if against:
        old = read_earlier_rules(against, config)
        report = _difference_report(output_format, reading.zone)
        player = Comparing(old, new, selection, report, own_group=own_group)
    else:
        reports = [_report(output_format, reading.zone), *_page(html, recordings, rules or (str(config or FILE_NAME),))]
        player = Playing(new, selection, reports, own_group=own_group)
    sys.exit(1 if play(asked, player) else 0)


def _between(since: str | None, until: str | None, zone: tzinfo | None) -> tuple[float, float]:
    """From when to when, in seconds since 1970; infinity where that is not said."""
    first = -inf if since is None else read_moment(since, zone)
    last = inf if until is None else read_moment(until, zone)
    if first > last:
        raise click.UsageError(f"--from {since} is after --to {until}: nothing lies between them")
    return first, last


def _report(output_format: str, zone: tzinfo | None) -> Report:
    match output_format:
        case "json":
            return JsonReport()
        case "github":
            return MarkdownReport(zone)
    return TextReport(zone, coloured=show.is_coloured())


def _page(html: Path | None, recordings: Sequence[Path], rules: Sequence[str]) -> list[Report]:
    """The page, if there is to be one."""
    if html is None:
        return []
    return [PageReport(html, f"{names(map(str, recordings))} with the rules of {names(rules)}")]


def _difference_report(output_format: str, zone: tzinfo | None) -> DifferenceReport:
    match output_format:
        case "json":
            return JsonDifferences()
        case "github":
            return MarkdownDifferences(zone)
    return TextDifferences(zone, coloured=show.is_coloured())
