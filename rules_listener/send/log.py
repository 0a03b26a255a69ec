"""The channel that writes each message as one line on standard error, which supervisord writes to `stderr_logfile`.

1. One message is one line, whatever it holds: line ends, control characters and what is no UTF-8 are escaped.
2. `2025-11-24T16:00:00+00:00 critical crash_loop: web:nginx crashed 3 times`; the time is the firing's, in local time.
"""

import sys
from threading import Lock
from typing import TextIO

from rules_listener.base.logline import log_time
from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent
from rules_listener.send.line import one_line


class LogChannel:
    """Writes to `stream`, by default to what is standard error at that moment."""

    places = 16

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = Lock()

    def send(self, message: Message) -> Outcome:
        """Write one line."""
        stream = self._stream or sys.stderr
        line = one_line(f"{log_time(message.time)} {message.severity} {message.rule}: {message.text}")
        try:
            with self._lock:
                stream.write(f"{line}\n")
                stream.flush()
        except (OSError, ValueError) as error:
            return RetryLater(f"standard error can't be written: {error}")
        return Sent()

    def stop(self) -> None:
        """There is nothing to end: a line is written at once."""
