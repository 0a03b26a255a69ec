"""What is not in the store yet: memory that is a file's, so that `kill -9` loses nothing of it.

1. A frame is appended before it is answered, with a few copies of bytes and no system call. What was cut short is
   recognised by its sum, and counts as never appended.
2. The alerts that a frame caused come with it, or in the next entry: then it is marked with `OWED`. If that is missing,
   there are none, or they were not made yet: whoever reads the tail makes those of its last frame. A frame that can't
   be handled is marked with `SET_ASIDE` in the same way.
3. What is in it has a number, the generation. The transaction that takes it into the store keeps that number there, so
   that nobody takes it twice; then the next generation begins, empty. Where nobody can say whether the store has it
   already, a border is put behind it, and the next generation begins after that.
4. The tail is a beginning: where something did not fit, nothing fits any more until the tail is cleared.
5. Where the file can't be made, memory of this process stands in for it.
"""

import struct
from binascii import crc32
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rules_listener.base.errors import StoreError
from rules_listener.event.wire import NO_FRAME, Frame
from rules_listener.outbox.folder import make_folder, map_file
from rules_listener.outbox.store import Received

if TYPE_CHECKING:
    from mmap import mmap

FILE_NAME = "tail"
SIZE = 1 << 21
OWED = b"?"
"""In the place of packed alerts: the next entry has them, if there are any."""
SET_ASIDE = b"!"
"""In the place of packed alerts: the last frame can't be handled, nor is it told to anybody again."""
_BORDER = b"|"

_MAGIC = b"RLTAIL\x00\x01"
_GENERATION = struct.Struct("<Q")
_ENTRY = struct.Struct("<IIIId")
"""The length of all that follows plus 1 (0: nothing does), of the header, of the payload, the sum, the time."""
_FIRST = len(_MAGIC) + _GENERATION.size
_END = bytes(4)


class Entry(NamedTuple):
    """A frame, and the packed rows of the alerts that it caused, or `OWED`.

    The frame is empty where time alone caused something, and where the alerts of the entry before it follow.
    """

    received: Received
    alerts: bytes = b""


class Tail:
    """The tail in `page`, at least some kilobytes that may be a file's. `found` is what was there at the beginning.

    `generation` is that of what is appended now.
    """

    def __init__(self, page: "mmap | bytearray") -> None:
        self._page = page
        self._room = len(page) - _ENTRY.size - len(_END)
        if page[: len(_MAGIC)] != _MAGIC:
            page[: _FIRST + 4] = _MAGIC + _GENERATION.pack(1) + _END
        (self.generation,) = _GENERATION.unpack_from(page, len(_MAGIC))
        self._first = self.generation
        self.found: list[Entry] = []
        self._borders: list[int] = []
        """How many of what was found are before each border."""
        self._end = self._read()

    @classmethod
    def open(cls, folder: Path) -> "Tail":
        """The tail in `folder`, which is made if need be; in memory alone if that can't be done."""
        try:
            make_folder(folder)
            return cls(map_file(folder / FILE_NAME, SIZE))
        except (OSError, StoreError):
            return cls(bytearray(SIZE))

    @property
    def survives(self) -> bool:
        """Whether what is appended outlives this process."""
        return not isinstance(self._page, bytearray)

    def append(self, received: Received, alerts: bytes = b"") -> bool:
        """Append a frame with what it caused; False if there is no room, for it and all others, until `clear`."""
        time, (header, payload) = received
        content = header + payload + alerts
        start, length = self._end, len(content)
        if start + length > self._room:
            self._end = len(self._page)
            return False
        body = start + _ENTRY.size
        self._page[body : body + length + 4] = content + _END
        lengths = length + 1, len(header), len(payload)
        _ENTRY.pack_into(self._page, start, *lengths, _sum(lengths, time, content), time)
        self._end = body + length
        return True

    @property
    def end(self) -> int:
        """Where the next entry begins."""
        return self._end

    def cut(self, end: int) -> None:
        """Take back what was appended from there on; nothing more fits."""
        if end <= self._room:
            self._page[end : end + 4] = _END
        self._end = len(self._page)

    def divide(self) -> None:
        """Begin the next generation after what is there, since nobody knows whether the store has that."""
        if self.append(Received(0.0, NO_FRAME), _BORDER):
            self.generation += 1

    def later_than(self, journalled: int) -> list[tuple[int, list[Entry]]]:
        """What was found of the generations after the one that the store has, each with its number."""
        places = [0, *self._borders, len(self.found)]
        parts = [(self._first + number, self.found[start:end]) for number, (start, end) in enumerate(pairwise(places))]
        return [part for part in parts if part[0] > journalled and part[1]]

    def clear(self, journalled: int = 0) -> None:
        """All of it is in the store, or given up: begin the next generation, after those that the store has."""
        self._page[_FIRST : _FIRST + 4] = _END
        self.generation = max(self.generation, journalled) + 1
        _GENERATION.pack_into(self._page, len(_MAGIC), self.generation)
        self._end = _FIRST

    def _read(self) -> int:
        """Find what is there; where it ends."""
        place = _FIRST
        while place < self._room:
            *lengths, total, time = _ENTRY.unpack_from(self._page, place)
            length, header, payload = lengths
            content = bytes(self._page[place + _ENTRY.size : place + _ENTRY.size + length - 1])
            if not length or len(content) < length - 1 or _sum(lengths, time, content) != total:
                break
            frame = Frame(content[:header], content[header : header + payload])
            self._take(Entry(Received(time, frame), content[header + payload :]))
            place += _ENTRY.size + length - 1
        return place

    def _take(self, entry: Entry) -> None:
        if entry.alerts != _BORDER:
            self.found.append(entry)
            return
        self._borders.append(len(self.found))
        self.generation += 1


def _sum(lengths: Iterable[int], time: float, content: bytes) -> int:
    return crc32(content, crc32(_ENTRY.pack(*lengths, 0, time)))
