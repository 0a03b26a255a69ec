"""Print the README's performance table; with `--write`, put it there."""

import argparse
import datetime as dt
import os
import platform
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path

from tests.bench import over_time, replaying, startup, throughput
from tests.bench.figures import HEAD

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- performance -->", "<!-- /performance -->"


def table() -> str:
    """Machine, versions and date, all figures, and what each kind of pattern costs."""
    figures = [*throughput.measure(), *startup.measure(), *over_time.measure(), *replaying.measure()]
    about = (
        f"Measured on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, supervisor {version('supervisor')}, SQLite {sqlite3.sqlite_version}."
    )
    rows = [figure.row for figure in figures]
    return "\n".join([about, "", HEAD, *rows, "", over_time.ABOUT, "", over_time.HEAD, *over_time.rows()])


def write(text: str) -> None:
    """Put the table between the README's marks."""
    readme = README.read_text(encoding="utf-8")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure, print, and write if that is asked for."""
    parser = argparse.ArgumentParser(description="measure the figures of the README's performance table")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    arguments = parser.parse_args()
    text = table()
    sys.stdout.write(text + "\n")
    if arguments.write:
        write(text)


main()
