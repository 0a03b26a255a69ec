"""The channel of the kind `file`: appends one line for each message, as JSON or as text.

1. The file is opened for each line, so it may be moved away at any time (logrotate): the next line begins a new one.
2. A line is whole, and on disk (fsync) when it counts as sent. One that could not be written to its end, on a full
   disk, is taken back; what another program left without a line end gets one.
3. A new file is readable for its owner only: data of events may be confidential.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent

Line = Callable[[Message], str]

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
_REASONS = {
    errno.ENOENT: "the folder of {0} is not there: make it",
    errno.EACCES: "{0} can't be written: the user of the listener has no permission",
    errno.EISDIR: "{0} is a folder",
    errno.EAGAIN: "{0} is locked by another program",
    errno.ENOSPC: "{0} can't be written: the disk is full",
}


class FileChannel:
    """Appends lines, in characters that UTF-8 has and without line ends within, to the file at `path`."""

    places = 1

    def __init__(self, path: Path, line: Line) -> None:
        self._path = path
        self._line = line

    def send(self, message: Message) -> Outcome:
        """Append one line."""
        data = f"{self._line(message)}\n".encode()
        try:
            descriptor = os.open(self._path, _FLAGS, 0o600)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return RetryLater(f"{self._path} is no file")
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _append(descriptor, data)
                if os.fstat(descriptor).st_size == len(data):
                    _keep_name(self._path)
            finally:
                os.close(descriptor)
        except OSError as error:
            reason = _REASONS.get(error.errno or 0, "{0} can't be written: {1}")
            return RetryLater(reason.format(self._path, error.strerror))
        return Sent()

    def stop(self) -> None:
        """There is nothing to end: a line is written at once."""


def _append(descriptor: int, data: bytes) -> None:
    """Append `data` as a line of its own, or nothing."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    written = 0
    try:
        while written < len(data):
            written += os.write(descriptor, data[written:])
        os.fsync(descriptor)
    except OSError:
        if os.fstat(descriptor).st_size == size + written:
            os.ftruncate(descriptor, size)
        raise


def _keep_name(path: Path) -> None:
    """Let the name of a new file be on disk too."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
