"""Rules for the verbs that need them without an error: of files and folders, or of the configuration."""

from collections.abc import Sequence
from pathlib import Path

from rules_listener.base.diagnostics import as_text, has_errors, suggestion
from rules_listener.base.errors import ConfigError
from rules_listener.serve.compiler import Checked, check_all
from rules_listener.serve.config import FILE_NAME


def checked_rules(config: Path | None, paths: Sequence[str]) -> Checked:
    """The rules of some files or folders, or else of the configuration, which is that in this folder if none is named.

    Nothing will be sent, so that secrets need not be there.

    Raises:
        ConfigError: there are none, or they or the configuration have an error; the diagnostics are in its text.
    """
    if config is None and not paths:
        config = Path(FILE_NAME)
        if not config.exists():
            raise ConfigError(
                f"there are no rules: name them with --rules, or a configuration with --config ({FILE_NAME})"
            )
    found = check_all(config, paths, any_channel=config is None, environment=None, most_linted=0)
    if has_errors(found.found):
        raise ConfigError(f"the rules have errors:\n{as_text(found.found)}")
    return found


def number_of(name: str, found: Checked) -> int:
    """The number of the rule `name`.

    Raises:
        ConfigError: there is none.
    """
    names = [rule.name for rule in found.rules.rules]
    if name not in names:
        hint = suggestion(name, names)
        raise ConfigError(f"there is no rule `{name}`" + (f": {hint}" if hint else ""))
    return names.index(name)
