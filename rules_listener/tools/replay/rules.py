"""The rules of a replay: read, checked and compiled, or not, with all that is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rules_listener.base.errors import ConfigError
from rules_listener.lang.checked import RuleSet
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import Program
from rules_listener.tools.loaded import checked_rules

_CONFIGURATIONS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Rules:
    """A program, the channels of an alert without `to`, and what the program was made of."""

    program: Program
    default_channels: tuple[str, ...]
    checked: RuleSet


def read_rules(paths: Sequence[str], config: Path | None) -> Rules:
    """The rules in some files or folders, or else those of the configuration, or else of the one in this folder.

    Raises:
        ConfigError: as `checked_rules`.
    """
    found = checked_rules(config, paths)
    return Rules(compile_rules(found.rules), found.config.default, found.rules)


def read_earlier_rules(paths: Sequence[str], config: Path | None) -> Rules:
    """The rules to compare with: files or folders under the same configuration, or a configuration of their own.

    Raises:
        ConfigError: as `checked_rules`, or there is another configuration among several paths.
    """
    own = [path for path in paths if path.endswith(_CONFIGURATIONS)]
    if own and len(paths) > 1:
        raise ConfigError("--against takes rule files and folders, or one configuration")
    return read_rules([], Path(own[0])) if own else read_rules(paths, config)
