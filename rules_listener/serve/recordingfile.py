"""The file that a recorder appends to: rotated by size, and kept whole whatever the disk does.

1. A line is there as a whole or not at all: what a full disk took only half of is taken back.
2. Nothing here raises once the file is open. What could not be written is counted, said once when it begins, and again
   when it is over.
3. Each line is with the system when `append` returns: it survives the end of this process, not a power cut.
4. One recorder to a file. It is its owner's alone, for the events may hold what is nobody else's concern.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rules_listener.base.errors import ConfigError
from rules_listener.event.rotation import rotate

MODE = 0o600


class RecordingFile:
    """The recording at `path`. Beyond `rotate_bytes` (0: never) it is rotated, and `keep` parts are kept."""

    def __init__(self, path: Path, report: Callable[[str], None], *, rotate_bytes: int, keep: int) -> None:
        self.missed = 0
        """How many lines could not be written."""
        self._path = path
        self._report = report
        self._rotate_bytes = rotate_bytes
        self._keep = keep
        self._rotate_at = rotate_bytes
        self._failing = 0
        self._descriptor = -1
        self._size = 0

    def open(self) -> None:
        """Open the file, to go on where it ends.

        Raises:
            ConfigError: it can't be written, or another recorder writes it.
        """
        try:
            self._descriptor, self._size = _open(self._path)
        except BlockingIOError:
            raise ConfigError(f"another recorder writes {self._path}: give each its own file") from None
        except FileNotFoundError as error:
            raise ConfigError(f"{self._path} can't be written: {no_folder(self._path)}") from error
        except OSError as error:
            raise ConfigError(f"{self._path} can't be written: {error.strerror}") from error

    def append(self, line: bytes) -> None:
        """Write a line, which comes with its end."""
        if self._rotate_bytes and self._size and self._size + len(line) > self._rotate_at:
            self._rotate()
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            self._miss(error.strerror or str(error))
            return
        if written == len(line):
            self._size += written
            self._say_what_was_missed()
        else:
            self._miss("the disk is full")

    def close(self) -> None:
        """Close the file; say what is missing in it."""
        self._say_what_was_missed()
        os.close(self._descriptor)

    def _rotate(self) -> None:
        try:
            rotate(self._path, self._keep)
            descriptor, size = _open(self._path)
        except OSError as error:
            self._report(f"{self._path} can't be rotated, so it grows: {error.strerror}")
            self._rotate_at = self._size + self._rotate_bytes
            return
        os.close(self._descriptor)
        self._descriptor, self._size, self._rotate_at = descriptor, size, self._rotate_bytes

    def _miss(self, reason: str) -> None:
        with suppress(OSError):
            os.ftruncate(self._descriptor, self._size)
        if not self._failing:
            self._report(f"{self._path} can't be written, events are being left out: {reason}")
        self.missed += 1
        self._failing += 1

    def _say_what_was_missed(self) -> None:
        if self._failing:
            self._report(f"{self._failing} events are missing in {self._path}: it could not be written")
            self._failing = 0


def no_folder(path: Path) -> str:
    """What is said where a recording's folder is missing."""
    return f"there is no folder {path.absolute().parent}, make it first"


def _open(path: Path) -> tuple[int, int]:
    """The descriptor of the file, locked, and its size; a line that was not finished is finished.

    Raises:
        BlockingIOError: another process has locked it.
        OSError: it can't be opened or written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            size += os.write(descriptor, b"\n")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor, size
