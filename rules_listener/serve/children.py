"""The processes that the listener starts: Python modules of this package, joined to it by pipes.

1. A child gets a pipe on standard output, one on standard input if asked for, and our standard error; nothing else.
2. The end of a child's output is how its end is noticed; then it is reaped.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress


class Child:
    """A running child. `output` is read; `input` is written, None where the child gets nothing."""

    def __init__(self, module: str, arguments: Sequence[str], *, with_input: bool) -> None:
        """Start `python -m MODULE ARGUMENTS…`.

        Raises:
            OSError: it can't be started.
        """
        self.output, child_output = os.pipe()
        self.input: int | None = None
        if with_input:
            child_input, self.input = os.pipe()
            os.set_blocking(self.input, False)
        else:
            child_input = os.open(os.devnull, os.O_RDONLY)
        try:
            self.pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", "-m", module, *arguments],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, child_input, 0), (os.POSIX_SPAWN_DUP2, child_output, 1)],
            )
        except OSError:
            self.close()
            raise
        finally:
            os.close(child_input)
            os.close(child_output)

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
