"""The kinds of channels: how each is written in the configuration, and how it is built.

1. Reading a channel needs no secret and opens nothing; building it happens in the courier alone.
2. A channel's templates are compiled with the rules, under the names `CHANNEL/0`, `CHANNEL/1`, ….
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rules_listener.event.record import from_record
from rules_listener.match.firing import Renderer
from rules_listener.outbox.alert import RUN_CHANNEL, SUPERVISOR_CHANNEL
from rules_listener.outbox.channel import Channel, Message
from rules_listener.serve.config import ChannelConfig

RESERVED_CHANNELS = (RUN_CHANNEL, SUPERVISOR_CHANNEL)
"""Channels that are always there: for `run`, and for actions on processes."""

COMMAND_TIMEOUT_S = 10.0


class ReadChannel(NamedTuple):
    """A channel that was read, and the nodes of its templates."""

    config: ChannelConfig
    template_nodes: list[Any]


class Kind(NamedTuple):
    """A kind of channel: the options beside its own key, how to read it and how to build it."""

    options: list[str]
    read: Callable[[Any, dict[str, Any], Any], tuple[dict[str, Any], list[tuple[str, Any]]]]
    build: Callable[[ChannelConfig, list[Renderer]], Channel]


def read_channel(name: str, node: Any, reader: Any) -> ReadChannel | None:
    """The channel that stands at `node`; None if it can't be known which kind it is. `reader` is a `YamlReader`."""
    keys = {key.value: key for key, _ in reader.items(node)}
    kinds = [kind for kind in KINDS if kind in keys]
    if len(kinds) != 1:
        known = f"kinds: {' '.join(KINDS)}"
        message = f"the channel `{name}` is of no kind" if not kinds else f"the channel `{name}` is of several kinds"
        reader.report(message, node, "", known)
        return None
    kind = KINDS[kinds[0]]
    values = reader.mapping(node, [kinds[0], *kind.options])
    options, templates = kind.read(values[kinds[0]], values, reader)
    config = ChannelConfig(name, kinds[0], options, tuple(text for text, _ in templates))
    return ReadChannel(config, [node for _, node in templates])


def build_channels(
    configs: list[ChannelConfig], templates: Mapping[str, Renderer], environment: Mapping[str, str]
) -> dict[str, Channel]:
    """All channels by name, those that are always there included."""
    channels: dict[str, Channel] = {RUN_CHANNEL: _run_channel(), SUPERVISOR_CHANNEL: _supervisor_channel(environment)}
    for config in configs:
        renderers = [templates[template_name(config.name, number)] for number in range(len(config.templates))]
        channels[config.name] = KINDS[config.kind].build(config, renderers)
    return channels


def template_name(channel: str, number: int) -> str:
    """The name under which a channel's template is compiled."""
    return f"{channel}/{number}"


def _read_command(node: Any, values: dict[str, Any], reader: Any) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    arguments = reader.texts(node)
    if not arguments:
        example = 'such as ["/usr/local/bin/alert", "{message}"]'
        reader.report("a command is a list with the program first", node, example)
    timeout = reader.duration(values["timeout"]) if "timeout" in values else COMMAND_TIMEOUT_S
    return {"timeout_s": timeout}, arguments


def _build_command(config: ChannelConfig, renderers: list[Renderer]) -> Channel:
    from rules_listener.send.command import CommandChannel  # noqa: PLC0415 - only the courier builds channels

    def arguments(message: Message) -> list[str]:
        event = from_record(message.event)
        return [render(event, _values(message)) for render in renderers]

    return CommandChannel(arguments, timeout_s=config.options["timeout_s"])


def _values(message: Message) -> dict[str, object]:
    return {"rule": message.rule, "severity": message.severity, "id": message.id, "message": message.text}


def _run_channel() -> Channel:
    from rules_listener.send.command import CommandChannel  # noqa: PLC0415 - only the courier builds channels

    return CommandChannel(lambda message: message.arguments, timeout_s=COMMAND_TIMEOUT_S)


def _supervisor_channel(environment: Mapping[str, str]) -> Channel:
    from rules_listener.send.supervisor import SupervisorChannel  # noqa: PLC0415 - only the courier builds channels

    return SupervisorChannel(
        environment.get("SUPERVISOR_SERVER_URL", ""),
        environment.get("SUPERVISOR_USERNAME", ""),
        environment.get("SUPERVISOR_PASSWORD", ""),
    )


def _read_log(node: Any, _values: dict[str, Any], reader: Any) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    reader.mapping(node, [])
    return {}, []


def _build_log(_config: ChannelConfig, _renderers: list[Renderer]) -> Channel:
    from rules_listener.send.log import LogChannel  # noqa: PLC0415 - only the courier builds channels

    return LogChannel()


KINDS = {
    "command": Kind(["timeout"], _read_command, _build_command),
    "log": Kind([], _read_log, _build_log),
}
"""All kinds by the key that names them."""
