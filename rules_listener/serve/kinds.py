"""The kinds of channels: what each is told in the configuration, and what is built of it.

1. `read` gives plain values (`options` says which shapes texts have), `build` makes the channel of them.
2. What sends is imported where it is built, what reads YAML not at all: the courier imports what its channels need.
"""

import re
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from rules_listener.base.errors import ConfigError
from rules_listener.event.record import from_record
from rules_listener.outbox.channel import Channel, Message
from rules_listener.send.guarded import without_secrets
from rules_listener.serve.httpkinds import build_alertmanager, build_webhook, read_alertmanager, read_webhook
from rules_listener.serve.values import Values, values_of

if TYPE_CHECKING:
    from email.headerregistry import Address

    from rules_listener.send.mail import Server
    from rules_listener.serve.options import OptionReader

Options = Mapping[str, Any]

COMMAND_TIMEOUT_S = 10.0

_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")


class Kind(NamedTuple):
    """A kind of channel.

    `timeout_s` is how long a try takes at most unless `timeout` says otherwise (None: it has no such limit).
    `separator` stands between the lines of a digest, which have at most `most_bytes`; `no_batch` says why there
    can't be one.
    """

    read: Callable[[Any, "OptionReader"], dict[str, Any]]
    build: Callable[[Options, Values], Channel]
    timeout_s: float | None = None
    separator: str = "\n"
    most_bytes: float = inf
    no_batch: str = ""


def _read_command(node: Any, reader: "OptionReader") -> dict[str, Any]:
    arguments = reader.yaml.texts(node) if reader.yaml.is_list(node) else []
    if not arguments:
        example = 'such as ["/usr/local/bin/alert", "{message}"]'
        reader.yaml.report("a command is a list with the program first", node, example)
    for text, item in arguments[:1]:
        reader.program(text, item)
    for text, item in arguments:
        if found := _VARIABLE.search(text):
            message = f"`{found[0]}` is no variable here: anyone on this host can read a program's arguments"
            reader.yaml.report(message, item, f'{{env("{found[1]}")}} is one that is no secret', code="RL304")
        else:
            reader.templates.append((text, item))
    return {}


def _build_command(options: Options, values: Values) -> Channel:
    from rules_listener.send.command import CommandChannel  # noqa: PLC0415 - imported only where it is used

    def arguments(message: Message) -> list[str]:
        event = from_record(message.event)
        return [render(event, values_of(message)) for render in values.renderers]

    return CommandChannel(arguments, timeout_s=options["timeout_s"])


def _read_log(node: Any, reader: "OptionReader") -> dict[str, Any]:
    return reader.mapping(node, {})


def _build_log(_options: Options, _values: Values) -> Channel:
    from rules_listener.send.log import LogChannel  # noqa: PLC0415 - imported only where it is used

    return LogChannel()


# email

_LOCAL = ("localhost", "127.0.0.1", "::1")


def _read_email(node: Any, reader: "OptionReader") -> dict[str, Any]:
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


def _read_addresses(node: Any, reader: "OptionReader", most: float = inf) -> list[Any]:
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


# syslog and file


def _read_syslog(node: Any, reader: "OptionReader") -> dict[str, Any]:
    from rules_listener.send.systemlog import FACILITIES, FORMATS  # noqa: PLC0415 - imported only where it is used

    readers = {
        "address": lambda value: _read_address(value, reader),
        "format": reader.choice(*FORMATS),
        "facility": reader.choice(*FACILITIES),
        "program": reader.fixed,
        "text": reader.template,
    }
    return reader.mapping(node, readers)


def _read_address(node: Any, reader: "OptionReader") -> list[Any] | None:
    from rules_listener.send.systemlog import address_of  # noqa: PLC0415 - imported only where it is used

    parts = reader.text(node)
    if parts is not None and reader.is_known(parts) and address_of(reader.preview(parts)) is None:
        reader.yaml.report(
            "no syslog receiver has such an address", node, "such as /dev/log, udp://HOST, tcp://HOST:514"
        )
    return parts


def _build_syslog(options: Options, values: Values) -> Channel:
    from rules_listener.send.systemlog import LOCAL, Form, SyslogChannel, address_of  # noqa: PLC0415 - likewise

    address = address_of(values.fixed(options.get("address", [LOCAL])))
    if address is None:
        raise ConfigError("no syslog receiver has such an address as the channel's")
    names = {"format": "layout", "facility": "facility"}
    given: dict[str, Any] = {names[key]: value for key, value in options.items() if key in names}
    given |= {"program": values.fixed(options["program"])} if "program" in options else {}
    given |= {"text": values.text(options["text"])} if "text" in options else {}
    return SyslogChannel(address, Form(**given), timeout_s=options["timeout_s"])


def _read_file(node: Any, reader: "OptionReader") -> dict[str, Any]:
    return reader.mapping(node, {"path": reader.place, "text": reader.template}, ("path",))


def _build_file(options: Options, values: Values) -> Channel:
    from rules_listener.send.file import FileChannel  # noqa: PLC0415 - imported only where it is used
    from rules_listener.send.line import one_line  # noqa: PLC0415 - likewise
    from rules_listener.send.wording import document, json_text  # noqa: PLC0415 - likewise

    if "text" not in options:
        return FileChannel(Path(options["path"]), lambda message: json_text(document(message)))
    text = values.text(options["text"])
    return FileChannel(Path(options["path"]), lambda message: one_line(text(message)))


# apprise


def _read_apprise(node: Any, reader: "OptionReader") -> dict[str, Any]:
    if not reader.yaml.is_mapping(node):
        return {"urls": _read_services(node, reader)}
    readers = {
        "urls": lambda value: _read_services(value, reader),
        "title": reader.template,
        "body": reader.template,
    }
    return reader.mapping(node, readers, ("urls",))


def _read_services(node: Any, reader: "OptionReader") -> list[Any]:
    from rules_listener.send.apprise import Service  # noqa: PLC0415 - imported only where it is used

    items = reader.yaml.one_or_more(node)
    read = [(parts, item) for item in items if (parts := reader.any_url(item)) is not None]
    for parts, item in read:
        if reader.is_checking and reader.is_known(parts):
            try:
                Service(reader.preview(parts))
            except ConfigError as error:
                reason = without_secrets(str(error), reader.resolved())
                reader.yaml.report(reason, item, "", "how each service is written: https://appriseit.com/services/")
    if not items:
        reader.yaml.report("a URL of apprise's belongs here", node, "such as slack://${SLACK_TOKEN}/#ops")
    return [parts for parts, _ in read]


def _build_apprise(options: Options, values: Values) -> Channel:
    from rules_listener.send.apprise import AppriseChannel  # noqa: PLC0415 - imported only where it is used

    names = {"title": "heading", "body": "text"}
    texts: dict[str, Any] = values.texts({names[key]: options[key] for key in names if key in options})
    return AppriseChannel(list(map(values.fixed, options["urls"])), timeout_s=options["timeout_s"], **texts)


_ON_ONE_LINE = "; "
_ARGUMENT_BYTES = 100_000
_SYSLOG_BYTES = 6_000
"""Less than an argument (`send/environment.py`) or a line (`send/systemlog.py`) may have: both say more."""

_ALERTMANAGER_GROUPS = "Alertmanager itself gathers alerts: see `group_by` and `group_interval` in its configuration"

KINDS = {
    "command": Kind(_read_command, _build_command, COMMAND_TIMEOUT_S, most_bytes=_ARGUMENT_BYTES),
    "email": Kind(_read_email, _build_email, 30.0),
    "webhook": Kind(read_webhook, build_webhook, 10.0),
    "alertmanager": Kind(read_alertmanager, build_alertmanager, 10.0, no_batch=_ALERTMANAGER_GROUPS),
    "apprise": Kind(_read_apprise, _build_apprise, 30.0),
    "syslog": Kind(_read_syslog, _build_syslog, 5.0, _ON_ONE_LINE, most_bytes=_SYSLOG_BYTES),
    "file": Kind(_read_file, _build_file, None, _ON_ONE_LINE),
    "log": Kind(_read_log, _build_log, None, _ON_ONE_LINE),
}
"""All kinds by the key that names them."""
