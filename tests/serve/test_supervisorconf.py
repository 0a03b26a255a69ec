"""What supervisord.conf says of processes and pools, as plain values."""

from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from rules_listener.serve.supervisorconf import Output, Pool, SupervisorConf
from tests.serve.confs import LISTENER, SUPERVISORD, conf_of, read_conf

EVERYTHING = """\
[include]
files=more.conf

[program:web]
command=web --port=80%(process_num)d
process_name=%(group_name)s-%(program_name)s_%(process_num)02d
numprocs=2
numprocs_start=1
startsecs=5
startretries=7
exitcodes=0,2
autostart=false
autorestart=true
stdout_events_enabled=true
stderr_capture_maxbytes=1MB

[program:cat]
command=cat
autorestart=false
redirect_stderr=true
stderr_events_enabled=true

[group:site]
programs=web,php
priority=5

[fcgi-program:php]
command=php
socket=tcp://127.0.0.1:9000

[group:empty]
programs=
"""
MORE = "[program:late]\ncommand=%(here)s/late\n"


@pytest.fixture
def conf(tmp_path: Path) -> SupervisorConf:
    """A configuration of everything."""
    (tmp_path / "more.conf").write_text(MORE)
    return conf_of(tmp_path, EVERYTHING)


def test_groups_and_processes(conf: SupervisorConf) -> None:
    """Programs of several processes, groups of several programs, FastCGI programs, listeners and included files."""
    assert {group.name: [process.name for process in group.processes] for group in conf.groups} == {
        "rl": ["rl"],
        "site": ["site-web_01", "site-web_02", "php"],
        "empty": [],
        "cat": ["cat"],
        "late": ["late"],
    }
    assert sorted(process.shown for process in conf.processes) == [
        "cat",
        "late",
        "rl",
        "site:php",
        "site:site-web_01",
        "site:site-web_02",
    ]


def test_the_same_as_supervisord(conf: SupervisorConf) -> None:
    """Groups and processes are those that supervisord itself starts with this file."""
    options = ServerOptions()
    options.realize(["-c", conf.file], doc="")
    assert [(group.name, [process.name for process in group.processes]) for group in conf.groups] == [
        (group.name, [process.name for process in group.process_configs]) for group in options.process_group_configs
    ]
    assert [process.command for process in conf.processes] == [
        process.command for group in options.process_group_configs for process in group.process_configs
    ]


def test_what_is_said_of_a_process(conf: SupervisorConf, tmp_path: Path) -> None:
    """All options of a process have supervisord's values, defaults included."""
    processes = {process.name: process for process in conf.processes}
    web, cat = processes["site-web_02"], processes["cat"]
    assert (web.group, web.section, web.command, web.priority) == ("site", "program:web", "web --port=802", 999)
    assert (web.startsecs, web.startretries, web.exitcodes) == (5, 7, (0, 2))
    assert (web.autostart, web.autorestart) == (False, "always")
    assert web.outputs == {"stdout": Output(events_enabled=True, capture_maxbytes=0), "stderr": Output(False, 1 << 20)}  # noqa: FBT003 - as is
    assert (cat.startsecs, cat.startretries, cat.exitcodes) == (1, 3, (0,))
    assert (cat.autostart, cat.autorestart, processes["php"].autorestart) == (True, "never", "unexpected")
    assert cat.outputs["stderr"].reason == "redirect_stderr=true makes its standard error a part of its standard output"
    assert processes["late"].command == f"{tmp_path}/late"


def test_a_pool(conf: SupervisorConf) -> None:
    """A section of an event listener has its events and its options as they are written."""
    (pool,) = conf.pools
    assert (pool.name, pool.section, pool.events, pool.buffer_size) == ("rl", "eventlistener:rl", ("EVENT",), 1000)
    assert (pool.command, pool.processes[0].priority, pool.serverurl) == ("rules-listener run", -1, "")
    assert pool.processes[0].outputs["stdout"].reason


def test_a_command_is_as_it_was_written(tmp_path: Path) -> None:
    """What supervisor puts in the place of `%(here)s` does not get into a pool's options."""
    (tmp_path / "more.conf").write_text(MORE)
    listener = LISTENER.replace("run", "run --config %(here)s/rules-listener.yaml")
    pool = conf_of(tmp_path, "[include]\nfiles=more.conf\n", listener=listener).pools[0]
    assert pool.command == "rules-listener run --config %(here)s/rules-listener.yaml"
    assert pool.processes[0].command == f"rules-listener run --config {tmp_path}/rules-listener.yaml"


def test_where_things_stand(conf: SupervisorConf, tmp_path: Path) -> None:
    """Options are found in the file where they stand, or their section is."""
    lines = (tmp_path / "supervisord.conf").read_text().splitlines()
    for section, option, text in [
        ("program:web", "startretries", "startretries=7"),
        ("program:web", "stdout_capture_maxbytes", "[program:web]"),
        ("eventlistener:rl", "", "[eventlistener:rl]"),
    ]:
        span = conf.places.of(section, option)
        assert span is not None
        assert (lines[span.line - 1], span.source.text[span.start : span.end]) == (text, text)
    late = conf.places.of("program:late", "command")
    assert late is not None
    assert late.place == f"{tmp_path}/more.conf:2:1"
    assert conf.places.of("program:none") is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", (True, True)),
        ("[unix_http_server]\nfile=/run/supervisor.sock\n", "", (False, True)),
        ("[unix_http_server]\nfile=/run/supervisor.sock\n", "[inet_http_server]\nport=9001\n", (True, True)),
        ("[rpcinterface:supervisor]", "[rpcinterface:other]", (True, False)),
    ],
)
def test_whether_supervisord_can_be_asked(tmp_path: Path, old: str, new: str, expected: tuple[bool, bool]) -> None:
    """It takes a server and the main RPC interface."""
    conf = read_conf(tmp_path, SUPERVISORD.replace(old, new) + LISTENER)
    assert (conf.has_server, conf.has_rpc_interface) == expected


def test_pools_and_groups_differ(conf: SupervisorConf) -> None:
    """A pool is a group, and no other group is a pool."""
    assert [group.name for group in conf.groups if isinstance(group, Pool)] == ["rl"]
