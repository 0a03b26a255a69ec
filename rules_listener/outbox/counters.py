"""What the store counts, each under a name: numbers that grow for as long as the store lives.

1. A number is written in the transaction that writes what it counts: after any end of any process it is neither too
   high nor lower than before.
2. `KIND:LABEL` counts something for each label (`event:TYPE`); a name without a colon stands for itself.
3. A few names are not counted but noted: the last value holds.
"""

from collections.abc import Mapping

COUNT = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value"
NOTE = "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

EVENT = "event"
"""Events that were handled, by type."""

LOST, REPEATED, DEAD = "lost", "repeated", "dead"
"""Events that supervisord discarded, that came again, that were set aside as dead frames."""

NO_ROOM = "dropped"
"""Alerts that memory had no room for while the store could not be written."""

FIRING = "firing"
"""Firings, by rule."""

SENT, GIVEN_UP, HELD, DROPPED = "sent", "given_up", "held", "dropped"
"""What became of deliveries, by channel."""

FAILED_TRY = "failed_try"
"""Tries that failed and are made again, by channel."""

ANSWERED, ANSWERED_NS = "answered", "answered_ns"
"""Events that were answered, by the greatest number of microseconds that this took (one of `BOUNDS_US`, or `LONGER`),
and the time of all of them, in nanoseconds. They are counted only where metrics are served."""

BOUNDS_US = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)
LONGER = "longer"

LOADED, REJECTED = "loaded_ms", "rejected_ms"
"""Noted: when rules were loaded, and when new ones were rejected, in milliseconds since 1970."""

TAIL = "tail"
"""Noted: the last generation of the tail that the journal has."""

JOURNAL_BYTES = "journal_bytes"
"""The bytes that the journal holds. It alone goes down: when the journal is trimmed."""


def counter(kind: str, label: object) -> str:
    """The name of what is counted for a label."""
    return f"{kind}:{label}"


def by_label(counters: Mapping[str, int], kind: str) -> dict[str, int]:
    """What was counted of a kind, by its labels, in their order."""
    beginning = counter(kind, "")
    return {name.removeprefix(beginning): counters[name] for name in sorted(counters) if name.startswith(beginning)}
