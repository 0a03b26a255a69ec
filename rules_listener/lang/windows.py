"""The window of a mute: days, hours and moments become numbers, or diagnostics.

1. No clock is asked. What a moment by a zone's clocks is since 1970 is a matter of the zone's rules alone.
2. A moment that those clocks skip is an error; of one that they show twice, the first begins a mute and the second ends
   one.
"""

import re
from datetime import datetime, tzinfo

from rules_listener.base.diagnostics import Diagnostic, suggestion
from rules_listener.base.errors import ConfigError
from rules_listener.base.source import Span
from rules_listener.event.localtime import read_zone
from rules_listener.lang import checked, nodes

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = "day"
MINUTES_OF_A_DAY = 1440

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d(?::\d\d)?")
_MINUTES_OF_AN_HOUR = 60


class WindowChecker:
    """Checks windows; what is wrong is added to `found`."""

    def __init__(self, found: list[Diagnostic]) -> None:
        self.found = found

    def window(self, node: nodes.Weekly | nodes.Stretch) -> checked.Weekly | checked.Stretch | None:
        """The window; it means nothing if something is wrong with it."""
        zone = self._zone(node.zone)
        if isinstance(node, nodes.Weekly):
            return self._weekly(node)
        return self._stretch(node, zone)

    def _report(self, message: str, span: Span, label: str = "", *notes: str) -> None:
        self.found.append(Diagnostic("RL218", message, span, label, notes))

    def _zone(self, name: nodes.Name | None) -> tzinfo | None:
        if name is None:
            return None
        try:
            return read_zone(name.name)
        except ConfigError:
            from zoneinfo import available_timezones  # noqa: PLC0415 - reads a folder, and most zones are right

            known = available_timezones()
            note = "a zone is written Europe/Paris" if known else "this host has no zones: install its package tzdata"
            message = f"there is no time zone `{name.name}` here"
            self.found.append(Diagnostic("RL219", message, name.span, _near_zone(name.name, known), (note,)))
            return None

    # every week

    def _weekly(self, node: nodes.Weekly) -> checked.Weekly:
        days = [day for named in node.days for day in self._days(named)]
        start, end = self._hours(*node.hours) if node.hours else (0, MINUTES_OF_A_DAY)
        return checked.Weekly(tuple(sorted(set(days))), start, end, "" if node.zone is None else node.zone.name)

    def _hours(self, first: nodes.Clock, last: nodes.Clock) -> tuple[int, int]:
        """The minutes of the day at which clocks show two times."""
        start, end = self._minutes(first, MINUTES_OF_A_DAY - 1), self._minutes(last, MINUTES_OF_A_DAY)
        if start == end and start is not None:
            self._report("this ends when it begins", first.span.to(last.span), "without hours it is the whole day")
        return start or 0, end or 0

    def _days(self, node: nodes.Days) -> list[int]:
        """The days that are named, by their numbers; from Fri to Mon is over the weekend."""
        if node.first.name == EVERY_DAY and node.last is None:
            return list(range(len(DAYS)))
        first, last = self._day(node.first), self._day(node.last or node.first)
        if first is None or last is None:
            return []
        count = (last - first) % len(DAYS) + 1
        return [(first + number) % len(DAYS) for number in range(count)]

    def _day(self, name: nodes.Name) -> int | None:
        if name.name in DAYS:
            return DAYS.index(name.name)
        short = name.name[:3].capitalize()
        label = f"did you mean `{short}`?" if short in DAYS else suggestion(name.name, (*DAYS, EVERY_DAY))
        self._report(f"there is no day `{name.name}`", name.span, label, f"days: {' '.join((*DAYS, EVERY_DAY))}")
        return None

    def _minutes(self, node: nodes.Clock, latest: int) -> int | None:
        hours, minutes = map(int, node.text.split(":"))
        total = hours * _MINUTES_OF_AN_HOUR + minutes
        if minutes < _MINUTES_OF_AN_HOUR and total <= latest:
            return total
        self._report(f"a day has no {node.text}", node.span, "hours are 00:00 to 23:59; a day may end at 24:00")
        return None

    # once

    def _stretch(self, node: nodes.Stretch, zone: tzinfo | None) -> checked.Stretch | None:
        if node.zone is not None and zone is None:
            return None
        starts, ends = self._moments(node.start, zone), self._moments(node.end, zone)
        if not starts or not ends:
            return None
        if ends[-1] <= starts[0]:
            message = "this mute ends before it begins" if ends[-1] < starts[0] else "this mute ends when it begins"
            self._report(message, node.start.span.to(node.end.span))
        return checked.Stretch(starts[0], ends[-1])

    def _moments(self, node: nodes.Moment, zone: tzinfo | None) -> list[float]:
        """When a zone's clocks show a moment, in seconds since 1970."""
        try:
            found = moments(datetime.fromisoformat(node.text), zone) if _MOMENT.fullmatch(node.text) else None
        except (ValueError, OverflowError):
            found = None
        if found is None:
            self._report(f"there is no moment {node.text}", node.span, "a moment is written 2026-12-24T18:00")
        elif not found:
            self._report(f"{node.text} never comes", node.span, "the clocks skip it: summer time begins")
        return found or []


def moments(local: datetime, zone: tzinfo | None) -> list[float]:
    """When the clocks of a zone, or else this host's, show `local`: no time, once, or twice."""
    possible = [local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)]
    return sorted({one for one in possible if datetime.fromtimestamp(one, zone).replace(tzinfo=None, fold=0) == local})


def _near_zone(name: str, known: set[str]) -> str:
    """A zone that was probably meant: by its spelling, or by its city alone."""
    cities = [zone for zone in sorted(known) if zone.rsplit("/", 1)[-1].lower() == name.lower()]
    return f"did you mean `{cities[0]}`?" if cities else suggestion(name, known)
