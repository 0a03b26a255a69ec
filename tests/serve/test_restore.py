"""What the engine knows after any end of the listener."""

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_listener.base.clock import ManualClock
from rules_listener.base.errors import StoreError
from rules_listener.event.event import Seen
from rules_listener.event.wire import Frame
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.match.program import load
from rules_listener.outbox import tail as tail_module
from rules_listener.outbox.counters import EVENT, FIRING, TAIL, by_label
from rules_listener.outbox.database import Database, Execute, Row
from rules_listener.outbox.expand import expand_all
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.position import Epoch, Position, PositionFile
from rules_listener.outbox.store import Received, Store
from rules_listener.outbox.tail import Tail
from rules_listener.serve import handler as handler_module
from rules_listener.serve import restore as restore_module
from rules_listener.serve.handler import Handler
from rules_listener.serve.keeper import Keeper
from rules_listener.serve.restore import Past
from rules_listener.serve.sequence import Sequence
from rules_listener.serve.supervisord import Life
from tests.match.harness import checked_rules

RULES = """
rule times on PROCESS_STATE_EXITED 3 times in 1h alert "{process} {count}"
rule open on PROCESS_STATE_EXITED alert "{process}" until PROCESS_STATE_RUNNING remind every 10m
rule limit on PROCESS_STATE alert "{process} {suppressed}" at most 2 per 10s
rule late on PROCESS_STATE_EXITED without PROCESS_STATE_RUNNING within 30s alert "{process} is late"
rule plain on PROCESS_STATE_RUNNING alert "{process} runs"
rule started on LISTENER_STARTED 100 times in 1h alert "often"
rule muted on PROCESS_STATE_EXITED alert "{process} is muted" until PROCESS_STATE_RUNNING
mute rule == "muted" from 2025-11-24T16:00 to 2025-11-24T16:00:25 UTC because "test"
route rule == "plain" to plain
"""
"""The mute begins with the clock, and ends after all events."""
PROGRAM = compile_rules(checked_rules(RULES))
NOTES = PositionFile(bytearray(4096))
"""Where nothing was in flight."""


class Killed(BaseException):
    """The process is gone."""


class Death:
    """Ends a process at the `steps`-th border between two things that it does to what outlives it."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self) -> None:
        """Come to a border."""
        self.steps -= 1
        if self.steps == 0:
            raise Killed

    def watch(self, target: object, *names: str) -> None:
        """Let each of these methods begin and end with a border."""
        for name in names:
            setattr(target, name, self._wrapped(getattr(target, name)))

    def _wrapped(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.step()
            result = method(*arguments, **named)
            self.step()
            return result

        return call


class Weather:
    """What is the matter with the disk."""

    def __init__(self) -> None:
        self.now = "fine"


class WeatheredDatabase(Database):
    """A file that can be written, or read, only in the right weather."""

    def __init__(self, folder: Path, weather: Weather) -> None:
        super().__init__(folder)
        self._weather = weather

    def __enter__(self) -> Execute:
        if self._weather.now != "fine":
            raise StoreError(self._weather.now)
        return super().__enter__()

    def rows(self, sql: str, values: Row = ()) -> list[Row]:
        """What is found, if that can be read."""
        if self._weather.now == "unreadable":
            raise StoreError(self._weather.now)
        return super().rows(sql, values)


class Listener:
    """A listener without its loop: handler, keeper, store, tail, position."""

    def __init__(
        self, folder: Path, clock: ManualClock, death: Death, weather: Weather | None = None, *, in_batches: bool
    ) -> None:
        self.reports: list[str] = []
        self.death = death
        self.store = Store(folder)
        self.store._database = WeatheredDatabase(folder, weather or Weather())
        position_file = PositionFile.open(folder)
        tail = Tail.open(folder)
        for target, names in (
            (self.store, ("commit_rows", "journal")),
            (position_file, ("note", "acknowledged")),
            (tail, ("append", "clear")),
        ):
            death.watch(target, *names)
        self.keeper = Keeper(
            *(self.store, tail, clock),
            memory_limit=10**6,
            report=self.reports.append,
            committed=lambda: None,
            in_batches=in_batches,
        )
        self.engine = Engine(load(PROGRAM))
        past = Past(self.store, tail, position_file, self.reports.append, ["ops"])
        restored = past.restore(self.engine, clock.time())
        if past.error is not None:
            self.keeper.inherit(past.left, past.error)
        last_seen = self.engine.shown_time
        self.handler = Handler(
            self.engine,
            self.keeper,
            position_file,
            Sequence(Life(7, 1.0), position_file.last, restored.handled or restored.committed),
            restored=restored,
            default_channels=("ops",),
            clock=clock,
            report=self.reports.append,
        )
        self.handler.raise_start(last_seen)

    def take(self, frame: Frame) -> None:
        """Handle a frame up to its answer."""
        self.handler.receive(frame)

    def answered(self) -> None:
        """What comes after the answer."""
        self.handler.answered()


def frame(poolserial: int, what: str) -> Frame:
    """The frame of an event: a state and a process."""
    kind, process = what.split()
    more = {"EXITED": "from_state:RUNNING expected:0 pid:1", "RUNNING": "from_state:STARTING pid:1"}[kind]
    payload = f"processname:{process} groupname:{process} {more}"
    header = (
        f"ver:3.0 server:supervisor serial:{100 + poolserial} pool:rl poolserial:{poolserial} "
        f"eventname:PROCESS_STATE_{kind} len:{len(payload)}"
    )
    return Frame(header.encode(), payload.encode())


def live(  # noqa: PLR0913 - what can happen
    folder: Path,
    events: list[str],
    ends: list[int],
    flushes: set[int],
    *,
    in_batches: bool = True,
    weathers: tuple[str, ...] = (),
    stops: frozenset[int] = frozenset(),
) -> list[tuple[Any, ...]]:
    """All alerts of a listener that is killed after so many steps, again and again; supervisord sends again.

    Each event, and each start, has one of the `weathers`; after the events with the numbers in `stops` it is stopped.
    """
    with patch.object(handler_module, "MAX_ATTEMPTS", 1000), patch.object(restore_module, "MAX_ATTEMPTS", 1000):
        return _live(folder, events, ends, flushes, in_batches=in_batches, weathers=weathers, stops=stops)


def _live(  # noqa: PLR0913 - what can happen
    folder: Path,
    events: list[str],
    ends: list[int],
    flushes: set[int],
    *,
    in_batches: bool,
    weathers: tuple[str, ...],
    stops: frozenset[int],
) -> list[tuple[Any, ...]]:
    clock, weather = ManualClock(), Weather()
    ends, forecast = list(ends), iter(weathers)
    listener, number, answered = None, 0, False
    while number < len(events):
        weather.now = next(forecast, "fine")
        try:
            if listener is None:
                death = Death(ends.pop(0) if ends else 0)
                listener = Listener(folder, clock, death, weather, in_batches=in_batches)
            if not answered:
                listener.take(frame(number, events[number]))
            answered = True
            listener.answered()
            if number in flushes:
                listener.keeper.remember_soon()
                listener.keeper.work()
            if number in stops:
                listener.keeper.close()
                listener = None
        except Killed:
            if listener is not None:
                listener.store.close()
            listener = None
            if not answered:
                continue
        answered = False
        number += 1
        clock.advance(2)
    clock.advance(60)
    weather.now = "fine"
    listener = listener or Listener(folder, clock, Death(0), weather, in_batches=in_batches)
    listener.death.steps = 0
    listener.keeper.work()
    clock.advance(5)
    listener.handler.let_time_pass()
    listener.keeper.close()
    assert not [report for report in listener.reports if "bug" in report or "left out" in report]
    return alerts_in(folder)


def counted_in(folder: Path) -> dict[str, dict[str, int]]:
    """The events of supervisord's and the firings that the store has counted, once the courier has taken all in."""
    database = Database(folder)
    expand_all(database, 0.0)
    counters: dict[str, int] = dict(database.rows("SELECT name, value FROM counters"))
    database.close()
    counted = {kind: by_label(counters, kind) for kind in (EVENT, FIRING)}
    del counted[EVENT]["LISTENER_STARTED"]
    return counted


def alerts_in(folder: Path) -> list[tuple[Any, ...]]:
    """The alerts in a store, as they were committed; a moment is told by its event.

    How long an alert has been open is left out: after a start it is told three seconds later.
    """
    with sqlite3.connect(folder / "store.sqlite3") as connection:
        rows = connection.execute("SELECT rule, key, held, phase, deliveries FROM alerts ORDER BY n").fetchall()
    connection.close()
    texts = [deliveries.split('"')[5].partition(" (open for")[0] for *_, deliveries in rows]
    return [(*row[:-1], text) for row, text in zip(rows, texts, strict=True)]


EVENTS = st.lists(st.sampled_from(["EXITED a", "EXITED a", "EXITED b", "RUNNING a", "RUNNING b"]), max_size=10)


@settings(max_examples=150, deadline=None)
@given(EVENTS, st.lists(st.integers(1, 60), max_size=4), st.sets(st.integers(0, 9)), st.booleans())
@example(["EXITED a"] * 4, list(range(1, 30)), set(), True)  # noqa: FBT003 - hypothesis takes them by place
@example(["EXITED a"] * 4, list(range(1, 30)), {0, 1, 2, 3}, False)  # noqa: FBT003 - likewise
def test_no_kill_changes_what_is_said(
    events: list[str],
    ends: list[int],
    flushes: set[int],
    in_batches: bool,  # noqa: FBT001 - likewise
) -> None:
    """Killed at any border between two things that it keeps, it says and counts the same, nothing twice."""
    with tempfile.TemporaryDirectory() as without, tempfile.TemporaryDirectory() as with_kills:
        expected = live(Path(without), events, [], set())
        found = live(Path(with_kills), events, ends, flushes, in_batches=in_batches)
        # a deadline waits a second longer after a start, and may so come after another alert of that time
        assert sorted(map(repr, found)) == sorted(map(repr, expected))
        assert counted_in(Path(with_kills)) == counted_in(Path(without))


class Trouble(NamedTuple):
    """What happens to a listener beside its events; see `live`."""

    ends: list[int]
    weathers: tuple[str, ...]
    stops: frozenset[int]
    flushes: set[int]
    in_batches: bool = True


TROUBLE = st.builds(
    Trouble,
    st.lists(st.integers(1, 40), max_size=6),
    st.lists(st.sampled_from(["fine", "fine", "unwritable", "unreadable"]), max_size=16).map(tuple),
    st.frozensets(st.integers(0, 9), max_size=3),
    st.sets(st.integers(0, 9)),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, TROUBLE)
@example(["EXITED a"] * 4, Trouble([], ("fine", *["unwritable"] * 9), frozenset({1, 2}), set()))
@example(["RUNNING a"] * 4, Trouble([15, 15], ("fine", *["unreadable"] * 9), frozenset(), set()))
def test_no_trouble_with_the_store_changes_what_is_said(events: list[str], trouble: Trouble) -> None:
    """A store that fails, at a start or later, makes no difference, whoever kills or stops the listener meanwhile.

    If it could not even be read, what rules remembered over several events is forgotten; and where alerts are in the
    store before the answer, nobody knows of those of an event that comes again.
    """
    with tempfile.TemporaryDirectory() as without, tempfile.TemporaryDirectory() as with_trouble:
        expected = live(Path(without), events, [], set())
        found = live(Path(with_trouble), events, **trouble._asdict())
        if "unreadable" in trouble.weathers:
            expected, found = ([alert for alert in alerts if alert[0] == "plain"] for alerts in (expected, found))
            if not trouble.in_batches:
                expected, found = list(set(expected)), list(set(found))
        assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_alerts_that_end_the_listener_are_set_aside(tmp_path: Path) -> None:
    """An event whose alerts end the listener that makes them, after its answer, is a dead frame for the third one."""
    clock, never = ManualClock(), Death(0)
    first = Listener(tmp_path, clock, never, in_batches=True)
    first.take(frame(1, "EXITED a"))
    with patch.object(handler_module, "alerts_of", side_effect=Killed), pytest.raises(Killed):
        first.answered()
    first.store.close()
    with patch.object(restore_module, "alerts_of", side_effect=Killed), pytest.raises(Killed):
        Listener(tmp_path, clock, never, in_batches=True)
    third = Listener(tmp_path, clock, never, in_batches=True)
    third.keeper.close()
    assert third.reports == ["an event was set aside as a dead frame: it ended the listener 2 times"]
    assert alerts_in(tmp_path) == []
    assert len(Listing(tmp_path).summary().dead) == 1


def test_what_was_set_aside_is_never_told_again(tmp_path: Path) -> None:
    """An event that ends whoever hears of it is told to no later start, even if the store could not be written."""
    weather, feed = Weather(), Engine.feed

    def poisoned(engine: Engine, event: Seen) -> list[Firing]:
        if event.type == "PROCESS_STATE_EXITED":
            raise Killed
        return feed(engine, event)

    def start() -> Listener:
        return Listener(tmp_path, ManualClock(), Death(0), weather, in_batches=True)

    with patch.object(Engine, "feed", poisoned):
        first = start()
        first.take(frame(1, "EXITED a"))
        for listen in (first.answered, start):
            with pytest.raises(Killed):
                listen()
        for weather.now in ("unreadable", "unwritable", "fine", "fine"):
            last = start()
            last.take(frame(2, "RUNNING a"))
            last.answered()
            assert not any("left out" in report for report in last.reports)
    last.keeper.close()
    assert [rule for rule, *_ in alerts_in(tmp_path)].count("plain") == 1
    assert [one.frame for one in last.store.history(0) if b"EXITED" in one.frame.header] == []
    assert Listing(tmp_path).summary().counters["dead"] == 1


def test_memory_that_cant_be_read_is_forgotten(tmp_path: Path) -> None:
    """What nobody can read keeps no listener from starting; the journal tells what it can."""
    store = Store(tmp_path)
    store.journal([Received(2.0, frame(1, "EXITED a"))], state='{"format": 1, "rul')
    reports: list[str] = []
    engine = Engine(load(PROGRAM))
    Past(store, Tail(bytearray(1000)), NOTES, reports.append).restore(engine, 10.0)
    assert engine.shown_time == 2.0
    assert "what the rules remembered can't be read, and is forgotten: JSONDecodeError" in reports[0]


def test_a_deadline_fires_once_if_the_clock_is_set_back_meanwhile(tmp_path: Path) -> None:
    """What fired before the listener ended does not fire again when that moment comes once more."""
    clock = ManualClock()
    first = Listener(tmp_path, clock, Death(0), in_batches=True)
    first.take(frame(1, "EXITED a"))
    first.answered()
    clock.advance(20)
    first.keeper.remember_soon()
    first.keeper.work()
    clock.advance(11)
    first.handler.let_time_pass()
    first.keeper.flush(between_events=False)
    clock.set_by(-3600)
    second = Listener(tmp_path, clock, Death(0), in_batches=True)
    for _ in range(60):
        clock.advance(1)
        second.handler.let_time_pass()
    second.keeper.close()
    assert [rule for rule, *_ in alerts_in(tmp_path)].count("late") == 1


def test_the_number_of_a_tail_in_memory_is_not_noted(tmp_path: Path) -> None:
    """A listener that could make no file for its tail says nothing about the one of its predecessor."""
    clock = ManualClock()
    store = Store(tmp_path)
    store.journal([], notes={TAIL: 7})
    with patch.object(Tail, "open", lambda _: Tail(bytearray(10_000))):
        listener = Listener(tmp_path, clock, Death(0), in_batches=False)
    listener.take(frame(1, "EXITED a"))
    listener.answered()
    listener.keeper.close()
    assert store.journalled_tail() == 7


def test_an_event_with_the_numbers_of_an_older_one_is_not_taken_for_it(tmp_path: Path) -> None:
    """What was in flight was not handled if the journal's last frame is that of another life of supervisord."""
    notes, store = PositionFile(bytearray(4096)), Store(tmp_path)
    store.journal([Received(1.0, frame(0, "EXITED a"))])
    for pid, expected in ((7, Position(Epoch(7, 1.0, "rl"), 100, 0)), (8, None)):
        notes.note(Epoch(pid, 1.0, "rl"), 100, 0)
        restored = Past(store, Tail(bytearray(1000)), notes, lambda _: None).restore(Engine(load(PROGRAM)), 10.0)
        assert restored.handled == expected


def test_no_event_is_lost_by_a_kill_after_its_answer(tmp_path: Path) -> None:
    """What was answered and not noted as that is no gap for the next listener."""
    clock = ManualClock()
    first = Listener(tmp_path, clock, Death(0), in_batches=True)
    first.take(frame(0, "RUNNING a"))
    first.answered()
    first.take(frame(1, "RUNNING a"))
    second = Listener(tmp_path, clock, Death(0), in_batches=True)
    second.take(frame(2, "RUNNING a"))
    assert second.handler.sequence.is_whole


def test_late_events_are_handled_after_a_kill(tmp_path: Path) -> None:
    """Numbers that were left out when the listener was killed may still come, and are no repeats then."""
    clock = ManualClock()
    listener = Listener(tmp_path, clock, Death(0), in_batches=True)
    for number, what in ((0, "EXITED a"), (1, "EXITED a"), (4, "EXITED d")):
        listener.take(frame(number, what))
        listener.answered()
    listener = Listener(tmp_path, clock, Death(0), in_batches=True)
    for number, what in ((2, "RUNNING b"), (3, "RUNNING c")):
        listener.take(frame(number, what))
        listener.answered()
    listener.keeper.close()
    assert [key for rule, key, *_ in alerts_in(tmp_path) if rule == "plain"] == ["b", "c"]


@pytest.mark.parametrize("size", range(4050, 6000, 300))
def test_a_full_tail_sets_nothing_aside(tmp_path: Path, size: int) -> None:
    """Where a frame had room and its alerts had not, starts that find no room either don't count as its doing."""
    clock, weather = ManualClock(), Weather()
    with patch.object(tail_module, "SIZE", size):
        listener = Listener(tmp_path, clock, Death(0), weather, in_batches=True)
        listener.keeper.flush()
        weather.now = "unwritable"
        number = 0
        while not listener.keeper._held and number < 40:
            clock.advance(1)
            listener.take(frame(number, f"EXITED p{number}"))
            number += 1
            if listener.keeper._tail.end >= size:
                break
            listener.answered()
        for _ in range(3):
            listener = Listener(tmp_path, clock, Death(0), weather, in_batches=True)
            assert not [report for report in listener.reports if "set aside" in report]
        weather.now = "fine"
        listener.keeper.close()


def test_a_store_that_cant_be_read_knows_nothing(tmp_path: Path) -> None:
    """A damaged store does not keep the listener from starting; the operator is told."""
    (tmp_path / "store.sqlite3").write_bytes(b"no database at all" * 100)
    reports: list[str] = []
    past = Past(Store(tmp_path), Tail(bytearray(1000)), NOTES, reports.append)
    assert past.restore(Engine(load(PROGRAM)), 0.0) == (None, None, None)
    assert "damaged" in reports[0]


def test_an_event_of_the_journal_that_cant_be_digested_is_left_out(tmp_path: Path) -> None:
    """One frame that nothing can be made of does not keep the rest from being remembered."""
    tail = Tail(bytearray(1000))
    tail.append(Received(1.0, Frame(b"nonsense", b"")))
    tail.append(Received(2.0, frame(1, "EXITED a")))
    reports: list[str] = []
    engine = Engine(load(PROGRAM))
    again = Tail(tail._page)
    Past(Store(tmp_path), again, NOTES, reports.append).restore(engine, 10.0)
    assert engine.shown_time == 2.0
    assert "left out" in reports[0]


@pytest.mark.parametrize("state", ['{"format": 0}', '{"format": 99, "rules": 7}'])
def test_memory_of_another_format_is_not_adopted(tmp_path: Path, state: str) -> None:
    """What another version remembered is forgotten, not misread."""
    store = Store(tmp_path)
    store.journal([], state=state)
    engine = Engine(load(PROGRAM))
    Past(store, Tail(bytearray(1000)), NOTES, lambda _: None).restore(engine, 10.0)
    assert engine.shown_time is None
