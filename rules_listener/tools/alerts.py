"""`rules-listener alerts`: what was sent, what waits, what was given up; and to send or drop it by hand."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Group, RenderableType
from rich.text import Text

from rules_listener.base.clock import SystemClock
from rules_listener.base.counted import names
from rules_listener.outbox.listing import STATES, Listed, Listing, Shown, Wanted
from rules_listener.serve.bundle import kept_bundle
from rules_listener.tools import show, told
from rules_listener.tools.health import is_running
from rules_listener.tools.place import open_listing, state_folder, state_options
from rules_listener.tools.spelled import for_people

Command = TypeVar("Command", bound=Callable[..., Any])

_UNDER_WAY = "being sent now: try that again when it has ended"

DEFAULT_COUNT = 50
MOST_AT_ONCE = 100_000
SHORT_ID = 8

_FORMAT = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True
)


class _ListFirst(click.Group):
    """A group in which `list` is meant where no command is named: its options may follow at once."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in `list` where it is left out."""
        is_left_out = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        return super().parse_args(ctx, ["list", *args] if is_left_out else args)


@click.group(cls=_ListFirst, short_help="List alerts, show one, send it again or drop it.")
def alerts() -> None:
    """List the alerts, show one, send it again or drop it. Without a command, list them.

    An ID may be cut short, as long as it is clear.
    """


def _filters(command: Command) -> Command:
    """The options that say which alerts are meant."""
    for name, said in (
        ("key", "Only of this key, such as web:nginx."),
        ("rule", "Only of this rule."),
        ("channel", "Only to this channel."),
    ):
        command = click.option(f"--{name}", f"{name}s", multiple=True, metavar=name.upper(), help=said)(command)
    return command


@alerts.command("list")
@state_options
@_filters
@click.option(
    *("--only", "states"),
    multiple=True,
    metavar="STATE",
    type=click.Choice([*dict.fromkeys([*STATES, *map(told.state, STATES)])]),
    callback=lambda _, __, names: tuple(name.replace(" ", "_") for name in names),
    help=f"Only in this state: {', '.join(STATES)}.",
)
@click.option(
    *("-n", "--last", "count"),
    type=click.IntRange(min=1),
    default=DEFAULT_COUNT,
    show_default=True,
    help="How many alerts, from the newest back.",
)
@_FORMAT
def list_alerts(
    state: Path | None, config: Path | None, count: int, output_format: str, **filters: tuple[str, ...]
) -> None:
    """List the newest alerts, the newest last: what each says, and how it stands."""
    folder = state_folder(state, config)
    listing = open_listing(folder, None)
    _refuse_unknown(listing, folder, filters["channels"])
    wanted = Wanted(**{name: values for name, values in filters.items() if values})
    listed = listing.deliveries(limit=count, wanted=wanted)
    listed.sort(key=lambda one: one.alert)
    if output_format == "json":
        click.echo(json.dumps([one._asdict() for one in listed], indent=2, ensure_ascii=False))
    elif not listed:
        click.echo("there are no such alerts" if any(filters.values()) else "there are no alerts", err=True)
    elif is_terminal():
        show.console().print(_table(for_people(listed), SystemClock().time()))
    else:
        click.echo("\n".join(_line(one, SystemClock().time()) for one in for_people(listed)))


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def _table(listed: Sequence[Listed], now: float) -> RenderableType:
    """For a terminal: each alert with a line for each of its deliveries, whose ids are cut short."""
    table = show.table("time", "alert", whole=("time",))
    length = id_length([one.id for one in listed])
    for _, group in groupby(listed, lambda one: one.alert):
        of_alert = list(group)
        first = of_alert[0]
        about = Text(told.about(first), show.SEVERITY_STYLES.get(first.severity, ""))
        deliveries = show.grid(3)
        for one, channel in _told_apart(of_alert):
            standing = Text.assemble(show.state(one.state), told.standing(one, now))
            deliveries.add_row(one.id[:length] or "-", channel or "-", standing)
        said = Text(told.said(first) or first.key, "bold")
        table.add_row(show.short_time(first.time, now), Group(said, about, deliveries))
    return table


def _told_apart(of_alert: Sequence[Listed]) -> list[tuple[Listed, str]]:
    """The deliveries of an alert with their channels; an alert is held back as a whole, which is told once."""
    first, *others = of_alert
    if first.state == "held" and others:
        return [(first, f"{first.channel} and {len(others)} more")]
    return [(one, one.channel) for one in of_alert]


def id_length(ids: Sequence[str]) -> int:
    """How long ids have to be to be told apart."""
    longest = max(map(len, ids))
    return next((n for n in range(SHORT_ID, longest) if len({one[:n] for one in ids}) == len(set(ids))), longest)


def _line(listed: Listed, now: float) -> str:
    """For a file or another program: everything in one line."""
    standing = told.standing(listed, now)
    about = (listed.phase, listed.severity, listed.rule, listed.key or "-", listed.channel or "-")
    said = told.said(listed) or listed.key
    said = f"{said} ({told.state(listed.state)}{standing})" if standing else said
    words = (show.clock_time(listed.time), listed.id or "-", listed.state, *about, said)
    return "  ".join(words).replace("\n", " ")


@alerts.command("show")
@click.argument("identifier", metavar="ID")
@state_options
@_FORMAT
def show_alert(identifier: str, state: Path | None, config: Path | None, output_format: str) -> None:
    """Show all about one alert: its deliveries, the event, and what else was said while it was open."""
    listing = open_listing(state, config)
    found = listing.show(_found(listing, identifier))
    if found is None:
        click.echo(_unknown(identifier), err=True)
        sys.exit(1)
    elif output_format == "json":
        click.echo(json.dumps(_values(found), indent=2, ensure_ascii=False))
    else:
        _show(for_people(found), SystemClock().time())


def _values(shown: Shown) -> dict[str, Any]:
    several = {name: [one._asdict() for one in getattr(shown, name)] for name in ("deliveries", "incident")}
    return {
        **shown.delivery._asdict(),
        "event": shown.event,
        "deliveries": several["deliveries"],
        "story": several["incident"],
        "held_meanwhile": shown.held_meanwhile,
        "together": shown.together,
    }


def _show(shown: Shown, now: float) -> None:
    one, console = shown.delivery, show.console()
    facts = show.grid(2)
    for name, value in (
        ("alert", told.said(one)),
        ("rule", f"{one.rule}, {one.severity}"),
        ("key", one.key or "(one for all)"),
        ("time", f"{show.clock_time(one.time)}, {show.age(one.time, now)} ago"),
        ("phase", one.phase),
        ("event", "\n".join(f"{field}: {content}" for field, content in shown.event.items())),
    ):
        facts.add_row(Text(name, "bold"), Text(value))
    console.print(facts)
    console.print(Text("\ndeliveries", "bold"))
    console.print(_deliveries(shown.deliveries, now))
    if shown.together:
        console.print(f"{one.id[:SHORT_ID]} is one of {len(shown.together) + 1} in a digest to {one.channel}, with")
        console.print(names(other[:SHORT_ID] for other in shown.together))
    if shown.incident:
        console.print(Text("\nwhat was said while it was open", "bold"))
        console.print(_story(shown.incident))
        held = f"and {shown.held_meanwhile} held back" if shown.held_meanwhile else "nothing held back"
        console.print(f"{held}; {_end(shown.incident, now)}")


def _deliveries(deliveries: Sequence[Listed], now: float) -> RenderableType:
    table = show.table("to", "id", "since", "state", whole=("id",))
    for one in deliveries:
        standing = Text.assemble(show.state(one.state), told.standing(one, now))
        table.add_row(one.channel or "-", one.id, told.changed(one), standing)
    return table


def _story(said: Sequence[Listed]) -> RenderableType:
    """What was said of an open alert, and below each of its texts to whom; that is long where channels are many."""
    table = show.table("time", "phase", "alert", whole=("time", "phase"))
    for _, group in groupby(said, lambda one: one.alert):
        of_alert = list(group)
        first = of_alert[0]
        channels = ", ".join(f"{one.channel} ({told.state(one.state)})" for one in of_alert)
        table.add_row(show.clock_time(first.time), first.phase, Text(f"{told.said(first)}\nto {channels}"))
    return table


def _end(said: Sequence[Listed], now: float) -> str:
    opened, last = said[0].opened or said[0].time, said[-1]
    if last.phase == "recovery":
        return f"it was open for {show.span(last.time - opened)}"
    return f"no recovery so far, {show.age(opened, now)} after it was opened"


@alerts.command("retry")
@click.argument("identifiers", metavar="[ID]...", nargs=-1)
@state_options
@_filters
def retry_alert(
    identifiers: tuple[str, ...], state: Path | None, config: Path | None, **filters: tuple[str, ...]
) -> None:
    """Send alerts again that were given up or dropped; one that waits for its next try is tried now.

    Without an ID: all of this channel, rule or key that were given up or wait for their next try.
    """
    _say_which(identifiers, filters)
    folder = state_folder(state, config)
    listing = open_listing(folder, None)
    runs = is_running(folder)
    if not runs:
        click.echo("the listener does not run: nothing is sent until it starts", err=True)
    if not identifiers:
        _refuse_unknown(listing, folder, filters["channels"])
        _retry_all(listing, filters, "now" if runs else "when it starts")
    _change_each(listing, identifiers, listing.retry, "waits to be sent again")


def _retry_all(listing: Listing, filters: Mapping[str, tuple[str, ...]], when: str) -> None:
    """Send again what was given up, try now what waits for its next try; what is behind that follows by itself."""
    alerts = _unsettled(listing, filters)
    now = SystemClock().time()
    due = [one for one in alerts if one.state == "given_up" or one.due is not None]
    done = Counter(one.state for one in due if listing.retry(one.id, now))
    new = sum(one.changed is None for one in alerts)
    said = [
        _counted(done["given_up"], "waits to be sent again", "wait to be sent again"),
        _counted(done["waiting"], f"that waited is tried {when}", f"that waited are tried {when}"),
        _counted(len(alerts) - len(due) - new, "waits behind an earlier one", "wait behind earlier ones"),
        _counted(new, "waits for a courier", "wait for a courier"),
        _being_sent(listing, filters),
    ]
    click.echo(", ".join(filter(None, said)) or "none of them was given up or waits: there is nothing to do")


@alerts.command("drop")
@click.argument("identifiers", metavar="[ID]...", nargs=-1)
@state_options
@_filters
def drop_alert(
    identifiers: tuple[str, ...], state: Path | None, config: Path | None, **filters: tuple[str, ...]
) -> None:
    """Drop alerts that wait or were given up: they are not sent any more.

    Without an ID: all of this channel, rule or key that wait or were given up.
    """
    _say_which(identifiers, filters)
    folder = state_folder(state, config)
    listing = open_listing(folder, None)
    if not identifiers:
        _refuse_unknown(listing, folder, filters["channels"])
        dropped = sum(listing.drop(one.id, SystemClock().time()) for one in _unsettled(listing, filters))
        said = [_counted(dropped, "is dropped", "are dropped"), _being_sent(listing, filters)]
        click.echo(", ".join(filter(None, said)) or "none of them waits or was given up: there is nothing to do")
    _change_each(listing, identifiers, listing.drop, "is dropped")


def _say_which(identifiers: Sequence[str], filters: Mapping[str, tuple[str, ...]]) -> None:
    if bool(identifiers) == any(filters.values()):
        raise click.UsageError("say which alerts: IDs, or a channel, rule or key of which all are meant")


def _refuse_unknown(listing: Listing, folder: Path, channels: Iterable[str]) -> None:
    """End if a channel is meant that neither the store nor the configuration in use knows."""
    if not channels:
        return
    bundle = kept_bundle(folder)
    known = {channel for channel, _ in listing.summary().deliveries if channel}
    known.update([] if bundle is None else bundle.config.channel_names)
    for channel in channels:
        if channel not in known:
            click.echo(f"there is no channel {channel}: there are {names(sorted(known)) or 'none'}", err=True)
            sys.exit(1)


def _unsettled(listing: Listing, filters: Mapping[str, tuple[str, ...]]) -> list[Listed]:
    """All that wait or were given up, those first that were to be sent first; it is an error if nothing is such."""
    found = listing.deliveries(limit=MOST_AT_ONCE, wanted=Wanted(("given_up", "waiting"), **filters))
    if not found and not listing.deliveries(limit=1, wanted=Wanted(**filters)):
        click.echo("there are no such alerts: `rules-listener alerts` lists them", err=True)
        sys.exit(1)
    return sorted(found, key=lambda one: one.alert)


def _being_sent(listing: Listing, filters: Mapping[str, tuple[str, ...]]) -> str:
    """How many nothing can be done about, since they are under way."""
    number = len(listing.deliveries(limit=MOST_AT_ONCE, wanted=Wanted(("sending",), **filters)))
    return _counted(number, f"is {_UNDER_WAY}", f"are {_UNDER_WAY}")


def _counted(number: int, one: str, several: str) -> str:
    """`1 alert waits`, `2 alerts wait`; nothing for none."""
    if not number:
        return ""
    return f"1 alert {one}" if number == 1 else f"{number} alerts {several}"


def _found(listing: Listing, beginning: str) -> str:
    """The only id that begins so; one that is none is left as it is."""
    found = listing.find(beginning) if beginning else []
    if len(found) > 1:
        click.echo(f"several alerts begin with {beginning}: {', '.join(found)}", err=True)
        sys.exit(1)
    return found[0] if found else beginning


def _change_each(
    listing: Listing, beginnings: Sequence[str], change: Callable[[str, float], bool], message: str
) -> None:
    """Change all that begin so, if it is clear which; the exit status is 1 if nothing could be done about one."""
    identifiers = [_found(listing, beginning) for beginning in beginnings]
    undone = [identifier for identifier in identifiers if not _changed(identifier, change, message)]
    for identifier in undone:
        click.echo(_why_not(listing, identifier), err=True)
    if undone:
        sys.exit(1)


def _changed(identifier: str, change: Callable[[str, float], bool], message: str) -> bool:
    is_done = change(identifier, SystemClock().time())
    if is_done:
        click.echo(f"{identifier} {message}")
    return is_done


def _why_not(listing: Listing, identifier: str) -> str:
    """Why nothing could be done about an alert."""
    found = listing.show(identifier)
    if found is None:
        return _unknown(identifier)
    if found.delivery.state == "sending":
        return f"{identifier} is {_UNDER_WAY}"
    first = _ahead(listing, found.delivery)
    if first is None:
        return f"{identifier} is {told.state(found.delivery.state)}: there is nothing to do"
    can_be = "which is being sent" if first.state == "sending" else "which may be retried or dropped"
    return f"{identifier} waits behind {first.id}, an earlier one of its key, {can_be}"


def _ahead(listing: Listing, delivery: Listed) -> Listed | None:
    """The delivery that has to be settled first: the oldest one of its channel and key."""
    if delivery.state != "waiting":
        return None
    wanted = Wanted(("waiting", "sending"), keys=(delivery.key,), channels=(delivery.channel,))
    first = min(listing.deliveries(limit=MOST_AT_ONCE, wanted=wanted), key=lambda one: one.alert, default=delivery)
    return None if first.id == delivery.id else first


def _unknown(identifier: str) -> str:
    return f"there is no alert {identifier}: `rules-listener alerts` lists them"
