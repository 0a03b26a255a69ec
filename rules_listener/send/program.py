"""Runs one program to its end: writes its input, keeps the tail of its output, ends it when it takes too long.

1. The program is the leader of a session and so of a process group of its own; ending it ends the group: SIGTERM,
   after a grace SIGKILL. Its children may go on when it ends by itself.
2. Input and output never wait for one another: a program may read nothing, or write without end.
3. It never has our standard output, only a pipe for both of its own; of that the last few KiB are kept.
4. It is only then collected (`waitpid`) when nothing is sent to its group any more: the number can't be another's.
"""

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event
from typing import Self

from rules_listener.base.clock import Clock

_STEP_S = 0.05
"""How long the end of a program stays unnoticed if a child of its keeps the output open."""

_TAIL_BYTES = 4096
_READ_BYTES = 65536


class Program:
    """A program that was just started.

    Raises:
        OSError: it could not be started.
    """

    def __init__(self, arguments: Sequence[bytes], environment: Mapping[bytes, bytes], clock: Clock) -> None:
        self._clock = clock
        self._process = subprocess.Popen(  # noqa: S603 - arguments are a list, and no shell sees them
            arguments,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._tail = b""

    def run(self, data: bytes, timeout_s: float, grace_s: float, stopping: Event) -> int | None:
        """Pass `data` on standard input, and wait for the end; None if it had to be ended.

        Otherwise the exit status, or the negative number of the signal that it died of.
        """
        deadline = self._clock.monotonic() + timeout_s
        with _Pipes(self._process) as pipes:
            ended = self._watch(pipes, data, deadline, stopping)
            if not ended:
                self._end_group(pipes, grace_s)
            pipes.read()
            self._tail = pipes.tail
        status = self._process.wait()
        return status if ended else None

    def last_line(self) -> str:
        """The last line of the output that is not empty; an empty text if there is none."""
        first, *lines = self._tail.decode("utf-8", "replace").split("\n")
        if line := next((line.strip() for line in reversed(lines) if line.strip()), ""):
            return line
        # Where it was cut a secret may begin, which nobody would know any more.
        return first.strip()[len(first.strip()) // 2 :] if len(self._tail) == _TAIL_BYTES else first.strip()

    def _watch(self, pipes: "_Pipes", data: bytes, deadline: float, stopping: Event) -> bool:
        pipes.unwritten = memoryview(data)
        while not self._has_ended():
            left = deadline - self._clock.monotonic()
            if left <= 0 or stopping.is_set():
                return False
            pipes.wait(min(left, _STEP_S))
        return True

    def _end_group(self, pipes: "_Pipes", grace_s: float) -> None:
        self._signal(signal.SIGTERM)
        deadline = self._clock.monotonic() + grace_s
        while not self._has_ended() and self._clock.monotonic() < deadline:
            pipes.wait(_STEP_S)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class _Pipes:
    """Our ends of a program's input and output, neither of which ever blocks."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._poll = select.poll()
        self.tail = b""
        self.unwritten = memoryview(b"")
        self._input = process.stdin.fileno() if process.stdin else -1
        self._output = process.stdout.fileno() if process.stdout else -1
        for descriptor, events in ((self._input, select.POLLOUT), (self._output, select.POLLIN)):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, events)
        self._registered = 2

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def wait(self, seconds: float) -> None:
        """Write and read what can be, for at most `seconds` or until something happens."""
        for descriptor, _ in self._poll.poll(seconds * 1000):
            if descriptor == self._input:
                self._write()
            elif not self.read():
                self._poll.unregister(self._output)

    def read(self) -> bool:
        """Read what is there, a bounded amount; whether more may come."""
        with suppress(BlockingIOError):
            data = os.read(self._output, _READ_BYTES)
            self.tail = (self.tail + data)[-_TAIL_BYTES:]
            return bool(data)
        return True

    def _write(self) -> None:
        with suppress(BlockingIOError):
            try:
                self.unwritten = self.unwritten[os.write(self._input, self.unwritten) :]
            except BrokenPipeError:
                self.unwritten = memoryview(b"")
        if not self.unwritten and self._process.stdin is not None:
            self._poll.unregister(self._input)
            self._process.stdin.close()
