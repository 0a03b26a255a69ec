"""`rules-listener check`: all diagnostics of rule files and configuration."""

import sys
from pathlib import Path

import click

from rules_listener import __version__
from rules_listener.base.diagnostics import Diagnostic, as_github, as_json, as_sarif, as_text, has_errors
from rules_listener.base.errors import ConfigError
from rules_listener.serve.compiler import check_all
from rules_listener.serve.config import FILE_NAME

FORMATS = ("text", "json", "github", "sarif")


@click.command(short_help="Check rule files and the configuration.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="Check the configuration too.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
def check(paths: tuple[str, ...], config: Path | None, output_format: str) -> None:
    """Check rule files (or folders of them), and the configuration.

    Without PATH, the rules that the configuration names are checked; without a configuration, rules may send to any
    channel. Exit status 1 if there is an error.
    """
    if config is None and not paths:
        config = Path(FILE_NAME)
        if not config.exists():
            raise ConfigError(
                f"there is nothing to check: name rule files, or a configuration with --config ({FILE_NAME})"
            )
    checked = check_all(config, paths, any_channel=config is None)
    _show(checked.found, output_format)
    if output_format == "text":
        _show_summary(checked.found, len(checked.files), len(checked.rules.rules))
    sys.exit(1 if has_errors(checked.found) else 0)


def _show(found: list[Diagnostic], output_format: str) -> None:
    match output_format:
        case "json":
            click.echo(as_json(found))
        case "sarif":
            click.echo(as_sarif(found, __version__))
        case "github":
            click.echo(as_github(found), nl=bool(found))
        case _ if found:
            click.echo(as_text(found) + "\n")


def _show_summary(found: list[Diagnostic], files: int, rules: int) -> None:
    wrong = sum(1 for one in found if has_errors([one]))
    counted = f"{files} file{'s' * (files != 1)}, {rules} rule{'s' * (rules != 1)}"
    outcome = f"{wrong} error{'s' * (wrong != 1)}" if wrong else "no errors"
    click.echo(f"{counted}: {outcome}", err=bool(wrong))
