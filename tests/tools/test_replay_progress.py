"""How far a replay has come, on a terminal and elsewhere."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from rules_listener.base.clock import ManualClock
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.recording import Reading
from rules_listener.tools.recordings import Recordings
from rules_listener.tools.replay.progress import Shown

TICK = encode_line(Event("TICK_5", 5.0, {"when": 5}))


def watched(path: Path, seconds: float, *, terminal: bool) -> str:
    """What is shown while a recording is read, each part of which takes so long."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100, no_color=True)
    clock = ManualClock()
    with Recordings([path], Findings(pytest.fail)) as opened, Shown(opened, clock, console) as shown:

        def parts() -> Iterator[int]:
            for batch in opened.batches(Reading()):
                clock.advance(seconds)
                yield len(batch)

        count = sum(shown.watch(parts(), lambda number: number))
    assert count == 5_000
    return output.getvalue()


def test_progress(tmp_path: Path) -> None:
    """After a second it is shown, on a terminal only: the share that was read, the rate and the time left."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(TICK * 5_000)
    shown = watched(path, 2.0, terminal=True)
    assert "%" in shown
    assert "events/s" in shown
    assert watched(path, 0.001, terminal=True) == ""
    assert watched(path, 2.0, terminal=False) == ""
