"""Which events of a recording are explained, and what led to them.

1. The recording is read twice, and nothing of it is kept: first to see which events are asked about, then to feed
   the rules with all that came before.
2. Asked about are, with a moment, the events within its second (within its millisecond, if it is no whole second), or
   else the last one before it; without a moment the last one. Only those count that are about the process that is
   named, and that the named rules look at; if neither is named, those that any rule looks at. If there are none of
   them, any events about the process will do.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rules_listener.event.event import Event
from rules_listener.lang.parts import Parted, PartedRule
from rules_listener.match.program import Loaded
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
        """The end of what is asked about; what comes then is too late."""
        if self.at is None:
            return float("inf")
        return self.at + (1.0 if self.at == int(self.at) else 0.001)

    def is_about(self, event: Event) -> bool:
        """Whether an event is about the process."""
        if self.process is None:
            return True
        fields = event.fields
        return self.process in (event.process, f"{fields.get('groupname', '')}:{fields.get('processname', '')}")


class Picked(NamedTuple):
    """The numbers of the events that are explained (from 0), and how many of the same second are left out."""

    numbers: tuple[int, ...]
    left_out: int
    own_group: str


def pick(events: Iterable[Event], rules: Sequence[PartedRule], question: Question) -> Picked:
    """Which events are asked about."""
    wanted, others = _Last(question), _Last(question)
    is_wanted = _wanted(rules, question)
    own_group = ""
    for number, event in enumerate(events):
        if event.time >= question.end:
            break
        own_group = own_group or str(event.header.get("pool", ""))
        if question.is_about(event):
            (wanted if is_wanted(event) else others).take(number, event.time)
    last = wanted if wanted.numbers else others
    return Picked(tuple(last.numbers), last.left_out, own_group)


def _wanted(rules: Sequence[PartedRule], question: Question) -> Callable[[Event], bool]:
    """Whether an event about the process is what is asked about, rather than any other one."""
    if question.process is not None and not question.rules:
        return lambda _: True
    asked = [rule for rule in rules if not question.rules or rule.rule.name in question.rules]
    arms = [arms for rule in asked for arms in (rule.selected, rule.second, *rule.untils)]
    known: dict[str, bool] = {}

    def is_looked_at(event: Event) -> bool:
        if event.type not in known:
            known[event.type] = any(looks_at(found, event) for found in arms)
        return known[event.type]

    return is_looked_at


class _Last:
    """The last events: those within the time that is asked about, or only one."""

    def __init__(self, question: Question) -> None:
        self._at = float("inf") if question.at is None else question.at
        self._time = float("-inf")
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

    `since` is what was said later, up to the moment in question, by the rules that look at them and for their keys.
    """

    events: tuple[tuple[int, Observed], ...]
    since: tuple[Alert, ...]
    left_out: int
    """How many earlier events of the same second are not explained."""


def explain_events(  # noqa: PLR0913, PLR0917 - events, and what is to be done with them
    events: Iterable[Event],
    parted: Parted,
    program: Loaded,
    default_channels: Sequence[str],
    picked: Picked,
    end: float,
) -> Explained:
    """Feed all events up to those that were picked, and say what rules make of these; then time goes on to `end`."""
    observer = Observer(parted, program, default_channels, picked.own_group)
    stream = enumerate(events)
    found = tuple(_observed(stream, observer, picked.numbers))
    since = [] if end == float("inf") else _since(stream, observer, end)
    keys = {(one.rule.name, one.key) for _, observed in found for one in observed.rules if one.looks}
    return Explained(found, tuple(alert for alert in since if (alert.rule, alert.key) in keys), picked.left_out)


def _observed(
    stream: Iterable[tuple[int, Event]], observer: Observer, numbers: Collection[int]
) -> Iterator[tuple[int, Observed]]:
    """What rules make of the events with these numbers; those after the last one are left in the stream."""
    left = len(numbers)
    while left:
        number, event = next(iter(stream))
        if number in numbers:
            left -= 1
            yield number, observer.observe(event)
        else:
            observer.pass_over(event)


def _since(stream: Iterable[tuple[int, Event]], observer: Observer, end: float) -> Iterator[Alert]:
    """What is said until `end`, in which further events may come."""
    for _, event in stream:
        if event.time >= end:
            break
        yield from observer.pass_over(event)
    yield from observer.advance(end)
