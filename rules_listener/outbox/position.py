"""Which event was seen last, remembered without a system call: one page of memory that is a file's.

1. What is noted survives the end of the process at any instant (`kill -9`): the page belongs to the kernel.
2. Every note is written with its number at both ends and a sum, into the older of two places: one that was cut short
   is recognised, and counts as never written.
3. Blocks for the page are allotted when the file is made, so a full disk can't hurt later. Where the file can't be
   made, memory of this process stands in for it.
4. A name of a pool of more than 900 bytes, and numbers that do not fit in 64 bits, are not remembered.
"""

import mmap
import struct
from binascii import crc32
from pathlib import Path
from typing import NamedTuple

from rules_listener.base.errors import StoreError
from rules_listener.outbox.folder import make_folder, map_file

FILE_NAME = "position"
_SIZE = 4096

_MAGIC = b"RLPOS\x00\x00\x01"
_NOTE = struct.Struct("<7Q")
"""Its number, the epoch's number, serial, poolserial, attempts, the sum of these, its number again."""
_FLIGHT = 64
_ACKNOWLEDGED = 192
_PLACE = 64

_EPOCH = struct.Struct("<QqdH")
"""The epoch's number, supervisord's pid, its start time, the length of the pool's name; name and check sum follow."""
_SUM = struct.Struct("<I")
_EPOCHS = 1024
_EPOCH_PLACE = 1024
_MAX_POOL_BYTES = 900


class Epoch(NamedTuple):
    """A stretch in which serials only grow: one life of supervisord (pid, start in seconds since 1970) and a pool."""

    pid: int
    start_time: float
    pool: str


class Position(NamedTuple):
    """The place of an event in supervisord's sequence."""

    epoch: Epoch
    serial: int
    poolserial: int


class _Note(NamedTuple):
    number: int = 0
    epoch: int = 0
    serial: int = 0
    poolserial: int = 0
    attempts: int = 0


class PositionFile:
    """The event in flight and the last one acknowledged, in `page`: 4 KiB that may be a file's."""

    def __init__(self, page: "mmap.mmap | bytearray") -> None:
        self._page = page
        if page[: len(_MAGIC)] != _MAGIC:
            page[:_SIZE] = _MAGIC.ljust(_SIZE, b"\0")
        flight, acknowledged = _newest(page, _FLIGHT), _newest(page, _ACKNOWLEDGED)
        self._number = max(flight.number, acknowledged.number) & ~1
        self._epoch_number = max(flight.epoch, acknowledged.epoch)
        self._epoch = _read_epoch(page, self._epoch_number)
        self._serial, self._poolserial = flight.serial, flight.poolserial
        known = flight.epoch == self._epoch_number and flight.number > acknowledged.number
        self._attempts = flight.attempts if known else 0
        epoch = _read_epoch(page, acknowledged.epoch)
        self._last = Position(epoch, acknowledged.serial, acknowledged.poolserial) if epoch else None

    @classmethod
    def open(cls, folder: Path) -> "PositionFile":
        """The notes in `folder`, which is made if need be; in memory alone if that can't be done."""
        try:
            make_folder(folder)
            return cls(map_file(folder / FILE_NAME, _SIZE))
        except (OSError, StoreError):
            return cls(bytearray(_SIZE))

    @property
    def survives(self) -> bool:
        """Whether what is noted outlives this process."""
        return isinstance(self._page, mmap.mmap)

    @property
    def last(self) -> Position | None:
        """The event that was acknowledged last, in this life of the listener or an earlier one."""
        return self._last

    @property
    def in_flight(self) -> Position | None:
        """The event that was noted last and not acknowledged, in this life of the listener or an earlier one."""
        return Position(self._epoch, self._serial, self._poolserial) if self._attempts and self._epoch else None

    def note(self, epoch: Epoch, serial: int, poolserial: int) -> int:
        """Say that this event is about to be handled; how often that was said before, and it was not acknowledged."""
        if epoch is not self._epoch and epoch != self._epoch:
            self._begin_epoch(epoch)
        elif serial != self._serial or poolserial != self._poolserial:
            self._attempts = 0
        self._serial = serial
        self._poolserial = poolserial
        self._attempts = attempts = self._attempts + 1
        self._number = number = self._number + 2
        self._write(_FLIGHT, number, serial, poolserial, attempts)
        return attempts - 1

    def acknowledged(self) -> None:
        """Say that supervisord was, or is just being, told that the event noted last is done."""
        attempts, epoch = self._attempts, self._epoch
        if not attempts or epoch is None:
            return
        self._attempts = 0
        self._write(_ACKNOWLEDGED, self._number + 1, self._serial, self._poolserial, attempts)
        self._last = Position(epoch, self._serial, self._poolserial)

    def _write(self, kind: int, number: int, serial: int, poolserial: int, attempts: int) -> None:
        epoch = self._epoch_number
        total = number + epoch + serial + poolserial + attempts
        place = kind + (number & 2) * (_PLACE // 2)
        try:
            _NOTE.pack_into(self._page, place, number, epoch, serial, poolserial, attempts, total, number)
        except struct.error:
            self._page[place : place + _PLACE] = bytes(_PLACE)

    def _begin_epoch(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._epoch_number = number = self._epoch_number + 1
        self._attempts = 0
        pool = epoch.pool.encode("utf-8", "surrogateescape")
        if len(pool) <= _MAX_POOL_BYTES:
            written = _EPOCH.pack(number, epoch.pid, epoch.start_time, len(pool)) + pool
            written += _SUM.pack(crc32(written))
            start = _EPOCHS + (number & 1) * _EPOCH_PLACE
            self._page[start : start + len(written)] = written


def _newest(page: "mmap.mmap | bytearray", kind: int) -> _Note:
    return max(_read_note(page, kind), _read_note(page, kind + _PLACE))


def _read_note(page: "mmap.mmap | bytearray", place: int) -> _Note:
    *fields, total, number = _NOTE.unpack_from(page, place)
    note = _Note(*fields)
    return note if note.number == number and sum(fields) == total else _Note()


def _read_epoch(page: "mmap.mmap | bytearray", number: int) -> Epoch | None:
    start = _EPOCHS + (number & 1) * _EPOCH_PLACE
    found, pid, start_time, length = _EPOCH.unpack_from(page, start)
    end = start + _EPOCH.size + length
    if (
        found != number
        or not number
        or length > _MAX_POOL_BYTES
        or (crc32(page[start:end]),) != _SUM.unpack_from(page, end)
    ):
        return None
    return Epoch(pid, start_time, page[start + _EPOCH.size : end].decode("utf-8", "surrogateescape"))
