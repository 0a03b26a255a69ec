"""What an engine remembers for one rule and one key, to be looked at: out of what it dumps, changing nothing.

1. Moments are seconds since 1970, as clocks showed them.
2. Only what still matters is there: of a window, what is within it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rules_listener.event.event import Event
from rules_listener.match.engine import FORMAT
from rules_listener.match.firing import Rule


class Noted(NamedTuple):
    """An event within a window: when it came, and the value that `N distinct FIELD` counts."""

    time: float
    value: object = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """A deadline: since when it is waited for, for how many events (`without`), and when it fires, if it does."""

    since: float
    due: float | None
    count: int


class OpenState(NamedTuple):
    """The open alert of an action: see `match/clauses.py`.

    `reminder` and `closing` are None where there is none. `hidden` is why a mute keeps it untold; at `telling` that is
    asked again.
    """

    action: int
    since: float
    sent: bool
    reminder: float | None
    closing: float | None
    hidden: str | None = None
    telling: float | None = None


class LimitState(NamedTuple):
    """What `at most N per D` of an action has let through within D, and how many it has held back since."""

    action: int
    used: tuple[float, ...]
    suppressed: int


class Memory(NamedTuple):
    """What is remembered; of a rule without a pattern, `noted` is empty and `awaited` None."""

    noted: tuple[Noted, ...] = ()
    awaited: Awaited | None = None
    open: tuple[OpenState, ...] = ()
    limits: tuple[LimitState, ...] = ()


def remembered(dumped: Mapping[str, Any], rule: Rule, event: Event) -> Memory:
    """What an engine remembers of a rule for the key of an event; nothing if the rule is not among its own."""
    found = dumped["rules"].get(rule.meaning, ()) if dumped["format"] == FORMAT else ()
    states = [state for name, *state in found if name == rule.name]
    if not states:
        return Memory()
    return _Reader(rule, dumped["now"] or 0.0, dumped["ahead"]).memory(event, *states[0])


class _Reader:
    """Reads what one rule has dumped."""

    def __init__(self, rule: Rule, now: float, ahead: float) -> None:
        self._rule = rule
        self._now = now
        self._ahead = ahead

    def memory(self, event: Event, tracked: list[Any], opened: Mapping[str, Any]) -> Memory:
        pattern = self._rule.pattern
        key = self._rule.key(event)
        kind = "" if pattern is None else pattern.kind
        return Memory(
            tuple(self._noted(kind, key, tracked)) if kind in ("times", "distinct", "then") else (),
            self._awaited((event.process or "") if kind == "for" else key, tracked)
            if kind in ("for", "without", "no")
            else None,
            tuple(one for action, (alerts, _) in opened.items() for one in self._open(int(action), key, alerts)),
            tuple(self._limit(int(action), limit) for action, (_, limit) in opened.items() if limit is not None),
        )

    def _shown(self, moment: float) -> float:
        return moment - self._ahead

    def _is_within(self, moment: float, duration_s: float) -> bool:
        return moment > self._now - duration_s

    def _noted(self, kind: str, key: str, tracked: list[Any]) -> Iterable[Noted]:
        duration_s = self._rule.pattern.duration_s if self._rule.pattern is not None else 0.0
        noted = dict(tracked[1]).get(key)
        if noted is None:
            return []
        if kind == "distinct":
            return [Noted(self._shown(moment), value) for value, moment in noted if self._is_within(moment, duration_s)]
        moments = [noted] if kind == "then" else noted
        return [Noted(self._shown(moment)) for moment in moments if self._is_within(moment, duration_s)]

    def _awaited(self, key: str, tracked: list[Any]) -> Awaited | None:
        for found, due, since, count, _ in tracked:
            if found == key:
                return Awaited(self._shown(since), self._or_none(due), count)
        return None

    def _or_none(self, moment: float | None) -> float | None:
        return None if moment is None else self._shown(moment)

    def _open(self, action: int, key: str, alerts: Iterable[Any]) -> Iterable[OpenState]:
        for found, opening, _, sent, hidden, _, *dues, _ in alerts:
            if found == key:
                reminder, closing, telling = map(self._or_none, dues)
                yield OpenState(action, opening[1], sent, reminder, closing, hidden, telling)

    def _limit(self, action: int, limit: list[Any]) -> LimitState:
        suppressed, moments = limit
        at_most = self._rule.actions[action].at_most
        duration_s = at_most.duration_s if at_most is not None else 0.0
        used = tuple(self._shown(moment) for moment in moments if self._is_within(moment, duration_s))
        return LimitState(action, used, suppressed)
