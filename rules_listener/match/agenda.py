"""What will happen when nothing else does: deadlines, in the order in which they come.

1. A deadline has one place in the queue, however often it is put off, given up and set again: what is put off finds its
   new place when its old one comes up.
2. Deadlines of the same moment come in the order of their owners' ranks, then of their keys, then of their own `order`;
   nothing else decides it.
"""

from heapq import heappop, heappush
from itertools import count
from typing import Protocol


class Owner(Protocol):
    """Who set a deadline. `rank` is its place among those that are due at the same moment."""

    rank: int

    def expire(self, deadline: "Deadline", now: float) -> None:
        """The deadline has come, at `now`."""

    def forget(self, deadline: "Deadline") -> None:
        """The deadline was given up, and has no place in the queue any more."""


class Deadline:
    """Something that `owner` does for `key` at `due` (engine time, in seconds); never while that is None.

    `order` tells those apart that one owner has for the same key: the lower one comes first.
    """

    __slots__ = ("due", "key", "order", "owner", "queued")

    def __init__(self, owner: Owner, key: str, order: int = 0) -> None:
        self.owner = owner
        self.key = key
        self.order = order
        self.due: float | None = None
        self.queued: float | None = None
        """The moment of its place in the queue."""


class Agenda:
    """All deadlines."""

    def __init__(self) -> None:
        self.queue: list[tuple[float, int, str, int, int, Deadline]] = []
        """The places that are taken, with what stands at each."""
        self._numbers = count()

    def set(self, deadline: Deadline, due: float) -> None:
        """Let the deadline be at `due`, whatever it was before."""
        deadline.due = due
        if deadline.queued is None or due < deadline.queued:
            self._push(deadline, due)

    def next(self) -> float | None:
        """When the next deadline is; None if there is none."""
        return self.queue[0][0] if self._settle() else None

    def pop(self, now: float) -> tuple[float, Deadline] | None:
        """The next deadline up to `now` with its moment, no longer set; None if there is none."""
        if not self.queue or self.queue[0][0] > now or not self._settle() or self.queue[0][0] > now:
            return None
        moment, *_, deadline = heappop(self.queue)
        deadline.due = deadline.queued = None
        return moment, deadline

    def _push(self, deadline: Deadline, due: float) -> None:
        deadline.queued = due
        heappush(self.queue, (due, deadline.owner.rank, deadline.key, deadline.order, next(self._numbers), deadline))

    def _settle(self) -> bool:
        """Bring the deadline that comes next to the front; whether there is one."""
        queue = self.queue
        while queue:
            moment, *_, deadline = queue[0]
            if deadline.queued == moment:
                if deadline.due == moment:
                    return True
                deadline.queued = None
                if deadline.due is None:
                    deadline.owner.forget(deadline)
                else:
                    self._push(deadline, deadline.due)
            heappop(queue)
        return False
