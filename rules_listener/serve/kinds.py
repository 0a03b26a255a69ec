"""The kinds of channels: what each is told in the configuration, and what is built of it.

1. `read` gives plain values (`options` says which shapes texts have), `build` makes the channel of them.
2. What sends is imported where it is built: the courier imports what its channels need, and the listener none of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rules_listener.event.record import from_record
from rules_listener.outbox.channel import Channel, Message
from rules_listener.serve.options import OptionReader
from rules_listener.serve.values import Values, values_of

Options = Mapping[str, Any]

COMMAND_TIMEOUT_S = 10.0


class Kind(NamedTuple):
    """A kind of channel. `timeout_s` is how long a try takes at most unless `timeout` says otherwise.

    None: it has no such limit.
    """

    read: Callable[[Any, OptionReader], dict[str, Any]]
    build: Callable[[Options, Values], Channel]
    timeout_s: float | None = None


def _read_command(node: Any, reader: OptionReader) -> dict[str, Any]:
    arguments = reader.yaml.texts(node)
    if not arguments:
        example = 'such as ["/usr/local/bin/alert", "{message}"]'
        reader.yaml.report("a command is a list with the program first", node, example)
    reader.templates += arguments
    return {}


def _build_command(options: Options, values: Values) -> Channel:
    from rules_listener.send.command import CommandChannel  # noqa: PLC0415 - imported only where it is used

    def arguments(message: Message) -> list[str]:
        event = from_record(message.event)
        return [render(event, values_of(message)) for render in values.renderers]

    return CommandChannel(arguments, timeout_s=options["timeout_s"])


def _read_log(node: Any, reader: OptionReader) -> dict[str, Any]:
    return reader.mapping(node, {})


def _build_log(_options: Options, _values: Values) -> Channel:
    from rules_listener.send.log import LogChannel  # noqa: PLC0415 - imported only where it is used

    return LogChannel()


KINDS = {
    "command": Kind(_read_command, _build_command, COMMAND_TIMEOUT_S),
    "log": Kind(_read_log, _build_log),
}
"""All kinds by the key that names them."""
