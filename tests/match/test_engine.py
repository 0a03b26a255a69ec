"""Events go in, firings come out."""

import pickle
import subprocess
import sys
import time

import pytest

from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang.check import check_template
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import STOPPING, Engine
from rules_listener.match.firing import Firing
from rules_listener.match.program import Program, load
from tests.match.harness import NOW, checked_rules, engine, fires, log, names, state, texts

# three-valued logic

FATAL = state("FATAL", from_state="BACKOFF")
EXITED = state("EXITED", from_state="RUNNING", expected=0, pid=7)

UNKNOWN_IS_NOT_FALSE = {
    "expected == 0": False,
    "expected != 0": False,
    "not expected == 0": False,
    "not expected != 0": False,
    "expected == 0 or true": True,
    "expected == 0 and false": False,
    "not (expected == 0 and false)": True,
    "not (expected == 0 or false)": False,
    "expected in [0, 1]": False,
    "expected not in [1]": False,
    "not expected in []": False,
    "has(expected)": False,
    "not has(expected)": True,
    "expected == null": True,
    "expected != null": False,
    "pid == expected": False,
}


@pytest.mark.parametrize("condition", UNKNOWN_IS_NOT_FALSE)
def test_what_is_missing_is_unknown(condition: str) -> None:
    """A rule fires only on true, and the opposite of unknown is unknown."""
    assert fires(condition, FATAL, "PROCESS_STATE") is UNKNOWN_IS_NOT_FALSE[condition]


ON_NOTHING = (
    "expected == 0",
    "0 == expected",
    "expected < 1",
    "expected in [0, 1]",
    "expected in []",
    "expected in [0, pid]",
    "pid == expected",
    "pid > 5 and pid < 9",
    "processname == 'web'",
    "processname in ['web', 'site']",
    "processname like 'w*'",
    "processname like 'w*b'",
    "processname =~ 'w'",
    "processname contains 'e'",
    "'web' contains processname",
    "groupname startswith processname",
    "lower(upper(processname)) == 'web'",
    "upper(processname) in ['WEB']",
    "len(processname) > 1",
    "number(processname) in [1, 2]",
    "json(processname, '') == 'a'",
    "json(processname, '') in [true]",
    "json(processname, '') == json(groupname, '')",
    "json(processname, '')",
)


@pytest.mark.parametrize("condition", ON_NOTHING)
def test_what_an_event_should_have_and_has_not_is_unknown(condition: str) -> None:
    """Where a field is not there that the type has, no operator says yes, and none says no."""
    event = Event("PROCESS_STATE_EXITED", NOW, {"from_state": "RUNNING"})
    for rule in (condition, f"not ({condition})"):
        for shape in (rule, f"({rule}) and true", f"({rule}) or false"):
            assert not fires(shape, event)
    assert texts(engine(f'on EVENT alert "{{{condition}}}"').feed(event)) == ["-"]


NO_TYPES_NO_ERRORS = (
    "pid < 5",
    "pid >= 5 or pid in [1]",
    "not pid == 5",
    "pid != 5",
    "expected < 1 and tries > 2",
    "serial < 5",
    "when > 1",
)


@pytest.mark.parametrize("condition", NO_TYPES_NO_ERRORS)
def test_fields_of_unlisted_types_are_texts(condition: str) -> None:
    """A field that is a number elsewhere is a text in an event that nobody knows: what is said about it is unknown."""
    event = Event("PLUGIN", NOW, dict.fromkeys(("pid", "expected", "tries", "when"), "5"), None, {"serial": "x"})
    running = engine(f'on EVENT where {condition} shutdown rule b on EVENT alert "{{{condition}}} {{pid}}"')
    fired = running.feed(event)
    assert names(fired) == ["b"]
    assert texts(fired) == ["- 5"]


def test_unlisted_types_are_selected_by_event_only() -> None:
    """An event of a type that the catalogue does not list is seen by rules on EVENT, and its fields can be used."""
    running = engine(
        "rule every on EVENT shutdown\n"
        "rule named on EVENT where eventname == 'PROCESS_STATE_NEW' and processname == 'web' shutdown\n"
        "rule states on PROCESS_STATE shutdown"
    )
    assert names(running.feed(Event("PROCESS_STATE_NEW", NOW, {"processname": "web"}))) == ["every", "named"]
    assert names(running.feed(Event("*", NOW, {}))) == ["every"]


def test_an_abstract_type_that_is_sent_after_all_selects_nothing() -> None:
    """An abstract type is never sent; an event that claims to be of one is no error."""
    assert engine("on EVENT shutdown").feed(Event("PROCESS_STATE", NOW, {})) == []


JSON_KINDS = {
    "json(data, 'n') > 5": True,
    "json(data, 'n') == '7'": False,
    "json(data, 'n') != '7'": False,
    "json(data, 't') == 7": False,
    "json(data, 't') == 'x'": True,
    "json(data, 't') != json(data, 'n')": False,
    "json(data, 't') == json(data, 'u')": True,
    "json(data, 'b') == 1": False,
    "json(data, 'b')": True,
    "not json(data, 'n')": False,
    "json(data, 'o') == null": False,
    "json(data, 'z') == null": True,
    "json(data, 'n') =~ '7'": False,
    "json(data, 'f') == 7": True,
    "json(data, 'b') in [1]": False,
    "json(data, 'b') in [true]": True,
    "json(data, 'o') == 'x' or true": True,
}


@pytest.mark.parametrize("condition", JSON_KINDS)
def test_values_out_of_json(condition: str) -> None:
    """A value out of JSON is compared if it is of the other side's kind; `true` is no number, `7` no text."""
    document = '{"n": 7, "t": "x", "u": "x", "b": true, "o": {"p": 1}, "f": 7.0}'
    assert fires(condition, log(document)) is JSON_KINDS[condition]


def test_a_condition_deep_in_a_template_knows_the_given_values() -> None:
    """What a firing gives can be used at any depth of a template's expression."""
    condition = "rule == 'r'"
    for number in range(60):
        condition = f"(({condition}) and pid != {100 + number}) or pid == {200 + number}"
    fired = engine(f'rule r on PROCESS_LOG alert "{{{condition}}} {{not ({condition})}}"').feed(log("x"))
    assert texts(fired) == ["true false"]


# order


def test_firings_come_in_the_order_of_the_rules() -> None:
    """However rules are looked up, their firings come in the order in which they are written."""
    conditions = [f"groupname == 'g{number % 5}'" if number % 3 else f"pid > {number}" for number in range(60)]
    text = "\n".join(f"rule r{number} on PROCESS_LOG where {one} shutdown" for number, one in enumerate(conditions))
    event = log("x")
    event.fields |= {"groupname": "g2", "pid": 50}
    fired = names(engine(text).feed(event))
    assert fired == [f"r{number}" for number in range(60) if (number % 5 == 2 if number % 3 else number < 50)]


def test_a_rule_fires_once_for_an_event() -> None:
    """A rule that selects an event in several ways fires once for it."""
    running = engine("on PROCESS_STATE, PROCESS_STATE_EXITED, (crashed where has(pid)), EVENT shutdown")
    assert len(running.feed(EXITED)) == 1


def test_a_firing_knows_what_it_is_about() -> None:
    """A firing holds its rule, event, time and key, which is the process where there is one."""
    running = engine("rule a on EVENT shutdown")
    (firing,) = running.feed(EXITED)
    assert (firing.rule.name, firing.event, firing.time, firing.key, firing.held) == (
        "a",
        EXITED,
        NOW,
        "site:web",
        None,
    )
    (firing,) = running.feed(Event("TICK_5", 7.0, {"when": 7}))
    assert (firing.time, firing.key) == (7.0, "")


# the listener's own group

OWN = state("EXITED", "listener", "listener", from_state="RUNNING", expected=0, pid=1)

NAMING = {
    "true": False,
    "groupname == 'listener'": True,
    "'listener' == groupname": True,
    "groupname in ['a', 'listener']": True,
    "process == 'listener'": True,
    "processname == 'listener' or false": True,
    "groupname != 'listener' or pid == 1": True,
    "groupname like 'listen*'": False,
    "server == 'listener' or true": False,
    "groupname == 'other' or true": False,
}


@pytest.mark.parametrize("condition", NAMING)
def test_own_events_are_for_rules_that_name_the_group(condition: str) -> None:
    """Events of the listener's own group are seen only by rules that compare a name with that of the group."""
    text = f"on PROCESS_STATE where {condition} shutdown"
    assert bool(engine(text, "listener").feed(OWN)) is NAMING[condition]
    assert engine(text).feed(OWN)


def test_other_groups_are_not_left_out() -> None:
    """Events of other groups, and of none, are for all rules."""
    running = engine("on EVENT shutdown", "listener")
    assert running.feed(EXITED)
    assert running.feed(Event("TICK_5", NOW, {"when": 1}))
    assert not running.feed(Event("PROCESS_GROUP_ADDED", NOW, {"groupname": "listener"}))


# while supervisord is stopping


def change(name: str) -> Event:
    """A change of supervisord's own state."""
    return Event(f"SUPERVISOR_STATE_CHANGE_{name}", NOW, {})


def test_while_supervisord_stops_process_firings_are_held() -> None:
    """Between STOPPING and RUNNING, firings about processes say why they are held back; others go on."""
    running = engine("rule a on EVENT shutdown")

    def held(event: Event) -> list[str | None]:
        return [firing.held for firing in running.feed(event)]

    assert held(EXITED) == [None]
    assert held(change("STOPPING")) == [None]
    assert held(EXITED) == [STOPPING]
    assert held(log("x")) == [STOPPING]
    assert held(Event("TICK_5", NOW, {"when": 1})) == [None]
    assert held(Event("PROCESS_GROUP_REMOVED", NOW, {"groupname": "web"})) == [None]
    assert held(change("RUNNING")) == [None]
    assert held(EXITED) == [None]


def test_stopping_is_noticed_without_a_rule_about_it() -> None:
    """The engine knows that supervisord is stopping even if no rule selects that."""
    running = engine("on PROCESS_STATE shutdown")
    assert running.feed(change("STOPPING")) == []
    assert running.supervisor_stopping
    assert [firing.held for firing in running.feed(FATAL)] == [STOPPING]


# programs


def shown(firings: list[Firing]) -> list[tuple[str, str, str, list[str]]]:
    """All that can be seen of some firings."""
    return [(one.rule.name, one.rule.meaning, one.key, texts([one])) for one in firings]


RULES = """
let noisy = data =~ '(?i)error|磁盘' and not data like "*ignore*"
rule a on PROCESS_LOG where noisy and groupname in ["site", "b"] alert critical "{process}: {truncate(data, 9)}" to mail
rule b on EVENT where serial > 2 alert "{eventname} {time} {json(data, 'a')}" run ["x", "{message}", "{pid > 5}"]
rule c on crashed shutdown
"""


def test_a_program_survives_being_kept() -> None:
    """A program that was taken apart and put together again, as a file does, runs like the one that was compiled."""
    program = compile_rules(checked_rules(RULES))
    kept = Program(bytes(bytearray(program.code)), program.rules, program.triggers)
    first, second = Engine(load(program)), Engine(load(kept))
    for event in (
        log("an ERROR"),
        log("ERROR, ignore"),
        EXITED,
        FATAL,
        log("磁盘"),
        Event("X", 1.0, {}, None, {"serial": 3}),
    ):
        assert shown(first.feed(event)) == shown(second.feed(event))
    assert shown(first.feed(log("an ERROR"))) != []


def test_compiling_twice_gives_the_same_program() -> None:
    """The same rules give the same bytes."""
    assert compile_rules(checked_rules(RULES)) == compile_rules(checked_rules(RULES))


IMPORTS = """
import pickle, sys
from rules_listener.event.event import Event
from rules_listener.match.engine import Engine
from rules_listener.match.program import load
engine = Engine(load(pickle.loads(sys.stdin.buffer.read())))
assert engine.feed(Event("PROCESS_STATE_BACKOFF", 0.0, {"processname": "a", "groupname": "b", "tries": 1}))
print(*sys.modules)
"""


def test_a_program_runs_without_the_parser() -> None:
    """A process that loads a program and feeds it an event imports no parser, and no RE2 if no rule needs it."""
    program = compile_rules(checked_rules("on crashed where groupname == 'b' alert '{process}'"))
    data = pickle.dumps(program)
    result = subprocess.run([sys.executable, "-c", IMPORTS], input=data, capture_output=True, check=True)
    imported = set(result.stdout.decode().split())
    assert "rules_listener.match.engine" in imported
    assert not imported & {"lark", "re2", "rules_listener.lang.parse", "rules_listener.lang.check", "yaml", "socket"}


def test_templates_of_the_configuration() -> None:
    """Templates that belong to no rule are compiled with the rules, under their names."""
    parts, found = check_template(Source("config", "{severity}: {message} ({pid}) {{}}"))
    assert not found
    loaded = load(compile_rules(checked_rules("on TICK_5 shutdown"), {"mail.subject": parts}))
    template = loaded.templates["mail.subject"]
    assert template(EXITED, {"severity": "error", "message": "it died"}) == "error: it died (7) {}"
    assert template(FATAL, {}) == "-: - (-) {}"


def test_text_out_of_an_event_is_no_template() -> None:
    """Braces in what an event says stay as they are."""
    assert texts(engine("on PROCESS_LOG alert '{data}'").feed(log("{process} {{}}"))) == ["{process} {{}}"]


HOSTILE_PATTERNS = (
    "data =~ '(a+)+$'",
    "data like '*a*a*a*a*b'",
    "extract(data, '(a|aa)+$') == 'x'",
    "data =~ '(.*)(.*)(.*)b'",
)


@pytest.mark.parametrize("condition", HOSTILE_PATTERNS)
def test_hostile_texts_take_linear_time(condition: str) -> None:
    """A megabyte that would keep a backtracking engine busy for ages is nothing."""
    running = engine(f"on PROCESS_LOG where {condition} shutdown")
    event = log("a" * 1_000_000 + "!")
    start = time.process_time()
    assert not running.feed(event)
    assert time.process_time() - start < 1.0


def test_what_rules_said_before_one_raised_is_not_lost() -> None:
    """A rule that raises gives up its event; the alerts of others come out with the next one, and time goes on."""
    text = """mute env("X") == "1" because "of this test"
        rule first on PROCESS_STATE_EXITED for 1m alert "a" rule second on PROCESS_STATE_EXITED for 1m alert "b"
        rule third on PROCESS_STATE_FATAL alert "c" """
    asked: list[str] = []

    def env(name: str) -> str | None:
        asked.append(name)
        if len(asked) == 2:
            raise ZeroDivisionError
        return None

    running = Engine(load(compile_rules(checked_rules(text)), {"env": env}))
    running.feed(EXITED)
    with pytest.raises(ZeroDivisionError):
        running.advance(NOW + 100)
    firings = running.feed(Event(FATAL.type, NOW + 100, FATAL.fields))
    assert [(firing.rule.name, firing.time - NOW, firing.due is None) for firing in firings] == [
        ("first", 60, False),
        ("third", 100, True),
    ]
