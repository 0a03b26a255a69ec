"""A rule test with the journal of a live listener as its recording says what that listener has sent."""

import json
import subprocess
import sys

import pytest

from rules_listener.outbox.journal import read_journal
from rules_listener.outbox.listing import Listed
from tests.e2e.supervised import Supervised

RULES = """
rule died
on crashed
  alert "{process} ({pid}) died at {time}"
    until PROCESS_STATE_RUNNING
  run ["true", "{message}"]

rule again on crashed 2 times in 1m  alert critical "{process}: {count} since {first_time}"
rule silent on PROCESS_STATE_EXITED without PROCESS_STATE_RUNNING within 300ms  alert warning "{process} {elapsed}"
rule said on PROCESS_COMMUNICATION  alert info "{data}"
on LISTENER_STARTED  alert "listening"
on PROCESS_STATE_STARTING where tries == 0  alert "{process} is started"
"""
CRASHES_TWICE = """
import os, sys, time
with open(sys.argv[1], "a") as file:
    file.write("x")
time.sleep(0.1 if os.path.getsize(sys.argv[1]) <= 2 else 600)
"""


def _expected(alert: Listed, start: float) -> dict[str, object]:
    """A live alert as a rule test expects it."""
    given: dict[str, object] = {"at": f"{alert.time - start:.3f}s", "rule": alert.rule, "key": alert.key}
    given |= {"kind": alert.kind, "message": alert.text}
    given |= {"reason": alert.reason} if alert.state == "held" else {}
    if alert.kind == "run":
        return {**given, "arguments": alert.arguments}
    return {**given, "severity": alert.severity, "phase": alert.phase, "to": alert.channel}


def test_what_was_sent_live_is_what_a_test_sees(supervised: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alert of a live run has the same moment, text, channel and place in a test of its events."""
    monkeypatch.setenv("TZ", "UTC")
    supervised.rules(RULES)
    command = f"{supervised.python('crashes.py', CRASHES_TWICE)} {supervised.folder}/crashes"
    supervised.program("crashes", command, autorestart="true", exitcodes="3")
    supervised.program("short", "sleep 0.1")
    supervised.say("say", "first", "second=2")
    supervised.listener()
    supervised.start()
    supervised.wait_for(lambda: supervised.read("crashes") == "xxx", "a third start")
    supervised.wait_for(lambda: [one for one in supervised.alerts("sent") if one.rule == "silent"], "a deadline")
    supervised.end_cleanly()
    (start, _), *_ = (event for part in read_journal(supervised.state) for event in part)
    alerts = supervised.alerts()
    test = {
        "name": "as it was live",
        "recording": "state",
        "until": f"{max(one.time for one in alerts) - start:.3f}s",
        "alerts": [_expected(one, start) for one in alerts if one.state != "held"],
        "held": [_expected(one, start) for one in alerts if one.state == "held"],
    }
    suite = {"config": supervised.config_path.name, "tests": [test]}
    file = supervised.write("live.test.yaml", json.dumps(suite, indent=1))
    done = subprocess.run(
        [sys.executable, "-m", "rules_listener", "test", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("1 test in 1 file: all passed\n", 0)
    assert {(one.rule, one.phase) for one in alerts} >= {("died", "recovery"), ("again", "firing"), ("said", "firing")}
