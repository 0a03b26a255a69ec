"""The threads of one channel: each place sends one message at a time, and says what became of it.

1. A channel that hangs keeps its own threads only; nobody waits for them, not even the end of the process.
2. An exception that escapes from a channel counts as `RetryLater`. Its text is not passed on: it may hold a secret.
"""

import traceback
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread

from rules_listener.outbox.channel import Channel, Outcome, RetryLater
from rules_listener.outbox.queue import Claimed

Done = Callable[[str, int, Outcome], None]
"""Is told the channel's name, the delivery's number and the outcome, in a thread of the crew."""


class Crew:
    """The threads of the channel called `name`; they start when they are first needed."""

    def __init__(self, name: str, channel: Channel, done: Done) -> None:
        self._name = name
        self._channel = channel
        self._done = done
        self._threads = 0
        self._busy = 0
        self._orders: SimpleQueue[Claimed] = SimpleQueue()

    @property
    def free(self) -> int:
        """How many more messages can be given."""
        return max(0, self._channel.places - self._busy)

    @property
    def busy(self) -> int:
        """How many messages were given and not yet taken back."""
        return self._busy

    def give(self, claimed: Claimed) -> None:
        """Send a message in a thread of its own."""
        self._busy += 1
        if self._busy <= self._threads or self._start_thread():
            self._orders.put(claimed)
        else:
            self._done(self._name, claimed.n, RetryLater("the system has no room for another thread"))

    def take_back(self) -> None:
        """Say that the outcome of a message is written down, and its place is free."""
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
            claimed = self._orders.get()
            self._done(self._name, claimed.n, self._send(claimed))

    def _send(self, claimed: Claimed) -> Outcome:
        try:
            return self._channel.send(claimed.message)
        except Exception as error:  # noqa: BLE001 - a channel's defect must not end the thread
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} in {frame.name}, line {frame.lineno}"
            return RetryLater(f"defect of channel `{self._name}`: {where}")
