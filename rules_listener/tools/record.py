"""`rules-listener record`: an event listener that only records, started by supervisord."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from rules_listener.event.rotation import SUFFIXES
from rules_listener.lang.literals import read_size
from rules_listener.serve.recorder import Options, record
from rules_listener.serve.supervisord import started_by_supervisord

DESCRIPTION = "Be an event listener that only records: each event is a line of FILE before it is answered."


def parser(*, by_hand: bool) -> argparse.ArgumentParser:
    """The arguments of `record`; `by_hand`, where it only prints its section, a recording in this folder will do."""
    made = argparse.ArgumentParser("rules-listener record", description=DESCRIPTION)
    made.add_argument(
        "--to",
        required=not by_hand,
        default=Path("events.jsonl"),
        type=_recording,
        metavar="FILE",
        help="the recording: JSON lines",
    )
    made.add_argument(
        "--rotate",
        default=("100MB", 100_000_000),
        metavar="SIZE",
        type=_size,
        help="at this size FILE becomes FILE.1, and that FILE.2; 0: never (default: 100MB)",
    )
    made.add_argument("--keep", default=10, type=_count, metavar="N", help="rotated files that are kept (default: 10)")
    return made


def _recording(name: str) -> Path:
    path = Path(name)
    if path.suffix in SUFFIXES:
        raise argparse.ArgumentTypeError(
            "a recording can be compressed only when it is complete, for nothing can be added to a compressed file "
            f"that was cut short: record to {path.with_suffix('')}, and let `rules-listener convert` compress it later"
        )
    return path


def _size(text: str) -> tuple[str, int]:
    read = 0 if text == "0" else read_size(text)
    if read is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write it as 100MB or 64KiB, or 0 to never rotate")
    return text, int(read)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of files")
    return int(text)


def main(arguments: Sequence[str]) -> int:
    """Run the recorder; the exit status."""
    options = parser(by_hand=not started_by_supervisord(os.environ)).parse_args(arguments)
    size, rotate_bytes = options.rotate
    shown = ["record", "--to", str(options.to.absolute()), "--rotate", size, "--keep", str(options.keep)]
    return record(Options(options.to, rotate_bytes, options.keep), shown)
