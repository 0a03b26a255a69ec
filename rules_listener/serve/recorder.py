"""A listener that only records: each event is in the file before it is answered.

1. Nothing stops the recording: an event that can't be decoded or written is counted, said, and answered.
2. The end of input is a clean end, and so is SIGTERM. Silence for three ticks, where there were ticks, is not: see
   `loop`.
3. An event that comes again, after a recorder was killed before it could answer, is recorded again, with the same
   numbers.
"""

import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.base.errors import ConfigError, ProtocolError
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.wire import READY, Frame, FrameReader, decode
from rules_listener.serve.listener import CANNOT_RUN, claim_streams, refuse, report
from rules_listener.serve.loop import MISSED_TICKS, OK_AND_READY, READ_BYTES, TICK_S, Signals, Status
from rules_listener.serve.recordingfile import RecordingFile, no_folder
from rules_listener.serve.supervisord import log_beside, section, started_by_supervisord

EVENTS = (
    "PROCESS_STATE,PROCESS_LOG,PROCESS_COMMUNICATION,REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE,PROCESS_GROUP,TICK_60"
)
"""All there is, but for the ticks that only repeat what TICK_60 says."""

PRIORITY = -2
"""Not that of the section for `run`: listeners of equal priority get each other's rejected events."""


LOG_FILE = "recorder.log"
"""Beside the recording; a file of its own, since supervisord rotates it."""


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of `record`. `rotate_bytes` 0 never rotates."""

    to: Path
    rotate_bytes: int
    keep: int


def record(options: Options, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Record until the end; the exit status. `arguments` are those of the command line, to be shown."""
    if not started_by_supervisord(environment):
        return refuse(_refusal(options, arguments))
    source, sink = claim_streams()
    signals = Signals()
    file = RecordingFile(options.to, report, rotate_bytes=options.rotate_bytes, keep=options.keep)
    try:
        file.open()
    except ConfigError as error:
        report(str(error))
        return CANNOT_RUN
    report(f"recording to {options.to}")
    status = Recorder(source, sink, file=file, signals=signals, clock=SystemClock(), report=report).run()
    file.close()
    return int(status)


def _refusal(options: Options, arguments: Sequence[str]) -> str:
    own = section(
        arguments,
        log=log_beside(options.to, LOG_FILE),
        logged="what it says about itself",
        name="recorder",
        events=EVENTS,
        priority=PRIORITY,
    )
    is_missing = not options.to.absolute().parent.is_dir()
    return (
        "this is an event listener: supervisord has to start it, and it did not.\n"
        "Put this into supervisord.conf, then say `supervisorctl update`:\n\n"
        + own
        + f"\nBut {no_folder(options.to)}." * is_missing
    )


class Recorder:
    """Reads frames from `source`, writes answers to `sink` (descriptors), and events to `file`."""

    def __init__(  # noqa: PLR0913 - the parts that it joins
        self,
        source: int,
        sink: int,
        *,
        file: RecordingFile,
        signals: Signals,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._source = source
        self._sink = sink
        self._file = file
        self._signals = signals
        self._clock = clock
        self._report = report
        self._reader = FrameReader()
        self._ticks = False

    def run(self) -> Status:
        """Work until the end; the exit status."""
        os.write(self._sink, READY)
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._signals.output, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(TICK_S * MISSED_TICKS * 1000 if self._ticks else None)}
            if not ready:
                self._report("supervisord sent nothing for three minutes, not even a tick: a new recorder has to begin")
                return Status.BROKEN
            if self._source in ready and (status := self._read()) is not None:
                return status
            if self._signals.output in ready and self._signals.take() & {signal.SIGTERM, signal.SIGINT}:
                return Status.CLEAN

    def _read(self) -> Status | None:
        """Take what there is to read, and answer; the exit status, if that was all."""
        data = os.read(self._source, READ_BYTES)
        try:
            frame = self._reader.frame_of(data)
        except ProtocolError as error:
            self._report(f"supervisord's protocol is broken, a new recorder has to begin afresh: {error}")
            return Status.BROKEN
        if frame is not None:
            self._record(frame)
            with suppress(BrokenPipeError):  # then the input ends as well
                os.write(self._sink, OK_AND_READY)
        return None if data else Status.CLEAN

    def _record(self, frame: Frame) -> None:
        try:
            event = decode(frame, self._clock.time())
        except ProtocolError as error:
            self._report(f"an event can't be recorded: {error}")
            return
        self._ticks = self._ticks or event.type.startswith("TICK_")
        self._file.append(encode_line(event))
