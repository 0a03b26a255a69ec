"""The processes that the listener starts, and the courier among them."""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.match.program import Program
from rules_listener.serve import couriers
from rules_listener.serve.bundle import Bundle, Origin
from rules_listener.serve.children import Child
from rules_listener.serve.config import Config
from rules_listener.serve.couriers import CourierProcess

ECHO = "tests.serve.echo_child"
BUNDLE = Bundle(Origin("", (), "", {}), Config((), "state", (), ()), Program(b"", (), ()))


def _read_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(descriptor, 1)
    return line


def test_a_child_is_told_given_and_poked() -> None:
    """A child gets arguments, any amount of data, and bytes on its input until that ends; its status comes back."""
    given = b"x" * 1_000_000
    child = Child(ECHO, ["a b", "*"], with_input=True, given=given)
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(child.output, 1 << 16)
    assert line == f"['a b', '*'] {given!r}\n".encode()
    child.poke()
    assert os.read(child.output, 10) == b"\n"
    child.end_input()
    assert os.read(child.output, 10) == b""
    assert child.reap() == 7


def test_a_child_without_input_sees_its_end() -> None:
    """A child that gets nothing reads the end at once, and none of our descriptors."""
    child = Child(ECHO, [], with_input=False)
    assert _read_line(child.output) == b"[] b''\n"
    assert os.read(child.output, 10) == b""
    assert child.reap() == 7


def test_pokes_never_block() -> None:
    """However often a child is poked that does not read, and even if it is dead, poking returns."""
    child = Child(ECHO, [], with_input=True)
    os.kill(child.pid, 19)
    for _ in range(100_000):
        child.poke()
    os.kill(child.pid, 9)
    while os.read(child.output, 1 << 16):
        pass
    child.poke()
    assert child.reap() == -9


def test_what_cannot_be_started_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started there is an OSError, and no descriptor is left behind."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(FileNotFoundError):
        Child(ECHO, [], with_input=True)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("room", range(7))
def test_without_descriptors_nothing_is_left_open(room: int) -> None:
    """Whichever descriptor there is no room for, what was made before it is closed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    top = os.dup(0)
    os.close(top)
    before = sorted(Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (top + room, hard))
    child = None
    try:
        with suppress(OSError):
            child = Child(ECHO, [], with_input=True, given=b"given")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if child is not None:
        child.end_input()
        while os.read(child.output, 1 << 16):
            pass
        child.reap()
    assert sorted(Path("/proc/self/fd").iterdir()) == before


class FakeChild:
    """A child that is a pipe."""

    started: ClassVar[list["FakeChild"]] = []

    def __init__(self, module: str, arguments: list[str], *, with_input: bool, given: bytes) -> None:
        assert (module, arguments, with_input) == (couriers.MODULE, ["state", "12.5"], True)
        assert given.startswith(b"RLBUNDLE")
        self.output = 1000 + len(self.started)
        self.pokes = 0
        self.input_ended = self.reaped = self.closed = False
        self.started.append(self)

    def poke(self) -> None:
        """Count."""
        self.pokes += 1

    def end_input(self) -> None:
        """Note."""
        self.input_ended = True

    def close(self) -> None:
        """Note."""
        self.closed = True

    def reap(self) -> int:
        """Note."""
        self.reaped = True
        return 9


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[FakeChild]:
    """All children that were started."""
    monkeypatch.setattr(couriers, "Child", FakeChild)
    monkeypatch.setattr(FakeChild, "started", [])
    return FakeChild.started


@pytest.fixture
def courier(children: list[FakeChild], clock: ManualClock, reports: list[str]) -> CourierProcess:
    """The courier's process, started."""
    assert children == []
    made = CourierProcess("state", BUNDLE, clock, reports.append, supervisord_start=12.5)
    made.start()
    return made


def test_a_courier_that_dies_is_started_again(
    courier: CourierProcess, children: list[FakeChild], clock: ManualClock, reports: list[str]
) -> None:
    """Each death doubles the wait, from a second to a minute; a long life lets it begin anew."""
    waits = []
    for _ in range(8):
        courier.ended(children[-1].output)
        assert courier.outputs == []
        assert courier.restart_at is not None
        waits.append(courier.restart_at - clock.monotonic())
        clock.advance(waits[-1])
        courier.start()
        assert courier.restart_at is None
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert all(child.reaped for child in children[:-1])
    assert reports[0] == "the courier ended with status 9; alerts wait in the store; it is started again in 1 s"
    clock.advance(61)
    courier.ended(children[-1].output)
    assert courier.restart_at == clock.monotonic() + 1


def test_a_courier_that_cannot_be_started_is_tried_again(
    courier: CourierProcess, children: list[FakeChild], monkeypatch: pytest.MonkeyPatch, reports: list[str]
) -> None:
    """Where no process can be started the listener goes on, and tries again."""

    def fail(*_: object, **__: object) -> FakeChild:
        raise OSError(11, "Resource temporarily unavailable")

    courier.ended(children[0].output)
    monkeypatch.setattr(couriers, "Child", fail)
    courier.start()
    assert courier.restart_at is not None
    assert reports[-1].startswith("the courier can't be started: Resource temporarily unavailable; ")
    courier.wake()
    assert courier.end() == []


def test_a_new_courier_lets_the_old_one_end(courier: CourierProcess, children: list[FakeChild]) -> None:
    """At a reload the old courier sees the end of its input, and is reaped when it has ended; the new one is woken."""
    courier.start()
    old, new = children
    assert old.input_ended
    assert not new.input_ended
    assert courier.outputs == [old.output, new.output]
    courier.wake()
    assert (old.pokes, new.pokes) == (0, 1)
    courier.ended(old.output)
    assert old.reaped
    assert courier.outputs == [new.output]
    assert courier.restart_at is None


def test_the_end(courier: CourierProcess, children: list[FakeChild]) -> None:
    """At the end each courier sees the end of its input; one that takes too long is left to itself."""
    assert courier.end() == [children[0].output]
    assert children[0].input_ended
    courier.abandon()
    assert children[0].closed
    assert courier.outputs == []
