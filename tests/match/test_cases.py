"""What operators want to be told, each case as a rule that does it. More of them are in examples/, with rule tests."""

from rules_listener.event.event import Event
from tests.match.harness import NOW, engine, state
from tests.match.playing import Said, alerts, at, beat, exited, own, play, running


def sent(rules: str, *events: Event, until: float | None = None) -> list[Said]:
    """What is sent: all that the rules say, but for what is held back."""
    return [one for one in play(rules, *events, until=until) if one[1] in ("firing", "reminder", "recovery")]


def starting(process: str = "web", group: str = "site", *, after: str = "EXITED") -> Event:
    """A process is started."""
    return state("STARTING", process, group, from_state=after, tries=0)


# heartbeats


def heart(process: str) -> Event:
    """A heartbeat of a process."""
    return beat("heartbeat", process, process)


def test_the_short_heartbeat() -> None:
    """`on no` alone is enough where programs are never stopped: who beat once and falls silent is reported."""
    short = """
        on no PROCESS_COMMUNICATION where groupname == "slow" for 5m per process alert "{process} {elapsed}"
        on no PROCESS_COMMUNICATION where groupname != "slow" for 1m per process alert "{process} {elapsed}"
    """
    events = [at(0, heart("slow")), at(0, heart("web")), at(1, running("other")), at(30, heart("web"))]
    assert sent(short, *events, until=1000) == [(90, "firing", "web 1m"), (300, "firing", "slow 5m")]


# crash loops

RESTARTED = """
rule restarts
on PROCESS_STATE_STARTING where from_state in ["EXITED", "BACKOFF"] 3 times in 10m
  alert critical "{process} restarted {count} times in {window}" to pager, ops
    until PROCESS_STATE_RUNNING for 1m
    at most 1 per 1h
"""


def restarts(*moments: float, process: str = "web") -> list[Event]:
    """A process that exits at some moments, is started again a second later, and runs another second later."""
    steps = [exited(process), starting(process), running(process)]
    return [at(moment + second, event) for moment in moments for second, event in enumerate(steps)]


def test_a_restart_loop_pages_once() -> None:
    """Three restarts in ten minutes are one page; when it has been RUNNING for a minute there is one recovery."""
    text = "site:web restarted 3 times in 10m"
    assert sent(RESTARTED, *restarts(0, 100, 200, 240, 280), until=2000) == [
        (201, "firing", text),
        (342, "recovery", f"resolved after 2m21s: {text}"),
    ]
    assert sent(RESTARTED, *restarts(0, 100, 600), until=2000) == []


def test_a_recovery_goes_where_the_page_went() -> None:
    """Page and recovery go to the same channels, each once, and name the same incident."""
    rules = engine(RESTARTED)
    made = alerts([firing for event in restarts(0, 10, 20) for firing in rules.feed(event)])
    made += alerts(rules.advance(NOW + 1000))
    assert [(one.phase, [delivery.channel for delivery in one.deliveries]) for one in made] == [
        ("firing", ["pager", "ops"]),
        ("recovery", ["pager", "ops"]),
    ]
    assert made[0].incident == made[1].incident


def test_a_page_that_the_limit_held_back_has_no_recovery() -> None:
    """Of two programs that loop, the second one's page is over the limit: nobody is told that it is well again."""
    events = sorted([*restarts(0, 10, 20, process="a"), *restarts(3, 13, 23, process="b")], key=lambda one: one.time)
    found = play(RESTARTED, *events, until=1000)
    assert [(moment, phase, text.partition(" restarted")[0]) for moment, phase, text in found] == [
        (21, "firing", "site:a"),
        (24, "at most 1 per 1h", "site:b"),
        (82, "recovery", "resolved after 1m1s: site:a"),
    ]


# the listener itself

OWN = """
on LISTENER_STARTED where has(down_ms) and down_ms > 60000 alert "nobody listened for {down_ms} ms"
on LISTENER_RULES_RELOADED where anew > 0 or closed > 0 alert "{kept} kept, {anew} anew, {closed} closed"
on LISTENER_CLOCK_CHANGED where by_ms < 0 alert "the clock was set back by {by_ms} ms"
on LISTENER_STARTED 3 times in 10m alert "the listener does not stay up"
"""


def test_the_listener_s_own_events_in_rules() -> None:
    """Their fields can be compared, and they can be counted like any other."""
    events = [
        at(0, own("STARTED")),
        at(100, own("STARTED", down_ms=59_000)),
        at(200, own("STARTED", down_ms=61_000)),
        at(210, own("RULES_RELOADED", kept=3, anew=0, closed=0)),
        at(220, own("RULES_RELOADED", kept=2, anew=1, closed=1)),
        at(230, own("CLOCK_CHANGED", by_ms=1000)),
        at(240, own("CLOCK_CHANGED", by_ms=-2000)),
    ]
    assert [text for _, _, text in play(OWN, *events)] == [
        "nobody listened for 61000 ms",
        "the listener does not stay up",
        "2 kept, 1 anew, 1 closed",
        "the clock was set back by -2000 ms",
    ]
