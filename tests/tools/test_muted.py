"""Which mutes hold at a moment, as `status` shows them."""

from datetime import UTC, datetime

from rules_listener.match.program import MuteData
from rules_listener.tools.muted import Muted, muted_at

SUNDAY = datetime(2026, 11, 29, 2, 30, tzinfo=UTC).timestamp()
HOUR_S = 3600.0

MUTES = (
    MuteData("a:1", "", "always"),
    MuteData("a:2", "", "hours", weekly=((6,), 120, 240, "UTC")),
    MuteData("a:3", "", "other hours", weekly=((6,), 120, 150, "UTC")),
    MuteData("a:4", "", "the weekend", weekly=((5, 6), 0, 1440, "UTC")),
    MuteData("a:5", "", "every day", weekly=(tuple(range(7)), 0, 1440, "UTC")),
    MuteData("a:6", "", "once", stretch=(SUNDAY - 1, SUNDAY + 60)),
    MuteData("a:7", "", "over", stretch=(SUNDAY - 2, SUNDAY)),
)


def test_the_mutes_that_hold() -> None:
    """Each mute that holds has its reason, and its end if there is one in sight."""
    assert muted_at(MUTES, SUNDAY) == [
        Muted("a:1", "always", None),
        Muted("a:2", "hours", SUNDAY + 1.5 * HOUR_S),
        Muted("a:4", "the weekend", SUNDAY + 21.5 * HOUR_S),
        Muted("a:5", "every day", None),
        Muted("a:6", "once", SUNDAY + 60),
    ]
