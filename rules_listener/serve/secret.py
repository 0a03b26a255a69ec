"""What the configuration takes from elsewhere: `${NAME}` from the environment, `file:PATH` from a file.

1. Configuration and bundle hold references only; what they stand for is looked up where it is needed, in the courier.
   Elsewhere it is seen whether that can be done.
2. No error says what a reference stands for.
3. What is empty, or has a line end within, is a mistake: nothing of use is lost, and no header can be ended by it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rules_listener.base.errors import ConfigError

FILE = "file:"
_LARGEST = 64 * 1024


def resolve(reference: str, environment: Mapping[str, str]) -> str:
    """What `${NAME}` or `file:PATH` stands for; a line end at the end of a file is no part of it.

    Raises:
        ConfigError: it can't be had.
    """
    if reference.startswith(FILE):
        name = f"the file {reference.removeprefix(FILE)}"
        value = _content(Path(reference.removeprefix(FILE)), name)
    else:
        name = f"the variable {reference[2:-1]}"
        if reference[2:-1] not in environment:
            raise ConfigError(f"{name} is not set")
        value = environment[reference[2:-1]]
    if not value:
        raise ConfigError(f"{name} is empty")
    if not value.isprintable():
        raise ConfigError(f"{name} holds a line end, or another character that can't be printed")
    return value


def can_be_resolved(references: Iterable[str], environment: Mapping[str, str]) -> bool:
    """Whether all references stand for something."""
    try:
        for reference in references:
            resolve(reference, environment)
    except ConfigError:
        return False
    return True


def _content(path: Path, name: str) -> str:
    try:
        if not path.is_file() and path.exists():
            raise ConfigError(f"{name} is no file to read a secret from")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{name} can't be read: {error.strerror}") from None
    if len(content) > _LARGEST:
        raise ConfigError(f"{name} is too large to be a secret")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8") from None
