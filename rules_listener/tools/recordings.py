"""What the verbs read events from: whatever `event/recording.py` knows, and the store of a listener."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Protocol, Self

from rules_listener.base.errors import ConfigError, ProtocolError
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.record import event_of
from rules_listener.event.recording import Kind, Reading, Recording
from rules_listener.outbox.database import FILE_NAME
from rules_listener.outbox.journal import read_journal

STANDARD_INPUT = Path("-")


class Source(Protocol):
    """Something that holds events; `files` are the names of what is read, in that order."""

    kind: Kind

    @property
    def files(self) -> list[str]: ...  # noqa: D102 - see the class

    def events(self, reading: Reading) -> Iterator[Event]: ...  # noqa: D102 - see the class


class Recordings:
    """Sources of events, opened: files with their rotated parts, state folders, or `-` for standard input.

    They are read one after the other; a file that is named twice, or is a part of one before it, is read once.

    Raises:
        ConfigError: a file can't be opened, nothing in it is known, or a folder holds no store.
        StoreError: a store can't be read.
    """

    def __init__(self, paths: Sequence[Path], findings: Findings, *, rotated: bool = True) -> None:
        self.sources: list[Source] = []
        self._opened = ExitStack()
        with ExitStack() as opened:
            for path in paths:
                if str(path) not in self.files:
                    self.sources.append(_open(path, findings, opened, rotated=rotated))
            self._opened = opened.pop_all()

    @property
    def files(self) -> list[str]:
        """The names of all files and folders, in the order in which they are read."""
        return [name for source in self.sources for name in source.files]

    def events(self, reading: Reading) -> Iterator[Event]:
        """All events.

        Raises:
            StoreError: a store can't be read any more.
        """
        return chain.from_iterable(source.events(reading) for source in self.sources)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _open(path: Path, findings: Findings, opened: ExitStack, *, rotated: bool) -> Source:
    if path.is_dir():
        return _Store(path, findings)
    recording = Recording(None if path == STANDARD_INPUT else path, findings, rotated=rotated)
    opened.enter_context(recording)
    return _Store(path.parent, findings, path.name) if recording.kind is Kind.STORE else recording


class _Store:
    """The journal in a listener's state folder, in which the store's file has this name."""

    kind = Kind.STORE

    def __init__(self, folder: Path, findings: Findings, name: str = FILE_NAME) -> None:
        if name != FILE_NAME or not (folder / FILE_NAME).exists():
            raise ConfigError(
                f"{folder} holds no store of a listener ({FILE_NAME}): name a file that holds events, or a state folder"
            )
        self.files = [str(folder)]
        self._findings = findings
        journal = read_journal(folder)
        self._parts = chain(list(islice(journal, 1)), journal)

    def events(self, _reading: Reading) -> Iterator[Event]:
        for part in self._parts:
            for time, frame in part:
                try:
                    yield event_of(frame, time)
                except ProtocolError as error:
                    self._findings.cannot_read(self.files[0], str(error))
