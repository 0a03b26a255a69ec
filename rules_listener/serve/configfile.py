"""The configuration file: `rules-listener.yaml`.

1. It is strict: an unknown key, a value of another kind, a channel that is not there are errors with their place.
2. Relative paths are relative to the configuration file's folder.
3. A password in a URL is never shown; what a reference to a secret stands for is not even read into the configuration.
4. Without a file there is a configuration all the same: alerts go to standard error.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rules_listener.base.diagnostics import Diagnostic, has_errors, suggestion
from rules_listener.base.source import Source, Span
from rules_listener.lang.rules import Channels
from rules_listener.serve.channels import RESERVED_CHANNELS, read_channel, template_name
from rules_listener.serve.config import ChannelConfig, Config, default_config
from rules_listener.serve.options import OptionReader, masked
from rules_listener.serve.yamlnodes import Node, YamlReader

KEYS = [
    *("rules", "state", "durability", "default", "channels"),
    *("give_up_after", "journal", "memory_limit", "metrics", "watch"),
]


class ReadConfig(NamedTuple):
    """A configuration, what is wrong with its file, and where the file has each channel's templates, by their names.

    `channels` are those that rules may name without a further error: wrong ones too, since those are reported where
    they stand. None: that can't be told from this file.
    """

    config: Config
    found: list[Diagnostic]
    templates: dict[str, Span]
    channels: Channels | None = None


def read_config(path: Path, environment: Mapping[str, str] | None = None) -> ReadConfig:
    """The configuration in the file at `path`; what is wrong is reported, and has its default value.

    With an `environment`, secrets that can't be had are reported too.
    """
    try:
        reader = _reader(path, environment)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _unread(path, Diagnostic("RL301", f"the configuration can't be read: {reason}", file=str(path)))
    except UnicodeDecodeError:
        return _unread(path, Diagnostic("RL107", "the configuration is not UTF-8", file=str(path)))
    config = reader.config()
    return ReadConfig(config, reader.yaml.found, reader.templates, reader.channels(config))


def read_state(path: Path) -> str | None:
    """The state folder of the configuration at `path`, whatever else is wrong there; None if that leaves it open."""
    try:
        return _reader(path, None).state()
    except (OSError, UnicodeDecodeError):
        return None


def _reader(path: Path, environment: Mapping[str, str] | None) -> "_ConfigReader":
    text = path.read_text(encoding="utf-8-sig")
    return _ConfigReader(YamlReader(Source(str(path), masked(text)), text), path.absolute().parent, environment)


def _unread(path: Path, reason: Diagnostic) -> ReadConfig:
    return ReadConfig(default_config(path.absolute().parent), [reason], {})


class _ConfigReader:
    """Reads one configuration; `unread` are the names of channels that are there, and wrong."""

    def __init__(self, yaml: YamlReader, folder: Path, environment: Mapping[str, str] | None) -> None:
        self.yaml = yaml
        self.folder = folder
        self.environment = environment
        self.templates: dict[str, Span] = {}
        self.unread: list[str] = []
        self.has_channels = False
        self.default: list[str] = []

    def config(self) -> Config:
        """The whole of it."""
        keys = self._keys()
        config = default_config(self.folder)
        if "channels" in keys:
            self.has_channels = self.yaml.is_mapping(keys["channels"])
            config = config._replace(channels=self._channels(keys["channels"]), default=())
        if "rules" in keys:
            config = config._replace(rules=tuple(self._path(text) for text, _ in self.yaml.texts(keys["rules"])))
        if "default" in keys:
            config = config._replace(default=self._default(keys["default"], config.channel_names))
        if "state" in keys and (state := self.yaml.text(keys["state"])):
            config = config._replace(state=self._path(state))
        return self._limits(config, keys)

    def channels(self, config: Config) -> Channels | None:
        """The channels that rules may name without a further error; None if that can't be told."""
        if not self.has_channels and has_errors(self.yaml.found):
            return None
        return Channels([*config.channel_names, *self.unread], self.default or config.default)

    def state(self) -> str | None:
        """The state folder alone; None if it can't be read, or if a key that is not known may be meant for it."""
        keys = self._keys()
        if "state" in keys:
            text = self.yaml.text(keys["state"])
            return self._path(text) if text else None
        return None if self.yaml.found else default_config(self.folder).state

    def _keys(self) -> dict[str, Node]:
        root = self.yaml.root()
        return {} if root is None else self.yaml.mapping(root, KEYS)

    def _path(self, text: str) -> str:
        return os.path.normpath(self.folder / text.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    def _limits(self, config: Config, keys: dict[str, Node]) -> Config:
        reader = self.yaml
        if "durability" in keys and (choice := reader.choice(keys["durability"], ["process", "power"])):
            config = config._replace(durability=choice)
        if "give_up_after" in keys and (seconds := reader.duration(keys["give_up_after"])) is not None:
            config = config._replace(give_up_after_s=seconds)
        if "memory_limit" in keys and (size := reader.size(keys["memory_limit"])) is not None:
            config = config._replace(memory_limit=size)
        if "metrics" in keys and (address := reader.address(keys["metrics"])):
            config = config._replace(metrics=address)
        if "watch" in keys and (choice := reader.choice(keys["watch"], ["true", "false"])):
            config = config._replace(watch=choice == "true")
        journal = reader.mapping(keys["journal"], ["days", "size"]) if "journal" in keys else {}
        if "days" in journal and (days := reader.number(journal["days"])):
            config = config._replace(journal_days=float(days))
        if "size" in journal and (size := reader.size(journal["size"])) is not None:
            config = config._replace(journal_bytes=size)
        return config

    def _channels(self, node: Node) -> tuple[ChannelConfig, ...]:
        channels = []
        for key, value in self.yaml.items(node):
            if key.value in RESERVED_CHANNELS:
                self.yaml.report(f"the name `{key.value}` is taken: the listener has a channel of that name", key)
            elif not key.value.isidentifier():
                self.yaml.report("a channel's name is made of letters, digits and _, so that rules can say `to`", key)
            elif (channel := read_channel(key.value, value, self._options())) is not None:
                channels.append(channel.config)
                for number, text in enumerate(channel.template_nodes):
                    self.templates[template_name(key.value, number)] = self.yaml.span(text)
                continue
            self.unread.append(key.value)
        return tuple(channels)

    def _options(self) -> OptionReader:
        return OptionReader(self.yaml, self.folder, self.environment)

    def _default(self, node: Node, known: list[str]) -> tuple[str, ...]:
        names = self.yaml.texts(node)
        self.default = [name for name, _ in names]
        named = [*known, *self.unread]
        for number, (name, item) in enumerate(names):
            if any(name == earlier for earlier, _ in names[:number]):
                self.yaml.report(f"the channel `{name}` is named twice", item)
            elif name not in named:
                label = suggestion(name, named)
                self.yaml.report(f"there is no channel `{name}`", item, label, f"channels: {' '.join(named) or 'none'}")
        return tuple(dict.fromkeys(name for name, _ in names if name in known))
