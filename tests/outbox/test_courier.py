"""The courier between store and channels, with real pipes and threads."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Event, Thread
from time import monotonic

import pytest

from rules_listener.base.clock import ManualClock, SystemClock
from rules_listener.outbox import gather
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.channel import Channel, GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.outbox.courier import Courier, Pace
from rules_listener.outbox.database import Database
from rules_listener.outbox.listing import Listing
from rules_listener.outbox.lock import take_lock
from rules_listener.outbox.queue import Queue, Series
from rules_listener.outbox.store import Store
from rules_listener.serve.couriering import gather_times
from tests.eventually import eventually
from tests.locks import courier_works

MakeAlert = Callable[..., Alert]
PATIENCE_S = 5.0
PACE = Pace(rest_s=0.001, idle_s=0.02, grace_s=0.1, stop_s=0.1, lock_step_s=0.005, lock_report_s=0.02)


class Recording:
    """A channel that says what it got, and answers what it is told to."""

    def __init__(self, *outcomes: Outcome, places: int = 2) -> None:
        self.places = places
        self.messages: SimpleQueue[Message] = SimpleQueue()
        self._outcomes = list(outcomes)

    def send(self, message: Message) -> Outcome:
        """Take the next outcome, `Sent` after the last."""
        self.messages.put(message)
        return self._outcomes.pop(0) if self._outcomes else Sent()

    def stop(self) -> None:
        """Nothing is ever under way."""

    def get(self) -> Message:
        """The next message that came."""
        return self.messages.get(timeout=PATIENCE_S)


class Hanging(Recording):
    """A channel that never answers; if it can be stopped, it ends then."""

    def __init__(self, *, stoppable: bool = True, patience_s: float = PATIENCE_S) -> None:
        super().__init__(places=1)
        self.end = Event()
        self._stoppable = stoppable
        self._patience_s = patience_s

    def send(self, message: Message) -> Outcome:
        """Hang."""
        self.messages.put(message)
        self.end.wait(self._patience_s)
        return RetryLater("stopped")

    def stop(self) -> None:
        """End it, or not."""
        if self._stoppable:
            self.end.set()


class Running:
    """A courier in a thread, with both of its pipes in our hands."""

    def __init__(
        self, folder: Path, channels: dict[str, Channel], clock: ManualClock | SystemClock, pace: Pace
    ) -> None:
        wake, self.wake = os.pipe()
        self.notified, notify = os.pipe()
        os.set_blocking(self.notified, False)
        self._theirs = (wake, notify)
        self.reports: list[str] = []
        chance = Random(1)  # noqa: S311 - a test repeats itself
        self.courier = Courier(
            Queue(Database(folder), random=chance, gather_s=gather_times(channels)),
            channels,
            folder=folder,
            clock=clock,
            wake=wake,
            notify=notify,
            pace=pace,
            report=self.reports.append,
        )
        self._thread = Thread(target=self.courier.run)
        self._thread.start()

    def ring(self) -> None:
        """Say that there are new alerts."""
        os.write(self.wake, b"!")

    def leave(self) -> None:
        """End as the listener: its end of the pipe is closed."""
        if self.wake >= 0:
            os.close(self.wake)
            self.wake = -1
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def close(self) -> None:
        """Leave, and give everything back."""
        self.leave()
        for descriptor in (*self._theirs, self.notified):
            os.close(descriptor)


Start = Callable[..., Running]


@pytest.fixture
def clock() -> ManualClock:
    """A clock at second 1000."""
    return ManualClock(1000.0)


@pytest.fixture
def start(folder: Path, clock: ManualClock) -> Iterator[Start]:
    """Starts couriers, and ends them with the test."""
    started: list[Running] = []

    def start(clock: ManualClock | SystemClock = clock, pace: Pace = PACE, **channels: Channel) -> Running:
        started.append(Running(folder, channels, clock, pace))
        return started[-1]

    yield start
    for running in started:
        running.close()


def _states(folder: Path) -> list[tuple[str, str]]:
    return sorted((listed.channel, listed.state) for listed in Listing(folder).deliveries())


def test_a_new_alert_is_sent_when_the_listener_rings(
    store: Store, folder: Path, start: Start, make_alert: MakeAlert
) -> None:
    """What is committed goes to its channels after a byte on the pipe, and is then marked as sent."""
    ops, pager = Recording(), Recording()
    running = start(ops=ops, pager=pager)
    alert = make_alert("web:nginx", "ops", "pager")
    store.commit([alert], None, time=1000.0)
    running.ring()
    assert [ops.get().id, pager.get().id] == [delivery.id for delivery in alert.deliveries]
    eventually(lambda: _states(folder) == [("ops", "sent"), ("pager", "sent")])
    assert running.reports == []


def test_what_waited_is_sent_at_the_start(store: Store, start: Start, make_alert: MakeAlert) -> None:
    """What an earlier life left is sent without anybody ringing, in the order of its key."""
    store.commit([make_alert(text=str(n)) for n in range(20)], None, time=1000.0)
    ops = Recording()
    start(ops=ops)
    assert [ops.get().text for _ in range(20)] == [str(n) for n in range(20)]


def test_a_retry_comes_at_its_time(
    store: Store, folder: Path, start: Start, clock: ManualClock, make_alert: MakeAlert
) -> None:
    """A delivery that failed is sent again when its wait is over, with the same id and the next number."""
    store.commit([make_alert()], None, time=1000.0)
    ops = Recording(RetryLater("busy", 60.0))
    start(ops=ops)
    first = ops.get()
    eventually(lambda: _states(folder) == [("ops", "waiting")])
    assert ops.messages.empty()
    clock.advance(61.0)
    second = ops.get()
    assert (second.id, first.attempt, second.attempt) == (first.id, 1, 2)


def test_a_flood_of_one_key_is_sent_in_series(store: Store, folder: Path, start: Start, make_alert: MakeAlert) -> None:
    """A quick channel gets many deliveries of one key in few passes, in their order, and each is sent once."""
    store.commit([make_alert(text=str(n)) for n in range(500)], None, time=1000.0)
    ops = Recording()
    start(SystemClock(), pace=replace(PACE, rest_s=0.02), ops=ops)
    assert [ops.get().text for _ in range(500)] == [str(n) for n in range(500)]
    eventually(lambda: Listing(folder).summary().deliveries == {("ops", "sent"): 500})
    assert ops.messages.empty()


def test_a_hanging_channel_holds_up_nobody(store: Store, folder: Path, start: Start, make_alert: MakeAlert) -> None:
    """While one channel hangs with many deliveries behind it, another gets all of its own."""
    hanging, ops = Hanging(), Recording()
    store.commit([make_alert(f"k{n}", "hanging", "ops") for n in range(50)], None, time=1000.0)
    start(SystemClock(), hanging=hanging, ops=ops)
    assert {ops.get().key for _ in range(50)} == {f"k{n}" for n in range(50)}
    hanging.get()
    assert hanging.messages.empty()
    eventually(lambda: _states(folder).count(("ops", "sent")) == 50)
    assert _states(folder).count(("hanging", "sending")) == 1


def test_the_listener_is_told_what_was_given_up(store: Store, start: Start, make_alert: MakeAlert) -> None:
    """A delivery that is given up is a failure in the store and a byte on the pipe."""
    store.commit([make_alert()], None, time=1000.0)
    running = start(ops=Recording(GaveUp("refused")))
    told = b""

    def is_told() -> bool:
        nonlocal told
        with suppress(BlockingIOError):
            told += os.read(running.notified, 10)
        return bool(told)

    eventually(is_told)
    assert told == b"!"
    assert [failure.reason for failure in store.failures()] == ["refused"]


def test_a_burst_is_written_in_batches(
    store: Store, folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch, make_alert: MakeAlert
) -> None:
    """Between two passes with something to do there is a rest, however much waits and however fast it is sent."""
    claims: list[tuple[float, int]] = []
    claim = Queue.claim

    def recorded(queue: Queue, now: float, free: dict[str, int], lengths: dict[str, int]) -> list[Series]:
        claimed = claim(queue, now, free, lengths)
        claims.append((monotonic(), len(claimed)))
        return claimed

    monkeypatch.setattr(Queue, "claim", recorded)
    store.commit([make_alert(f"k{n}") for n in range(20)], None, time=0.0)
    start(SystemClock(), pace=replace(PACE, rest_s=0.03, longest_rest_s=0.03), ops=Recording(places=5))
    eventually(lambda: _states(folder) == [("ops", "sent")] * 20)
    times = [time for time, count in claims if count]
    assert [count for _, count in claims if count] == [5] * 4
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.03


def test_a_clock_that_jumps_back_delays_no_retry(
    store: Store, folder: Path, start: Start, clock: ManualClock, make_alert: MakeAlert
) -> None:
    """When the wall clock goes back by an hour, a delivery waits for its next try no longer than it was to wait."""
    store.commit([make_alert()], None, time=1000.0)
    ops = Recording(RetryLater("busy", 60.0))
    start(ops=ops)
    first = ops.get()
    eventually(lambda: _states(folder) == [("ops", "waiting")])
    clock.advance(-3600.0)
    eventually(lambda: Listing(folder).deliveries()[0].due == 1060.0 - 3600.0)
    clock.advance(61.0)
    assert ops.get().id == first.id


@pytest.mark.parametrize("is_off", [True, False])
def test_a_weekend_without_a_courier_does_not_count(  # noqa: PLR0913 - all but one of them are fixtures
    store: Store, folder: Path, start: Start, clock: ManualClock, make_alert: MakeAlert, *, is_off: bool
) -> None:
    """After three days in which the host was off or asleep nothing is given up at the next failure."""
    store.commit([make_alert()], None, time=1000.0)
    ops = Recording(RetryLater("busy", 60.0), RetryLater("busy", 60.0))
    running = start(ops=ops)
    ops.get()
    eventually(lambda: _states(folder) == [("ops", "waiting")])
    if is_off:
        running.leave()
    clock.advance(3 * 86_400.0)
    if is_off:
        start(ops=ops)
    assert ops.get().attempt == 2
    eventually(lambda: [(one.state, one.attempts) for one in Listing(folder).deliveries()] == [("waiting", 2)])


def test_a_courier_says_that_it_works(folder: Path, start: Start, clock: ManualClock) -> None:
    """The lock tells when it did so last, for the next one; whether a minute or an hour has passed meanwhile."""
    start(ops=Recording())
    eventually(lambda: courier_works(folder))
    for seconds in (0.0, 61.0, 3600.0):
        clock.advance(seconds)
        eventually(lambda: (folder / "courier.lock").stat().st_mtime == clock.time())


def test_what_is_changed_by_hand_is_noticed(
    store: Store, folder: Path, start: Start, clock: ManualClock, make_alert: MakeAlert
) -> None:
    """A delivery that is revived at the command line is sent without anybody ringing."""
    store.commit([make_alert()], None, time=1000.0)
    ops = Recording(GaveUp("refused"))
    start(ops=ops)
    identifier = ops.get().id
    eventually(lambda: Listing(folder).retry(identifier, clock.time()))
    assert ops.get().id == identifier


def test_the_end_of_the_listener_ends_the_courier(
    store: Store, folder: Path, start: Start, make_alert: MakeAlert
) -> None:
    """When the pipe ends, what is under way is stopped and written down, and the rest stays for the next courier."""
    store.commit([make_alert("a"), make_alert("b")], None, time=SystemClock().time())
    hanging = Hanging()
    running = start(SystemClock(), ops=hanging)
    hanging.get()
    running.leave()
    assert _states(folder) == [("ops", "waiting"), ("ops", "waiting")]
    listed = Listing(folder).deliveries()
    assert sorted((one.attempts, one.reason) for one in listed if one.reason) == [(1, "stopped")]


def test_what_cant_be_stopped_is_left_to_the_next_courier(
    store: Store, folder: Path, start: Start, make_alert: MakeAlert
) -> None:
    """A send that does not end keeps nobody: the courier goes, and the next one tries it again under the same id."""
    store.commit([make_alert()], None, time=1000.0)
    hanging, ops = Hanging(stoppable=False), Recording()
    running = start(SystemClock(), ops=hanging)
    first = hanging.get()
    running.leave()
    assert _states(folder) == [("ops", "sending")]
    start(SystemClock(), ops=ops)
    second = ops.get()
    assert (second.id, second.attempt) == (first.id, 2)
    hanging.end.set()


def test_only_one_courier_works_at_a_time(store: Store, folder: Path, start: Start, make_alert: MakeAlert) -> None:
    """A second courier waits until the first has ended, says so once, and then takes over."""
    lock = take_lock(folder)
    assert lock is not None
    store.commit([make_alert()], None, time=1000.0)
    ops = Recording()
    running = start(ops=ops)
    eventually(lambda: bool(running.reports))
    assert ops.messages.empty()
    os.close(lock)
    ops.get()
    assert running.reports[0] == f"another courier still works on {folder}: waiting for its end"


def test_a_courier_that_waits_ends_with_its_listener(folder: Path, start: Start) -> None:
    """A courier that has not got the lock ends with its listener all the same."""
    lock = take_lock(folder)
    assert lock is not None
    start(ops=Recording()).leave()
    os.close(lock)


def test_a_store_that_fails_is_reported_once(folder: Path, start: Start, make_alert: MakeAlert) -> None:
    """While the store can't be used the courier says so once and lives; then it says so and works on."""
    folder.mkdir()
    (folder / "store.sqlite3").write_bytes(b"no database " * 100)
    ops = Recording()
    running = start(ops=ops)
    eventually(lambda: bool(running.reports))
    for _ in range(20):
        running.ring()
    (folder / "store.sqlite3").unlink()
    store = Store(folder)
    store.commit([make_alert()], None, time=1000.0)
    running.ring()
    ops.get()
    store.close()
    eventually(lambda: len(running.reports) == 2)
    assert "move it away" in running.reports[0]
    assert running.reports[1] == "the store can be used again"


COURIER = """
import os, sys, time
from pathlib import Path
from random import Random
from rules_listener.base.clock import SystemClock
from rules_listener.outbox.channel import Sent
from rules_listener.outbox.courier import Courier
from rules_listener.outbox.database import Database
from rules_listener.outbox.queue import Queue

class Slow:
    places = 1
    def send(self, message):
        os.write(2, f"{message.id} {message.attempt}\\n".encode())
        time.sleep(float(sys.argv[2]))
        return Sent()
    def stop(self):
        pass

folder = Path(sys.argv[1])
queue = Queue(Database(folder), random=Random(1))
Courier(queue, {"ops": Slow()}, folder=folder, clock=SystemClock(), wake=0, notify=1).run()
"""


def _start_process(folder: Path, takes_s: float) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", COURIER, str(folder), str(takes_s)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _first_line(process: "subprocess.Popen[bytes]") -> list[str]:
    assert process.stderr is not None
    return process.stderr.readline().decode().split()


def test_kill_9_in_the_middle_of_sending_repeats_with_the_same_id(
    store: Store, folder: Path, make_alert: MakeAlert
) -> None:
    """A courier that is killed while it sends loses nothing; the next one sends under the same id, and it is sent."""
    store.commit([make_alert()], None, time=0.0)
    with _start_process(folder, 60) as process:
        first = _first_line(process)
        process.send_signal(signal.SIGKILL)
    assert _states(folder) == [("ops", "sending")]
    with _start_process(folder, 0) as process:
        second = _first_line(process)
        eventually(lambda: _states(folder) == [("ops", "sent")])
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 0
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert (first[1], second) == ("1", [first[0], "2"])


def test_sigterm_ends_a_courier_and_other_signals_do_not(store: Store, folder: Path, make_alert: MakeAlert) -> None:
    """SIGHUP and SIGINT, which a terminal or supervisord sends to all, do nothing; SIGTERM ends it with status 0."""
    store.commit([make_alert()], None, time=0.0)
    with _start_process(folder, 0) as process:
        _first_line(process)
        for number in (signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
        store.commit([make_alert("another")], None, time=0.0)
        assert _first_line(process)[1] == "1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


class Batching(Recording):
    """A channel that gathers."""

    def __init__(self, gather_s: float, *outcomes: Outcome) -> None:
        super().__init__(*outcomes, places=2)
        self.gather_s: float | None = gather_s
        self.digests: SimpleQueue[list[str]] = SimpleQueue()

    def send_digest(self, messages: Sequence[Message]) -> Outcome:
        """Take the next outcome for all of them."""
        self.digests.put([message.text for message in messages])
        return self.send(messages[0])


def test_what_is_gathered_is_sent_together(store: Store, folder: Path, start: Start, make_alert: MakeAlert) -> None:
    """A channel that gathers gets all at once when its time has come, again if need be, and each alert is `sent`."""
    store.commit([make_alert(f"k{n}", text=str(n)) for n in range(3)], None, time=SystemClock().time())
    ops = Batching(0.2, RetryLater("busy"))
    start(SystemClock(), ops=ops)
    began = monotonic()
    assert [ops.digests.get(timeout=PATIENCE_S) for _ in range(2)] == [["0", "1", "2"]] * 2
    assert monotonic() - began >= 0.5
    eventually(lambda: _states(folder) == [("ops", "sent")] * 3)


@pytest.mark.parametrize("outcome", [Sent(), RetryLater("busy")])
def test_what_is_gathered_is_sent_at_the_end(
    store: Store, folder: Path, start: Start, make_alert: MakeAlert, outcome: Outcome
) -> None:
    """The end of the listener ends the gathering: also what came last is sent, or waits for the next courier."""
    ops, pager = Batching(3600.0, outcome), Recording()
    running = start(SystemClock(), ops=ops, pager=pager)
    store.commit([make_alert("a", "ops", "pager", text="first")], None, time=SystemClock().time())
    running.ring()
    pager.get()
    store.commit([make_alert("b", text="last")], None, time=SystemClock().time())
    running.leave()
    assert ops.digests.get(timeout=0) == ["first", "last"]
    state = "sent" if outcome == Sent() else "waiting"
    eventually(lambda: _states(folder) == [("ops", state)] * 2 + [("pager", "sent")])


def test_all_digests_are_sent_at_the_end(
    store: Store, folder: Path, start: Start, make_alert: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one digest has room for is sent too, in order, even by a courier that has just begun."""
    monkeypatch.setattr(gather, "MOST_DELIVERIES", 2)
    ops = Batching(3600.0)
    store.commit([make_alert(f"k{n}", text=str(n)) for n in range(5)], None, time=SystemClock().time())
    running = start(SystemClock(), pace=replace(PACE, grace_s=PATIENCE_S), ops=ops)
    eventually(lambda: courier_works(folder))
    running.leave()
    assert [ops.digests.get(timeout=0) for _ in range(3)] == [["0", "1"], ["2", "3"], ["4"]]
    assert _states(folder) == [("ops", "sent")] * 5


def test_a_channel_that_hangs_keeps_no_digest_back_at_the_end(
    store: Store, folder: Path, start: Start, make_alert: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one channel is waited for, all digests of another one go out."""
    monkeypatch.setattr(gather, "MOST_DELIVERIES", 2)
    ops, hanging = Batching(3600.0), Hanging(patience_s=10 * PATIENCE_S)
    store.commit([make_alert(f"k{n}", "ops", "pager", text=str(n)) for n in range(5)], None, time=SystemClock().time())
    running = start(SystemClock(), pace=replace(PACE, grace_s=10 * PATIENCE_S), ops=ops, pager=hanging)
    hanging.get()
    leaving = Thread(target=running.leave)
    leaving.start()
    assert [ops.digests.get(timeout=PATIENCE_S) for _ in range(3)] == [["0", "1"], ["2", "3"], ["4"]]
    hanging.end.set()
    leaving.join()
    assert _states(folder).count(("ops", "sent")) == 5


def test_what_is_taken_in_at_the_end_has_its_time(
    store: Store, folder: Path, start: Start, make_alert: MakeAlert, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A courier that has no time left takes nothing more in: all of that is there for the next one."""
    taken = iter(range(10_000))
    monkeypatch.setattr(Queue, "expand", lambda _queue, _now: next(taken) < 9_999)
    store.commit([make_alert()], None, time=SystemClock().time())
    start(SystemClock(), pace=replace(PACE, grace_s=0.0, idle_s=0.01), ops=Batching(3600.0)).leave()
    assert next(taken) < 9_999
    assert _states(folder) == [("ops", "waiting")]
