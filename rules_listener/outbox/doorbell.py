"""Wakes a loop that waits in `poll`: from other threads, and from signal handlers."""

import os
from contextlib import suppress
from threading import RLock


class Doorbell:
    """A pipe to oneself. `descriptor` can be read once it was rung."""

    def __init__(self) -> None:
        self.descriptor, self._button = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._button, False)
        self._lock = RLock()
        self._closed = False

    def ring(self) -> None:
        """Wake the loop; nothing happens once it is closed."""
        with self._lock, suppress(BlockingIOError):
            if not self._closed:
                os.write(self._button, b"!")

    def answer(self) -> None:
        """Forget all rings so far."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 4096)

    def close(self) -> None:
        """Give the pipe back; a late ring does no harm."""
        with self._lock:
            self._closed = True
            os.close(self._button)
            os.close(self.descriptor)
