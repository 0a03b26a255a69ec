"""The clauses of alerts: what stays open, what is said again, what is held back."""

import json

import pytest

from rules_listener.event.event import Event
from tests.match.harness import NOW, engine, state
from tests.match.playing import Said, alerts, at, backoff, beat, exited, own, play, running, said

STOPPING = Event("SUPERVISOR_STATE_CHANGE_STOPPING", NOW, {})
OPEN_SINCE = "already open since "


def plain(found: list[Said]) -> list[Said]:
    """The same, without the moment since which an alert is open: it depends on the zone."""
    return [(moment, "open" if held.startswith(OPEN_SINCE) else held, text) for moment, held, text in found]


UNTIL = "on PROCESS_STATE_EXITED alert '{process}' until PROCESS_STATE_RUNNING"
UNTILS: dict[str, tuple[list[tuple[float, Event]], list[Said]]] = {
    "a recovery": (
        [(0, exited()), (90, running())],
        [(0, "firing", "site:web"), (90, "recovery", "resolved after 1m30s: site:web")],
    ),
    "nothing is open": ([(0, running()), (1, running())], []),
    "one recovery": (
        [(0, exited()), (1, running()), (2, running())],
        [(0, "firing", "site:web"), (1, "recovery", "resolved after 1s: site:web")],
    ),
    "while it is open, more are held back": (
        [(0, exited()), (1, exited()), (2, running()), (3, exited())],
        [
            (0, "firing", "site:web"),
            (1, "open", "site:web"),
            (2, "recovery", "resolved after 2s: site:web"),
            (3, "firing", "site:web"),
        ],
    ),
    "each key for itself": (
        [(0, exited("a")), (1, exited("b")), (2, running("a"))],
        [(0, "firing", "site:a"), (1, "firing", "site:b"), (2, "recovery", "resolved after 2s: site:a")],
    ),
}


@pytest.mark.parametrize("name", UNTILS)
def test_until(name: str) -> None:
    """An alert is open until S comes for its key: one is sent, and one recovery."""
    events, expected = UNTILS[name]
    assert plain(play(UNTIL, *(at(moment, event) for moment, event in events))) == expected


UNTIL_FOR: dict[str, tuple[list[tuple[float, Event]], list[float]]] = {
    "it stays": ([(0, exited()), (10, running())], [70]),
    "it exits again": ([(0, exited()), (10, running()), (69, exited()), (80, running())], [140]),
    "it leaves the state, and nobody selects that": (
        [(0, exited()), (10, running()), (20, state("STOPPING", from_state="RUNNING", pid=7))],
        [],
    ),
    "its group is removed": (
        [(0, exited()), (10, running()), (20, Event("PROCESS_GROUP_REMOVED", NOW, {"groupname": "site"}))],
        [],
    ),
    "another process leaves the state": ([(0, exited()), (10, running()), (20, exited("db"))], [70]),
    "it says something": ([(0, exited()), (10, running()), (20, beat())], [70]),
    "a restart": ([(0, exited()), (10, running()), (75, own("STARTED"))], [78]),
}


@pytest.mark.parametrize("name", UNTIL_FOR)
def test_until_for(name: str) -> None:
    """An alert closes once S has lasted: the process did not leave that state, and nothing fired again."""
    events, expected = UNTIL_FOR[name]
    found = play(f"{UNTIL} for 1m", *(at(moment, event) for moment, event in events), until=5000)
    assert [moment for moment, phase, text in found if phase == "recovery" and text.endswith("site:web")] == expected


def test_an_open_heartbeat_closes_with_the_next_beat() -> None:
    """What `on no` waits for also closes its alert, at once or after a while of regular beats."""
    rule = "on no PROCESS_COMMUNICATION for 10s per process alert '{process}' until PROCESS_COMMUNICATION"
    beats = [at(moment, beat()) for moment in (0, 50, 55, 60)]
    assert play(rule, *beats, until=61) == [
        (10, "firing", "site:web"),
        (50, "recovery", "resolved after 40s: site:web"),
    ]
    assert play(f"{rule} for 8s", *beats, until=61)[1:] == [(58, "recovery", "resolved after 48s: site:web")]


def test_what_another_selected_event_says_against_closing() -> None:
    """With a count that has not come to N again, an event that is counted still speaks against closing."""
    rule = "on crashed 2 times in 10s alert 'x' until PROCESS_COMMUNICATION for 1m"
    events = [at(0, exited()), at(1, exited()), at(5, beat()), at(40, exited()), at(50, beat())]
    assert play(rule, *events, until=500) == [(1, "firing", "x"), (110, "recovery", "resolved after 1m49s: x")]


REMINDERS: dict[str, tuple[str, list[float]]] = {
    "every 1m": ("remind every 1m", [60, 120, 180, 240, 300]),
    "doubling": ("remind every 1m doubling to 4m", [60, 180, 420, 660, 900]),
    "doubling to what is no double": ("remind every 1m doubling to 90s", [60, 150, 240, 330, 420]),
}


@pytest.mark.parametrize("name", REMINDERS)
def test_reminders(name: str) -> None:
    """An open alert is sent again at the same distance, or one that doubles, until it closes."""
    clause, expected = REMINDERS[name]
    end = expected[-1] + 1
    found = play(f"{UNTIL} {clause}", at(0, exited()), at(end, running()), until=5000)
    assert found[1:-1] == [(moment, "reminder", "site:web") for moment in expected]
    assert found[-1][:2] == (end, "recovery")


def test_what_closes_is_not_reminded_of() -> None:
    """When an alert closes at the moment of a reminder, the recovery comes alone, also after a reload."""
    text = f"{UNTIL} for 1m remind every 2m"
    before, after = engine(text), engine(text)
    for event in (at(0, exited()), at(60, running())):
        before.feed(event)
    after.adopt(before.dump())
    for rules in (before, after):
        assert play(rules, until=500) == [(120, "recovery", "resolved after 2m: site:web")]


def test_a_reminder_says_how_long_it_is_by_now() -> None:
    """Where the pattern gives the time that has passed, a reminder has its own."""
    rule = "on crashed without started within 60s alert 'down for {elapsed}' until started remind every 60s"
    found = play(rule, at(0, exited()), at(200, running()), until=500)
    assert found == [
        (60, "firing", "down for 1m"),
        (120, "reminder", "down for 2m"),
        (180, "reminder", "down for 3m"),
        (200, "recovery", "resolved after 2m20s: down for 1m"),
    ]


def test_one_reminder_for_all_that_were_missed() -> None:
    """After a time without a listener there is one reminder, not one for each that it would have sent."""
    rule = f"{UNTIL} remind every 1m"
    assert play(rule, at(0, exited()), at(600, own("STARTED")), until=700)[1:] == [
        (603, "reminder", "site:web"),
        (663, "reminder", "site:web"),
    ]


@pytest.mark.parametrize("reload", [False, True])
def test_a_recovery_says_how_many_were_held_back_as_its_alert_did(*, reload: bool) -> None:
    """Its text is that of the alert, also where that tells what a limit held back; a reminder has its own figure."""
    text = "on PROCESS_STATE_EXITED alert '{processname} {suppressed}' until started remind every 10m at most 1 per 5m"
    events = [at(second, exited(f"p{second}")) for second in (0, 1, 2, 400, 401)]
    rules, found = engine(text), []
    found += play(rules, *events, until=1000)
    if reload:
        dumped = json.loads(json.dumps(rules.dump()))
        rules = engine(text)
        rules.adopt(dumped)
    found += play(rules, at(1001, running("p400")), at(1002, running("p401")))
    assert [one for one in found if "p400" in one[2]] == [
        (400, "firing", "p400 2"),
        (1000, "reminder", "p400 4"),
        (1001, "recovery", "resolved after 10m1s: p400 2"),
    ]


QUIET = 300 * 86400


def test_reminders_of_a_quiet_time_are_all_there() -> None:
    """In a recording that is silent for most of a year, each reminder comes that the listener would have sent."""
    found = play(f"{UNTIL} remind every 1d", at(0, exited()), at(QUIET, running()))
    assert [moment for moment, phase, _ in found if phase == "reminder"] == [day * 86400 for day in range(1, 301)]


YEARS = 55 * 366 * 86400
GAPS: dict[str, tuple[str, list[Said]]] = {
    "remind": (f"{UNTIL} remind every 1m", [(YEARS + 3, "reminder", "site:web"), (YEARS + 63, "reminder", "site:web")]),
    "for": ("on PROCESS_STATE_EXITED for 1m alert 'x'", [(YEARS + 3, "firing", "x")]),
    "without, and it comes": ("on PROCESS_STATE_EXITED without TICK within 1m overall alert 'x'", []),
    "no": ("on no PROCESS_STATE for 1m alert 'x'", [(YEARS + 60, "firing", "x")]),
    "times": ("on EVENT 2 times in 1m alert 'x'", [(YEARS + 1, "firing", "x")]),
}


@pytest.mark.parametrize("looks", [False, True])
@pytest.mark.parametrize("name", GAPS)
def test_more_than_a_year_between_two_events(name: str, *, looks: bool) -> None:
    """It counts as a time without a listener: one reminder catches up, and what is overdue waits a little."""
    rule, expected = GAPS[name]
    rules = engine(rule)
    rules.feed(at(0, exited()))
    events = [at(YEARS + second, Event("TICK_5", NOW, {"when": 0})) for second in (0, 1)]
    before = rules.let_pass(events[0]) if looks else []
    assert before == []
    assert [one for one in play(rules, *events, until=YEARS + 65) if one[0] > 0] == expected


@pytest.mark.parametrize("milliseconds", [10**17, -(10**17), 10**400, -(10**400)])
@pytest.mark.parametrize("name", ["by_ms", "down_ms"])
def test_what_no_clock_can_be_set_by(name: str, milliseconds: int) -> None:
    """Nonsense about clocks in a recording does not let time go on for ever, nor does it raise anything."""
    kind = "CLOCK_CHANGED" if name == "by_ms" else "STARTED"
    rules = engine(f"{UNTIL} remind every 1m rule f on crashed 1 times in 1m alert '{{first_time}}'")
    events = [at(0, exited()), at(1, own(kind, **{name: milliseconds})), at(70, exited()), at(140, running())]
    assert len(play(rules, *events)) < 10


def test_many_firings_of_deadlines_come_in_portions() -> None:
    """Whoever takes portions gets them as they are made, in the same order, and the rest with the event."""
    text = f"{UNTIL} remind every 1h"
    events = [at(0, exited()), at(QUIET, running())]
    portions: list[list[Said]] = []
    rules = engine(text)
    rules.take_portion = lambda firings: portions.append(said(alerts(firings)))
    rest = play(rules, *events)
    assert [len(portion) for portion in portions] == [1000] * 7
    assert [*rest[:1], *(one for portion in portions for one in portion), *rest[1:]] == play(text, *events)


def test_a_limit_holds_back_and_says_how_many() -> None:
    """Beyond N in any D, firings are held back with the limit as the reason; the next text says how many there were."""
    rule = "on PROCESS_STATE_EXITED alert '{process}' at most 2 per 1m"
    events = [at(second, exited(f"p{second}")) for second in (0, 10, 20, 30, 60, 65, 70)]
    held = "at most 2 per 1m"
    assert play(rule, *events) == [
        (0, "firing", "site:p0"),
        (10, "firing", "site:p10"),
        (20, held, "site:p20"),
        (30, held, "site:p30"),
        (60, "firing", "site:p60 (2 more held back)"),
        (65, held, "site:p65"),
        (70, "firing", "site:p70 (1 more held back)"),
    ]


def test_a_text_that_says_itself_how_many_were_held_back() -> None:
    """A template that uses {suppressed} is left as it is; without any, that is 0."""
    rule = "on PROCESS_STATE_EXITED alert '+{suppressed}' at most 1 per 1m"
    assert play(rule, *(at(second, exited()) for second in (0, 10, 20, 60))) == [
        (0, "firing", "+0"),
        (10, "at most 1 per 1m", "+0"),
        (20, "at most 1 per 1m", "+0"),
        (60, "firing", "+2"),
    ]


def test_a_page_that_was_held_back_has_no_recovery() -> None:
    """Who was not told that something is wrong is not told that it is well again; recoveries need no room."""
    rule = f"{UNTIL} at most 1 per 1h"
    events = [at(0, exited("a")), at(1, exited("b")), at(2, running("b")), at(3, running("a"))]
    assert play(rule, *events) == [
        (0, "firing", "site:a"),
        (1, "at most 1 per 1h", "site:b"),
        (3, "recovery", "resolved after 3s: site:a"),
    ]


def test_an_open_alert_that_was_not_sent_is_tried_again() -> None:
    """A firing or a reminder that the limit lets through is sent, and a recovery follows it."""
    rule = f"{UNTIL} remind every 50m at most 1 per 1h"
    events = [at(0, exited("a")), at(1, running("a")), at(2, exited("b")), at(3700, running("b"))]
    assert play(rule, *events, until=4000)[2:] == [
        (2, "at most 1 per 1h", "site:b"),
        (3002, "at most 1 per 1h", "site:b"),
    ]
    again = [*events[:3], at(3610, exited("b")), at(3700, running("b"))]
    assert play(rule, *again, until=4000)[4:] == [
        (3610, "firing", "site:b (2 more held back)"),
        (3700, "recovery", "resolved after 1m30s: site:b"),
    ]


def test_each_alert_of_a_rule_has_its_own_clauses() -> None:
    """Two alerts and a program of one rule: each goes its own way."""
    rule = "on crashed alert 'a' until started alert 'b' at most 1 per 1h run ['c', '{message}']"
    found = plain(play(rule, at(0, exited()), at(1, backoff()), at(2, running())))
    assert found == [
        *((0, "firing", "a"), (0, "firing", "b"), (0, "firing", "a")),
        *((1, "open", "a"), (1, "at most 1 per 1h", "b"), (1, "firing", "a")),
        (2, "recovery", "resolved after 2s: a"),
    ]


def test_what_is_held_back_while_supervisord_stops_opens_nothing() -> None:
    """Nothing stays open because everything stopped: the next crash is news again."""
    started = Event("SUPERVISOR_STATE_CHANGE_RUNNING", NOW, {})
    found = play(UNTIL, at(0, STOPPING), at(1, exited()), at(100, started), at(101, running()), at(110, exited()))
    assert [entry[:2] for entry in found] == [(1, "supervisord is stopping"), (110, "firing")]


def test_a_listener_that_starts_ends_the_silence() -> None:
    """Where the event that supervisord runs again was lost, the start of the listener says so."""
    found = play(UNTIL, at(0, STOPPING), at(1, exited()), at(50, own("STARTED", down_ms=40_000)), at(60, exited()))
    assert [entry[:2] for entry in found] == [(1, "supervisord is stopping"), (60, "firing")]


def test_an_incident_has_one_name() -> None:
    """The alert, its reminder and its recovery name the same incident and its beginning; the next one is another."""
    rules = engine(f"{UNTIL} remind every 1m")
    events = [at(0, exited()), at(70, running()), at(80, exited())]
    made = alerts([firing for event in events for firing in rules.feed(event)])
    assert [(one.phase, one.opened) for one in made] == [
        *((phase, NOW) for phase in ("firing", "reminder", "recovery")),
        ("firing", NOW + 80),
    ]
    first, second, third, other = (one.incident for one in made)
    assert first == second == third != other
    assert len({one.deliveries[0].id for one in made}) == 4


def test_without_clauses_there_is_no_incident() -> None:
    """An alert that does not stay open has no incident."""
    (made,) = alerts(engine("on PROCESS_STATE_EXITED alert 'x' at most 1 per 1h").feed(exited()))
    assert (made.incident, made.opened, made.phase) == (None, None, "firing")
