"""Several jobs play a history together: each its part of the processes, all of them the same lines.

1. What is told is what one job would tell, in the same order: the answers to the same lines are put together by place.
2. A thread sends lines while answers are read, so that nobody waits for somebody who waits. What is under way is
   bounded by the pipes.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, groupby
from multiprocessing import get_context, resource_tracker
from operator import itemgetter
from threading import Event, Thread
from typing import TYPE_CHECKING

from rules_listener.base.errors import RulesListenerError
from rules_listener.outbox.alert import Alert
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.job import Answer, Sent, Task, work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SENT_BYTES = 1 << 18
"""So many lines are sent at once, about."""

Lines = Iterable[tuple[str, bytes]]


class Jobs:
    """Processes that play the parts of a history. `say` takes what could not be read."""

    def __init__(self, tasks: Iterable[Task], say: Callable[[str], None]) -> None:
        self._tasks = list(tasks)
        self._say = say
        self._connections: list[Connection[Sent, Answer]] = []
        self._is_over = Event()
        self._failure: Exception | None = None

    def play(self, lines: Lines, tell: Callable[[list[Alert]], None]) -> Played:
        """Play lines, with the names of their files; what was played."""
        with ExitStack() as opened:
            for task in self._tasks:
                self._start(task, opened)
            thread = Thread(target=self._send, args=(lines,), daemon=True)
            thread.start()
            played = self._hear(tell)
            thread.join()
        if self._failure is not None:
            raise self._failure
        return played

    def _start(self, task: Task, opened: ExitStack) -> None:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, task), daemon=True)
        with _interrupts_later():
            process.start()
        theirs.close()
        opened.callback(process.join)
        opened.enter_context(ours)
        self._connections.append(ours)

    def _send(self, lines: Lines) -> None:
        """Send all lines, and say that that was all, also if reading them fails."""
        try:
            for name, parts in groupby(lines, itemgetter(0)):
                self._send_all(name)
                for several in _gathered(part for _, part in parts):
                    if self._is_over.is_set():
                        return
                    self._send_all(several)
        except Exception as error:  # noqa: BLE001 - raised where it can be seen
            self._failure = error
        finally:
            with suppress(OSError):
                self._send_all(None)

    def _send_all(self, what: Sent) -> None:
        for connection in self._connections:
            connection.send(what)

    def _hear(self, tell: Callable[[list[Alert]], None]) -> Played:
        while True:
            answers = [self._answer(connection) for connection in self._connections]
            for line in answers[0].said:
                self._say(line)
            for _, alerts in sorted(chain.from_iterable(one.found for one in answers), key=itemgetter(0)):
                tell(alerts)
            if answers[0].is_over:
                self._is_over.set()
            if answers[0].played is not None:
                return answers[0].played

    def _answer(self, connection: "Connection[Sent, Answer]") -> Answer:
        try:
            return connection.recv()
        except EOFError:
            raise RulesListenerError("a job of the replay has ended before its time: try it with --jobs 1") from None


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """What interrupts this process waits; a process that is started meanwhile is never interrupted."""
    resource_tracker.ensure_running()  # when it starts its own process, it lets interrupts through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _gathered(parts: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Parts, several at a time."""
    several: list[bytes] = []
    size = 0
    for part in parts:
        several.append(part)
        size += len(part)
        if size >= SENT_BYTES:
            yield several
            several, size = [], 0
    if several:
        yield several
