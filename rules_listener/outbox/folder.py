"""The state folder and the files in it: for their owner's eyes only.

1. The folder is 0700 from the moment it exists, each file 0600 from the moment it exists; the umask is never touched.
2. A folder that was there before is made private only if it is empty: what a person put elsewhere stays as it is.
"""

import mmap
import os
from pathlib import Path

from rules_listener.base.errors import StoreError

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def make_folder(folder: Path) -> None:
    """Make the state folder, and the folders above it, unless it is there.

    Raises:
        StoreError: it can't be made, or nothing can be written in it.
    """
    try:
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077 and not any(folder.iterdir()):
            folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise folder_error(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"the state folder {folder} can't be written: give its owner or name another with `state:`")


def make_file(path: Path) -> None:
    """Make an empty file with mode 0600 unless it is there, and see to its mode if it is.

    An existing file is not opened: closing it would take away the locks that SQLite holds on it in this process.

    Raises:
        StoreError: it can't be made.
    """
    try:
        if path.exists():
            if path.stat().st_mode & 0o077:
                path.chmod(FILE_MODE)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, FILE_MODE))
    except OSError as error:
        raise folder_error(path, error) from error


def map_file(path: Path, size: int) -> mmap.mmap:
    """The first `size` bytes of a file as memory that outlives this process; their blocks are allotted now.

    Raises:
        OSError: it can't be made, or the disk is full.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
        os.posix_fallocate(descriptor, 0, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def folder_error(path: Path, error: OSError) -> StoreError:
    """What to tell the operator when `path` in, or as, the state folder can't be used."""
    reason = error.strerror or type(error).__name__
    return StoreError(
        f"{path}: {reason}; free some space, correct its permissions, or name another folder with `state:`"
    )
