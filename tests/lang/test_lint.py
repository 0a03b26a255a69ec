"""Warnings: what is found, and that nothing is found that is not so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.codes import CODES
from rules_listener.base.diagnostics import Diagnostic, Severity, as_text, in_order
from rules_listener.base.source import Source
from rules_listener.event.catalogue import UNLISTED, concrete_types
from rules_listener.lang import checked
from rules_listener.lang.check import check
from rules_listener.lang.lint import lint
from rules_listener.lang.parse import parse
from rules_listener.lang.scope import EVERYTHING
from tests.lang.possible import conditions, possible_events
from tests.match.reference import fires
from tests.match.strategies import ENV, HOST

THOROUGH = settings(derandomize=True, deadline=None, max_examples=300)


def linted(*texts: str) -> tuple[checked.RuleSet, list[Diagnostic]]:
    """The rules of some files without an error, and the warnings about them."""
    files = [parse(Source(f"{number}.rules", text)) for number, text in enumerate(texts)]
    rules, found = check(files)
    assert not found, as_text(found)
    return rules, lint(files, rules)


def codes(*texts: str) -> list[tuple[str, int]]:
    """Code and line of the warnings about some files, by place."""
    return [(one.code, one.where[1]) for one in in_order(linted(*texts)[1])]


def messages(*texts: str) -> list[str]:
    """What the warnings about some files say, by place."""
    return [one.message for one in in_order(linted(*texts)[1])]


# nothing is found that is not so

INSTEAD = {"RL404": "true", "RL405": "false"}


def rewritten(text: str, found: list[Diagnostic]) -> str:
    """The text with `true` or `false` for each part that is said to be always or never true, and nothing in vain."""
    spans = [(one.span.start, one.span.end, one.code) for one in found if one.span is not None]
    for start, end, code in sorted(spans, reverse=True):
        if code in (*INSTEAD, "RL406"):
            text = text[:start] + INSTEAD.get(code, f"({text[start:end]} where false)") + text[end:]
    return text


SELECTIONS: dict[str, tuple[str, ...]] = {
    **{name: tuple(kind.name for kind in concrete_types(name)) for name in ("PROCESS_STATE", "PROCESS_LOG", "TICK")},
    "EVENT": (*EVERYTHING.types, UNLISTED),
    "PROCESS_STATE_FATAL, PROCESS_STATE_EXITED": ("PROCESS_STATE_FATAL", "PROCESS_STATE_EXITED"),
    "crashed, PROCESS_LOG": ("PROCESS_STATE_EXITED", "PROCESS_STATE_BACKOFF", "PROCESS_LOG_STDOUT"),
    "(TICK_5 where when > 0), gave_up, TICK": ("TICK_5", "TICK_60", "PROCESS_STATE_FATAL"),
    "other, PROCESS_STATE_RUNNING": ("PROCESS_STATE_EXITED", "PROCESS_STATE_RUNNING"),
}
"""Selectors, and the types of events that they select."""


@THOROUGH
@given(st.sampled_from(list(SELECTIONS)), st.data())
def test_what_is_found_changes_nothing(selected: str, data: st.DataObject) -> None:
    """With all that is found replaced by what it is said to be, a rule fires on the same events."""
    types = SELECTIONS[selected]
    of_event, named, condition = (data.draw(conditions(some)) for some in (["PROCESS_STATE_EXITED"], types, types))
    definitions = f"event other = PROCESS_STATE_EXITED where {of_event}\nlet named = {named}"
    text = f"{definitions}\non {selected} where {condition} or eventname endswith 'D' and named shutdown"
    (rules, found), events = linted(text), data.draw(st.lists(possible_events(types), max_size=12))
    (rule,), (other,) = rules.rules, linted(rewritten(text, found))[0].rules
    for event in events:
        assert fires(rule, event, HOST, ENV) is fires(other, event, HOST, ENV)


ACTED = ("PROCESS_STATE_EXITED", "PROCESS_STATE", "crashed", "PROCESS_STATE_RUNNING, PROCESS_STATE_EXITED")


@THOROUGH
@given(st.data())
def test_a_shadowed_rule_never_fires_alone(data: st.DataObject) -> None:
    """A rule that is said to be covered or repeated fires only on events on which another one fires, too."""
    rule = st.tuples(st.sampled_from(ACTED), conditions(["PROCESS_STATE_EXITED"]))
    texts = [f"on {name} where {text} shutdown" for name, text in data.draw(st.lists(rule, min_size=2, max_size=5))]
    rules, found = linted("\n".join(texts))
    superfluous = {one.where[1] - 1 for one in found if one.code in ("RL402", "RL403")}
    for event in data.draw(st.lists(possible_events(SELECTIONS["PROCESS_STATE"]), max_size=12)):
        fired = {number for number, rule in enumerate(rules.rules) if fires(rule, event, HOST, ENV)}
        assert not fired or fired - superfluous


# names

UNUSED: dict[str, tuple[list[str], list[str]]] = {
    "used in a condition, a selector, a list and a template": (
        [
            "let a = 'x'\nlet b = [a]\nevent c = TICK\nlet d = pid\non c where when > 1 alert 'c'",
            "on PROCESS_LOG where data in b alert '{d}'",
        ],
        [],
    ),
    "used after `then`, `without`, `until`, `on no` and in targets": (
        [
            "event a = TICK\nevent b = TICK_5\nevent c = TICK_60\nevent d = TICK_3600\nlet e = 'web:*'",
            "on PROCESS_STATE_FATAL then a within 1m overall alert 'x' until b",
            "on PROCESS_STATE_FATAL without c within 1m overall start '{e}'\non no d for 2h alert 'x'",
        ],
        [],
    ),
    "used in another file": (["let a = 'x'", "on PROCESS_LOG where data == a shutdown"], []),
    "used by itself through another one that is unused": (
        ["let a = 'x'\nlet b = [a, 'y']\nlet c = groupname in b\non TICK shutdown"],
        ["`a` is used by no rule", "`b` is used by no rule", "`c` is never used"],
    ),
    "a name of the prelude that is redefined": (
        ["event crashed = TICK\non TICK shutdown"],
        ["`crashed` is never used"],
    ),
    "no rules at all: a file of names for others": (["let a = 'x'"], []),
    "the name of a field in a template is no use": (["let a = 'x'\non TICK alert '{{a}} a'"], ["`a` is never used"]),
}


@pytest.mark.parametrize("case", UNUSED)
def test_unused_names(case: str) -> None:
    """Names that no rule uses are found, in all files together."""
    texts, expected = UNUSED[case]
    assert messages(*texts) == expected


# rules beside one another

TWICE: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "the same": ("on TICK alert 'x'\non TICK alert 'x'", [("RL402", 2)]),
    "the same in other words": ("on gave_up alert 'x'\nrule a on PROCESS_STATE_FATAL alert error 'x'", [("RL402", 2)]),
    "three": ("on TICK alert 'x'\non TICK alert 'x'\non TICK alert 'x'", [("RL402", 2), ("RL402", 3)]),
    "another text": ("on TICK alert 'x'\non TICK alert 'y'", []),
    "another severity": ("on TICK alert 'x'\non TICK alert info 'x'", []),
    "another channel": ("on TICK alert 'x'\non TICK alert 'x' to a", []),
    "one action more": ("on TICK alert 'x'\non TICK alert 'x' shutdown", []),
    "some of the events, later": ("on TICK alert 'x'\non TICK_5 alert 'x'", [("RL403", 2)]),
    "some of the events, earlier": ("on TICK_5 alert 'x'\non TICK alert 'x'", [("RL403", 1)]),
    "others of the events": ("on TICK where when > 5 alert 'x'\non TICK where when < 8 alert 'x'", []),
    "what implies the other": (
        "on TICK where when > 5 and when < 9 alert 'x'\non TICK where when < 9 alert 'x'",
        [("RL403", 1)],
    ),
    "equivalent": ("on TICK where when > 5 alert 'x'\non TICK where not (when <= 5) alert 'x'", [("RL403", 2)]),
    "counted": ("on TICK_5 2 times in 1h alert 'x'\non TICK 2 times in 1h alert 'x'", []),
    "held open": ("on TICK_5 alert 'x' until TICK_60\non TICK alert 'x' until TICK_60", []),
    "of a group that may be the listener's": ("on crashed alert 'x'\non crashed where groupname == 'a' alert 'x'", []),
    "of groups that the other one names": (
        "on crashed where groupname in ['a', 'b'] alert 'x'\non crashed where groupname == 'a' alert 'x'",
        [("RL403", 2)],
    ),
}


@pytest.mark.parametrize("case", TWICE)
def test_rules_that_do_what_others_do(case: str) -> None:
    """Rules that do twice what is done once are found; those that may do something else are not."""
    text, expected = TWICE[case]
    assert [found for found in codes(text) if found[0] in ("RL402", "RL403")] == expected


CRASH_OF_A = "on PROCESS_STATE_EXITED where expected == 0 and groupname == 'a' alert 'x'"
CRASH = "on PROCESS_STATE_EXITED where expected == 0 alert 'x'"
BLIND: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "alone": (CRASH, [("RL407", 1)]),
    "counted": ("on PROCESS_STATE_EXITED where expected == 0 3 times in 1m alert 'x'", [("RL407", 1)]),
    "said in another way": ("on PROCESS_STATE where not (expected != 0) alert 'x'", [("RL407", 1)]),
    "through a name": ("event died = PROCESS_STATE_EXITED where expected < 1\non died restart", [("RL407", 2)]),
    "of one group, beside BACKOFF of another": (
        f"{CRASH_OF_A}\non PROCESS_STATE_BACKOFF where groupname == 'b' alert 'x'",
        [("RL407", 1)],
    ),
    "of one group, beside BACKOFF of some": (
        f"{CRASH_OF_A}\non PROCESS_STATE_BACKOFF where groupname != 'b' and tries > 2 alert 'y'",
        [],
    ),
    "beside BACKOFF that can't be": (
        f"{CRASH}\non PROCESS_STATE_BACKOFF where tries > 2 and tries < 2 alert 'y'",
        [("RL407", 1), ("RL405", 2)],
    ),
    "beside `crashed`": (f"{CRASH}\non crashed 3 times in 1h alert 'y'", []),
    "beside FATAL": (f"{CRASH}\non PROCESS_STATE_FATAL alert 'y'", [("RL407", 1)]),
    "with FATAL": ("on (PROCESS_STATE_EXITED where expected == 0), PROCESS_STATE_FATAL alert 'x'", []),
    "any exit": ("on PROCESS_STATE_EXITED alert 'x'", []),
    "exits that were expected": ("on PROCESS_STATE_EXITED where expected == 1 alert 'x'", []),
    "exits of some process": ("on PROCESS_STATE_EXITED where pid == 0 alert 'x'", []),
    "no exit for a while": ("on no PROCESS_STATE_EXITED where expected == 0 for 1d alert 'x'", []),
}


@pytest.mark.parametrize("case", BLIND)
def test_crash_rules_that_miss_backoff(case: str) -> None:
    """A rule about unexpected exits alone is found, unless some rule is about BACKOFF of such a process."""
    text, expected = BLIND[case]
    assert codes(text) == expected


NEVER: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "a tick for a process": ("on PROCESS_STATE_FATAL alert 'x' until TICK_60", [("RL408", 1)]),
    "a tick for all": ("on PROCESS_STATE_FATAL overall alert 'x' until TICK_60", []),
    "a tick for what has no process": ("on LISTENER_EVENTS_LOST alert 'x' until TICK_60", []),
    "a tick for what may have one": ("on EVENT alert 'x' until TICK_60", []),
    "a tick among others": ("on PROCESS_STATE_FATAL alert 'x' until TICK_60, PROCESS_STATE_RUNNING", []),
    "the group that is removed": ("on PROCESS_STATE_FATAL per groupname alert 'x' until PROCESS_GROUP_REMOVED", []),
    "the group, for a process": (
        "on PROCESS_STATE_FATAL alert 'x' until PROCESS_GROUP_REMOVED",
        [("RL408", 1)],
    ),
    "another process": (
        "on PROCESS_STATE_FATAL where process == 'a' alert 'x' until PROCESS_STATE_RUNNING where process == 'b'",
        [("RL408", 1)],
    ),
    "a number that is a text elsewhere": (
        "on PROCESS_STATE_EXITED where pid == 7 per pid alert 'x' until PROCESS_LOG where pid == 7",
        [],
    ),
    "a text that may be empty, and is missing there": (
        "on REMOTE_COMMUNICATION per type alert 'x' until PROCESS_STATE_RUNNING",
        [],
    ),
    "a condition that is never true": (
        "on PROCESS_STATE_FATAL alert 'x' until PROCESS_STATE_RUNNING where from_state == 'FATAL'",
        [("RL408", 1)],
    ),
    "`then`": ("on PROCESS_STATE_FATAL then TICK within 1m alert 'x'", [("RL408", 1)]),
    "`without`": ("on PROCESS_STATE_FATAL without TICK within 1m alert 'x'", [("RL408", 1)]),
    "`until` after `then` is about S": ("on TICK_5 then PROCESS_STATE within 1m overall alert 'x' until TICK_60", []),
    "a name that is never true": (
        "let never = pid > 5 and pid < 3\non PROCESS_STATE_FATAL alert 'x' until PROCESS_STATE_RUNNING where never",
        [("RL405", 1), ("RL408", 2)],
    ),
}


@pytest.mark.parametrize("case", NEVER)
def test_what_never_comes(case: str) -> None:
    """What stands after `until`, `then` and `without` and can't come is found."""
    text, expected = NEVER[case]
    assert codes(text) == expected


# comments that allow

TRUE = "on TICK\n  where true\n  alert 'x'"
ALLOWED: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "nothing": (TRUE, [("RL404", 2)]),
    "the statement": (f"# allow RL404: so it is\n{TRUE}", []),
    "the statement, some lines below": (f"# allow RL404: so it is\n\n# Another comment.\n{TRUE}", []),
    "the statement, with others before and after": (
        f"on TICK_5 shutdown\n# allow RL404: so it is\n{TRUE}\non TICK_60 where true shutdown",
        [("RL404", 6)],
    ),
    "the end of another statement": (
        f"on TICK_5 shutdown # allow RL404: no\n{TRUE}",
        [("RL414", 1), ("RL404", 3)],
    ),
    "the line below": ("on TICK\n  # allow RL404: so it is\n  where true\n  alert 'x'", []),
    "another line": (
        "on TICK\n  where true\n  # allow RL404: so it is\n  alert 'x'",
        [("RL404", 2), ("RL414", 3)],
    ),
    "the statement that ends there": ("on TICK\n  where true\n  alert 'x' # allow RL404: so it is", []),
    "the statement that ends there, not the one before": (
        "on TICK\n  where true\n  alert 'x'\non TICK_5\n  shutdown # allow RL404: no",
        [("RL404", 2), ("RL414", 5)],
    ),
    "its own line": ("on TICK\n  where true # allow RL404: so it is\n  alert 'x'", []),
    "its own line, of several": ("on TICK where true alert 'x' # allow RL404, RL405: so it is", [("RL414", 1)]),
    "two codes": ("# allow RL404, RL401: so it is\nlet a = 5m < 1h\non TICK shutdown", []),
    "a string": ("on TICK where true alert '# allow RL404: no'", [("RL404", 1)]),
    "a string with a quote": ('on TICK where true alert "\\"# allow RL404: no"', [("RL404", 1)]),
    "a comment with a quote": (f"# it's\n# allow RL404: it's so\n{TRUE}", []),
    "no reason": (f"# allow RL404\n{TRUE}", [("RL411", 1)]),
    "an empty reason": (f"# allow RL404:  \n{TRUE}", [("RL411", 1)]),
    "an unknown code": (f"# allow RL999: so\n{TRUE}", [("RL412", 1), ("RL404", 3)]),
    "an error": (f"# allow RL201: so\n{TRUE}", [("RL413", 1), ("RL404", 3)]),
    "what allows": (f"# allow RL411: so\n# allow RL404\n{TRUE}", [("RL413", 1), ("RL411", 2)]),
    "prose": (f"# to allow this is right; allow RLIMIT_CORE\n{TRUE}", [("RL404", 3)]),
    "without a blank": (f"#allow RL404:so it is\n{TRUE}", []),
    "at the end of a file": (f"{TRUE}\n# allow RL404: nothing follows", [("RL404", 2), ("RL414", 4)]),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_comments_that_allow(case: str) -> None:
    """A comment silences the warnings that it names in what it is about, and those that can't be right are warnings."""
    text, expected = ALLOWED[case]
    assert codes(text) == expected


def test_a_comment_is_about_its_own_file() -> None:
    """What one file allows is not allowed in another one."""
    assert codes(f"# allow RL404: so it is\n{TRUE}", TRUE.replace("x", "y")) == [("RL404", 2)]


def test_all_are_warnings() -> None:
    """What is found is never an error, and of a code that is none."""
    found = linted(f"let a = true\nlet b = a\n{TRUE}\n{TRUE}\n{CRASH}\n# allow RL404\non TICK shutdown")[1]
    assert {one.code for one in found} == {"RL401", "RL402", "RL404", "RL407", "RL411"}
    assert {one.severity for one in found} == {Severity.WARNING}
    assert all(CODES[one.code].is_warning for one in found)
