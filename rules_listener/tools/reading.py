"""How recordings are read, for the verbs that do: their options."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rules_listener.event.localtime import read_moment, read_zone
from rules_listener.event.recording import Reading
from rules_listener.serve.ownsection import own_pool
from rules_listener.serve.supervisorconf import read_supervisor_conf
from rules_listener.tools.supervisorconf import read_programs

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--supervisor-conf",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="supervisord's configuration: a supervisord.log does not tell the groups of its processes.",
    ),
    click.option("--timezone", metavar="ZONE", help="The zone of a supervisord.log's times.  [default: this host's]"),
    click.option(
        "--start", metavar="TIME", help="The time of a capture's first frames: seconds since 1970 or ISO 8601."
    ),
    click.option("--rotated/--no-rotated", default=True, help="Read a file's rotated parts too, the oldest first."),
)


pool_option = click.option(
    "--pool", default="", metavar="NAME", help="The listener's own [eventlistener:NAME], which is left out."
)


def reading_options(command: Command) -> Command:
    """The options `--supervisor-conf`, `--timezone`, `--start` and `--rotated`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reading_of(supervisor_conf: Path | None, timezone: str | None, start: str | None) -> Reading:
    """What the options say.

    Raises:
        ConfigError: there is no such zone or moment, or the configuration can't be read.
    """
    zone = None if timezone is None else read_zone(timezone)
    return Reading(
        start=None if start is None else read_moment(start, zone),
        zone=zone,
        programs={} if supervisor_conf is None else read_programs(supervisor_conf),
    )


def own_group_of(pool: str, supervisor_conf: Path | None) -> str:
    """The listener's own group: the pool that is named, or that of its section in a configuration of supervisord.

    Empty if there is none, or nobody knows which.
    """
    if pool or supervisor_conf is None:
        return pool
    conf = read_supervisor_conf(supervisor_conf)[0]
    own = None if conf is None else own_pool(conf)[0]
    return "" if own is None else own.name
