"""Two sets of rules over the same history: what the one sends and the other does not.

In go, step by step, the alerts of both; out come differences, in the order of their times: of what moved, the new one.

1. Only what is sent counts. What the one sends and the other holds back was added or removed, and the reason is said.
2. Alerts are compared that come of the same step: of the same rule (`pairing`), for the same key, in the same phase. Of
   several, those that say the same belong together.
3. What has no counterpart waits for one at another time, as long as either rule waits for anything: together they are
   one alert that moved. Memory does not grow with the history beyond that.
4. The id of a delivery is no difference, also where a text has it.
"""

from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from math import inf

from rules_listener.match.firing import Rule
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.tools.replay.pairing import Pairs, Row

_Slot = tuple[object, ...]
_Content = tuple[object, ...]


class Change(StrEnum):
    """What became of an alert."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


@dataclass(slots=True)
class Difference:
    """An alert that is another one: what the old rules send, and what the new ones do; None: nothing.

    `parts` says what differs: `time`, `severity`, `channels`, `text`. `held` is why the other side holds it back.
    """

    old: Alert | None
    new: Alert | None
    parts: tuple[str, ...] = ()
    held: str | None = None

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.old is None:
            return Change.ADDED
        if self.new is None:
            return Change.REMOVED
        return Change.MOVED if "time" in self.parts else Change.CHANGED

    @property
    def alert(self) -> Alert:
        """The new alert or, if there is none, the old one."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 - there is one of them
        return found


@dataclass(slots=True, eq=False)
class _Waiting:
    """An alert without a counterpart; its difference is settled when it has one, and certain when `until` is over."""

    difference: Difference
    slot: _Slot
    time: float
    until: float
    settled: bool = False


class Comparison:
    """Compares the alerts of two sets of rules."""

    def __init__(self, old: Sequence[Rule], new: Sequence[Rule]) -> None:
        self.same = 0
        """How many alerts both sets send."""
        self.counts: Counter[tuple[Row, Change]] = Counter()
        """How many differences there are, by rule."""
        self._pairs = Pairs(old, new)
        self.rows: Sequence[Row] = self._pairs.rows
        """Which rules belong together."""
        self._in_order: deque[_Waiting] = deque()
        self._by_slot: dict[_Slot, deque[_Waiting]] = {}

    def step(self, old: Sequence[Alert], new: Sequence[Alert]) -> Iterator[Difference]:
        """The differences that are certain now that both sets gave these alerts at the same step."""
        olds = self._slots(old, self._pairs.old)
        news = self._slots(new, self._pairs.new)
        slots = dict.fromkeys(chain(olds, news))
        found = [one for slot in slots for one in self._compared(slot, olds.get(slot, []), news.get(slot, []))]
        for one in found:
            insort(self._in_order, one, key=_time)
        return self._certain(max(alert.time for alert in chain(old, new)))

    def end(self) -> Iterator[Difference]:
        """All other differences: there is nothing more to wait for."""
        return self._certain(inf)

    def _slots(self, alerts: Iterable[Alert], numbers: dict[str, int]) -> dict[_Slot, list[Alert]]:
        """Alerts by what has to be the same for them to be compared."""
        slots: dict[_Slot, list[Alert]] = {}
        for alert in alerts:
            number = numbers.get(alert.rule)
            event = repr(alert.event) if number is None else ""
            slots.setdefault((number, event, alert.key, alert.phase, alert.kind), []).append(alert)
        return slots

    def _compared(self, slot: _Slot, old: list[Alert], new: list[Alert]) -> Iterator[_Waiting]:
        """What is different, without what has a counterpart that waits already."""
        olds, news = _sent(old), _sent(new)
        self.same += len(_take_pairs(olds, news, lambda alert: (alert.time, content(alert))))
        for first, second in _take_pairs(olds, news, lambda alert: alert.time):
            yield _Waiting(Difference(first, second, parts(first, second)), slot, first.time, first.time, settled=True)
        alone = [Difference(alert, None, held=_reason(new)) for alert in olds]
        alone += [Difference(None, alert, held=_reason(old)) for alert in news]
        for found in sorted(alone, key=lambda one: one.alert.time):
            waiting = self._joined_or_waiting(slot, found, found.alert.time)
            if waiting is not None:
                yield waiting

    def _joined_or_waiting(self, slot: _Slot, found: Difference, time: float) -> _Waiting | None:
        """None if there is a counterpart."""
        others = self._by_slot.setdefault(slot, deque())
        while others and others[0].until < time:
            others.popleft()
        if others and (others[0].difference.old is None) != (found.old is None):
            self._join(others.popleft(), found)
            return None
        number = slot[0] if isinstance(slot[0], int) else None
        others.append(_Waiting(found, slot, time, time + self._pairs.move_s(number)))
        return others[-1]

    def _join(self, waiting: _Waiting, found: Difference) -> None:
        """What waits and what was found are one alert, which moved: its place is the time of the new one."""
        one = waiting.difference
        old, new = one.old or found.old, one.new or found.new
        waiting.settled = True
        if old is not None and new is not None:
            waiting.difference = Difference(old, new, parts(old, new))
            self._move(waiting, new.time)

    def _move(self, waiting: _Waiting, time: float) -> None:
        is_in_order = waiting in self._in_order
        if is_in_order:
            self._in_order.remove(waiting)
        waiting.time = time
        if is_in_order:
            insort(self._in_order, waiting, key=_time)

    def _certain(self, now: float) -> Iterator[Difference]:
        while self._in_order and (self._in_order[0].settled or self._in_order[0].until < now):
            found = self._in_order.popleft()
            self._forget(found)
            self.counts[self._row(found.difference), found.difference.change] += 1
            yield found.difference

    def _row(self, found: Difference) -> Row:
        rows = self._pairs.row_of_old if found.new is None else self._pairs.row_of_new
        return rows[found.alert.rule]

    def _forget(self, found: _Waiting) -> None:
        waiting = self._by_slot.get(found.slot)
        if waiting and waiting[0] is found:
            waiting.popleft()
        if waiting is not None and not waiting:
            del self._by_slot[found.slot]


def _time(waiting: _Waiting) -> float:
    return waiting.time


def _take_pairs(olds: list[Alert], news: list[Alert], of: Callable[[Alert], object]) -> list[tuple[Alert, Alert]]:
    """Take out pairs of alerts that have something in common."""
    found = []
    for old in list(olds):
        new = next((one for one in news if of(one) == of(old)), None)
        if new is not None:
            found.append((old, new))
            olds.remove(old)
            news.remove(new)
    return found


def _sent(alerts: Iterable[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.held is None]


def _reason(alerts: Iterable[Alert]) -> str | None:
    """Why the first of some alerts that are held back is."""
    return next((alert.held for alert in alerts if alert.held is not None), None)


def parts(old: Alert, new: Alert) -> tuple[str, ...]:
    """What differs between two alerts."""
    sides = [_parts(alert) for alert in (old, new)]
    return tuple(name for name in sides[0] if sides[0][name] != sides[1][name])


def _parts(alert: Alert) -> dict[str, object]:
    return {
        "time": alert.time,
        "severity": alert.severity,
        "channels": [delivery.channel for delivery in alert.deliveries],
        "text": list(dict.fromkeys(map(_without_id, alert.deliveries))),
    }


def content(alert: Alert) -> _Content:
    """All of an alert that its receivers see."""
    return alert.severity, [(delivery.channel, _without_id(delivery)) for delivery in alert.deliveries]


def _without_id(delivery: Delivery) -> tuple[str, ...]:
    texts = (delivery.text, *delivery.arguments)
    return tuple(text.replace(delivery.id, "{id}") for text in texts)
