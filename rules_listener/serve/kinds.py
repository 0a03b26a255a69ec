"""The kinds of channels: what each is told in the configuration, and what is built of it.

1. `read` gives plain values (`options` says which shapes texts have), `build` makes the channel of them.
2. What sends is imported where it is built: the courier imports what its channels need, and the listener none of it.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from rules_listener.base.errors import ConfigError
from rules_listener.event.record import from_record
from rules_listener.outbox.channel import Channel, Message
from rules_listener.serve.options import OptionReader
from rules_listener.serve.values import Values, values_of

if TYPE_CHECKING:
    from email.headerregistry import Address

    from rules_listener.send.mail import Server

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


# email

_LOCAL = ("localhost", "127.0.0.1", "::1")


def _read_email(node: Any, reader: OptionReader) -> dict[str, Any]:
    readers = {
        "server": reader.url("smtp", "smtps"),
        "from": lambda value: _read_addresses(value, reader, most=1),
        "to": lambda value: _read_addresses(value, reader),
        "subject": reader.template,
        "body": reader.template,
        "starttls": reader.choice("required", "never"),
        "ca": reader.file,
        "verify": reader.truth,
    }
    options = reader.mapping(node, readers, ("server", "from", "to"))
    if "server" in options and options.get("starttls") == "never":
        server = urlsplit(reader.preview(options["server"]))
        if server.username and server.scheme == "smtp" and server.hostname not in _LOCAL:
            advice = "leave `starttls` out, or use smtps://"
            reader.yaml.report("user and password would be sent without TLS", node, "", advice)
    return options


def _read_addresses(node: Any, reader: OptionReader, most: float = inf) -> list[Any]:
    from rules_listener.send.mail import address_of  # noqa: PLC0415 - imported only where it is used

    texts = reader.texts(node)
    for parts, item in texts:
        if reader.is_known(parts) and address_of(reader.preview(parts)) is None:
            reader.yaml.report("this is no mail address", item, "such as ops@example.org, or Ops <ops@example.org>")
    if not 1 <= len(texts) <= most:
        reader.yaml.report("one mail address belongs here", node, "such as ops@example.org")
    return [parts for parts, _ in texts]


def _build_email(options: Options, values: Values) -> Channel:
    from rules_listener.send.mail import EmailChannel, Letter  # noqa: PLC0415 - imported only where it is used

    texts = values.texts({name: options[name] for name in ("subject", "body") if name in options})
    (sender,), recipients = ([_address(parts, values) for parts in options[key]] for key in ("from", "to"))
    letter = Letter(sender, recipients, **texts)
    return EmailChannel(_mail_server(options, values), letter, timeout_s=options["timeout_s"])


def _address(parts: Any, values: Values) -> "Address":
    from rules_listener.send.mail import address_of  # noqa: PLC0415 - imported only where it is used

    address = address_of(values.fixed(parts))
    if address is None:
        raise ConfigError("`from` or `to` of the channel is no mail address")
    return address


def _mail_server(options: Options, values: Values) -> "Server":
    from rules_listener.send.mail import Server  # noqa: PLC0415 - imported only where it is used

    url = urlsplit(values.fixed(options["server"]))
    host, user, password = url.hostname or "", unquote(url.username or ""), unquote(url.password or "")
    if url.scheme == "smtps":
        port, tls = 465, "always"
    else:
        port = 587 if user else 25
        default = "never" if host in _LOCAL else "required"
        tls = "never" if options.get("starttls", default) == "never" else "starttls"
    trust = {"ca": options.get("ca"), "verify": options.get("verify", True)}
    return Server(host, url.port or port, tls, user, password, **trust)


KINDS = {
    "command": Kind(_read_command, _build_command, COMMAND_TIMEOUT_S),
    "email": Kind(_read_email, _build_email, 30.0),
    "log": Kind(_read_log, _build_log),
}
"""All kinds by the key that names them."""
