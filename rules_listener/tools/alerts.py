"""`rules-listener alerts`: what was sent, what waits, what was given up; and to send or drop it by hand."""

import json
import sys
import time
from pathlib import Path

import click

from rules_listener.outbox.listing import STATES, Listed, Listing
from rules_listener.tools import show
from rules_listener.tools.place import open_listing, state_options

DEFAULT_COUNT = 50


@click.group(invoke_without_command=True, short_help="List alerts, show one, send it again or drop it.")
@click.pass_context
def alerts(context: click.Context) -> None:
    """List the alerts, show one, send one again or drop it."""
    if context.invoked_subcommand is None:
        context.invoke(list_alerts)


@alerts.command("list")
@state_options
@click.option("--only", "states", multiple=True, type=click.Choice(STATES), help="Only those in this state.")
@click.option("-n", "--last", "count", default=DEFAULT_COUNT, show_default=True, help="How many, from the newest back.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_alerts(
    state: Path | None = None,
    config: Path | None = None,
    states: tuple[str, ...] = (),
    count: int = DEFAULT_COUNT,
    output_format: str = "text",
) -> None:
    """List the newest alerts, the newest last."""
    listed = open_listing(state, config).deliveries(states or STATES, count)[::-1]
    if output_format == "json":
        click.echo(json.dumps([one._asdict() for one in listed], indent=2, ensure_ascii=False))
        return
    if not listed:
        click.echo("there are no alerts", err=True)
        return
    table = show.table("time", "id", "state", "severity", "rule", "to", "text")
    for one in listed:
        row = (show.clock_time(one.time), one.id, show.state(one.state), show.severity(one.severity))
        table.add_row(*row, one.rule, one.channel, _text(one))
    show.console().print(table)


def _text(listed: Listed) -> str:
    text = listed.text if listed.kind == "alert" else " ".join([listed.kind, *listed.arguments])
    return f"{text}\n({listed.reason})" if listed.reason else text


@alerts.command("show")
@click.argument("identifier", metavar="ID")
@state_options
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show_alert(identifier: str, state: Path | None, config: Path | None, output_format: str) -> None:
    """Show one alert with its event."""
    found = open_listing(state, config).show(identifier)
    if found is None:
        _unknown(identifier)
        return
    values = {**found.delivery._asdict(), "event": found.event}
    if output_format == "json":
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    table = show.table("", "")
    table.show_header = False
    for name, value in values.items():
        if value not in (None, (), ""):
            table.add_row(name, _shown(name, value))
    show.console().print(table)


def _shown(name: str, value: object) -> str:
    if name in ("time", "due") and isinstance(value, float):
        return show.clock_time(value)
    if isinstance(value, dict):
        return "\n".join(f"{key}: {item}" for key, item in value.items())
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


@alerts.command("retry")
@click.argument("identifier", metavar="ID")
@state_options
def retry_alert(identifier: str, state: Path | None, config: Path | None) -> None:
    """Send an alert again that was given up or dropped."""
    listing = open_listing(state, config)
    _say(listing, identifier, "waits to be sent again", done=listing.retry(identifier, time.time()))


@alerts.command("drop")
@click.argument("identifier", metavar="ID")
@state_options
def drop_alert(identifier: str, state: Path | None, config: Path | None) -> None:
    """Drop an alert that waits or was given up: it is not sent any more."""
    listing = open_listing(state, config)
    _say(listing, identifier, "is dropped", done=listing.drop(identifier, time.time()))


def _say(listing: Listing, identifier: str, message: str, *, done: bool) -> None:
    if done:
        click.echo(f"{identifier} {message}")
        return
    found = listing.show(identifier)
    if found is None:
        _unknown(identifier)
        return
    click.echo(f"{identifier} is {found.delivery.state.replace('_', ' ')}: there is nothing to do", err=True)
    sys.exit(1)


def _unknown(identifier: str) -> None:
    click.echo(f"there is no alert {identifier}: `rules-listener alerts` lists them", err=True)
    sys.exit(1)
