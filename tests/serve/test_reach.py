"""What in rules can't come true with the processes of a supervisord, and what is not said of others."""

from pathlib import Path

import pytest

from rules_listener.serve.ownsection import own_pool
from rules_listener.serve.reach import Reach
from rules_listener.serve.supervisorconf import SupervisorConf
from tests.serve.confs import LISTENER, SUPERVISORD, conf_of, read_conf, rules_of, shown

CONF = """\
[program:web]
command=web
process_name=%(program_name)s_%(process_num)02d
numprocs=2
stdout_events_enabled=true

[program:postgres]
command=postgres

[program:pgbouncer]
command=pgbouncer
startretries=10
stderr_capture_maxbytes=1MB

[group:db]
programs=postgres,pgbouncer

[program:mixed]
command=mixed
redirect_stderr=true
stderr_events_enabled=true

[group:empty]
programs=
"""


@pytest.fixture
def conf(tmp_path: Path) -> SupervisorConf:
    """A web server of two processes, a group of two programs, a program whose outputs are one, and the listener."""
    return conf_of(tmp_path, CONF)


def found(conf: SupervisorConf, rules: str) -> list[str]:
    """All that is said about some rules, each once."""
    waiting = rules_of(rules)
    reach = Reach(conf, own_pool(conf)[0], waiting)
    said = [shown(one) for rule in waiting for one in reach.rule(rule)]
    return [one.replace(conf.file, "CONF") for one in dict.fromkeys(said)]


WBE = 'RL521 "wbe" | CONF has no group `wbe` | did you mean `web`?'
WEBB = 'RL521 "webb" | CONF has no group `webb` | did you mean `web`?'
A_GROUP = 'RL521 "web" | CONF has no process `web` | a group is called so: write groupname == "web"'

NAMES = {
    'on crashed where groupname == "wbe" shutdown': WBE,
    'on crashed where "wbe" == groupname shutdown': WBE,
    'on crashed where groupname in ["web", "dbs"] shutdown': (
        'RL521 "dbs" | CONF has no group `dbs` | did you mean `db`?'
    ),
    'let core = ["db", "wbe"] on crashed where groupname in core shutdown': WBE,
    'let x = groupname == "wbe" on crashed where x shutdown': WBE,
    'event e = PROCESS_STATE_FATAL where groupname == "wbe" on e shutdown': WBE,
    'on crashed where lower(groupname) == "wbe" shutdown': WBE,
    'on crashed where groupname == "postgres" shutdown': (
        'RL521 "postgres" | CONF has no group `postgres` | a process of the group `db` is called so'
    ),
    'on crashed where processname == "web" shutdown': A_GROUP,
    'on crashed where processname == "db:postgres" shutdown': (
        'RL521 "db:postgres" | CONF has no process `db:postgres` | did you mean `postgres`?'
    ),
    'on crashed where process == "postgres" shutdown': (
        'RL521 "postgres" | CONF has no process `postgres` | did you mean `db:postgres`?'
    ),
    'on crashed where process == "mixed:mixed" shutdown': (
        'RL521 "mixed:mixed" | CONF has no process `mixed:mixed` | did you mean `mixed`?'
    ),
    'on crashed where process like "cache*" shutdown': (
        'RL521 "cache*" | CONF has no process whose name is like `cache*`'
    ),
    "on crashed where groupname =~ '^we$' shutdown": "RL521 '^we$' | CONF has no group whose name matches `^we$`",
    'on crashed where processname startswith "cache" shutdown': (
        'RL521 "cache" | CONF has no process whose name starts with `cache`'
    ),
    'on crashed where groupname == "web" or groupname == "cache" shutdown': 'RL521 "cache" | CONF has no group `cache`',
    'on crashed where groupname == "cache" or pid > 7 shutdown': 'RL521 "cache" | CONF has no group `cache`',
    'on crashed where processname == "postgres" and groupname == "web" shutdown': (
        'RL521 processname == "postgres" and groupname == "web" | this is true of no process of CONF'
        " | so it never comes"
    ),
    "on crashed where len(groupname) > 100 shutdown": (
        "RL521 len(groupname) > 100 | this is true of no process of CONF | so it never comes"
    ),
    'on crashed then PROCESS_STATE_RUNNING where groupname == "wbe" within 5m shutdown': WBE,
    'on crashed alert "x" until PROCESS_STATE_RUNNING where groupname == "wbe"': WBE,
    'on no PROCESS_LOG_STDOUT where groupname == "wbe" for 5m shutdown': WBE,
    # under `not`, only what may be misspelt
    'on crashed where groupname != "webb" shutdown': WEBB,
    'on crashed where not (groupname in ["webb"]) shutdown': WEBB,
    'on crashed where processname not in ["web", "cache"] shutdown': A_GROUP,
    # what actions are about
    'on PROCESS_STATE_FATAL restart "web"': (
        'RL521 "web" | CONF has no process `web` | write "web:*" for the whole group'
    ),
    'on PROCESS_STATE_FATAL restart "postgres"': (
        'RL521 "postgres" | CONF has no process `postgres` | did you mean `db:postgres`?'
    ),
    'on PROCESS_STATE_FATAL stop "wbe:*"': 'RL521 "wbe:*" | CONF has no group `wbe` | did you mean `web`?',
    'on PROCESS_STATE_FATAL signal HUP "db:pgbouncr"': (
        'RL521 "db:pgbouncr" | CONF has no process `db:pgbouncr` | did you mean `db:pgbouncer`?'
    ),
}

EVENTS = {
    "on PROCESS_LOG_STDERR shutdown": "RL522 PROCESS_LOG_STDERR | no process of CONF sends PROCESS_LOG_STDERR",
    'on PROCESS_LOG where groupname == "db" shutdown': "RL522 PROCESS_LOG | none of these processes sends PROCESS_LOG",
    'event lines = PROCESS_LOG on lines where groupname == "db" shutdown': (
        "RL522 lines | none of these processes sends PROCESS_LOG"
    ),
    'on PROCESS_LOG where groupname in ["web", "db"] shutdown': 'RL522 "db" | `db` sends no PROCESS_LOG',
    'let core = ["web", "db"] on PROCESS_LOG where groupname in core shutdown': (
        "RL522 core | `db` sends no PROCESS_LOG"
    ),
    'on PROCESS_LOG where groupname == "db" or data contains "x" shutdown': 'RL522 "db" | `db` sends no PROCESS_LOG',
    "on PROCESS_COMMUNICATION_STDOUT shutdown": (
        "RL523 PROCESS_COMMUNICATION_STDOUT | no process of CONF sends PROCESS_COMMUNICATION_STDOUT"
    ),
    'on PROCESS_COMMUNICATION where processname == "postgres" shutdown': (
        "RL523 PROCESS_COMMUNICATION | none of these processes sends PROCESS_COMMUNICATION"
    ),
    'on PROCESS_LOG where channel == "stderr" shutdown': (
        "RL522 PROCESS_LOG | no process of CONF sends PROCESS_LOG_STDERR"
    ),
    'on PROCESS_STATE_BACKOFF where groupname == "web" and tries >= 5 shutdown': (
        "RL524 5 | `tries` gets no higher than 4: then supervisord gives up"
    ),
    'on PROCESS_STATE_STARTING where groupname == "web" and tries > 3 shutdown': (
        "RL524 3 | `tries` gets no higher than 3: then supervisord gives up"
    ),
    "on PROCESS_STATE_BACKOFF where tries > 11 shutdown": (
        "RL524 11 | `tries` gets no higher than 11: then supervisord gives up"
    ),
    "on PROCESS_STATE_BACKOFF where not tries <= 11.5 shutdown": (
        "RL524 11.5 | `tries` gets no higher than 11: then supervisord gives up"
    ),
    "on PROCESS_STATE_BACKOFF where tries == 1 or tries == 12 shutdown": (
        "RL524 12 | `tries` gets no higher than 11: then supervisord gives up"
    ),
    'on PROCESS_STATE_BACKOFF where tries == 9 and groupname in ["db", "web"] shutdown': (
        "RL524 9 | `tries` gets no higher than 4: then supervisord gives up"
    ),
    "on PROCESS_STATE where tries in [2, 20] shutdown": (
        "RL524 20 | `tries` gets no higher than 11: then supervisord gives up"
    ),
}
NEVER = " | so it never comes"


@pytest.mark.parametrize("rule", NAMES)
def test_names_that_nothing_has(conf: SupervisorConf, rule: str) -> None:
    """A name that no process or group has is reported where it is written, with what it may have been meant to be."""
    assert found(conf, rule) == [NAMES[rule]]


@pytest.mark.parametrize("rule", EVENTS)
def test_events_that_nothing_sends(conf: SupervisorConf, rule: str) -> None:
    """What the options of programs do not let happen is reported."""
    assert found(conf, rule) == [EVENTS[rule] + NEVER]


@pytest.mark.parametrize(
    "rule",
    [
        "on crashed shutdown",
        "on EVENT shutdown",
        "on TICK_60 shutdown",
        'on REMOTE_COMMUNICATION where type == "wbe" shutdown',
        'on crashed where groupname == "web" shutdown',
        'on crashed where processname in ["web_00", "web_01", "postgres"] shutdown',
        'on crashed where process in ["web:web_00", "mixed"] shutdown',
        'on crashed where groupname like "w*" or groupname =~ "^d" shutdown',
        # a process or a group, whichever it is
        'on crashed where processname == "web" or groupname == "web" shutdown',
        'on crashed where processname like "db" or groupname == "db" shutdown',
        'on crashed where not (processname == "web" or groupname == "web") shutdown',
        # what is left out may be elsewhere
        'on crashed where groupname not in ["staging", "cache"] shutdown',
        'on crashed where groupname != "staging" shutdown',
        'on crashed where groupname not in ["web"] and not processname like "x*" shutdown',
        # groups that are removed are no longer in the file
        'on PROCESS_GROUP_REMOVED where groupname == "wbe" shutdown',
        'on EVENT where groupname == "wbe" shutdown',
        'on crashed where groupname == "empty" or groupname == "web" shutdown',
        # what depends on more than the file
        'on crashed where groupname == env("GROUP") shutdown',
        'on crashed where server == "wbe" shutdown',
        "on crashed where host == 'wbe' shutdown",
        # the listener's own
        'on crashed where groupname == "rl" shutdown',
        # some send it
        "on PROCESS_LOG where data contains 'x' shutdown",
        "on PROCESS_LOG_STDOUT shutdown",
        "on PROCESS_COMMUNICATION shutdown",
        "on PROCESS_COMMUNICATION where processname != 'web_00' shutdown",
        'on PROCESS_LOG where groupname like "*" shutdown',
        "on PROCESS_STATE_BACKOFF where tries >= 11 shutdown",
        'on PROCESS_STATE_BACKOFF where groupname == "web" and tries >= 4 shutdown',
        'on PROCESS_STATE_BACKOFF where processname == "pgbouncer" and tries == 11 shutdown',
        "on PROCESS_STATE_BACKOFF where tries != 99 shutdown",
        "on PROCESS_STATE where has(tries) shutdown",
        # nothing that this file could change
        "on PROCESS_STATE where tries > 20 and false shutdown",
        "on PROCESS_STATE where tries < 0 shutdown",
        "on PROCESS_STATE where tries > 20 and tries < 10 shutdown",
        # actions
        'on PROCESS_STATE_FATAL restart "web:*"',
        'on PROCESS_STATE_FATAL restart "web:"',
        'on PROCESS_STATE_FATAL restart "web:web_00" stop "mixed" start "mixed:mixed"',
        'on PROCESS_STATE_FATAL restart "{groupname}:*"',
        "on PROCESS_STATE_FATAL restart",
    ],
)
def test_what_may_happen(conf: SupervisorConf, rule: str) -> None:
    """Nothing is said of what may come true."""
    assert found(conf, rule) == []


def test_notes_say_what_there_is(conf: SupervisorConf) -> None:
    """Notes list names, and where which option is missing."""
    reach = Reach(conf, own_pool(conf)[0], rules := rules_of('on PROCESS_LOG where groupname in ["db", "x"] shutdown'))
    notes = [one.notes for one in reach.rule(rules[0])]
    assert notes == [
        ("groups: db empty mixed rl web",),
        (
            f"[program:postgres] needs stdout_events_enabled=true or stderr_events_enabled=true ({conf.file}:18)",
            f"[program:pgbouncer] needs stdout_events_enabled=true or stderr_events_enabled=true ({conf.file}:21)",
        ),
    ]


def test_an_output_that_cannot_be_sent(conf: SupervisorConf) -> None:
    """Where an option would not help, the note says why."""
    reach = Reach(conf, None, rules := rules_of('on PROCESS_LOG_STDERR where groupname == "mixed" shutdown'))
    (one,) = reach.rule(rules[0])
    reason = "redirect_stderr=true makes its standard error a part of its standard output"
    assert one.notes == (f"[program:mixed] can't: {reason} ({conf.file}:29)",)


def test_its_own_output_reaches_a_rule_only_by_name(tmp_path: Path) -> None:
    """The listener's own events count only for rules that name its group."""
    conf = conf_of(tmp_path, CONF, listener=f"{LISTENER}stderr_events_enabled=true\n")
    assert found(conf, "on PROCESS_LOG_STDERR shutdown") == [EVENTS["on PROCESS_LOG_STDERR shutdown"] + NEVER]
    assert found(conf, 'on PROCESS_LOG_STDERR where groupname == "rl" shutdown') == []


def test_what_else_there_may_be_is_noted(tmp_path: Path) -> None:
    """Includes that match no file, and plugins, may be why a name is not known."""
    plugin = "[rpcinterface:twiddler]\nsupervisor.rpcinterface_factory=twiddler:make\n"
    conf = conf_of(tmp_path, f"{CONF}{plugin}[include]\nfiles=none/*.conf\n")
    reach = Reach(conf, None, rules := rules_of('on gave_up where groupname == "wbe" shutdown'))
    (one,) = reach.rule(rules[0])
    assert one.notes[1:] == (
        f'no file matches the [include] of "{tmp_path}/none/*.conf"',
        "[rpcinterface:twiddler] may add processes that are not in the file",
    )


@pytest.mark.parametrize(
    ("old", "new", "lacking"),
    [
        ("[unix_http_server]\nfile=/run/supervisor.sock\n", "", "a [unix_http_server]"),
        ("[rpcinterface:supervisor]", "[rpcinterface:x]", "the [rpcinterface:supervisor]"),
        (SUPERVISORD, "[supervisord]\n", "a [unix_http_server] and the [rpcinterface:supervisor]"),
    ],
)
def test_a_supervisord_that_cannot_be_asked(tmp_path: Path, old: str, new: str, lacking: str) -> None:
    """Actions on supervisord fail without its XML-RPC interface; alerts do not need it."""
    conf = read_conf(tmp_path, (SUPERVISORD + LISTENER).replace(old, new))
    said = f"supervisord can't be asked to KIND: CONF lacks {lacking} | so this fails each time"
    assert found(conf, "on crashed alert 'x'") == []
    for action in ("restart", "shutdown"):
        assert found(conf, f"on crashed {action}") == [f"RL525 {action} | {said.replace('KIND', action)}"]


def test_a_server_of_the_listeners_own(tmp_path: Path) -> None:
    """With `serverurl` in its section the listener may ask another supervisord."""
    text = SUPERVISORD.replace("[unix_http_server]\nfile=/run/supervisor.sock\n", "")
    conf = read_conf(tmp_path, f"{text}{LISTENER}serverurl=http://127.0.0.1:9001\n")
    assert found(conf, "on crashed restart") == []
