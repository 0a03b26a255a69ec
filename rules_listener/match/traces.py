"""How conditions came out for one event, part by part.

1. A part's truth is what the plain evaluator says of it, and so what the generated code does.
2. What is nearest to being true is what has the fewest operands that would have to come out differently.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from rules_listener.event.catalogue import CATALOGUE, UNLISTED, Kind
from rules_listener.event.event import Event
from rules_listener.lang import checked, nodes
from rules_listener.lang.parts import Arms, Part, PartedArm, Side, arguments, sides
from rules_listener.match.evaluate import Evaluator


class Valued(NamedTuple):
    """A value as it is written, what it is for the event (None: missing), and of which kind."""

    text: str
    value: object
    kind: Kind


@dataclass(frozen=True, slots=True)
class Traced:
    """A part of a condition, its truth (None: unknown), the values that it is about, and what it consists of."""

    part: Part
    truth: bool | None
    values: tuple[Valued, ...] = ()
    operands: tuple["Traced", ...] = ()


class TracedWhere(NamedTuple):
    """The condition of one `where`, and the `event` statement that it stands in, if it does."""

    traced: Traced
    event: str


@dataclass(frozen=True, slots=True)
class TracedArm:
    """Some of what a selector selects: every `where` must be true of an event of one of its types."""

    arm: PartedArm
    wheres: tuple[TracedWhere, ...]

    @property
    def truth(self) -> bool | None:
        """Whether the event is selected, by its conditions alone."""
        answers = [where.traced.truth for where in self.wheres]
        return False if False in answers else None if None in answers else True

    @property
    def obstacles(self) -> tuple[Traced, ...]:
        """The fewest operands that would have to come out differently for the event to be selected."""
        return tuple(chain.from_iterable(obstacles(where.traced, wanted=True) for where in self.wheres))


def looks_at(arms: Arms | tuple[checked.Arm, ...], event: Event) -> bool:
    """Whether one of some arms is about events of this type."""
    return any(type_of(event) in arm.types for arm in arms)


def type_of(event: Event) -> str:
    """The event's type, as arms name it."""
    return event.type if event.type in CATALOGUE else UNLISTED


def trace_arms(
    arms: Iterable[PartedArm], event: Event, surroundings: Mapping[str, Callable[..., object]] | None = None
) -> list[TracedArm]:
    """How the conditions of some arms came out, whatever types they are about."""
    evaluator = Evaluator(event, surroundings=surroundings)
    return [
        TracedArm(arm, tuple(TracedWhere(trace(where.part, evaluator), where.event) for where in arm.wheres))
        for arm in arms
    ]


def trace(part: Part, evaluator: Evaluator) -> Traced:
    """How a part and all that it consists of came out."""
    operands = tuple(trace(operand, evaluator) for operand in part.operands)
    values = () if operands else tuple(_values(sides(part), evaluator))
    return Traced(part, evaluator.truth(part.condition), values, operands)


def _values(found: Iterable[Side], evaluator: Evaluator) -> Iterable[Valued]:
    """Some values; of what is missing, also that of which it was to be made."""
    for side in found:
        node, value = side
        valued = Valued(node.span.text, evaluator.value(value), value.kind)
        yield valued
        if valued.value is None:
            yield from _values(arguments(side), evaluator)


def obstacles(traced: Traced, *, wanted: bool) -> tuple[Traced, ...]:
    """The fewest parts without operands that would have to come out differently for a part to come out as wanted."""
    if traced.truth is wanted:
        return ()
    node = traced.part.node
    if not traced.operands:
        return (traced,)
    if isinstance(node, nodes.Not):
        return obstacles(traced.operands[0], wanted=not wanted)
    ways = [obstacles(operand, wanted=wanted) for operand in traced.operands]
    if isinstance(node, nodes.Or if wanted else nodes.And):
        return min(ways, key=len)
    return tuple(chain.from_iterable(ways))
