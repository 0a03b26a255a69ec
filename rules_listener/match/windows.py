"""When a mute holds: once, or every week by the clocks of a zone.

1. A weekly window holds while the clocks on the wall show a time in it. An hour that they skip is missing in it, one
   that they show twice is in it twice.
2. What `until` gives is never too late: at the latest the end. It may be too early, where clocks are changed or one day
   follows another; then it is asked again.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, floor

from rules_listener.event.localtime import read_zone

DAYS_OF_A_WEEK = 7


class Stretch:
    """From one moment to another, in seconds since 1970."""

    def __init__(self, start: float, end: float) -> None:
        self._start = start
        self._end = end

    def until(self, moment: float) -> float | None:
        """The end, if `moment` is within."""
        return self._end if self._start <= moment < self._end else None


class Weekly:
    """From `start` to `end` (minutes of the day) of some days (Monday is 0), by the clocks of a zone.

    If it ends before it starts, it ends on the next day. No zone is the host's own.

    Raises:
        ConfigError: this host does not know the zone.
    """

    def __init__(self, days: tuple[int, ...], start: int, end: int, zone: str) -> None:
        self._days = frozenset(days)
        self._start = start
        self._end = end
        self._zone = read_zone(zone) if zone else None
        self._known = (0.0, 0.0)
        """A stretch that is within, as it was found last."""

    def until(self, moment: float) -> float | None:
        """A later moment up to which clocks show times in the window; None if they do not at `moment`."""
        if self._known[0] <= moment < self._known[1]:
            return self._known[1]
        try:
            end = self._end_by_the_clock(_shown(moment, self._zone))
            until = None if end is None else self._next(moment, end)
        except (ValueError, OverflowError, OSError):
            return None  # no clock shows the year, as in a recording whose times are in milliseconds
        if until is not None:
            self._known = (moment, until)
        return until

    def _end_by_the_clock(self, local: datetime) -> datetime | None:
        """What clocks show at the end of the window that they are in."""
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        minute = (local - midnight) // timedelta(minutes=1)
        end = midnight + timedelta(minutes=self._end)
        if self._end > self._start:
            return end if local.weekday() in self._days and self._start <= minute < self._end else None
        if local.weekday() in self._days and minute >= self._start:
            return end + timedelta(days=1)
        is_morning_after = (local.weekday() - 1) % DAYS_OF_A_WEEK in self._days and minute < self._end
        return end if is_morning_after else None

    def _next(self, moment: float, end: datetime) -> float:
        """When clocks show `end`, or are changed before that."""
        possible = [end.replace(tzinfo=self._zone, fold=fold).timestamp() for fold in (0, 1)]
        found = min(one for one in possible if one > moment)
        return min(found, _changed(moment, found, self._zone))


def _shown(moment: float, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(moment, zone).replace(tzinfo=None)


def _ahead(moment: float, zone: tzinfo | None) -> timedelta:
    """How far the clocks of a zone are ahead of UTC."""
    return _shown(moment, zone) - _shown(moment, UTC)


def _changed(start: float, end: float, zone: tzinfo | None) -> float:
    """When clocks are changed between two moments, to the second; `end` if they are not."""
    before = _ahead(start, zone)
    if _ahead(end, zone) == before:
        return end
    low, high = floor(start), ceil(end)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _ahead(middle, zone) == before else (low, middle)
    return float(high)
