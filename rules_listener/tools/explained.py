"""Which events of a recording are explained, and what led to them.

1. The recording is played twice, as a replay plays it, and nothing of it is kept: first to see which events are asked
   about, then to feed the rules with all that came before.
2. Asked about are, with a moment, the events within its second (within its millisecond, if it is no whole second), or
   else the last one before it; without a moment the last one. Only those count that are about the process that is
   named, and that the named rules look at; if neither is named, those that any rule looks at. If there are none of
   them, any events about the process will do.
3. Besides, it is told what rules that look at an explained event said just before it and after it for its key; and, of
   the moment that is asked about, all that time alone caused, about that process and of the named rules.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import inf, nextafter
from typing import NamedTuple

from rules_listener.event.event import Event, Seen
from rules_listener.lang.parts import PartedRule
from rules_listener.match.traces import looks_at
from rules_listener.outbox.alert import Alert
from rules_listener.tools.observed import Observed, Observer

MOST_EVENTS = 5
"""How many events of one second are explained: the last of them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a moment (seconds since 1970) and a process, either of them if it matters; rules by name, or all.

    A process is named as rules have it, or as `group:name`.
    """

    at: float | None = None
    process: str | None = None
    rules: Collection[str] = ()

    @property
    def end(self) -> float:
        """The last moment of what is asked about; what comes then is too late."""
        if self.at is None:
            return inf
        return nextafter(self.at + (1.0 if self.at == int(self.at) else 0.001), -inf)

    def is_about(self, event: Seen) -> bool:
        """Whether an event is about the process."""
        if self.process is None:
            return True
        fields = event.fields
        return self.process in (event.process, f"{fields.get('groupname', '')}:{fields.get('processname', '')}")

    def is_answered_by(self, alert: Alert) -> bool:
        """Whether an alert is what is asked about, whatever caused it."""
        is_then = self.at is not None and self.at <= alert.time <= self.end
        return is_then and (not self.rules or alert.rule in self.rules) and self.is_about(alert.event)


class Picked(NamedTuple):
    """The numbers of the events that are explained (from 0), and how many of the same second are left out."""

    numbers: tuple[int, ...]
    left_out: int


class Picking:
    """Finds out which events are asked about, of a history that ends with the question and is played to `look`."""

    def __init__(self, rules: Sequence[PartedRule], question: Question) -> None:
        self._question = question
        self._is_wanted = _wanted(rules, question)
        self._wanted, self._others = _Last(question), _Last(question)
        self._next = 0

    def look(self, event: Seen) -> None:
        """The next event."""
        if self._question.is_about(event):
            (self._wanted if self._is_wanted(event) else self._others).take(self._next, event.time)
        self._next += 1

    @property
    def picked(self) -> Picked:
        """Which they are, of those so far."""
        last = self._wanted if self._wanted.numbers else self._others
        return Picked(tuple(last.numbers), last.left_out)


def _wanted(rules: Sequence[PartedRule], question: Question) -> Callable[[Seen], bool]:
    """Whether an event about the process is what is asked about, rather than any other one."""
    if question.process is not None and not question.rules:
        return lambda _: True
    asked = [rule for rule in rules if not question.rules or rule.rule.name in question.rules]
    arms = [arms for rule in asked for arms in (rule.selected, rule.second, *rule.untils)]
    known: dict[str, bool] = {}

    def is_looked_at(event: Seen) -> bool:
        if event.type not in known:
            known[event.type] = any(looks_at(found, event.kept()) for found in arms)
        return known[event.type]

    return is_looked_at


class _Last:
    """The last events: those within the time that is asked about, or only one."""

    def __init__(self, question: Question) -> None:
        self._at = inf if question.at is None else question.at
        self._time = -inf
        self.numbers: deque[int] = deque(maxlen=MOST_EVENTS)
        self.left_out = 0

    def take(self, number: int, time: float) -> None:
        """An event after those that were taken."""
        if self._time < self._at:
            self.numbers.clear()
        self.left_out += len(self.numbers) == MOST_EVENTS
        self.numbers.append(number)
        self._time = time


class Explained(NamedTuple):
    """The events that are explained, each with its number in the recording.

    `since` is what was said after them, up to the end of the moment in question: see rule 3 of the module.
    """

    events: tuple[tuple[int, Observed], ...]
    since: tuple[Alert, ...]
    left_out: int
    """How many earlier events of the same second are not explained."""


class Explaining:
    """Says what rules make of the events that were picked of a history, which is played to it with `look`."""

    def __init__(self, observer: Observer, picked: Picked, question: Question) -> None:
        self._observer = observer
        self._picked = picked
        self._question = question
        self._found: list[tuple[int, Observed]] = []
        self._keys: set[tuple[str, str]] = set()
        """The keys of these events, by rule."""
        self._since: list[Alert] = []
        """What was said since the last of them."""
        self._next = 0

    def look(self, event: Seen) -> None:
        """The next event."""
        if self._next in self._picked.numbers:
            self._explain(self._next, event.kept())
        else:
            self._pass_over(event)
        self._next += 1

    def explained(self) -> Explained:
        """All of it, once the history was played."""
        if self._question.at is None:
            return Explained(tuple(self._found), (), self._picked.left_out)
        self._note(self._observer.advance(self._question.end))
        return Explained(tuple(self._found), tuple(self._since), self._picked.left_out)

    def _explain(self, number: int, event: Event) -> None:
        observed = self._observer.observe(event)
        self._keys |= observed.keys
        self._note(observed.meanwhile)
        self._found.append((number, observed._replace(meanwhile=tuple(self._since))))
        self._since = []

    def _pass_over(self, event: Seen) -> None:
        """Feed an event that is not explained: within the moment in question, it is told what came before it."""
        if self._question.at is not None and event.time >= self._question.at:
            self._note(self._observer.meanwhile(event))
        self._since += (one for one in self._observer.pass_over(event) if self._has_key(one))

    def _note(self, alerts: Iterable[Alert]) -> None:
        """Note what time has caused."""
        self._since += (one for one in alerts if self._has_key(one) or self._question.is_answered_by(one))

    def _has_key(self, alert: Alert) -> bool:
        return (alert.rule, alert.key) in self._keys
