"""`rules-listener run`: the event listener, started by supervisord.

1. What the sections say that we print, `run --config FILE`, needs no parser: to import one takes 4 ms of the start.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rules_listener.serve.listener import Options, run

if TYPE_CHECKING:
    import argparse

DESCRIPTION = "Be supervisord's event listener: read events, match them against the rules, keep the alerts, answer."


def parser() -> "argparse.ArgumentParser":
    """The arguments of `run`."""
    import argparse  # noqa: PLC0415 - see the module's first rule

    made = argparse.ArgumentParser("rules-listener run", description=DESCRIPTION)
    made.add_argument("--config", default="", metavar="FILE", help="configuration (default: ./rules-listener.yaml)")
    made.add_argument(
        "--rules",
        default=[],
        action="extend",
        nargs="+",
        metavar="PATH",
        help="rule files or folders, instead of the configuration's",
    )
    made.add_argument("--state", default="", metavar="DIR", help="state folder, instead of the configuration's")
    made.add_argument("--once", action="store_true", help="handle one event, then exit 0")
    return made


def main(arguments: Sequence[str]) -> int:
    """Run the listener; the exit status."""
    match arguments:
        case ["--config", config] if not config.startswith("-"):
            return run(Options(config))
    options = parser().parse_args(arguments)
    return run(Options(options.config, tuple(options.rules), options.state, options.once))
