"""When mutes hold: weekly windows beside a model that looks at the clock each minute, and single moments."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.errors import ConfigError
from rules_listener.lang.windows import moments
from rules_listener.match.windows import Stretch, Weekly
from tests.zones import zone_of_host

CHANGES = {
    "Europe/Paris": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
    "America/Santiago": ("2026-04-05", "2026-09-06"),
    "UTC": ("2026-03-29", "2026-10-25"),
}
"""The days on which clocks are changed: by an hour at 2 or 3, by half an hour, at midnight, and not at all."""
MINUTE_S = 60
DAYS_LOOKED_AT = 4


def shows(days: frozenset[int], start: int, end: int, local: datetime) -> bool:
    """Whether a clock that shows `local` is within a window: the reference's definition."""
    minute = local.hour * 60 + local.minute
    if start < end:
        return local.weekday() in days and start <= minute < end
    before = (local - timedelta(days=1)).weekday()
    return (local.weekday() in days and minute >= start) or (before in days and minute < end)


WINDOWS = st.tuples(
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from([0, 60, 90, 105, 119, 120, 150, 179, 180, 210, 1380, 1439]) | st.integers(0, 1439),
    st.sampled_from([0, 1, 60, 120, 135, 150, 180, 240, 1440]) | st.integers(0, 1440),
).filter(lambda window: window[1] != window[2])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from([(zone, day) for zone, days in CHANGES.items() for day in days]), WINDOWS)
def test_a_weekly_window_is_what_the_clocks_show(
    change: tuple[str, str], window: tuple[frozenset[int], int, int]
) -> None:
    """Each minute around a change of the clocks, the window holds as they show; and its end is never said too late."""
    zone, day = ZoneInfo(change[0]), change[1]
    weekly = Weekly(tuple(window[0]), window[1], window[2], change[0])
    first = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) - 36 * 3600
    until: float | None = None
    for moment in range(first, first + DAYS_LOOKED_AT * 86_400, MINUTE_S):
        holds = shows(*window, datetime.fromtimestamp(moment, zone))
        if until is not None and moment >= until:
            until = None
        if until is None:
            until = weekly.until(moment)
            assert (until is not None) is holds
            assert until is None or until > moment
        assert holds is (until is not None)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from([(zone, day) for zone, days in CHANGES.items() for day in days]), WINDOWS)
def test_few_questions_lead_from_the_beginning_to_the_end(
    change: tuple[str, str], window: tuple[frozenset[int], int, int]
) -> None:
    """Whoever asks again at each end that is said asks a few times a day at most."""
    weekly = Weekly(tuple(window[0]), window[1], window[2], change[0])
    first = datetime.fromisoformat(change[1]).replace(tzinfo=UTC).timestamp() - 36 * 3600
    for minutes in range(0, DAYS_LOOKED_AT * 1440, 97):
        moment: float | None = first + minutes * MINUTE_S
        asked = 0
        while moment is not None and moment < first + DAYS_LOOKED_AT * 86_400:
            moment = weekly.until(moment)
            asked += 1
        assert asked <= DAYS_LOOKED_AT * 3


SUNDAY = 6
PARIS = "Europe/Paris"


def utc(text: str) -> float:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


WHEN_SUMMER_TIME_BEGINS_AND_ENDS = {
    "an ordinary Sunday": (120, 240, ("2026-07-05T00:00", "2026-07-05T02:00")),
    "the hour that is skipped is missing": (120, 240, ("2026-03-29T01:00", "2026-03-29T02:00")),
    "it begins in the hour that is skipped": (150, 240, ("2026-03-29T01:00", "2026-03-29T02:00")),
    "it ends in the hour that is skipped": (60, 150, ("2026-03-29T00:00", "2026-03-29T01:00")),
    "the hour that comes twice is in it twice": (120, 240, ("2026-10-25T00:00", "2026-10-25T03:00")),
}


@pytest.mark.parametrize("name", WHEN_SUMMER_TIME_BEGINS_AND_ENDS)
def test_a_sunday_in_paris(name: str) -> None:
    """Where clocks are changed, the window holds as they show."""
    start, end, (first, last) = WHEN_SUMMER_TIME_BEGINS_AND_ENDS[name]
    weekly = Weekly((SUNDAY,), start, end, PARIS)
    assert weekly.until(utc(first) - 1) is None
    moment: float | None = utc(first)
    ends = []
    while moment is not None:
        ends.append(moment)
        moment = weekly.until(moment)
    assert ends[-1] == utc(last)


def test_a_window_within_the_hour_that_comes_twice_holds_twice() -> None:
    """From 2:00 to 2:30, clocks show two such half hours."""
    weekly = Weekly((SUNDAY,), 120, 150, PARIS)
    assert weekly.until(utc("2026-10-25T00:00")) == utc("2026-10-25T00:30")
    assert weekly.until(utc("2026-10-25T00:30")) is None
    assert weekly.until(utc("2026-10-25T01:00")) == utc("2026-10-25T01:30")


@pytest.fixture
def _in_paris() -> Iterator[None]:
    """This host's clock is in Paris."""
    with zone_of_host(PARIS):
        yield


@pytest.mark.usefixtures("_in_paris")
def test_without_a_zone_it_is_the_host() -> None:
    """A window without a zone is what the window of the host's zone is."""
    here, there = Weekly((SUNDAY,), 120, 240, ""), Weekly((SUNDAY,), 120, 240, PARIS)
    for day in ("2026-03-29", "2026-07-05", "2026-10-25"):
        for minutes in range(0, 1440, 15):
            moment = utc(day) + minutes * MINUTE_S
            assert here.until(moment) == there.until(moment)


def test_a_stretch_is_from_its_start_to_before_its_end() -> None:
    """The first moment is in it, the last one is not."""
    stretch = Stretch(10.0, 20.0)
    assert [stretch.until(moment) for moment in (9.9, 10.0, 19.9, 20.0)] == [None, 20.0, 20.0, None]


@pytest.mark.parametrize("moment", [-1e18, -1e12, 1e12, 1.764e12, 1e18, 1e300])
@pytest.mark.parametrize("zone", ["", "UTC", PARIS])
def test_a_moment_that_no_clock_shows(zone: str, moment: float) -> None:
    """What is in no year that a clock has is in no window."""
    assert Weekly(tuple(range(7)), 0, 1440, zone).until(moment) is None


def test_a_zone_that_is_not_there() -> None:
    """A host that lost its zones says so, before anything runs."""
    with pytest.raises(ConfigError, match="no time zone 'Europe/Nowhere'"):
        Weekly((SUNDAY,), 120, 240, "Europe/Nowhere")


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.sampled_from(list(CHANGES)), st.integers(0, 366 * 1440))
def test_when_clocks_show_a_moment(zone: str, minutes: int) -> None:
    """What is shown is shown at one of the moments at which clocks show it; and what they never show has none."""
    moment = utc("2026-01-01T00:00") + minutes * MINUTE_S
    shown = datetime.fromtimestamp(moment, ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    assert moment in moments(shown, ZoneInfo(zone))
    assert len(moments(shown, ZoneInfo(zone))) in (1, 2)


def test_clocks_skip_and_repeat() -> None:
    """2:30 in Paris: never when summer time begins, twice when it ends."""
    paris = ZoneInfo(PARIS)
    assert moments(datetime.fromisoformat("2026-03-29T02:30"), paris) == []
    assert moments(datetime.fromisoformat("2026-10-25T02:30"), paris) == [
        utc("2026-10-25T00:30"),
        utc("2026-10-25T01:30"),
    ]
    assert moments(datetime.fromisoformat("2026-10-26T02:30"), None)
