"""Trouble with the machine: folders that can't be written, a disk that is full."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.supervised import Supervised

DISK_BYTES = 6_000_000
WITHOUT_TAIL_BYTES = 2_000_000
"""Too little for the file of the tail: memory stands in for it."""
BOTH_DISKS = pytest.mark.parametrize("small_disk", [DISK_BYTES, WITHOUT_TAIL_BYTES], indirect=True)

LARGE = """
import os, sys, time
for number in range(int(sys.argv[1])):
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{number:<30000}<!--XSUPERVISOR:END-->".encode())
    time.sleep(float(sys.argv[2]))
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
def small_disk(supervised: Supervised, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of some megabytes, at the place of the state folder."""
    supervised.state.mkdir(0o700)
    size = getattr(request, "param", DISK_BYTES)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(supervised.state)]
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


@BOTH_DISKS
def test_a_full_disk(supervised: Supervised, small_disk: Path) -> None:
    """While the disk is full the listener says so and goes on answering; once there is room, all alerts arrive."""
    supervised.config("{ops: {log: {}}}")
    supervised.rules('on PROCESS_COMMUNICATION alert "{truncate(data, 3)}"')
    supervised.listener(buffer_size=3, events="PROCESS_COMMUNICATION")
    supervised.program("large", f"{supervised.python('large.py', LARGE)} 20 0.05", autostart="false")
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


@BOTH_DISKS
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


def _keep_full(supervised: Supervised, disk: Path) -> Path:
    """Start a listener whose store can't be written while "one", "two" and "three" come; what takes up the room."""
    supervised.config("{ops: {log: {}}}")
    supervised.rules('on PROCESS_COMMUNICATION alert "{truncate(data, 4)}"')
    supervised.listener(events="PROCESS_COMMUNICATION", startretries=100)
    supervised.say("say", *(f"{word}{'.' * 30_000}" for word in ("one", "two", "three")), autostart="false")
    supervised.say("later", "four", autostart="false")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_STARTED"), "the listener")
    ballast = _fill(disk)
    supervised.ask("startProcess", "say")
    supervised.wait_for(lambda: "alerts wait in memory" in supervised.read("rl.err"), "the complaint")
    supervised.wait_for(lambda: b"three" in (disk / "tail").read_bytes(), "the last event")
    return ballast


def _wait_for_words(supervised: Supervised, *words: str) -> None:
    """Wait until there is an alert of each word, and see that there is only one."""
    supervised.wait_for(lambda: len(supervised.alerts("sent")) >= len(words), f"{words}")
    assert sorted(alert.text[:3] for alert in supervised.alerts()) == sorted(words)


def test_a_listener_that_is_stopped_while_the_disk_is_full(supervised: Supervised, small_disk: Path) -> None:
    """Alerts that the store could not take are left to the next start, which says so, and sends them."""
    ballast = _keep_full(supervised, small_disk)
    supervised.ask("stopProcess", "rl:rl")
    assert "alerts are left to the next start, which finds them in the tail" in supervised.read("rl.err")
    ballast.unlink()
    supervised.ask("startProcess", "rl:rl")
    _wait_for_words(supervised, "one", "two", "thr")


def test_a_listener_that_is_killed_and_starts_while_the_disk_is_full(supervised: Supervised, small_disk: Path) -> None:
    """Neither the kill nor the start loses what is in the tail; what comes then is sent after it."""
    ballast = _keep_full(supervised, small_disk)
    pid = supervised.listener_pid()
    supervised.kill(pid)
    supervised.wait_for(lambda: supervised.listener_pid() not in (0, pid), "the next listener")
    supervised.ask("startProcess", "later")
    supervised.wait_for(lambda: b"four" in (small_disk / "tail").read_bytes(), "the next event")
    ballast.unlink()
    _wait_for_words(supervised, "one", "two", "thr", "fou")


def test_a_kill_after_the_answer_is_no_loss(supervised: Supervised) -> None:
    """A listener that is killed when it has answered leaves no gap in the numbers of events for the next one."""
    flag = supervised.folder / "flag"
    wrapper = f"""
import time
from rules_listener.serve.handler import Handler
catch_up = Handler.catch_up
def killed(handler):
    if handler.sequence.highest and handler.sequence.highest.poolserial == 2 and not os.path.exists({str(flag)!r}):
        open({str(flag)!r}, "w").close()
        time.sleep(0.3)
        os.kill(os.getpid(), 9)
    catch_up(handler)
Handler.catch_up = killed
"""
    supervised.rules('on PROCESS_COMMUNICATION where data == "none" alert "{data}"')
    supervised.listener(events="PROCESS_COMMUNICATION", wrapper=wrapper)
    supervised.say("say", "a", "b", "c", "d", "e")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_COMMUNICATION_STDOUT") == 5, "all events")
    assert flag.exists()
    supervised.ask("stopProcess", "rl:rl")
    assert (supervised.discarded, supervised.counter("lost")) == (0, 0)


def test_a_full_memory_is_counted(supervised: Supervised, small_disk: Path) -> None:
    """What fits neither in the tail nor in `memory_limit` while the disk is full is dropped, and counted."""
    count = 60
    supervised.config("{ops: {log: {}}}", "memory_limit: 200KB")
    supervised.rules('on PROCESS_COMMUNICATION alert "{truncate(data, 3)}"')
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.program("large", f"{supervised.python('large.py', LARGE)} {count} 0.01", autostart="false")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_STARTED"), "the listener")
    ballast = _fill(small_disk)
    supervised.ask("startProcess", "large")
    supervised.wait_for(lambda: supervised.info("large")["statename"] == "EXITED", "the end of the program")
    ballast.unlink()
    supervised.wait_for(lambda: supervised.counter("dropped"), "the counter")
    kept = Counter(int(alert.text.rstrip("… ")) for alert in supervised.alerts())
    assert len(kept) == count - supervised.counter("dropped")
    assert {0, count - 1} <= set(kept)
    assert f"{supervised.counter('dropped')} alerts had to be dropped" in supervised.read("rl.err")
