"""Time per event against the number of rules: ours, and that of others who can tell which conditions are true.

1. All are measured in turn in one run, in time of the processor. Nobody is measured before all gave the same answers.
2. Matching alone is measured with the events that the rules select, decoded before: for others a dict of its fields.
   From bytes to ready is all that there is between reading and answering: cut, decoded, matched, and what fires known.
3. Who is slow gets fewer events, and no more rules than can be waited for; what was left out is said.
"""

import gc
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import cycle, islice
from typing import Any

from rules_listener.event.event import Event
from rules_listener.event.wire import Frame, FrameReader, decode, glance
from rules_listener.match.engine import Engine
from tests.bench.contestants import BY_HAND, CONTESTANTS, Matcher
from tests.bench.figures import Figure, in_turn, ratio
from tests.bench.report import Part
from tests.bench.rules import loaded
from tests.bench.workloads import expressions, frames, lines, rules, workload

COUNTS = (1, 10, 100, 1_000, 10_000)
"""Of how many rules."""
FEW, SOME, MANY = 10, 1_000, 10_000
ROUNDS = 7
ROUND_S = 0.05
"""How long a round is, for whoever is fast enough."""
WARM_UPS, MOST_EVENTS = 3, 100_000
LONGEST_EVENT_S, LONGEST_START_S = 0.1, 25.0
"""Who would take longer with ten times as many rules is not asked to."""
CACHED = 400
LEAST_COMPARED, COMPARED = 5, 25
"""Of how many events the answers are compared: a few of whoever is slow."""

SELECTED = "PROCESS_STATE_EXITED"
OURS = "rules-listener"
OURS_FROM_BYTES = "rules-listener, from bytes to ready"
FIRST_TIME = 1_764_000_000.0


@dataclass(slots=True)
class Course:
    """How long each took for an event, in microseconds, by name and by number of rules; and why some have no more."""

    microseconds: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class Timed:
    """Something that takes events: how long it takes for one of them, of as many as fit into a round."""

    def __init__(self, take: Callable[[Any], object], events: Sequence[Any]) -> None:
        self._take = take
        self._events = cycle(events)
        self._number = 1
        for _ in range(WARM_UPS):
            self._number = max(1, min(MOST_EVENTS, int(ROUND_S * 1e6 / max(self.microseconds(), 0.1))))

    def microseconds(self) -> float:
        """The next round's time for an event."""
        take, events = self._take, list(islice(self._events, self._number))
        gc.collect()
        gc.freeze()
        gc.disable()
        began = time.process_time()
        for event in events:
            take(event)
        seconds = time.process_time() - began
        gc.enable()
        return seconds / len(events) * 1e6


# matching alone


def our_matcher(name: str, count: int) -> Callable[[Event], Sequence[int]]:
    """Which rules of a workload an event fulfils, as generated code says it."""
    buckets = loaded(rules(name, count)).buckets

    def match(event: Event) -> Sequence[int]:
        bucket = buckets.get(event.type)
        return () if bucket is None else bucket(event)

    return match


def selected_events(count: int) -> list[Event]:
    """Events of workload A that its rules select, as many as stay in the processor's cache: as if just decoded."""
    decoded = [decode(frame, FIRST_TIME) for frame in frames(count)]
    return [event for event in decoded if event.type == SELECTED][:CACHED]


def fields_of(event: Event) -> dict[str, Any]:
    """An event as others get it."""
    return {"eventname": event.type, **event.fields}


def course() -> Course:
    """All, for all numbers of rules."""
    found = Course()
    for count in COUNTS:
        events = selected_events(count)
        match = our_matcher("a", count)
        from_bytes = Timed(FromBytes("a", count).take, frames(count))
        timed = {OURS: Timed(match, events), OURS_FROM_BYTES: from_bytes}
        timed |= dict(_others(count, events, [list(match(event)) for event in events], found))
        for name, measured in in_turn({name: one.microseconds for name, one in timed.items()}, ROUNDS).items():
            found.microseconds.setdefault(name, {})[count] = measured
    return found


def _others(count: int, events: list[Event], answers: list[list[int]], found: Course) -> Iterator[tuple[str, Timed]]:
    """Those that can be asked about so many rules."""
    given = [fields_of(event) for event in events]
    conditions = workload("a")["others"]
    for name, (form, make) in CONTESTANTS.items():
        if name in found.left_out:
            continue
        began = time.process_time()
        try:
            match = make(conditions[form], count)
        except ImportError as error:
            found.left_out[name] = f"not installed: {error}"
            continue
        start_s = time.process_time() - began
        event_s = _compare(name, match, given, answers)
        if count < COUNTS[-1] and (10 * start_s > LONGEST_START_S or 10 * event_s > LONGEST_EVENT_S):
            found.left_out[name] = (
                f"no more than {count:,} rules: {start_s:.1f} s to start, {event_s * 1e3:.1f} ms an event"
            )
        yield name, Timed(match, given)


def _compare(name: str, match: Matcher, given: list[dict[str, Any]], answers: list[list[int]]) -> float:
    """Compare answers with ours, for some events; how many seconds one took."""
    began = time.process_time()
    compared = 0
    while compared < COMPARED and (compared < LEAST_COMPARED or time.process_time() - began < LONGEST_EVENT_S):
        fields, answer = given[compared], answers[compared]
        assert sorted(match(fields)) == answer, f"{name} answers otherwise about {fields}"
        compared += 1
    return (time.process_time() - began) / compared


# from bytes to ready


class FromBytes:
    """The listener's way with an event: from the bytes of a frame to what fires."""

    def __init__(self, name: str, count: int) -> None:
        self._reader = FrameReader()
        self._engine = Engine(loaded(rules(name, count)))
        self._types = self._engine.program.types
        self._time = FIRST_TIME

    def take(self, frame: Frame) -> object:
        """All of it."""
        self._reader.receive_data(b"%s\n%s" % frame)
        whole = self._reader.next_frame()
        assert whole is not None
        self._time += 0.01
        return self._engine.feed(glance(whole, self._time, self._types))


# figures


def part() -> Part:
    """All of it: the course, and figures."""
    found = course()
    points = {
        name: {str(count): statistics.median(one) for count, one in counts.items()}
        for name, counts in found.microseconds.items()
    }
    return Part(measure(found), [ABOUT, "", *rows(found)], points)


def measure(found: Course) -> list[Figure]:
    """All figures of this kind; `found` is what the course has shown."""
    return [*_by_number(), *_against_others(found), _against_re(), _over_time()]


def _by_number() -> list[Figure]:
    timed = {count: Timed(FromBytes("a", count).take, frames(count)) for count in (FEW, MANY)}
    found = in_turn({str(count): one.microseconds for count, one in timed.items()}, 3 * ROUNDS)
    name = f"A: time of an event from its bytes to ready, {MANY:,} rules : {FEW} rules"
    return [ratio(name, found[str(MANY)], found[str(FEW)], wanted="≤ 1.5", detail=_shown(found.values(), reverse=True))]


def _against_others(found: Course) -> Iterator[Figure]:
    ours = found.microseconds[OURS][SOME]
    others = {
        name: counts[SOME]
        for name, counts in found.microseconds.items()
        if SOME in counts and name not in (OURS, OURS_FROM_BYTES, *BY_HAND)
    }
    name = f"A: time of an event, matching alone, {SOME} rules"
    if others:
        fastest = min(others, key=lambda one: statistics.median(others[one]))
        yield ratio(
            f"{name}: the fastest package, {fastest} : rules-listener",
            others[fastest],
            ours,
            wanted="≥ 50",
            detail=_shown([others[fastest], ours]),
        )
    by_hand = found.microseconds[BY_HAND[0]][SOME]
    yield ratio(f"{name}: {BY_HAND[0]} : rules-listener", by_hand, ours, wanted="≥ 100", detail=_shown([by_hand, ours]))


def _against_re() -> Figure:
    """A thousand expressions in the lines of a log, and `re` in a loop."""
    match, texts = our_matcher("b", SOME), lines(SOME)
    patterns = [re.compile(expression) for expression in expressions(SOME)]

    def by_re(event: Event) -> list[int]:
        text = event.data or ""
        return [number for number, pattern in enumerate(patterns) if pattern.search(text)]

    events = [Event("PROCESS_LOG_STDOUT", FIRST_TIME, {}, text) for text in texts]
    for event in events[:COMPARED]:
        assert sorted(match(event)) == by_re(event)
    timed = {"re": Timed(by_re, events), OURS: Timed(match, events)}
    found = in_turn({name: one.microseconds for name, one in timed.items()}, 3 * ROUNDS)
    name = f"B: time of an event, matching alone, {SOME} expressions in a line of 200 characters: `re` in a loop"
    return ratio(f"{name} : rules-listener", found["re"], found[OURS], wanted="≥ 20", detail=_shown(found.values()))


def _over_time() -> Figure:
    """Rules that count, and the same that do not."""
    timed = {name: Timed(FromBytes(name, SOME).take, frames(SOME)) for name in ("c", "a")}
    found = in_turn({name: one.microseconds for name, one in timed.items()}, 3 * ROUNDS)
    name = f"C: time of an event from its bytes to ready, {SOME} rules that count : rules that do not (A)"
    return ratio(name, found["c"], found["a"], wanted="≤ 2.0", detail=_shown(found.values()))


def _shown(found: Any, *, reverse: bool = False) -> str:
    medians = [statistics.median(one) for one in found]
    return " : ".join(map(_short, reversed(medians) if reverse else medians)) + " µs"


def _short(number: float) -> str:
    """A number with as many digits as matter."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


# the table

HEAD = f"| µs per event | {' | '.join(f'N = {count:,}' for count in COUNTS)} |"
ABOUT = (
    "Workload A: time per event in µs against the number of rules, matching alone unless it says otherwise; medians of "
    f"{ROUNDS} rounds, in time of the processor. All gave the same answers."
)


def rows(found: Course) -> Iterator[str]:
    """The lines of a table, and what was left out."""
    yield HEAD
    yield "| --- |" + " --- |" * len(COUNTS)
    for name, counts in sorted(found.microseconds.items(), key=lambda item: statistics.median(item[1][COUNTS[0]])):
        cells = [_short(statistics.median(counts[count])) if count in counts else "" for count in COUNTS]
        yield f"| {_with_version(name)} | {' | '.join(cells)} |"
    yield ""
    yield from (f"{name}: {reason}." for name, reason in found.left_out.items())


def _with_version(name: str) -> str:
    return name if name in BY_HAND or name.startswith(OURS) else f"{name} {version(name)}"
