"""Patterns over time: what each kind counts, waits for and forgets."""

import pytest

from rules_listener.event.event import Event
from tests.match.harness import NOW, engine, log, state
from tests.match.playing import Said, at, backoff, beat, exited, own, play, running

STOPPED = state("STOPPED", from_state="STOPPING", pid=7)
REMOVED = Event("PROCESS_GROUP_REMOVED", NOW, {"groupname": "site"})


def times(*moments: float, event: Event | None = None) -> list[Event]:
    """An exit, or another event, at each of some moments."""
    return [at(moment, event or exited()) for moment in moments]


def fired(*moments: float, text: str = "x") -> list[Said]:
    """The rule fired at each of some moments."""
    return [(moment, "firing", text) for moment in moments]


COUNTS: dict[str, tuple[list[float], list[float]]] = {
    "3 times in 10s": ([0, 1, 2], [2]),
    "3 times in 10s, again": ([0, 1, 2, 3, 4], [2]),
    "3 times in 10s: an event of ten seconds ago is out": ([0, 5, 10], []),
    "3 times in 10s: just within": ([0, 5, 9.999], [9.999]),
    "3 times in 10s: armed again once two are left": ([0, 1, 2, 11.5, 11.9, 11.95], [2, 11.9]),
    "3 times in 10s: never below three": ([0, 4, 8, 9.9, 13, 17, 19], [8]),
    "3 times in 10s: all at one moment": ([5, 5, 5, 5], [5]),
    "1 times in 10s": ([0, 5, 14, 24, 33], [0, 24]),
}


@pytest.mark.parametrize("name", COUNTS)
def test_times(name: str) -> None:
    """A count fires at the event that brings it to N, and again only after it has been below N."""
    moments, expected = COUNTS[name]
    pattern = name.partition(":")[0].partition(",")[0]
    assert play(f"on PROCESS_STATE_EXITED {pattern} alert 'x'", *times(*moments)) == fired(*expected)


def test_counts_are_kept_per_key() -> None:
    """Each process has its own count unless the rule says otherwise; other fields and `overall` make other keys."""
    events = [at(0, exited("a")), at(1, exited("b")), at(2, exited("a", "other")), at(3, exited("b"))]
    text = "alert '{process} {count} in {window}'"
    assert play(f"on crashed 2 times in 1m {text}", *events) == fired(3, text="site:b 2 in 1m")
    assert play(f"on crashed 2 times in 1m per processname {text}", *events) == [
        *fired(2, text="other:a 2 in 1m"),
        *fired(3, text="site:b 2 in 1m"),
    ]
    assert play(f"on crashed 3 times in 1m per groupname {text}", *events) == fired(3, text="site:b 3 in 1m")
    assert play(f"on crashed 4 times in 1m overall {text}", *events) == fired(3, text="site:b 4 in 1m")


def test_keys_of_several_fields_do_not_run_into_one_another() -> None:
    """Two fields make one key, and a comma within one of them makes no other."""
    events = [at(0, exited("a, b", "c")), at(1, exited("b", "c, a")), at(2, exited("a", "b, c"))]
    assert play("on crashed 2 times in 1m per groupname, processname alert 'x'", *events) == []


def test_what_has_no_key_is_kept_together() -> None:
    """Events that lack the key's field share one key."""
    events = [at(second, Event("TICK_5", NOW, {"when": second})) for second in (0, 5, 10)]
    assert play("on TICK_5 3 times in 1m alert 'x'", *events) == fired(10)


def test_the_first_of_those_counted() -> None:
    """A template can name the moment of the first event that was counted."""
    ((_, _, text),) = play("on crashed 2 times in 1m alert '{first_time}'", *times(0, 100, 130))
    ((_, _, expected),) = play("on crashed alert '{time}'", *times(100))
    assert text == expected


def test_a_count_over_a_day_keeps_no_more_than_its_number() -> None:
    """100,000 events in a day leave N moments behind, and nothing once the day is over."""
    rules = engine("on PROCESS_LOG 50 times in 1d alert 'x'")
    for number in range(100_000):
        rules.feed(at(number * 0.8, log("line")))
    (track,) = rules.dump()["rules"].values()
    ((_, (_, ((_, moments),)), _),) = track
    assert len(moments) == 50
    rules.advance(NOW + 4 * 86400)
    assert not any(table for ((_, (_, table), _),) in rules.dump()["rules"].values())
    assert rules.next_deadline() is None


DISTINCT: dict[str, tuple[list[tuple[float, str]], list[Said]]] = {
    "different ones": ([(0, "a"), (1, "b"), (2, "c")], [(2, "firing", "3: site:a, site:b, site:c")]),
    "one of them twice": ([(0, "a"), (1, "b"), (2, "a"), (3, "b")], []),
    "the order is that of the last time": (
        [(0, "a"), (1, "b"), (2, "a"), (3, "c")],
        [(3, "firing", "3: site:b, site:a, site:c")],
    ),
    "one is out of the window": ([(0, "a"), (1, "b"), (60, "c")], []),
    "a known one does not fire again": (
        [(0, "a"), (1, "b"), (2, "c"), (3, "a"), (4, "d")],
        [(2, "firing", "3: site:a, site:b, site:c")],
    ),
    "armed again": (
        [(0, "a"), (1, "b"), (2, "c"), (61.5, "d"), (61.6, "e")],
        [(2, "firing", "3: site:a, site:b, site:c"), (61.6, "firing", "3: site:c, site:d, site:e")],
    ),
}


@pytest.mark.parametrize("name", DISTINCT)
def test_distinct(name: str) -> None:
    """A count of different values fires at the event that brings it to N; the values are named."""
    events, expected = DISTINCT[name]
    rule = "on crashed 3 distinct process in 1m overall alert '{count}: {values}'"
    assert play(rule, *(at(moment, exited(process)) for moment, process in events)) == expected


def test_a_value_that_is_missing_is_not_counted() -> None:
    """An event that lacks the field counts nothing."""
    events = [at(0, running()), at(1, exited()), at(2, state("FATAL", from_state="BACKOFF"))]
    assert play("on PROCESS_STATE 2 distinct pid in 1m alert 'x'", *events) == []


FOR: dict[str, tuple[list[tuple[float, Event]], list[float]]] = {
    "it stays": ([(0, STOPPED)], [600]),
    "it is started again": ([(0, STOPPED), (599, state("STARTING", tries=0))], []),
    "it is started at that very moment": ([(0, STOPPED), (600, state("STARTING", tries=0))], [600]),
    "another process is started": ([(0, STOPPED), (10, running("db"))], [600]),
    "a process of that name in another group is started": ([(0, STOPPED), (10, running("web", "other"))], [600]),
    "stopped anew": ([(0, STOPPED), (10, STOPPED), (20, STOPPED)], [620]),
    "its log goes on": ([(0, STOPPED), (10, log("x")), (11, beat())], [600]),
    "its group is removed": ([(0, STOPPED), (10, REMOVED)], []),
    "another group is removed": ([(0, STOPPED), (10, Event("PROCESS_GROUP_REMOVED", NOW, {"groupname": "x"}))], [600]),
}


@pytest.mark.parametrize("name", FOR)
def test_for(name: str) -> None:
    """A state fires once it has lasted, if the process did not leave it and its group is still there."""
    events, expected = FOR[name]
    rule = "on PROCESS_STATE_STOPPED for 10m alert '{process} {elapsed}'"
    found = play(rule, *(at(moment, event) for moment, event in events), until=10_000)
    assert found == fired(*expected, text="site:web 10m")


THEN: dict[str, tuple[list[tuple[float, Event]], list[float]]] = {
    "in time": ([(0, backoff()), (59, exited())], [59]),
    "too late": ([(0, backoff()), (60, exited())], []),
    "after the last one": ([(0, backoff()), (30, backoff()), (80, exited())], [80]),
    "disarmed": ([(0, backoff()), (1, exited()), (2, exited())], [1]),
    "armed again": ([(0, backoff()), (1, exited()), (2, backoff()), (3, exited())], [1, 3]),
    "of another process": ([(0, backoff()), (1, exited("db"))], []),
    "in the other order": ([(0, exited()), (1, backoff())], []),
}


@pytest.mark.parametrize("name", THEN)
def test_then(name: str) -> None:
    """The second event fires if it comes in time after the latest first one; what it says is about the second."""
    events, expected = THEN[name]
    rule = "on PROCESS_STATE_BACKOFF then PROCESS_STATE_EXITED within 1m alert '{eventname}'"
    assert play(rule, *(at(moment, event) for moment, event in events)) == fired(*expected, text="PROCESS_STATE_EXITED")


def test_an_event_that_is_both_first_and_second() -> None:
    """What comes again within the time is a second, and a first for the next."""
    rule = "on PROCESS_STATE_EXITED then PROCESS_STATE_EXITED within 10s alert 'x'"
    assert play(rule, *times(0, 5, 9, 30, 39)) == fired(5, 9, 39)


WITHOUT: dict[str, tuple[list[tuple[float, Event]], list[Said]]] = {
    "nothing comes": ([(0, exited())], [(30, "firing", "30s 1")]),
    "it comes": ([(0, exited()), (29.9, running())], []),
    "it comes at that very moment": ([(0, exited()), (30, running())], [(30, "firing", "30s 1")]),
    "more of them do not move the deadline": (
        [(0, exited()), (10, backoff()), (20, backoff()), (29, backoff())],
        [(30, "firing", "30s 4")],
    ),
    "it comes for another process": ([(0, exited()), (1, running("db"))], [(30, "firing", "30s 1")]),
    "it comes, and then it happens again": ([(0, exited()), (1, running()), (5, exited())], [(35, "firing", "30s 1")]),
    "again after it has fired": (
        [(0, exited()), (40, backoff())],
        [(30, "firing", "30s 1"), (70, "firing", "30s 1")],
    ),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_without(name: str) -> None:
    """What did not come back in time fires at the deadline, which the first event has set."""
    events, expected = WITHOUT[name]
    rule = "on crashed without PROCESS_STATE_RUNNING within 30s alert '{elapsed} {count}'"
    assert play(rule, *(at(moment, event) for moment, event in events), until=1000) == expected


OK = Event("REMOTE_COMMUNICATION", NOW, {"type": "backup-ok"}, "")
NO: dict[str, tuple[list[tuple[float, Event]], list[Said]]] = {
    "never": ([(0, beat())], [(100, "firing", "1m40s")]),
    "once": ([(0, beat()), (60, OK)], [(160, "firing", "1m40s")]),
    "regularly": ([(0, OK), (99, OK), (198, OK), (290, OK)], [(390, "firing", "1m40s")]),
    "late": ([(0, OK), (150, OK)], [(100, "firing", "1m40s"), (250, "firing", "1m40s")]),
    "another one": (
        [(0, OK), (50, Event("REMOTE_COMMUNICATION", NOW, {"type": "x"}, ""))],
        [(100, "firing", "1m40s")],
    ),
    "after a restart": ([(0, OK), (90, own("STARTED"))], [(190, "firing", "3m10s")]),
    "after it has fired and a restart": (
        [(0, OK), (150, own("STARTED", down_ms=20_000))],
        [(100, "firing", "1m40s"), (250, "firing", "4m10s")],
    ),
    "overdue while nobody listened": ([(0, OK), (150, own("STARTED", down_ms=60_000))], [(250, "firing", "4m10s")]),
    "nobody knows since when nobody listened": ([(0, OK), (150, own("STARTED"))], [(250, "firing", "4m10s")]),
}


@pytest.mark.parametrize("name", NO)
def test_no(name: str) -> None:
    """What does not come fires once, D after the last one, the beginning or a restart."""
    events, expected = NO[name]
    rule = "on no REMOTE_COMMUNICATION where type == 'backup-ok' for 100s alert '{elapsed}'"
    assert play(rule, *(at(moment, event) for moment, event in events), until=1000) == expected


def test_no_per_key_begins_with_the_first() -> None:
    """A heartbeat is missed only of those who had one, each for itself."""
    rule = "on no PROCESS_COMMUNICATION for 10s per process alert '{process} {elapsed}'"
    events = [at(0, exited("c")), at(1, beat(process="a")), at(2, beat(process="b")), at(9, beat(process="a"))]
    assert play(rule, *events, until=100) == [(12, "firing", "site:b 10s"), (19, "firing", "site:a 10s")]


# time


def test_deadlines_fire_at_their_own_moments() -> None:
    """However late it is seen that the time is over: each firing has its own moment, in their order."""
    rules = "on crashed without started within 30s alert '{process}' on crashed for 20s alert 'b {process}'"
    events = [at(0, exited("z")), at(1, exited("a")), at(500, beat())]
    assert play(rules, *events) == [
        (20, "firing", "b site:z"),
        (21, "firing", "b site:a"),
        (30, "firing", "site:z"),
        (31, "firing", "site:a"),
    ]


def test_deadlines_of_one_moment_come_in_the_order_of_rules_and_keys() -> None:
    """What is due at the same time has one order, whatever came first."""
    rules = "on crashed without started within 30s alert '1 {process}' on crashed for 30s alert '2 {process}'"
    events = [at(0, exited(name)) for name in "bac"]
    assert [text for *_, text in play(rules, *events, until=60)] == [
        *("1 site:a", "1 site:b", "1 site:c"),
        *("2 site:a", "2 site:b", "2 site:c"),
    ]


def test_the_next_deadline() -> None:
    """The engine says until when nothing can happen by itself."""
    rules = engine("on crashed without started within 30s alert 'x'")
    assert rules.next_deadline() is None
    rules.feed(at(0, exited()))
    assert rules.next_deadline() == NOW + 30
    rules.feed(at(5, running()))
    assert rules.next_deadline() is None


CLOCKS = {
    "forward": [at(0, exited()), at(3610, own("CLOCK_CHANGED", by_ms=3600_000)), at(3620, beat())],
    "back": [at(0, exited()), at(-3590, own("CLOCK_CHANGED", by_ms=-3600_000)), at(-3580, beat())],
    "back, and nobody says so": [at(0, exited()), at(10, beat()), at(-3590, beat()), at(-3580, beat())],
}


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_that_is_changed_does_no_harm(name: str) -> None:
    """Ten seconds after a clock was changed, ten seconds have passed; what is shown is what the clock shows."""
    events = CLOCKS[name]
    ahead = 3600 if name == "forward" else -3600
    rules = engine("on crashed without started within 30s alert '{elapsed}'")
    assert play(rules, *events) == []
    deadline = rules.next_deadline()
    assert deadline is not None
    assert round(deadline - NOW, 3) == 30 + ahead
    ((moment, _, text),) = play(rules, until=ahead + 31)
    assert (moment, text) == (30 + ahead, "30s")


def test_small_steps_back_are_no_change() -> None:
    """Events that come within a second of one another in the wrong order are taken as one moment."""
    assert play("on crashed 3 times in 10s alert 'x'", *times(0, 9.5, 9.2)) == fired(9.5)


def test_time_that_is_over_is_no_step_back() -> None:
    """To let time pass up to a moment that is over does nothing."""
    rules = engine("on crashed without started within 30s alert 'x'")
    rules.feed(at(100, exited()))
    assert rules.advance(NOW) == []
    assert rules.next_deadline() == NOW + 130


def test_after_a_restart_what_is_overdue_waits_for_kept_events() -> None:
    """The events that supervisord has kept come first: they say whether the process came back."""
    rule = "on crashed without started within 30s alert 'x'"
    assert play(rule, at(0, exited()), at(100, own("STARTED")), at(102.2, running()), until=200) == []
    assert play(rule, at(0, exited()), at(100, own("STARTED")), until=200) == fired(103)
    assert play(rule, at(0, exited()), at(10, own("STARTED")), until=200) == fired(30)


def test_while_supervisord_stops_nothing_is_news() -> None:
    """A deadline of a process that comes then is held back, with the reason."""
    stopping = Event("SUPERVISOR_STATE_CHANGE_STOPPING", NOW, {})
    rule = "on crashed without started within 30s alert 'x'"
    assert play(rule, at(0, exited()), at(10, stopping), until=60) == [(30, "supervisord is stopping", "x")]


def test_idle_keys_are_dropped() -> None:
    """Ten thousand processes that were heard of once leave nothing behind, with any pattern."""
    rules = engine(
        """
        on crashed 3 times in 1m alert 'x'
        on crashed 3 distinct pid in 1m alert 'x'
        on crashed then PROCESS_STATE_FATAL within 1m alert 'x'
        on crashed without started within 1m alert 'x'
        on crashed for 1m alert 'x'
        on no crashed for 1m per process alert 'x'
        """
    )
    for number in range(10_000):
        rules.feed(at(number * 0.001, exited(f"p{number}")))
    rules.feed(at(1000, beat()))
    remembered = [track for found in rules.dump()["rules"].values() for _, track, _ in found]
    assert remembered == [[None, []]] * 3 + [[]] * 3
