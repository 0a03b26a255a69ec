"""Statements become meaning: what names stand for, and what is wrong."""

import pytest

from rules_listener.base.diagnostics import in_order
from rules_listener.base.source import Source
from rules_listener.event.catalogue import CATALOGUE, UNLISTED, concrete_types
from rules_listener.lang.check import check, check_template
from rules_listener.lang.checked import RuleSet
from rules_listener.lang.parse import parse
from rules_listener.lang.rules import Channels


def codes(*texts: str, channels: Channels | None = None) -> list[tuple[str, int]]:
    """Code and line of what is wrong with some files, by place."""
    _, found = check([parse(Source(f"{number}.rules", text)) for number, text in enumerate(texts)], channels)
    return [(one.code, one.where[1]) for one in in_order(found)]


def rules(*texts: str) -> RuleSet:
    """The rules of some files without mistakes."""
    checked_rules, found = check([parse(Source(f"dir/{number}.rules", text)) for number, text in enumerate(texts)])
    assert not found
    return checked_rules


def meaning(*texts: str) -> str:
    """What the only rule of some files means."""
    (rule,) = rules(*texts).rules
    return rule.meaning


# one mistake hides no other


def test_two_wrong_rules_are_two_diagnostics() -> None:
    """Each wrong rule is reported, and the right one between them comes out."""
    text = "on PROCESS_STATE_FATAL where a shutdown\nrule good on TICK_5 shutdown\non TICK_5 where b shutdown"
    found_rules, found = check([parse(Source("x", text))])
    assert [(one.code, one.where[1]) for one in found] == [("RL201", 1), ("RL201", 3)]
    assert [rule.name for rule in found_rules.rules] == ["good"]


def test_several_mistakes_in_one_rule() -> None:
    """All that is wrong in one rule is reported at once: both sides of `and`, templates, channels."""
    text = "on PROCESS_STATE_FATAL where pid == 1 and tries > 2\n  alert '{when}' to sea run ['{x}', '{groupname}']"
    assert codes(text, channels=Channels(["mail"], ["mail"])) == [
        ("RL201", 1),
        ("RL201", 1),
        ("RL201", 2),
        ("RL212", 2),
        ("RL201", 2),
    ]


def test_mistakes_in_several_files() -> None:
    """All files are checked together; what one defines, another one uses."""
    assert codes("on web shutdown", "let a = pid == 'x'", "event web = TICK_5 where when > c") == [
        ("RL205", 1),
        ("RL201", 1),
    ]


CASCADES = {
    "a value that can't be read": ("let a = = 1\non TICK_5 where when == a shutdown\non a shutdown", [("RL101", 1)]),
    "an event that can't be read": (
        "event a = (TICK_5\non a shutdown\non a, TICK_60 where when > 1 shutdown",
        [("RL101", 1)],
    ),
    "a value that is wrong": (
        "let a = lowr(data)\non PROCESS_LOG where a == 'x' or a in ['y'] shutdown",
        [("RL210", 1)],
    ),
    "a list that is wrong": ("let a = [1, 'x']\non PROCESS_LOG where pid in a shutdown", [("RL214", 1)]),
    "an event that is wrong": ("event a = TICK_6\nevent b = a where x\non b shutdown\non a shutdown", [("RL202", 1)]),
    "a value over a wrong one": (
        "let a = b\nlet b = 'x' == 1\nlet c = not a\non TICK_5 where c shutdown",
        [("RL205", 2)],
    ),
    "a circle of values": ("let a = b\nlet b = c\nlet c = b\non TICK_5 where a or b or c shutdown", [("RL204", 3)]),
    "a circle of events": ("event a = TICK_5, b\nevent b = a\non a shutdown\non b shutdown", [("RL204", 2)]),
    "a value of itself": ("let a = a\non TICK_5 where a shutdown", [("RL204", 1)]),
    "a name that is taken": ("let a = 1\nlet a = 'x'\non TICK_5 where when == a shutdown", [("RL203", 2)]),
}


@pytest.mark.parametrize("case", CASCADES)
def test_a_wrong_definition_is_reported_once(case: str) -> None:
    """What is wrong with a definition is said where it is defined; its uses are quiet, and no rule comes of them."""
    text, expected = CASCADES[case]
    assert codes(text) == expected
    if expected[0][0] != "RL203":
        assert check([parse(Source("x", text))])[0].rules == ()


# names


def test_values_and_events_stand_for_what_they_mean() -> None:
    """Names of `let` and `event` mean the same as what they stand for, however often and wherever they are defined."""
    plain = (
        "on (PROCESS_STATE_EXITED where expected == 0), PROCESS_STATE_BACKOFF where groupname in ['a', 'b'] shutdown"
    )
    assert meaning(plain) == meaning("on crashed where groupname in ['a', 'b'] shutdown")
    assert meaning(plain) == meaning(
        "on down where important shutdown",
        "event down = crashed",
        "let important = groupname in web",
        "let web = [one, 'a'] let one = 'b'",
    )


def test_a_file_may_define_a_name_of_the_prelude_itself() -> None:
    """A name of the prelude that a file defines means what the file says."""
    assert meaning("event crashed = TICK_5 on crashed shutdown") == meaning("on TICK_5 shutdown")
    assert codes("let crashed = pid > 1 on crashed shutdown") == [("RL202", 1)]


@pytest.mark.parametrize("name", [name for name, kind in CATALOGUE.items() if kind.abstract])
def test_an_abstract_type_selects_its_subtypes(name: str) -> None:
    """An abstract type selects all that descends from it; `EVENT` also what the catalogue does not list."""
    (rule,) = rules(f"on {name} shutdown").rules
    unlisted = [UNLISTED] if name == "EVENT" else []
    assert list(rule.arms[0].types) == [kind.name for kind in concrete_types(name)] + unlisted


def test_names_of_rules() -> None:
    """A rule without a name is called after its place."""
    found = rules("on TICK_5 shutdown\n\nrule a on TICK_5 shutdown\n on TICK_5\n shutdown")
    assert [rule.name for rule in found.rules] == ["0.rules:1", "a", "0.rules:4"]


SAME = (
    ("on TICK_5 where when > 1 shutdown", "# comment\nrule other\non TICK_5\n  where ((when > 1))\n\tshutdown"),
    ("on TICK_5 where when in [1, 2] shutdown", "on TICK_5 where when in [2, 1] shutdown"),
    ("on PROCESS_LOG where data == null shutdown", "on PROCESS_LOG where not has(data) shutdown"),
    ("on TICK_5 where when > 65536 shutdown", "on TICK_5 where when > 64KiB shutdown"),
    ("on PROCESS_LOG where data == 'a' shutdown", 'on PROCESS_LOG where data == "\\u{61}" shutdown'),
)
DIFFERENT = (
    ("on TICK_5 shutdown", "on TICK_60 shutdown"),
    ("on TICK_5 where when > 1 shutdown", "on TICK_5 where when >= 1 shutdown"),
    ("on PROCESS_LOG where json(data, '') == '1' shutdown", "on PROCESS_LOG where json(data, '') == 1 shutdown"),
    ("on PROCESS_LOG where json(data, '') == 'true' shutdown", "on PROCESS_LOG where json(data, '') == true shutdown"),
    ("on TICK_5 alert 'a'", "on TICK_5 alert 'b'"),
    ("on TICK_5 alert 'a'", "on TICK_5 alert info 'a'"),
    ("on TICK_5 alert 'a'", "on TICK_5 alert 'a' to mail"),
    ("on TICK_5 alert 'a'", "on TICK_5 run ['a']"),
    ("on TICK_5 alert 'field.when'", "on TICK_5 alert '{when}'"),
    ("on PROCESS_LOG where json(data, 'a,b') == 1 shutdown", "on PROCESS_LOG where json(data, 'a') == 1 shutdown"),
    (
        "on PROCESS_LOG where not (data == 'a' or pid == 1) shutdown",
        "on PROCESS_LOG where not data == 'a' or pid == 1 shutdown",
    ),
)


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_meaning(first: str, second: str) -> None:
    """Spelling, place, name and comments change no rule's meaning."""
    assert meaning(first) == meaning(second)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_another_meaning(first: str, second: str) -> None:
    """Whatever changes what a rule does changes its meaning."""
    assert meaning(first) != meaning(second)


PARTS_OF_VALUES = (
    "from_state like 'ST*'",
    "from_state =~ '^(STOPP|START)ING$'",
    "from_state startswith 'RUN'",
    "expected < 2",
)


@pytest.mark.parametrize("condition", PARTS_OF_VALUES)
def test_a_part_of_a_possible_value_is_possible(condition: str) -> None:
    """Only where a field must equal a value has that to be one of the field's values."""
    assert codes(f"on PROCESS_STATE where {condition} shutdown") == []


# channels


CHANNELS: tuple[tuple[str, list[str], list[str], list[str]], ...] = (
    ("on TICK_5 alert 'a' to mail", ["mail"], ["mail"], []),
    ("on TICK_5 alert 'a'", ["mail"], ["mail"], []),
    ("on TICK_5 alert 'a' to sms", ["mail"], ["mail"], ["RL212"]),
    ("on TICK_5 alert 'a'", ["mail"], [], ["RL212"]),
    ("on TICK_5 alert 'a' to mail", ["mail"], [], []),
    ("on TICK_5 shutdown", [], [], []),
)


@pytest.mark.parametrize(("text", "known", "default", "expected"), CHANNELS)
def test_channels(text: str, known: list[str], default: list[str], expected: list[str]) -> None:
    """An alert goes to channels that are known, or to the default ones, of which there is one then."""
    assert [code for code, _ in codes(text, channels=Channels(known, default))] == expected


def test_without_a_configuration_any_channel_is_accepted() -> None:
    """Rules can be checked without a configuration."""
    assert codes("on TICK_5 alert 'a' to anyone") == []


# templates of the configuration

TEMPLATES: dict[str, list[str]] = {
    "": [],
    "{severity}: {message}": [],
    "{process} {pid} {data} {when} {lost}": [],
    "{id} {rule} {host} {env('HOME')}": [],
    "{has(pid) and pid > 1}": [],
    "{procces}": ["RL201"],
    "{pid > 'a'}": ["RL205"],
    "{pid": ["RL105"],
    "{count}": ["RL201"],
    "{crashed}": ["RL201"],
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_of_the_configuration(template: str) -> None:
    """A template of the configuration knows all fields of all events, and what each firing gives."""
    _, found = check_template(Source("config", template))
    assert [one.code for one in found] == TEMPLATES[template]


GIVEN = {
    "alert '{rule} {severity} {id} {process}'": [],
    "alert '{message}'": ["RL201"],
    "run ['{message}']": [],
    "alert '{count}'": ["RL201"],
    "alert '{tries}'": ["RL201"],
    "3 times in 1m alert '{count} {window} {first_time}'": [],
    "3 times in 1m alert '{elapsed}'": ["RL201"],
    "3 distinct process in 1m alert '{count} {values}'": [],
    "for 1m alert '{elapsed > 2m}'": [],
    "without TICK_5 within 1m alert '{elapsed} {count}'": [],
    "then TICK_5 within 1m alert '{count}'": ["RL201"],
    "alert '{suppressed}' at most 5 per 1h": [],
    "alert '{suppressed}'": ["RL201"],
    "alert '{env(\"HOME\")} {host} {fqdn} {ip}'": [],
    "alert '{[1]}'": ["RL213"],
    "alert '{null}'": ["RL206"],
}


@pytest.mark.parametrize("action", GIVEN)
def test_what_templates_know(action: str) -> None:
    """A template knows the fields of the selected events and what the firing gives; a message only in `run`."""
    assert sorted(code for code, _ in codes(f"on PROCESS_STATE_FATAL {action}")) == GIVEN[action]
