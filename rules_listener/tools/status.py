"""`rules-listener status`: the listener at a glance."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

import click

from rules_listener.outbox.listing import Summary
from rules_listener.serve.bundle import Bundle, kept_bundle
from rules_listener.serve.listener import LOCK_NAME
from rules_listener.tools import show
from rules_listener.tools.muted import muted_at
from rules_listener.tools.place import open_listing, state_folder, state_options


@click.command(short_help="Show the listener at a glance.")
@state_options
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(state: Path | None, config: Path | None, output_format: str) -> None:
    """Show the listener at a glance: rules, events, losses, mutes that hold, open alerts, queues, last errors."""
    folder = state_folder(state, config)
    summary = open_listing(folder, None).summary()
    values = _values(folder, summary, kept_bundle(folder))
    if output_format == "json":
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        _show(values, summary)


def _values(folder: Path, summary: Summary, bundle: Bundle | None) -> dict[str, Any]:
    counters = summary.counters
    events = {name.removeprefix("event:"): number for name, number in counters.items() if name.startswith("event:")}
    return {
        "state": str(folder),
        "running": is_running(folder),
        "rules": None if bundle is None else len(bundle.program.rules),
        "residual": None if bundle is None else bundle.program.residual,
        "events": sum(events.values()),
        "events_by_type": dict(sorted(events.items())),
        "events_lost": counters.get("lost", 0),
        "dead_frames": counters.get("dead", 0),
        "repeated": counters.get("repeated", 0),
        "dropped": counters.get("dropped", 0),
        "mutes": [mute._asdict() for mute in muted_at(bundle.program.mutes if bundle else (), time.time())],
        "open_alerts": [alert._asdict() for alert in summary.open_alerts],
        "deliveries": [
            {"channel": channel, "state": name, "count": count} for (channel, name), count in summary.deliveries.items()
        ],
        "oldest_waiting": summary.oldest_waiting,
        "errors": [problem._asdict() for problem in (*summary.errors, *summary.dead)],
    }


def is_running(folder: Path) -> bool:
    """Whether a listener holds the state folder."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _show(values: dict[str, Any], summary: Summary) -> None:
    console = show.console()
    rules = "no compiled rules" if values["rules"] is None else f"{values['rules']} rules"
    if values["residual"]:
        rules += f" ({values['residual']} residual: tried at each event of their types)"
    running = "[green]running[/]" if values["running"] else "[red]not running[/]"
    console.print(f"listener   {running}, {rules}, state in {values['state']}")
    console.print(
        f"events     {values['events']} seen, {_bad(values['events_lost'])} lost, {_bad(values['dead_frames'])} dead"
    )
    for name, number in values["events_by_type"].items():
        console.print(f"           {number:>8} {name}")
    _show_mutes(values["mutes"])
    _show_queues(summary)
    _show_open(summary)
    for problem in values["errors"]:
        where = problem["channel"] or "dead frame"
        console.print(f"error      {show.clock_time(problem['time'])} {where}: {problem['reason']}", markup=False)


def _show_mutes(mutes: list[dict[str, Any]]) -> None:
    for mute in mutes:
        until = "" if mute["until"] is None else f" until {show.clock_time(mute['until'])}"
        show.console().print(f"muted      {mute['place']}{until}: {mute['reason']}", markup=False)


def _bad(number: int) -> str:
    return f"[red]{number}[/]" if number else "0"


def _show_queues(summary: Summary) -> None:
    console = show.console()
    if not summary.deliveries:
        console.print("alerts     none yet")
        return
    table = show.table("channel", "waiting", "sending", "sent", "given up", "held", "dropped")
    for channel in sorted({channel for channel, _ in summary.deliveries}):
        counts = (summary.deliveries.get((channel, name), 0) for name in _STATES)
        table.add_row(channel or "(none)", *map(str, counts))
    console.print(table)
    if summary.oldest_waiting is not None:
        console.print(f"the oldest alert that waits is {show.age(summary.oldest_waiting, time.time())} old")


def _show_open(summary: Summary) -> None:
    if not summary.open_alerts:
        return
    table = show.table("open alert", "key", "since", "for", "")
    for alert in summary.open_alerts[-MOST_OPEN:]:
        since = (show.clock_time(alert.since), show.age(alert.since))
        table.add_row(alert.rule, alert.key, *since, "" if alert.sent else alert.muted or "held back")
    show.console().print(table)
    if len(summary.open_alerts) > MOST_OPEN:
        show.console().print(f"and {len(summary.open_alerts) - MOST_OPEN} older ones (--format json shows all)")


MOST_OPEN = 20
_STATES = ("waiting", "sending", "sent", "given_up", "held", "dropped")
