"""What the configuration says, as plain values, so that it can be kept beside the compiled rules.

`configfile` reads it out of `rules-listener.yaml`; the listener itself takes it from the bundle.
"""

from pathlib import Path
from typing import Any, NamedTuple

FILE_NAME = "rules-listener.yaml"
STATE_FOLDER = ".rules-listener"

DAY_S = 86_400.0


class ChannelConfig(NamedTuple):
    """A channel as the configuration has it.

    Its options are plain values, which refer to its templates and its secrets by number (`options`). `secrets` are
    references, such as `${NAME}`, and never what these stand for.
    """

    name: str
    kind: str
    options: dict[str, Any]
    templates: tuple[str, ...]
    secrets: tuple[str, ...] = ()


class Config(NamedTuple):
    """What the configuration says; paths are absolute. Times are in seconds, sizes in bytes.

    `metrics` is where they are served, as `HOST:PORT`; empty: nowhere. With `watch`, a file that changes is a reload.
    """

    rules: tuple[str, ...]
    state: str
    default: tuple[str, ...]
    channels: tuple[ChannelConfig, ...]
    durability: str = "process"
    give_up_after_s: float = DAY_S
    journal_days: float = 7.0
    journal_bytes: int = 256_000_000
    memory_limit: int = 64_000_000
    metrics: str = ""
    watch: bool = False

    @property
    def channel_names(self) -> list[str]:
        """The names of all channels, in the order of the file."""
        return [channel.name for channel in self.channels]

    @property
    def gather_s(self) -> dict[str, float]:
        """How long a channel gathers what is to be one message, in seconds, for each that does."""
        return {one.name: one.options["batch"]["every"] for one in self.channels if one.options.get("batch")}

    @property
    def secrets(self) -> list[str]:
        """The references of all channels."""
        return [reference for channel in self.channels for reference in channel.secrets]


def default_config(folder: Path) -> Config:
    """What holds where there is no configuration file: one channel, `out`, which writes to standard error."""
    return Config((), str(folder / STATE_FOLDER), ("out",), (ChannelConfig("out", "log", {}, ()),))
