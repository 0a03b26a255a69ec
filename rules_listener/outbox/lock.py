"""One courier to a state folder: the lock that it holds while it lives, however it ends.

The time of the file's last change says when a courier worked last: its holder touches it now and then.
"""

import os
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from rules_listener.outbox.folder import FILE_MODE, folder_error, make_folder

FILE_NAME = "courier.lock"


def take_lock(folder: Path) -> int | None:
    """The descriptor that holds the lock until it is closed; None if another process has it.

    Raises:
        StoreError: the folder or the file in it can't be made.
    """
    path = folder / FILE_NAME
    make_folder(folder)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise folder_error(path, error) from error
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def last_held(lock: int) -> float:
    """When a courier said last that it works, in seconds since 1970; if there was none so far, that is just now."""
    return os.fstat(lock).st_mtime


def still_held(lock: int, now: float) -> None:
    """Say that a courier works at this moment; a failure is none of its concern."""
    with suppress(OSError):
        os.utime(lock, (now, now))
