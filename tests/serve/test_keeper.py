"""What is kept while the store fails, and what is said about it."""

import mmap
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.base.clock import ManualClock
from rules_listener.base.errors import StoreError
from rules_listener.event.event import Event
from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.counters import TAIL
from rules_listener.outbox.database import Row
from rules_listener.outbox.rows import alert_rows
from rules_listener.outbox.store import Dead, Failure, Received, Store
from rules_listener.outbox.tail import Tail
from rules_listener.serve.keeper import ALERTS_S, BATCH_ALERTS, BATCH_ROWS, BATCH_S, RETRY_S, Keeper
from rules_listener.serve.restore import Left
from rules_listener.serve.timing import Timing

FRAME = Frame(b"header", b"payload")
TAIL_BYTES = 100_000
SMALL = 3_000
"""A tail with room for a dozen alerts."""


class FakeStore:
    """A store that works until it is told to fail."""

    def __init__(self) -> None:
        self.trouble = ""
        self.keys: list[str] = []
        self.rows: list[float] = []
        self.counts: Counter[str] = Counter()
        self.buried: list[str] = []
        self.closed = False
        self.tries = 0
        self.tails: list[int] = []
        self.notes: dict[str, int] = {}
        self.states: list[str] = []
        self.taken: list[int] = []
        self.generation = 0

    def _work(self) -> None:
        self.tries += 1
        if self.trouble:
            raise StoreError(self.trouble)

    def commit_rows(self, rows: Sequence[Row]) -> None:
        """Keep alerts."""
        self._work()
        self.keys += [row[2] for row in rows]

    def journal(  # noqa: PLR0913 - the store's
        self,
        rows: Sequence[Received],
        *,
        counts: Mapping[str, int],
        notes: Mapping[str, int] = MappingProxyType({}),
        alerts: Sequence[Row] = (),
        dead: Sequence[Dead] = (),
        taken_failures: Sequence[int] = (),
        state: str | None = None,
    ) -> None:
        """Keep frames and counts, and what is remembered."""
        self._work()
        self.keys += [row[2] for row in alerts]
        self.tails += [notes[TAIL]] if TAIL in notes else []
        self.buried += [one.reason for one in dead]
        self.taken += taken_failures
        self.notes.update(notes)
        self.states += [] if state is None else [state]
        self.rows += [row.time for row in rows]
        self.counts.update(counts)

    def journalled_tail(self) -> int:
        """What it was told."""
        self._work()
        return self.generation

    def failures(self) -> list[Failure]:
        """One failure, always."""
        self._work()
        return [Failure(1, "ops", "reason", 3)]

    def close(self) -> None:
        """Note the end."""
        self.closed = True


@pytest.fixture
def store() -> FakeStore:
    """A store that works."""
    return FakeStore()


@pytest.fixture
def keeper(store: FakeStore, clock: ManualClock, reports: list[str]) -> Keeper:
    """A keeper with a tail that survives, and room in memory for some forty small alerts."""
    return _keeper(store, clock, reports, 50_000)


def _keeper(  # noqa: PLR0913 - what a keeper stands between
    store: FakeStore,
    clock: ManualClock,
    reports: list[str],
    limit: int,
    *,
    in_batches: bool = True,
    tail: Tail | None = None,
) -> Keeper:
    return Keeper(
        *(cast("Store", store), tail or Tail(mmap.mmap(-1, TAIL_BYTES)), clock),
        memory_limit=limit,
        report=reports.append,
        committed=lambda: reports.append("committed"),
        in_batches=in_batches,
    )


def _keep(keeper: Keeper, *keys: object) -> None:
    keeper.keep(Received(0.0, FRAME), "TICK_5", [_alert(key) for key in keys], None)


def _alert(key: object) -> Alert:
    return Alert(0.0, "rule", str(key), "alert", "error", Event("TICK_5", 0.0, {}), ())


def test_where_nothing_may_wait(store: FakeStore, clock: ManualClock, reports: list[str]) -> None:
    """Without batches, the alerts are in the store when `keep` returns, and the courier is woken."""
    keeper = _keeper(store, clock, reports, 50_000, in_batches=False)
    _keep(keeper, 1, 2)
    assert store.keys == ["1", "2"]
    assert reports == ["committed"]


def test_alerts_are_written_together(store: FakeStore, keeper: Keeper, clock: ManualClock, reports: list[str]) -> None:
    """What comes within some milliseconds is one transaction, frames and alerts; then the courier is woken, once."""
    for number in range(10):
        _keep(keeper, number)
    assert (store.tries, keeper.due) == (0, clock.monotonic() + ALERTS_S)
    clock.advance(ALERTS_S)
    keeper.work()
    assert store.keys == [str(number) for number in range(10)]
    assert (store.tries, len(store.rows), reports) == (1, 10, ["committed"])


def test_what_can_not_wait_is_written_after_what_waits(store: FakeStore, keeper: Keeper) -> None:
    """A failure that was taken is committed with its alerts at once, and so is all that came before."""
    _keep(keeper, 1)
    keeper.take_failures([7], alert_rows([_alert(2)], None, 0.0), [Received(5.0, FRAME)], "FAILED")
    assert (store.keys, store.taken, store.rows) == (["1", "2"], [7], [0.0, 5.0])
    assert store.counts == {"event:TICK_5": 1, "event:FAILED": 1}


def test_alerts_without_a_frame(store: FakeStore, keeper: Keeper, clock: ManualClock) -> None:
    """What time alone caused is kept; there is nothing for the journal."""
    keeper.keep(Received(0.0, Frame(b"", b"")), "", [_alert(1)], None)
    clock.advance(ALERTS_S)
    keeper.work()
    assert (store.keys, store.rows) == (["1"], [])


def test_a_store_that_recovers(store: FakeStore, keeper: Keeper, clock: ManualClock, reports: list[str]) -> None:
    """What came while the store failed is written at once, in its order; trouble and recovery are reported once."""
    store.trouble = "the disk is full"
    for number in range(5):
        _keep(keeper, number)
        clock.advance(RETRY_S)
        keeper.work()
    assert reports == ["the store can't be written, alerts wait in memory: the disk is full"]
    assert store.keys == []
    store.trouble = ""
    _keep(keeper, 5)
    assert store.keys == []
    clock.advance(RETRY_S)
    keeper.work()
    assert store.keys == ["0", "1", "2", "3", "4", "5"]
    assert reports[1:] == ["committed", "the store works again; no alert was lost"]
    assert len(store.rows) == 6
    _keep(keeper, 6)
    keeper.flush()
    assert store.keys[-1] == "6"


def test_the_store_is_tried_once_a_second(store: FakeStore, keeper: Keeper, clock: ManualClock) -> None:
    """While the store fails, events cost no try: there is one a second."""
    store.trouble = "full"
    _keep(keeper, -1)
    clock.advance(ALERTS_S)
    for number in range(100):
        keeper.work()
        _keep(keeper, number)
    assert store.tries == 1
    assert keeper.due == clock.monotonic() + RETRY_S
    clock.advance(RETRY_S)
    keeper.work()
    assert store.tries == 2


def test_what_does_not_fit_is_dropped_and_counted(store: FakeStore, clock: ManualClock, reports: list[str]) -> None:
    """Beyond `memory_limit` the oldest of what the tail had no room for is dropped; its number is said and counted."""
    keeper = _keeper(store, clock, reports, 10_000, tail=Tail(bytearray(SMALL)))
    store.trouble = "full"
    for number in range(100):
        _keep(keeper, number)
    keeper.flush()
    store.trouble = ""
    clock.advance(RETRY_S)
    keeper.work()
    kept = [int(key) for key in store.keys]
    first = kept.index(next(number for number in range(100) if number not in kept) - 1) + 1
    assert kept == [*range(first), *range(100 - len(kept) + first, 100)]
    assert 5 < first < len(kept) < 100
    assert reports[-1] == f"the store works again; {100 - len(kept)} alerts had to be dropped"
    clock.advance(BATCH_S)
    keeper.work()
    assert store.counts["dropped"] == 100 - len(kept)


STEPS = st.lists(st.sampled_from(["alert", "alert", "alert", "fail", "work", "second", "dead"]), max_size=60)


@given(steps=STEPS, in_batches=st.booleans(), size=st.sampled_from([SMALL // 3, SMALL, TAIL_BYTES]))
def test_nothing_is_lost_within_the_limit(steps: list[str], in_batches: bool, size: int) -> None:  # noqa: FBT001 - drawn
    """However the store fails and recovers, all alerts come into it once, in their order."""
    store, clock, reports = FakeStore(), ManualClock(), list[str]()
    keeper = _keeper(store, clock, reports, 10_000_000, in_batches=in_batches, tail=Tail(bytearray(size)))
    keys: list[str] = []
    for step in steps:
        match step:
            case "alert":
                keys.append(str(len(keys)))
                _keep(keeper, keys[-1])
            case "dead":
                keeper.bury(FRAME, "dead")
            case "second":
                clock.advance(RETRY_S)
                keeper.work()
            case _:
                store.trouble = "full" if step == "fail" else ""
    store.trouble = ""
    keeper.close()
    assert store.keys == keys
    assert len(store.buried) == steps.count("dead")
    assert store.closed
    complaints = [text for text in reports if "can't be written" in text]
    assert len(complaints) - 1 <= sum("works again" in text for text in reports) <= len(complaints)


def test_the_journal_is_written_in_batches(store: FakeStore, keeper: Keeper, clock: ManualClock) -> None:
    """Frames are written after half a second, or when there are many; counters go with them."""
    keeper.journal(Received(1.0, FRAME), "TICK_5")
    keeper.count("lost", 3)
    assert store.rows == []
    due = keeper.due
    assert due == clock.monotonic() + BATCH_S
    clock.advance(BATCH_S)
    keeper.work()
    assert store.rows == [1.0]
    assert store.counts == {"event:TICK_5": 1, "lost": 3}
    assert keeper.due is None
    for number in range(BATCH_ROWS):
        keeper.journal(Received(float(number), FRAME), "TICK_5")
    assert keeper.is_full
    keeper.flush()
    assert len(store.rows) == 1 + BATCH_ROWS
    assert store.tails == [1, 2]


def test_a_frame_for_which_the_tail_has_no_room_is_written_at_once(store: FakeStore, keeper: Keeper) -> None:
    """What the tail takes after what was before it is written waits there; what it can't take at all does not wait."""
    keeper.journal(Received(1.0, Frame(b"header", bytes(60_000))), "TICK_5")
    keeper.journal(Received(2.0, Frame(b"header", bytes(60_000))), "TICK_5")
    assert store.rows == [1.0]
    keeper.journal(Received(3.0, Frame(b"header", bytes(200_000))), "TICK_5")
    assert store.rows == [1.0, 2.0, 3.0]


def test_what_the_engine_remembers_is_written_now_and_then(
    store: FakeStore, keeper: Keeper, clock: ManualClock
) -> None:
    """It goes with the journal every ten seconds, more rarely if it takes long, at once on request, and at the end."""
    takes = [0.0]

    def remembered() -> str:
        clock.advance(takes[0])
        return f"at {clock.time() - 1_764_000_000:g}"

    def pass_(seconds: float) -> None:
        keeper.journal(Received(1.0, FRAME), "TICK_5")
        clock.advance(seconds)
        keeper.work()

    keeper.remembered = remembered
    pass_(5)
    pass_(5)
    pass_(5)
    assert store.states == ["at 10"]
    takes[0] = 0.5
    pass_(6)
    pass_(40)
    pass_(20)
    assert store.states == ["at 10", "at 21.5", "at 82"]
    takes[0] = 0.0
    keeper.remember_soon()
    clock.advance(49)
    keeper.work()
    assert store.states[3:] == []
    clock.advance(2)
    keeper.work()
    keeper.remember_soon()
    keeper.work()
    keeper.close()
    assert store.states[3:] == ["at 133", "at 133", "at 133"]


def test_counters_survive_trouble(store: FakeStore, keeper: Keeper, clock: ManualClock, reports: list[str]) -> None:
    """What the journal and its counters have to keep waits while the store fails; recovery needs no further event."""
    store.trouble = "full"
    keeper.journal(Received(1.0, FRAME), "TICK_5")
    clock.advance(BATCH_S)
    keeper.work()
    assert len(reports) == 1
    store.trouble = ""
    clock.advance(RETRY_S)
    keeper.work()
    clock.advance(BATCH_S)
    keeper.work()
    assert (store.counts["event:TICK_5"], store.rows) == (1, [1.0])
    assert reports[-1] == "the store works again; no alert was lost"
    assert keeper.due is None


def test_what_is_noted_and_timed_is_written_with_the_journal(
    store: FakeStore, keeper: Keeper, clock: ManualClock, reports: list[str]
) -> None:
    """Notes and timed answers reach the store with the next batch, or once it works again; each is written once."""
    keeper.timing = Timing(clock)
    store.trouble = "full"
    keeper.note("loaded_ms", 7)
    keeper.timing.begin()
    keeper.timing.end()
    clock.advance(BATCH_S)
    keeper.work()
    assert (store.notes, store.counts, len(reports)) == ({}, {}, 1)
    store.trouble = ""
    clock.advance(RETRY_S)
    keeper.work()
    assert store.notes == {"loaded_ms": 7, TAIL: 1}
    assert store.counts["answered:10"] == 1
    keeper.note("loaded_ms", 8)
    keeper.flush()
    assert (store.notes["loaded_ms"], store.counts["answered:10"]) == (8, 1)


def test_dead_frames_wait_as_well(store: FakeStore, keeper: Keeper, clock: ManualClock) -> None:
    """A dead frame that can't be kept now is kept later."""
    store.trouble = "full"
    keeper.bury(FRAME, "no event")
    store.trouble = ""
    clock.advance(RETRY_S)
    keeper.work()
    assert store.buried == ["no event"]


def test_failures_are_taken_when_the_store_works(store: FakeStore, keeper: Keeper, clock: ManualClock) -> None:
    """Failures that can't be taken off the store are not raised: they would be raised for ever."""
    assert keeper.failures() == [Failure(1, "ops", "reason", 3)]
    store.trouble = "full"
    assert keeper.failures() is None
    store.trouble = ""
    assert keeper.failures() is None
    clock.advance(RETRY_S)
    keeper.work()
    assert keeper.failures() is not None


def test_failures_that_could_not_be_taken_wait(store: FakeStore, keeper: Keeper, clock: ManualClock) -> None:
    """What failures caused waits with the failures while the store fails; what comes later does not overtake it."""
    store.trouble = "full"
    keeper.take_failures([7], alert_rows([_alert(1)], None, 0.0), [Received(5.0, FRAME)], "FAILED")
    _keep(keeper, 2)
    store.trouble = ""
    clock.advance(RETRY_S)
    keeper.work()
    assert (store.keys, store.taken) == (["1", "2"], [7])


def test_what_waits_in_memory_is_written_in_parts(store: FakeStore, clock: ManualClock, reports: list[str]) -> None:
    """When the store works again, some of what waits is one transaction, and events may come before the next."""
    keeper = _keeper(store, clock, reports, 10_000_000, tail=Tail(bytearray(SMALL)))
    store.trouble = "full"
    for number in range(3 * BATCH_ALERTS):
        _keep(keeper, number)
    store.trouble = ""
    clock.advance(RETRY_S)
    written = []
    while keeper.due is not None and keeper.due <= clock.monotonic():
        keeper.work()
        written.append(len(store.keys))
    steps = [after - before for before, after in pairwise(written)]
    assert len(steps) >= 2
    assert max(steps) == BATCH_ALERTS
    assert store.keys == [str(number) for number in range(3 * BATCH_ALERTS)]


def test_the_end_while_the_store_fails(store: FakeStore, keeper: Keeper, reports: list[str]) -> None:
    """What is in the tail at the end is left there for the next start, and that is said."""
    store.trouble = "full"
    _keep(keeper, 1, 2)
    keeper.close()
    assert reports[-1] == "2 alerts are left to the next start, which finds them in the tail (full)"
    assert sum(bool(entry.alerts) for entry in Tail(keeper._tail._page).found) == 1


def test_the_end_while_the_store_fails_and_the_tail_is_no_file(
    store: FakeStore, clock: ManualClock, reports: list[str]
) -> None:
    """What is only in memory at the end is lost, and that is said."""
    keeper = _keeper(store, clock, reports, 50_000, tail=Tail(bytearray(SMALL)))
    store.trouble = "full"
    for number in range(20):
        _keep(keeper, number)
    keeper.close()
    assert reports[-1] == "20 alerts are lost: they were in memory when the listener ended (full)"
    assert store.tails == []


def test_the_end_tries_once_more(store: FakeStore, keeper: Keeper, reports: list[str]) -> None:
    """A store that works again at the end takes what there is before anything is said of it."""
    store.trouble = "full"
    _keep(keeper, 1)
    keeper.flush()
    assert keeper.due is not None
    store.trouble = ""
    keeper.close()
    assert (store.keys, reports[-1]) == (["1"], "the store works again; no alert was lost")


@pytest.mark.parametrize(("generation", "keys"), [(0, ["a", "b", "1"]), (3, ["b", "1"]), (4, ["1"])])
def test_what_was_inherited(
    store: FakeStore, keeper: Keeper, clock: ManualClock, generation: int, keys: list[str]
) -> None:
    """What a start found in the tail is written before all else, unless the store has that generation already."""
    store.generation = generation
    parts = [
        Left(number, [Received(1.0, FRAME)], alert_rows([_alert(key)], None, 0.0), [], Counter({"event:TICK_5": 1}))
        for number, key in ((3, "a"), (4, "b"))
    ]
    keeper.inherit(parts, StoreError("full"))
    _keep(keeper, 1)
    assert store.keys == []
    clock.advance(RETRY_S)
    keeper.work()
    assert store.keys == keys
    assert store.counts["event:TICK_5"] == len(store.rows) == len(keys)


def test_where_nothing_may_wait_the_tail_keeps_alerts_in_trouble(
    store: FakeStore, clock: ManualClock, reports: list[str]
) -> None:
    """A store that fails makes no difference for `kill -9`, whatever the alerts wait for otherwise."""
    keeper = _keeper(store, clock, reports, 50_000, in_batches=False)
    store.trouble = "full"
    _keep(keeper, 1)
    assert [bool(entry.alerts) for entry in Tail(keeper._tail._page).found] == [True]
    store.trouble = ""
    clock.advance(RETRY_S)
    keeper.work()
    _keep(keeper, 2)
    assert store.keys == ["1", "2"]
