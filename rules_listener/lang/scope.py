"""Which names mean something at a place in a rule: the fields of the selected events, and what else is known there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Field, Kind, fields_of
from rules_listener.lang.literals import SEVERITIES

HOST_NAMES = {
    "host": "the host's name",
    "fqdn": "the host's name with its domain",
    "ip": "the host's address",
}
"""What is known of the host that the listener runs on; all are text."""

ALWAYS_GIVEN = {"rule": Kind.TEXT, "severity": Kind.TEXT, "id": Kind.TEXT}
"""What every template knows of its firing."""

MESSAGE = {"message": Kind.TEXT}
"""What the templates of `run` and of the configuration know besides: the alert's text, or the event in one line."""

GIVEN_BY_PATTERN: dict[str, dict[str, Kind]] = {
    "times": {"count": Kind.NUMBER, "window": Kind.DURATION, "first_time": Kind.TIME},
    "distinct": {"count": Kind.NUMBER, "values": Kind.LIST},
    "for": {"elapsed": Kind.DURATION},
    "then": {},
    "without": {"elapsed": Kind.DURATION, "count": Kind.NUMBER},
    "no": {"elapsed": Kind.DURATION},
}
"""What the templates of a rule with a pattern know besides, for each kind of pattern."""

GIVEN_BY_LIMIT = {"suppressed": Kind.NUMBER}
"""What the template of an alert with `at most` knows besides."""

GIVEN_TO_CHANNELS = {"phase": Kind.TEXT, "incident": Kind.TEXT}
"""What the configuration's templates know besides."""

PATTERNS = {
    "times": "`N times in D`",
    "distinct": "`N distinct FIELD in D`",
    "for": "`for D`",
    "then": "`then S within D`",
    "without": "`without S within D`",
    "no": "`on no S for D`",
}
"""How patterns are written."""


def given_elsewhere(name: str) -> str:
    """Where a name is known that is not known here; empty if nowhere."""
    patterns = [PATTERNS[kind] for kind, given in GIVEN_BY_PATTERN.items() if name in given]
    if patterns:
        return f"{', '.join(patterns[:-1])}{' or ' * (len(patterns) > 1)}{patterns[-1]} gives it to templates"
    if name in GIVEN_BY_LIMIT:
        return "`at most N per D` gives it to the template of its alert"
    if name in MESSAGE:
        return "it is the text of an alert, for templates of `run` and of the configuration"
    return "it is for templates of the configuration" if name in GIVEN_TO_CHANNELS else ""


_ALL_GIVEN = {
    **ALWAYS_GIVEN,
    **MESSAGE,
    **GIVEN_BY_LIMIT,
    **{name: kind for given in GIVEN_BY_PATTERN.values() for name, kind in given.items()},
}

RESERVED = frozenset(
    {name for event_type in CATALOGUE.values() for name in fields_of(event_type)}
    | {*HOST_NAMES, *_ALL_GIVEN, *CATALOGUE}
)
"""Names that no `let` or `event` statement may take."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be named where events of `types` (concrete ones, by name) are looked at.

    `shown` is how the rule itself names the events. `given` are the values that a firing brings along, `severities` the
    words that stand for one.
    """

    types: tuple[str, ...]
    shown: tuple[str, ...]
    given: Mapping[str, Kind] = field(default_factory=dict)
    severities: tuple[str, ...] = ()

    @property
    def fields(self) -> Mapping[str, Sequence[Field]]:
        """Each field that at least one of the types has, as each of them has it."""
        return _fields_of_all(self.types)

    @property
    def common_names(self) -> list[str]:
        """The process, the payload's fields in the order in which supervisord sends them, the time and the host.

        Left out are the header, which few rules look at, and other ways to name the host.
        """
        sent = [found.name for name in self.types if name != UNLISTED for found in CATALOGUE[name].fields]
        names = ["process", *dict.fromkeys(sent), "data", "time"]
        return [*(name for name in names if name in self.fields), "host"]

    def subject(self, predicate: str, predicate_none: str) -> str:
        """The selected events as the subject of a sentence: `A has …`, or `none of A, B has …`."""
        if len(self.shown) == 1:
            return f"{self.shown[0]} {predicate}"
        return f"none of {', '.join(self.shown)} {predicate_none}"


@cache
def _fields_of_all(types: tuple[str, ...]) -> Mapping[str, Sequence[Field]]:
    fields: dict[str, list[Field]] = {}
    for name in types:
        if name != UNLISTED:
            for found in fields_of(CATALOGUE[name]).values():
                fields.setdefault(found.name, []).append(found)
    return fields


EVERYTHING = Scope(
    tuple(name for name, event_type in CATALOGUE.items() if not event_type.abstract),
    ("EVENT",),
    _ALL_GIVEN,
)
"""The scope in which a name is defined, before anyone knows where it will be used."""

OF_ALERTS = Scope(EVERYTHING.types, ("an alert",), {"rule": Kind.TEXT, "severity": Kind.SEVERITY}, SEVERITIES)
"""The scope of routes and mutes: any alert, because of any event."""
