"""What people read of the generated code."""

from pathlib import Path

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.tools.generated import code_of_rule

RULES = """\
rule crash on PROCESS_STATE_EXITED where groupname == "web" and pid > 7
  alert "{process} died" until PROCESS_STATE_RUNNING
rule slow on PROCESS_LOG where len(data) > 100 shutdown
rule gone on PROCESS_STATE_FATAL where processname =~ '^(a|b)' shutdown
"""

CRASH = """\
# crash

# PROCESS_STATE_RUNNING: an event that closes its alert
#   found by groupname == 'web'

# PROCESS_STATE_EXITED: an event that it selects
#   found by groupname == 'web'
#   then tested in place

def on_PROCESS_STATE_RUNNING_2(e):
    hits = []
    groupname = e.groupname
    group = equals_0.get(groupname)
    if group is not None:
        hits += group
    return hits

def on_PROCESS_STATE_EXITED_3(e):
    hits = []
    groupname = e.groupname
    group = equals_1.get(groupname)
    if group is not None:
        f = e.fields
        pid = f.get('pid')
        if (pid is not None and pid > 7): hits += group
    return hits

def key_1(e):
    process = e.process
    return '' if process is None else show(process)

def template_0(c0, e, v):
    process = e.process
    return ''.join((('-' if process is None else process), c0))"""


@pytest.fixture
def rules(tmp_path: Path) -> list[str]:
    """A folder with the rules."""
    (tmp_path / "crash.rules").write_text(RULES, encoding="utf-8")
    return [str(tmp_path)]


def test_the_code_of_a_rule(rules: list[str]) -> None:
    """All that is generated for a rule, after what leads to it."""
    assert code_of_rule("crash", None, rules) == CRASH


def test_what_leads_to_a_rule(rules: list[str]) -> None:
    """Whether the index leads to a rule can be seen."""
    assert "#   tried at each of them\n#   then test_4 with c0 = 100\n" in code_of_rule("slow", None, rules)
    assert "#   found by processname =~ '^(a|b)'\n" in code_of_rule("gone", None, rules)


def test_no_such_rule(rules: list[str]) -> None:
    """A name that is misspelt is answered with the nearest one."""
    with pytest.raises(ConfigError, match="there is no rule `crush`: did you mean `crash`\\?"):
        code_of_rule("crush", None, rules)


def test_rules_with_an_error(tmp_path: Path) -> None:
    """What is wrong has no code, but diagnostics."""
    (tmp_path / "x.rules").write_text("on PROCESS_STATE_FATAL where pid == 7 shutdown", encoding="utf-8")
    with pytest.raises(ConfigError, match="RL201"):
        code_of_rule("x.rules:1", None, [str(tmp_path)])


def test_what_a_template_says_twice(tmp_path: Path) -> None:
    """What a function gives is worked out once in a template, however often it stands there."""
    text = "rule a on PROCESS_LOG alert '{lower(data)}, {lower(data)}' run ['{lower(data)}']"
    (tmp_path / "a.rules").write_text(text, encoding="utf-8")
    code = code_of_rule("a", None, [str(tmp_path)])
    assert code.count("m.setdefault(0, ") == 2
    assert code.count("m = {}") == 1
