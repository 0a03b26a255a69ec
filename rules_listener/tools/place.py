"""Where the state folder is, for the verbs that look into it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rules_listener.base.diagnostics import as_text, has_errors
from rules_listener.base.errors import ConfigError
from rules_listener.outbox.listing import Listing
from rules_listener.serve.config import FILE_NAME, default_config
from rules_listener.serve.configfile import read_config

Command = TypeVar("Command", bound=Callable[..., Any])


def state_options(command: Command) -> Command:
    """The options `--state` and `--config`."""
    state = click.option("--state", metavar="DIR", type=click.Path(path_type=Path), help="The listener's state folder.")
    config = click.option(
        "--config",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The configuration that names the state folder.",
    )
    return state(config(command))


def state_folder(state: Path | None, config: Path | None) -> Path:
    """The state folder: as named, or of the configuration, or of the configuration in this folder.

    Raises:
        ConfigError: the configuration can't be read.
    """
    if state is not None:
        return state
    if config is None and not Path(FILE_NAME).exists():
        return Path(default_config(Path.cwd()).state)
    read = read_config(config or Path(FILE_NAME))
    if has_errors(read.found):
        raise ConfigError("the configuration has an error, so the state folder is not known\n" + as_text(read.found))
    return Path(read.config.state)


def open_listing(state: Path | None, config: Path | None) -> Listing:
    """The store of the listener that was named.

    Raises:
        ConfigError: the configuration can't be read.
    """
    return Listing(state_folder(state, config))
