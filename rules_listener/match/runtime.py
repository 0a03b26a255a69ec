"""What generated code calls: the names that it finds in its module.

1. Nothing here raises for any value that an event can hold.
2. What is missing comes in and goes out as None.
"""

import os
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from rules_listener.event.event import Event
from rules_listener.lang.functions import FUNCTIONS
from rules_listener.lang.literals import spell_duration
from rules_listener.match.lookup import beginning_groups, ending_groups, found, utf8

if TYPE_CHECKING:
    from datetime import tzinfo

MISSING = "-"
"""How a template prints what is missing."""


def text_of(value: object) -> str | None:
    """A value out of JSON, if it is a text."""
    return value if isinstance(value, str) else None


def number_of(value: object) -> int | float | None:
    """A value out of JSON, if it is a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def boolean_of(value: object) -> bool | None:
    """A value out of JSON, if it is a truth."""
    return value if isinstance(value, bool) else None


def same(left: object, right: object) -> bool | None:
    """Whether two values out of JSON are equal; None if they are of different kinds."""
    for of in (text_of, number_of, boolean_of):
        first, second = of(left), of(right)
        if first is not None and second is not None:
            return first == second
    return None


def show(value: object) -> str:
    """A value as a template prints it."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 - exact in a float
        return str(int(value))
    if isinstance(value, list | dict):
        return _show_json(value)
    if isinstance(value, tuple):
        return ", ".join(map(show, value))
    return str(value)


def joined_key(values: Iterable[object]) -> str:
    """The key that several values make; different values make different keys."""
    return ", ".join("" if value is None else show(value).replace("\\", r"\\").replace(",", r"\,") for value in values)


def _show_json(value: object) -> str:
    import json  # noqa: PLC0415 - only for what came out of JSON, which has then been imported

    return json.dumps(value, ensure_ascii=False)


def show_duration(seconds: float | None) -> str:
    """A duration as the language writes it: `1h30m`."""
    return MISSING if seconds is None else spell_duration(seconds)


def show_time(moment: float | None, zone: "tzinfo | None" = None) -> str:
    """A moment as ISO 8601 in a zone, or in the host's, to the second. One that no calendar has is missing."""
    if moment is None:
        return MISSING
    from datetime import datetime  # noqa: PLC0415 - few templates print a time

    try:
        return datetime.fromtimestamp(moment, zone).astimezone(zone).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return MISSING  # of what came before a clock was set, if that was recorded wrongly


@cache
def host(name: str) -> str:
    """What is known of this host: `host`, `fqdn` or `ip`. Asked once; a host without a network is 127.0.0.1."""
    import socket  # noqa: PLC0415 - only some rules name the host

    if name == "host":
        return socket.gethostname()
    return socket.getfqdn() if name == "fqdn" else _own_address()


def _own_address() -> str:
    """The address that this host would send from; no packet is sent to find out."""
    import socket  # noqa: PLC0415 - only some rules name the address

    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def env(name: str) -> str | None:
    """A variable of the environment; what is not UTF-8 in it is replaced."""
    value = os.environb.get(name.encode())
    return None if value is None else value.decode(errors="replace")


def always(_event: Event, _memo: dict[int, object], hits: list[int], entries: Iterable[int]) -> None:
    """The test that is true of all its entries."""
    hits += entries


UNKNOWN = object()
"""Stands for what has not been worked out yet."""

NAMESPACE: dict[str, Any] = {
    **{name: function.call for name, function in FUNCTIONS.items()},
    "UNKNOWN": UNKNOWN,
    "always": always,
    "beginning_groups": beginning_groups,
    "ending_groups": ending_groups,
    "found": found,
    "utf8": utf8,
    "text_of": text_of,
    "number_of": number_of,
    "boolean_of": boolean_of,
    "same": same,
    "show": show,
    "joined_key": joined_key,
    "show_duration": show_duration,
    "show_time": show_time,
    "host": host,
    "env": env,
}
"""All names that generated code uses, beyond those that it defines."""
