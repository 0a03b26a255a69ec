"""A file of rule tests, `*.test.yaml`, becomes a suite, or diagnostics at their places.

1. It is strict, as the configuration is: unknown keys, fields that an event does not have, rules and channels that are
   not there are errors with their place.
2. Relative paths are relative to the file's folder.
3. A suite says the same on every host: host, environment and time zone are those that the file gives.
4. Rules that several files name are read and compiled once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path

from rules_listener.base.diagnostics import Diagnostic, has_errors
from rules_listener.base.errors import ConfigError
from rules_listener.base.source import Source
from rules_listener.event.localtime import read_zone
from rules_listener.lang.scope import HOST_NAMES
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import Loaded, Program, load
from rules_listener.match.surroundings import surroundings
from rules_listener.serve.compiler import Checked, check_all
from rules_listener.serve.yamlnodes import Node, YamlReader
from rules_listener.tools.ruletest import About, RuleTest, moment_of, path_of, read_tests

PATTERN = "*.test.yaml"
"""What the names of test files in folders look like."""

HOST = {"host": "localhost", "fqdn": "localhost", "ip": "127.0.0.1"}
"""What rules know of the host, unless a file says otherwise."""

KEYS = ["rules", "config", *HOST_NAMES, "env", "timezone", "start", "tests"]

Surroundings = Mapping[str, Callable[..., object]]


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules with their configuration, read and checked; `program` is None where there is an error."""

    checked: Checked
    program: Program | None


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of a file, and what they are about: rules, and what these know of the host.

    `loaded` is None where there is an error in the rules.
    """

    file: str
    rules: Rules
    surroundings: Surroundings
    zone: tzinfo
    loaded: Loaded | None
    tests: Sequence[RuleTest]


@dataclass(slots=True)
class Library:
    """All rules that were read so far, by the configuration and the paths that named them."""

    known: dict[tuple[Path | None, tuple[str, ...]], Rules] = field(default_factory=dict)

    def rules(self, config: Path | None, paths: tuple[str, ...]) -> Rules:
        """The rules that are named so."""
        key = (config, paths)
        if key not in self.known:
            checked = check_all(config, paths, any_channel=config is None, environment=None)
            self.known[key] = Rules(checked, None if has_errors(checked.found) else compile_rules(checked.rules))
        return self.known[key]


def read_suite(path: Path, config: Path | None, library: Library) -> tuple[Suite | None, list[Diagnostic]]:
    """The suite in a file, and all errors in it and its rules; `config` is for files that name no configuration.

    Raises:
        ConfigError: the file can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        return None, [Diagnostic("RL107", f"the rule test is not UTF-8, at byte {error.start}", file=str(path))]
    return suite_of(text, path, config, library)


def suite_of(text: str, path: Path, config: Path | None, library: Library) -> tuple[Suite | None, list[Diagnostic]]:
    """The same for a text, as if it stood in the file at `path`."""
    reader = _SuiteReader(YamlReader(Source(str(path), text), code="RL311"), path, config, library)
    suite = reader.suite()
    in_rules = [] if suite is None else suite.rules.checked.found
    return suite, [*reader.yaml.found, *(one for one in in_rules if has_errors([one]))]


class _SuiteReader:
    """Reads one file."""

    def __init__(self, yaml: YamlReader, path: Path, config: Path | None, library: Library) -> None:
        self.yaml = yaml
        self.path = path
        self.config = config
        self.library = library

    def suite(self) -> Suite | None:
        """The whole of it; None if it is not known which rules it is about."""
        root = self.yaml.root()
        if root is None:
            if not self.yaml.found:
                self.yaml.found.append(Diagnostic("RL311", "there are no tests in this file", file=str(self.path)))
            return None
        keys = self.yaml.mapping(root, KEYS)
        rules = self._rules(root, keys)
        zone = self._zone(keys)
        tests = self._tests(root, keys, rules, zone)
        if rules is None:
            return None
        around = surroundings(self._host(keys), self._environment(keys), zone)
        loaded = None if rules.program is None else load(rules.program, around)
        return Suite(str(self.path), rules, around, zone, loaded, tests)

    def _rules(self, root: Node, keys: Mapping[str, Node]) -> Rules | None:
        config = path_of(self.yaml, keys["config"], self.path.parent) if "config" in keys else self.config
        nodes = [node for _, node in self.yaml.texts(keys["rules"])] if "rules" in keys else []
        paths = [path_of(self.yaml, node, self.path.parent) for node in nodes]
        if "rules" in keys and self.yaml.is_list(keys["rules"]) and not keys["rules"].value:
            self.yaml.report("no rules are named here", keys["rules"], "such as [FILE]")
            return None
        if "rules" not in keys and "config" not in keys and config is None and self.yaml.is_mapping(root):
            self.yaml.report("it is not said which rules are tested", root, "begin with `rules: [FILE]`")
        named = tuple(str(path) for path in paths if path is not None)
        is_known = len(named) == len(paths) and (bool(named) or config is not None)
        return self.library.rules(config, named) if is_known else None

    def _tests(self, root: Node, keys: Mapping[str, Node], rules: Rules | None, zone: tzinfo) -> list[RuleTest]:
        if "tests" not in keys:
            if self.yaml.is_mapping(root):
                self.yaml.report("the key `tests` is missing here", root, "", f"keys: {' '.join(KEYS)}")
            return []
        names = channels = None
        if rules is not None and rules.program is not None:
            names = [rule.name for rule in rules.program.rules]
            channels = rules.checked.config.channel_names if self._has_config(keys) else None
        start = moment_of(self.yaml, keys["start"], zone) if "start" in keys else None
        return read_tests(self.yaml, keys["tests"], About(self.path.parent, names, channels, zone, start))

    def _has_config(self, keys: Mapping[str, Node]) -> bool:
        return "config" in keys or self.config is not None

    def _zone(self, keys: Mapping[str, Node]) -> tzinfo:
        name = self.yaml.text(keys["timezone"]) if "timezone" in keys else None
        try:
            return UTC if name is None else read_zone(name)
        except ConfigError as error:
            self.yaml.report(str(error), keys["timezone"])
            return UTC

    def _host(self, keys: Mapping[str, Node]) -> dict[str, str]:
        given = {name: self.yaml.text(keys[name]) for name in HOST_NAMES if name in keys}
        return {**HOST, **{name: text for name, text in given.items() if text is not None}}

    def _environment(self, keys: Mapping[str, Node]) -> dict[str, str]:
        items = self.yaml.items(keys["env"]) if "env" in keys else ()
        values = {name.value: self.yaml.text(value) for name, value in items}
        return {name: value for name, value in values.items() if value is not None}
