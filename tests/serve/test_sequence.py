"""Repeats, losses and new epochs, from the numbers alone."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.outbox.position import Epoch, Position
from rules_listener.serve.sequence import Sequence
from rules_listener.serve.supervisord import Life

LIFE = Life(7, 1.0)
EPOCH = Epoch(7, 1.0, "pool")


def _numbers(sequence: Sequence, *numbers: int) -> list[int]:
    """The poolserials that are taken for new; `serial` goes with them."""
    return [number for number in numbers if sequence.take("pool", 100 + number, number) is not None]


TABLE = {
    "in order": ((0, 1, 2), (0, 1, 2), 0),
    "a gap": ((0, 3), (0, 3), 2),
    "the first ones are missing": ((5,), (5,), 5),
    "a repeat": ((0, 1, 1, 2), (0, 1, 2), 0),
    "a repeat much later": ((0, 1, 2, 3, 1), (0, 1, 2, 3), 0),
    "a number comes late": ((0, 2, 1, 3), (0, 2, 1, 3), 0),
    "one of the missing comes late": ((0, 4, 2), (0, 4, 2), 2),
    "a late number comes twice": ((0, 4, 2, 2), (0, 4, 2), 2),
    "two gaps": ((1, 3), (1, 3), 2),
}


@pytest.mark.parametrize(("numbers", "new", "lost"), TABLE.values(), ids=TABLE)
def test_numbers(numbers: tuple[int, ...], new: tuple[int, ...], lost: int) -> None:
    """Each number is new once; what never came is lost, and said once."""
    sequence = Sequence(LIFE, None, None)
    assert tuple(_numbers(sequence, *numbers)) == new
    assert sequence.is_whole == (lost == 0)
    assert sequence.lose() == lost
    assert sequence.lose() == 0
    assert sequence.is_whole


def test_what_was_given_up_for_lost_is_no_repeat_and_no_loss_again() -> None:
    """A number that was reported as lost counts as dealt with."""
    sequence = Sequence(LIFE, None, None)
    _numbers(sequence, 0, 3)
    assert sequence.lose() == 2
    assert _numbers(sequence, 4) == [4]
    assert sequence.lose() == 0


def _position(poolserial: int, life: Life = LIFE) -> Position:
    return Position(Epoch(*life, "pool"), 100 + poolserial, poolserial)


UNCERTAIN = Life(1, 0.0)


@pytest.mark.parametrize(
    ("numbers", "new", "lost"),
    [((5, 6), (6,), 0), ((6, 7), (6, 7), 0), ((8,), (8,), 2), ((0, 1, 2), (0, 1, 2), 0), ((4, 5, 6), (4, 5, 6), 4)],
    ids=["the last again", "the next", "a loss", "another life", "another life with losses"],
)
def test_where_nobody_knows_when_supervisord_started(numbers: tuple[int, ...], new: tuple[int, ...], lost: int) -> None:
    """The first event tells whether numbers go on; lower ones than the last are those of another supervisord."""
    sequence = Sequence(UNCERTAIN, _position(5, UNCERTAIN), _position(3, UNCERTAIN))
    assert tuple(_numbers(sequence, *numbers)) == new
    assert sequence.lose() == lost


def test_a_life_that_was_told_by_its_numbers_goes_on() -> None:
    """What was noted in the life after the first is that life's, though supervisord is called as it was before."""
    first = Sequence(UNCERTAIN, _position(5, UNCERTAIN), None)
    assert first.take("pool", 100, 0) == Position(Epoch(1, 1.0, "pool"), 100, 0)
    second = Sequence(UNCERTAIN, first.highest, _position(5, UNCERTAIN))
    assert _numbers(second, 0, 1) == [1]
    assert second.is_whole


def test_another_boot_is_another_life() -> None:
    """Where the boot at least is known, positions of another one are not taken for those of this supervisord."""
    sequence = Sequence(Life(1, 7.0 * (1 << 32)), _position(5, Life(1, 6.0 * (1 << 32) + 3)), None)
    assert _numbers(sequence, 4) == [4]


def test_a_new_listener_goes_on_where_the_last_one_was() -> None:
    """Within one life of supervisord the numbers go on: a repeat is known, a gap is a loss."""
    sequence = Sequence(LIFE, _position(5), None)
    assert _numbers(sequence, 5, 6, 8) == [6, 8]
    assert sequence.lose() == 1


def test_an_event_that_was_committed_and_not_acknowledged_is_a_repeat() -> None:
    """The alerts of an event are committed before it is acknowledged; so it is no new one when it comes again."""
    sequence = Sequence(LIFE, _position(5), _position(6))
    assert sequence.is_whole
    assert _numbers(sequence, 6, 7) == [7]
    assert sequence.lose() == 0


def test_another_supervisord_begins_anew() -> None:
    """What is remembered of another life of supervisord means nothing: numbers begin at 0, and none is lost."""
    sequence = Sequence(LIFE, _position(500, Life(7, 2.0)), _position(501, Life(8, 1.0)))
    assert _numbers(sequence, 0, 1) == [0, 1]
    assert sequence.lose() == 0


def test_a_reload_begins_anew() -> None:
    """Poolserials that go back while serials go on mean a reload: nothing is a repeat, nothing lost."""
    sequence = Sequence(LIFE, None, None)
    assert all(sequence.take("pool", serial, serial) for serial in range(10))
    assert all(sequence.take("pool", 100 + number, number) for number in range(10))
    assert sequence.lose() == 0
    assert sequence.take("pool", 105, 5) is None


def test_losses_before_a_reload_are_forgotten_with_their_epoch() -> None:
    """A reload empties the buffer: what was missing then is no number of the new epoch."""
    sequence = Sequence(LIFE, None, None)
    sequence.take("pool", 0, 0)
    sequence.take("pool", 9, 9)
    assert sequence.take("pool", 20, 0) is not None
    assert sequence.is_whole


def test_another_pool_begins_anew() -> None:
    """The listener under another name has numbers of its own."""
    sequence = Sequence(LIFE, _position(5), None)
    assert sequence.take("other", 300, 0) == Position(Epoch(7, 1.0, "other"), 300, 0)


@dataclass
class Pool:
    """supervisord's side: numbers events, and buffers, discards, leaks and repeats them as it is told."""

    size: int
    number: int = 0
    buffer: list[int] = field(default_factory=list)
    discarded: int = 0
    handled: list[int] = field(default_factory=list)

    def _insert(self, place: int, event: int) -> None:
        if len(self.buffer) >= self.size:
            self.buffer.pop(0)
            self.discarded += 1
        self.buffer.insert(place, event)

    def accept(self, *, at_head: bool) -> None:
        """A new event: behind the others, or, if a neighbour rejected it, before them."""
        place = 0 if at_head else len(self.buffer)
        self._insert(min(place, self.size - 1), self.number)
        self.number += 1

    def deliver(self, sequence: Sequence) -> None:
        """Hand out the first event."""
        if self.buffer:
            event = self.buffer.pop(0)
            if sequence.take("pool", 1000 + event, event) is not None:
                self.handled.append(event)

    def repeat(self, sequence: Sequence) -> None:
        """Hand out an event again that was handled before."""
        if self.handled:
            event = self.handled[-1]
            assert sequence.take("pool", 1000 + event, event) is None


STEPS = st.lists(st.sampled_from(["accept", "accept", "leak", "deliver", "deliver", "repeat"]), max_size=80)


@given(steps=STEPS, size=st.integers(1, 6))
def test_exactly_what_was_discarded_is_lost(steps: list[str], size: int) -> None:
    """However events come in, leak in, are discarded and come again: each is handled once, each loss counted once."""
    pool, sequence, lost = Pool(size), Sequence(LIFE, None, None), 0
    for step in steps:
        match step:
            case "accept" | "leak":
                pool.accept(at_head=step == "leak")
            case "deliver":
                pool.deliver(sequence)
            case _:
                pool.repeat(sequence)
    while pool.buffer:
        pool.deliver(sequence)
    pool.accept(at_head=False)
    pool.deliver(sequence)
    lost += sequence.lose()
    assert lost == pool.discarded
    assert len(set(pool.handled)) == len(pool.handled) == pool.number - pool.discarded
