"""Which receivers of a message have it already: a further try goes to the rest only.

It is remembered while the courier runs, for the last thousand messages; after that a receiver may get one twice.
"""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

MESSAGES = 1000


class Arrived:
    """The receivers that have a message, by its id."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_id: OrderedDict[str, set[str]] = OrderedDict()

    def rest(self, identifier: str, receivers: Iterable[str]) -> list[str]:
        """Those of the receivers that don't have the message."""
        with self._lock:
            done = self._by_id.get(identifier, set())
            return [receiver for receiver in receivers if receiver not in done]

    def note(self, identifier: str, receivers: Iterable[str], *, all_of_them: bool) -> None:
        """Remember that these have got the message; if nobody is left, there is nothing to remember."""
        with self._lock:
            if all_of_them:
                self._by_id.pop(identifier, None)
                return
            self._by_id.setdefault(identifier, set()).update(receivers)
            self._by_id.move_to_end(identifier)
            while len(self._by_id) > MESSAGES:
                self._by_id.popitem(last=False)
