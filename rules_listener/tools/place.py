"""Where the state folder is, for the verbs that look into it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rules_listener.base.diagnostics import as_text
from rules_listener.base.errors import ConfigError
from rules_listener.outbox.listing import Listing
from rules_listener.serve.bundle import kept_bundle
from rules_listener.serve.config import FILE_NAME, default_config
from rules_listener.serve.configfile import read_config, read_state

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

    What is wrong elsewhere in the configuration is no hindrance: just then people want to see how things stand.

    Raises:
        ConfigError: the configuration can't be read, or not what it says of the state folder.
    """
    if state is not None:
        return state
    if config is None and not Path(FILE_NAME).exists():
        return Path(default_config(Path.cwd()).state)
    path = config or Path(FILE_NAME)
    found = read_state(path)
    if found is None:
        errors = as_text(read_config(path).found)
        raise ConfigError(f"the configuration leaves open where the state folder is: name that with --state\n{errors}")
    return Path(found)


def open_listing(state: Path | None, config: Path | None) -> Listing:
    """The store of the listener that was named, which knows what the channels gather that it runs with.

    Raises:
        ConfigError: the configuration can't be read, or not what it says of the state folder.
    """
    folder = state_folder(state, config)
    bundle = kept_bundle(folder)
    return Listing(folder, {} if bundle is None else bundle.config.gather_s)
