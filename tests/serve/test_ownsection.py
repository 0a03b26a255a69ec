"""The listener's own section of supervisord.conf: which one it is, what is wrong with it, and how it should be."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rules_listener.serve.fit import Fitted, fit, read_listening
from rules_listener.serve.ownsection import OwnSection, own_pool
from rules_listener.serve.supervisord import Own
from tests.serve.confs import LISTENER, SUPERVISORD, checked_file, conf_of, read_conf, rules_of, shown

MEMMON = "[eventlistener:memmon]\ncommand=/usr/bin/memmon -a 200MB\nevents=TICK_60\n"
WRAPPED = "[eventlistener:alerts]\ncommand=/opt/alerts.sh\nevents=TICK_60\n"
OTHER = LISTENER.replace(":rl]", ":second]").replace("priority=-1", "priority=-2")
RECORDER = LISTENER.replace(":rl]", ":rec]").replace("rules-listener run", "/bin/rules-listener record --to x")


BY_WAY_OF = "if one of them does so by way of another program, name it:"


@pytest.mark.parametrize(
    ("sections", "name", "expected"),
    [
        (LISTENER, "", "rl"),
        (LISTENER + MEMMON + WRAPPED, "", "rl"),
        (LISTENER + RECORDER, "", "rl"),
        (LISTENER.replace("rules-listener run", "python3 -m rules_listener run"), "", "rl"),
        (LISTENER.replace("rules-listener run", "sh -c 'exec /opt/bin/rules-listener run'"), "", "rl"),
        (WRAPPED, "", "alerts"),
        (WRAPPED + MEMMON, "alerts", "alerts"),
        (LISTENER + OTHER, "second", "second"),
        ("", "", "no [eventlistener:…] runs rules-listener in CONF"),
        (MEMMON, "", "no [eventlistener:…] runs rules-listener in CONF"),
        (RECORDER, "rl", "there is no [eventlistener:rl] in CONF"),
        (MEMMON, "memon", "there is no [eventlistener:memon] in CONF; did you mean `memmon`?"),
        (
            WRAPPED + MEMMON,
            "",
            f"no [eventlistener:…] runs rules-listener in CONF; {BY_WAY_OF} --pool alerts",
        ),
        (LISTENER + OTHER, "", "several sections run rules-listener in CONF; --pool says which one: second rl"),
    ],
)
def test_which_section_it_is(tmp_path: Path, sections: str, name: str, expected: str) -> None:
    """The named section, that which runs this program, or the only one, unless it is known for something else."""
    conf = read_conf(tmp_path, SUPERVISORD + sections)
    pool, found = own_pool(conf, name)
    said = ["; ".join([one.message, *one.notes]).replace(conf.file, "CONF") for one in found]
    assert [*([pool.name] if pool else []), *said] == [expected]


NUMPROCS = "priority=-1\nnumprocs=2\nprocess_name=%(process_num)s"
PLUGIN = "[rpcinterface:x]\nsupervisor.rpcinterface_factory=x:y\n"
OWN = "TICK_60,SUPERVISOR_STATE_CHANGE"
TWICE = "so each such event takes two places in the buffer"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("events=EVENT", "events=PROCESS_STATE,SUPERVISOR_STATE_CHANGE,TICK", []),
        ("events=EVENT", "events=EVENT,EVENT", []),
        ("events=EVENT", "events=EVENT,TICK_5", [f"RL511 events=EVENT,TICK_5 | {TWICE}"]),
        (
            "events=EVENT",
            f"events=PROCESS_STATE_EXITED,{OWN},PROCESS_STATE",
            [f"RL511 events=PROCESS_STATE_EXITED,{OWN},PROCESS_STATE | {TWICE}"],
        ),
        ("buffer_size=1000", "buffer_size=100", []),
        ("buffer_size=1000", "buffer_size=99", ["RL512 buffer_size=99 | write buffer_size=1000"]),
        ("buffer_size=1000\n", "", ["RL512 [eventlistener:rl] | write buffer_size=1000"]),
        ("priority=-1", NUMPROCS, ["RL504 numprocs=2 | write numprocs=1"]),
        ("priority=-1", "numprocs=0", ["RL504 numprocs=0 | write numprocs=1"]),
        ("events=EVENT", f"events={OWN}", []),
        ("events=EVENT", "events=SUPERVISOR_STATE_CHANGE", ["RL514 events=SUPERVISOR_STATE_CHANGE | add TICK_60"]),
        ("events=EVENT", "events=TICK", ["RL514 events=TICK | add SUPERVISOR_STATE_CHANGE"]),
        ("autorestart=true", "autorestart=unexpected", []),
        ("autorestart=true", "autorestart=false", ["RL514 autorestart=false | write autorestart=true"]),
        ("autorestart=true\n", "", []),
        ("autorestart=true\n", "exitcodes=0,1\n", ["RL514 [eventlistener:rl] | write autorestart=true"]),
        ("autorestart=true\n", "autorestart=true\nexitcodes=0,1\n", []),
        ("run\n", "run --once\n", []),
        ("run\n", "run --once\nautostart=no\n", ["RL514 autostart=no | write autostart=true"]),
        ("autorestart=true", "result_handler=x:y", ["RL514 result_handler=x:y | leave it out"]),
        (
            "autorestart=true",
            "stderr_events_enabled=true",
            ["RL514 stderr_events_enabled=true | write stderr_events_enabled=false"],
        ),
        ("events=EVENT", f"events=PROCESS_LOG_STDOUT,{OWN}\nstderr_events_enabled=true", []),
    ],
)
def test_what_is_wrong_with_the_section(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    """What keeps the listener from its work is reported on its line, or on the section's heading; nothing else is."""
    assert mistakes(tmp_path, LISTENER.replace(old, new)) == expected


def test_a_listener_that_ends_after_each_event(tmp_path: Path) -> None:
    """With `--once` it ends as expected, and has to be started again all the same."""
    listener = LISTENER.replace("run\n", "run --once\n").replace("autorestart=true\n", "")
    assert mistakes(tmp_path, listener) == ["RL514 [eventlistener:rl] | write autorestart=true"]


WITHOUT_PRIORITY = LISTENER.replace("priority=-1\n", "")


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (LISTENER, []),
        (LISTENER + PLUGIN, []),
        (LISTENER + MEMMON, []),
        (f"{LISTENER}[program:x]\ncommand=x\npriority=-1\n", []),
        (WITHOUT_PRIORITY, []),
        (WITHOUT_PRIORITY + MEMMON, ["RL513 [eventlistener:rl] | write priority=-1"]),
        (f"{WITHOUT_PRIORITY}{MEMMON}priority=-1\n", []),
        (f"{LISTENER}{MEMMON}priority=-1\n", ["RL513 priority=-1 | write priority=-2"]),
    ],
)
def test_a_priority_of_its_own(tmp_path: Path, sections: str, expected: list[str]) -> None:
    """Listeners that share a priority share what one of them rejects; programs do not count."""
    assert mistakes(tmp_path, sections) == expected


def mistakes(folder: Path, sections: str, logs: Sequence[str] = ()) -> list[str]:
    """The code, the marked text and the label of all that is said about the section `rl`."""
    conf = conf_of(folder, "", listener=sections)
    pool = next(pool for pool in conf.pools if pool.name == "rl")
    found = [shown(one).split(" | ") for one in OwnSection(conf, pool).mistakes(logs)]
    return [f"{first} | {label}" for first, _, label in found]


def test_a_buffer_for_many_processes(tmp_path: Path) -> None:
    """A restart of all processes has to fit."""
    many = "[program:x]\ncommand=x\nnumprocs=300\nprocess_name=%(process_num)s\n"
    conf = conf_of(tmp_path, many)
    (found,) = OwnSection(conf, conf.pools[0]).mistakes()
    assert (found.code, found.label) == ("RL512", "write buffer_size=2000")
    assert found.notes == ("a restart of all that is in the file, 301 processes, sends 1204 events at once",)


FOUR = "PROCESS_STATE_STARTING PROCESS_STATE_BACKOFF PROCESS_STATE_RUNNING PROCESS_STATE_STOPPING"
ENDS = "so it is not seen that a process has left its state"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("on PROCESS_STATE_EXITED shutdown", []),
        ("on PROCESS_STATE_EXITED, LISTENER_STARTED, TICK_60 shutdown", []),
        ("on TICK_5 shutdown", ["TICK_5 | X does not subscribe to TICK_5 | so it never comes"]),
        (
            "on TICK shutdown",
            ["TICK | X does not subscribe to all of TICK | these never come: TICK_5 TICK_3600"],
        ),
        (
            "on crashed shutdown",
            ["crashed | X does not subscribe to PROCESS_STATE_BACKOFF | so it never comes"],
        ),
        (
            "event lines = PROCESS_LOG where data contains 'x' on lines shutdown",
            ["lines | X does not subscribe to PROCESS_LOG | so it never comes"],
        ),
        (
            "on PROCESS_STATE_EXITED without PROCESS_STATE_RUNNING within 5m shutdown",
            ["PROCESS_STATE_RUNNING | X does not subscribe to PROCESS_STATE_RUNNING | so it never comes"],
        ),
        (
            "on PROCESS_STATE_EXITED alert 'x' until PROCESS_STATE_RUNNING",
            ["PROCESS_STATE_RUNNING | X does not subscribe to PROCESS_STATE_RUNNING | so it never comes"],
        ),
        (
            "on no REMOTE_COMMUNICATION for 5m shutdown",
            ["REMOTE_COMMUNICATION | X does not subscribe to REMOTE_COMMUNICATION | so it never comes"],
        ),
        (
            "on EVENT shutdown",
            [f"EVENT | X does not subscribe to all of EVENT | these never come: {FOUR} …"],
        ),
    ],
)
def test_events_that_are_not_subscribed(tmp_path: Path, rule: str, expected: list[str]) -> None:
    """Types that a rule waits for, and that `events=` does not name, are reported where the rule names them."""
    events = "events=PROCESS_STATE_EXITED,TICK_60,SUPERVISOR_STATE_CHANGE"
    conf = conf_of(tmp_path, "", listener=LISTENER.replace("events=EVENT", events))
    waiting = rules_of(rule)
    found = list(OwnSection(conf, conf.pools[0]).not_subscribed(waiting, []))
    assert [shown(one).replace("[eventlistener:rl]", "X") for one in found] == [f"RL503 {one}" for one in expected]


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("on PROCESS_STATE_EXITED for 10m shutdown", "10m"),
        ("on TICK_60 alert 'x' until PROCESS_STATE_EXITED for 1m", "PROCESS_STATE_EXITED for 1m"),
    ],
)
def test_ends_of_states_that_are_not_subscribed(tmp_path: Path, rule: str, place: str) -> None:
    """To see that a process stays in a state takes all events by which it leaves it."""
    events = "events=PROCESS_STATE,TICK_60,SUPERVISOR_STATE_CHANGE"
    conf = conf_of(tmp_path, "", listener=LISTENER.replace("events=EVENT", events))
    (found,) = OwnSection(conf, conf.pools[0]).not_subscribed(rules_of(rule), [])
    assert shown(found) == (f"RL503 {place} | [eventlistener:rl] does not subscribe to PROCESS_GROUP_REMOVED | {ENDS}")


def fitted(
    folder: Path, listener: str, rules: str = "on crashed shutdown", pool_name: str = "", **options: Any
) -> Fitted:
    """What comes of a configuration and rules."""
    conf = conf_of(folder, "", listener=listener)
    own = Own("rules-listener run --config x", "/var/log/rl.log")
    return fit(checked_file(folder, rules), read_listening(Path(conf.file), pool_name), own, **options)


def test_a_section_that_is_right_is_not_printed(tmp_path: Path) -> None:
    """Rules that do not fit the programs are no reason to write another section."""
    assert fitted(tmp_path, LISTENER) == Fitted([], "")
    found, section = fitted(tmp_path, LISTENER, 'on crashed where groupname == "x" shutdown')
    assert ([one.code for one in found], section) == (["RL521"], "")


WRONG = """\
[eventlistener:alerts]
command=rules-listener run --config %(here)s/100%%.yaml
user=alerts
environment=TOKEN="s3cret",
  OTHER="s3cret"
events=EVENT,TICK_5
stderr_logfile=/var/log/%(program_name)s.log
result_handler=x:y
priority=5
autostart=false
"""
RIGHT = """\
[eventlistener:alerts]
command=rules-listener run --config %(here)s/100%%.yaml
user=alerts
; environment as it is
events=PROCESS_STATE_BACKOFF,PROCESS_STATE_EXITED,SUPERVISOR_STATE_CHANGE,TICK_60
stderr_logfile=/var/log/%(program_name)s.log
priority=-1
buffer_size=1000
numprocs=1
autorestart=true
"""


def test_a_section_put_right(tmp_path: Path) -> None:
    """What the operator wrote stays, but for what is wrong; secrets are not shown."""
    assert fitted(tmp_path, WRONG).section == RIGHT
    again = RIGHT.replace("; environment as it is", 'environment=TOKEN="s3cret"')
    assert fitted(tmp_path, again) == Fitted([], "")


def test_a_new_section(tmp_path: Path) -> None:
    """Without a section of the listener's, one is written for these rules, with a priority of its own."""
    found, section = fitted(tmp_path, f"{MEMMON}priority=-1\n", "on TICK_5 shutdown")
    assert [one.code for one in found] == ["RL502"]
    lines = [line for line in section.splitlines() if not line.startswith(";")]
    assert lines[:4] == [
        "[eventlistener:rules-listener]",
        "command=rules-listener run --config x",
        "events=SUPERVISOR_STATE_CHANGE,TICK_5,TICK_60",
        "buffer_size=1000",
    ]
    assert "priority=-2" in lines
    assert fitted(tmp_path, f"{section}{MEMMON}priority=-1\n", "on TICK_5 shutdown") == Fitted([], "")


@pytest.mark.parametrize(("listener", "name"), [(LISTENER + OTHER, ""), (LISTENER, "rll")])
def test_no_section_where_one_may_be_meant(tmp_path: Path, listener: str, name: str) -> None:
    """Which of several sections is meant, or what a name should have been, is asked; no other section is written."""
    found, section = fitted(tmp_path, listener, pool_name=name)
    assert ([one.code for one in found], section) == (["RL502"], "")


LOST = "write the path of a file"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", [f"RL514 [eventlistener:rl] | {LOST}"]),
        ("stderr_logfile=auto", [f"RL514 stderr_logfile=auto | {LOST}"]),
        ("stderr_logfile=NONE", [f"RL514 stderr_logfile=NONE | {LOST}"]),
        ("stderr_logfile=syslog", []),
        ("stderr_logfile=%(here)s/rl.log", []),
    ],
)
def test_where_alerts_of_a_log_channel_stay(tmp_path: Path, line: str, expected: list[str]) -> None:
    """A log of AUTO is deleted, and one of NONE never there; without such a channel that is nobody's business."""
    listener = f"{LISTENER}{line}\n"
    assert mistakes(tmp_path, listener, ["out"]) == expected
    assert mistakes(tmp_path, listener) == []
    section = fitted(tmp_path, listener, logs=["out"]).section
    assert ("\nstderr_logfile=/var/log/rl.log\n" in section) == bool(expected)


UNREAD = "see `rules-listener run --help`; a path with blanks stands in quotes"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("rules-listener run --config /srv/my dir/x.yaml", "unrecognized arguments: dir/x.yaml"),
        ("python3 -m rules_listener run --config", "argument --config: expected one argument"),
        ("rules-listener run --cofnig x", "unrecognized arguments: --cofnig x"),
        ("rules-listener run --config 'x", "supervisord can't read the command (No closing quotation)"),
        ("rules-listener run --config '/srv/my dir/x.yaml'", ""),
        ("rules-listener run --rules a b --once", ""),
        ("sh -c 'exec rules-listener run my own'", ""),
        ("/opt/rules-listener my own", ""),
    ],
)
def test_a_command_that_ends_at_once(tmp_path: Path, command: str, reason: str) -> None:
    """What `run` would refuse is said before supervisord starts it again and again."""
    conf = conf_of(tmp_path, "", listener=LISTENER.replace("rules-listener run", command))
    found = [shown(one) for one in OwnSection(conf, conf.pools[0]).mistakes()]
    message = f"the listener ends as soon as it starts: {reason}"
    assert found == ([f"RL514 command={command} | {message} | {UNREAD}"] if reason else [])
    section = fitted(tmp_path, LISTENER.replace("rules-listener run", command)).section
    assert ("\ncommand=rules-listener run --config x\n" in section) == bool(reason)


def test_rules_that_are_wrong(tmp_path: Path) -> None:
    """While a rule has an error, nobody knows which events are needed; the section is looked at all the same."""
    rules = 'on crashd shutdown\non crashed where groupname == "x" shutdown'
    found, section = fitted(tmp_path, WRONG, rules)
    assert ({one.code for one in found}, section) == ({"RL511", "RL512", "RL514"}, "")
