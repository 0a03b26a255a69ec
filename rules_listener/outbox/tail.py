"""The end of the journal that is not in the store yet: memory that is a file's, so that `kill -9` loses nothing of it.

1. A frame is appended before it is answered, with a few copies of bytes and no system call; what was cut short is
   recognised by its sum, and counts as never appended.
2. All of it has one number, the generation. The transaction that takes the frames into the journal keeps that number in
   the store, so that nobody takes them twice; then the next generation begins, empty.
3. Where the file can't be made, memory of this process stands in for it.
"""

import struct
from binascii import crc32
from pathlib import Path
from typing import TYPE_CHECKING

from rules_listener.base.errors import StoreError
from rules_listener.event.wire import Frame
from rules_listener.outbox.folder import make_folder, map_file
from rules_listener.outbox.store import Received

if TYPE_CHECKING:
    from mmap import mmap

FILE_NAME = "tail"
SIZE = 1 << 21

_MAGIC = b"RLTAIL\x00\x01"
_GENERATION = struct.Struct("<Q")
_ENTRY = struct.Struct("<IIId")
"""The length of header and payload together (0: nothing follows), of the header, their sum, the time."""
_FIRST = len(_MAGIC) + _GENERATION.size
_END = bytes(4)


class Tail:
    """The tail in `page`, at least some kilobytes that may be a file's. `found` is what was there at the beginning."""

    def __init__(self, page: "mmap | bytearray") -> None:
        self._page = page
        self._room = len(page) - _ENTRY.size - len(_END)
        if page[: len(_MAGIC)] != _MAGIC:
            page[: _FIRST + 4] = _MAGIC + _GENERATION.pack(1) + _END
        (self.generation,) = _GENERATION.unpack_from(page, len(_MAGIC))
        self.found: list[Received] = []
        self._end = self._read()

    @classmethod
    def open(cls, folder: Path) -> "Tail":
        """The tail in `folder`, which is made if need be; in memory alone if that can't be done."""
        try:
            make_folder(folder)
            return cls(map_file(folder / FILE_NAME, SIZE))
        except (OSError, StoreError):
            return cls(bytearray(SIZE))

    def append(self, received: Received) -> bool:
        """Append a frame; False if there is no room for it before the next `clear`."""
        time, (header, payload) = received
        content = header + payload
        start, length = self._end, len(content)
        if start + length > self._room:
            return False
        body = start + _ENTRY.size
        self._page[body : body + length + 4] = content + _END
        _ENTRY.pack_into(self._page, start, length, len(header), _sum(length, len(header), time, content), time)
        self._end = body + length
        return True

    def clear(self) -> None:
        """All of it is in the journal, or given up: begin the next generation."""
        self._page[_FIRST : _FIRST + 4] = _END
        self.generation += 1
        _GENERATION.pack_into(self._page, len(_MAGIC), self.generation)
        self._end = _FIRST

    def _read(self) -> int:
        """Find what is there; where it ends."""
        place = _FIRST
        while place < self._room:
            length, header, total, time = _ENTRY.unpack_from(self._page, place)
            content = bytes(self._page[place + _ENTRY.size : place + _ENTRY.size + length])
            if not length or len(content) < length or _sum(length, header, time, content) != total:
                break
            self.found.append(Received(time, Frame(content[:header], content[header:])))
            place += _ENTRY.size + length
        return place


def _sum(length: int, header: int, time: float, content: bytes) -> int:
    return crc32(content, crc32(_ENTRY.pack(length, header, 0, time)))
