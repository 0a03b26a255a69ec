"""What supervisord.conf says of the processes."""

from pathlib import Path

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.event.processes import Program
from rules_listener.tools.supervisorconf import read_programs

CONF = """
[supervisord]
[include]
files = conf.d/*.conf
[rpcinterface:other]
supervisor.rpcinterface_factory = not.installed:make
[program:web]
command=web --port 80%(process_num)02d
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=5
[program:member]
command=%(here)s/member
[group:team]
programs=member
[eventlistener:rl]
command=rules-listener run
events=PROCESS_STATE
priority=-1
"""
INCLUDED = """
[program:cat]
command=cat
priority=1
[program:a]
process_name=same
command=a
[program:b]
process_name=same
command=b
"""


def test_processes(tmp_path: Path) -> None:
    """Each process has its group, `startsecs` and command, in the order of starts; a name in two groups has none."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "more.conf").write_text(INCLUDED)
    (tmp_path / "supervisord.conf").write_text(CONF)
    programs = read_programs(tmp_path / "supervisord.conf")
    assert programs == {
        "rl": Program("rl", 1.0, "rules-listener run"),
        "web_00": Program("web", 5.0, "web --port 8000"),
        "web_01": Program("web", 5.0, "web --port 8001"),
        "member": Program("team", 1.0, f"{tmp_path}/member"),
        "cat": Program("cat", 1.0, "cat"),
        "same": Program(None, 1.0, "b"),
    }
    assert next(iter(programs)) == "rl"


@pytest.mark.parametrize(
    ("conf", "reason"),
    [
        ("[program:x]\ncommand=x\n", "does not include supervisord section"),
        ("[supervisord]\n[program:x]\n", "does not specify a command"),
        ("[supervisord]\n[program:x]\ncommand=x\nnumprocs=%(ENV_NOT_THERE)s\n", "cannot be expanded"),
        ("nothing", "this is no option and no section"),
    ],
)
def test_a_configuration_that_supervisord_refuses(tmp_path: Path, conf: str, reason: str) -> None:
    """The error is supervisord's own, with what to do."""
    path = tmp_path / "supervisord.conf"
    path.write_text(conf)
    with pytest.raises(ConfigError) as raised:
        read_programs(path)
    assert reason in str(raised.value)
    assert str(path) in str(raised.value)
    assert "leave --supervisor-conf out" in str(raised.value)


def test_a_configuration_of_another_host(tmp_path: Path) -> None:
    """The log may have come from elsewhere: users, folders and variables that are missing here are no mistake."""
    path = tmp_path / "supervisord.conf"
    options = "user=no-such-user\nstdout_logfile=/no/such/folder/x.log\ncommand=%(ENV_NOT_THERE)s/x\n"
    path.write_text(f"[supervisord]\nlogfile=/no/such/folder/x.log\n[program:x]\n{options}")
    assert read_programs(path) == {"x": Program("x", 1.0, "${NOT_THERE}/x")}


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ConfigError, match=r"No such file or directory\n --> .*/x\.conf"):
        read_programs(tmp_path / "x.conf")
