"""Events go in, firings come out.

1. The engine does no I/O and asks no clock: time comes with the event, or with `advance`.
2. The same program and the same events give the same firings, whoever feeds them. What lies between the events makes
   no difference: deadlines fire at their own moments, before the first event that is not earlier.
3. Within the engine time only goes forward. It follows the events' time, but for a clock that was changed:
   LISTENER_CLOCK_CHANGED says by how much, and a step back of more than a second is one, too. Of more than a year
   between two events nobody knows whether it has passed: that is taken for a time in which no listener was running.
4. Events of the listener's own group are seen only by rules that name it.
5. While supervisord is stopping, what rules say about processes is held back, with that as the reason: everything
   stops then, and nothing of it is news. A listener that starts means that it does not stop, whatever was said before:
   then it starts nothing (`supervisor/process.py: transition`), and its RUNNING may be lost.
6. After LISTENER_STARTED, what is overdue waits three seconds more: first come the events that supervisord has kept.
   What was due before the time that the listener was down has fired then.
7. What a mute hides is looked at again when the mute ends, when the clock was changed, and after LISTENER_STARTED and
   LISTENER_RULES_RELOADED, which may have brought other mutes.
8. If a rule raises something, which is a bug, its event is given up; what other rules have said by then comes out with
   whatever is fed next: their alerts are open, so it must not be lost. A deadline that raises does not come again.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from math import inf
from typing import Any, NamedTuple

from rules_listener.base.clock import LAST_MOMENT
from rules_listener.event.catalogue import CATALOGUE, LISTENER_PREFIX, UNLISTED
from rules_listener.event.event import Event, Seen
from rules_listener.match.agenda import Agenda
from rules_listener.match.clauses import Clauses
from rules_listener.match.firing import Action, Due, Firing, Rule, Step, Values
from rules_listener.match.patterns import TRACKS, Track
from rules_listener.match.program import MAIN, REOPEN, SECOND, UNTIL, Bucket, Loaded, lasts
from rules_listener.match.routing import Routing, Silence
from rules_listener.match.stays import Stays

STOPPING = "supervisord is stopping"
RESTART_GRACE_S = 3.0
"""supervisord hands out what it has kept once the listener is RUNNING, `startsecs` (1 s by default) after its start, or
up to a second later: it looks once a second (`supervisor/supervisord.py: runforever`)."""
STEP_BACK_S = 1.0
GAP_S = 366 * 86400.0
"""More than this between two events is no quiet time, but a clock that was set, or a recording that was cut."""
PORTION = 1000

FORMAT = 2
"""The format of what `dump` gives; anything else is not adopted."""

_STATE = "PROCESS_STATE_"
_DECIMALS = 6
"""Of a moment that a mute is asked for: what is added for a clock that was set, and taken away again, leaves a rest."""
_MOST_MS = int(LAST_MOMENT) * 1000
_RANKS = 1002
"""How many owners of deadlines a rule may have: its pattern, and each of its actions."""


class Adopted(NamedTuple):
    """What became of an earlier engine's state: names of rules that keep it, that begin anew, that are gone.

    `open_alerts` is how many alerts of those that are gone were open.
    """

    kept: tuple[str, ...]
    anew: tuple[str, ...]
    closed: tuple[str, ...]
    open_alerts: int


class OpenAlert(NamedTuple):
    """An alert that is open: of which rule, for which key, since when (seconds since 1970), and whether it was sent.

    `incident` is its name, as alerts have it; `muted` why a mute hides it, None if none does.
    """

    rule: str
    key: str
    since: float
    sent: bool
    incident: str
    muted: str | None = None


def open_alerts(dumped: dict[str, Any]) -> list[OpenAlert]:
    """The open alerts in what an engine remembered, the oldest first."""
    found = [
        OpenAlert(name, key, opening[1], sent, opening[0], hidden)
        for tracks in (dumped["rules"].values() if dumped["format"] == FORMAT else ())
        for name, _, opened in tracks
        for alerts, _ in opened.values()
        for key, opening, _, sent, hidden, *_ in alerts
    ]
    return sorted(found, key=lambda one: one.since)


_Kind = tuple[Bucket | None, Callable[[Seen], None] | None]
"""What is done with events of a type: which rules they may concern, what else they mean.

A plain tuple: to unpack it is part of the price of every event.
"""


class Engine:
    """A loaded program and what it remembers. `own_group` is the listener's own group, where it has one."""

    def __init__(self, program: Loaded, own_group: str = "") -> None:
        self.program = program
        self.supervisor_stopping = False
        self.own_group = own_group
        self._buckets = program.buckets
        self._other = program.buckets.get(UNLISTED)
        self._agenda = Agenda()
        self._queue = self._agenda.queue
        self._stays = Stays()
        self._now: float | None = None
        self._ahead = 0.0
        """The engine's time minus the time that clocks show."""
        self._horizon = -inf
        """An event from there on may be the first of all, or after a gap: it is looked at more closely."""
        self._out: list[Firing] = []
        self.take_portion: Callable[[list[Firing]], None] | None = None
        """Takes firings of deadlines as soon as there are `PORTION` of them; else all come with the next event."""
        self._routing = Routing(program) if program.routes or program.mutes else None
        self._due: Due | None = None
        self._tracks = [self._track(number, rule) for number, rule in enumerate(program.rules)]
        self._clauses = [self._clauses_of(number, rule) for number, rule in enumerate(program.rules)]
        self._handlers = [self._handler(rule, role) for rule, role in program.triggers]
        self._kinds = {name: self._kind(name) for name in CATALOGUE if not name.startswith(LISTENER_PREFIX)}
        """Of supervisord's own types; others are rare, and may tell of time itself."""

    # events and time

    def feed(self, event: Seen) -> list[Firing]:
        """The firings up to `event` and those that it causes; those of one moment in the order of the rules."""
        last, now = self._now, event.time + self._ahead
        try:
            bucket, note = self._kinds[event.type]
        except KeyError:
            (bucket, note), now = self._kind(event.type), inf
        if now >= self._horizon or now < last:  # type: ignore[operator] # without a last moment, all is beyond the horizon
            now = self._arrived(event)
        queue = self._queue
        if queue and queue[0][0] <= now:
            self._expire(now)
        self._now = now
        if note is not None:
            note(event)
        if bucket is not None and (hits := bucket(event)):
            self._match(event, hits, now)
        return self._taken() if self._out else []

    def let_pass(self, event: Seen) -> list[Firing]:
        """The firings up to `event`, which itself concerns no rule and no process here; it only tells the time."""
        last, now = self._now, event.time + self._ahead
        if now >= self._horizon or now < last:  # type: ignore[operator] # as above
            now = self._pass(event.time)
        queue = self._queue
        if queue and queue[0][0] <= now:
            self._expire(now)
        self._now = now
        return self._taken() if self._out else []

    def advance(self, time: float) -> list[Firing]:
        """The firings of all deadlines up to `time` (seconds since 1970, as clocks show it); none if that is over."""
        if self._now is not None and time + self._ahead < self._now:
            return []
        now = self._reach(time)
        self._expire(now)
        self._now = now
        return self._taken()

    @property
    def shown_time(self) -> float | None:
        """The last moment that it knows of, in seconds since 1970 as clocks showed it; None if there is none."""
        return None if self._now is None else self._now - self._ahead

    def next_deadline(self) -> float | None:
        """When something will happen if no event comes, in seconds since 1970 as clocks show it; None: never."""
        due = self._agenda.next()
        return None if due is None else due - self._ahead

    def _kind(self, name: str) -> _Kind:
        """What is done with events of a type."""
        note: Callable[[Seen], None] | None = None
        if name.startswith("SUPERVISOR_STATE_CHANGE_"):
            note = self._note_supervisor
        elif name.startswith(_STATE) and any(map(lasts, self.program.rules)):
            note = self._stays.left
        elif name == "PROCESS_GROUP_REMOVED":
            note = self._stays.group_removed
        bucket = self._buckets.get(name) or (self._other if name not in CATALOGUE else None)
        return bucket, note

    def _note_supervisor(self, event: Seen) -> None:
        self.supervisor_stopping = event.type.endswith("STOPPING")

    def _arrived(self, event: Seen) -> float:
        """The engine's time when an event comes that tells of time itself, or not a moment soon after the last one."""
        if event.type == "LISTENER_CLOCK_CHANGED" and self._now is not None:
            self._ahead -= _seconds(event, "by_ms") or 0.0
        if event.type == "LISTENER_STARTED":
            return self._started(event)
        now = self._pass(event.time)
        if event.type in ("LISTENER_RULES_RELOADED", "LISTENER_CLOCK_CHANGED"):
            self._look_again(now)
        return now

    def _pass(self, time: float, down_s: float = 0.0) -> float:
        """The engine's time at an event; for `down_s` of it no listener was running, as is known."""
        last, now = self._now, self._reach(time)
        if last is not None and now - down_s - last > GAP_S:
            self._resume(now)
        self._horizon = now + GAP_S
        return now

    def _reach(self, time: float) -> float:
        """The engine's time when clocks show `time`."""
        now = time + self._ahead
        if self._now is None:
            self._begin(now, time)
            return now
        if now >= self._now:
            return now
        if now < self._now - STEP_BACK_S:
            self._ahead += self._now - now
        return self._now

    def _begin(self, now: float, time: float) -> None:
        self._now = now
        for track in self._tracks:
            track.begin(now, time)

    def _started(self, event: Seen) -> float:
        """The engine's time when the listener starts."""
        down_s = _seconds(event, "down_ms")
        now = self._pass(event.time, down_s or 0.0)
        if down_s is not None:
            self._expire(min(now, now - down_s))
        self.supervisor_stopping = False
        self._resume(now)
        return now

    def _resume(self, now: float) -> None:
        """Nobody knows what came before: what is overdue waits for what supervisord may have kept."""
        for owner in self._owners():
            owner.restarted(now, RESTART_GRACE_S)

    def _look_again(self, now: float) -> None:
        for one in chain.from_iterable(clauses.values() for clauses in self._clauses):
            one.look_again(now)

    def _owners(self) -> Iterator[Track | Clauses]:
        for track, clauses in zip(self._tracks, self._clauses, strict=True):
            yield track
            yield from clauses.values()

    def _expire(self, now: float) -> None:
        while (found := self._agenda.pop(now)) is not None:
            self._now, deadline = found
            self._due = Due(self._now, deadline.owner.rank, deadline.key)
            try:
                deadline.owner.expire(deadline, self._now)
            finally:
                self._due = None
            if len(self._out) >= PORTION and self.take_portion is not None:
                self.take_portion(self._taken())

    def _match(self, event: Seen, hits: list[int], now: float) -> None:
        if len(hits) > 1:
            hits.sort()
        if self.own_group and event.groupname == self.own_group:
            rules, triggers = self.program.rules, self.program.triggers
            hits = [hit for hit in hits if self.own_group in rules[triggers[hit][0]].groups]
        handlers = self._handlers
        for hit in hits:
            handlers[hit](event, now)

    def _taken(self) -> list[Firing]:
        firings, self._out = self._out, []
        return firings

    # rules

    def _track(self, number: int, rule: Rule) -> Track:
        kind = TRACKS[rule.pattern.kind if rule.pattern is not None else ""]

        def fire(event: Seen, key: str, values: Values) -> None:
            self._fire(number, event, key, values)

        return kind(rule, number * _RANKS + 1, self._agenda, self._stays, fire)

    def _clauses_of(self, number: int, rule: Rule) -> dict[int, Clauses]:
        def emit(event: Seen, key: str, step: Step) -> None:
            opening = step.opening
            values = opening.values if opening is not None else {}
            self._out.append(Firing(rule, event.kept(), self._shown(), key, values, None, (step,), self._due))

        clauses = partial(Clauses, rule, agenda=self._agenda, stays=self._stays, emit=emit)
        return {
            place: clauses(
                place,
                number * _RANKS + 2 + place,
                mutes=partial(self._silence, rule, action),
                routes=partial(self._channels, rule, action),
            )
            for place, action in enumerate(rule.actions)
            if action.has_clauses
        }

    def _handler(self, rule: int, role: int) -> Callable[[Seen, float], None]:
        if role == MAIN:
            return self._tracks[rule].select
        if role == SECOND:
            return self._tracks[rule].second
        if role >= UNTIL:
            return self._clauses[rule][role - UNTIL].close
        assert role == REOPEN  # noqa: S101 - there are no other roles
        return self._reopen(rule)

    def _reopen(self, rule: int) -> Callable[[Seen, float], None]:
        clauses = tuple(self._clauses[rule].values())

        def reopen(event: Seen, now: float) -> None:
            for one in clauses:
                one.reopen(event, now)

        return reopen

    def _fire(self, number: int, event: Seen, key: str, values: Values) -> None:
        rule = self.program.rules[number]
        if self._ahead and "first_time" in values:
            values = {**values, "first_time": values["first_time"] - self._ahead}  # type: ignore[operator] # a time
        held = STOPPING if self.supervisor_stopping and event.process is not None else None
        firing = Firing(rule, event.kept(), self._shown(), key, values, held, due=self._due)
        clauses = self._clauses[number]
        if self._routing is not None or (clauses and held is None):
            steps = tuple(self._step(firing, place, clauses.get(place)) for place in range(len(rule.actions)))
            firing = firing._replace(steps=steps)
        self._out.append(firing)

    def _step(self, firing: Firing, place: int, clauses: Clauses | None) -> Step:
        """What becomes of one action of a firing."""
        rule, action = firing.rule, firing.rule.actions[place]
        if action.kind != "alert":
            return Step(place, held=firing.held)
        if clauses is not None and firing.held is None:
            return clauses.fire(firing, self._now or 0.0)
        silence = self._silence(rule, action, firing.event) if firing.held is None else None
        held = silence.reason if silence is not None else firing.held
        return Step(place, held=held, channels=self._channels(rule, action, firing.event))

    def _channels(self, rule: Rule, action: Action, event: Event) -> tuple[str, ...]:
        """Where a route sends an alert; empty where none decides."""
        return () if self._routing is None else self._routing.channels(rule, action, event)

    def _silence(self, rule: Rule, action: Action, event: Event) -> Silence | None:
        """Whether an alert is muted now, and up to when, in the engine's time."""
        if self._routing is None:
            return None
        found = self._routing.silence(rule, action, event, round(self._shown(), _DECIMALS))
        return found if found is None or found.until is None else found._replace(until=found.until + self._ahead)

    def _shown(self) -> float:
        return (self._now or 0.0) - self._ahead

    # what is remembered

    def dump(self) -> dict[str, Any]:
        """All that the engine remembers, as values that JSON has."""
        states: dict[str, list[Any]] = {}
        for rule, track, clauses in zip(self.program.rules, self._tracks, self._clauses, strict=True):
            dumped = [rule.name, track.dump(), {str(action): one.dump() for action, one in clauses.items()}]
            states.setdefault(rule.meaning, []).append(dumped)
        return {
            "format": FORMAT,
            "now": self._now,
            "ahead": self._ahead,
            "stopping": self.supervisor_stopping,
            "rules": states,
        }

    def adopt(self, dumped: dict[str, Any]) -> Adopted:
        """Remember what an earlier engine did, as far as there are rules with the same meaning."""
        if dumped["format"] != FORMAT:
            return Adopted((), tuple(rule.name for rule in self.program.rules), (), 0)
        self.supervisor_stopping, self._ahead, self._now = dumped["stopping"], dumped["ahead"], dumped["now"]
        states = {meaning: list(found) for meaning, found in dumped["rules"].items()}
        kept, anew = [], []
        for rule, track, clauses in zip(self.program.rules, self._tracks, self._clauses, strict=True):
            found = states.get(rule.meaning)
            if not found:
                anew.append(rule.name)
                if self._now is not None:
                    track.begin(self._now, self._shown())
                continue
            _, tracked, opened = found.pop(0)
            track.load(tracked)
            for action, one in clauses.items():
                one.load(opened[str(action)])
            kept.append(rule.name)
        gone = [dumped for left in states.values() for dumped in left]
        open_alerts = sum(len(alerts) for _, _, opened in gone for alerts, _ in opened.values())
        return Adopted(tuple(kept), tuple(anew), tuple(name for name, *_ in gone), open_alerts)


def _seconds(event: Seen, name: str) -> float | None:
    """What a field of the listener's own events, in milliseconds, comes to; no clock is set by more than there is."""
    value = event.fields.get(name)
    return None if value is None else max(-_MOST_MS, min(int(value), _MOST_MS)) / 1000
