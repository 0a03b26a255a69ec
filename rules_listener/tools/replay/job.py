"""One of several jobs: a process that plays its part of the lines that it is sent.

1. It gets the name of a file (text), then its lines (lists of bytes), and so on; None at the end. Each list is answered
   by what came of it, and the end by what was played.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from rules_listener.event.event import Seen
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import read_lines
from rules_listener.match.program import Program, load
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.replay.history import History, Played
from rules_listener.tools.replay.part import Found, Part

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Sent = str | list[bytes] | None
"""What a job is sent."""


class Task(NamedTuple):
    """What is played: the rules, and until when; and which part of how many."""

    program: Program
    default_channels: tuple[str, ...]
    own_group: str
    until: float
    number: int
    parts: int


@dataclass(slots=True)
class Answer:
    """What came of some lines: alerts, and what could not be read. `played` comes with the last one."""

    found: list[Found]
    said: list[str] = field(default_factory=list)
    played: Played | None = None
    is_over: bool = False
    """Whether nothing that is still to come would be played."""


def work(connection: "Connection[Answer, Sent]", task: Task) -> None:
    """Play what comes, to its end, or until nobody asks any more."""
    with suppress(EOFError, ConnectionError):
        _Job(connection, task).run()


class _Job:
    def __init__(self, connection: "Connection[Answer, Sent]", task: Task) -> None:
        run = DryRun(load(task.program), task.default_channels, task.own_group)
        self._connection = connection
        self._task = task
        self._part = Part(run, task.number, task.parts)
        self._said: list[str] = []
        self._findings = Findings(self._said.append)
        self._message: Sent = ""
        self._is_over = False

    def run(self) -> None:
        """Play what comes, and answer; once there is nothing to play any more, only answer."""
        task = self._task
        own_group_is = None if task.own_group else self._part.own_group_is
        history = History(self._lines(), until=task.until, own_group_is=own_group_is)
        history.play(self._part.feed, self._part.take)
        self._is_over = True
        while self._message is not None:
            if isinstance(self._message, list):
                self._answer()
            self._message = self._connection.recv()
        if task.until < inf:
            self._part.advance(task.until)
        self._answer(history.played(self._findings.unreadable))

    def _lines(self) -> Iterator[Sequence[Seen]]:
        """The events in all files."""
        self._message = self._connection.recv()
        while isinstance(self._message, str):
            yield from self._findings.watched(read_lines(self._parts(), self._message, self._findings), self._message)

    def _parts(self) -> Iterator[bytes]:
        """The lines of one file; each list is answered when all of it was played."""
        self._message = self._connection.recv()
        while isinstance(self._message, list):
            yield from self._message
            self._answer()
            self._message = self._connection.recv()

    def _answer(self, played: Played | None = None) -> None:
        said = list(self._said) if self._task.number == 0 else []
        self._said.clear()
        self._connection.send(Answer(self._part.found(), said, played, self._is_over))
