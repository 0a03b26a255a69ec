"""The command line: `rules-listener VERB`.

Exit status everywhere: 0 all is well; 1 it ran and found something; 2 it could not run. Results go to standard output,
messages to standard error.
"""

import os
import sys
from typing import Any

import click

from rules_listener import __version__
from rules_listener.base.errors import RulesListenerError
from rules_listener.serve.arguments import DESCRIPTION
from rules_listener.tools.alerts import alerts
from rules_listener.tools.check import check
from rules_listener.tools.convert import convert
from rules_listener.tools.demo import demo
from rules_listener.tools.explain import explain
from rules_listener.tools.fmt import fmt
from rules_listener.tools.init import init
from rules_listener.tools.record import DESCRIPTION as RECORD_DESCRIPTION
from rules_listener.tools.record import main as record_main
from rules_listener.tools.replay.command import replay
from rules_listener.tools.run import main as run_main
from rules_listener.tools.status import status
from rules_listener.tools.test import test


class Verbs(click.Group):
    """Shows our own errors as what they are: a sentence for the person who typed the command, and status 2."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except RulesListenerError as error:
            click.echo(f"rules-listener: {error}", err=True)
            sys.exit(2)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; results that can't be written are an error, too, unless nobody reads on."""
        if sys.stdout is None:
            click.echo("rules-listener: there is no standard output to write the results to", err=True)
            sys.exit(2)
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                sys.stdout.flush()
        except OSError as error:
            if error.filename is not None:
                raise
            _write_no_more()
            if isinstance(error, BrokenPipeError):
                sys.exit(1)
            click.echo(f"rules-listener: standard output can't be written: {error.strerror}", err=True)
            sys.exit(2)


def _write_no_more() -> None:
    """Let what is left for standard output go nowhere: Python would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rules-listener")
def cli() -> None:
    """The supervisord event listener that runs a rule file."""


@cli.command(
    "run",
    help=DESCRIPTION,
    short_help="Be the event listener; supervisord starts it.",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: tuple[str, ...]) -> None:
    """Hand over to the listener, which reads its own arguments."""
    sys.exit(run_main(arguments))


@cli.command(
    "record",
    help=RECORD_DESCRIPTION,
    short_help="Record all events; supervisord starts it.",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def record(arguments: tuple[str, ...]) -> None:
    """Hand over to the recorder, which reads its own arguments."""
    sys.exit(record_main(arguments))


for verb in (check, fmt, test, replay, explain, init, demo, convert, alerts, status):
    cli.add_command(verb)
