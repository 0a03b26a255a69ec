"""Configuration and rule files become a bundle, in a process of its own: `python -m rules_listener.serve.compiler`.

1. The listener never parses: it starts this program, and goes on with its events while it runs.
2. Exit status 0: the bundle is on standard output, and kept in the state folder if that can be done. 1: the rules or
   the configuration are wrong; the reason in one line is on standard output. Diagnostics are on standard error.
"""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import NamedTuple

from rules_listener.base.counted import counted
from rules_listener.base.diagnostics import Diagnostic, as_text, has_errors, in_order, in_short
from rules_listener.base.errors import StoreError
from rules_listener.base.logline import log_line
from rules_listener.base.source import Source, Span, short_names
from rules_listener.lang.check import check, check_template
from rules_listener.lang.checked import RuleSet, TemplateParts
from rules_listener.lang.lint import lint
from rules_listener.lang.parse import Parsed, parse
from rules_listener.lang.rules import Channels
from rules_listener.match.compile import compile_rules
from rules_listener.outbox.folder import make_folder
from rules_listener.serve.bundle import Bundle, Origin, digest_of, dump_bundle, keep_bundle, rule_files
from rules_listener.serve.channels import template_name
from rules_listener.serve.config import Config, default_config
from rules_listener.serve.configfile import ReadConfig, read_config


class Checked(NamedTuple):
    """What a configuration and its rules mean, and all that was found wrong.

    `files` are the rule files, `parsed` what is written in them.
    """

    config: Config
    rules: RuleSet
    found: list[Diagnostic]
    files: list[Path]
    templates: dict[str, TemplateParts]
    parsed: list[Parsed]


MOST_LINTED = 200
"""With how many rules the compiler looks for warnings: with more, the listener would wait for it."""


def check_all(
    config_path: Path | None,
    rules: Sequence[str],
    *,
    any_channel: bool = False,
    environment: Mapping[str, str] | None = os.environ,
    most_linted: float = inf,
) -> Checked:
    """Read and check the configuration and its rules; `rules` (files or folders) stand for those that it names.

    Warnings are looked for only where there is no error, and not more than `most_linted` rules. With `any_channel`,
    rules may name channels that the configuration does not have. Secrets have to be in `environment`;
    where nothing is going to be sent it is None, and they need not be there.
    """
    without_file = default_config(Path.cwd())
    read = ReadConfig(without_file, [], {}, Channels(without_file.channel_names, without_file.default))
    if config_path is not None:
        read = read_config(config_path, environment)
    config, found, places, channels = read
    files, parsed = _read_rules([Path(path) for path in rules or config.rules], found)
    rule_set, found_in_rules = check(parsed, None if any_channel else channels)
    templates, found_in_templates = _templates(config, places)
    found = [*found, *found_in_rules, *found_in_templates]
    found += [] if has_errors(found) or len(rule_set.rules) > most_linted else lint(parsed, rule_set)
    return Checked(config, rule_set, in_order(found), files, templates, parsed)


def _read_rules(paths: Sequence[Path], found: list[Diagnostic]) -> tuple[list[Path], list[Parsed]]:
    """The files that some paths name, and what they say; which paths an unreadable configuration names is not known."""
    files = [file for path in paths for file in (rule_files(path) if path.is_dir() else [path])]
    files = list(dict.fromkeys(files))
    if paths and not files:
        places = ", ".join(map(str, paths))
        found.append(Diagnostic("RL302", f"there is no rule file to read: {places}", file=str(paths[0])))
    elif not paths and not has_errors(found):
        found.append(Diagnostic("RL302", "there is no rule file to read: no path at all"))
    short = short_names(str(file.absolute()) for file in files)
    return files, [one for file in files if (one := _read_file(file, short[str(file.absolute())], found)) is not None]


def _read_file(file: Path, short: str, found: list[Diagnostic]) -> Parsed | None:
    try:
        return parse(Source(str(file), file.read_text(encoding="utf-8-sig"), short))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        found.append(Diagnostic("RL301", f"the rule file can't be read: {reason}", file=str(file)))
    except UnicodeDecodeError as error:
        found.append(Diagnostic("RL107", f"the rule file is not UTF-8, at byte {error.start}", file=str(file)))
    return None


def _templates(config: Config, places: dict[str, Span]) -> tuple[dict[str, TemplateParts], list[Diagnostic]]:
    """The templates of the channels by name, and what is wrong with them, at their places in the configuration."""
    templates = {}
    found = []
    for channel in config.channels:
        for number, text in enumerate(channel.templates):
            name = template_name(channel.name, number)
            templates[name], wrong = check_template(Source(name, text))
            found += [replace(one, span=places[name]) for one in wrong]
    return templates, found


def compile_all(checked: Checked, config_path: str, rules: Sequence[str], state: str) -> Bundle:
    """The bundle of what was checked without an error."""
    digests = {path: digest_of(Path(path)) for path in _paths(checked, config_path, rules)}
    origin = Origin(config_path, tuple(rules), state, digests)
    config = checked.config._replace(state=state) if state else checked.config
    return Bundle(origin, config, compile_rules(checked.rules, checked.templates))


def _paths(checked: Checked, config_path: str, rules: Sequence[str]) -> list[str]:
    """All files and folders that were read."""
    return [*rules, *checked.config.rules, *map(str, checked.files), *([config_path] if config_path else [])]


def main(arguments: Sequence[str]) -> int:
    """Compile: `CONFIG STATE RULES…`, where an empty CONFIG or STATE is none. The exit status.

    At status 1 standard output has the reason, and the files and folders that were read, with null characters between.
    """
    config_path, state, *rules = arguments
    checked = check_all(Path(config_path) if config_path else None, rules, most_linted=MOST_LINTED)
    errors = [one for one in checked.found if has_errors([one])]
    if errors:
        sys.stderr.write(as_text(errors) + "\n")
        sys.stdout.write("\0".join([in_short(errors), *_paths(checked, config_path, rules)]))
        return 1
    if number := len(checked.found):
        warnings = counted(number, "warning")
        sys.stderr.write(log_line(f"{warnings}, which `rules-listener check` shows"))
    bundle = compile_all(checked, config_path, rules, state)
    content = dump_bundle(bundle)
    sys.stdout.buffer.write(content)
    folder = Path(bundle.config.state)
    try:
        make_folder(folder)
        keep_bundle(content, folder)
    except (OSError, StoreError) as error:
        sys.stderr.write(log_line(f"the compiled rules can't be kept for the next start: {error}"))
    return 0


if __name__ == "__main__":
    gc.disable()  # nearly all that is made is needed until the end, which is near
    sys.exit(main(sys.argv[1:]))
