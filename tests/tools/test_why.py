"""Why a rule fired or did not, in a sentence."""

from collections.abc import Iterator, Sequence

import pytest

from rules_listener.event.event import Event
from rules_listener.tools.why import why
from tests.match.harness import state
from tests.match.playing import at, backoff, beat, exited, own, running
from tests.tools.observing import first, observed
from tests.zones import zone_of_host


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    """Times are shown in UTC: the beginning is 16:00:00."""
    with zone_of_host("UTC"):
        yield


TIMES = 'rule r on crashed where groupname == "site" 3 times in 10m alert "x"'
THEN = "rule r on crashed then started within 1m alert 'x'"
WITHOUT = "rule r on crashed without started within 1m alert 'x'"
UNTIL = "rule r on crashed alert 'x' until started"
UNTIL_FOR = "rule r on crashed alert 'x' until started for 5s"
FATAL = state("FATAL", from_state="BACKOFF")


@pytest.mark.parametrize(
    ("rule", "events", "expected"),
    [
        # conditions
        ("rule r on crashed alert 'x'", [exited()], "r fired"),
        (
            "rule r on crashed alert 'x'",
            [exited(expected=1)],
            "r did not fire: `expected == 0` is false (expected is 1)",
        ),
        (
            "rule r on PROCESS_STATE where pid > 5 and processname == 'db' alert 'x'",
            [FATAL],
            (
                "r did not fire: `pid > 5` is unknown (the event has no pid), and"
                " `processname == 'db'` is false (processname is \"web\")"
            ),
        ),
        (
            "rule r on PROCESS_COMMUNICATION where json(data, 'free') < 10 alert 'x'",
            [beat('{"fre": 3}')],
            (
                "r did not fire: `json(data, 'free') < 10` is unknown (json(data, 'free') is missing,"
                ' data is "{\\"fre\\": 3}")'
            ),
        ),
        (
            "rule r on PROCESS_STATE where groupname == 'a' and processname == 'b' and pid == 1 alert 'x'",
            [exited()],
            (
                "r did not fire: `groupname == 'a'` is false (groupname is \"site\"), and"
                " `processname == 'b'` is false (processname is \"web\"), and 1 more"
            ),
        ),
        (
            "rule r on PROCESS_STATE_EXITED, gave_up where processname == 'db' alert 'x'",
            [backoff()],
            (
                "r did not fire: it selects `PROCESS_STATE_EXITED` and `gave_up`, and this is PROCESS_STATE_BACKOFF;"
                " besides, `processname == 'db'` is false (processname is \"web\")"
            ),
        ),
        # patterns
        (TIMES, [at(0, exited()), at(9, exited())], "r did not fire: it counts 2 of 3 events within 10m for site:web"),
        (
            TIMES,
            [at(0, exited()), at(5, exited()), at(9, exited())],
            "r fired: it counts 3 events within 10m for site:web",
        ),
        (
            TIMES,
            [at(moment, exited()) for moment in range(5)],
            "r did not fire again: it has for these 3 events within 10m for site:web, and does so once they were fewer",
        ),
        (
            "rule r on crashed 2 distinct pid in 10m overall alert 'x'",
            [exited()],
            "r did not fire: it counts 1 of 2 values of `pid` within 10m",
        ),
        (
            "rule r on crashed 2 distinct pid in 10m overall alert 'x'",
            [backoff()],
            "r did not fire: it counts values of `pid`, and the event has none",
        ),
        (
            "rule r on PROCESS_STATE_BACKOFF for 30s alert 'x'",
            [backoff()],
            "r did not fire yet: site:web has to stay in this state until 16:00:30",
        ),
        (THEN, [exited()], "r did not fire yet: it waits for `started` until 16:01:00 for site:web"),
        (THEN, [exited(), at(1, running())], "r fired"),
        (
            THEN,
            [at(1, running())],
            "r did not fire: nothing was selected in the 1m before `started` for site:web",
        ),
        (WITHOUT, [exited()], "r did not fire yet: it waits for `started` until 16:01:00 for site:web"),
        (WITHOUT, [exited(), at(2, running())], "r does not fire any more: `started` came in time for site:web"),
        (WITHOUT, [running()], "r waits for nothing for site:web that `started` would end"),
        (
            "rule r on no PROCESS_COMMUNICATION for 5m alert 'x'",
            [beat()],
            "r did not fire: this is what it waits for; it fires at 16:05:00 if no other comes",
        ),
        # clauses
        (
            UNTIL,
            [exited(), at(1, exited())],
            "r fired, and nothing was sent (already open since 16:00:00)",
        ),
        (UNTIL, [exited(), at(1.5, running())], "r closes the alert that was open since 16:00:00 for site:web"),
        (UNTIL, [running()], "r has no open alert for site:web that this would close"),
        (
            UNTIL_FOR,
            [exited(), at(1, running())],
            "r closes the alert that is open since 16:00:00 for site:web at 16:00:06, if nothing speaks against it",
        ),
        (
            "rule r on crashed overall alert 'x' until started at most 1 per 1h",
            [exited(), at(1, running()), at(2, exited()), at(3, running())],
            "r closes the alert that was open since 16:00:02 without a word, since the alert itself was not sent",
        ),
        (
            "rule r on crashed alert 'x' at most 1 per 1h restart",
            [exited(), at(1, exited())],
            "r fired, and some of it was held back (at most 1 per 1h)",
        ),
        (
            "rule r on crashed alert 'x'",
            [Event("SUPERVISOR_STATE_CHANGE_STOPPING", 1_764_000_000.0, {}), exited()],
            "r fired, and nothing was sent (supervisord is stopping)",
        ),
    ],
)
def test_why(rule: str, events: Sequence[Event], expected: str) -> None:
    """One sentence says it, whatever the rule waits for."""
    assert why(first(rule, *events)) == expected


def test_what_silence_makes_fire() -> None:
    """Of a rule that fires when nothing comes it is said when that is, though the event is nothing to it."""
    found = first("rule r on no PROCESS_STATE_RUNNING for 45s alert 'x'", at(0, exited()))
    said = "r did not fire: it selects `PROCESS_STATE_RUNNING`, and this is PROCESS_STATE_EXITED; "
    assert why(found) == said + "it fires at 16:00:45 if none comes"


def test_the_listeners_own_group() -> None:
    """A rule that does not name the listener's own group is not asked about its events."""
    (one,) = observed("rule r on crashed alert 'x'", [exited(group="listener")], own_group="listener").rules
    assert why(one) == "r was not asked: the event is about the listener's own group, which the rule does not name"
    (one,) = observed("rule r on crashed where groupname == 'me' alert 'x'", [exited(group="me")], "me").rules
    assert why(one) == "r fired"


def test_what_is_waited_for_only() -> None:
    """What a rule only waits for has conditions too."""
    rule = "rule r on crashed without PROCESS_COMMUNICATION where data == 'ok' within 1m alert 'x'"
    assert why(first(rule, beat("no"))) == (
        "r did not fire: it only waits for such events, and `data == 'ok'` is false (data is \"no\")"
    )


def test_the_listeners_own_events() -> None:
    """An event of the listener's own changes deadlines by itself; what was due before it is told apart."""
    rules = "rule r on crashed, LISTENER_STARTED without started within 10s overall alert 'x'"
    found = observed(rules, [at(0, exited()), at(60, own("STARTED", down_ms=30_000))])
    assert [(alert.rule, alert.time) for alert in found.meanwhile] == [("r", 1_764_000_010.0)]
    assert [why(one) for one in found.rules] == ["r did not fire yet: it waits for `started` until 16:01:10"]
