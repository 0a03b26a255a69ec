"""`rules-listener status`: the listener at a glance."""

import json
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from rules_listener.base.clock import SystemClock
from rules_listener.base.counted import counted
from rules_listener.outbox import counters as names
from rules_listener.outbox.counters import by_label
from rules_listener.outbox.listing import Problem, Summary
from rules_listener.serve.bundle import Bundle, kept_bundle
from rules_listener.tools import show, told
from rules_listener.tools.health import is_running, metrics_trouble, why_not_started
from rules_listener.tools.muted import muted_at
from rules_listener.tools.place import open_listing, state_folder, state_options
from rules_listener.tools.spelled import for_people


@click.command(short_help="Show the listener at a glance.")
@state_options
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(state: Path | None, config: Path | None, output_format: str) -> None:
    """Show the listener at a glance: rules, events, losses, mutes that hold, open alerts, queues, last errors."""
    folder = state_folder(state, config)
    summary = open_listing(folder, None).summary()
    now = SystemClock().time()
    bundle = kept_bundle(folder)
    values = _values(folder, summary, bundle, now) | _health(folder, bundle, config)
    if output_format == "json":
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        _show(for_people(values), for_people(summary), now)


def _values(folder: Path, summary: Summary, bundle: Bundle | None, now: float) -> dict[str, Any]:
    counters = summary.counters
    events = by_label(counters, names.EVENT)
    return {
        "state": str(folder),
        "rules": None if bundle is None else len(bundle.program.rules),
        "residual": None if bundle is None else bundle.program.residual,
        "rules_loaded": _seconds(counters.get(names.LOADED)),
        "rules_rejected": _seconds(counters.get(names.REJECTED)) if summary.rejected is not None else None,
        "rejected_because": summary.rejected,
        "events": sum(events.values()),
        "events_by_type": events,
        "last_event": summary.last_event,
        "events_lost": counters.get(names.LOST, 0),
        "dead_frames": counters.get(names.DEAD, 0),
        "repeated": counters.get(names.REPEATED, 0),
        "dropped": counters.get(names.NO_ROOM, 0),
        "firings": by_label(counters, names.FIRING),
        "mutes": [mute._asdict() for mute in muted_at(bundle.program.mutes if bundle else (), now)],
        "open_alerts": [alert._asdict() for alert in summary.open_alerts],
        "deliveries": [
            {"channel": channel, "state": name, "count": count} for (channel, name), count in summary.deliveries.items()
        ],
        "queues": [
            {"channel": channel, "oldest": oldest, "next_due": summary.next_due.get(channel)}
            for channel, oldest in summary.oldest.items()
        ],
        "oldest_waiting": summary.oldest_waiting,
        "held": summary.held,
        "errors": [problem._asdict() for problem in (*summary.errors, *summary.dead)],
    }


def _health(folder: Path, bundle: Bundle | None, config: Path | None) -> dict[str, Any]:
    """Whether the listener runs and its metrics are served, and if not, why."""
    if not is_running(folder):
        return {"running": False, "not_running_because": why_not_started(config), "metrics": None}
    address = "" if bundle is None else bundle.config.metrics
    return {"running": True, "not_running_because": None, "metrics": _metrics(address) if address else None}


def _metrics(address: str) -> dict[str, Any]:
    trouble = metrics_trouble(address)
    return {"address": address, "served": not trouble, "trouble": trouble or None}


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _show(values: dict[str, Any], summary: Summary, now: float) -> None:
    console = show.console()
    facts = show.grid(2)
    parts: list[tuple[str, list[Text]]] = [
        ("listener", _listener(values, now)),
        ("events", _events(values)),
        ("rules", _rules(values, now)),
        ("muted", [_mute(mute, now) for mute in values["mutes"]]),
        ("held back", [Text(f"{number} {reason}") for reason, number in summary.held.items()]),
    ]
    for name, lines in parts:
        for number, line in enumerate(lines):
            facts.add_row(Text("" if number else name, "bold"), line)
    console.print(facts)
    _show_queues(summary, now)
    _show_open(summary, now)
    _show_trouble([*summary.errors, *summary.dead], now)


def _mute(mute: dict[str, Any], now: float) -> Text:
    until = "" if mute["until"] is None else f" until {show.short_time(mute['until'], now)}"
    return Text(f"{mute['place']}{until}: {mute['reason']}")


def _listener(values: dict[str, Any], now: float) -> list[Text]:
    running = Text("running", "green") if values["running"] else Text("not running", "red")
    last = values["last_event"]
    heard = "" if last is None else f", the last event came {show.age(last, now)} ago"
    lines = [Text.assemble(running, heard), Text(f"state in {values['state']}")]
    if because := values["not_running_because"]:
        lines.append(Text(f"it can't start: {because}", "red"))
    if metrics := values["metrics"]:
        lines.append(_of_metrics(metrics["address"], metrics["trouble"]))
    return lines


def _of_metrics(address: str, trouble: str | None) -> Text:
    if trouble is None:
        return Text(f"metrics at {address}")
    return Text(f"no metrics: {trouble}; the listener's log says more", "red")


def _rules(values: dict[str, Any], now: float) -> list[Text]:
    number, loaded = values["rules"], values["rules_loaded"]
    said = "no compiled rules" if number is None else counted(number, "rule")
    said += "" if loaded is None else f", loaded {show.age(loaded, now)} ago"
    if values["residual"]:
        said += f" ({values['residual']} residual: tried at each event of their types)"
    lines = [Text(said)]
    if values["rules_rejected"] is not None:
        because = f": {values['rejected_because']}" if values["rejected_because"] else ""
        ago = show.age(values["rules_rejected"], now)
        lines.append(Text(f"new ones were rejected {ago} ago, the old ones stay{because}", "red"))
    most = sorted(values["firings"].items(), key=lambda item: -item[1])[:MOST_RULES]
    if most:
        lines.append(Text("matched most: " + ", ".join(f"{rule} {counted(times, 'time')}" for rule, times in most)))
    return lines


def _events(values: dict[str, Any]) -> list[Text]:
    counts = [(values["events_lost"], "lost"), (values["dead_frames"], "dead"), (values["dropped"], "alerts dropped")]
    parts = [
        Text(f", {number} {name}", "red" if number else "")
        for number, name in counts
        if number or name != "alerts dropped"
    ]
    types = [Text(f"{number:>8} {name}") for name, number in values["events_by_type"].items()]
    return [Text.assemble(f"{values['events']} seen", *parts), *types]


def _show_queues(summary: Summary, now: float) -> None:
    console = show.console()
    if not summary.deliveries:
        console.print("no alerts yet")
        return
    table = show.table("channel", "waiting", *(name.replace("_", " ") for name in _STATES))
    for channel in sorted({channel for channel, _ in summary.deliveries}):
        counts = {name: number for (one, name), number in summary.deliveries.items() if one == channel}
        numbers = [
            Text(str(counts[name]), show.STATE_STYLES[name]) if name in counts else Text("-") for name in _STATES
        ]
        table.add_row(channel or "-", _waiting(channel, counts, summary, now), *numbers)
    console.print()
    console.print(table)


def _waiting(channel: str, counts: dict[str, int], summary: Summary, now: float) -> str:
    """How many wait, the oldest for how long, and when the next one is tried."""
    if not counts.get("waiting"):
        return "-"
    said = f"{counts['waiting']} for {show.age(summary.oldest[channel], now)}"
    due = summary.next_due.get(channel)
    return said if due is None else f"{said}, next {told.when(due, now)}"


def _show_open(summary: Summary, now: float) -> None:
    if not summary.open_alerts:
        return
    table = show.table("open alert", "key", "since", "for", "")
    for alert in summary.open_alerts[-MOST_OPEN:]:
        since = (show.short_time(alert.since, now), show.age(alert.since, now))
        table.add_row(alert.rule, alert.key, *since, "" if alert.sent else alert.muted or "held back")
    show.console().print()
    show.console().print(table)
    if len(summary.open_alerts) > MOST_OPEN:
        show.console().print(f"and {len(summary.open_alerts) - MOST_OPEN} older ones (--format json shows all)")


def _show_trouble(problems: list[Problem], now: float) -> None:
    if not problems:
        return
    table = show.table("trouble", "with", "state", "why", whole=("trouble", "state"))
    for one in problems:
        times = f" ({one.number} times)" if one.number > 1 else ""
        state = show.state(one.state) if one.state else Text("dead frame")
        table.add_row(show.short_time(one.time, now), one.channel or "-", state, Text(f"{one.reason}{times}"))
    show.console().print()
    show.console().print(table)


MOST_OPEN = 20
MOST_RULES = 3
_STATES = ("sending", "sent", "given_up", "held", "dropped")
