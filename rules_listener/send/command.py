"""The channel that starts a program for each message: `run` actions, and channels of the kind `command`.

1. The program gets a list of arguments; there is no shell, whatever the event holds.
2. Exit status 0 is sent; anything else, a signal, or no end within the time is tried again, under the same `RL_ID`.
3. A program that is missing may be installed yet: that too is tried again, and the reason says what to do. An argument
   that no system takes is given up.
"""

import errno
import os
import signal
from collections.abc import Callable, Sequence
from threading import Event

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.environment import arguments_of, environment_of, input_of
from rules_listener.send.program import Program

Arguments = Callable[[Message], Sequence[str]]

_REASONS = {
    errno.ENOENT: "`{0}` is not there, nor is the interpreter that its first line may name: install it",
    errno.EACCES: "`{0}` can't be executed: give it the permission (chmod +x)",
    errno.ENOEXEC: "`{0}` is no program: a script needs a first line like #!/bin/sh",
    errno.ENOTDIR: "`{0}` is not there: a part of its path is no folder",
}


class CommandChannel:
    """Starts what `arguments` says for a message: a program, found in PATH if it is a bare name, and its arguments."""

    def __init__(
        self,
        arguments: Arguments,
        *,
        timeout_s: float = 10,
        places: int = 4,
        grace_s: float = 1,
        clock: Clock | None = None,
    ) -> None:
        self.places = places
        self._arguments = arguments
        self._timeout_s = timeout_s
        self._grace_s = grace_s
        self._clock = clock or SystemClock()
        self._stopping = Event()

    def send(self, message: Message) -> Outcome:
        """Run the program to its end."""
        if self._stopping.is_set():
            return RetryLater("the courier is ending")
        try:
            arguments = arguments_of(self._arguments(message))
        except ValueError as error:
            return GaveUp(str(error))
        try:
            program = Program(arguments, environment_of(message, os.environb), self._clock)
        except OSError as error:
            return _not_started(os.fsdecode(arguments[0]), error)
        status = program.run(input_of(message), self._timeout_s, self._grace_s, self._stopping)
        return self._outcome(status, program.last_line())

    def stop(self) -> None:
        """End the programs that run, with SIGTERM and after the grace with SIGKILL; nothing is started any more."""
        self._stopping.set()

    def _outcome(self, status: int | None, last_line: str) -> Outcome:
        if status == 0:
            return Sent()
        if status is not None:
            reason = f"exit status {status}" if status > 0 else f"killed by {_signal_name(-status)}"
        elif self._stopping.is_set():
            reason = "ended with the courier"
        else:
            reason = f"timed out after {self._timeout_s:g}s"
        return RetryLater(f"{reason}: {last_line}" if last_line else reason)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _not_started(name: str, error: OSError) -> Outcome:
    if error.errno == errno.E2BIG:
        return GaveUp(f"arguments and environment of `{name}` are more than the system takes together: shorten them")
    if error.errno in _REASONS:
        return RetryLater(_REASONS[error.errno].format(name))
    return RetryLater(f"`{name}` can't be started: {error.strerror}")
