"""The channels: read out of the configuration, and built for the courier. What is special to a kind is in `kinds`.

1. Reading a channel opens nothing but what is checked; building it happens in the courier alone, when it is first used.
2. A channel's templates are compiled with the rules, under the names `CHANNEL/0`, `CHANNEL/1`, ….
3. What its secrets stand for is looked up in the courier, and hidden in whatever any channel says: programs have all
   of the environment, and may print it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from rules_listener.base.diagnostics import suggestion
from rules_listener.match.firing import Renderer
from rules_listener.outbox.alert import RUN_CHANNEL, SUPERVISOR_CHANNEL
from rules_listener.outbox.channel import Channel
from rules_listener.send.digest import Batch
from rules_listener.send.guarded import GuardedChannel
from rules_listener.serve.config import ChannelConfig
from rules_listener.serve.kinds import COMMAND_TIMEOUT_S, KINDS, Kind
from rules_listener.serve.secret import can_be_resolved, resolve
from rules_listener.serve.values import Values

if TYPE_CHECKING:
    from rules_listener.serve.options import OptionReader

RESERVED_CHANNELS = (RUN_CHANNEL, SUPERVISOR_CHANNEL)
"""Channels that are always there: for `run`, and for actions on processes."""

_OWN_PASSWORD = "${SUPERVISOR_PASSWORD}"  # noqa: S105 - a reference


class ReadChannel(NamedTuple):
    """A channel that was read, and the nodes of its templates."""

    config: ChannelConfig
    template_nodes: list[Any]


def read_channel(name: str, node: Any, reader: "OptionReader") -> ReadChannel | None:
    """The channel that stands at `node`; None if it can't be known which kind it is."""
    keys = {key.value: key for key, _ in reader.yaml.items(node)}
    kinds = [kind for kind in KINDS if kind in keys]
    if len(kinds) != 1:
        _report_kinds(name, node, keys, kinds, reader)
        return None
    kind = KINDS[kinds[0]]
    readers: dict[str, Callable[[Any], Any]] = {kinds[0]: lambda value: kind.read(value, reader)}
    readers |= {} if kind.timeout_s is None else {"timeout": reader.duration}
    readers["batch"] = lambda value: _read_batch(value, kinds[0], reader)
    readers["give_up_after"] = reader.duration
    read = reader.mapping(node, readers)
    options = read.get(kinds[0], {})
    if kind.timeout_s is not None:
        options["timeout_s"] = read.get("timeout", kind.timeout_s)
    if "batch" in read:
        options["batch"] = read["batch"]
    if "give_up_after" in read:
        options["give_up_after_s"] = read["give_up_after"]
    templates = tuple(text for text, _ in reader.templates)
    config = ChannelConfig(name, kinds[0], options, templates, tuple(reader.secrets))
    return ReadChannel(config, [node for _, node in reader.templates])


def _report_kinds(name: str, node: Any, keys: Mapping[str, Any], kinds: list[str], reader: "OptionReader") -> None:
    known = f"kinds: {' '.join(KINDS)}"
    if kinds:
        reader.yaml.report(f"the channel `{name}` is of several kinds", node, "", known)
        return
    near = {key: label for key in keys if (label := suggestion(key, KINDS))}
    place, label = next(((keys[key], label) for key, label in near.items()), (node, ""))
    reader.yaml.report(f"the channel `{name}` is of no kind", place, label, known)


def _read_batch(node: Any, kind: str, reader: "OptionReader") -> dict[str, Any] | None:
    if reason := KINDS[kind].no_batch:
        reader.yaml.report(f"a channel of the kind `{kind}` has no `batch`", node, "", reason)
        return None
    return reader.mapping(node, {"every": reader.duration, "at_most": reader.yaml.number}, ["every"])


def build_channels(
    configs: list[ChannelConfig], templates: Mapping[str, Renderer], environment: Mapping[str, str]
) -> dict[str, Channel]:
    """All channels by name, those that are always there included."""
    secrets = partial(_known, [_OWN_PASSWORD, *(one for config in configs for one in config.secrets)], environment)
    channels: dict[str, Channel] = {
        RUN_CHANNEL: GuardedChannel(list, lambda _: _run_channel(), others=secrets),
        SUPERVISOR_CHANNEL: GuardedChannel(list, lambda _: _supervisor_channel(environment), others=secrets),
    }
    for config in configs:
        renderers = [templates[template_name(config.name, number)] for number in range(len(config.templates))]
        channels[config.name] = _channel(config, renderers, environment, secrets)
    return channels


def _known(references: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """What the references stand for that can be resolved."""
    return [resolve(reference, environment) for reference in references if can_be_resolved([reference], environment)]


def template_name(channel: str, number: int) -> str:
    """The name under which a channel's template is compiled."""
    return f"{channel}/{number}"


def _channel(
    config: ChannelConfig,
    renderers: list[Renderer],
    environment: Mapping[str, str],
    others: Callable[[], list[str]],
) -> Channel:
    kind = KINDS[config.kind]

    def secrets() -> list[str]:
        return [resolve(reference, environment) for reference in config.secrets]

    def build(secrets: Sequence[str]) -> Channel:
        return kind.build(config.options, Values(renderers, secrets))

    return GuardedChannel(
        secrets,
        build,
        refresh_s=config.options.get("refresh_s"),
        batch=_batch(kind, config.options.get("batch")),
        others=others,
    )


def _batch(kind: Kind, options: Mapping[str, Any] | None) -> Batch | None:
    if options is None:
        return None
    most = {"at_most": options["at_most"]} if "at_most" in options else {}
    return Batch(options["every"], separator=kind.separator, most_bytes=kind.most_bytes, **most)


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
