"""Which open alerts a channel was given: they are sent again to receivers that forget.

1. An alert is open if the engine remembered it when that was last written down, and no recovery of it is in the store.
   So nothing is said again after its recovery, and what a reload has dropped is not said again either.
2. What is said again is the last firing or reminder that was not held back, whatever became of its delivery, unless
   that was dropped by hand: of several receivers one may have it while the delivery waits for the others.
3. Nothing is written.
"""

from rules_listener.outbox.channel import Message
from rules_listener.outbox.database import Database
from rules_listener.outbox.queue import MESSAGE, claimed
from rules_listener.outbox.schema import PLACES
from rules_listener.outbox.trim import open_incidents

_LAST = "SELECT coalesce(max(n), 0) FROM alerts"
_NEW = (
    "SELECT n, incident, phase FROM alerts WHERE n > ? AND n <= ? AND incident IS NOT NULL"
    " AND (held IS NULL OR phase = 'recovery') ORDER BY n"
)
_GIVEN = f"{MESSAGE} WHERE d.n BETWEEN ? AND ? AND d.channel = ? AND d.state NOT IN ('held', 'dropped')"


class Again:
    """What is to be sent again, out of the store in `database`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = 0
        """The last alert that was looked at."""
        self._said: dict[str, int] = {}
        """For each incident without a recovery, the alert that said it last."""

    def messages(self, channel: str) -> list[Message]:
        """The open alerts that `channel` was given, those that the engine remembers first.

        Raises:
            StoreError: the file can't be read.
        """
        self._look()
        alerts = [self._said[incident] for incident in open_incidents(self._database) if incident in self._said]
        return [message for alert in alerts for message in self._given(alert, channel)]

    def _look(self) -> None:
        """Take in the alerts that are new."""
        ((last,),) = self._database.rows(_LAST)
        for alert, incident, phase in self._database.rows(_NEW, (self._last, last)):
            if phase == "recovery":
                self._said.pop(incident, None)
            else:
                self._said[incident] = alert
        self._last = last

    def _given(self, alert: int, channel: str) -> list[Message]:
        first = alert * PLACES
        return [claimed(row).message for row in self._database.rows(_GIVEN, (first, first + PLACES - 1, channel))]
