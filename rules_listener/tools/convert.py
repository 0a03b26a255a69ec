"""`rules-listener convert`: events out of whatever holds them, as a recording."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import click

from rules_listener.base.errors import ConfigError
from rules_listener.event.compression import open_writing
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.localtime import read_moment, read_zone
from rules_listener.event.recording import Reading
from rules_listener.tools.recordings import Recordings
from rules_listener.tools.supervisorconf import read_programs

STANDARD_OUTPUT = Path("-")
MOST_NAMES = 5


@click.command(short_help="Make a recording of a supervisord.log, a capture or a store.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path(path_type=Path))
@click.option(
    "--to",
    default="-",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the recording goes; compressed if FILE ends in .gz or .zst.  [default: standard output]",
)
@click.option(
    "--supervisor-conf",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="supervisord's configuration: a supervisord.log does not tell the groups of its processes.",
)
@click.option("--timezone", metavar="ZONE", help="The zone of a supervisord.log's times.  [default: this host's]")
@click.option("--start", metavar="TIME", help="The time of a capture's first frames: seconds since 1970 or ISO 8601.")
@click.option("--rotated/--no-rotated", default=True, help="Read a file's rotated parts too, the oldest first.")
def convert(  # noqa: PLR0913 - one for each option
    sources: tuple[Path, ...],
    to: Path,
    supervisor_conf: Path | None,
    timezone: str | None,
    start: str | None,
    *,
    rotated: bool,
) -> None:
    """Write the events in SOURCE as JSON lines.

    SOURCE is a supervisord.log, a raw capture of the protocol, a listener's state folder, a recording, or - for
    standard input; compressed or not. What it is, is told by what is in it. Exit status 1 if something in it can't be
    read.
    """
    zone = None if timezone is None else read_zone(timezone)
    reading = Reading(
        start=None if start is None else read_moment(start, zone),
        zone=zone,
        programs={} if supervisor_conf is None else read_programs(supervisor_conf),
    )
    findings = Findings(_say)
    with Recordings(sources, findings, rotated=rotated) as recordings:
        count = _write(recordings, reading, to)
    _sum_up(recordings, findings, count)
    sys.exit(1 if findings.unreadable else 0)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _write(recordings: Recordings, reading: Reading, to: Path) -> int:
    """Write all events; how many there were."""
    count = 0
    with _output(to) as file:
        for event in recordings.events(reading):
            file.write(encode_line(event))
            count += 1
    return count


@contextmanager
def _output(to: Path) -> Iterator[IO[bytes]]:
    """Where the recording goes. A file comes to be, or is replaced, when it is complete; only its owner may read it."""
    if to == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    temporary = None
    try:
        descriptor, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.")
        os.close(descriptor)
        temporary = Path(name)
        with open_writing(temporary, to.suffix) as file:
            yield file
        temporary.replace(to)
    except OSError as error:
        raise ConfigError(f"{to} can't be written: {error.strerror}") from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _sum_up(recordings: Recordings, findings: Findings, count: int) -> None:
    """Say what was read, and what could not be told."""
    kinds = ", ".join(dict.fromkeys(source.kind for source in recordings.sources))
    said = [f"{kinds}, {_counted(len(recordings.files), 'file')}: {_counted(count, 'event')}"]
    if findings.passed_over:
        said.append(_counted(findings.passed_over, "other line"))
    if findings.unreadable:
        said.append(f"{findings.unreadable} that can't be read")
    _say("; ".join(said))
    if findings.without_group:
        names = sorted(findings.without_group)
        shown = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
        _say(f"the group is not known of {shown}: --supervisor-conf FILE tells it")
    if findings.unnamed_starts:
        starts = _counted(findings.unnamed_starts, "failed start")
        _say(f"left out: {starts} of which the log does not name the process; --supervisor-conf FILE tells it")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
