"""supervisord.conf, read with supervisor's own parser, and by nothing that it names."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from supervisor import events, options

from rules_listener.serve.supervisorconf import SupervisorConf, read_supervisor_conf
from tests.serve.confs import SUPERVISORD

PROGRAM = "[program:web]\ncommand=true\n"
WOULD_NOT_START = "supervisord would not start with this: "


def _read(folder: Path, text: str) -> tuple[SupervisorConf | None, list[tuple[int, str, str]]]:
    """The configuration, and line, message and notes of each diagnostic."""
    path = folder / "supervisord.conf"
    path.write_text(text, encoding="utf-8")
    conf, found = read_supervisor_conf(path)
    assert {one.code for one in found} <= {"RL501"}
    shown = [(one.where[1], one.message.removeprefix(WOULD_NOT_START), " ".join(one.notes)) for one in found]
    return conf, shown


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 0, ".ini file does not include supervisord section"),
        ("command=true\n[supervisord]\n", 1, "this is no option and no section"),
        ("[supervisord]\n\nnonsense\n", 3, "this is no option and no section"),
        (f"[supervisord]\n{PROGRAM}startsecs=soon\n", 4, "invalid literal for int() with base 10: 'soon'"),
        (f"[supervisord]\n{PROGRAM}autostart = perhaps ; ?\n", 4, "not a valid boolean value: 'perhaps'"),
        (f"[supervisord]\n{PROGRAM}stopsignal=HUPP\n", 4, "value 'HUPP' is not a valid signal name"),
        (
            f"[supervisord]\n{PROGRAM}numprocs=2\n",
            2,
            "%(process_num) must be present within process_name when numprocs > 1",
        ),
        ("[supervisord]\n[program:web]\n", 2, "program section program:web does not specify a command"),
        ("[supervisord]\n[program:a b]\ncommand=true\n", 2, "Invalid name: 'a b' because of character: ' '"),
        ("[supervisord]\n[group:g]\nprograms=web\n", 2, "[group:g] names unknown program or fcgi-program web"),
        (f"[supervisord]\n{PROGRAM}process_name=%(nme)s\n", 4, "the value for 'process_name' contains names ('nme')"),
        ("[supervisord]\n[eventlistener:l]\ncommand=true\n", 2, '[eventlistener:l] section requires an "events" line'),
        (
            "[supervisord]\n[eventlistener:l]\nevents=TICK_7\ncommand=true\n",
            3,
            "Unknown event type TICK_7 in [eventlistener:l] events",
        ),
        (
            "[supervisord]\n[eventlistener:l]\nevents=TICK\ncommand=true\nbuffer_size=0\n",
            5,
            "[eventlistener:l] section sets invalid buffer_size (0)",
        ),
        ("[supervisord]\n[inet_http_server]\n", 2, "section [inet_http_server] has no port value"),
        ("[supervisord]\n[fcgi-program:f]\ncommand=true\n", 2, '[fcgi-program:f] section requires a "socket" line'),
    ],
)
def test_what_supervisord_would_not_start_with(tmp_path: Path, text: str, line: int, message: str) -> None:
    """What supervisor says of a file is said with the line that it is about."""
    conf, ((found_line, found, _),) = _read(tmp_path, text)
    assert conf is None
    assert (found_line, found.startswith(message)) == (line, True), (found_line, found)


def test_all_lines_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    """Supervisor's parser goes on after a line that it does not understand."""
    _, found = _read(tmp_path, "[supervisord]\none\nuser=x\ntwo\n")
    assert [line for line, _, _ in found] == [2, 4]


def test_a_mistake_in_an_included_file_is_shown_there(tmp_path: Path) -> None:
    """A line of an included file is named with that file."""
    (tmp_path / "web.conf").write_text("; the web\n[program:web]\ncommand=true\nnumprocs=many\n")
    (tmp_path / "supervisord.conf").write_text("[supervisord]\n[include]\nfiles=*.conf\n")
    _, (found,) = read_supervisor_conf(tmp_path / "supervisord.conf")
    assert found.where == (str(tmp_path / "web.conf"), 4, 1)
    assert found.message == f"{WOULD_NOT_START}invalid literal for int() with base 10: 'many'"


def test_files_are_named_as_the_main_one_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a configuration that is named relative to this folder, included files are too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web.conf").write_text("nonsense\n")
    (tmp_path / "supervisord.conf").write_text("[supervisord]\n[include]\nfiles=web.conf\n")
    _, (found,) = read_supervisor_conf(Path("supervisord.conf"))
    assert found.where == ("web.conf", 1, 1)


@pytest.mark.parametrize("make", [lambda _: None, Path.mkdir], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A file that is not there, or is no file, is an error that says so."""
    path = tmp_path / "supervisord.conf"
    make(path)
    conf, (found,) = read_supervisor_conf(path)
    assert (conf, found.code, found.where) == (None, "RL301", (str(path), 0, 0))


def test_an_included_file_that_cannot_be_read_is_no_secret(tmp_path: Path) -> None:
    """Supervisor passes over an included file that it may not read; here that is an error: it may define anything."""
    (tmp_path / "supervisord.conf").write_text("[supervisord]\n[include]\nfiles=a.conf b.conf\n")
    (tmp_path / "a.conf").symlink_to("a.conf")
    (tmp_path / "b.conf").mkdir()
    conf, found = read_supervisor_conf(tmp_path / "supervisord.conf")
    assert conf is None
    assert {(one.code, one.where[0]) for one in found} <= {
        ("RL301", str(tmp_path / name)) for name in ("a.conf", "b.conf")
    }
    assert found


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A file that is no text in this locale is an error of the file."""
    path = tmp_path / "supervisord.conf"
    path.write_bytes(b"[supervisord]\nidentifier=\xff\n")
    _, (found,) = read_supervisor_conf(path)
    assert found.code == "RL501"
    assert "can't decode byte 0xff" in found.message


OF_ANOTHER_HOST = """\
[supervisord]
user=nobody-here
directory=/nowhere
logfile=/nowhere/supervisord.log
pidfile=/nowhere/supervisord.pid
childlogdir=/nowhere
environment=TOKEN="%(ENV_NOT_SET_HERE)s"

[unix_http_server]
file=%(ENV_NOT_SET_HERE)s/s.sock
chown=nobody-here
password=%(ENV_NOT_SET_HERE)s
username=me

[program:web]
command=%(ENV_NOT_SET_HERE)s/web --percent=100%%(ENV_NOT_SET_HERE)s
user=nobody-here
directory=/nowhere
stdout_logfile=/nowhere/web.log
stderr_logfile=/nowhere/web.err
environment=KEY="%(ENV_NOT_SET_HERE)s"

[fcgi-program:php]
command=php
socket=unix:///nowhere/%(program_name)s.sock
socket_owner=nobody-here
user=nobody-here
"""


def test_a_configuration_of_another_host(tmp_path: Path) -> None:
    """Users, folders and variables that are not here are no mistake."""
    conf, found = _read(tmp_path, OF_ANOTHER_HOST)
    assert found == []
    assert conf is not None
    assert [process.command for process in conf.processes] == [
        "php",
        "${NOT_SET_HERE}/web --percent=100%(ENV_NOT_SET_HERE)s",
    ]


@pytest.mark.parametrize("option", ["numprocs", "process_name", "startretries", "stdout_events_enabled"])
def test_variables_that_have_to_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """A variable on which processes or events depend has to be set, and is named if it is not."""
    text = f"[supervisord]\n{PROGRAM}{option}=%(ENV_RL_TEST)s\n"
    _, ((line, message, notes),) = _read(tmp_path, text)
    assert (line, "names ('ENV_RL_TEST') which cannot be expanded" in message) == (4, True)
    assert notes == "set it for this check as supervisord has it: RL_TEST=…"
    monkeypatch.setenv("RL_TEST", "1")
    conf, found = _read(tmp_path, text)
    assert (conf is not None, found) == (True, [])


def test_variables_that_the_file_sets_itself(tmp_path: Path) -> None:
    """What `environment=` of [supervisord] sets is known to the options of programs."""
    conf, found = _read(tmp_path, f'[supervisord]\nenvironment=RL_N="2"\n{PROGRAM}startretries=%(ENV_RL_N)s\n')
    assert found == []
    assert conf is not None
    assert [process.startretries for process in conf.processes] == [2]


@pytest.mark.parametrize(
    "line", ['environment=PASSWORD="s3cret', 'environment=PASSWORD="s3cret%x"', "environment=PASSWORD:s3cret"]
)
@pytest.mark.parametrize("section", ["[supervisord]\n", f"[supervisord]\n{PROGRAM}"])
def test_secrets_are_not_shown(tmp_path: Path, section: str, line: str) -> None:
    """What is wrong with an environment is said without showing it."""
    path = tmp_path / "supervisord.conf"
    path.write_text(f"{section}{line}\n")
    conf, found = read_supervisor_conf(path)
    assert conf is None
    for one in found:
        marked = one.span.source.text[one.span.start : one.span.end] if one.span else ""
        assert "s3cret" not in f"{one.message}{one.notes}{marked}"
        assert "environment" in one.message


PLUGIN = "open({mark!r}, 'w')\ndef make(supervisord, **config): open({mark!r}, 'w')\ndef handle(event, result): pass\n"


def test_nothing_happens_but_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No plugin is imported, no log, socket or pid file made, and supervisor is as it was before."""
    mark = str(tmp_path / "mark")
    conf_folder = tmp_path / "etc"
    conf_folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "rl_test_plugin.py").write_text(PLUGIN.format(mark=mark))
    monkeypatch.chdir(conf_folder)
    before = {**vars(options)}, {**vars(events.EventTypes)}, {**os.environ}
    conf, found = _read(
        conf_folder,
        f"{SUPERVISORD}[rpcinterface:mine]\nsupervisor.rpcinterface_factory=rl_test_plugin:make\n{PROGRAM}"
        "[eventlistener:l]\ncommand=true\nevents=MINE,TICK_60\nresult_handler=rl_test_plugin:handle\n",
    )
    assert found == []
    assert conf is not None
    assert (conf.plugins, conf.pools[0].events) == (("mine",), ("MINE", "TICK_60"))
    assert conf.pools[0].result_handler == "rl_test_plugin:handle"
    assert not Path(mark).exists()
    assert [path.name for path in conf_folder.iterdir()] == ["supervisord.conf"]
    assert ({**vars(options)}, {**vars(events.EventTypes)}, {**os.environ}) == before


def test_patterns_that_match_no_file(tmp_path: Path) -> None:
    """An [include] of nothing is no mistake, and is known."""
    conf, found = _read(tmp_path, "[supervisord]\n[include]\nfiles=conf.d/*.conf %(here)s/more/*.conf\n")
    assert found == []
    assert conf is not None
    assert conf.unmatched == (f"{tmp_path}/conf.d/*.conf", f"{tmp_path}/more/*.conf")
