"""A file gets another content at once: whoever reads it finds the old one or the new one."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what is to be the file at `path`, or the one to which it links, once all of it is written.

    Only its owner may read it. What is there already and no regular file (a pipe, a device) stays, and is written to.

    Raises:
        OSError: there can't be such a file; what was there is as it was.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = Path(os.path.realpath(path))
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    try:
        yield Path(name)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Give the file at `path`, or the one to which it links, another content; mode and owner stay, if they can.

    Raises:
        OSError: it can't be written; it is as it was.
    """
    if not os.access(path, os.W_OK):  # a file that may not be written stays, even in a folder that may be
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    status = path.stat()
    with replacing(path) as written, written.open("wb") as file:
        with suppress(PermissionError):
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
        os.fchmod(file.fileno(), status.st_mode & 0o7777)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
