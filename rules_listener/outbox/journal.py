"""The journal for those who only look: the frames that the listener keeps, as a recording.

It is read a part at a time, each with a connection of its own: neither the listener nor the courier's trimming waits
for whoever reads a long journal, and what is trimmed meanwhile is just not there any more.
"""

from collections.abc import Iterator
from pathlib import Path

from rules_listener.event.wire import Frame
from rules_listener.outbox.database import ReadOnlyDatabase
from rules_listener.outbox.store import Received

_PART = "SELECT n, time, header, payload FROM journal WHERE n > ? ORDER BY n LIMIT ?"
_PART_ROWS = 2000
_COUNT = "SELECT count(*) FROM journal"


def journal_length(folder: Path) -> int:
    """How many frames there are in the store in `folder`.

    Raises:
        StoreError: there is no store, or it can't be read.
    """
    ((count,),) = ReadOnlyDatabase(folder).rows(_COUNT)
    return int(count)


def read_journal(folder: Path) -> Iterator[list[Received]]:
    """All frames in the store in `folder`, the oldest first, in parts.

    Raises:
        StoreError: there is no store, or it can't be read.
    """
    database = ReadOnlyDatabase(folder)
    last = -1
    while rows := database.rows(_PART, (last, _PART_ROWS)):
        yield [Received(time, Frame(header, payload)) for _, time, header, payload in rows]
        last = rows[-1][0]
