"""Which mutes hold at a moment, for people."""

from collections.abc import Iterable
from typing import NamedTuple

from rules_listener.match.firing import Window
from rules_listener.match.program import MuteData, window_of

MOST_STEPS = 30
"""After how many days without a break a mute is taken for one that does not end."""


class Muted(NamedTuple):
    """A mute that holds: its place, its reason, and when it ends (seconds since 1970; None: not within weeks)."""

    place: str
    reason: str
    until: float | None


def muted_at(mutes: Iterable[MuteData], moment: float) -> list[Muted]:
    """The mutes of a program that hold at a moment (seconds since 1970), in their order.

    Raises:
        ConfigError: this host does not know a zone that a mute names.
    """
    held = [(mute, window_of(mute)) for mute in mutes]
    return [
        Muted(mute.name, mute.reason, None if window is None else _end(window, moment))
        for mute, window in held
        if window is None or window.until(moment) is not None
    ]


def _end(window: Window, moment: float) -> float | None:
    """When a window that holds at a moment does no longer."""
    for _ in range(MOST_STEPS):
        until = window.until(moment)
        if until is None:
            return moment
        moment = until
    return None
