"""What the tests of the outbox share: alerts made to measure, and a state folder."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random

import pytest

from rules_listener.event.event import Event
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.outbox.database import Database
from rules_listener.outbox.store import Store
from tests.outbox.taking import TakingQueue

_numbers = count(1)


def _make_alert(  # noqa: PLR0913 - each is what one test or another is about
    key: str = "web:nginx",
    *channels: str,
    time: float = 1000.0,
    kind: str = "alert",
    text: str = "web:nginx crashed",
    cause: str = "PROCESS_STATE_EXITED",
    held: str | None = None,
) -> Alert:
    event = Event(cause, time, {"processname": "nginx", "groupname": "web", "pid": 7}, None, {"serial": 3})
    deliveries = tuple(Delivery(f"id{next(_numbers)}", channel, text) for channel in channels or ("ops",))
    return Alert(time, "crash_loop", key, kind, "error", event, deliveries, held)


@pytest.fixture(scope="session")
def make_alert() -> Callable[..., Alert]:
    """Makes an alert for a key and channels, with ids that are used once."""
    return _make_alert


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder that is not there yet."""
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    """The listener's side of an empty store."""
    store = Store(folder)
    yield store
    store.close()


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    """A second connection to the same store."""
    database = Database(folder)
    yield database
    database.close()


@pytest.fixture
def queue(database: Database) -> TakingQueue:
    """The courier's side of the same store."""
    return TakingQueue(database, random=Random(1))  # noqa: S311 - a test repeats itself
