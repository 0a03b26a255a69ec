"""Raw captures of the protocol: the bytes that supervisord wrote to a listener's standard input, as they were.

1. A frame has no time. Each has that of the last tick before it, which says when it is; those before the first tick
   have that tick's. Where there is no tick, they have the time that is given.
2. A frame that can't be decoded is reported and passed over. Where the borders of a frame are broken, nothing marks the
   next one: the rest of the capture is given up, and reported.
"""

from collections.abc import Iterable, Iterator

from rules_listener.base.clock import no_moment
from rules_listener.base.errors import ProtocolError
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.wire import Frame, FrameReader, decode, decode_header

MOST_WAITING = 10_000
"""So many events wait for the first tick at most; if it has not come by then, they have the time that is given."""


def is_header(line: bytes) -> bool:
    """Whether a line is a frame's header line."""
    try:
        return {"ver", "serial", "eventname", "len"} <= decode_header(line).keys()
    except (ProtocolError, UnicodeDecodeError):
        return False


def read_capture(
    parts: Iterable[bytes], name: str, findings: Findings, *, start: float | None, otherwise: float
) -> Iterator[list[Event]]:
    """The events in a capture, however its bytes were split.

    `start` (seconds since 1970) is the time of the first frames; None makes it the first tick's, or `otherwise` if no
    tick comes. `name` is the file's, for `findings`.
    """
    dating = _Dating(start, otherwise)
    number = 0
    try:
        for number, frame in enumerate(_frames(parts), 1):
            try:
                yield dating.take(decode(frame, otherwise))
            except ProtocolError as error:
                findings.cannot_read(f"{name}: frame {number}", str(error))
    except ProtocolError as error:
        findings.cannot_go_on(f"{name}: after frame {number}", f"{error}; what follows can't be read")
    yield dating.rest()


class _Dating:
    """Gives events their times, in their order."""

    def __init__(self, start: float | None, otherwise: float) -> None:
        self._now = start
        self._otherwise = otherwise
        self._waiting: list[Event] = []

    def take(self, event: Event) -> list[Event]:
        """The events that have a time now: this one and those before it, or none yet.

        Raises:
            ProtocolError: a tick tells of a moment that there is not.
        """
        when = event.fields.get("when") if event.type.startswith("TICK_") else None
        if isinstance(when, int):
            if wrong := no_moment(when):
                raise ProtocolError(f"`when` is {when!r:.80}: {wrong}")
            self._now = float(when)
        self._waiting.append(event)
        return self.rest() if self._now is not None or len(self._waiting) >= MOST_WAITING else []

    def rest(self) -> list[Event]:
        """All that wait: there is nothing more to wait for."""
        self._now = self._otherwise if self._now is None else self._now
        ready, self._waiting = self._waiting, []
        for event in ready:
            event.time = self._now
        return ready


def _frames(parts: Iterable[bytes]) -> Iterator[Frame]:
    reader = FrameReader()
    for part in parts:
        reader.receive_data(part)
        while (frame := reader.next_frame()) is not None:
            yield frame
    reader.close()
