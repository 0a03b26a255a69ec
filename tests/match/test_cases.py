"""What operators want to be told, each case as a rule that does it; most of them are files of examples/."""

from pathlib import Path

import pytest

import rules_listener
from rules_listener.event.event import Event
from tests.match.harness import NOW, engine, state
from tests.match.playing import Said, alerts, at, backoff, beat, exited, own, play, running

EXAMPLES = Path(rules_listener.__file__).parent.parent / "examples"


def example(name: str) -> str:
    """The rules of an example."""
    return (EXAMPLES / f"{name}.rules").read_text(encoding="utf-8")


def rule(name: str, of: str) -> str:
    """One rule of an example, with the definitions that stand before it."""
    blocks = [block for block in example(of).split("\n\n") if "rule " not in block or f"rule {name}\n" in block]
    assert sum("rule " in block for block in blocks) == 1
    return "\n\n".join(blocks)


def sent(rules: str, *events: Event, until: float | None = None) -> list[Said]:
    """What is sent: all that the rules say, but for what is held back."""
    return [one for one in play(rules, *events, until=until) if one[1] in ("firing", "reminder", "recovery")]


def starting(process: str = "web", group: str = "site", *, after: str = "EXITED") -> Event:
    """A process is started."""
    return state("STARTING", process, group, from_state=after, tries=0)


def stopped(process: str = "web", group: str = "site") -> Event:
    """A process was stopped."""
    return state("STOPPED", process, group, from_state="STOPPING", pid=7)


# the watchdog


def down(*minutes: int, since: float = 0.0, process: str = "redis") -> list[Said]:
    """What the watchdog says of a process that has been down for so many minutes since some moment."""
    phases = ["firing", *["reminder"] * len(minutes)]
    return [
        (since + 60.0 * minute, phase, f"{process} is not running ({minute}m)")
        for minute, phase in zip(minutes, phases, strict=False)
    ]


def resolved(moment: float, after: str, *, process: str = "redis") -> Said:
    """The watchdog's recovery; what opened the alert is always the first minute."""
    return moment, "recovery", f"resolved after {after}: {process} is not running (1m)"


def redis(event: str) -> Event:
    """An event of a watched program; `EXITED!` is an exit that was expected."""
    makers = {"EXITED": exited, "RUNNING": running, "BACKOFF": backoff, "STARTING": starting}
    if event == "EXITED!":
        return exited("redis", "redis", expected=1)
    return makers[event]("redis", "redis")


WATCHDOG: dict[str, tuple[list[tuple[float, str]], list[Said]]] = {
    "it stays down": ([(0, "EXITED"), (250, "RUNNING")], [*down(1, 2, 3, 4), resolved(250, "3m10s")]),
    "it is back in time": ([(0, "EXITED"), (1, "STARTING"), (59, "RUNNING")], []),
    "it tries in vain": (
        [(0, "EXITED"), (1, "STARTING"), (2, "BACKOFF"), (3, "STARTING"), (4, "BACKOFF"), (130, "RUNNING")],
        [*down(1, 2), resolved(130, "1m10s")],
    ),
    "a second exit after it ran": (
        [(0, "EXITED"), (50, "RUNNING"), (55, "EXITED"), (200, "RUNNING")],
        [*down(1, 2, since=55), resolved(200, "1m25s")],
    ),
    "a second exit within the first minute": (
        [(0, "EXITED"), (40, "EXITED"), (110, "RUNNING")],
        [*down(1, since=40), resolved(110, "10s")],
    ),
    "a second exit while it is reported": (
        [(0, "EXITED"), (130, "EXITED"), (260, "RUNNING")],
        [*down(1, 2), resolved(130, "1m10s"), *down(1, 2, since=130), resolved(260, "1m10s")],
    ),
    "an exit that was expected": ([(0, "EXITED!")], []),
}


@pytest.mark.parametrize("name", WATCHDOG)
def test_a_watchdog(name: str) -> None:
    """What is down for a minute is reported each minute with the time, until it runs; a second exit counts anew."""
    events, expected = WATCHDOG[name]
    assert sent(example("watchdog"), *(at(moment, redis(event)) for moment, event in events), until=300) == expected


def test_a_watchdog_watches_what_it_was_told_to() -> None:
    """Each program has its own count, and those that are not named have none."""
    events = [at(0, exited("redis", "redis")), at(10, exited("nginx", "web")), at(20, exited("other", "other"))]
    assert sent(example("watchdog"), *events, until=75) == [*down(1), *down(1, since=10, process="web:nginx")]


# heartbeats


def heart(process: str) -> Event:
    """A heartbeat of a process."""
    return beat("heartbeat", process, process)


STUCK = "web is stuck: no heartbeat for "
HEARTS: dict[str, tuple[list[tuple[float, Event]], float, list[Said]]] = {
    "it falls silent": ([(0, heart("web")), (50, heart("web"))], 700, [(110, "firing", f"{STUCK}1m")]),
    "it stays silent": (
        [(0, heart("web"))],
        2000,
        [(60, "firing", f"{STUCK}1m"), (660, "reminder", f"{STUCK}11m"), (1860, "reminder", f"{STUCK}31m")],
    ),
    "it beats again": (
        [(0, heart("web")), (70, heart("web")), (120, heart("web"))],
        200,
        [
            (60, "firing", f"{STUCK}1m"),
            (70, "recovery", f"resolved after 10s: {STUCK}1m"),
            (180, "firing", f"{STUCK}1m"),
        ],
    ),
    "it goes on beating": ([(moment, heart("web")) for moment in range(0, 300, 59)], 300, []),
    "a threshold of its own": (
        [(0, heart("nightly"))],
        1000,
        [(900, "firing", "nightly is stuck: no heartbeat for 15m")],
    ),
    "it never beat": ([(0, running("web", "web"))], 1000, []),
    "it says something else": (
        [(0, heart("web")), (30, beat("ready", "web", "web"))],
        100,
        [(60, "firing", f"{STUCK}1m")],
    ),
    "it was stopped": ([(0, heart("web")), (30, stopped("web", "web"))], 1000, []),
    "it has exited": ([(0, heart("web")), (30, exited("web", "web"))], 1000, []),
    "it was started anew, and nobody heard of its end": (
        [(0, heart("web")), (30, starting("web", "web")), (31, running("web", "web"))],
        1000,
        [],
    ),
    "it was stopped when it was stuck": (
        [(0, heart("web")), (100, stopped("web", "web"))],
        1000,
        [(60, "firing", f"{STUCK}1m"), (100, "recovery", f"resolved after 40s: {STUCK}1m")],
    ),
}


@pytest.mark.parametrize("name", HEARTS)
def test_heartbeats(name: str) -> None:
    """Who beats, runs and falls silent is reported, after the time that is its own, and is quiet when it beats."""
    events, until, expected = HEARTS[name]
    assert sent(example("heartbeat"), *(at(moment, event) for moment, event in events), until=until) == expected


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


def test_the_example_of_a_crash_loop() -> None:
    """Crashes are counted whether the program was up or not; a page that goes on is sent again."""
    text = "site:web crashed 3 times in 10m"
    events = [at(0, exited()), at(2, backoff()), at(4, backoff()), at(6, backoff()), at(3700, running())]
    assert sent(rule("crash_loop", "crash_loop"), *events, until=5000) == [
        (4, "firing", text),
        (3604, "reminder", text),
        (3760, "recovery", f"resolved after 1h2m36s: {text}"),
    ]


NOT_BACK: dict[str, tuple[list[tuple[float, Event]], list[float]]] = {
    "it comes back": ([(0, backoff()), (29.999, running())], []),
    "it exits, and comes back": ([(0, exited()), (1, backoff()), (2, backoff()), (29.999, running())], []),
    "it does not": ([(0, exited())], [30.0]),
    "it tries again and again": ([(0, exited()), *((second, backoff()) for second in range(1, 30))], [30.0]),
    "it goes on trying": ([(0, exited()), *((second, backoff()) for second in range(1, 200, 7))], [30.0]),
    "it comes back just too late": ([(0, exited()), (30, running())], [30.0]),
}


@pytest.mark.parametrize("name", NOT_BACK)
def test_what_does_not_come_back(name: str) -> None:
    """What crashed and runs within 30 s says nothing; else there is one alert, at 30.000 s, however often it tries."""
    events, expected = NOT_BACK[name]
    found = sent(rule("not_back", "crash_loop"), *(at(moment, event) for moment, event in events), until=600)
    assert [(moment, text) for moment, phase, text in found if phase == "firing"] == [
        (moment, "site:web did not come back within 30s") for moment in expected
    ]


def test_a_mass_crash_is_one_alert() -> None:
    """Five different programs that crash within two minutes are one alert that names them; one that loops is not."""
    rules = rule("mass_crash", "crash_loop")
    slow = [at(30.0 * place, exited(name)) for place, name in enumerate("abacade")]
    assert sent(rules, *slow) == []
    fast = [at(10.0 * place, exited(name)) for place, name in enumerate("abacadefg")]
    assert sent(rules, *fast) == [(60, "firing", "5 programs crashed: site:b, site:c, site:a, site:d, site:e")]


# containers and the listener itself


def test_a_container_ends_with_its_program() -> None:
    """The exit of a critical program is an alert, then the end of supervisord; others go unnoticed."""
    rules = engine(example("container"))
    (firing,) = rules.feed(at(0, exited("api", "api", expected=1)))
    made = alerts([firing])
    assert [(one.kind, one.deliveries[0].channel) for one in made] == [("alert", "ops"), ("shutdown", "supervisor")]
    assert made[0].deliveries[0].text.startswith("api has ended, and so does the container ")
    assert rules.feed(at(1, exited("other"))) == []


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
