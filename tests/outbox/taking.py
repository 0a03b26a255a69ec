"""The courier's side of the store as tests use it: one call for what a pass of the courier does before it sends."""

from collections.abc import Mapping

from rules_listener.outbox.queue import Claimed, Queue


class TakingQueue(Queue):
    """A queue that takes in and claims in one go."""

    def take(self, now: float, free: Mapping[str, int]) -> list[Claimed]:
        """Expand all new alerts, then claim."""
        while self.expand(now):
            pass
        return [claimed for series in self.claim(now, free) for claimed in series]
