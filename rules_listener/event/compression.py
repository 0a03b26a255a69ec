"""Compressed files: read whatever they are called, written as they are called.

1. What is read is recognised by its first bytes; what is written, by the name's end: `.gz`, `.zst`, or neither.
2. What is read comes in parts of at most `PART_BYTES`, also of a file that was compressed a thousandfold.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PART_BYTES = 1 << 15
"""Measured: larger parts are slower, for what is made of a part no longer fits into the processor's caches."""

DAMAGED = (EOFError, OSError, zlib.error, zstd.ZstdError)
"""What reading may raise where a file is damaged or ends too early."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def read_parts(stream: io.BufferedReader) -> Iterator[bytes]:
    """What a stream holds, decompressed, as it comes.

    Raises:
        EOFError, OSError, zlib.error, zstd.ZstdError: see `DAMAGED`.
    """
    magic = stream.peek(len(_ZSTD_MAGIC))
    plain: io.BufferedIOBase = stream
    if magic.startswith(_GZIP_MAGIC):
        plain = gzip.GzipFile(fileobj=stream)
    elif magic.startswith(_ZSTD_MAGIC):
        plain = zstd.ZstdFile(stream)
    while part := plain.read1(PART_BYTES):
        yield part


def open_writing(path: Path, suffix: str) -> IO[bytes]:
    """The file at `path`, empty, compressed as files are whose names end in `suffix`.

    Raises:
        OSError: it can't be written.
    """
    match suffix:
        case ".gz":
            return cast("IO[bytes]", gzip.GzipFile(path, "wb"))
        case ".zst":
            return cast("IO[bytes]", zstd.ZstdFile(path, "wb"))
    return path.open("wb")
