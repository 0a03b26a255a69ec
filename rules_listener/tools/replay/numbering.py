"""Which recorded events came twice, and how many are missing, by the numbers that supervisord gave them.

1. An event that was not answered is sent again, before any other, under its old numbers. The listener does not handle
   it again, and neither does a replay: it is left out.
2. What is missing was discarded before it could be recorded (`serve/sequence.py`). A number that came before, of
   another event, is that of another supervisord: then they begin anew.
"""

from rules_listener.event.event import Seen
from rules_listener.outbox.position import Epoch, Position
from rules_listener.serve.sequence import Sequence
from rules_listener.serve.supervisord import Life

_ANY_LIFE = Life(0, 0.0)


class Numbering:
    """Follows the numbers of a recording. `next` is the number of the next event, if nothing is unusual."""

    def __init__(self) -> None:
        self.next = -1
        self.repeated = 0
        """How many events came twice."""
        self._missing = 0
        self._sequence: Sequence | None = None

    @property
    def missing(self) -> int:
        """How many events are missing; after that, none of them is waited for any more."""
        self._missing += self._sequence.lose() if self._sequence is not None else 0
        return self._missing

    def is_new(self, event: Seen, last: Seen | None) -> bool:
        """Whether an event is to be handled, whose number is not `next`; `last` is the one before it."""
        if event.poolserial is None:
            return True
        if last is not None and last.poolserial is not None and self._sequence is not None:
            self._sequence.went_on(*_serials(last))
        if self._sequence is None or not self._takes(self._sequence, event):
            if last is not None and _is_same(event, last):
                self.repeated += 1
                return False
            self._begin(event)
        return True

    def _takes(self, sequence: Sequence, event: Seen) -> bool:
        before = sequence.highest
        if before is None or before.epoch.pool != _pool(event):
            return False
        if sequence.take(_pool(event), *_serials(event)) is None:
            return False
        self.next = (sequence.highest or before).poolserial + 1
        return True

    def _begin(self, event: Seen) -> None:
        """An event is the first of its supervisord; what came before it is nobody's loss."""
        self._missing = self.missing
        serial, poolserial = _serials(event)
        before = Position(Epoch(*_ANY_LIFE, _pool(event)), serial - 1, poolserial - 1)
        self._sequence = Sequence(_ANY_LIFE, before, None)
        self._takes(self._sequence, event)


def _pool(event: Seen) -> str:
    return str(event.header.get("pool", ""))


def _serials(event: Seen) -> tuple[int, int]:
    return int(event.header.get("serial", 0)), int(event.header["poolserial"])


def _is_same(event: Seen, last: Seen) -> bool:
    return (event.type, event.header, event.fields, event.data) == (last.type, last.header, last.fields, last.data)
