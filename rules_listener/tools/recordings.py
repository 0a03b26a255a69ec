"""What the verbs read events from: whatever `event/recording.py` knows, and the store of a listener."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from math import inf
from operator import itemgetter
from pathlib import Path
from typing import Protocol, Self

from rules_listener.base.counted import counted
from rules_listener.base.errors import ConfigError, ProtocolError, StoreError
from rules_listener.event.event import Event, Seen
from rules_listener.event.findings import Findings
from rules_listener.event.record import event_of
from rules_listener.event.recording import Inode, Kind, Reading, Recording, inode_of
from rules_listener.outbox.database import FILE_NAME
from rules_listener.outbox.journal import journal_length, read_journal
from rules_listener.outbox.store import Received

STANDARD_INPUT = Path("-")
MOST_NAMES = 5


class Source(Protocol):
    """Something that holds events; `files` are the names of what is read, in that order, `inodes` what that is."""

    kind: Kind
    inodes: frozenset[Inode]

    @property
    def files(self) -> list[str]: ...  # noqa: D102 - see the class

    @property
    def size(self) -> int: ...  # noqa: D102 - see `Recordings`

    @property
    def position(self) -> int: ...  # noqa: D102 - likewise

    def begins(self, reading: Reading) -> float | None: ...  # noqa: D102 - see `Recording`

    def batches(self, reading: Reading) -> Iterator[Sequence[Seen]]: ...  # noqa: D102 - likewise


class Recordings:
    """Sources of events, opened: files with their rotated parts, state folders, or `-` for standard input.

    They are read one after the other, in the order of their first events; one of which that is not known stays behind
    the one before it. A file that is named twice, in whatever way, or is a part of another one, is read once.

    Raises:
        ConfigError: a file can't be opened, nothing in it is known, or a folder holds no store.
        StoreError: a store can't be read.
    """

    def __init__(self, paths: Sequence[Path], findings: Findings, *, rotated: bool = True) -> None:
        with ExitStack() as opened:
            sources = [_open(path, findings, opened, rotated=rotated) for path in dict.fromkeys(paths)]
            self.sources = [one for place, one in enumerate(sources) if not _is_read_otherwise(place, sources)]
            self._opened = opened.pop_all()

    @property
    def files(self) -> list[str]:
        """The names of all files and folders."""
        return [name for source in self.sources for name in source.files]

    def events(self, reading: Reading) -> Iterator[Event]:
        """All events.

        Raises:
            StoreError: a store can't be read any more.
        """
        return (event.kept() for event in chain.from_iterable(self.batches(reading)))

    def batches(self, reading: Reading) -> Iterator[Sequence[Seen]]:
        """The same events as they are read, some at a time, for those who look at many and keep few.

        Raises:
            StoreError: a store can't be read any more.
        """
        return chain.from_iterable(source.batches(reading) for source in self._in_order(reading))

    @property
    def is_journal(self) -> bool:
        """Whether one of them is a listener's journal for certain."""
        return any(source.kind is Kind.STORE for source in self.sources)

    @property
    def are_lines(self) -> bool:
        """Whether all of them are JSON lines."""
        return all(isinstance(source, Recording) and source.is_lines for source in self.sources)

    def lines(self, reading: Reading) -> Iterator[tuple[str, bytes]]:
        """The lines of all that are JSON lines as they are, many at a time, with the names of their files."""
        sources = self._in_order(reading)
        return (named for source in sources if isinstance(source, Recording) for named in source.lines())

    def _in_order(self, reading: Reading) -> list[Source]:
        if len(self.sources) == 1:
            return self.sources
        begins, last = [], -inf
        for source in self.sources:
            time = source.begins(reading)
            last = last if time is None else time
            begins.append(last)
        return [source for _, source in sorted(zip(begins, self.sources, strict=True), key=itemgetter(0))]

    @property
    def size(self) -> int:
        """How much there is to read, in bytes or frames; 0 where that is not known."""
        return sum(source.size for source in self.sources)

    @property
    def position(self) -> int:
        """How much of it was read."""
        return sum(source.position for source in self.sources)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _is_read_otherwise(place: int, sources: Sequence[Source]) -> bool:
    """Whether all of a source is in another one, too: in one before it, or in a larger one."""
    own = sources[place].inodes
    return any(own <= one.inodes for one in sources[:place]) or any(own < one.inodes for one in sources[place + 1 :])


def _open(path: Path, findings: Findings, opened: ExitStack, *, rotated: bool) -> Source:
    if path.is_dir():
        return _Store(path, findings)
    recording = Recording(None if path == STANDARD_INPUT else path, findings, rotated=rotated)
    opened.enter_context(recording)
    return _Store(path.parent, findings, path.name) if recording.kind is Kind.STORE else recording


@contextmanager
def _advice() -> Iterator[None]:
    """Whoever wants to read a store that is none, or damaged, is told what to do, and not what the listener needs."""
    try:
        yield
    except StoreError as error:
        if not error.reason:
            raise
        advice = "name a file that holds events, or a state folder that this rules-listener can read"
        raise StoreError(f"{error.reason}: {advice}") from error


class _Store:
    """The journal in a listener's state folder, in which the store's file has this name."""

    kind = Kind.STORE

    def __init__(self, folder: Path, findings: Findings, name: str = FILE_NAME) -> None:
        if name != FILE_NAME or not (folder / FILE_NAME).exists():
            raise ConfigError(
                f"{folder} holds no store of a listener ({FILE_NAME}): name a file that holds events, or a state folder"
            )
        self.files = [str(folder)]
        self.inodes = frozenset([inode_of((folder / FILE_NAME).stat())])
        self.position = 0
        self._folder = folder
        self._findings = findings
        journal = read_journal(folder)
        with _advice():
            self._head = list(islice(journal, 1))
        self._parts = chain(self._head, journal)

    @property
    def size(self) -> int:
        """How many frames there are."""
        return journal_length(self._folder)

    def begins(self, _reading: Reading) -> float | None:
        return next((time for part in self._head for time, _ in part), None)

    def batches(self, _reading: Reading) -> Iterator[Sequence[Seen]]:
        return self._findings.watched(self._batches(), self.files[0])

    def _batches(self) -> Iterator[Sequence[Seen]]:
        with _advice():
            for part in self._parts:
                yield list(self._events(part))
                self.position += len(part)

    def _events(self, part: Iterable[Received]) -> Iterator[Event]:
        for time, frame in part:
            try:
                yield event_of(frame, time)
            except ProtocolError as error:
                self._findings.cannot_read(self.files[0], str(error))


def sum_up(recordings: Recordings, findings: Findings, count: int) -> str:
    """What was read."""
    kinds = ", ".join(dict.fromkeys(source.kind for source in recordings.sources))
    said = [f"{kinds}, {counted(len(recordings.files), 'file')}: {counted(count, 'event')}"]
    if findings.passed_over:
        said.append(counted(findings.passed_over, "other line"))
    if findings.unreadable:
        said.append(f"{findings.unreadable} that can't be read")
    return "; ".join(said)


def what_is_not_known(findings: Findings) -> Iterator[str]:
    """What could have been told better, in lines."""
    if findings.without_group:
        names = sorted(findings.without_group)
        shown = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
        yield f"the group is not known of {shown}: --supervisor-conf FILE tells it"
    if findings.unnamed_starts:
        starts = counted(findings.unnamed_starts, "failed start")
        yield f"left out: {starts} of which the log does not name the process; --supervisor-conf FILE tells it"
