"""A listener that only records, on pipes."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.event.event import Event, Value
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.wire import OK, READY, encode
from rules_listener.serve import recorder
from rules_listener.serve.loop import Signals, Status
from rules_listener.serve.recorder import Options, Recorder, record
from rules_listener.serve.recordingfile import RecordingFile

HEADER: dict[str, Value] = {"ver": "3.0", "server": "supervisor", "serial": 1, "pool": "recorder", "poolserial": 1}
SAID = Event("PROCESS_LOG_STDOUT", 5.0, {"processname": "a", "groupname": "a", "pid": 1, "channel": "stdout"}, "é\n")
TICK = Event("TICK_60", 5.0, {"when": 60})


@dataclass
class Quiet:
    """Stands in for the signals: those that are sent to the test."""

    output: int
    waiting: frozenset[int] = frozenset()

    def take(self) -> set[int]:
        """All signals that wait."""
        return set(self.waiting)


@dataclass
class Pipes:
    """A recorder between pipes; `send` before `run`."""

    recorder: Recorder
    file: RecordingFile
    events: int
    answers: int
    signals: Quiet
    signal_input: int

    def run(self, data: bytes, *, end: bool = True) -> tuple[Status, bytes]:
        """The status and the answers after this input."""
        os.write(self.events, data)
        if end:
            os.close(self.events)
        status = self.recorder.run()
        return status, os.read(self.answers, 65536)


@pytest.fixture
def pipes(tmp_path: Path, reports: list[str]) -> Iterator[Pipes]:
    """A recorder whose clock stands at 5."""
    (source, events), (answers, sink), (heard, signal_input) = os.pipe(), os.pipe(), os.pipe()
    file = RecordingFile(tmp_path / "x.jsonl", reports.append, rotate_bytes=0, keep=1)
    file.open()
    signals = Quiet(heard)
    made = Recorder(
        source, sink, file=file, signals=cast("Signals", signals), clock=ManualClock(5.0), report=reports.append
    )
    yield Pipes(made, file, events, answers, signals, signal_input)
    file.close()
    for descriptor in (source, answers, sink, heard, signal_input):
        os.close(descriptor)


def frame(event: Event) -> bytes:
    """The event as supervisord sends it."""
    return encode(Event(event.type, 0, event.fields, event.data, dict(HEADER)))


def test_an_event_is_recorded_before_it_is_answered(
    pipes: Pipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the answer is written, the event's line is in the file, with the time at which it was received."""
    there_at_answers: list[bytes] = []
    write = os.write

    def watch(descriptor: int, data: bytes) -> int:
        if data.startswith(OK):
            there_at_answers.append((tmp_path / "x.jsonl").read_bytes())
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", watch)
    assert pipes.run(frame(SAID)) == (Status.CLEAN, READY + OK + READY)
    line = encode_line(Event(SAID.type, 5.0, SAID.fields, SAID.data, dict(HEADER)))
    assert there_at_answers == [line]


def test_an_event_that_comes_in_pieces(pipes: Pipes, tmp_path: Path) -> None:
    """An event that is not complete when the input ends was never answered, and is not recorded."""
    status, answers = pipes.run(frame(SAID)[:-1])
    assert (status, answers) == (Status.BROKEN, READY)
    assert (tmp_path / "x.jsonl").read_bytes() == b""


def test_an_event_that_cannot_be_decoded(pipes: Pipes, tmp_path: Path, reports: list[str]) -> None:
    """It is said and answered all the same."""
    bad = b"ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_5 len:5\nwhen!"
    assert pipes.run(bad) == (Status.CLEAN, READY + OK + READY)
    assert reports == ["an event can't be recorded: 'when!' is no `key:value` in 'when!'"]
    assert (tmp_path / "x.jsonl").read_bytes() == b""


@pytest.mark.parametrize("data", [b"junk without an end\n", frame(TICK) + frame(TICK)])
def test_a_broken_protocol(pipes: Pipes, reports: list[str], data: bytes) -> None:
    """What is no protocol ends the recorder with status 1: a new one begins afresh."""
    assert pipes.run(data)[0] == Status.BROKEN
    assert "protocol is broken" in reports[0]


def test_a_full_disk_is_answered(pipes: Pipes, monkeypatch: pytest.MonkeyPatch, reports: list[str]) -> None:
    """Events that can't be written are answered like all others."""
    full = os.open("/dev/full", os.O_RDWR)
    monkeypatch.setattr(pipes.file, "_descriptor", full)
    assert pipes.run(frame(SAID)) == (Status.CLEAN, READY + OK + READY)
    assert pipes.file.missed == 1
    assert "No space left on device" in reports[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_end(pipes: Pipes, tmp_path: Path, number: int) -> None:
    """What was sent before is recorded and answered first."""
    pipes.signals.waiting = frozenset([number])
    os.write(pipes.signal_input, b"x")
    assert pipes.run(frame(TICK), end=False) == (Status.CLEAN, READY + OK + READY)
    assert b"TICK_60" in (tmp_path / "x.jsonl").read_bytes()
    os.close(pipes.events)


def test_silence_after_ticks(pipes: Pipes, monkeypatch: pytest.MonkeyPatch, reports: list[str]) -> None:
    """Where there were ticks and no more come, supervisord has stopped talking to this process."""
    monkeypatch.setattr(recorder, "TICK_S", 0.001)
    assert pipes.run(frame(TICK), end=False)[0] == Status.BROKEN
    assert "not even a tick" in reports[-1]
    os.close(pipes.events)


def test_outside_of_supervisord(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without supervisord it says what to put into supervisord.conf, and makes no file."""
    options = Options(tmp_path / "x.jsonl", 0, 1)
    assert record(options, ["record", "--to", "x.jsonl"], {}) == 2
    said = capfd.readouterr().err
    assert "[eventlistener:recorder]" in said
    assert "record --to x.jsonl\nevents=PROCESS_STATE," in said
    assert "priority=-2\n" in said
    assert not options.to.exists()
