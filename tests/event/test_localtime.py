"""Local times without a zone: which moment is meant, also when the clocks change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.event.localtime import LocalTimes, read_moment, read_zone
from tests.zones import zone_of_host

BERLIN = ZoneInfo("Europe/Berlin")
CALCUTTA = ZoneInfo("Asia/Kolkata")


def utc(moment: float) -> str:
    """A moment in Greenwich, to the minute."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        (UTC, "2025-11-23 20:01", "2025-11-23 20:01"),
        (BERLIN, "2025-11-23 20:01", "2025-11-23 19:01"),
        (BERLIN, "2025-07-01 20:01", "2025-07-01 18:01"),
        (CALCUTTA, "2025-07-01 20:01", "2025-07-01 14:31"),
        (BERLIN, "2025-03-30 01:59", "2025-03-30 00:59"),
        (BERLIN, "2025-03-30 03:00", "2025-03-30 01:00"),
    ],
)
def test_a_time_in_a_zone(zone: tzinfo, local: str, expected: str) -> None:
    """The zone's offset at that time is the one that counts."""
    assert utc(LocalTimes(zone).moment(local, 0)) == expected


@pytest.mark.parametrize(
    ("locals_", "expected"),
    [
        (["02:59:59.9", "02:00:00.1", "02:10"], ["00:59", "01:00", "01:10"]),
        (["01:00", "02:30", "02:30:01", "02:29:59"], ["23:00", "00:30", "00:30", "01:29"]),
        (["02:30", "02:29:59.5", "02:30"], ["00:30", "00:29", "00:30"]),
        (["02:30", "03:00", "02:59"], ["00:30", "02:00", "01:59"]),
        (["02:59", "02:58", "02:59", "03:01", "04:00"], ["00:59", "01:58", "01:59", "02:01", "03:00"]),
    ],
)
def test_the_hour_that_comes_twice(locals_: list[str], expected: list[str]) -> None:
    """It is the first pass until a time lies before the one above it, by more than a clock is set back otherwise."""
    times = LocalTimes(BERLIN)
    moments = []
    for local in locals_:
        hour, minute, *seconds = local.split(":")
        moments.append(times.moment(f"2025-10-26 {hour}:{minute}", float(seconds[0]) if seconds else 0))
    assert [utc(moment)[-5:] for moment in moments] == expected


def test_every_second_of_a_day_that_is_longer() -> None:
    """Line after line through the longest night of the year, no moment is mistaken for another."""
    times = LocalTimes(BERLIN)
    start = datetime(2025, 10, 25, 22, 0, tzinfo=UTC).timestamp()
    for moment in range(int(start), int(start) + 6 * 3600, 7):
        local = datetime.fromtimestamp(moment, BERLIN)
        assert times.moment(local.strftime("%Y-%m-%d %H:%M"), local.second) == moment


@pytest.fixture
def in_lisbon() -> Iterator[None]:
    """A host in another zone."""
    with zone_of_host("Europe/Lisbon"):
        yield


@pytest.mark.usefixtures("in_lisbon")
def test_the_host_s_zone() -> None:
    """Without a zone, the host's is meant, with its summer time."""
    assert utc(LocalTimes().moment("2025-07-01 12:00", 0)) == "2025-07-01 11:00"
    assert utc(LocalTimes().moment("2025-12-01 12:00", 0)) == "2025-12-01 12:00"
    times = LocalTimes()
    assert [utc(times.moment(f"2025-10-26 01:{minute}", 0))[-5:] for minute in (50, 10)] == ["00:50", "01:10"]


@pytest.mark.parametrize(
    "minute",
    [
        "2025-02-30 10:00",
        "2025-01-01 25:00",
        "0000-01-01 00:00",
        "0001-01-01 00:00",
        "1969-12-31 23:59",
        "9999-12-31 00:00",
    ],
)
def test_a_time_that_there_is_not(minute: str) -> None:
    """A day or an hour that no calendar has is told apart from all others."""
    with pytest.raises(ValueError, match=r".+"):
        LocalTimes(UTC).moment(minute, 0)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("UTC", UTC),
        ("utc", UTC),
        ("+02:00", timezone(timedelta(hours=2))),
        ("-0530", timezone(-timedelta(hours=5, minutes=30))),
        ("Europe/Berlin", BERLIN),
    ],
)
def test_names_of_zones(name: str, zone: tzinfo) -> None:
    """A zone is named as the system names it, as UTC, or by its distance from that."""
    assert read_zone(name) == zone


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "+25:99", "/etc/passwd", "../UTC", "Europe"])
def test_a_zone_that_there_is_not(name: str) -> None:
    """The error names the zone, and the ways to write one."""
    with pytest.raises(ConfigError, match=r"there is no time zone .* here: write it as UTC"):
        read_zone(name)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1764000000", 1764000000.0),
        ("1764000000.25", 1764000000.25),
        ("2025-11-24T16:00:00Z", 1764000000.0),
        ("2025-11-24T17:00:00+01:00", 1764000000.0),
        ("2025-11-24T17:00", 1764000000.0),
        ("2025-11-24 17:00:00.5", 1764000000.5),
    ],
)
def test_moments_as_people_write_them(text: str, moment: float) -> None:
    """Seconds since 1970 or ISO 8601; in the zone that is given, if the text has none."""
    assert read_moment(text, BERLIN) == moment


@pytest.mark.parametrize(
    ("text", "hint"),
    [("1764000000000", "not milliseconds"), ("9" * 30, "up to the year 9999"), ("1969-12-31", "up to")],
)
def test_a_moment_that_is_out_of_range(text: str, hint: str) -> None:
    """What lies before 1970 or after the year 9999 is no moment; milliseconds are told as such."""
    with pytest.raises(ConfigError, match=rf"is no moment: seconds since 1970 belong here, {hint}"):
        read_moment(text, UTC)


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "2025-13-01"])
def test_a_text_that_is_no_moment(text: str) -> None:
    """The error names the text, and the ways to write a moment."""
    with pytest.raises(ConfigError, match="is no moment: write seconds since 1970, or 2025-11-23T20:01"):
        read_moment(text)
