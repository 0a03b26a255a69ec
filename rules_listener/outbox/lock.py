"""One courier to a state folder: the lock that it holds while it lives, however it ends."""

import os
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
