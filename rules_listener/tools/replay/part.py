"""A part of the processes of a history, played as if the rest were there: what one of several jobs does.

1. Events of a process belong to one part; those of no process go to all of them, and so does what time it is.
2. A part tells of the alerts about its own processes; the first part, of those about none.
3. A place says where an alert stands among those of all parts: after which event, and there by its deadline. Sorted by
   it, they are in the order in which one job would tell of them.
"""

from collections.abc import Sequence
from zlib import crc32

from rules_listener.event.event import Seen
from rules_listener.lang import checked
from rules_listener.match.firing import Firing
from rules_listener.outbox.alert import Alert
from rules_listener.serve.dryrun import DryRun

Place = tuple[int, bool, float, int, str]
Found = tuple[Place, list[Alert]]


def why_not_divided(rules: checked.RuleSet) -> str | None:
    """Why a history can't be divided by processes for these rules; None if it can."""
    for rule in rules.rules:
        if any(action.at_most is not None for action in rule.actions):
            return f"`{rule.name}` counts all processes together (at most)"
        if _keeps_by_key(rule) and "process" not in {key.name for key in rule.keys}:
            keys = ", ".join(key.name for key in rule.keys)
            return f"`{rule.name}` keeps what it knows {f'per {keys}' if keys else 'overall'}, not per process"
    return None


def _keeps_by_key(rule: checked.Rule) -> bool:
    """Whether a rule remembers anything by its key; how long a process is in a state is kept by process anyway."""
    waits = rule.pattern is not None and rule.pattern.kind != "for"
    return waits or any(action.until is not None for action in rule.actions)


class _Owners(dict[str | None, int]):
    """The parts that processes belong to; those of no process, which go to all, are told of by the first."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self._parts = parts

    def __missing__(self, process: str | None) -> int:
        """Find out where a process belongs, by its name alone."""
        owner = self[process] = crc32((process or "").encode("utf-8", "surrogatepass")) % self._parts
        return owner


class Part:
    """Part `number` (from 0) of so many."""

    def __init__(self, run: DryRun, number: int, parts: int) -> None:
        self._run = run
        self._number = number
        self._owners = _Owners(parts)
        self._events = 0
        self._found: list[Found] = []

    def feed(self, event: Seen) -> list[Firing]:
        """What comes of an event, or of the time, if the event is another part's."""
        self._events += 1
        if (process := event.process) and self._owners[process] != self._number:
            return self._run.engine.let_pass(event)
        return self._run.engine.feed(event)

    def advance(self, time: float) -> None:
        """Let time go on to the end."""
        self._events += 1
        self.take(None, self._run.engine.advance(time))

    def take(self, event: Seen | None, firings: Sequence[Firing]) -> None:
        """Some rules fired."""
        del event
        for firing in firings:
            if self._owners[firing.event.process] == self._number:
                self._found.append((self._place(firing), self._run.alerts([firing])))

    def found(self) -> list[Found]:
        """The alerts since the last time, in their order."""
        found, self._found = self._found, []
        return found

    def own_group_is(self, group: str) -> None:
        """The listener that got the events belongs to this group."""
        self._run.engine.own_group = group

    def _place(self, firing: Firing) -> Place:
        due = firing.due
        return (self._events, True, 0.0, 0, "") if due is None else (self._events, False, *due)
