"""A live run, and its replay: from the listener's own journal, and from what a recorder wrote beside it.

A listener works on a real supervisord with rules of all kinds; afterwards every notification in its store is compared
with what a replay says.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.supervised import Supervised

LONGEST_BETWEEN_S = 15.0
"""supervisord gives its events to one listener after the other, and keeps them for one that has just started."""

RULES = """
let ours = ["web", "db", "say", "ticker"]

rule crash_loop
on crashed where groupname in ours 2 times in 10m
  alert critical "{process} crashed {count} times in {window} on {host} ({ip}), stage {env('STAGE')}"
    until PROCESS_STATE_RUNNING for 1s
    remind every 1s doubling to 2s
  run ["/bin/true", "{message}", "{process}"]

rule exited
on PROCESS_STATE_EXITED where groupname in ours
  alert warning "{process} exited: {expected} {pid}" to second
    at most 2 per 1h

rule down
on crashed where groupname in ours without started within 2s
  alert "{process} is down for {elapsed}, {count} times"

rule up
on PROCESS_STATE_RUNNING where groupname in ours for 2s
  alert info "{process} has been up for {elapsed}" to ops, second

rule pairs
on PROCESS_COMMUNICATION where data == "begin" then PROCESS_COMMUNICATION where data startswith "end" within 10m
  alert "{process}: {data}"

rule pids
on PROCESS_STATE_EXITED where groupname == "db" 2 distinct pid in 10m
  alert "{process} had {count} pids"

rule silence
on no PROCESS_COMMUNICATION where data == "tick" for 2s per groupname
  alert "{process} is silent"

rule said
on PROCESS_COMMUNICATION where data contains "disk" and len(data) > 5
  alert error "{first_line(data)} | {rule} | {severity}"

rule listener on PROCESS_STATE where groupname == "rl" alert info "{eventname} of the listener"
rule any on PROCESS_STATE_STARTING, PROCESS_STATE_STOPPED alert info "{process} {from_state} {eventname}" to second
rule started on LISTENER_STARTED alert info "the listener has started"
"""


class Sent(NamedTuple):
    """A notification: what of it has to be the same, wherever it was recorded."""

    rule: str
    key: str
    kind: str
    severity: str
    channel: str
    text: str
    arguments: tuple[str, ...]
    held: str | None


Notification = tuple[str, float, Sent]
"""Its id, its time, and all else."""


def live(supervised: Supervised) -> list[Notification]:
    """All notifications in the store of the listener, in the order in which they were made."""
    found = []
    for one in supervised.alerts():
        held = one.reason if one.state == "held" else None
        sent = Sent(one.rule, one.key, one.kind, one.severity, one.channel, one.text, tuple(one.arguments), held)
        found.append((one.id, one.time, sent))
    return found


def replayed(supervised: Supervised, recording: Path, *arguments: str) -> list[Notification]:
    """The same of a replay of `recording`."""
    command = [sys.executable, "-m", "rules_listener", "replay", str(recording), "--format", "json"]
    command += ["--config", str(supervised.config_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    *alerts, summary = map(json.loads, done.stdout.splitlines())
    assert summary["sent"] + summary["held"] == len(alerts)
    return [found for alert in alerts for found in _notifications(alert)]


def _notifications(alert: dict[str, Any]) -> Iterable[Notification]:
    for one in alert["deliveries"]:
        what = (alert["rule"], alert["key"], alert["kind"], alert["severity"])
        sent = Sent(*what, one["channel"], one["text"], tuple(one["arguments"]), alert["held"])
        yield one["id"], alert["time"], sent


def by_rule(found: Iterable[Notification]) -> dict[tuple[str, str, str], list[tuple[float, Sent]]]:
    """Notifications of each rule, key and channel, in their order."""
    rules: dict[tuple[str, str, str], list[tuple[float, Sent]]] = {}
    for _, time, sent in found:
        rules.setdefault((sent.rule, sent.key, sent.channel), []).append((time, sent))
    return rules


def arrange(supervised: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener, a recorder beside it, and programs to crash."""
    monkeypatch.setenv("STAGE", "test")
    supervised.rules(RULES)
    supervised.config("{ops: {log: {}}, second: {log: {}}}")
    events = "PROCESS_STATE,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,PROCESS_GROUP"
    supervised.listener(events=events)
    supervised.recorder(supervised.folder / "events.jsonl", events=events)
    for name in ("web", "db"):
        supervised.program(name, "sleep 600", autostart="false")
    supervised.say("say", "begin", "end-1", "begin", "disk-is-full", "end-2", "end-3")
    supervised.say("ticker", "tick", "tick")


def live_through(supervised: Supervised, in_between: Callable[[], object]) -> None:
    """Crashes, reminders, what is in between, recoveries, silence; then everything ends."""
    supervised.start()
    wait_for(supervised, "silence", "ticker is silent")
    for name in ("web", "db", "web", "db"):
        crash(supervised, name)
    supervised.wait_for(lambda: len(said(supervised, "crash_loop")) > 5, "reminders")
    in_between()
    wait_for(supervised, "down", "db is down for ")
    for name in ("web", "db"):
        supervised.ask("startProcess", name, False)  # noqa: FBT003 - supervisord's signature
        wait_for(supervised, "crash_loop", f"resolved after .*: {name} crashed")
        wait_for(supervised, "up", f"{name} has been up for 2s")
    assert supervised.end_cleanly() == 0
    supervised.wait_for(lambda: not supervised.processes(), "all processes to end")


def wait_for(supervised: Supervised, rule: str, pattern: str) -> None:
    """Wait for a notification of a rule."""
    supervised.wait_for(lambda: any(re.match(pattern, text) for text in said(supervised, rule)), pattern)


def crash(supervised: Supervised, name: str) -> None:
    """Start a program, and kill it once it runs its own code."""
    exits = supervised.counter("event:PROCESS_STATE_EXITED")
    supervised.ask("startProcess", name, False)  # noqa: FBT003 - likewise
    supervised.kill_program(name)
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_STATE_EXITED") > exits, "its exit")


def said(supervised: Supervised, rule: str) -> list[str]:
    """The texts of a rule's notifications."""
    return [alert.text for alert in supervised.alerts() if alert.rule == rule]


def test_the_journal_gives_the_same_bytes(supervised: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    """Played from the listener's own store, each notification is the same, its time and its id too.

    So it is although the listener was killed in between, while alerts were open and deadlines near.
    """

    def kill_the_listener() -> None:
        supervised.kill(supervised.listener_pid())
        supervised.wait_for(lambda: supervised.texts()["the listener has started"] == 2, "the next listener")

    arrange(supervised, monkeypatch)
    live_through(supervised, kill_the_listener)
    made = live(supervised)
    assert {one.rule for _, _, one in made} == set(re.findall(r"^rule (\w+)", RULES, re.MULTILINE))
    assert {one.held is None for _, _, one in made} == {True, False}
    again = replayed(supervised, supervised.state)
    assert sorted(again) == sorted(made)
    assert [one.rule for _, _, one in again] == [one.rule for _, _, one in made]


def test_a_recording_gives_the_same_texts(supervised: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    """Played from a recorder's file, each has its text and its channel, and its time but for what lay between the two.

    The listener's own events are in no file of a recorder's, and so are no alerts about them. What came before the
    listener was there, and what supervisord sends at its end, is not the same for both.
    """
    arrange(supervised, monkeypatch)
    live_through(supervised, lambda: None)
    made = by_rule(live(supervised))
    again = by_rule(replayed(supervised, supervised.folder / "events.jsonl", "--pool", "rl"))
    compared = [key for key in made | again if key[0] not in ("listener", "started", "any")]
    assert len(compared) > 12
    for key in compared:
        for (first, sent), (second, resent) in zip(made[key], again[key], strict=True):
            assert resent == sent
            assert abs(first - second) < LONGEST_BETWEEN_S
