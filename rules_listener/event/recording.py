"""Whatever holds events, as a stream of events in their order: recordings, captures, supervisord.log.

1. What a file is, is told by what is in it: `kind_of`, and nothing else, decides. It may be compressed.
2. A file is read together with its rotated parts, the oldest first, as they were at one moment: it may be rotated while
   it is opened.
3. Events come as they are read, and none is kept: memory does not grow with what is read.
4. What can't be read is a finding, with its place; the reading goes on.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from itertools import chain
from pathlib import Path
from time import sleep
from typing import Self

from rules_listener.base.errors import ConfigError
from rules_listener.event.capture import is_header, read_capture
from rules_listener.event.compression import DAMAGED, read_parts
from rules_listener.event.event import Event, Seen
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import is_record, read_lines
from rules_listener.event.processes import Program
from rules_listener.event.rotation import parts_of
from rules_listener.event.supervisorlog import LogReader, is_log_line

MAX_LINE_BYTES = 64 << 20
"""What is longer is cut: a file without line ends must not fill the memory."""

HEAD_BYTES = 64 << 10
"""So much of a file is looked at to tell what it is."""

Inode = tuple[int, int]
"""Device and number."""

_TRIES = 50
_TRY_AGAIN_S = 0.01
"""To rotate a file takes some milliseconds at most, in which it may have no name, or another one."""


class Kind(StrEnum):
    """What a file is."""

    LINES = "JSON lines"
    CAPTURE = "raw capture"
    LOG = "supervisord.log"
    STORE = "store"
    """The listener's own store. Reading it is no matter of this module's."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a recording is read: what the file itself does not tell.

    `start` (seconds since 1970) is the time of a capture's first frames; `zone` that of a log's times, None the host's;
    `programs` are the processes that supervisord's configuration names.
    """

    start: float | None = None
    zone: tzinfo | None = None
    programs: Mapping[str, Program] = field(default_factory=dict)


def kind_of(head: bytes) -> Kind | None:
    """What a file is that begins with `head`, decompressed; None if that can't be told."""
    if head.startswith(b"SQLite format 3\0"):
        return Kind.STORE
    lines = head.split(b"\n")
    for line in lines:
        if is_log_line(line):
            return Kind.LOG
        if is_header(line):
            return Kind.CAPTURE
        if is_record(line):
            return Kind.LINES
    return Kind.LINES if any(line.lstrip().startswith(b"{") for line in lines) else None


class Recording:
    """One source, opened: a file with its rotated parts, or standard input.

    Raises:
        ConfigError: a file can't be opened, or nothing in it is known.
    """

    def __init__(self, path: Path | None, findings: Findings, *, rotated: bool = True) -> None:
        self.name = "standard input" if path is None else str(path)
        self._findings = findings
        self._close = ExitStack()
        with ExitStack() as opened:
            streams = {self.name: _open(path, opened)} if path is None or not rotated else _open_parts(path, opened)
            self._files = [_File(name, stream, findings) for name, stream in streams.items()]
            kinds = [file.kind for file in self._files if file.kind is not None]
            if not kinds and not all(file.is_empty for file in self._files):
                raise ConfigError(_unknown(self.name))
            self._close = opened.pop_all()
        self.kind = kinds[-1] if kinds else Kind.LINES
        """What the file itself is; JSON lines if it is empty."""
        self.inodes = frozenset(file.inode for file in self._files)

    @property
    def files(self) -> list[str]:
        """The names of all parts."""
        return [file.name for file in self._files]

    @property
    def size(self) -> int:
        """How many bytes the files have; 0 where that is not known."""
        return sum(file.size for file in self._files)

    @property
    def position(self) -> int:
        """How many of them were read."""
        return sum(file.position for file in self._files)

    def events(self, reading: Reading) -> Iterator[Event]:
        """The events in all parts, in their order."""
        return (event.kept() for event in chain.from_iterable(self.batches(reading)))

    def batches(self, reading: Reading) -> Iterator[Sequence[Seen]]:
        """The same events as they are read, some at a time, for those who look at many and keep few."""
        read = self._reader(reading, self._findings)
        for file in self._files:
            yield from self._findings.watched(read(file, file.parts), file.name)

    def begins(self, reading: Reading) -> float | None:
        """The time of the first event (seconds since 1970); None if the first lines do not tell it."""
        read = self._reader(reading, Findings(lambda _: None))
        found = (batch[0].time for file in self._files for batch in read(file, iter(file.beginning())) if batch)
        return next(found, None)

    def _reader(
        self, reading: Reading, findings: Findings
    ) -> Callable[["_File", Iterator[bytes]], Iterator[Sequence[Seen]]]:
        """What reads the events in parts of the files, one after the other."""
        log = LogReader(reading.programs, reading.zone, findings)

        def read(file: _File, parts: Iterator[bytes]) -> Iterator[Sequence[Seen]]:
            match file.kind or self.kind:
                case Kind.LOG:
                    return log.read(parts, file.name)
                case Kind.CAPTURE:
                    return read_capture(parts, file.name, findings, start=reading.start, otherwise=file.changed)
            return read_lines(parts, file.name, findings)

        return read

    @property
    def is_lines(self) -> bool:
        """Whether all parts are JSON lines."""
        return all(file.kind in (Kind.LINES, None) for file in self._files)

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """The lines of all parts as they are, many at a time, with the names of their files."""
        return ((file.name, part) for file in self._files for part in file.parts)

    def close(self) -> None:
        """Close the files."""
        self._close.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def inode_of(status: os.stat_result) -> Inode:
    """What file it is, whatever it is called."""
    return status.st_dev, status.st_ino


class _File:
    """One file: what it is, and its content in parts that end where a line ends."""

    def __init__(self, name: str, stream: io.BufferedReader, findings: Findings) -> None:
        self.name = name
        status = os.fstat(stream.fileno())
        self.inode = inode_of(status)
        self.changed = status.st_mtime
        self._stream = stream
        self.size = status.st_size if stream.seekable() else 0
        self.kind: Kind | None = None
        self.parts: Iterator[bytes] = iter(())
        self.is_empty = False
        if kind_of(stream.peek()) is Kind.STORE:
            self.kind = Kind.STORE
        else:
            self._look(_whole_lines(_without_padding(read_parts(stream)), name, findings))

    @property
    def position(self) -> int:
        """How many bytes were read; 0 where that is not known."""
        return self._stream.tell() if self.size and not self._stream.closed else 0

    def _look(self, parts: Iterator[bytes]) -> None:
        """Read as much as tells what the file is."""
        head = b""
        for part in parts:
            head += part
            self.kind = kind_of(head)
            if self.kind is not None or len(head) >= HEAD_BYTES:
                break
        self.is_empty = not head.strip()
        self.parts = chain([head] if head else [], parts)

    def beginning(self) -> list[bytes]:
        """The first parts; they are still to be read."""
        first: list[bytes] = []
        for part in self.parts:
            first.append(part)
            if sum(map(len, first)) >= HEAD_BYTES:
                break
        self.parts = chain(first, self.parts)
        return first


def _open_parts(path: Path, opened: ExitStack, tries: int = _TRIES) -> dict[str, io.BufferedReader]:
    """The file by its name, with its rotated parts before it: all of them as they were at one moment."""
    paths = parts_of(path)
    with ExitStack() as tried:
        try:
            streams = {str(one): _open(one, tried) for one in paths}
        except ConfigError as error:
            is_moved = isinstance(error.__cause__, FileNotFoundError) and parts_of(path) != [path]
            if not tries or not is_moved:
                raise
        else:
            if not tries or (_still_called(streams) and parts_of(path) == paths):
                opened.push(tried.pop_all())
                return streams
    sleep(_TRY_AGAIN_S)
    return _open_parts(path, opened, tries - 1)


def _still_called(streams: Mapping[str, io.BufferedReader]) -> bool:
    """Whether these are still the files of these names."""
    try:
        return all(os.path.samestat(Path(name).stat(), os.fstat(stream.fileno())) for name, stream in streams.items())
    except OSError:
        return False


def _open(path: Path | None, opened: ExitStack) -> io.BufferedReader:
    """The file, or standard input; there is something to read in it, or it is at its end."""
    try:
        stream = open(0, "rb", closefd=False) if path is None else path.open("rb")  # noqa: SIM115 - the caller closes it
        opened.enter_context(stream)
        stream.peek()
    except OSError as error:
        raise ConfigError(f"{path or 'standard input'} can't be read: {error.strerror}") from error
    return stream


def _unknown(name: str) -> str:
    return (
        f"{name} is nothing that holds events: neither a recording (JSON lines with `time` and `event`), nor a "
        "supervisord.log, nor a raw capture of the protocol, nor the store of a listener"
    )


def _without_padding(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes without the zeros before them: so a file begins that was emptied while a process wrote to it.

    A file of nothing else stays one.
    """
    first = b""
    for part in parts:
        if first := part.lstrip(b"\0"):
            break
        first = part[:1]
    yield from chain([first] if first else [], parts)


def _whole_lines(parts: Iterable[bytes], name: str, findings: Findings) -> Iterator[bytes]:
    """The same bytes in parts that end where a line ends; the last one ends where the file ends."""
    begun: list[bytes] = []
    length = 0
    try:
        for part in parts:
            end = part.rfind(b"\n") + 1
            if end or length > MAX_LINE_BYTES:
                yield b"".join([*begun, part[:end]])
                begun, length = [], 0
            begun.append(part[end:])
            length += len(part) - end
    except DAMAGED as error:
        findings.cannot_go_on(name, _damage(error))
    if rest := b"".join(begun):
        yield rest


def _damage(error: Exception) -> str:
    match error:
        case EOFError():
            return "the compressed data end too early: the end is missing"
        case OSError(strerror=str(reason)):
            return f"reading failed: {reason}"
    return f"the compressed data are damaged: {error}"
