"""Recordings, played to rules.

1. Events are handled in the order in which they were recorded, each once (`numbering`), and none is kept.
2. The clock stops at the last event, or at `until`, where that is given: no event after it is read.
3. The listener's own process is left out as it is live. Its group is that which is given or, in the journal of a
   listener, which alone has LISTENER_ events, that in the events' headers: it is named like the pool.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import inf
from typing import TypeVar

from rules_listener.event.catalogue import LISTENER_PREFIX
from rules_listener.event.event import Seen
from rules_listener.tools.replay.numbering import Numbering

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Played:
    """A history that was played: how many events, from when to when (None: there were none), how many came twice.

    `missing` is how many were discarded before they could be recorded, `unreadable` how many lines or frames could not
    be read.
    """

    events: int
    first: float | None
    last: float | None
    repeated: int = 0
    missing: int = 0
    unreadable: int = 0


class History:
    """Events in parts, to be played once.

    `own_group_is` is called when the group of the listener is found out; `is_journal` says that these are a listener's
    own events for certain.
    """

    def __init__(
        self,
        parts: Iterable[Sequence[Seen]],
        *,
        until: float = inf,
        is_journal: bool = False,
        own_group_is: Callable[[str], None] | None = None,
    ) -> None:
        self.events = 0
        """How many there were."""
        self.first: float | None = None
        self.last: float | None = None
        """The times of the first and the last one."""
        self.is_journal = is_journal
        self.numbering = Numbering()
        self._parts = parts
        self._until = until
        self._own_group_is = own_group_is

    @property
    def missing(self) -> int:
        """How many events were discarded before they could be recorded; a listener's journal tells that itself."""
        return 0 if self.is_journal else self.numbering.missing

    def play(
        self,
        feed: Callable[[Seen], Sequence[Found]],
        take: Callable[[Seen, Sequence[Found]], None],
        *,
        every_event: bool = False,
    ) -> None:
        """Call `feed` with each event; if anything comes of it, or with `every_event`, `take` with both."""
        numbering, previous = self.numbering, None
        usual = numbering.next
        for part in self._read():
            for event in part:
                if event.poolserial == usual:
                    usual += 1
                else:
                    numbering.next = usual
                    is_new, usual = self._is_new(event, previous), numbering.next
                    if not is_new:
                        continue
                previous = event
                if (found := feed(event)) or every_event:
                    take(event, found)

    def look(self, at: Callable[[Seen], object]) -> None:
        """Call `at` with each event."""

        def take(event: Seen, _: Sequence[object]) -> None:
            at(event)

        self.play(lambda _: (), take, every_event=True)

    def _read(self) -> Iterator[Sequence[Seen]]:
        """The parts, up to the end."""
        for whole in self._parts:
            part = whole if self._until == inf else list(takewhile(lambda event: event.time <= self._until, whole))
            if part:
                self.events += len(part)
                self.first = part[0].time if self.first is None else self.first
                self.last = part[-1].time
                yield part
            if len(part) < len(whole):
                return

    def _is_new(self, event: Seen, previous: Seen | None) -> bool:
        """Whether an event with an unusual number, or none, is to be handled."""
        if event.type.startswith(LISTENER_PREFIX):
            self.is_journal = True
        elif self.is_journal and self._own_group_is is not None and "pool" in event.header:
            self._own_group_is(str(event.header["pool"]))
            self._own_group_is = None
        return self.numbering.is_new(event, previous)

    def played(self, unreadable: int = 0) -> Played:
        """What was played, where so much could not be read."""
        repeated = self.numbering.repeated
        return Played(self.events - repeated, self.first, self.last, repeated, self.missing, unreadable)
