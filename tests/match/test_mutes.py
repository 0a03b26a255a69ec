"""Which alerts are not sent for the time being, and what becomes of them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.match.engine import Engine, open_alerts
from tests.match.harness import NOW, engine
from tests.match.playing import Said, alerts, at, exited, own, play, running, said

# The beginning, NOW, is 2025-11-24T16:00:00Z, a Monday.


def moment(seconds: float) -> str:
    """A moment so long after the beginning, as the language writes it."""
    return datetime.fromtimestamp(NOW + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def muted(start: float, end: float, condition: str = "", reason: str = "backup") -> str:
    """A mute between two moments."""
    return f"mute {condition} from {moment(start)} to {moment(end)} UTC because '{reason}' "


PLAIN = "on PROCESS_STATE_EXITED alert '{process}' "
UNTIL = f"{PLAIN} until PROCESS_STATE_RUNNING "
BACKUP = "muted: backup"


def test_within_its_time_a_mute_holds_alerts_back() -> None:
    """From its first moment to before its last one, alerts are recorded with the reason; then they are sent again."""
    events = [at(seconds, exited(str(seconds))) for seconds in (9, 10, 19.5, 20)]
    assert play(muted(10, 20) + PLAIN, *events) == [
        (9, "firing", "site:9"),
        (10, BACKUP, "site:10"),
        (19.5, BACKUP, "site:19.5"),
        (20, "firing", "site:20"),
    ]


WEEKLY = {
    "every day 16:00-17:00 UTC": True,
    "every Mon 16:00-16:01 UTC": True,
    "every Mon 15:59-16:00 UTC": False,
    "every Tue-Sun 16:00-17:00 UTC": False,
    "every Sat, Fri-Mon 16:00-17:00 UTC": True,
    "every Sun 22:00-16:01 UTC": True,
    "every Mon 22:00-16:01 UTC": False,
    "every Mon 17:00-18:00 Europe/Paris": True,
    "every Mon 16:00-17:00 Europe/Paris": False,
    "every Tue 01:00-02:00 Asia/Tokyo": True,
    "every Mon 00:00-24:00 UTC": True,
    "every Mon 22:00-00:00 UTC": False,
    "every Mon UTC": True,
    "every Sat, Sun": False,
    "": True,
}


@pytest.mark.parametrize("window", WEEKLY)
def test_every_week(window: str) -> None:
    """Days and hours are those of the zone; without a window a mute always holds."""
    ((_, became, _),) = play(f"mute {window} because 'backup' {PLAIN}", at(0, exited()))
    assert became == (BACKUP if WEEKLY[window] else "firing")


CONDITIONS = {
    "groupname == 'site'": True,
    "groupname == 'other'": False,
    "severity < critical": True,
    "severity >= critical": False,
    "rule == 'one'": True,
    "rule == 'two'": False,
    "data == 'x'": False,
    "not data == 'x'": False,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_which_alerts_are_muted(condition: str) -> None:
    """A mute is about those alerts of which its condition is true; what is unknown is not."""
    ((_, became, _),) = play(f"mute {condition} because 'backup' rule one {PLAIN}", exited())
    assert became == (BACKUP if CONDITIONS[condition] else "firing")


def test_the_first_mute_is_the_reason() -> None:
    """Several mutes of one alert: it is recorded once, with the reason of the first."""
    rules = f"mute because 'one' mute because 'two' {PLAIN}"
    assert play(rules, exited()) == [(0, "muted: one", "site:web")]


def test_actions_go_on() -> None:
    """A mute silences alerts, also those with channels of their own; what is to be done is done."""
    rules = "mute because 'backup' on PROCESS_STATE_EXITED alert 'x' to a run ['y'] restart"
    made = alerts(engine(rules).feed(exited()))
    assert [(one.kind, one.held) for one in made] == [("alert", BACKUP), ("run", None), ("restart", None)]


def test_an_open_alert_is_sent_when_the_mute_ends() -> None:
    """What a mute hid and is still open is told once, at the mute's end, and then goes on as any other."""
    events = [at(12, exited()), at(15, exited()), at(90, exited()), at(100, running())]
    found = play(muted(10, 72) + UNTIL + "remind every 40s", *events, until=1000)
    assert [(when, how.split(" since")[0], text) for when, how, text in found] == [
        (12, BACKUP, "site:web"),
        (15, BACKUP, "site:web"),
        (52, BACKUP, "site:web"),
        (72, "firing", "site:web (open for 1m)"),
        (90, "already open", "site:web"),
        (92, "reminder", "site:web"),
        (100, "recovery", "resolved after 1m28s: site:web"),
    ]


def test_what_has_closed_meanwhile_is_not_sent() -> None:
    """Neither is a recovery of what was never sent, even if it closes at the very end of the mute."""
    assert play(muted(10, 20) + UNTIL, at(12, exited()), at(15, running()), until=100) == [(12, BACKUP, "site:web")]
    closing = play(muted(10, 20) + UNTIL + "for 5s", at(12, exited()), at(15, running()), until=100)
    assert closing == [(12, BACKUP, "site:web")]


def test_a_recovery_of_what_was_sent_is_sent() -> None:
    """Whoever was told that something is wrong is told that it is well again, whatever is muted then."""
    found = play(muted(10, 50) + UNTIL + "remind every 15s", at(5, exited()), at(40, running()), until=100)
    assert found == [
        (5, "firing", "site:web"),
        (20, BACKUP, "site:web"),
        (35, BACKUP, "site:web"),
        (40, "recovery", "resolved after 35s: site:web"),
    ]


def test_one_mute_after_another() -> None:
    """Where a mute ends while another one holds, the alert stays hidden until that has ended too."""
    rules = muted(10, 20) + muted(15, 40, "severity < critical", "test") + UNTIL
    assert play(rules, at(12, exited()), until=100) == [
        (12, BACKUP, "site:web"),
        (40, "firing", "site:web (open for 28s)"),
    ]


def test_the_next_firing_after_a_mute_is_told_by_itself() -> None:
    """A mute that ends by the event's own condition is asked again with each firing."""
    rules = f"mute pid == 7 because 'backup' {UNTIL}"
    other = at(5, exited())
    other.fields["pid"] = 8
    found = play(rules, at(1, exited()), other, at(9, running()), until=100)
    assert found == [
        (1, BACKUP, "site:web"),
        (5, "firing", "site:web"),
        (9, "recovery", "resolved after 4s: site:web"),
    ]


def test_a_limit_does_not_count_what_is_muted() -> None:
    """What is muted takes no place of `at most`; when it is told, the limit decides about it."""
    rules = muted(10, 20) + UNTIL + "at most 1 per 1h"
    assert play(rules, at(12, exited("a")), at(13, exited("b")), until=100) == [
        (12, BACKUP, "site:a"),
        (13, BACKUP, "site:b"),
        (20, "firing", "site:a (open for 8s)"),
        (20, "at most 1 per 1h", "site:b"),
    ]


def test_elapsed_goes_on_while_an_alert_is_hidden() -> None:
    """What the pattern gives as `elapsed` is what has passed when the alert is told."""
    rules = muted(0, 60) + "on PROCESS_STATE_EXITED for 10s alert 'down for {elapsed}' until PROCESS_STATE_RUNNING"
    assert play(rules, at(0, exited()), until=100)[-1] == (60, "firing", "down for 1m (open for 50s)")


def test_what_is_hidden_goes_where_it_would_when_it_is_told() -> None:
    """Nobody was told before: where an alert goes that was muted is decided by the routes that hold then."""
    before, after = (engine(f"route to {name} {muted(10, 60)} {UNTIL}") for name in ("a", "b"))
    before.feed(at(12, exited()))
    after.adopt(before.dump())
    made = alerts(after.advance(NOW + 60) + after.feed(at(70, running())))
    assert [(one.phase, one.deliveries[0].channel) for one in made] == [("firing", "b"), ("recovery", "b")]


# reloads, restarts, clocks that are set


def reloaded(before: Engine, rules: str) -> Engine:
    """An engine with other rules that knows what the first one knew."""
    after = engine(rules)
    after.adopt(json.loads(json.dumps(before.dump())))
    return after


AFTER_A_RELOAD = {
    "the same mute": (muted(10, 60), [(60, "firing", "site:web (open for 48s)")]),
    "it is gone": ("", [(30, "firing", "site:web (open for 18s)")]),
    "it ends earlier": (muted(10, 20), [(30, "firing", "site:web (open for 18s)")]),
    "it ends later": (muted(10, 80), [(80, "firing", "site:web (open for 1m8s)")]),
    "it has another reason": (muted(10, 60, "", "test"), [(60, "firing", "site:web (open for 48s)")]),
    "it is about something else": (muted(10, 60, "rule == 'a'"), [(30, "firing", "site:web (open for 18s)")]),
    "it never ends": ("mute because 'backup' ", []),
}


@pytest.mark.parametrize("name", AFTER_A_RELOAD)
@pytest.mark.parametrize("first", [muted(10, 60), "mute because 'backup' "], ids=["once", "always"])
def test_what_is_hidden_survives_a_reload(name: str, first: str) -> None:
    """An alert that a mute hid is looked at again with new rules, and told when none of them hides it."""
    mutes, expected = AFTER_A_RELOAD[name]
    before = engine(first + UNTIL)
    before.feed(at(12, exited()))
    after = reloaded(before, mutes + UNTIL)
    assert play(after, at(30, own("RULES_RELOADED", kept=1, anew=0, closed=0)), until=100) == expected


def test_what_is_hidden_survives_a_restart() -> None:
    """After a start it is looked at as well, once what supervisord has kept has come."""
    before = engine(muted(10, 60) + UNTIL)
    before.feed(at(12, exited()))
    started = own("STARTED", down_ms=5000)
    assert play(reloaded(before, UNTIL), at(30, started), until=100) == [(33, "firing", "site:web (open for 21s)")]
    assert play(reloaded(before, UNTIL), at(30, started), at(31, running()), until=100) == []
    same = muted(10, 60) + UNTIL
    assert play(reloaded(before, same), at(30, started), until=100) == [(60, "firing", "site:web (open for 48s)")]
    late = play(reloaded(before, same), at(100, own("STARTED", down_ms=80_000)), until=200)
    assert late == [(103, "firing", "site:web (open for 1m31s)")]


def test_a_clock_that_is_set_moves_the_end_of_a_mute() -> None:
    """Mutes end by what clocks show: later if the clock was set back, and at once if it was set beyond the end."""
    text = muted(-30, 60) + UNTIL
    back = [at(12, exited()), at(0, own("CLOCK_CHANGED", by_ms=-20_000)), at(5, own("RULES_REJECTED"))]
    assert play(text, *back, until=100) == [(12, BACKUP, "site:web"), (60, "firing", "site:web (open for 48s)")]
    forward = [at(12, exited()), at(92, own("CLOCK_CHANGED", by_ms=70_000))]
    assert play(text, *forward, until=93)[1:] == [(92, "firing", "site:web (open for 1m20s)")]
    a_little = [at(12, exited()), at(42, own("CLOCK_CHANGED", by_ms=20_000))]
    assert play(text, *a_little, until=100)[1:] == [(60, "firing", "site:web (open for 48s)")]
    unsaid = [at(12, exited()), at(2, own("RULES_REJECTED"))]
    assert play(text, *unsaid, until=100)[1:] == [(60, "firing", "site:web (open for 48s)")]


def test_what_is_open_says_why_it_is_hidden() -> None:
    """For people: an open alert that was not told has the reason."""
    rules = engine(muted(10, 60) + UNTIL)
    rules.feed(at(5, exited("a")))
    rules.feed(at(12, exited("b")))
    assert [(one.key, one.sent, one.muted) for one in open_alerts(rules.dump())] == [
        ("site:a", True, None),
        ("site:b", False, BACKUP),
    ]
    rules.advance(NOW + 61)
    assert [(one.key, one.sent, one.muted) for one in open_alerts(rules.dump())][1] == ("site:b", True, None)


def test_what_is_hidden_keeps_its_name() -> None:
    """An alert that is told late is the incident that was recorded when it was muted, and its recovery too."""
    rules = engine(muted(10, 60) + UNTIL)
    firings = [one for event in (at(12, exited()), at(70, running())) for one in rules.feed(event)]
    made = alerts(firings)
    assert [one.phase for one in made] == ["firing", "firing", "recovery"]
    assert len({one.incident for one in made}) == 1
    assert {one.opened for one in made} == {NOW + 12}
    assert len({delivery.id for one in made for delivery in one.deliveries}) == 3


SECONDS = st.integers(0, 60)
EVENTS = st.lists(st.tuples(SECONDS, st.sampled_from("ab"), st.booleans()), max_size=12).map(sorted)
WINDOWS = st.lists(st.tuples(SECONDS, st.integers(1, 30)), max_size=3)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(EVENTS, WINDOWS, st.lists(SECONDS, max_size=3))
def test_a_mute_delays_alerts_and_loses_none(
    happened: list[tuple[int, str, bool]], windows: list[tuple[int, int]], looks: list[int]
) -> None:
    """Beside a model: each incident is told at the first moment at which it is open and not muted, or never.

    Reloads at any moment, and how often time is looked at, change nothing.
    """
    text = "".join(muted(start, start + length) for start, length in windows) + UNTIL
    rules, found = engine(text), list[Said]()
    occurrences = sorted(
        [*((time, 0, key, up) for time, key, up in happened), *((time, 1, "", False) for time in looks)]
    )
    for time, is_look, key, up in occurrences:
        if is_look:
            found += said(alerts(rules.advance(NOW + time)))
            rules = reloaded(rules, text)
        else:
            found += play(rules, at(time, (running if up else exited)(key)))
    found += play(rules, until=200)
    told = [(when, text[5]) for when, how, text in found if how == "firing"]
    assert told == sorted(_told(happened, windows))


def _told(happened: list[tuple[int, str, bool]], windows: list[tuple[int, int]]) -> list[tuple[float, str]]:
    """When each incident is told: second by second."""
    told = list[tuple[float, str]]()
    for key in "ab":
        down, is_told = False, False
        for second in range(200):
            if down and not is_told and not _is_muted(second, windows):
                told.append((second, key))
                is_told = True
            for _, _, up in [one for one in happened if one[:2] == (second, key)]:
                down = not up
                is_told = is_told and down
                if down and not is_told and not _is_muted(second, windows):
                    told.append((second, key))
                    is_told = True
    return told


def _is_muted(second: int, windows: list[tuple[int, int]]) -> bool:
    return any(start <= second < start + length for start, length in windows)
