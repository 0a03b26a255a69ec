"""What is deleted is old, and waits for nothing."""

from collections.abc import Callable

import pytest

from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import GaveUp, Sent
from rules_listener.outbox.database import Database
from rules_listener.outbox.store import Received, Store
from rules_listener.outbox.trim import DAY_S, Limits, open_incidents
from tests.outbox.taking import TakingQueue

NOW = 1000 * DAY_S
PAYLOAD = b"x" * 1000


def _trim(queue: TakingQueue, limits: Limits) -> None:
    while queue.trim(NOW, limits):
        pass


def test_old_frames_go(store: Store, queue: TakingQueue) -> None:
    """The journal keeps the frames of the last days, however many there were before."""
    old = [Received(NOW - 8 * DAY_S, Frame(b"old", PAYLOAD))] * 1000
    new = [Received(NOW - 6 * DAY_S, Frame(b"new", PAYLOAD))] * 10
    store.journal(old + new)
    _trim(queue, Limits(journal_days=7))
    assert list(store.history(0)) == new


def test_the_last_frame_stays(store: Store, queue: TakingQueue, database: Database) -> None:
    """However old it is, the journal keeps its last frame, so that its numbers go on beyond that of the memory."""
    old = [Received(NOW - 8 * DAY_S + n, Frame(b"old", PAYLOAD)) for n in range(1000)]
    store.journal(old, state="{}")
    _trim(queue, Limits(journal_bytes=0))
    assert list(store.history(0)) == old[-1:]
    new = Received(NOW, Frame(b"new", PAYLOAD))
    store.journal([new])
    ((frame,),) = database.rows("SELECT frame FROM memory")
    assert list(store.history_after(frame)) == [new]


@pytest.mark.parametrize("state", ["{", "[]", "7", "{}", '{"format": 1}'])
def test_memory_that_cant_be_read_says_of_no_open_alert(store: Store, database: Database, state: str) -> None:
    """Nobody knows then what is open, and the courier goes on."""
    store.journal([], state=state)
    assert open_incidents(database) == []


def test_the_journal_keeps_to_its_size(store: Store, queue: TakingQueue) -> None:
    """Beyond its size the journal loses its oldest frames; its size is known across trims and new frames."""
    rows = [Received(NOW + n, Frame(b"%d" % n, PAYLOAD)) for n in range(1000)]
    for _ in range(3):
        store.journal(rows)
        _trim(queue, Limits(journal_bytes=100_000))
        kept = list(store.history(0))
        assert kept == rows[-len(kept) :]
        assert 95 <= len(kept) <= 97


def test_what_waits_stays_and_what_is_settled_goes(
    store: Store, queue: TakingQueue, database: Database, make_alert: Callable[..., Alert]
) -> None:
    """Old alerts that were sent or held go; those that wait, are being sent or were given up lately stay."""
    old = NOW - 30 * DAY_S
    for key in ("sent", "given up", "long given up", "sending", "waiting"):
        store.commit([make_alert(key, time=old)], None, time=old)
    store.commit([make_alert("held", time=old, held="at most 1 per 1h")], None, time=old)
    store.commit([make_alert("two", "ops", "pager", time=old)], None, time=old)
    claims = {claimed.message.key: claimed.n for claimed in queue.take(old, {"ops": 9, "pager": 0})}
    queue.settle([(claims["sent"], Sent()), (claims["given up"], GaveUp("no")), (claims["two"], Sent())], NOW)
    queue.settle([(claims["long given up"], GaveUp("no"))], NOW - 91 * DAY_S)
    with database as execute:
        execute("UPDATE deliveries SET state = 'waiting', due = 0 WHERE key = 'waiting'")
    store.commit([make_alert("recent", time=NOW)], None, time=NOW)
    queue.expand(NOW)
    _trim(queue, Limits())
    keys = [key for (key,) in database.rows("SELECT key FROM alerts ORDER BY n")]
    assert keys == ["given up", "sending", "waiting", "two", "recent"]
    deliveries = database.rows("SELECT key, state FROM deliveries ORDER BY n")
    assert deliveries == [
        ("given up", "given_up"),
        ("sending", "sending"),
        ("waiting", "waiting"),
        ("two", "sent"),
        ("two", "waiting"),
        ("recent", "waiting"),
    ]


def test_the_last_dead_frames_are_kept(store: Store, queue: TakingQueue, database: Database) -> None:
    """Dead frames are kept for 90 days, and no more than 1000 of them."""
    with database as execute:
        rows = [(NOW - 91 * DAY_S,)] * 5 + [(NOW,)] * 1010
        for row in rows:
            execute("INSERT INTO dead (time, reason, header, payload) VALUES (?, '', x'', x'')", row)
    _trim(queue, Limits())
    assert database.rows("SELECT count(*), min(time) FROM dead") == [(1000, NOW)]
    store.bury(Frame(b"", b""), "why", time=NOW - 91 * DAY_S)
    _trim(queue, Limits())
    assert database.rows("SELECT count(*), min(time) FROM dead") == [(999, NOW)]


def test_trimming_an_empty_store_does_nothing(queue: TakingQueue) -> None:
    """There is nothing to delete, and no more to come."""
    assert queue.trim(NOW, Limits()) is False
