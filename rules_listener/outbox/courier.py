"""Carries what waits in the store to the channels: a process beside the listener, started and woken by it.

1. This thread alone touches the store; sending is done by the threads of each channel, so none holds up another.
2. It wakes for a byte of the listener's (new alerts), a message that was sent, and the time at which one is due. After
   a pass that had something to do it rests twice as long as that took: a burst is written in a few transactions, and
   the listener finds the store and the processor free.
3. The end of its input means that the listener has ended, and so does SIGTERM: nothing more is claimed, what is under
   way gets some seconds, what has finished is written down, and the rest stays for the next courier. Only what channels
   gather is sent then, since nobody knows when there will be a next one.
4. One courier to a state folder: the next one waits until the last has ended.
5. A store that can't be read or written is reported once, and tried again for ever.
6. A channel whose receiver forgets is told again of what is open, at the start and then from time to time. What fails
   is reported once, and comes again the next time.
7. Time in which no courier worked, be it that the host was off, asleep or had another time, is none in which
   something was tried in vain.
8. Nothing is ever written on standard output, but a byte when deliveries were given up: that is how the listener
   learns.
"""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from rules_listener.base.clock import Clock
from rules_listener.base.errors import StoreError
from rules_listener.base.logline import log_line
from rules_listener.outbox.again import Again
from rules_listener.outbox.channel import Channel, Outcome, Refreshing, Sent
from rules_listener.outbox.crew import REFRESH, Crew, Outcomes
from rules_listener.outbox.doorbell import Doorbell
from rules_listener.outbox.lock import last_held, still_held, take_lock
from rules_listener.outbox.queue import AT_ONCE, Queue, Series
from rules_listener.outbox.trim import Limits

Report = Callable[[str], None]

REST_FACTOR = 2
BURST_FACTOR = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """The courier's times, in seconds.

    After a pass that did something it rests for twice the time that this took, between `rest_s` and `longest_rest_s`.
    If the listener rang `burst_rings` times meanwhile (once for what it has written together) it is in a burst, and
    needs the store and the processor more: the rest is twenty times as long as the pass, up to `longest_burst_rest_s`.
    `idle_s` is the longest sleep (what the command line revives has no other way to be noticed); `grace_s` for what is
    under way at the end, `stop_s` more after it was told to stop; `trim_s` between two trimmings; `lock_step_s` between
    two tries for the lock, `lock_report_s` until that is reported. After `pause_s` without a pass, nobody worked; that
    is longer than `trim_s`, since it is written down then that somebody does.
    """

    rest_s: float = 0.001
    longest_rest_s: float = 0.02
    burst_rings: int = 2
    longest_burst_rest_s: float = 0.5
    idle_s: float = 1.0
    grace_s: float = 3.0
    stop_s: float = 2.0
    trim_s: float = 60.0
    lock_step_s: float = 0.1
    lock_report_s: float = 10.0
    pause_s: float = 180.0


def report_on_stderr(text: str) -> None:
    """Say `text` to the operator: supervisord keeps what comes on standard error."""
    with suppress(OSError, ValueError):
        sys.stderr.write(log_line(f"courier: {text}"))
        sys.stderr.flush()


class Courier:
    """Empties `queue` into `channels`, by their names in the configuration.

    `folder` is the state folder. `wake` is read: a byte says that there are new alerts, its end that the listener has
    ended. `notify` is written: a byte says that there are failures for the listener to take.
    """

    def __init__(  # noqa: PLR0913 - all of it is what the process is given
        self,
        queue: Queue,
        channels: Mapping[str, Channel],
        *,
        folder: Path,
        clock: Clock,
        wake: int,
        notify: int,
        limits: Limits | None = None,
        pace: Pace | None = None,
        report: Report = report_on_stderr,
    ) -> None:
        self._queue = queue
        self._folder = folder
        self._clock = clock
        self._wake = wake
        self._notify = notify
        self._limits = limits or Limits()
        self._pace = pace or Pace()
        self._report = report
        self._crews = {name: Crew(name, channel, clock, self._done) for name, channel in channels.items()}
        self._results: SimpleQueue[tuple[str, Outcomes]] = SimpleQueue()
        self._finished: list[tuple[str, Outcomes]] = []
        self._doorbell = Doorbell()
        self._again = Again(queue.database)
        self._refreshing = {name: one.refresh_s for name, one in channels.items() if isinstance(one, Refreshing)}
        self._refresh_at = dict.fromkeys(self._refreshing, clock.monotonic())
        self._refresh_failures: dict[str, str] = {}
        self._ending = False
        self._lock: int | None = None
        self._recovered = False
        self._reported = ""
        self._told = 0
        self._now = clock.time()
        self._trim_at = clock.time()

    def run(self) -> None:
        """Work until the listener has ended, or `end` is called. In a main thread, signals are seen to."""
        with suppress(OSError):
            os.set_blocking(self._notify, False)
        restore = obey_signals(self.end)
        self._lock = self._wait_for_lock()
        try:
            if self._lock is not None:
                self._now = min(last_held(self._lock), self._clock.time())
                self._work()
        finally:
            restore()
            self._queue.close()
            self._doorbell.close()
            if self._lock is not None:
                os.close(self._lock)

    def end(self) -> None:
        """Have `run` return soon; may be called from any thread and from a signal handler."""
        self._ending = True
        self._doorbell.ring()

    def _work(self) -> None:
        while not self._ending:
            began = self._clock.monotonic()
            if self._pass():
                self._wait(self._rest(self._clock.monotonic() - began), quietly=True)
            else:
                self._wait(self._until_due())
        self._finish()

    def _rest(self, took: float) -> float:
        """How long to rest after a pass that took so many seconds: much longer while the listener is in a burst."""
        pace = self._pace
        if self._rings() >= pace.burst_rings:
            return min(took * BURST_FACTOR, pace.longest_burst_rest_s)
        return min(max(took * REST_FACTOR, pace.rest_s), pace.longest_rest_s)

    def _rings(self) -> int:
        """How often the listener rang since the last look: once for alerts that it has written together."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        return self._read_wake() if poll.poll(0) else 0

    def _pass(self) -> bool:
        """Take in what is new, write down what was sent, send what is due; whether there was anything to do."""
        try:
            self._notice_jump()
            busy = self._recover()
            busy = self._settle() or busy
            busy = self._queue.expand(self._now) or busy
            busy = self._refresh() or busy
            busy = self._hand_out() or busy
            busy = self._trim() or busy
        except StoreError as error:
            self._report_once(str(error))
            return False
        self._report_once("")
        self._tell_listener()
        return busy

    def _notice_jump(self) -> None:
        now = self._clock.time()
        if now < self._now:
            self._queue.turn_back(self._now - now)
        elif now - self._now > self._pace.pause_s:
            self._queue.leave_out(now - self._now, now)
        self._now = now

    def _recover(self) -> bool:
        if self._recovered:
            return False
        self._queue.recover(self._now)
        self._recovered = True
        return True

    def _settle(self) -> bool:
        while not self._results.empty() and sum(len(outcomes) for _, outcomes in self._finished) < AT_ONCE:
            self._finished.append(self._results.get())
        if not self._finished:
            return False
        settled = [one for _, outcomes in self._finished for one in outcomes if one[0] != REFRESH]
        if settled:
            self._queue.settle(settled, self._clock.time())
        for name, outcomes in self._finished:
            self._crews[name].take_back()
            for n, outcome in outcomes:
                if n == REFRESH:
                    self._note_refresh(name, outcome)
        self._finished.clear()
        return True

    def _refresh(self) -> bool:
        """Say once more what is open, where it is time; before anything is handed out, which may take all places."""
        given, now = False, self._clock.monotonic()
        for name, refresh_s in self._refreshing.items():
            crew = self._crews[name]
            if refresh_s is None or now < self._refresh_at[name] or not crew.free:
                continue
            messages = self._again.messages(name)
            self._refresh_at[name] = now + refresh_s
            if messages:
                crew.refresh(messages)
                given = True
        return given

    def _note_refresh(self, name: str, outcome: Outcome | None) -> None:
        reason = "" if outcome is None or isinstance(outcome, Sent) else outcome.reason
        if self._ending or reason == self._refresh_failures.get(name, ""):
            return
        said = f"open alerts could not be sent again: {reason}" if reason else "open alerts are sent again"
        self._report(f"channel `{name}`: {said}")
        self._refresh_failures[name] = reason

    def _hand_out(self) -> bool:
        lengths = {name: crew.length for name, crew in self._crews.items()}
        given = self._give(self._queue.claim(self._clock.time(), self._free(), lengths))
        return self._give(self._queue.gather(self._clock.time(), self._free())) or given

    def _give(self, claims: list[Series]) -> bool:
        for series in claims:
            self._crews[series[0].message.channel].give(series)
        return bool(claims)

    def _trim(self) -> bool:
        now = self._clock.time()
        if now < self._trim_at <= now + self._pace.trim_s:
            return False
        if self._lock is not None:
            still_held(self._lock, now)
        more = self._queue.trim(now, self._limits)
        self._trim_at = now if more else now + self._pace.trim_s
        return more

    def _tell_listener(self) -> None:
        given_up = self._queue.given_up
        if given_up != self._told:
            self._told = given_up
            with suppress(OSError):
                os.write(self._notify, b"!")

    def _free(self) -> dict[str, int]:
        return {name: crew.free for name, crew in self._crews.items()}

    def _until_due(self) -> float:
        """How long nothing is due, in seconds; what is due and can't be claimed now is looked at after a while."""
        try:
            due = self._queue.next_due(self._free())
        except StoreError:
            due = None
        wait = self._pace.idle_s if due is None else due - self._clock.time()
        return min(wait, self._pace.idle_s) if wait > 0 else self._pace.idle_s / 4

    def _wait(self, seconds: float, *, quietly: bool = False) -> None:
        """Sleep until something happens; `quietly`: until the time is over or the end has come."""
        poll = select.poll()
        poll.register(self._wake, 0 if quietly else select.POLLIN)
        if not quietly:
            poll.register(self._doorbell.descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(max(0, seconds) * 1000):
            if descriptor == self._wake:
                self._read_wake()
            else:
                self._doorbell.answer()

    def _read_wake(self) -> int:
        """Take the listener's bytes; how many there were. None at all is its end."""
        try:
            rings = len(os.read(self._wake, 65536))
        except OSError:
            rings = 0
        self._ending = self._ending or not rings
        return rings

    def _done(self, name: str, outcomes: Outcomes) -> None:
        self._results.put((name, outcomes))
        self._doorbell.ring()

    def _flush(self) -> bool:
        """Take in some new alerts or, if there are none, send what is gathered; whether there was anything."""
        try:
            self._notice_jump()
            self._recover()
            if self._queue.expand(self._clock.time()):
                return True
            return self._give(self._queue.gather(self._clock.time(), self._free(), hurry=True))
        except StoreError as error:
            self._report_once(str(error))
            return False

    def _finish(self) -> None:
        self._await_results(self._pace.grace_s, self._flush)
        for crew in self._crews.values():
            crew.stop()
        self._await_results(self._pace.stop_s)
        self._tell_listener()

    def _await_results(self, seconds: float, meanwhile: Callable[[], bool] = lambda: False) -> None:
        """Write down what finishes within `seconds`, or until nothing is under way.

        Whenever something has finished, `meanwhile` may give out more, until it says that there is nothing.
        """
        deadline = self._clock.monotonic() + seconds
        while True:
            try:
                while self._settle():
                    pass
            except StoreError as error:
                self._report_once(str(error))
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return
            if meanwhile():
                continue
            if not any(crew.busy for crew in self._crews.values()):
                return
            poll = select.poll()
            poll.register(self._doorbell.descriptor, select.POLLIN)
            if poll.poll(min(left, self._pace.idle_s) * 1000):
                self._doorbell.answer()

    def _report_once(self, text: str) -> None:
        if text == self._reported:
            return
        self._report(text or "the store can be used again")
        self._reported = text

    def _wait_for_lock(self) -> int | None:
        """The descriptor that holds the lock of the state folder; None if the end came first."""
        waited = 0.0
        while not self._ending:
            try:
                if (lock := take_lock(self._folder)) is not None:
                    return lock
            except StoreError as error:
                self._report_once(str(error))
            waited += self._pace.lock_step_s
            if waited > self._pace.lock_report_s:
                self._report_once(f"another courier still works on {self._folder}: waiting for its end")
            self._wait(self._pace.lock_step_s)
        return None


def obey_signals(end: Callable[[], None]) -> Callable[[], None]:
    """Let SIGTERM call `end`, SIGINT and SIGHUP do nothing; returns what undoes that. Outside a main thread: nothing.

    They get a handler, since "ignored" would be passed on to the programs that channels start. SIGCHLD gets its
    default: if we were started with it ignored, we would never learn an exit status.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    handlers: dict[int, Callable[[int, Any], None] | signal.Handlers] = {
        signal.SIGTERM: lambda _number, _frame: end(),
        signal.SIGINT: lambda _number, _frame: None,
        signal.SIGHUP: lambda _number, _frame: None,
        signal.SIGCHLD: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore
