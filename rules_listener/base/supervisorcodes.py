"""The registry's part about supervisord.conf: what `check --supervisor-conf` may say."""

from rules_listener.base.meaning import INCLUDED_FILE, Code

_SECTION = """\
[eventlistener:rules-listener]
command=rules-listener run
events=PROCESS_STATE,SUPERVISOR_STATE_CHANGE,TICK_60
buffer_size=1000
priority=-1
autorestart=true
"""
_PROGRAM = "[program:postgres]\ncommand=postgres\n"


def _section(line: str = "", new: str = "") -> str:
    """The listener's section with another line in the place of one."""
    return _SECTION.replace(f"{line}\n", f"{new}\n" if new else "", 1) if line else _SECTION


SUPERVISOR_CODES = (
    Code(
        "RL501",
        "supervisord.conf is not valid",
        "supervisord would not start with this file: supervisor's own parser says why. Users, folders and plugins that "
        "are not on this host are no mistake. An environment variable that an option needs has to be set here too.",
        _section("buffer_size=1000", "buffer_size=large"),
        _section(),
        INCLUDED_FILE,
    ),
    Code(
        "RL502",
        "no section for the listener",
        "No [eventlistener:…] section of supervisord.conf runs rules-listener, or several do. Add the section that is "
        "printed, or say with --pool which one is meant.",
        _PROGRAM,
        f"{_PROGRAM}\n{_section()}",
        INCLUDED_FILE,
    ),
    Code(
        "RL503",
        "event is not subscribed",
        "supervisord sends a listener only those events that `events=` of its section names, so what the rule waits "
        "for never comes. Write the `events=` that the note says.",
        _section("events=PROCESS_STATE,SUPERVISOR_STATE_CHANGE,TICK_60", "events=SUPERVISOR_STATE_CHANGE,TICK_60"),
        _section(),
        INCLUDED_FILE,
    ),
    Code(
        "RL504",
        "several processes in the pool",
        "With `numprocs` above 1 events come in no order, each to one of the processes, so rules neither count nor "
        "wait right; and only one process can have the state folder. Write numprocs=1.",
        _section() + "numprocs=2\nprocess_name=listener_%(process_num)s\n",
        _section() + "numprocs=1\nprocess_name=listener_%(process_num)s\n",
        INCLUDED_FILE,
    ),
    Code(
        "RL511",
        "event is subscribed twice",
        "`events=` names a type of event and an abstract type that stands for it too. supervisord then queues "
        "each such event twice; the listener answers the second one and forgets it. Leave one of the names out.",
        _section("events=PROCESS_STATE,SUPERVISOR_STATE_CHANGE,TICK_60", "events=EVENT,TICK_60"),
        _section(),
        INCLUDED_FILE,
    ),
    Code(
        "RL512",
        "buffer is too small",
        "supervisord queues a whole burst of events before it hands out the first, and discards what does not fit into "
        "`buffer_size` (10 unless it is given). It should hold four events of each process, and not less than 100.",
        _section("buffer_size=1000"),
        _section(),
        INCLUDED_FILE,
    ),
    Code(
        "RL513",
        "priority is shared",
        "supervisord gives an event that a listener rejects to all listeners of equal `priority` (999 unless it is "
        "given), at once and for ever. Give the section a negative priority of its own: it starts first and "
        "stops last.",
        _section("priority=-1") + "\n[eventlistener:memmon]\ncommand=memmon -a 200MB\nevents=TICK_60\n",
        _section() + "\n[eventlistener:memmon]\ncommand=memmon -a 200MB\nevents=TICK_60\n",
        INCLUDED_FILE,
    ),
    Code(
        "RL514",
        "section does not fit the listener",
        "Something in the listener's section keeps it from its work: it would not be started, end at once, or not be "
        "started again, lacks the events that it needs for itself, is not understood, or has alerts written where "
        "supervisord deletes them. The label says what to write.",
        _section("autorestart=true", "autorestart=false"),
        _section(),
        INCLUDED_FILE,
    ),
    Code(
        "RL521",
        "no such process or group",
        "No process or group of supervisord.conf has this name, or fulfils the condition, so the alert never comes. "
        "Correct the name. A name that is only on other hosts is right there, and never comes here.",
        'on PROCESS_STATE_FATAL where groupname == "postgress" alert "no database"',
        'on PROCESS_STATE_FATAL where groupname == "postgres" alert "no database"',
        beside=_PROGRAM,
    ),
    Code(
        "RL522",
        "output is not sent as events",
        "supervisord sends what a program writes as PROCESS_LOG only if its section says stdout_events_enabled=true or "
        "stderr_events_enabled=true, and the programs that the rule is about do not.",
        "on PROCESS_LOG_STDERR where data contains 'PANIC' alert \"{data}\"",
        "on PROCESS_LOG_STDOUT where data contains 'PANIC' alert \"{data}\"",
        beside=f"{_PROGRAM}stdout_events_enabled=true\n",
    ),
    Code(
        "RL523",
        "messages are not captured",
        "supervisord sends PROCESS_COMMUNICATION only for programs whose section sets stdout_capture_maxbytes or "
        "stderr_capture_maxbytes, and those that the rule is about do not. What is longer than that is cut off.",
        'on PROCESS_COMMUNICATION_STDERR alert "{data}"',
        'on PROCESS_COMMUNICATION_STDOUT alert "{data}"',
        beside=f"{_PROGRAM}stdout_capture_maxbytes=1MB\n",
    ),
    Code(
        "RL524",
        "tries are never so many",
        "supervisord gives up after `startretries` (3 unless it is given): `tries` is at most that in STARTING, and "
        "one more in BACKOFF; then comes FATAL. Ask for less, raise startretries, or select PROCESS_STATE_FATAL.",
        'on PROCESS_STATE_BACKOFF where tries >= 5 alert "{process} failed {tries} times"',
        'on PROCESS_STATE_BACKOFF where tries >= 3 alert "{process} failed {tries} times"',
        beside=_PROGRAM,
    ),
    Code(
        "RL525",
        "supervisord can't be asked",
        "start, stop, restart, signal and shutdown go through supervisord's XML-RPC interface, which needs a "
        "[unix_http_server] (or [inet_http_server]) and an [rpcinterface:supervisor] in supervisord.conf.",
        "on PROCESS_STATE_FATAL restart",
        'on PROCESS_STATE_FATAL alert "{process} gave up"',
        beside=f"[supervisord]\n\n{_PROGRAM}\n{_section()}",
    ),
)
"""All codes about supervisord.conf, in order."""
