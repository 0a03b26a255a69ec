"""Which deadlines hold only as long as a process stays in its state.

1. Any PROCESS_STATE event of a process, and the removal of its group, gives up its deadlines here.
2. One that has come stays here until then: there is at most one of each owner for a process.
"""

from rules_listener.event.event import Seen
from rules_listener.match.agenda import Deadline

_Process = tuple[object, object]


class Stays:
    """Deadlines by process."""

    def __init__(self) -> None:
        self._deadlines: dict[_Process, list[Deadline]] = {}

    def leave_with(self, event: Seen, deadline: Deadline) -> None:
        """Give up `deadline` when the process of `event` leaves the state that it is in."""
        self._deadlines.setdefault(_process(event), []).append(deadline)

    def release(self, event: Seen, deadline: Deadline) -> None:
        """`deadline` has nothing to do with the process of `event` any more."""
        self._deadlines[_process(event)].remove(deadline)

    def left(self, event: Seen) -> None:
        """The process of a PROCESS_STATE event has left its state."""
        if self._deadlines:
            _give_up(self._deadlines.pop(_process(event), []))

    def group_removed(self, event: Seen) -> None:
        """The group of a PROCESS_GROUP_REMOVED event is gone, and so are all its processes."""
        group = event.groupname
        for process in [process for process in self._deadlines if process[0] == group]:
            _give_up(self._deadlines.pop(process))


def _process(event: Seen) -> _Process:
    return event.groupname, event.processname


def _give_up(deadlines: list[Deadline]) -> None:
    for deadline in deadlines:
        deadline.due = None
