"""Events that came twice, events that are missing, and the next life of supervisord, by their numbers."""

import pytest

from rules_listener.event.event import Event
from rules_listener.tools.replay.history import History


def event(poolserial: int, serial: int | None = None, when: int = 0, pool: str = "p") -> Event:
    """A tick with these numbers."""
    header: dict[str, str | int] = {"serial": poolserial if serial is None else serial, "pool": pool}
    return Event("TICK_5", 0.0, {"when": when}, header={**header, "poolserial": poolserial})


def played(*events: Event) -> tuple[list[tuple[object, object]], int, int]:
    """The numbers of the events that were played, how many came twice, how many are missing."""
    history = History([events])
    seen: list[tuple[object, object]] = []
    history.play(lambda one: [one], lambda one, _: seen.append((one.poolserial, one.fields["when"])))
    end = history.played(0)
    assert end.events == len(seen)
    return seen, end.repeated, end.missing


@pytest.mark.parametrize(
    ("events", "numbers", "repeated", "missing"),
    [
        ([event(7), event(8), event(9)], [7, 8, 9], 0, 0),
        ([event(7), event(8), event(8), event(9), event(9), event(9)], [7, 8, 9], 3, 0),
        ([event(7), event(7)], [7], 1, 0),
        ([event(7), event(10), event(11), event(13)], [7, 10, 11, 13], 0, 3),
        ([event(7), event(10, 13), event(8, 9), event(9, 10), event(11, 14)], [7, 10, 8, 9, 11], 0, 0),
        ([event(7), event(10, 13), event(9, 10), event(11, 14)], [7, 10, 9, 11], 0, 1),
        ([event(7, 17), event(8, 18), event(0, 0), event(1, 1)], [7, 8, 0, 1], 0, 0),
        ([event(7, 17), event(9, 19), event(0, 20), event(2, 22)], [7, 9, 0, 2], 0, 1),
        ([event(0), event(1), event(0), event(1), event(2)], [0, 1, 0, 1, 2], 0, 0),
        ([event(4), event(5), event(9, pool="q"), event(10, pool="q")], [4, 5, 9, 10], 0, 0),
    ],
    ids=[
        "in order",
        "came twice",
        "the first one twice",
        "missing",
        "put before others",
        "put before others, one missing",
        "another supervisord",
        "a reload",
        "the same numbers in another life",
        "another pool",
    ],
)
def test_numbers(events: list[Event], numbers: list[int], repeated: int, missing: int) -> None:
    """Each event is played once, and what is missing is counted."""
    seen, *counted = played(*events)
    assert ([number for number, _ in seen], *counted) == (numbers, repeated, missing)


def test_another_event_with_the_same_number() -> None:
    """Only the same event is the same: one with its number and other content is played."""
    assert played(event(7, when=1), event(7, when=2)) == ([(7, 1), (7, 2)], 0, 0)


def test_events_without_numbers() -> None:
    """What was written by hand, or comes out of a log, has no numbers: each event counts, however often it is there."""
    bare = [Event("TICK_5", 0.0, {"when": 5})] * 3
    assert played(*bare) == ([(None, 5)] * 3, 0, 0)
    assert played(event(7), *bare[:1], event(8)) == ([(7, 0), (None, 5), (8, 0)], 0, 0)
