"""Events go in, firings come out.

1. The engine does no I/O and asks no clock: time comes with the event.
2. The same program and the same events give the same firings, whoever feeds them.
3. Events of the listener's own group are seen only by rules that name it.
4. While supervisord is stopping, what rules say about processes is held back, with that as the reason: everything
   stops then, and nothing of it is news.
"""

from rules_listener.event.catalogue import CATALOGUE, UNLISTED
from rules_listener.event.event import Event
from rules_listener.match.firing import Firing
from rules_listener.match.program import Loaded

STOPPING = "supervisord is stopping"


class Engine:
    """A loaded program and what it remembers. `own_group` is the listener's own group, where it has one."""

    def __init__(self, program: Loaded, own_group: str = "") -> None:
        self.program = program
        self.supervisor_stopping = False
        self.own_group = own_group
        self._buckets = program.buckets
        self._other = program.buckets.get(UNLISTED)

    def feed(self, event: Event) -> list[Firing]:
        """The firings that `event` causes, in the order of the rules."""
        kind = event.type
        if kind.startswith("SUPERVISOR_STATE_CHANGE_"):
            self.supervisor_stopping = kind.endswith("STOPPING")
        bucket = self._buckets.get(kind) or (self._other if kind not in CATALOGUE else None)
        if bucket is None:
            return []
        hits = bucket(event)
        return self._firings(event, hits) if hits else []

    def _firings(self, event: Event, hits: list[int]) -> list[Firing]:
        rules = [self.program.rules[number] for number in sorted(hits)]
        if self.own_group and event.fields.get("groupname") == self.own_group:
            rules = [rule for rule in rules if self.own_group in rule.groups]
        key = event.process
        held = STOPPING if self.supervisor_stopping and key is not None else None
        return [Firing(rule, event, event.time, key or "", held=held) for rule in rules]
