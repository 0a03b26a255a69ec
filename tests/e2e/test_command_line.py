"""The command line beside a listener that runs."""

import json
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from rules_listener.outbox.listing import Listed
from tests.e2e.supervised import Supervised
from tests.send.hook import Answer, Hook, hook_server

LONGEST_DEMO_S = 30
SOON_S = 3
"""How long it may take until a running courier notices what was changed by hand."""


def run(*arguments: object, folder: Path | None = None, status: int = 0) -> str:
    """What `rules-listener ARGUMENTS…` says on standard output, or on standard error where that is empty."""
    command = [sys.executable, "-m", "rules_listener", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout or done.stderr


def test_status(supervised: Supervised) -> None:
    """`status` shows what runs, what was seen, and what waits, in text and in JSON."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", "two")
    supervised.start()
    supervised.wait_for_texts("one", "two")
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_COMMUNICATION_STDOUT") == 2, "the counters")
    values = json.loads(run("status", "--config", supervised.config_path, "--format", "json"))
    assert (values["running"], values["rules"], values["events_lost"], values["dead_frames"]) == (True, 1, 0, 0)
    assert values["events_by_type"] == {"LISTENER_STARTED": 1, "PROCESS_COMMUNICATION_STDOUT": 2}
    assert values["deliveries"] == [{"channel": "ops", "state": "sent", "count": 2}]
    assert supervised.state.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in supervised.state.iterdir()} == {0o600}
    text = run("status", "--state", supervised.state)
    assert "listener  running, the last event came" in text
    assert f"state in {supervised.state}" in text
    assert "rules     1 rule, loaded" in text
    supervised.ask("stopProcess", "rl")
    assert "not running" in run("status", "--state", supervised.state)


def test_status_says_what_hinders(supervised: Supervised) -> None:
    """`status` says that another program has the port for metrics, and why a listener could not start."""

    def said() -> str:
        return " ".join(run("status", "--config", supervised.config_path).split())

    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        supervised.config(more=f"metrics: {address}")
        supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
        supervised.listener(events="PROCESS_COMMUNICATION")
        supervised.start()
        supervised.wait_for(supervised.courier_pid, "the courier")
        trouble = f"what listens at {address} does not answer: another program may have that port"
        assert f"no metrics: {trouble}" in said()
    supervised.wait_for(lambda: f" metrics at {address} " in said(), "metrics")
    supervised.ask("stopProcess", "rl")
    assert "it can't start" not in said()
    supervised.rules("on PROCESS_EXIT alert 'x'")
    assert "not running, the last event came" in said()
    assert f"it can't start: RL202 at {supervised.rules_path}:1:4" in said()
    assert f"`rules-listener check --config {supervised.config_path}` shows it all" in said()


def test_alerts(supervised: Supervised) -> None:
    """`alerts` lists what was sent and what waits, shows one, drops it, and lets it be sent again."""
    missing = supervised.folder / "missing"
    supervised.config(f'{{ops: {{command: ["{missing}", "{{message}}"]}}}}')
    supervised.rules('rule told on PROCESS_COMMUNICATION alert critical "{data}"')
    supervised.listener()
    supervised.say("say", "hello")
    supervised.start()
    supervised.wait_for(lambda: [one for one in supervised.alerts("waiting") if one.reason], "a failed try")
    options = ("--config", supervised.config_path)
    (listed,) = json.loads(run("alerts", "list", *options, "--format", "json"))
    assert (listed["text"], listed["rule"], listed["severity"], listed["state"]) == (
        "hello",
        "told",
        "critical",
        "waiting",
    )
    assert f"`{missing}` is not there" in run("alerts", "list", *options)
    shown = json.loads(run("alerts", "show", listed["id"], *options, "--format", "json"))
    assert shown["event"]["data"] == "hello"
    assert "PROCESS_COMMUNICATION_STDOUT" in run("alerts", "show", listed["id"], *options)
    supervised.wait_for(lambda: run_drop(listed["id"], supervised), "the drop")
    assert [alert.state for alert in supervised.alerts()] == ["dropped"]
    missing.write_text("#!/bin/sh\n")
    missing.chmod(0o700)
    assert run("alerts", "retry", listed["id"], *options) == f"{listed['id']} waits to be sent again\n"
    supervised.wait_for_texts("hello")
    assert "there is nothing to do" in run("alerts", "drop", listed["id"], *options, status=1)
    assert "there is no alert nonsense" in run("alerts", "show", "nonsense", *options, status=1)


def run_drop(identifier: str, supervised: Supervised) -> bool:
    """Drop an alert, which can't be done while it is being sent; whether it was."""
    command = [sys.executable, "-m", "rules_listener", "alerts", "drop", identifier, "--state", str(supervised.state)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_alerts_that_were_given_up_go_out_when_the_channel_works(supervised: Supervised) -> None:
    """What was given up after `give_up_after` is raised as LISTENER_DELIVERY_FAILED, and can be sent again by hand."""
    flag = supervised.folder / "works"
    script = f'#!/bin/sh\ntest -e {flag} && echo "$1" >> {supervised.folder}/got\n'
    supervised.write("alert", script).chmod(0o700)
    command = f'["{supervised.folder}/alert", "{{message}}"]'
    supervised.config(f"{{ops: {{command: {command}}}, out: {{log: {{}}}}}}", "give_up_after: 500ms")
    supervised.rules(
        'on PROCESS_COMMUNICATION alert "{data}"\n'
        'on LISTENER_DELIVERY_FAILED alert "{channel} failed after {attempts} tries: {reason}" to out'
    )
    supervised.listener()
    supervised.say("say", "hello")
    supervised.start()
    (failed,) = supervised.wait_for(lambda: supervised.alerts("given_up"), "the end of patience")
    text = f"ops failed after {failed.attempts} tries: exit status 1"
    supervised.wait_for(lambda: supervised.texts("sent")[text], "LISTENER_DELIVERY_FAILED")
    flag.touch()
    run("alerts", "retry", failed.id[:8], "--state", supervised.state)
    began = time.monotonic()
    supervised.wait_for(lambda: supervised.read("got"), "the alert", timeout_s=SOON_S)
    assert time.monotonic() - began < SOON_S
    supervised.wait_for_texts("hello", text)
    assert supervised.read("got") == "hello\n"


def test_an_alert_that_waits_is_tried_now(supervised: Supervised) -> None:
    """Retry by hand does not wait for the next try, which the list tells of; then the whole story is shown."""
    hook = Hook(Answer(429, headers={"Retry-After": "3600"}))
    with hook_server(hook) as port:
        supervised.config(f'{{ops: {{webhook: {{url: "http://127.0.0.1:{port}/"}}}}, out: {{log: {{}}}}}}')
        supervised.rules('rule told on PROCESS_COMMUNICATION alert "{data}" to ops, out until PROCESS_STATE_STOPPED')
        supervised.listener()
        supervised.say("say", "hello", "again")
        supervised.start()
        (waiting,) = supervised.wait_for(lambda: tried(supervised), "the first try")
        options = ("--state", supervised.state)
        listed = run("alerts", "list", "--only", "waiting", "--channel", "ops", *options)
        assert "try 2 in 1h" in listed or "try 2 in 59m" in listed
        assert "429" in listed
        run("alerts", "retry", waiting.id, *options)
        supervised.wait_for(lambda: len(hook.asked) == 2, "the second try", timeout_s=SOON_S)
    supervised.wait_for(lambda: len(supervised.alerts("sent", "held")) == 4, "all that came of it")
    shown = json.loads(run("alerts", "show", waiting.id, "--format", "json", *options))
    assert {(one["channel"], one["state"], one["attempts"]) for one in shown["deliveries"]} == {
        ("ops", "sent", 2),
        ("out", "sent", 1),
    }
    assert ([one["phase"] for one in shown["story"]], shown["held_meanwhile"]) == (["firing", "firing"], 1)
    assert "no recovery so far" in run("alerts", "show", waiting.id, *options)


def tried(supervised: Supervised) -> list[Listed]:
    """What waits for its next try."""
    return [one for one in supervised.alerts("waiting") if one.due is not None and one.due > time.time()]


def test_init(supervised: Supervised) -> None:
    """`init` writes what `check` accepts and what a real supervisord runs, and overwrites nothing."""
    folder = supervised.folder / "my etc %x"
    run("init", "--dir", folder)
    assert "no errors" in run("check", "--config", folder / "rules-listener.yaml")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert "kept" in run("init", "--dir", folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    supervised.state = folder / ".rules-listener"
    supervised.section((folder / "supervisord-rules-listener.conf").read_text())
    supervised.program("bad", "false", startsecs=1, startretries=0)
    supervised.start()
    supervised.wait_for(lambda: supervised.alerts("sent"), "the starter rules to fire")
    assert "bad" in supervised.alerts("sent")[0].text
    assert "bad" in (folder / "rules-listener.log").read_text()


def test_demo() -> None:
    """`demo` shows every alert that it promises, within half a minute."""
    began = time.monotonic()
    shown = run("demo")
    assert time.monotonic() - began < LONGEST_DEMO_S
    assert "missing" not in shown
    assert "backup of /srv failed: 没有空间 (no space left) 💥" in shown
