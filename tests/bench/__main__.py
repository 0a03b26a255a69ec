"""Measure, and print the README's performance section; with `--write`, put it there, and into a file for programs."""

import argparse
import sys
from collections.abc import Callable

from tests.bench import hostile, loading, matching, over_time, replaying, startup, throughput
from tests.bench.report import Part, merged, section, write

PARTS: dict[str, Callable[[], Part]] = {
    "throughput": lambda: Part(throughput.measure()),
    "startup": lambda: Part(startup.measure()),
    "matching": matching.part,
    "loading": lambda: Part(loading.measure()),
    "hostile": lambda: Part(hostile.measure()),
    "replaying": lambda: Part(replaying.measure()),
    "over_time": lambda: Part(over_time.measure(), [over_time.ABOUT, "", over_time.HEAD, *over_time.rows()]),
}
"""All that can be measured, in the order in which it is shown."""


def main() -> None:
    """Measure, print, and write if that is asked for."""
    parser = argparse.ArgumentParser(description="measure the figures of the README's performance section")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this part alone; may be repeated")
    parser.add_argument(
        "--write", action="store_true", help="put what was measured into the README, and keep there what was not"
    )
    arguments = parser.parse_args()
    measured = {name: PARTS[name]().as_json() for name in PARTS if name in (arguments.only or PARTS)}
    sys.stdout.write(section(measured) + "\n")
    if arguments.write:
        write(merged(measured, PARTS))


main()
