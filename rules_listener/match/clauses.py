"""The clauses of an alert: `until`, `remind` and `at most`; what is open, and what is held back or muted.

1. An alert is open for its key from the firing that opened it until S came and nothing spoke against it for D. Firings
   meanwhile are counted and held back, once one was sent; until then each of them is tried.
2. What speaks against closing: another firing, another event that the rule selects for the key, and, where S is about
   the states of processes, any other state of that process.
3. A recovery follows only what was sent, and no limit holds it back.
4. What `at most` holds back is counted, and the next notification says how many there were.
5. An alert that closes at the moment of a reminder is not reminded of.
6. An alert that was muted when it opened is open and untold. It is told when no mute hides it any more: at the mute's
   end, or when rules are loaded anew; then the other clauses decide about it as about a firing. Recoveries are exempt
   from mutes.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from rules_listener.base.digest import blake2b
from rules_listener.event.event import Event, Seen
from rules_listener.lang.literals import spell_duration
from rules_listener.match.agenda import Agenda, Deadline
from rules_listener.match.firing import Action, AtMost, Firing, Opening, Rule, Step
from rules_listener.match.routing import Silence
from rules_listener.match.runtime import show_time
from rules_listener.match.stays import Stays

ALREADY_OPEN = "already open since "
"""How the reason begins for which a firing of an open alert is held back; the moment follows, in ISO 8601."""

Emit = Callable[[Seen, str, Step], None]
"""What is called for a reminder or a recovery: with the event that it is about, and the key."""

Mutes = Callable[[Event], Silence | None]
"""Says whether the alert is muted now, if it is about an event; with engine time."""

Routes = Callable[[Event], tuple[str, ...]]
"""Says where the alert goes, if it is about an event; see `routing`."""


def limit_reason(number: int, duration_s: float) -> str:
    """Why `at most` holds something back."""
    return f"at most {number} per {spell_duration(duration_s)}"


class Limit:
    """`at most N per D`: the moments of the last N notifications, and how many were held back since."""

    def __init__(self, at_most: AtMost) -> None:
        self.reason = limit_reason(at_most.number, at_most.duration_s)
        self.suppressed = 0
        self._duration = at_most.duration_s
        self._moments: deque[float] = deque(maxlen=at_most.number)

    def take(self, now: float) -> bool:
        """Whether a notification may be sent now; if so, it counts as sent."""
        moments = self._moments
        if len(moments) == moments.maxlen and moments[0] > now - self._duration:
            self.suppressed += 1
            return False
        moments.append(now)
        return True

    def reset(self) -> int:
        """How many were held back; they are told now."""
        suppressed, self.suppressed = self.suppressed, 0
        return suppressed

    def dump(self) -> list[Any]:
        """All of it."""
        return [self.suppressed, list(self._moments)]

    def load(self, dumped: list[Any]) -> None:
        """Take what was dumped."""
        self.suppressed = dumped[0]
        self._moments.extend(dumped[1])


class Open:
    """An open alert: whether it was sent, and the deadlines of its next reminder and of its closing.

    `hidden` is why a mute keeps it untold; at `telling` that is asked again.
    """

    def __init__(self, clauses: "Clauses", key: str, opening: Opening, since: float) -> None:
        self.opening = opening
        self.since = since
        self.sent = False
        self.hidden: str | None = None
        self.wait_s = clauses.first_wait_s
        self.closing_event: Seen | None = None
        self.closing = Deadline(clauses, key)
        self.reminding = Deadline(clauses, key, 1)
        self.telling = Deadline(clauses, key, 2)

    def told(self, opening: Opening, now: float) -> None:
        """It was sent, in the words of `opening`."""
        self.opening, self.since, self.sent = opening, now, True
        self.unhide()

    def told_after(self, suppressed: int) -> None:
        """It was sent for the first time, and said that so many were held back before it, as its recovery will."""
        if suppressed:
            self.opening = self.opening._replace(values={**self.opening.values, "suppressed": suppressed})

    def unhide(self) -> None:
        """No mute keeps it untold."""
        self.hidden = self.telling.due = None

    def opening_at(self, now: float) -> Opening:
        """What opened it, with the time that has passed since, where the pattern gives that."""
        opening = self.opening
        elapsed = opening.values.get("elapsed")
        if not isinstance(elapsed, int | float):
            return opening
        return opening._replace(values={**opening.values, "elapsed": elapsed + now - self.since})


class Clauses:
    """What one action of a rule, an alert with clauses, remembers."""

    def __init__(  # noqa: PLR0913 - its place in the rule, and what it works with
        self,
        rule: Rule,
        number: int,
        rank: int,
        *,
        agenda: Agenda,
        stays: Stays,
        emit: Emit,
        mutes: Mutes,
        routes: Routes,
    ) -> None:
        action: Action = rule.actions[number]
        self.rank = rank
        self.number = number
        self.first_wait_s = action.remind.every_s if action.remind else 0.0
        self.open: dict[str, Open] = {}
        self._longest_wait_s = action.remind.longest_s if action.remind else 0.0
        self._until = action.until
        self._limit = Limit(action.at_most) if action.at_most else None
        self._key = rule.key
        self._agenda = agenda
        self._stays = stays
        self._emit = emit
        self._mutes = mutes
        self._routes = routes

    def fire(self, firing: Firing, now: float) -> Step:
        """What becomes of a firing."""
        found = self.open.get(firing.key)
        if found is not None:
            self._stay_open(found)
            if found.sent:
                reason = f"{ALREADY_OPEN}{show_time(found.opening.time)}"
                return Step(self.number, held=reason, channels=found.opening.channels)
        opening, channels = None, self._routes(firing.event)
        if self._until is not None:
            opening = Opening(self._id(firing), firing.time, firing.event, firing.values, channels)
            found = self._opened(firing.key, opening, now)
        if silence := self._mutes(firing.event):
            return self._muted(found, silence, channels)
        if found is not None:
            found.unhide()
        if not self._may_send(now):
            return Step(self.number, held=self._reason(), channels=channels)
        suppressed = self._told()
        if found is not None and opening is not None:
            found.told(opening, now)
            found.told_after(suppressed)
        return Step(self.number, suppressed=suppressed, opening=opening, channels=channels)

    def _muted(self, found: Open | None, silence: Silence, channels: tuple[str, ...]) -> Step:
        """A firing is muted; what it has opened is hidden."""
        if found is None:
            return Step(self.number, held=silence.reason, channels=channels)
        self._hide(found, silence)
        return Step(self.number, held=silence.reason, opening=found.opening, channels=found.opening.channels)

    def _hide(self, found: Open, silence: Silence) -> None:
        found.hidden, found.telling.due = silence.reason, None
        if silence.until is not None:
            self._agenda.set(found.telling, silence.until)

    def _id(self, firing: Firing) -> str:
        return blake2b(firing.identity + b" %d" % self.number, digest_size=10).hexdigest()

    def _opened(self, key: str, opening: Opening, now: float) -> Open:
        """The alert is open; what the last firing said is what stays open."""
        found = self.open.get(key)
        if found is None:
            found = self.open[key] = Open(self, key, opening, now)
            if self.first_wait_s:
                self._agenda.set(found.reminding, now + self.first_wait_s)
        return found

    def _may_send(self, now: float) -> bool:
        return self._limit is None or self._limit.take(now)

    def _reason(self) -> str | None:
        return self._limit.reason if self._limit else None

    def _told(self) -> int:
        return self._limit.reset() if self._limit else 0

    def reopen(self, event: Seen, now: float) -> None:
        """The rule selects this event: what is open for its key is not about to close."""
        del now
        if self.open and (found := self.open.get(self._key(event))) is not None:
            self._stay_open(found)

    def _stay_open(self, found: Open) -> None:
        """Something spoke against closing; the process that S was about matters no longer."""
        if found.closing.due is not None:
            found.closing.due = None
            if found.closing_event is not None and self._until is not None and self._until.of_states:
                self._stays.release(found.closing_event, found.closing)

    def close(self, event: Seen, now: float) -> None:
        """S came."""
        found = self.open.get(self._key(event)) if self.open else None
        if found is None or found.closing.due is not None or self._until is None:
            return
        found.closing_event = event
        if not self._until.duration_s:
            self._closed(found)
            return
        self._agenda.set(found.closing, now + self._until.duration_s)
        if self._until.of_states:
            self._stays.leave_with(event, found.closing)

    def _closed(self, found: Open) -> None:
        key = found.closing.key
        del self.open[key]
        found.reminding.due = found.closing.due = found.telling.due = None
        if found.sent and found.closing_event is not None:
            opening = found.opening
            self._emit(
                found.closing_event, key, Step(self.number, "recovery", opening=opening, channels=opening.channels)
            )

    def expire(self, deadline: Deadline, now: float) -> None:
        """It is time to close, to remind, or to tell what was muted."""
        found = self.open[deadline.key]
        if deadline is found.closing:
            self._closed(found)
            return
        silence = self._mutes(found.opening.event)
        if deadline is found.reminding:
            self._agenda.set(deadline, now + self._next_wait(found))
            self._say_again(found, "reminder", silence, now)
        elif silence is not None:
            self._hide(found, silence)
        else:
            self._say_again(found, "firing", None, now)

    def _say_again(self, found: Open, phase: str, silence: Silence | None, now: float) -> None:
        """Send what is open, unless a mute or the limit holds it back; what was not sent goes where it would now."""
        if not found.sent:
            found.opening = found.opening._replace(channels=self._routes(found.opening.event))
        opening = found.opening_at(now)
        held, suppressed = silence.reason if silence else None, 0
        if silence is None:
            found.unhide()
            if self._may_send(now):
                suppressed = self._told()
                if not found.sent:
                    found.told_after(suppressed)
                found.sent = True
            else:
                held = self._reason()
        step = Step(self.number, phase, held, suppressed, opening, opening.channels)
        self._emit(opening.event, found.closing.key, step)

    def _next_wait(self, found: Open) -> float:
        if self._longest_wait_s > self.first_wait_s:
            found.wait_s = min(found.wait_s * 2, self._longest_wait_s)
        return found.wait_s

    def forget(self, deadline: Deadline) -> None:
        """A deadline that was given up needs nothing more."""

    def restarted(self, now: float, grace_s: float) -> None:
        """What would be due already waits for the events that supervisord has kept for us."""
        for found in self.open.values():
            for deadline in (found.closing, found.reminding):
                if deadline.due is not None and deadline.due < now + grace_s:
                    self._agenda.set(deadline, now + grace_s)
        self.look_again(now + grace_s)

    def look_again(self, now: float) -> None:
        """Ask at `now` whether what is hidden is still muted: mutes or clocks may have changed."""
        for found in self.open.values():
            if found.hidden is not None:
                self._agenda.set(found.telling, now)

    def dump(self) -> list[Any]:
        """The open alerts and the limit, as values that JSON has."""
        return [
            [[key, *_dump_open(found)] for key, found in self.open.items()],
            self._limit.dump() if self._limit else None,
        ]

    def load(self, dumped: list[Any]) -> None:
        """Take what was dumped."""
        for key, opening, since, sent, hidden, wait_s, reminding, closing, telling, event in dumped[0]:
            found = self.open[key] = Open(self, key, _load_opening(opening), since)
            found.sent, found.hidden, found.wait_s = sent, hidden, wait_s
            found.closing_event = None if event is None else Event.unpacked(event)
            for deadline, due in ((found.reminding, reminding), (found.closing, closing), (found.telling, telling)):
                if due is not None:
                    self._agenda.set(deadline, due)
            if closing is not None and found.closing_event is not None and self._until and self._until.of_states:
                self._stays.leave_with(found.closing_event, found.closing)
        if self._limit is not None and dumped[1] is not None:
            self._limit.load(dumped[1])


def _dump_open(found: Open) -> list[Any]:
    opening, event = found.opening, found.closing_event
    return [
        [opening.id, opening.time, opening.event.packed(), _plain(opening.values), opening.channels],
        *(found.since, found.sent, found.hidden, found.wait_s),
        *(found.reminding.due, found.closing.due, found.telling.due),
        None if event is None else event.kept().packed(),
    ]


def _plain(values: object) -> list[Any]:
    """Values of a firing; the only tuple among them, `values`, is a list in JSON."""
    return list(dict(values).items())  # type: ignore[call-overload] # a mapping


def _load_opening(dumped: list[Any]) -> Opening:
    identifier, time, event, values, channels = dumped
    return Opening(
        identifier,
        time,
        Event.unpacked(event),
        {name: tuple(value) if isinstance(value, list) else value for name, value in values},
        tuple(channels),
    )
