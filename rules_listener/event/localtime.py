"""Local times without a zone, as supervisord writes them into its log, become moments.

1. The zone is given, or the host's own.
2. When summer time ends, an hour comes twice. A log goes forward: a time in that hour is in the first pass, unless it
   would then lie before the line above it. (A log that is silent for the first pass does not show that.)
"""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules_listener.base.clock import no_moment
from rules_listener.base.errors import ConfigError

_JITTER_S = 1.0
"""A clock that is set back by less than this is no second pass."""


def read_zone(name: str) -> tzinfo:
    """A zone by its name, as `Europe/Berlin`, `UTC` or `+02:00`.

    Raises:
        ConfigError: there is no such zone, or this host has no zones.
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        if name[:1] in ("+", "-"):
            return datetime.strptime(name, "%z").tzinfo or UTC
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ConfigError(
            f"there is no time zone {name!r} here: write it as UTC, as +02:00, or as Europe/Berlin, which needs the "
            "system's package tzdata"
        ) from None


def read_moment(text: str, zone: tzinfo | None = None) -> float:
    """A moment as people write it: seconds since 1970, or ISO 8601 (`2025-11-23T20:01`), in `zone` if it names none.

    Raises:
        ConfigError: it is neither.
    """
    try:
        moment = float(text) if text.replace(".", "", 1).isdecimal() else _iso_moment(text, zone)
    except (ValueError, OverflowError):
        raise ConfigError(f"{text!r} is no moment: write seconds since 1970, or 2025-11-23T20:01") from None
    if wrong := no_moment(moment):
        raise ConfigError(f"{text!r:.80} is no moment: {wrong}")
    return moment


def _iso_moment(text: str, zone: tzinfo | None) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


class LocalTimes:
    """Turns the times of one log, in its order, into seconds since 1970. Without `zone` they are the host's."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._minutes = lru_cache(maxsize=2)(lambda minute: _starts(minute, zone))
        self._last = float("-inf")

    def moment(self, minute: str, seconds: float) -> float:
        """The moment `seconds` after the start of `minute` (`2025-11-23 20:01`).

        Raises:
            ValueError: there is no such minute, or it is out of range.
        """
        possible = [start + seconds for start in self._minutes(minute)]
        self._last = next((moment for moment in possible if moment >= self._last - _JITTER_S), possible[-1])
        return self._last


def _starts(minute: str, zone: tzinfo | None) -> list[float]:
    """When a minute begins, the earlier pass first where there are two.

    Raises:
        ValueError: there is no such minute, or it is out of range.
    """
    local = datetime.strptime(minute, "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    try:
        first, second = local.timestamp(), local.replace(fold=1).timestamp()
    except OverflowError as error:
        raise ValueError(str(error)) from error
    if wrong := no_moment(first):
        raise ValueError(wrong)
    return [first, second] if first < second else [first]
