"""Patterns over time: what each kind remembers of the events it has seen, and when it fires.

1. A window of D ends just before it is D old: an event that came D ago is out of it, and one that comes D after another
   one is too late. So `then` and `without` are opposites.
2. What is remembered is per key, is bounded by the pattern's number, and is dropped at the latest two windows after the
   key's last event.
3. Times here are the engine's (see `engine`): they never go back.
4. `dump` gives all that is remembered, as values that JSON has, and `load` takes it: a track that was dumped and loaded
   does what it would have done.
"""

from array import array
from collections.abc import Callable
from typing import Any

from rules_listener.event.event import Event, Seen
from rules_listener.match.agenda import Agenda, Deadline
from rules_listener.match.firing import Pattern, Rule, Values
from rules_listener.match.stays import Stays

Fire = Callable[[Seen, str, Values], None]
"""What a track calls when its rule fires: with the event, the key, and what the pattern gives to templates."""


class Track:
    """What a rule without a pattern remembers: nothing."""

    def __init__(self, rule: Rule, rank: int, agenda: Agenda, stays: Stays, fire: Fire) -> None:
        self.rank = rank
        self._key = rule.key
        self._overall = rule.overall
        self._agenda = agenda
        self._stays = stays
        self._fire = fire
        self._pattern = rule.pattern or Pattern("", 0.0)
        self._duration = self._pattern.duration_s

    def begin(self, now: float, time: float) -> None:
        """The rule begins to be in force, with nothing remembered; `time` is what the clock shows."""

    def restarted(self, now: float, grace_s: float) -> None:
        """Events may have been missed; what still comes of them comes within `grace_s`."""

    def select(self, event: Seen, now: float) -> None:
        """An event came that the rule selects."""
        del now
        self._fire(event, self._key(event), {})

    def second(self, event: Seen, now: float) -> None:
        """An event came that the pattern's S selects."""

    def expire(self, deadline: Deadline, now: float) -> None:
        """A deadline of this track has come."""

    def forget(self, deadline: Deadline) -> None:
        """A deadline that was given up is no longer in the queue."""

    def dump(self) -> list[Any]:
        """All that is remembered."""
        return []

    def load(self, dumped: list[Any]) -> None:
        """Remember what was dumped."""


class Windows(Track):
    """Tables of what happened per key, swept once a window: the part that `times`, `distinct` and `then` share."""

    def __init__(self, rule: Rule, rank: int, agenda: Agenda, stays: Stays, fire: Fire) -> None:
        super().__init__(rule, rank, agenda, stays, fire)
        self._table: dict[str, Any] = {}
        self._sweep = Deadline(self, "")

    def _touched(self, now: float) -> None:
        """Something was noted: it will have to be swept away."""
        if self._sweep.due is None:
            self._agenda.set(self._sweep, now + self._duration)

    def expire(self, deadline: Deadline, now: float) -> None:
        """Drop the keys that have been idle for a window."""
        past = now - self._duration
        self._table = {key: noted for key, noted in self._table.items() if self._last(noted) > past}
        if self._table:
            self._agenda.set(deadline, now + self._duration)

    def _last(self, noted: Any) -> float:
        """When a key was last touched."""
        raise NotImplementedError

    def dump(self) -> list[Any]:
        """The table, and when it is swept."""
        return [self._sweep.due, [[key, self._plain(noted)] for key, noted in self._table.items()]]

    def load(self, dumped: list[Any]) -> None:
        """Remember what was dumped."""
        due, table = dumped
        self._table = {key: self._noted(plain) for key, plain in table}
        if due is not None:
            self._agenda.set(self._sweep, due)

    def _plain(self, noted: Any) -> Any:
        return noted

    def _noted(self, plain: Any) -> Any:
        return plain


class Times(Windows):
    """`N times in D`: the last N moments of each key."""

    def select(self, event: Seen, now: float) -> None:
        """Fire if the count within the window comes to N with this event."""
        key = self._key(event)
        moments = self._table.get(key)
        if moments is None:
            moments = self._table[key] = array("d")
            self._touched(now)
        number, past = self._pattern.number, now - self._duration
        is_full = len(moments) == number
        was_over = is_full and moments[0] > past
        if is_full:
            del moments[0]
        moments.append(now)
        if not was_over and len(moments) == number and moments[0] > past:
            self._fire(event, key, {"count": number, "window": self._duration, "first_time": moments[0]})

    def _last(self, noted: Any) -> float:
        return float(noted[-1])

    def _plain(self, noted: Any) -> Any:
        return noted.tolist()

    def _noted(self, plain: Any) -> Any:
        return array("d", plain)


class Distinct(Windows):
    """`N distinct FIELD in D`: the N values that each key had last, and when."""

    def select(self, event: Seen, now: float) -> None:
        """Fire if the number of values within the window comes to N with this event."""
        value = self._pattern.of(event) if self._pattern.of is not None else None
        if value is None:
            return
        key = self._key(event)
        values = self._table.setdefault(key, {})
        self._touched(now)
        past = now - self._duration
        before = [one for one, moment in values.items() if moment > past]
        values.pop(value, None)
        values[value] = now
        if len(values) > self._pattern.number:
            del values[next(iter(values))]
        if len(before) == self._pattern.number - 1 and value not in before:
            self._fire(event, key, {"count": self._pattern.number, "values": (*before, value)})

    def _last(self, noted: Any) -> float:
        return float(max(noted.values()))

    def _plain(self, noted: Any) -> Any:
        return list(noted.items())

    def _noted(self, plain: Any) -> Any:
        return {value: moment for value, moment in plain}  # noqa: C416 - pairs out of JSON are lists


class Then(Windows):
    """`then S within D`: when the last selected event of each key came."""

    def select(self, event: Seen, now: float) -> None:
        """Wait for S from now on."""
        self._table[self._key(event)] = now
        self._touched(now)

    def second(self, event: Seen, now: float) -> None:
        """Fire if it was waited for."""
        key = self._key(event)
        if self._table.pop(key, now - self._duration) > now - self._duration:
            self._fire(event, key, {})

    def _last(self, noted: Any) -> float:
        return float(noted)


class Pending(Deadline):
    """A deadline with the event that set it; `since` is when that came, `count` how many there were."""

    __slots__ = ("count", "event", "since")

    def __init__(self, owner: Track, key: str, event: Seen, since: float) -> None:
        super().__init__(owner, key)
        self.event = event
        self.since = since
        self.count = 1

    def dump(self) -> list[Any]:
        """All of it."""
        return [self.key, self.due, self.since, self.count, self.event.kept().packed()]


class Deadlines(Track):
    """One deadline per key: the part that `without`, `for` and `no` share."""

    def __init__(self, rule: Rule, rank: int, agenda: Agenda, stays: Stays, fire: Fire) -> None:
        super().__init__(rule, rank, agenda, stays, fire)
        self._table: dict[str, Pending] = {}

    def _await(self, key: str, event: Seen, now: float) -> Pending:
        """Set the deadline of `key`; one that was given up keeps its place in the queue."""
        pending = self._table.get(key)
        if pending is None:
            pending = self._table[key] = Pending(self, key, event, now)
        else:
            pending.event, pending.since, pending.count = event, now, 1
        self._agenda.set(pending, now + self._duration)
        return pending

    def forget(self, deadline: Deadline) -> None:
        """Drop a key that waits for nothing."""
        self._table.pop(deadline.key, None)

    def restarted(self, now: float, grace_s: float) -> None:
        """What would be due already waits for the events that supervisord has kept for us."""
        for pending in self._table.values():
            if pending.due is not None and pending.due < now + grace_s:
                self._agenda.set(pending, now + grace_s)

    def expire(self, deadline: Deadline, now: float) -> None:
        """Fire for the key."""
        pending = self._table.pop(deadline.key)
        values = {"elapsed": now - pending.since, "count": pending.count}
        self._fire(pending.event, self._fired_key(pending), values)

    def _fired_key(self, pending: Pending) -> str:
        return pending.key

    def dump(self) -> list[Any]:
        """Each deadline that is set."""
        return [pending.dump() for pending in self._table.values() if pending.due is not None]

    def load(self, dumped: list[Any]) -> None:
        """Set what was dumped."""
        for key, due, since, count, event in dumped:
            pending = self._await(key, Event.unpacked(event), since)
            pending.count = count
            if due is None:
                pending.due = None
            else:
                self._agenda.set(pending, due)


class Without(Deadlines):
    """`without S within D`: the first selected event of each key, until S."""

    def select(self, event: Seen, now: float) -> None:
        """Wait for S; if that is being done, the deadline stays."""
        key = self._key(event)
        pending = self._table.get(key)
        if pending is None or pending.due is None:
            self._await(key, event, now)
        else:
            pending.count += 1

    def second(self, event: Seen, now: float) -> None:
        """S came."""
        del now
        pending = self._table.get(self._key(event))
        if pending is not None:
            pending.due = None


class For(Deadlines):
    """`for D`: each process that is in the state into which the selected event brought it.

    The table is kept by process, whatever the rule's key is.
    """

    def select(self, event: Seen, now: float) -> None:
        """The process is in that state from now on."""
        self._stays.leave_with(event, self._await(event.process or "", event, now))

    def _fired_key(self, pending: Pending) -> str:
        return self._key(pending.event)

    def load(self, dumped: list[Any]) -> None:
        """Set what was dumped."""
        super().load(dumped)
        for pending in self._table.values():
            self._stays.leave_with(pending.event, pending)


class No(Deadlines):
    """`on no S for D`: the last S of each key; overall, the deadline is there from the beginning."""

    def begin(self, now: float, time: float) -> None:
        """Overall, wait for the first S."""
        if self._overall:
            self._await("", Event("LISTENER_STARTED", time, {}), now)

    def restarted(self, now: float, grace_s: float) -> None:
        """Nobody knows what came meanwhile: no deadline is nearer than D; overall, it is armed again."""
        del grace_s
        for pending in self._table.values():
            if pending.due is not None or self._overall:
                self._agenda.set(pending, now + self._duration)

    def select(self, event: Seen, now: float) -> None:
        """S came: the deadline moves."""
        self._await(self._key(event), event, now)

    def expire(self, deadline: Deadline, now: float) -> None:
        """Fire, once; overall, the last S stays known."""
        pending = self._table[deadline.key] if self._overall else self._table.pop(deadline.key)
        self._fire(pending.event, pending.key, {"elapsed": now - pending.since})

    def forget(self, deadline: Deadline) -> None:
        """Drop a key that waits for nothing; overall, the last S stays known."""
        if not self._overall:
            super().forget(deadline)

    def dump(self) -> list[Any]:
        """Each deadline, and overall what was known when it fired."""
        return [pending.dump() for pending in self._table.values() if pending.due is not None or self._overall]


TRACKS: dict[str, type[Track]] = {
    "": Track,
    "times": Times,
    "distinct": Distinct,
    "then": Then,
    "without": Without,
    "for": For,
    "no": No,
}
"""The kinds of patterns; the empty one stands for none."""
