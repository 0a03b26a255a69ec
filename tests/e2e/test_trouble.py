"""Trouble with the machine: folders that can't be written, a disk that is full."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.supervised import Supervised

DISK_BYTES = 2_000_000

LARGE = """
import os, sys, time
for number in range(20):
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{number:<30000}<!--XSUPERVISOR:END-->".encode())
    time.sleep(0.05)
"""


def test_a_state_folder_that_cannot_be_made(supervised: Supervised) -> None:
    """Without a state folder the listener ends with status 2, and says what is wrong and what to do."""
    supervised.state = supervised.write("file", "") / "state"
    supervised.config()
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(startsecs=5, startretries=0)
    supervised.start()
    supervised.wait_for_refusal("rl")
    assert f"{supervised.state}: Not a directory; " in supervised.read("rl.err")
    assert "name another folder with `state:`" in supervised.read("rl.err")


@pytest.fixture
def small_disk(supervised: Supervised) -> Iterator[Path]:
    """A file system of some megabytes, at the place of the state folder."""
    supervised.state.mkdir(0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(supervised.state)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small file system can't be mounted here: {done.stderr.strip()}")
    yield supervised.state
    supervised.end()
    supervised.wait_for(lambda: _unmounted(supervised.state), "the file system to be free")


def _unmounted(folder: Path) -> bool:
    return subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0


def _fill(folder: Path) -> Path:
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return path


def test_a_full_disk(supervised: Supervised, small_disk: Path) -> None:
    """While the disk is full the listener says so and goes on answering; once there is room, all alerts arrive."""
    supervised.config("{ops: {log: {}}}")
    supervised.rules('on PROCESS_COMMUNICATION alert "{truncate(data, 3)}"')
    supervised.listener(buffer_size=3, events="PROCESS_COMMUNICATION")
    supervised.program("large", supervised.python("large.py", LARGE), autostart="false")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_STARTED"), "the listener")
    ballast = _fill(small_disk)
    supervised.ask("startProcess", "large")
    supervised.wait_for(lambda: "alerts wait in memory" in supervised.read("rl.err"), "the complaint")
    supervised.wait_for(lambda: supervised.info("large")["statename"] == "EXITED", "the end of the program")
    assert supervised.discarded == 0
    assert len(supervised.alerts()) < 20
    ballast.unlink()
    supervised.wait_for(lambda: len(supervised.alerts("sent")) == 20, "all alerts")
    assert {alert.text.rstrip("… ") for alert in supervised.alerts()} == {str(number) for number in range(20)}
    assert "the store works again; no alert was lost" in supervised.read("rl.err")
    assert supervised.read("rl.err").count("alerts wait in memory") == 1


def test_a_disk_that_is_full_at_the_start(supervised: Supervised, small_disk: Path) -> None:
    """A listener that starts on a full disk answers as well, and sends its alerts once there is room."""
    ballast = _fill(small_disk)
    supervised.config("{ops: {log: {}}}")
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", "two")
    supervised.start()
    supervised.wait_for(lambda: "alerts wait in memory" in supervised.read("rl.err"), "the complaint")
    os.truncate(ballast, 0)
    supervised.wait_for_texts("one", "two")


def test_a_full_memory_is_counted(supervised: Supervised, small_disk: Path) -> None:
    """What does not fit in `memory_limit` while the disk is full is dropped, the oldest first, and counted."""
    supervised.config("{ops: {log: {}}}", "memory_limit: 200KB")
    supervised.rules('on PROCESS_COMMUNICATION alert "{truncate(data, 3)}"')
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.program("large", supervised.python("large.py", LARGE), autostart="false")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_STARTED"), "the listener")
    ballast = _fill(small_disk)
    supervised.ask("startProcess", "large")
    supervised.wait_for(lambda: supervised.info("large")["statename"] == "EXITED", "the end of the program")
    ballast.unlink()
    supervised.wait_for(lambda: supervised.counter("dropped"), "the counter")
    kept = Counter(int(alert.text.rstrip("… ")) for alert in supervised.alerts())
    assert len(kept) == 20 - supervised.counter("dropped")
    assert 19 in kept
    assert f"{supervised.counter('dropped')} alerts had to be dropped" in supervised.read("rl.err")
