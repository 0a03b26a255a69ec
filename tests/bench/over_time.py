"""What it costs to remember: 1000 rules with a pattern, each with 10 processes, so 10,000 keys that are all live.

1. Events are decoded before; what is measured is what the engine does with them. The time is that of the processor, so
   that others who work on the machine do not count.
2. Each key comes up every 100 or 200 s, in windows of 10 minutes: the state stays as large as it is, and nothing fires
   but at the beginning.
3. Beside it run the same rules without a pattern, each of whose events fires, and a loop as one would write it by hand.
"""

import gc
import json
import statistics
import tempfile
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from rules_listener.base.diagnostics import has_errors
from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.event.record import event_of
from rules_listener.event.wire import Frame, decode
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Engine
from rules_listener.match.program import Program, load
from rules_listener.outbox.position import PositionFile
from rules_listener.outbox.store import Received, Store
from rules_listener.outbox.tail import Tail
from rules_listener.serve.restore import Past
from tests.bench.figures import Figure, in_turn, ratio

RULES = 1_000
KEYS = 10_000
BATCH = 20_000
JOURNAL = 100_000
ROUNDS = 15
RESTORES = 5
WANTED = 100_000
"""Events a second that are wanted of one core."""

BEGIN = 1_764_000_000.0
STEP_S = 0.01
WINDOW_S = 600.0
TIMES = 3

EXITED = "from_state:RUNNING expected:0 pid:{pid}"
RUNNING = "from_state:STARTING pid:{pid}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, and which states its events have in turn."""

    text: str
    states: tuple[str, ...] = ("EXITED",)
    no: bool = False

    @property
    def rules(self) -> str:
        """A thousand rules with it."""
        rule = 'on {no}PROCESS_STATE_EXITED where groupname == "g{n}" {text} per process alert "{{process}}"\n'
        return "".join(rule.format(no="no " * self.no, n=number, text=self.text) for number in range(RULES))

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"on no … {self.text}" if self.no else self.text


COUNTING = Pattern("3 times in 10m")
PLAIN = Pattern("")
PATTERNS = (
    COUNTING,
    Pattern("50 times in 10m"),
    Pattern("3 distinct pid in 10m"),
    Pattern("then PROCESS_STATE_FATAL within 10m"),
    Pattern("without PROCESS_STATE_RUNNING within 10m", ("EXITED", "RUNNING")),
    Pattern("for 10m", ("EXITED", "RUNNING")),
    Pattern("for 10m", no=True),
)


@cache
def program(pattern: Pattern) -> Program:
    """The compiled rules of a pattern."""
    rules, found = check([parse(Source("bench.rules", pattern.rules))])
    assert not has_errors(found)
    return compile_rules(rules)


def engine_of(pattern: Pattern) -> Engine:
    """An engine with a pattern's rules that has seen nothing."""
    return Engine(load(program(pattern)))


def frames(states: tuple[str, ...] = ("EXITED",)) -> Iterator[Received]:
    """Events for ever, as frames with the times at which they come: each process with its states in turn."""
    number = 0
    while True:
        for key in range(KEYS):
            for state in states:
                words = (EXITED if state == "EXITED" else RUNNING).format(pid=1000 + number // KEYS % 2)
                line = f"processname:p{key} groupname:g{key % RULES} {words}"
                header = f"ver:3.0 server:supervisor serial:{number} pool:listener poolserial:{number}"
                header += f" eventname:PROCESS_STATE_{state} len:{len(line)}"
                yield Received(BEGIN + number * STEP_S, Frame(header.encode(), line.encode()))
                number += 1


class Feeding:
    """Something that takes events, in batches that go on where the last one ended; warm at its beginning."""

    def __init__(self, take: Callable[[Event], object], states: tuple[str, ...] = ("EXITED",)) -> None:
        self._take = take
        self._events = (event_of(received.frame, received.time) for received in frames(states))
        for _ in range(TIMES):
            self.seconds()

    def seconds(self) -> float:
        """How long the next batch takes."""
        events = list(islice(self._events, BATCH))
        take = self._take
        gc.freeze()
        began = time.process_time()
        for event in events:
            take(event)
        return time.process_time() - began


class ByHand:
    """A thousand rules that count, as somebody would write them who needs nothing else."""

    def __init__(self) -> None:
        self._watched = {f"g{number}": (TIMES, WINDOW_S) for number in range(RULES)}
        self._seen: dict[str, deque[float]] = {}
        self.alerts: list[str] = []

    def take(self, event: Event) -> None:
        """Note the event, and alert when a window has become full."""
        if event.type != "PROCESS_STATE_EXITED":
            return
        group = str(event.fields["groupname"])
        if group not in self._watched:
            return
        number, window_s = self._watched[group]
        process = f"{group}:{event.fields['processname']}"
        seen = self._seen.setdefault(process, deque())
        while seen and seen[0] <= event.time - window_s:
            seen.popleft()
        seen.append(event.time)
        if len(seen) == number:
            self.alerts.append(f"{process} is in trouble")


def measure() -> list[Figure]:
    """All figures of this kind."""
    return [*_compared(), *_restored()]


def _compared() -> list[Figure]:
    feeds = {
        "ours": Feeding(engine_of(COUNTING).feed),
        "plain": Feeding(engine_of(PLAIN).feed),
        "hand": Feeding(ByHand().take),
    }
    seconds = in_turn({name: feeding.seconds for name, feeding in feeds.items()}, ROUNDS)
    rates = {name: [BATCH / one for one in found] for name, found in seconds.items()}
    shown = {name: f"{statistics.median(found):,.0f}/s" for name, found in rates.items()}
    memory = [float(_bytes_of_keys(engine_of(COUNTING).feed)), float(_bytes_of_keys(ByHand().take))]
    name = f"events a second of one core, {RULES} rules that count, {KEYS:,} live keys"
    return [
        ratio(
            f"{name} : {WANTED:,}",
            rates["ours"],
            [WANTED] * ROUNDS,
            wanted="≥ 1.0",
            detail=f"{shown['ours']}, {statistics.median(seconds['ours']) / BATCH * 1e6:.1f} µs an event",
        ),
        ratio(
            f"{name} : the same rules without a pattern, each event fires",
            rates["ours"],
            rates["plain"],
            wanted="≥ 0.5",
            detail=f"{shown['ours']} : {shown['plain']}",
        ),
        ratio(
            f"{name} : a dict of deques, written by hand",
            rates["ours"],
            rates["hand"],
            wanted="≥ 0.25",
            detail=f"{shown['ours']} : {shown['hand']}",
        ),
        ratio(
            f"memory of a key that was counted {TIMES} times : a dict of deques, written by hand",
            memory[:1],
            memory[1:],
            wanted="≤ 1.0",
            detail=" : ".join(f"{one / KEYS:,.0f}" for one in memory) + " bytes",
        ),
    ]


# the journal


def _restored() -> list[Figure]:
    compiled = program(COUNTING)
    with tempfile.TemporaryDirectory() as without, tempfile.TemporaryDirectory() as with_state:
        _journal(Path(without), None)
        _journal(Path(with_state), compiled)
        seconds = in_turn(
            {
                "journal": lambda: _restore(Path(without), compiled),
                "decoding": lambda: _decode(Path(without)),
                "memory": lambda: _restore(Path(with_state), compiled),
            },
            RESTORES,
        )
    shown = {name: f"{statistics.median(found):.2f}" for name, found in seconds.items()}
    name = f"seconds to know again what {JOURNAL:,} events left, {KEYS:,} keys"
    return [
        ratio(
            f"{name}, from the journal alone : to read and decode these",
            seconds["journal"],
            seconds["decoding"],
            wanted="≤ 2.0",
            detail=f"{shown['journal']} : {shown['decoding']} s",
        ),
        ratio(
            f"{name}, as it was written last : from the journal alone",
            seconds["memory"],
            seconds["journal"],
            wanted="≤ 0.1",
            detail=f"{shown['memory']} : {shown['journal']} s",
        ),
    ]


def _journal(folder: Path, remembered_by: Program | None) -> None:
    """A journal, and in its store what an engine remembers after it, where one is given."""
    store = Store(folder)
    rows = list(islice(frames(), JOURNAL))
    state = None
    if remembered_by is not None:
        engine = Engine(load(remembered_by))
        for received in rows:
            engine.feed(decode(received.frame, received.time))
        state = json.dumps(engine.dump())
    store.journal(rows, state=state)
    store.close()


def _restore(folder: Path, compiled: Program) -> float:
    engine = Engine(load(compiled))
    store = Store(folder)
    past = Past(store, Tail(bytearray(4096)), PositionFile(bytearray(4096)), _fail)
    began = time.process_time()
    past.restore(engine, BEGIN + JOURNAL * STEP_S)
    seconds = time.process_time() - began
    store.close()
    assert engine.shown_time == BEGIN + (JOURNAL - 1) * STEP_S
    return seconds


def _decode(folder: Path) -> float:
    store = Store(folder)
    began = time.process_time()
    for received in store.history_after(0):
        event_of(received.frame, received.time)
    seconds = time.process_time() - began
    store.close()
    return seconds


def _fail(text: str) -> None:
    raise AssertionError(text)


# each kind of pattern

ABOUT = (
    f"What each kind of pattern costs: {RULES} rules `on PROCESS_STATE_EXITED where groupname == …`, {KEYS:,} live "
    "keys, events that all change the state. In time of the processor, without the decoding of the events; one kind "
    "after the other in turn, so the caches are cold."
)
HEAD = "| pattern | events a second | bytes of a key in memory | as it is written |\n| --- | --- | --- | --- |"


def rows() -> Iterable[str]:
    """A row of a table for each kind of pattern."""
    feeds = {pattern.name: Feeding(engine_of(pattern).feed, pattern.states) for pattern in PATTERNS}
    seconds = in_turn({name: feeding.seconds for name, feeding in feeds.items()}, ROUNDS)
    for pattern in PATTERNS:
        rates = sorted(BATCH / one for one in seconds[pattern.name])
        engine = engine_of(pattern)
        memory = _bytes_of_keys(engine.feed) / KEYS
        written = len(json.dumps(engine.dump())) / KEYS
        spread = f"{rates[0]:,.0f} to {rates[-1]:,.0f}"
        yield f"| `{pattern.name}` | **{rates[ROUNDS // 2]:,.0f}** ({spread}) | {memory:,.0f} | {written:,.0f} |"


def _bytes_of_keys(take: Callable[[Event], object]) -> int:
    """What all keys take that have each come up a few times, in bytes, with the events that are kept of them."""
    received = frames()
    one = next(received)
    take(decode(one.frame, one.time))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for one in islice(received, TIMES * KEYS - 1):
        take(decode(one.frame, one.time))
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before
