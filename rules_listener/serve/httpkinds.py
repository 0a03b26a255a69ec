"""The kinds of channels that ask by HTTP: what each is told in the configuration, and what is built of it.

As in `kinds`, what sends is imported where it is built.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rules_listener.outbox.channel import Channel
from rules_listener.serve.values import Values

if TYPE_CHECKING:
    from rules_listener.send.webhook import Request, Target
    from rules_listener.serve.options import OptionReader

Options = Mapping[str, Any]

REFRESH_S = 60.0
"""How often an Alertmanager is told of what is open."""

# webhook

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_FIXED_HEADERS = ("connection", "content-length", "transfer-encoding")


def read_webhook(node: Any, reader: "OptionReader") -> dict[str, Any]:
    """The options of a webhook."""
    readers = {
        "url": reader.url("https", "http"),
        "method": reader.choice("POST", "PUT", "PATCH"),
        "headers": lambda value: _read_headers(value, reader),
        "json": reader.tree,
        "form": reader.templates_by_name,
        "sign": lambda value: _read_signature(value, reader),
        "certificate": reader.file,
        "key": reader.file,
        "ca": reader.file,
        "verify": reader.truth,
        "follow_redirects": reader.truth,
        "connect_timeout": reader.duration,
    }
    options = reader.mapping(node, readers, ("url",))
    if "json" in options and "form" in options:
        reader.yaml.report("a request has one body: `json` or `form`", node)
    if "key" in options and "certificate" not in options:
        reader.yaml.report("`key` belongs to a `certificate`, and there is none", node)
    return options


def _read_headers(node: Any, reader: "OptionReader") -> dict[str, Any]:
    _check_headers(node, reader)
    return reader.templates_by_name(node)


def _check_headers(node: Any, reader: "OptionReader") -> None:
    seen: dict[str, str] = {}
    for key, _ in reader.yaml.items(node):
        name = _read_header(key, reader)
        if name is not None and seen.setdefault(name.lower(), name) != name:
            reader.yaml.report(f"the header {name} stands here twice: it is the same as {seen[name.lower()]}", key)


def _read_signature(node: Any, reader: "OptionReader") -> dict[str, Any]:
    return reader.mapping(node, {"secret": reader.secret, "header": lambda key: _read_header(key, reader)}, ["secret"])


def _read_header(node: Any, reader: "OptionReader") -> str | None:
    name = reader.yaml.text(node)
    if name is not None and not _HEADER.fullmatch(name):
        reader.yaml.report("this can't be the name of a header", node, "such as X-Token")
        return None
    if name is not None and name.lower() in _FIXED_HEADERS:
        reader.yaml.report(f"the header {name} can't be chosen: the request has its own", node)
        return None
    return name


def build_webhook(options: Options, values: Values) -> Channel:
    """A webhook of these options.

    Raises:
        ConfigError: a certificate can't be read.
    """
    from rules_listener.send.webhook import WebhookChannel  # noqa: PLC0415 - imported only where it is used

    return WebhookChannel(_target(options, values), _request(options, values), timeout_s=options["timeout_s"])


def _target(options: Options, values: Values) -> "Target":
    from rules_listener.send.webhook import CONNECT_TIMEOUT_S, Target  # noqa: PLC0415 - imported only where it is used

    names = ("method", "ca", "certificate", "key", "verify", "follow_redirects")
    given = {name: options[name] for name in names if name in options}
    connect_timeout_s = options.get("connect_timeout", CONNECT_TIMEOUT_S)
    return Target(values.fixed(options["url"]), connect_timeout_s=connect_timeout_s, **given)


def _request(options: Options, values: Values) -> "Request":
    from rules_listener.send.webhook import FORM, Request, form_bytes, json_bytes  # noqa: PLC0415 - likewise

    given: dict[str, Any] = {"headers": values.texts(options.get("headers", {}))}
    if "json" in options:
        tree = values.tree(options["json"])
        given["body"] = lambda message: json_bytes(tree(message))
    if "form" in options:
        texts = values.texts(options["form"])
        given |= {
            "body": lambda message: form_bytes({name: text(message) for name, text in texts.items()}),
            "content_type": FORM,
        }
    if "sign" in options:
        given["secret"] = values.fixed(options["sign"]["secret"])
        given |= {"signature_header": options["sign"]["header"]} if "header" in options["sign"] else {}
    return Request(**given)


# alertmanager

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def read_alertmanager(node: Any, reader: "OptionReader") -> dict[str, Any]:
    """The options of a channel to Alertmanagers."""
    readers = {
        "url": lambda value: _read_alertmanagers(value, reader),
        "labels": lambda value: _read_labels(value, reader),
        "annotations": lambda value: _read_annotations(value, reader),
        "resolve_after": reader.duration,
        "refresh": reader.duration,
        "headers": lambda value: _read_fixed_headers(value, reader),
        "certificate": reader.file,
        "key": reader.file,
        "ca": reader.file,
        "verify": reader.truth,
    }
    options = reader.mapping(node, readers, ("url",))
    if "key" in options and "certificate" not in options:
        reader.yaml.report("`key` belongs to a `certificate`, and there is none", node)
    options["refresh_s"] = options.pop("refresh", REFRESH_S)
    return options


def _read_alertmanagers(node: Any, reader: "OptionReader") -> list[Any]:
    read = reader.url("http", "https")
    items = reader.yaml.one_or_more(node)
    if not items:
        reader.yaml.report("the URL of an Alertmanager belongs here", node, "such as http://127.0.0.1:9093")
    return [parts for parts in map(read, items) if parts is not None]


def _read_labels(node: Any, reader: "OptionReader") -> dict[str, Any]:
    for key, value in reader.yaml.items(node):
        _check_label(key, reader)
        if "{" in str(value.value).replace("${", ""):
            advice = "a text that may change belongs into `annotations`"
            message = "a label is no template: it has to be the same when an alert opens and when it recovers"
            reader.yaml.report(message, value, "", advice)
    return _by_name(node, reader, reader.text)


def _read_annotations(node: Any, reader: "OptionReader") -> dict[str, Any]:
    for key, _ in reader.yaml.items(node):
        _check_label(key, reader)
    return reader.templates_by_name(node)


def _check_label(key: Any, reader: "OptionReader") -> None:
    if not _LABEL.fullmatch(str(key.value)):
        label = "it has letters, digits and _, and no digit first"
        reader.yaml.report("Alertmanager takes no such name", key, label)


def _read_fixed_headers(node: Any, reader: "OptionReader") -> dict[str, Any]:
    _check_headers(node, reader)
    return _by_name(node, reader, reader.fixed)


def _by_name(node: Any, reader: "OptionReader", read_value: Callable[[Any], Any]) -> dict[str, Any]:
    read = {str(key.value): read_value(value) for key, value in reader.yaml.items(node)}
    return {name: parts for name, parts in read.items() if parts is not None}


def build_alertmanager(options: Options, values: Values) -> Channel:
    """A channel to Alertmanagers of these options.

    Raises:
        ConfigError: a certificate can't be read.
    """
    from rules_listener.send.alertmanager import AlertmanagerChannel, Wording, alerts_url  # noqa: PLC0415 - likewise
    from rules_listener.send.webhook import Target  # noqa: PLC0415 - likewise

    given = {name: options[name] for name in ("ca", "certificate", "key", "verify") if name in options}
    targets = [Target(alerts_url(values.fixed(parts)), **given) for parts in options["url"]]
    fixed = {
        key: {name: values.fixed(parts) for name, parts in options.get(key, {}).items()}
        for key in ("labels", "headers")
    }
    times = {"refresh_s": options["refresh_s"]}
    times |= {"resolve_after_s": options["resolve_after"]} if "resolve_after" in options else {}
    wording = Wording(fixed["labels"], values.texts(options.get("annotations", {})), **times)
    return AlertmanagerChannel(targets, wording, headers=fixed["headers"], timeout_s=options["timeout_s"])
