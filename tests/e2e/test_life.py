"""The beginning and the end of a listener."""

import json
import os
import subprocess
import sys

import pytest
from supervisor.options import ServerOptions

from tests.e2e.supervised import PATIENCE_S, Supervised

SLOW_AT_FIRST = """
import os, sys, time
with open(sys.argv[1], "ab", buffering=0) as file:
    file.write(b"begun\\n")
    if os.environ["RL_ATTEMPT"] == "1":
        time.sleep(30)
    file.write(b"done\\n")
"""


def _run(supervised: Supervised, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPERVISOR_")}
    command = [sys.executable, "-m", "rules_listener", "run", *arguments]
    given = {**inherited, **environment}
    return subprocess.run(
        command, input=b"", capture_output=True, cwd=supervised.folder, env=given, check=False, timeout=PATIENCE_S
    )


def test_outside_supervisord(supervised: Supervised) -> None:
    """Started by hand, the listener ends with status 2, and prints a section that a real supervisord runs."""
    supervised.config()
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    ended = _run(supervised, "--config", "rules-listener.yaml")
    assert (ended.returncode, ended.stdout) == (2, b"")
    message, section = ended.stderr.decode().split("\n\n", 1)
    assert message.startswith("rules-listener: this is an event listener: supervisord has to start it")
    supervised.section(section)
    supervised.say("say", "hello")
    supervised.start()
    supervised.wait_for_texts("hello")
    options = ServerOptions()
    options.configfile = str(supervised.folder / "supervisord.conf")
    options.process_config(do_usage=False)
    (pool,) = [group for group in options.process_group_configs if group.name == "rules-listener"]
    assert (pool.buffer_size, pool.priority, len(pool.process_configs)) == (1000, -1, 1)


def test_the_end_of_the_input(supervised: Supervised) -> None:
    """The end of standard input is a clean end: status 0, and nothing but READY was said."""
    supervised.config()
    supervised.rules('on LISTENER_STARTED alert "begun"')
    ended = _run(supervised, "--config", "rules-listener.yaml", SUPERVISOR_ENABLED="1")
    assert (ended.returncode, ended.stdout) == (0, b"READY\n")
    assert [record["arguments"] for record in supervised.records()] == [["begun"]]


def test_once(supervised: Supervised) -> None:
    """With --once each listener handles one event and exits 0; the next goes on with the next, and none fires twice."""
    supervised.config()
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(f"--config {supervised.config_path} --once", events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", "two", "three")
    supervised.start()
    supervised.wait_for_texts("one", "two", "three")
    supervised.wait_for(lambda: supervised.log.count("exited: rl (exit status 0; expected)") == 3, "three ends")
    assert supervised.counter("repeated") == supervised.counter("lost") == 0
    supervised.wait_for(lambda: supervised.info("rl")["statename"] == "RUNNING", "the fourth listener")


@pytest.mark.parametrize("how", ["stop", "signal"])
def test_what_remains_is_sent_at_the_next_start(supervised: Supervised, how: str) -> None:
    """On SIGTERM the listener exits 0 within seconds, though a command hangs; that alert is sent at the next start."""
    command = f'["{sys.executable}", "-S", "{supervised.write("slow.py", SLOW_AT_FIRST)}", "{supervised.folder}/log"]'
    supervised.config(f"{{ops: {{command: {command}, timeout: 60s}}}}")
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(autorestart="true")
    supervised.say("say", "hello")
    supervised.start()
    supervised.wait_for(lambda: supervised.read("log"), "the command")
    if how == "stop":
        supervised.ask("stopProcess", "rl")
        assert "stopped: rl (exit status 0)" in supervised.log
        supervised.ask("startProcess", "rl")
    else:
        supervised.ask("signalProcess", "rl", "TERM")
        supervised.wait_for(lambda: "exited: rl (exit status 0; expected)" in supervised.log, "status 0")
    supervised.wait_for_texts("hello")
    assert supervised.read("log") == "begun\nbegun\ndone\n"
    assert "lost" not in supervised.read("rl.err")


def test_the_shutdown_action(supervised: Supervised) -> None:
    """`shutdown` takes supervisord down, after the alert of the same event was sent."""
    supervised.rules('rule over on PROCESS_COMMUNICATION alert "{data}" shutdown')
    supervised.listener()
    supervised.say("say", "down")
    supervised.program("other", "sleep 600")
    supervised.start()
    supervised.wait_for(lambda: not supervised.is_running, "supervisord to go down")
    (record,) = supervised.records()
    assert record["arguments"] == ["down"]
    assert "stopped: other" in supervised.log
    assert sorted((alert.kind, alert.state) for alert in supervised.alerts() if not alert.reason) == [
        ("alert", "sent"),
        ("shutdown", "sent"),
    ]


def test_alerts_about_processes_are_held_while_supervisord_stops(supervised: Supervised) -> None:
    """At a shutdown everything stops: what rules say about that is recorded as held back, and not sent."""
    supervised.rules(
        'on PROCESS_STATE_STOPPED where process == "other" alert "{process} stopped"\n'
        'on SUPERVISOR_STATE_CHANGE_STOPPING alert "bye"'
    )
    supervised.listener()
    supervised.program("other", "sleep 601")
    supervised.program("last", """sh -c 'trap "" TERM; sleep 600'""", priority=1, stopwaitsecs=1)
    supervised.start()
    supervised.wait_for(lambda: supervised.info("other")["statename"] == "RUNNING", "the program")
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_STATE_RUNNING"), "its event")
    supervised.ask("stopProcess", "other")
    supervised.wait_for_texts("other stopped")
    supervised.ask("startProcess", "other")
    supervised.wait_for(lambda: "sleep 601 " in supervised.processes().values(), "the program's code")
    assert supervised.end_cleanly() == 0
    assert supervised.texts("sent") == {"other stopped": 1, "bye": 1}
    assert [alert.text for alert in supervised.alerts("held")] == ["other stopped"]


def test_two_listeners_with_one_state_folder(supervised: Supervised) -> None:
    """The second listener on a state folder refuses with a clear message; the first one goes on."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener()
    supervised.listener(name="second", autostart="false", priority=-2, startsecs=5, startretries=0)
    supervised.say("say", "hello", autostart="false")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_STARTED"), "the first listener")
    supervised.ask("startProcess", "second", False)  # noqa: FBT003 - supervisord's signature
    supervised.wait_for_refusal("second")
    assert f"another listener uses the state folder {supervised.state}" in supervised.read("second.err")
    supervised.ask("startProcess", "say")
    supervised.wait_for_texts("hello")


def test_own_events_are_left_out(supervised: Supervised) -> None:
    """The listener's own state is no news, unless a rule names its group."""
    supervised.rules(
        'on PROCESS_STATE_RUNNING alert "{process} runs"\n'
        'on PROCESS_STATE_RUNNING where groupname == "rl" alert "I run"'
    )
    supervised.listener()
    supervised.program("other", "sleep 600")
    supervised.start()
    supervised.wait_for_texts("other runs", "I run")


def test_the_command_is_told_the_event(supervised: Supervised) -> None:
    """The event is on the command's standard input as one JSON object, and in RL_ variables."""
    supervised.rules('rule died on PROCESS_STATE_EXITED where expected == 0 alert critical "{process} died"')
    supervised.listener()
    supervised.program("bad", "false")
    supervised.start()
    (record,) = supervised.wait_for(supervised.records, "the command")
    event = json.loads(record["input"])
    assert (event["event"], event["processname"], event["expected"]) == ("PROCESS_STATE_EXITED", "bad", 0)
    assert (record["RL_RULE"], record["RL_SEVERITY"], record["RL_ATTEMPT"]) == ("died", "critical", "1")
    assert record["RL_PID"] == str(event["pid"])
