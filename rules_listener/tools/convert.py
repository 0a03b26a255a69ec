"""`rules-listener convert`: events out of whatever holds them, as a recording."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from rules_listener.base.errors import ConfigError
from rules_listener.event.compression import open_writing
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.recording import Reading
from rules_listener.tools.reading import reading_of, reading_options
from rules_listener.tools.recordings import Recordings, sum_up, what_is_not_known
from rules_listener.tools.replace import replacing

STANDARD_OUTPUT = Path("-")


@click.command(short_help="Make a recording of a supervisord.log, a capture or a store.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path(path_type=Path))
@click.option(
    "--to",
    default="-",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the recording goes; compressed if FILE ends in .gz or .zst.  [default: standard output]",
)
@reading_options
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
    reading = reading_of(supervisor_conf, timezone, start)
    findings = Findings(_say)
    with Recordings(sources, findings, rotated=rotated) as recordings:
        count = _write(recordings, reading, to)
    for line in (sum_up(recordings, findings, count), *what_is_not_known(findings)):
        _say(line)
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
    try:
        with replacing(to) as written, open_writing(written, to.suffix) as file:
            yield file
    except OSError as error:
        raise ConfigError(f"{to} can't be written: {error.strerror}") from error
