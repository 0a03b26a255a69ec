"""The language over time on a real supervisord: examples with seconds for minutes, kills, reloads, a clock that is set.

What a test must not see is waited for by way of something that comes later.
"""

import re
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import rules_listener
from rules_listener.outbox.listing import Listed, Listing
from tests.e2e.supervised import Supervised

EXAMPLES = Path(rules_listener.__file__).parent.parent / "examples"

HEART = """
import os, sys, time
while True:
    if not os.path.exists(f"{sys.argv[1]}.silent"):
        os.write(1, b"<!--XSUPERVISOR:BEGIN-->heartbeat<!--XSUPERVISOR:END-->")
    time.sleep(0.2)
"""
"""A program that tells that it is alive, as long as there is no file `NAME.silent`."""

CRASHES = """
import os, sys, time
path, times = sys.argv[1], int(sys.argv[2])
with open(path, "a") as file:
    file.write("x")
if os.path.getsize(path) <= times:
    sys.exit(1)
time.sleep(600)
"""
"""A program that crashes so many times, then stays."""


def example(name: str, **other_times: str) -> str:
    """The rules of an example, with other durations: `within_1m="1s"` makes `within 1m` be `within 1s`."""
    text = (EXAMPLES / f"{name}.rules").read_text(encoding="utf-8")
    for place, duration in other_times.items():
        word, before = place.split("_")
        assert f"{word} {before}\n" in text
        text = text.replace(f"{word} {before}\n", f"{word} {duration}\n")
    return text


def texts(supervised: Supervised, *states: str) -> list[str]:
    """The texts of all alerts, in the order in which they were made."""
    return [alert.text for alert in supervised.alerts(*states)]


def wait_for_text(supervised: Supervised, text: str) -> Listed:
    """The alert with this text, once it was sent."""
    return supervised.wait_for(lambda: [alert for alert in supervised.alerts("sent") if alert.text == text], text)[0]


def crash(supervised: Supervised, name: str) -> None:
    """Kill a program that runs, and wait until the listener knows and has written that down."""
    exits = supervised.counter("event:PROCESS_STATE_EXITED")
    supervised.kill_program(name)
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_STATE_EXITED") > exits, f"the exit of {name}")


def begin(supervised: Supervised, name: str) -> None:
    """Start a program, and don't wait: it may have ended before it was seen to run."""
    supervised.ask("startProcess", name, False)  # noqa: FBT003 - supervisord's signature


def event_time(supervised: Supervised, alert: Listed) -> float:
    """When the event of an alert came."""
    shown = Listing(supervised.state).show(alert.id)
    assert shown is not None
    return float(shown.event["time"])


def down(supervised: Supervised, name: str) -> None:
    """A program that is started by hand, and stays down when it is killed."""
    supervised.program(name, "sleep 600", autostart="false")


# the examples


def test_the_watchdog(supervised: Supervised) -> None:
    """A watched program that was killed is reported with the time, until it runs; the next exit counts anew."""
    supervised.rules(example("watchdog", within_1m="1s", every_1m="1s"))
    supervised.listener()
    down(supervised, "redis")
    down(supervised, "other")
    supervised.start()
    for name in ("other", "redis"):
        begin(supervised, name)
        crash(supervised, name)
    wait_for_text(supervised, "redis is not running (2s)")
    begin(supervised, "redis")
    supervised.wait_for(lambda: texts(supervised)[-1].startswith("resolved after "), "the recovery")
    made = supervised.alerts()
    assert [alert.text for alert in made[:-1]] == [f"redis is not running ({n}s)" for n in range(1, len(made))]
    assert re.fullmatch(r"resolved after \d+s: redis is not running \(1s\)", made[-1].text)
    exit_time = event_time(supervised, made[0])
    assert [alert.time - exit_time for alert in made[:-1]] == pytest.approx(range(1, len(made)), abs=1e-3)
    crash(supervised, "redis")
    supervised.wait_for(lambda: len(supervised.alerts()) > len(made), "the next outage")
    assert texts(supervised)[len(made)] == "redis is not running (1s)"


def test_heartbeats(supervised: Supervised) -> None:
    """Who falls silent is reported after the time that is its own; who was stopped or never beat is not."""
    supervised.rules(example("heartbeat", within_1m="2s", within_15m="4s"))
    supervised.listener()
    heart = supervised.python("heart.py", HEART)
    for name in ("web", "nightly", "brief"):
        supervised.program(name, f"{heart} {supervised.folder}/{name}")
    supervised.program("mute", "sleep 600")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_COMMUNICATION_STDOUT") > 10, "heartbeats")
    supervised.ask("stopProcess", "brief")
    for name in ("web", "nightly"):
        supervised.write(f"{name}.silent", "")
    wait_for_text(supervised, "web is stuck: no heartbeat for 2s")
    (supervised.folder / "web.silent").unlink()
    wait_for_text(supervised, "nightly is stuck: no heartbeat for 4s")
    recovery = re.compile(r"resolved after .*: web is stuck: no heartbeat for 2s")
    supervised.wait_for(lambda: any(map(recovery.fullmatch, texts(supervised, "sent"))), "the recovery")
    assert len(supervised.alerts()) == 3


def test_a_crash_loop(supervised: Supervised) -> None:
    """Three crashes are one page and, once it stays, one recovery to the same channels; none for a page held back."""
    more = 'rule over on PROCESS_STATE_RUNNING where processname == "db" for 4s alert "time is over" to ops\n'
    rules = (
        example("crash_loop", for_1m="2s").replace("at most 5 per 1h", "at most 1 per 1h").replace("to ops", "to a, b")
    )
    supervised.rules(rules + more)
    record = f'command: ["{sys.executable}", "-S", "{supervised.folder}/record.py"'
    channels = [
        f'{name}: {{{record}, "{supervised.folder}/{name}.jsonl", "{{message}}"]}}' for name in ("a", "b", "ops")
    ]
    supervised.config(f"{{{', '.join(channels)}}}")
    supervised.listener()
    crashes = supervised.python("crashes.py", CRASHES)
    for name in ("web", "db"):
        command = f"{crashes} {supervised.folder}/{name}.crashes 3"
        supervised.program(name, command, autorestart="true", autostart="false")
    supervised.start()
    page = "{} crashed 3 times in 10m"
    begin(supervised, "web")
    wait_for_text(supervised, page.format("web"))
    begin(supervised, "db")
    wait_for_text(supervised, "time is over")
    made = [(alert.text, alert.channel, alert.reason) for alert in supervised.alerts() if alert.rule == "crash_loop"]
    (recovery,) = {text for text, *_ in made if text.startswith("resolved after ")}
    assert recovery.endswith(page.format("web"))
    limit = "at most 1 per 1h"
    assert sorted(made) == sorted(
        (text, channel, reason)
        for text, reason in ((page.format("web"), None), (page.format("db"), limit), (recovery, None))
        for channel in ("a", "b")
    )
    for channel in ("a.jsonl", "b.jsonl"):
        assert len(supervised.read(channel).splitlines()) == 2


def test_a_container(supervised: Supervised) -> None:
    """When a critical program has ended the alert goes out first, and takes its time; then supervisord is shut down."""
    supervised.rules(example("container"))
    slow = "import sys, time\ntime.sleep(1)\nprint(sys.argv[2], file=open(sys.argv[1], 'a'))\n"
    command = f'["{sys.executable}", "{supervised.write("slow.py", slow)}", "{supervised.folder}/said", "{{message}}"]'
    supervised.config(f"{{ops: {{command: {command}}}}}")
    supervised.listener()
    supervised.program("api", "true")
    supervised.program("other", "sleep 600")
    supervised.start()
    supervised.wait_for(lambda: not supervised.is_running, "supervisord to go down")
    assert supervised.read("said").startswith("api has ended, and so does the container ")
    with closing(sqlite3.connect(supervised.state / "store.sqlite3")) as connection:
        rows = connection.execute(
            "SELECT a.kind, d.state FROM deliveries AS d JOIN alerts AS a ON a.n = d.alert ORDER BY d.changed"
        ).fetchall()
    assert rows == [("alert", "sent"), ("shutdown", "sent")]


def test_a_container_that_is_started_again(supervised: Supervised) -> None:
    """A shutdown that was left over when a container was killed does not end the next one; its alert is sent."""
    supervised.rules(example("container"))
    supervised.listener()
    supervised.program("api", "true", autostart="false")
    supervised.start()
    supervised.kill(supervised.wait_for(supervised.courier_pid, "the courier"), signal.SIGSTOP)
    begin(supervised, "api")
    supervised.wait_for(lambda: len(supervised.alerts("waiting")) == 2, "alert and shutdown")
    supervised.end()
    supervised.start()
    (shutdown,) = supervised.wait_for(lambda: supervised.alerts("given_up"), "the end of the shutdown")
    assert (shutdown.kind, shutdown.attempts) == ("shutdown", 1)
    assert str(shutdown.reason).startswith("supervisord was started anew")
    supervised.wait_for(lambda: [alert.kind for alert in supervised.alerts("sent")] == ["alert"], "the alert")
    assert supervised.is_running


# the end of a listener in the middle of everything

SURVIVES = """
rule window on crashed where groupname == "web" 3 times in 10m alert "{process} crashed {count} times"
rule open on crashed where groupname == "web" alert "{process} is down" until started
rule late on crashed where groupname == "db" without started within 8s alert "{process} did not come back"
rule again on LISTENER_STARTED where has(down_ms) alert "back again"
"""


def test_a_kill_amid_a_window_an_open_alert_and_a_deadline(supervised: Supervised) -> None:
    """After kill -9 the third crash fires, the recovery comes, and the deadline is where it was."""
    supervised.rules(SURVIVES)
    supervised.listener()
    down(supervised, "web")
    down(supervised, "db")
    supervised.start()
    for name in ("web", "db"):
        begin(supervised, name)
        crash(supervised, name)
    begin(supervised, "web")
    supervised.kill_program("web")
    supervised.wait_for(lambda: texts(supervised).count("web is down") == 2, "the second crash")
    supervised.kill(supervised.listener_pid())
    wait_for_text(supervised, "back again")
    begin(supervised, "web")
    supervised.wait_for(lambda: [text for text in texts(supervised, "sent") if "resolved" in text], "the recovery")
    crash(supervised, "web")
    wait_for_text(supervised, "web crashed 3 times")
    late = wait_for_text(supervised, "db did not come back")
    assert late.time - event_time(supervised, late) == pytest.approx(8, abs=1e-3)
    assert [re.sub(r"after .*:", "after …:", text) for text in texts(supervised, "sent")] == [
        "web is down",
        "resolved after …: web is down",
        "web is down",
        "back again",
        "resolved after …: web is down",
        "web crashed 3 times",
        "web is down",
        "db did not come back",
    ]


def test_what_came_back_while_nobody_listened(supervised: Supervised) -> None:
    """A deadline that passed meanwhile waits for the events that supervisord has kept, with its default `startsecs`."""
    supervised.rules(
        'on crashed where groupname != "rl" without started within 1s alert "{process} did not come back"\n'
        'on LISTENER_STARTED where has(down_ms) without TICK_3600 within 4s alert "time is over"'
    )
    supervised.listener(startsecs=1)
    down(supervised, "web")
    supervised.start()
    supervised.wait_for(lambda: supervised.info("rl")["statename"] == "RUNNING", "the listener")
    begin(supervised, "web")
    supervised.kill_program("web")
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_STATE_EXITED"), "its exit")
    supervised.ask("stopProcess", "rl")
    begin(supervised, "web")
    time.sleep(1)
    begin(supervised, "rl")
    supervised.wait_for_texts("time is over")


RELOADED = """
rule reloads on LISTENER_RULES_RELOADED alert "{kept} kept, {anew} anew, {closed} gone"
rule window on PROCESS_COMMUNICATION where data == "x" 3 times in 10m overall alert "the window is full"
rule changed on PROCESS_COMMUNICATION where data == "x" 3 times in 20m overall alert "the changed window is full"
rule gone on PROCESS_COMMUNICATION where data == "x" alert "x is open" until PROCESS_COMMUNICATION where data == "y"
"""


def test_a_reload_amid_a_window(supervised: Supervised) -> None:
    """A window goes on under another name and in another place; what became of the state is said, and is an event."""
    supervised.rules(RELOADED)
    supervised.listener()
    supervised.say("say", "x")
    supervised.start()
    supervised.wait_for_texts("x is open")
    begin(supervised, "say")
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_COMMUNICATION_STDOUT") == 2, "two of three")
    reloads, window, changed = RELOADED.strip().splitlines()[:3]
    supervised.rules(
        "\n".join([changed.replace("20m", "30m"), "# moved", window.replace("window on", "full on"), reloads])
    )
    supervised.ask("signalProcess", "rl", "HUP")
    wait_for_text(supervised, "2 kept, 1 anew, 2 gone")
    assert (
        "rules-listener: reloaded: 3 rules; kept: 2 (full, reloads); anew: 1 (changed); gone: 2 (changed, gone); "
        "open alerts closed without a recovery: 1\n"
    ) in supervised.read("rl.err")
    begin(supervised, "say")
    full = wait_for_text(supervised, "the window is full")
    assert full.rule == "full"
    assert not [text for text in texts(supervised) if "changed" in text or "resolved" in text]


SET_BACK = """
import time
from rules_listener.base.clock import SystemClock
system_time = time.time
SystemClock.time = staticmethod(lambda: system_time() - 3600 * os.path.exists("{folder}/set_back"))
"""
"""The clock goes an hour back as soon as there is a file `set_back`."""


def test_a_clock_that_is_set_back_amid_a_deadline(supervised: Supervised) -> None:
    """When somebody sets the clock back, a deadline comes after the time that it was to wait; rules can tell."""
    supervised.rules(
        'on crashed where groupname == "web" without started within 3s alert "{process} did not come back"\n'
        'on LISTENER_CLOCK_CHANGED where by_ms < -3599000 alert "the clock was set"'
    )
    supervised.listener(wrapper=SET_BACK.format(folder=supervised.folder))
    down(supervised, "web")
    supervised.start()
    begin(supervised, "web")
    crash(supervised, "web")
    killed_at = time.monotonic()
    supervised.write("set_back", "")
    wait_for_text(supervised, "web did not come back")
    waited = time.monotonic() - killed_at
    wait_for_text(supervised, "the clock was set")
    assert 1.5 < waited < 15
    assert "rules-listener: the clock was set back by 3600.0 s\n" in supervised.read("rl.err")


# actions on processes

ACTIONS = """
on PROCESS_COMMUNICATION where data == "restart-me" restart
on PROCESS_COMMUNICATION where data == "signal-me" signal USR1
on PROCESS_COMMUNICATION where data == "stop-me" stop
on PROCESS_COMMUNICATION where data == "stop-them" stop "crew:*"
on PROCESS_COMMUNICATION where data == "start-it" start "spare"
"""

ONCE = """
import os, signal, sys, time
name = sys.argv[1]
signal.signal(signal.SIGUSR1, lambda *_: open(name + ".signalled", "w").close())
with open(name, "a") as file:
    file.write(f"{os.getpid()}\\n")
if len(open(name).readlines()) == 1:
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{sys.argv[2]}<!--XSUPERVISOR:END-->".encode())
while True:
    time.sleep(60)
"""
"""A program that sends an event when it runs for the first time, and notes its starts and SIGUSR1."""


def test_actions_on_processes(supervised: Supervised) -> None:
    """Rules restart, signal and stop the process of the event, and start and stop others and whole groups by name."""
    supervised.rules(ACTIONS)
    supervised.listener()
    once = supervised.python("once.py", ONCE)
    for name, asks in (("one", "restart-me"), ("two", "signal-me"), ("three", "stop-me"), ("four", "stop-them")):
        supervised.program(name, f"{once} {supervised.folder}/{name} {asks}")
    supervised.program("five", f"{once} {supervised.folder}/five start-it")
    supervised.program("first", "sleep 600")
    supervised.program("second", "sleep 600")
    supervised.section("[group:crew]\nprograms=first,second\n")
    down(supervised, "spare")
    supervised.start()
    wanted = {"one": "RUNNING", "two": "RUNNING", "three": "STOPPED", "four": "RUNNING", "five": "RUNNING"}
    wanted |= {"crew:first": "STOPPED", "crew:second": "STOPPED", "spare": "RUNNING"}
    supervised.wait_for(lambda: {name: supervised.info(name)["statename"] for name in wanted} == wanted, str(wanted))
    supervised.wait_for(lambda: len(supervised.read("one").splitlines()) == 2, "the second start")
    supervised.wait_for((supervised.folder / "two.signalled").exists, "the signal")
    supervised.wait_for(lambda: len(supervised.alerts("sent")) == 5, "all actions to be done")
    assert len(supervised.read("two").splitlines()) == 1


def test_the_next_life_of_supervisord_is_heard(supervised: Supervised) -> None:
    """Alerts are held back while supervisord stops, and no longer in its next life, even if its RUNNING is lost."""
    supervised.rules('on PROCESS_STATE_EXITED where groupname == "web" alert "{process} exited"')
    supervised.listener(events="PROCESS_STATE,SUPERVISOR_STATE_CHANGE_STOPPING")
    supervised.program("web", "true", autostart="false")
    supervised.program("last", "sleep 600")
    supervised.start()
    supervised.wait_for(lambda: supervised.info("last")["statename"] == "RUNNING", "the program")
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_STATE_RUNNING"), "its event")
    assert supervised.end_cleanly() == 0
    assert supervised.counter("event:SUPERVISOR_STATE_CHANGE_STOPPING")
    supervised.start()
    begin(supervised, "web")
    supervised.wait_for_texts("web exited")
