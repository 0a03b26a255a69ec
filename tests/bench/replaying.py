"""A million recorded events through a hundred rules, beside the decoding of the same file.

1. The recording is the same each time: 50 processes that start, run and end, log, report and are reported on. Half of
   its events are about states, three in ten are lines of logs, one in ten is a report in JSON, one in ten a tick.
2. Each process has two rules. Without patterns, one event in a few thousand fires; with patterns, nearly every event
   about a state changes what is remembered, and one in some thousands fires.
3. What is compared with is the least that anybody has to do who reads the file in Python: `msgspec` makes a struct of
   each line. Times are those of the processor, of one core.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from math import inf
from pathlib import Path

from rules_listener.event.event import Event, Seen, Value
from rules_listener.event.findings import Findings
from rules_listener.event.jsonlines import RECORDED, encode_line
from rules_listener.event.recording import Reading, Recording
from rules_listener.outbox.alert import Alert
from rules_listener.tools.replay.history import History, Played
from rules_listener.tools.replay.playing import Playing
from rules_listener.tools.replay.rules import read_rules
from rules_listener.tools.replay.selection import Selection
from rules_listener.tools.replay.tally import Tally
from tests.bench.figures import Figure, in_turn, ratio

EVENTS = 1_000_000
FEWER = 100_000
PROCESSES = 50
ROUNDS = 5
BEGIN = 1_764_000_000.0

STATELESS = [
    *(f'on PROCESS_STATE_EXITED where processname == "p{n}" and expected == 0' for n in range(PROCESSES)),
    *(f"on PROCESS_LOG where processname == \"p{n}\" and data =~ 'ERROR|CRITICAL'" for n in range(10)),
    *(f'on PROCESS_LOG where processname == "p{n}" and data contains "ERROR"' for n in range(10, 30)),
    *(
        f'on PROCESS_COMMUNICATION where processname == "p{n}" and json(data, "level") == "critical"'
        for n in range(30, PROCESSES)
    ),
]
WINDOWS = [
    *(f'on PROCESS_STATE_EXITED where processname == "p{n}" 15 times in 10m' for n in range(10)),
    *(f'on PROCESS_STATE_EXITED where processname == "p{n}" 100 times in 10m' for n in range(10, 30)),
    *(
        f'on PROCESS_STATE_EXITED where processname == "p{n}" without PROCESS_STATE_RUNNING within 10m'
        for n in range(20)
    ),
    *(f'on PROCESS_STATE_RUNNING where processname == "p{n}" for 1h' for n in range(20, 40)),
    *(f"on PROCESS_LOG where processname == \"p{n}\" and data =~ 'ERROR|CRITICAL' 3 times in 10m" for n in range(20)),
    *(f'on no PROCESS_COMMUNICATION where processname == "p{n}" for 1h per process' for n in range(30, PROCESSES - 10)),
]
_NEXT = {"EXITED": "STARTING", "STARTING": "RUNNING", "RUNNING": "EXITED"}


def events() -> Iterator[Event]:
    """Events for ever."""
    chance = random.Random(1)  # noqa: S311 - the same each time
    states = dict.fromkeys(range(PROCESSES), "EXITED")
    moment = BEGIN
    number = 0
    while True:
        moment = round(moment + chance.random() * 0.4, 6)
        process = chance.randrange(PROCESSES)
        kind, fields, data = _event(chance, states, process, moment)
        header: dict[str, Value] = {"server": "supervisor", "serial": number, "pool": "recorder", "poolserial": number}
        yield Event(kind, moment, fields, data, header)
        number += 1


def _event(
    chance: random.Random, states: dict[int, str], process: int, moment: float
) -> tuple[str, dict[str, Value], str | None]:
    names: dict[str, Value] = {"processname": f"p{process}", "groupname": f"g{process // 2}"}
    pid = 1000 + process
    share = chance.random()
    if share < 0.1:
        return "TICK_5", {"when": int(moment)}, None
    if share < 0.2:
        level = chance.choices(("info", "warning", "critical"), (900, 99, 1))[0]
        return "PROCESS_COMMUNICATION_STDOUT", {**names, "pid": pid}, json.dumps({"level": level, "disk": {"free": 7}})
    if share < 0.5:
        word = chance.choices(("INFO", "WARNING", "ERROR"), (9000, 995, 5))[0]
        text = f"2025-11-24 16:00:00 {word} request {chance.randrange(10**6)} took {chance.randrange(1000)} ms\n"
        return "PROCESS_LOG_STDOUT", {**names, "pid": pid, "channel": "stdout"}, text
    before, states[process] = states[process], _NEXT[states[process]]
    fields: dict[str, Value] = {**names, "from_state": before}
    match states[process]:
        case "STARTING":
            fields["tries"] = 0
        case "EXITED":
            fields["expected"] = int(chance.random() > 0.001)
            fields["pid"] = pid
        case _:
            fields["pid"] = pid
    return f"PROCESS_STATE_{states[process]}", fields, None


class Nowhere:
    """A report that shows nothing."""

    every_event = False

    def take(self, event: Seen | None, alerts: Sequence[Alert]) -> None:
        """Show nothing."""

    def end(self, played: Played, tally: Tally) -> None:
        """Show nothing."""


def measure() -> list[Figure]:
    """All figures of this kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recording = _write(folder / "events.jsonl", EVENTS)
        for kind, rules in (("stateless", STATELESS), ("windows", WINDOWS)):
            text = "".join(f'{rule} alert "{{process}}: rule {n}"\n' for n, rule in enumerate(rules))
            (folder / f"{kind}.rules").write_text(text, encoding="utf-8")
        kinds = ("stateless", "windows")
        measures = {kind: partial(_replay, recording, folder / f"{kind}.rules") for kind in kinds}
        seconds = in_turn({"decoding": partial(_decode, recording), **measures}, ROUNDS)
        fewer = _write(folder / "fewer.jsonl", FEWER)
        memory = [[_peak(one, folder / "windows.rules")] for one in (recording, fewer)]
    return [*_ratios(seconds), *_flat(memory)]


def _ratios(seconds: dict[str, list[float]]) -> Iterator[Figure]:
    rates = {name: [EVENTS / one for one in found] for name, found in seconds.items()}
    shown = {name: f"{statistics.median(found):,.0f}/s" for name, found in rates.items()}
    name = f"replay of {EVENTS:,} events through 100 rules"
    for kind, said, wanted in (("stateless", "without patterns", "≥ 0.5"), ("windows", "with windows", "≥ 0.25")):
        yield ratio(
            f"{name} {said} : the file into `msgspec` structs, line by line",
            rates[kind],
            rates["decoding"],
            wanted=wanted,
            detail=f"{shown[kind]} : {shown['decoding']}",
        )


def _flat(memory: list[list[float]]) -> Iterator[Figure]:
    yield ratio(
        f"most memory of a replay of {EVENTS:,} events : of {FEWER:,}",
        *memory,
        wanted="≤ 1.05",
        detail=" : ".join(f"{one / 1024:.1f}" for (one,) in memory) + " MiB",
    )


def _write(path: Path, count: int) -> Path:
    with path.open("wb") as file:
        file.writelines(map(encode_line, islice(events(), count)))
    return path


def _decode(recording: Path) -> float:
    decode = RECORDED.decode
    began = time.process_time()
    with recording.open("rb") as file:
        for line in file:
            decode(line)
    return time.process_time() - began


def _replay(recording: Path, rules: Path) -> float:
    playing = Playing(read_rules([str(rules)], None), Selection(), [Nowhere()])
    began = time.process_time()
    with Recording(recording, Findings(print)) as opened:
        history = History(opened.batches(Reading()))
        playing.play(history, inf)
    seconds = time.process_time() - began
    assert history.events == EVENTS
    assert playing.tally.sent > 0
    return seconds


def _peak(recording: Path, rules: Path) -> float:
    """The most memory that the command takes, in KiB."""
    command = [sys.executable, "-m", "rules_listener", "replay", str(recording), "--rules", str(rules), "--no-rotated"]
    process = subprocess.Popen([*command, "--format", "json"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0
    return float(used.ru_maxrss)
