"""How far a long replay has come: shown on a terminal from its second second on."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from rules_listener.base.clock import Clock
from rules_listener.tools.recordings import Recordings

Part = TypeVar("Part")

WAIT_S = 1.0
STEP_S = 0.1


class Shown:
    """Shows how much of `recordings` was read, at what rate, and how long the rest will take."""

    def __init__(self, recordings: Recordings, clock: Clock, console: Console | None = None) -> None:
        self._recordings = recordings
        self._clock = clock
        self._console = console or Console(stderr=True)
        self._began = clock.monotonic()
        self._next = self._began + WAIT_S
        self._events = 0
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._opened = ExitStack()

    def watch(self, parts: Iterable[Part], events_in: Callable[[Part], int]) -> Iterable[Part]:
        """The same parts; how far they have come is shown meanwhile, on a terminal."""
        return self._watched(parts, events_in) if self._console.is_terminal else parts

    def _watched(self, parts: Iterable[Part], events_in: Callable[[Part], int]) -> Iterator[Part]:
        for part in parts:
            self._events += events_in(part)
            if self._clock.monotonic() >= self._next:
                self._show()
            yield part

    def _show(self) -> None:
        now = self._clock.monotonic()
        self._next = now + STEP_S
        if self._progress is None:
            self._progress = self._opened.enter_context(_progress(self._console, known=self._recordings.size > 0))
            self._task = self._progress.add_task("", total=self._recordings.size or None, rate="")
        rate = f"{self._events / (now - self._began):,.0f} events/s"
        self._progress.update(self._task, completed=self._recordings.position, rate=rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _progress(console: Console, *, known: bool) -> Progress:
    """The line that is shown; what is printed meanwhile on the same terminal comes above it."""
    columns = [BarColumn(), TaskProgressColumn(), TimeRemainingColumn()] if known else []
    rate = TextColumn("{task.fields[rate]}")
    return Progress(*columns, rate, console=console, transient=True, redirect_stdout=sys.stdout.isatty())
