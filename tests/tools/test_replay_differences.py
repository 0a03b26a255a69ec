"""What differs between two sets of rules that see the same events."""

from datetime import UTC

import pytest

from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.tools.replay.comparing import Compared, Comparing
from rules_listener.tools.replay.differences import Difference
from rules_listener.tools.replay.differing import details
from rules_listener.tools.replay.history import History, Played
from rules_listener.tools.replay.rules import Rules
from rules_listener.tools.replay.selection import Selection, read_condition

FIELDS: dict[str, dict[str, str | int]] = {
    "EXITED": {"from_state": "RUNNING", "expected": 0, "pid": 7},
    "RUNNING": {"from_state": "STARTING", "pid": 7},
    "BACKOFF": {"from_state": "STARTING", "tries": 1},
    "FATAL": {"from_state": "BACKOFF"},
}


def events(text: str) -> list[Event]:
    """Events as `TIME STATE PROCESS`, separated by commas."""
    found = []
    for words in text.split(", "):
        time, state, name = words.split()
        names: dict[str, str | int] = {"processname": name, "groupname": name}
        found.append(Event(f"PROCESS_STATE_{state}", float(time), {**names, **FIELDS[state]}))
    return found


def rules(text: str) -> Rules:
    """The rules of a file."""
    checked, found = check([parse(Source("x.rules", text))])
    assert not found
    return Rules(compile_rules(checked), ("ops",), checked)


class Told:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.differences: list[Difference] = []
        self.compared: Compared | None = None

    def take(self, difference: Difference) -> None:
        """Note a difference."""
        self.differences.append(difference)

    def end(self, played: Played, compared: Compared) -> None:
        """Note what came of it."""
        assert played.events > 0
        self.compared = compared


def differences(
    old: str, new: str, history: str, until: float = 1e9, selection: Selection | None = None
) -> tuple[list[str], int]:
    """The differences in short, as `change rule time parts`, and how many alerts are the same."""
    told = Told()
    comparing = Comparing(rules(old), rules(new), selection or Selection(), told)
    played = History([events(history)], until=until)
    comparing.play(played, until)
    assert comparing.end(played.played(0)) == bool(told.differences)
    assert told.compared is not None
    compared = told.compared
    assert compared.old.sent - compared.comparison.same == sum(one.old is not None for one in told.differences)
    assert compared.new.sent - compared.comparison.same == sum(one.new is not None for one in told.differences)
    return [short(one) for one in told.differences], compared.comparison.same


def short(one: Difference) -> str:
    """A difference in a line: its change, rule and times, what differs, why it is held back."""
    times = "→".join(f"{alert.time:g}" for alert in (one.old, one.new) if alert is not None)
    return " ".join([one.change, one.alert.rule, times, *one.parts, *([f"({one.held})"] if one.held else [])])


def rule(rest: str, name: str = "r") -> str:
    """A rule about crashes."""
    return f"rule {name} on crashed {rest}"


EXITS = "10 EXITED a, 20 EXITED b, 30 EXITED a, 40 EXITED a"


@pytest.mark.parametrize(
    ("old", "new", "history", "expected", "same"),
    [
        (rule('alert "x"'), rule('alert "x"'), EXITS, [], 4),
        (rule('alert "x"'), rule('alert "x"', "other"), EXITS, [], 4),
        (rule('alert "x {id}"'), rule('alert "x {id}" to ops'), EXITS, [], 4),
        (rule('alert "x"'), rule('alert "y"'), "10 EXITED a", ["changed r 10→10 text"], 0),
        (rule('alert "x"'), rule('alert "{rule}"', "s"), "10 EXITED a", ["changed s 10→10 text"], 0),
        (rule('alert "x"'), rule('alert warning "x"'), "10 EXITED a", ["changed r 10→10 severity"], 0),
        (rule('alert "x"'), rule('alert "x" to ops, b'), "10 EXITED a", ["changed r 10→10 channels"], 0),
        (
            rule('alert "x" to b'),
            rule('alert critical "y"'),
            "10 EXITED a",
            ["changed r 10→10 severity channels text"],
            0,
        ),
        (rule('alert "x"'), rule('alert "x" run ["/x"]'), "10 EXITED a", ["added r 10"], 1),
        (rule('run ["/x", "a"]'), rule('run ["/x", "b"]'), "10 EXITED a", ["changed r 10→10 text"], 0),
        (rule("restart"), rule("stop"), "10 EXITED a", ["removed r 10", "added r 10"], 0),
        (rule('alert "x" alert "y" to b'), rule('alert "y" to b alert "x"'), "10 EXITED a", [], 2),
        (
            rule('where processname == "a" alert "x"'),
            rule('where processname == "b" alert "x"'),
            EXITS,
            ["removed r 10", "added r 20", "removed r 30", "removed r 40"],
            0,
        ),
        (
            rule('alert "x"'),
            rule('alert "x"') + "\n" + rule('where processname == "b" alert "z"', "s"),
            EXITS,
            ["added s 20"],
            4,
        ),
        (rule('alert "x"'), rule('alert "x" at most 2 per 1h'), EXITS, ["removed r 30 (at most 2 per 1h)"] * 1, 2),
    ],
)
def test_alerts_at_once(old: str, new: str, history: str, expected: list[str], same: int) -> None:
    """Alerts that come with their events."""
    if "at most" in new:
        expected = [*expected, "removed r 40 (at most 2 per 1h)"]
    assert differences(old, new, history) == (expected, same)


WITHOUT = "without started within"


@pytest.mark.parametrize(
    ("old", "new", "history", "expected", "same"),
    [
        (
            rule(f'{WITHOUT} 5m alert "x"'),
            rule(f'{WITHOUT} 10m alert "x"'),
            "10 EXITED a",
            ["moved r 310→610 time"],
            0,
        ),
        (
            rule(f'{WITHOUT} 10m alert "{{elapsed}}"'),
            rule(f'{WITHOUT} 5m alert "{{elapsed}}"'),
            "10 EXITED a",
            ["moved r 610→310 time text"],
            0,
        ),
        (
            rule(f'{WITHOUT} 5m alert "x"'),
            rule(f'{WITHOUT} 10m alert "x"'),
            "10 EXITED a, 500 RUNNING a",
            ["removed r 310"],
            0,
        ),
        (
            rule(f'{WITHOUT} 1d alert "x"'),
            rule(f'{WITHOUT} 2d alert "x"'),
            "10 EXITED a, 100000 EXITED b, 300000 FATAL c",
            ["moved r 86410→172810 time", "moved r 186400→272800 time"],
            0,
        ),
        (
            rule('2 times in 10m alert "x"'),
            rule('3 times in 10m alert "x"'),
            "10 EXITED a, 20 EXITED a, 30 EXITED a",
            ["moved r 20→30 time"],
            0,
        ),
        (
            rule('2 times in 10m alert "x"'),
            rule('3 times in 10m alert "x"'),
            "10 EXITED a, 20 EXITED a, 2000 EXITED a",
            ["removed r 20"],
            0,
        ),
        (
            rule('2 times in 1m alert "x"'),
            rule('3 times in 1m alert "x"'),
            "10 EXITED a, 20 EXITED a, 100 EXITED b, 101 EXITED b, 102 EXITED b",
            ["removed r 20", "moved r 101→102 time"],
            0,
        ),
        (
            rule('alert "x" until started remind every 1h'),
            rule('alert "x" until started remind every 2h'),
            "10 EXITED a, 15000 RUNNING a",
            ["removed r 3610", "removed r 10810"],
            4,
        ),
        (
            rule('alert "x" until started'),
            rule('alert "x" until started for 1m'),
            "10 EXITED a, 100 RUNNING a",
            ["moved r 100→160 time text"],
            1,
        ),
        (
            rule('alert "x"'),
            rule('alert "x" until started'),
            "10 EXITED a, 20 EXITED a, 100 RUNNING a",
            ["removed r 20 (already open since TIME)", "added r 100"],
            1,
        ),
    ],
)
def test_alerts_over_time(old: str, new: str, history: str, expected: list[str], same: int) -> None:
    """Alerts that come later or earlier are the same alert, moved, as long as either rule could have waited."""
    found, count = differences(old, new, history, until=400_000.0)
    found = [one.partition("since ")[0] + "since TIME)" if "since " in one else one for one in found]
    assert (found, count) == (expected, same)


def test_rules_without_a_name() -> None:
    """A rule without a name that was moved and edited is found again by its events."""
    old = 'on crashed alert "x"\non crashed without started within 1m alert "down"'
    new = '# a comment\non crashed alert "y"\n\non crashed without started within 2m alert "down"'
    assert differences(old, new, "10 EXITED a") == (["changed x.rules:2 10→10 text", "moved x.rules:4 70→130 time"], 0)
    assert differences(old, f"# moved\n\n{old}", "10 EXITED a") == ([], 2)


def test_the_order_of_differences() -> None:
    """Differences come in the order of the times that are shown: of an alert that moved, the new one."""
    old = rule('where processname == "a" without started within 5m alert "x"', "slow")
    new = rule('where processname == "a" without started within 10m alert "x"', "slow")
    more = "\n" + rule('alert "now"', "fast")
    history = ", ".join(f"{time} EXITED {'a' if time == 10 else 'b'}" for time in range(10, 1000, 70))
    found, same = differences(old, new + more, history)
    assert same == 0
    moments = [float(one.split()[2].split("→")[-1]) for one in found]
    assert moments == sorted(moments)
    assert "moved slow 310→610 time" in found
    assert found.count("moved slow 310→610 time") == 1
    assert len(found) == 16


def test_memory_is_flat() -> None:
    """What waits for a counterpart is forgotten when that can't come any more."""
    told = Told()
    comparing = Comparing(rules(rule('alert "x"')), rules(rule('where expected == 1 alert "x"')), Selection(), told)
    history = History([events(", ".join(f"{time} EXITED a{time}" for time in range(0, 100_000, 10)))])
    comparing.play(history, 1e9)
    assert len(told.differences) > 9_980
    assert len(comparing._compared.comparison._in_order) < 20
    assert len(comparing._compared.comparison._by_slot) < 20


def test_what_is_asked_for() -> None:
    """With a selection, differences in other alerts do not count."""
    old, new = rule('alert "x"'), rule('alert "y"')
    for selection, expected in (
        (Selection(fulfils=read_condition('processname == "b"')), ["changed r 20→20 text"]),
        (Selection(since=30), ["changed r 30→30 text", "changed r 40→40 text"]),
        (Selection(since=50), []),
    ):
        assert differences(old, new, EXITS, selection=selection) == (expected, 0)


@pytest.mark.parametrize(("within", "apart"), [("9041ms", "4s"), ("5041ms", "41ms"), ("95s", "1m30s")])
def test_by_how_much_an_alert_moved(within: str, apart: str) -> None:
    """To the second, or to the millisecond below one."""
    told = Told()
    old, new = (rules(rule(f'without started within {one} alert "x"')) for one in ("5s", within))
    history = History([events("10 EXITED a")], until=1e3)
    Comparing(old, new, Selection(), told).play(history, 1e3)
    (moved,) = told.differences
    assert list(details(moved, UTC)) == [f"time was 1970-01-01 00:00:15, {apart} earlier"]
