"""`rules-listener check`: all diagnostics of rule files and configuration.

1. Exit status 0 says that the listener would load the rules. Warnings alone change that only with `--strict`.
"""

import json
import sys
from pathlib import Path

import click

from rules_listener import __version__
from rules_listener.base.diagnostics import Diagnostic, as_github, as_json, as_sarif, as_text, has_errors
from rules_listener.base.errors import ConfigError
from rules_listener.match.compile import compile_rules
from rules_listener.serve.compiler import Checked, check_all
from rules_listener.serve.config import FILE_NAME

FORMATS = ("text", "json", "github", "sarif")


@click.command(short_help="Check rule files and the configuration.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="Check the configuration too.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if there are warnings, too.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
def check(paths: tuple[str, ...], config: Path | None, *, strict: bool, output_format: str) -> None:
    """Check rule files (or folders of them), and the configuration.

    Without PATH, the rules that the configuration names are checked; without a configuration, rules may send to any
    channel. Exit status 1 if there is an error. Warnings are shown once there is none: they are about rules that the
    listener would load, and that most likely do not do what was meant. `rules-listener explain CODE` says more.
    """
    if config is None and not paths:
        config = Path(FILE_NAME)
        if not config.exists():
            raise ConfigError(
                f"there is nothing to check: name rule files, or a configuration with --config ({FILE_NAME})"
            )
    checked = check_all(config, paths, any_channel=config is None)
    _show(checked, output_format)
    failed = has_errors(checked.found) or (strict and bool(checked.found))
    if output_format == "text":
        click.echo(_summary(checked.found, len(checked.files), len(checked.rules.rules)), err=failed)
    sys.exit(1 if failed else 0)


def _show(checked: Checked, output_format: str) -> None:
    found = checked.found
    match output_format:
        case "json":
            click.echo(_json(checked))
        case "sarif":
            click.echo(as_sarif(found, __version__))
        case "github":
            click.echo(as_github(found), nl=bool(found))
        case _ if found:
            click.echo(as_text(found) + "\n")


def _json(checked: Checked) -> str:
    """All that is known of the rules, for programs; `residual` is null where there is an error."""
    residual = None if has_errors(checked.found) else compile_rules(checked.rules).residual
    known = {"files": len(checked.files), "rules": len(checked.rules.rules), "residual": residual}
    return json.dumps(known | {"diagnostics": json.loads(as_json(checked.found))}, indent=2, ensure_ascii=False)


def _summary(found: list[Diagnostic], files: int, rules: int) -> str:
    errors = sum(1 for one in found if has_errors([one]))
    outcome = _counted(errors, "error") if errors else "no errors"
    if warnings := len(found) - errors:
        outcome += f", {_counted(warnings, 'warning')}"
    return f"{_counted(files, 'file')}, {_counted(rules, 'rule')}: {outcome}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"
