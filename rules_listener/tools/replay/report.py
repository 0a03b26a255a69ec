"""Who plays a history and who is told of it: what they have to offer each other."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from rules_listener.event.event import Seen
from rules_listener.outbox.alert import Alert
from rules_listener.tools.replay.history import History, Played
from rules_listener.tools.replay.job import Task
from rules_listener.tools.replay.tally import Tally


class Division(NamedTuple):
    """The tasks of several jobs, and who is told of the alerts that come of them, in their order."""

    tasks: list[Task]
    tell: Callable[[list[Alert]], None]


class Player(Protocol):
    """Rules at work on a history."""

    def play(self, history: History, until: float) -> None:
        """Play a history, and let time go on to `until`; infinity: to its last event."""

    def own_group_is(self, group: str) -> None:
        """The listener that got the events belongs to this group."""

    def divide(self, parts: int, until: float) -> Division | str:
        """How so many jobs can share the work, or why one has to do it all."""

    def end(self, played: Played) -> bool:
        """Tell what came of it; whether that is something that the exit status has to say."""


class Report(Protocol):
    """Shows what rules say of a history. With `every_event`, it is told of events that cause nothing, too."""

    every_event: bool

    def take(self, event: Seen | None, alerts: Sequence[Alert]) -> None:
        """An event came, and these are the alerts up to it and because of it; None: these came of time alone."""

    def end(self, played: Played, tally: Tally) -> None:
        """That was all."""
