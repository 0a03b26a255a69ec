"""`rules-listener init`: a starter rule file with its test, a configuration, and the section for supervisord.conf."""

import re
import shlex
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from rules_listener.base.errors import ConfigError
from rules_listener.serve.config import FILE_NAME
from rules_listener.serve.supervisord import log_beside, section

_COMMENT = re.compile(r"\s[;#]|\n")

SECTION_FILE = "supervisord-rules-listener.conf"


@click.command(short_help="Write a starter configuration, rule file and test.")
@click.option("--dir", "folder", default=".", show_default=True, metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a starter rule file and its test, a configuration and a section for supervisord.conf.

    Nothing is overwritten.
    """
    if found := _COMMENT.search(str(folder.absolute())):
        reason = f"supervisord takes what follows {found[0]!r} in its configuration for a comment"
        raise ConfigError(f"{folder} can't be the folder: {reason}. Choose another name")
    contents = {Path(name): text for name, text in _starter(files("rules_listener.tools").joinpath("starter"), "")}
    contents[Path(SECTION_FILE)] = section(
        ["run", "--config", str((folder / FILE_NAME).absolute())], log=log_beside(folder / FILE_NAME)
    )
    for name, text in contents.items():
        _write(folder / name, text)
    config = folder / FILE_NAME
    click.echo(f"\nNext: rules-listener check --config {shlex.quote(str(config))}")
    click.echo(f"and   rules-listener test {shlex.quote(str(folder))}")
    click.echo(f"then add {folder / SECTION_FILE} to supervisord.conf ([include] or copy), and `supervisorctl update`.")


def _starter(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = f"{prefix}{entry.name}"
        found += _starter(entry, f"{name}/") if entry.is_dir() else [(name, entry.read_text(encoding="utf-8"))]
    return found


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        click.echo(f"kept    {path} (it is there already)")
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error
    else:
        click.echo(f"wrote   {path}")
