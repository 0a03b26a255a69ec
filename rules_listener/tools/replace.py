"""A file gets another content at once: whoever reads it finds the old one or the new one."""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Give the file at `path`, or the one to which it links, another content; mode and owner stay, if they can.

    Raises:
        OSError: it can't be written; it is as it was.
    """
    target = path.resolve()
    if not os.access(target, os.W_OK):  # a file that may not be written stays, even in a folder that may be
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    status = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(PermissionError):
                os.fchown(descriptor, status.st_uid, status.st_gid)
            os.fchmod(descriptor, status.st_mode & 0o7777)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
