"""`rules-listener check`: all diagnostics of rule files and configuration, and of what does not fit supervisord.conf.

1. Exit status 0 says that the listener would load the rules and, where supervisord.conf is named, would get the events
   that they need. Warnings about the rules alone change that only with `--strict`.
2. Where a file can't be read, or there is none, not all was checked that was to be: that is status 2.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from rules_listener import __version__
from rules_listener.base.counted import counted
from rules_listener.base.diagnostics import Diagnostic, as_github, as_json, as_sarif, as_text, has_errors, in_order
from rules_listener.base.errors import ConfigError
from rules_listener.match.compile import compile_rules
from rules_listener.serve.compiler import Checked, check_all
from rules_listener.serve.config import FILE_NAME
from rules_listener.serve.fit import NOT_ASKED, Fitted, fit, read_listening
from rules_listener.serve.supervisord import Own, log_beside, own_command

FORMATS = ("text", "json", "github", "sarif")

NOT_READ = {"RL301", "RL302"}
"""What is said of files that can't be read, or are not there."""


@click.command(short_help="Check rule files and the configuration.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help="Check the configuration too.")
@click.option(
    "--supervisor-conf",
    "conf",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Say what does not fit this configuration of supervisord.",
)
@click.option("--pool", default="", metavar="NAME", help="With it: which [eventlistener:NAME] runs these rules.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if there are warnings, too.")
@click.option("--format", "output_format", type=click.Choice(FORMATS), default="text", show_default=True)
def check(  # noqa: PLR0913 - one for each option
    paths: tuple[str, ...], config: Path | None, conf: Path | None, pool: str, *, strict: bool, output_format: str
) -> None:
    """Check rule files (or folders of them), and the configuration.

    Without PATH, the rules that the configuration names are checked; without a configuration, rules may send to any
    channel. Exit status 1 if there is an error, 2 if a file can't be read or there is none. Warnings are shown once
    there is none: they are about rules that the listener would load, and that most likely do not do what was meant.
    `rules-listener explain CODE` says more.

    With --supervisor-conf, it is said what the rules wait for in vain there, and what is wrong with the listener's own
    section, which is then printed as the rules need it. Variables that it sets (`environment=`) count as set. Whatever
    does not fit makes the exit status 1.
    """
    if pool and conf is None:
        raise ConfigError("--pool is a section of supervisord.conf: name the file with --supervisor-conf")
    if config is None and not paths:
        config = Path(FILE_NAME)
        if not config.exists():
            raise ConfigError(
                f"there is nothing to check: name rule files, or a configuration with --config ({FILE_NAME})"
            )
    listening = None if conf is None else read_listening(conf, pool)
    environment = os.environ if listening is None else {**os.environ, **listening.environment}
    checked = check_all(config, paths, any_channel=config is None, environment=environment)
    fitted = NOT_ASKED
    if listening is not None:
        own = Own(own_command(_arguments(config, paths)), log_beside(config or Path(FILE_NAME)))
        logs = [] if config is None else [one.name for one in checked.config.channels if one.kind == "log"]
        fitted = fit(checked, listening, own, logs=logs)
    found = in_order([*checked.found, *fitted.found])
    _show(found, checked, fitted, output_format)
    failed = has_errors(found) or not fitted.fits or (strict and bool(found))
    if output_format == "text":
        click.echo(_summary(found, len(checked.files), len(checked.rules.rules)), err=failed)
    sys.exit(2 if any(one.code in NOT_READ for one in found) else int(failed))


def _arguments(config: Path | None, paths: Sequence[str]) -> list[str]:
    """What `run` is told to do with the rules that are checked."""
    named = [("--config", config)] if config else []
    named += [("--rules", Path(path)) for path in paths]
    return ["run", *(word for option, path in named for word in (option, str(path.absolute())))]


def _show(found: list[Diagnostic], checked: Checked, fitted: Fitted, output_format: str) -> None:
    match output_format:
        case "json":
            click.echo(_json(found, checked, fitted))
        case "sarif":
            click.echo(as_sarif(found, __version__))
        case "github":
            click.echo(as_github(found), nl=bool(found))
        case _ if found:
            click.echo(as_text(found) + "\n")
    if output_format == "text" and fitted.section:
        click.echo(f"The section of supervisord.conf that these rules need:\n\n{fitted.section}")


def _json(found: list[Diagnostic], checked: Checked, fitted: Fitted) -> str:
    """All that is known of the rules, for programs; `residual` is null where there is an error.

    `section` is the listener's section of supervisord.conf as it should be, null if it is right or not asked for.
    """
    residual = None if has_errors(checked.found) else compile_rules(checked.rules).residual
    known: dict[str, object] = {"files": len(checked.files), "rules": len(checked.rules.rules), "residual": residual}
    known |= {"section": fitted.section or None} if fitted is not NOT_ASKED else {}
    return json.dumps(known | {"diagnostics": json.loads(as_json(found))}, indent=2, ensure_ascii=False)


def _summary(found: list[Diagnostic], files: int, rules: int) -> str:
    errors = sum(1 for one in found if has_errors([one]))
    outcome = counted(errors, "error") if errors else "no errors"
    if warnings := len(found) - errors:
        outcome += f", {counted(warnings, 'warning')}"
    return f"{counted(files, 'file')}, {counted(rules, 'rule')}: {outcome}"
