"""What a page shows, in columns that are compressed as they grow: a million events are some megabytes.

1. Nothing that was added is kept as an object; what is not compressed yet is never more than a block.
2. Numbers are little-endian, as a browser's typed arrays are. The same rows give the same bytes.
3. What comes out is BASE64: no text, whatever is in it, can be taken for markup or code.
"""

import sys
import zlib
from array import array
from base64 import b64encode
from collections.abc import Iterator
from json import JSONEncoder
from typing import Any

BLOCK_ROWS = 8192
BLOCK_BYTES = 1 << 16
LONGEST_S = 8.64e12
"""A browser's dates end here, in seconds before and after 1970 (ECMAScript: Time Values)."""

_encode = JSONEncoder(separators=(",", ":")).encode


class Names:
    """Different texts, numbered in the order in which they came; `first` have the first numbers."""

    def __init__(self, *first: str) -> None:
        self._numbers = {name: number for number, name in enumerate(first)}

    def number(self, name: str) -> int:
        """The number of a text."""
        return self._numbers.setdefault(name, len(self._numbers))

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)


class _Compressed:
    """Bytes, compressed as they come."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj()
        self._bytes = bytearray()

    def add(self, data: bytes | bytearray | memoryview) -> None:
        self._bytes += self._compressor.compress(data)

    def text(self) -> str:
        """All of it, in BASE64; nothing can be added any more."""
        self._bytes += self._compressor.flush()
        return b64encode(self._bytes).decode("ascii")


class Table:
    """Rows of a time and some numbers from 0 on, by columns.

    A time is kept as the milliseconds that passed since the row before: small numbers, which compress well.
    """

    def __init__(self, *names: str) -> None:
        self.rows = 0
        self._names = ("time", *names)
        self._times = array("d")
        self._numbers = [array("I") for _ in names]
        self._columns: list[array[Any]] = [self._times, *self._numbers]
        self._compressed = [_Compressed() for _ in self._columns]
        self._last_ms = 0

    def add(self, time: float, *numbers: int) -> None:
        """Add a row; `time` is in seconds since 1970."""
        now_ms = round(min(max(time, -LONGEST_S), LONGEST_S) * 1000)
        self._times.append(now_ms - self._last_ms)
        self._last_ms = now_ms
        for column, number in zip(self._numbers, numbers, strict=True):
            column.append(number)
        self.rows += 1
        if self.rows % BLOCK_ROWS == 0:
            self._compress()

    def columns(self) -> dict[str, str]:
        """Each column by its name; nothing can be added any more."""
        self._compress()
        return {name: column.text() for name, column in zip(self._names, self._compressed, strict=True)}

    def _compress(self) -> None:
        for column, compressed in zip(self._columns, self._compressed, strict=True):
            if sys.byteorder == "big":
                column.byteswap()
            compressed.add(column.tobytes())
            del column[:]


class Lines:
    """Values, as one line of JSON each; texts with half of a surrogate pair are no exception."""

    def __init__(self) -> None:
        self._compressed = _Compressed()
        self._pending = bytearray()

    def add(self, value: object) -> None:
        """Add a line."""
        self._pending += _encode(value).encode("ascii")
        self._pending += b"\n"
        if len(self._pending) >= BLOCK_BYTES:
            self._compress()

    def text(self) -> str:
        """All lines; nothing can be added any more."""
        self._compress()
        return self._compressed.text()

    def _compress(self) -> None:
        self._compressed.add(self._pending)
        self._pending.clear()
