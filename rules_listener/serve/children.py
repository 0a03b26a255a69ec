"""The processes that the listener starts: Python modules of this package, joined to it by pipes.

1. A child gets a pipe on standard output, one on standard input if asked for, our standard error, and what it is given
   to read at `GIVEN`, which is never a file on disk; nothing else.
2. The end of a child's output is how its end is noticed; then it is reaped.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

GIVEN = 3
"""The descriptor at which a child finds what it is given."""


class Child:
    """A running child. `output` is read; `input` is written, None where the child gets nothing."""

    output: int
    input: int | None

    def __init__(self, module: str, arguments: Sequence[str], *, with_input: bool, given: bytes = b"") -> None:
        """Start `python -m MODULE ARGUMENTS…`.

        Raises:
            OSError: it can't be started.
        """
        self.output, self.input = -1, None
        its: list[int] = []
        try:
            self.pid = self._start(its, [module, *arguments], with_input=with_input, given=given)
        except OSError:
            self.close()
            raise
        finally:
            for descriptor in its:
                os.close(descriptor)

    def _start(self, its: list[int], command: Sequence[str], *, with_input: bool, given: bytes) -> int:
        """Start the process, whose descriptors are added to `its` as soon as they are there; its pid."""
        its.append(memory := _memory_file(given))
        self.output, child_output = os.pipe()
        its.append(child_output)
        if with_input:
            child_input, self.input = os.pipe()
            os.set_blocking(self.input, False)
        else:
            child_input = os.open(os.devnull, os.O_RDONLY)
        its.append(child_input)
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", "-m", *command],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, child_input, 0),
                (os.POSIX_SPAWN_DUP2, child_output, 1),
                (os.POSIX_SPAWN_DUP2, memory, GIVEN),
            ],
        )

    def poke(self) -> None:
        """Send a byte, unless many wait to be read already."""
        if self.input is not None:
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(self.input, b"\n")

    def end_input(self) -> None:
        """Let the child see the end of its input."""
        if self.input is not None:
            os.close(self.input)
            self.input = None

    def close(self) -> None:
        """Close our ends of the pipes."""
        self.end_input()
        if self.output >= 0:
            os.close(self.output)
            self.output = -1

    def reap(self) -> int:
        """Wait for the child's end, which has come or is near; its exit status, negative for a signal."""
        self.close()
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def _memory_file(content: bytes) -> int:
    """A descriptor from which `content` is read; the disk has no part in it."""
    descriptor = os.memfd_create("given")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_given() -> bytes:
    """In a child: what it was given."""
    with os.fdopen(GIVEN, "rb") as file:
        return file.read()
