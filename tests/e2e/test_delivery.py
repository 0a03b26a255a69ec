"""From an event to a command: what arrives, and that it arrives as it was sent."""

import json
import shutil
import sys
from pathlib import Path

import rules_listener
from tests.e2e.supervised import Supervised

EXAMPLES = Path(rules_listener.__file__).parent.parent / "examples"


def test_the_example_alerts_once(supervised: Supervised) -> None:
    """A program that exits 1 gives the one alert of examples/exited.rules; one that exits 0 as expected gives none."""
    for name in ("exited.rules", "alert.py"):
        shutil.copy(EXAMPLES / name, supervised.folder)
    (supervised.folder / "exited.rules").rename(supervised.rules_path)
    command = f'["{sys.executable}", "{supervised.folder}/alert.py", "-m", "{{message}}"]'
    supervised.config(f"{{ops: {{command: {command}}}}}")
    supervised.listener()
    supervised.program("good", "sh -c 'exit 0'")
    supervised.program("bad", f"sh -c 'echo $$ > {supervised.folder}/pid; exit 1'")
    supervised.say("last", "done")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_STATE_EXITED") == 3, "three exits")
    text = supervised.wait_for(lambda: supervised.read("alerts.txt"), "alerts.txt")
    pid = supervised.read("pid").strip()
    address = text.partition("]")[0].removeprefix("[Host:")
    assert text == f"[Host:{address}][Process:bad][pid:{pid}][exited unexpectedly fromstate:RUNNING]\n"
    assert address.count(".") == 3 or ":" in address
    assert len(supervised.alerts()) == 1


HOSTILE = """
import os, sys
text = open(sys.argv[1], "rb").read()
data = b"<!--XSUPERVISOR:BEGIN-->" + text + b"<!--XSUPERVISOR:END-->"
while data:
    data = data[os.write(1, data[:4096]):]
"""


def test_data_arrives_byte_for_byte(supervised: Supervised) -> None:
    """What a program sends reaches the command as one argument and as JSON, whatever it holds, up to 128 KiB."""
    signs = "程序退出 💥 \r\n\t '; rm -rf / # $(touch x) `touch y` {message} {{data}} %(here)s %s \\ \" \x1b[31m end"
    text = signs + "x" * 100_000 + "。"
    supervised.write("text", "").write_bytes(text.encode())
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.program("hostile", f"{supervised.python('hostile.py', HOSTILE)} {supervised.folder}/text")
    supervised.listener()
    supervised.start()
    (record,) = supervised.wait_for(supervised.records, "the command")
    assert record["arguments"] == [text]
    assert json.loads(record["input"])["data"] == text
    assert record["RL_DATA"] == text
    assert not list(supervised.folder.glob("[xy]"))


def test_what_no_system_takes_is_given_up_and_told(supervised: Supervised) -> None:
    """An argument of more than 128 KiB is given up at once, with a reason, and LISTENER_DELIVERY_FAILED says so."""
    supervised.write("text", "x" * 140_000)
    supervised.rules(
        'on PROCESS_COMMUNICATION alert "{data}"\n'
        'on LISTENER_DELIVERY_FAILED where channel == "ops" alert "failed: {reason}"'
    )
    supervised.program("hostile", f"{supervised.python('hostile.py', HOSTILE)} {supervised.folder}/text")
    supervised.listener()
    supervised.start()
    (record,) = supervised.wait_for(supervised.records, "the second alert")
    assert record["arguments"][0].startswith("failed: argument 4 has 140000 bytes, and the system takes 131071")
    assert len(supervised.alerts("given_up")) == 1


def test_a_missing_command_is_tried_again_and_shown(supervised: Supervised) -> None:
    """A command that is not there is named in the reason, and is used as soon as it is installed."""
    command = supervised.folder / "alert"
    supervised.config(f'{{ops: {{command: ["{command}", "{{message}}"]}}}}')
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.say("say", "hello")
    supervised.listener()
    supervised.start()
    (alert,) = supervised.wait_for(lambda: [one for one in supervised.alerts("waiting") if one.reason], "a failed try")
    assert f"`{command}` is not there" in str(alert.reason)
    supervised.write("alert", f'#!/bin/sh\necho "$1 $RL_ID $RL_ATTEMPT" > {supervised.folder}/got\n').chmod(0o700)
    supervised.wait_for_texts("hello")
    text, identifier, attempt = supervised.read("got").split()
    assert (text, identifier) == ("hello", alert.id)
    assert int(attempt) > 1
