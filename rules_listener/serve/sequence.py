"""Which events are new, which come again, and how many supervisord has discarded.

1. supervisord numbers a pool's events when it accepts them, and discards the oldest when its buffer is full: a number
   that never comes is a lost event (`supervisor/process.py: _acceptEvent`).
2. Numbers may come out of order: an event that another listener rejected is put before those that wait, under a new
   number. So a number that is left out is missing at first, and lost only once nothing waits any more.
3. An event that comes again has a number that was there before. It has been handled, and is not handled again.
4. A number that goes back while `serial` goes on means that supervisord was reloaded: a new epoch, nothing lost.
5. If it is not known when supervisord started, the first event tells whether it is still the same: what comes again has
   the numbers of the last event, and nothing else has lower ones.
"""

from collections.abc import Iterator

from rules_listener.outbox.position import Epoch, Position
from rules_listener.serve.supervisord import Life


class Sequence:
    """The numbers of one pool. `acknowledged` is up to where all is done, `committed` the last event with alerts."""

    def __init__(self, life: Life, acknowledged: Position | None, committed: Position | None) -> None:
        self._guesses = not life.is_certain
        """Whether the first event has yet to tell if this is the supervisord that is known."""
        self._life = life = _known_life(life, acknowledged or committed)
        known = [position for position in (acknowledged, committed) if position and position.epoch[:2] == life]
        self._epoch = known[0].epoch if known else None
        self._serial = max((position.serial for position in known), default=-1)
        self._highest = known[0].poolserial if known else -1
        self._missing: list[range] = []
        self.came_late = False
        """Whether the last new event has a lower number than one before it."""
        if len(known) > 1 and known[1].poolserial > self._highest:
            self._advance(known[1].poolserial)

    @property
    def is_whole(self) -> bool:
        """Whether no number was left out so far."""
        return not self._missing

    @property
    def highest(self) -> Position | None:
        """The position beyond which no event has come; None before the first one."""
        return self._epoch and Position(self._epoch, self._serial, self._highest)

    def take(self, pool: str, serial: int, poolserial: int) -> Position | None:
        """The position of a new event; None for one that comes again."""
        if self._guesses:
            self._guess(serial, poolserial)
        epoch = self._epoch
        if epoch is None or pool != epoch.pool or self._is_reload(serial, poolserial):
            self._epoch = epoch = Epoch(*self._life, pool)
            self._highest, self._serial = -1, serial
            self._missing = []
        if poolserial > self._highest:
            self._advance(poolserial)
            self.came_late = False
        elif self._found(poolserial):
            self.came_late = True
        else:
            return None
        self._serial = max(self._serial, serial)
        return Position(epoch, serial, poolserial)

    def _guess(self, serial: int, poolserial: int) -> None:
        """Begin anew if the first event shows that this is another supervisord."""
        self._guesses = False
        if self._epoch is not None and (serial < self._serial or poolserial < self._highest):
            self._life, self._epoch = self._life.following, None

    def went_on(self, serial: int, poolserial: int) -> None:
        """Say that all numbers up to that of this event came, one after the other, and nobody asked."""
        self._serial, self._highest = max(self._serial, serial), max(self._highest, poolserial)

    def _is_reload(self, serial: int, poolserial: int) -> bool:
        if poolserial > self._highest or serial <= self._serial:
            return False
        return not any(poolserial in numbers for numbers in self._missing)

    def _advance(self, poolserial: int) -> None:
        if poolserial > self._highest + 1:
            self._missing.append(range(self._highest + 1, poolserial))
        self._highest = poolserial

    def _found(self, poolserial: int) -> bool:
        """Take a number off the missing ones; whether it was one of them."""
        if not any(poolserial in numbers for numbers in self._missing):
            return False
        self._missing = [part for numbers in self._missing for part in _without(numbers, poolserial)]
        return True

    def lose(self) -> int:
        """Say that what is missing will not come any more; how many events that is."""
        lost = sum(map(len, self._missing))
        self._missing = []
        return lost


def _known_life(life: Life, known: Position | None) -> Life:
    """The life that goes on: if nobody knows when this one began, that of the position that is known."""
    last = Life(*known.epoch[:2]) if known is not None else life
    return last if not life.is_certain and life.may_be(last) else life


def _without(numbers: range, number: int) -> Iterator[range]:
    if number not in numbers:
        yield numbers
        return
    for part in (range(numbers.start, number), range(number + 1, numbers.stop)):
        if part:
            yield part
