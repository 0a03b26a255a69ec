"""The threads of one channel: each place sends one series at a time, message by message, and says what became of it.

A channel that gathers sends a series as one message: a digest.

1. A channel that hangs keeps its own threads only; nobody waits for them, not even the end of the process.
2. Nothing of a series is sent after a message that has to be tried again, nor once it has taken too long: the rest is
   put back. A channel is quick while that does not happen; the series that it is given grow, and end when it does.
3. An exception that escapes from a channel counts as `RetryLater`. Its text is not passed on: it may hold a secret.
"""

import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread

from rules_listener.base.clock import Clock
from rules_listener.outbox.channel import Channel, Gathering, Message, Outcome, Refreshing, RetryLater, Sent
from rules_listener.outbox.queue import Series

Outcomes = list[tuple[int, Outcome | None]]
"""For each delivery of a series, its number and what became of it; None if it was not tried."""

REFRESH = 0
"""Stands for a delivery's number where open alerts were sent again."""

Done = Callable[[str, Outcomes], None]
"""Is told the channel's name and what became of a series, in a thread of the crew."""

LONGEST_SERIES = 32
QUICK_S = 0.01
"""How long a series may take."""


class Crew:
    """The threads of the channel called `name`; they start when they are first needed."""

    def __init__(self, name: str, channel: Channel, clock: Clock, done: Done) -> None:
        self._name = name
        self._channel = channel
        self._clock = clock
        self._done = done
        self._threads = 0
        self._busy = 0
        self._orders: SimpleQueue[Callable[[], Outcomes]] = SimpleQueue()
        self.length = 1
        """How long the next series may be."""

    @property
    def free(self) -> int:
        """How many more series can be given."""
        return max(0, self._channel.places - self._busy)

    @property
    def busy(self) -> int:
        """How many series were given and not yet taken back."""
        return self._busy

    def give(self, series: Series) -> None:
        """Send messages one after another, in a thread of their own."""
        untried: Outcomes = [(claimed.n, None) for claimed in series]
        self._order(partial(self._send_series, series), untried)

    def refresh(self, messages: Sequence[Message]) -> None:
        """Say once more what is open, in a thread like any other; what becomes of it has the number `REFRESH`."""
        self._order(partial(self._refresh, messages), [(REFRESH, None)])

    def _order(self, work: Callable[[], Outcomes], untried: Outcomes) -> None:
        self._busy += 1
        if self._busy <= self._threads or self._start_thread():
            self._orders.put(work)
        else:
            no_thread = RetryLater("the system has no room for another thread")
            self._done(self._name, [(untried[0][0], no_thread), *untried[1:]])

    def take_back(self) -> None:
        """Say that what became of a series is written down, and its place is free."""
        self._busy -= 1

    def stop(self) -> None:
        """Have the channel end what is under way."""
        with suppress(Exception):
            self._channel.stop()

    def _start_thread(self) -> bool:
        try:
            Thread(target=self._work, name=f"{self._name} {self._threads + 1}", daemon=True).start()
        except RuntimeError:
            return False
        self._threads += 1
        return True

    def _work(self) -> None:
        while True:
            self._done(self._name, self._orders.get()())

    def _send_series(self, series: Series) -> Outcomes:
        channel = self._channel
        if isinstance(channel, Gathering) and channel.gather_s is not None:
            outcome = self._try(partial(channel.send_digest, [claimed.message for claimed in series]))
            return [(claimed.n, outcome) for claimed in series]
        return self._send_one_by_one(series)

    def _send_one_by_one(self, series: Series) -> Outcomes:
        outcomes: Outcomes = []
        until = self._clock.monotonic() + QUICK_S
        quick = True
        for claimed in series:
            outcome = self._try(partial(self._channel.send, claimed.message)) if quick or not outcomes else None
            outcomes.append((claimed.n, outcome))
            quick = quick and not isinstance(outcome, RetryLater) and self._clock.monotonic() < until
        self.length = min(2 * self.length, LONGEST_SERIES) if quick else 1
        return outcomes

    def _refresh(self, messages: Sequence[Message]) -> Outcomes:
        channel = self._channel
        outcome = self._try(partial(channel.refresh, messages)) if isinstance(channel, Refreshing) else Sent()
        return [(REFRESH, outcome)]

    def _try(self, send: Callable[[], Outcome]) -> Outcome:
        try:
            return send()
        except Exception as error:  # noqa: BLE001 - a channel's defect must not end the thread
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} in {frame.name}, line {frame.lineno}"
            return RetryLater(f"defect of channel `{self._name}`: {where}")
