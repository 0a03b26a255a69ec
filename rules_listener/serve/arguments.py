"""The arguments of `run`, as supervisord.conf and people give them."""

import argparse
from collections.abc import Sequence

DESCRIPTION = "Be supervisord's event listener: read events, match them against the rules, keep the alerts, answer."


def parser(*, add_help: bool = True, exit_on_error: bool = True) -> argparse.ArgumentParser:
    """What reads them."""
    made = argparse.ArgumentParser(
        "rules-listener run", description=DESCRIPTION, add_help=add_help, exit_on_error=exit_on_error
    )
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


def refused(arguments: Sequence[str]) -> str:
    """Why `run` would end at once if it were told this; empty if it would not."""
    try:
        _, unknown = parser(add_help=False, exit_on_error=False).parse_known_args(arguments)
    except argparse.ArgumentError as error:
        return str(error)
    return f"unrecognized arguments: {' '.join(unknown)}" if unknown else ""
