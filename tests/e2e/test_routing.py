"""Routes and mutes on a real supervisord."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

from tests.e2e.supervised import Supervised

JOB = """
import os, sys, time
if not os.path.exists(sys.argv[1]):
    sys.exit(1)
time.sleep(600)
"""
"""A program that fails as long as there is no file with the given name."""

RULES = 'rule down on PROCESS_STATE_EXITED alert "{process} is down" until PROCESS_STATE_RUNNING\n'


NAMES = ("ops", "pager", "mail")


def status(supervised: Supervised) -> tuple[str, dict[str, Any]]:
    """What `rules-listener status` prints, as text and as JSON."""
    command = [sys.executable, "-m", "rules_listener", "status", "--state", str(supervised.state)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=True).stdout
    return text, json.loads(found)


def test_a_mute_that_ends(supervised: Supervised) -> None:
    """What is muted is recorded with its reason; when the mute ends, what is still open is sent, once."""
    supervised.rules(f'mute processname == "job" because "it is rebuilt"\n{RULES}')
    supervised.program("job", f"{supervised.python('job.py', JOB)} {supervised.folder}/up")
    supervised.program("other", "sh -c 'exit 3'")
    supervised.listener()
    supervised.start()
    supervised.wait_for(lambda: supervised.texts("sent")["other is down"], "the alert that is not muted")
    (held,) = supervised.wait_for(lambda: supervised.alerts("held"), "the muted alert")
    assert (held.text, held.reason) == ("job is down", "muted: it is rebuilt")
    supervised.wait_for(lambda: "muted: it is rebuilt" in status(supervised)[0], "the open alert")
    text, values = status(supervised)
    assert "muted      test.rules:1: it is rebuilt\n" in text
    assert {one["key"]: one["muted"] for one in values["open_alerts"]} == {"job": "muted: it is rebuilt", "other": None}
    assert [one["reason"] for one in values["mutes"]] == ["it is rebuilt"]

    end = int(time.time()) + 3
    shown = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    supervised.rules(f'mute processname == "job" from 2020-01-01T00:00 to {shown} UTC because "it is rebuilt"\n{RULES}')
    supervised.kill(supervised.listener_pid(), signal.SIGHUP)
    (told,) = supervised.wait_for(
        lambda: [one for one in supervised.alerts("sent") if one.text.startswith("job is down (open for")], "the alert"
    )
    assert told.time >= end
    supervised.write("up", "")
    supervised.ctl("start", "job")
    supervised.wait_for(lambda: [one for one in supervised.alerts("sent") if one.phase == "recovery"], "the recovery")
    assert [(one.phase, one.state) for one in supervised.alerts() if one.key == "job"] == [
        ("firing", "held"),
        ("firing", "sent"),
        ("recovery", "sent"),
    ]


def test_routes_by_severity(supervised: Supervised) -> None:
    """Alerts without `to` go where the first route says that takes them, their recoveries too."""
    channels = ", ".join(f"{name}: {{file: {{path: {supervised.folder}/{name}.jsonl}}}}" for name in NAMES)
    supervised.config(f"{{{channels}}}")
    supervised.rules("""
route severity >= critical to pager
route processname like "batch*" to mail, else to ops
rule down on PROCESS_STATE_EXITED where processname == "db"
  alert critical "{process} is down"
    until PROCESS_STATE_RUNNING
rule failed on PROCESS_STATE_EXITED
  alert "{process} failed"
  alert info "{process} failed, for the record" to ops
""")
    for name in ("db", "batch_1", "web"):
        supervised.program(name, f"{supervised.python('job.py', JOB)} {supervised.folder}/{name}.up")
    supervised.listener()
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_STATE_EXITED") == 3, "three exits")
    supervised.write("db.up", "")
    supervised.ctl("start", "db")
    supervised.wait_for(lambda: len(supervised.alerts("sent")) == 8, "all alerts")

    told = {
        name: sorted(
            (one["phase"], one["text"].rsplit(": ", 1)[-1])
            for one in map(json.loads, supervised.read(f"{name}.jsonl").splitlines())
        )
        for name in NAMES
    }
    assert told == {
        "pager": [("firing", "db is down"), ("recovery", "db is down")],
        "mail": [("firing", "batch_1 failed")],
        "ops": [
            ("firing", "batch_1 failed, for the record"),
            ("firing", "db failed"),
            ("firing", "db failed, for the record"),
            ("firing", "web failed"),
            ("firing", "web failed, for the record"),
        ],
    }
