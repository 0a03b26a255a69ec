"""Programs that are started for a message."""

import json
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest

from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.command import CommandChannel

MakeMessage = Callable[..., Message]
PATIENCE_S = 5.0
LARGE = "x" * 300_000


def _channel(*arguments: str, timeout_s: float = PATIENCE_S, grace_s: float = 0.2) -> CommandChannel:
    return CommandChannel(lambda _: arguments, timeout_s=timeout_s, grace_s=grace_s)


def _python(code: str, *arguments: str, **settings: float) -> CommandChannel:
    return _channel(sys.executable, "-S", "-c", code, *arguments, **settings)


def _gone(pid: int) -> bool:
    """Whether the process has ended (its parent may not have collected it yet)."""
    deadline = monotonic() + PATIENCE_S
    while monotonic() < deadline:
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                sleep(0.01)
                continue
        return True
    return False


def _read_soon(path: Path) -> str:
    deadline = monotonic() + PATIENCE_S
    while not (path.exists() and path.read_text().endswith("\n")):
        assert monotonic() < deadline
        sleep(0.01)
    return path.read_text().strip()


def test_a_program_gets_arguments_environment_and_event(tmp_path: Path, make_message: MakeMessage) -> None:
    """A program is started with the arguments that the message makes, its variables, and the event as JSON."""
    to = tmp_path / "seen"
    code = (
        "import sys, os, json; json.dump([sys.argv[2:], os.environ['RL_ID'], sys.stdin.read()], open(sys.argv[1], 'w'))"
    )
    channel = CommandChannel(lambda message: [sys.executable, "-c", code, str(to), *message.arguments])
    message = make_message("a b", "$(touch x)", "")
    assert channel.send(message) == Sent()
    arguments, identifier, line = json.loads(to.read_text())
    assert (arguments, identifier, json.loads(line)) == (["a b", "$(touch x)", ""], "id1", message.event)


def test_100_kilobytes_pass_as_one_argument(tmp_path: Path, make_message: MakeMessage) -> None:
    """An argument of 100 kB arrives byte for byte."""
    text = "".join(chr(97 + n % 26) for n in range(100_000))
    code = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    assert _python(code, str(tmp_path / "seen"), text).send(make_message()) == Sent()
    assert (tmp_path / "seen").read_text() == text


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "import os; os.close(0)",
        "import sys; sys.stdout.write('y' * 1000000); sys.stdin.read()",
        "import sys; sys.stdin.read(10)",
    ],
)
def test_input_and_output_wait_for_nobody(make_message: MakeMessage, code: str) -> None:
    """A program may read its input, a part of it or nothing, and write as much as it likes."""
    message = make_message(event={"event": "PROCESS_LOG_STDOUT", "data": LARGE})
    assert _python(code).send(message) == Sent()


def test_output_never_reaches_ours(make_message: MakeMessage, capfd: pytest.CaptureFixture[str]) -> None:
    """What a program writes goes nowhere: standard output belongs to the protocol."""
    assert _channel("/bin/sh", "-c", "echo out; echo err >&2").send(make_message()) == Sent()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "exit status 3"),
        ("echo first; echo 'no route to host' >&2; echo; exit 1", "exit status 1: no route to host"),
        ("kill -9 $$", "killed by SIGKILL"),
        ("printf 'caf\\303\\251 \\377'; exit 1", "exit status 1: caf\u00e9 \ufffd"),
        ("head -c 1000000 /dev/zero | tr '\\0' y; exit 1", "exit status 1: " + "y" * 2048),
    ],
)
def test_a_program_that_fails_is_tried_again(make_message: MakeMessage, script: str, reason: str) -> None:
    """An exit status or a signal is a reason to try again, with the last line that the program wrote."""
    assert _channel("/bin/sh", "-c", script).send(make_message()) == RetryLater(reason)


def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path: Path, make_message: MakeMessage) -> None:
    """After the timeout the whole process group is ended, even what does not listen to SIGTERM."""
    script = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; echo working; wait; sleep 60"
    outcome = _channel("/bin/sh", "-c", script, timeout_s=0.3).send(make_message())
    assert outcome == RetryLater("timed out after 0.3s: working")
    assert _gone(int((tmp_path / "child").read_text()))


def test_a_program_that_ends_at_sigterm_is_not_waited_for(make_message: MakeMessage) -> None:
    """After the timeout a program has the grace to end by itself, and no longer than it needs."""
    start = monotonic()
    outcome = _channel("/bin/sleep", "60", timeout_s=0.1, grace_s=PATIENCE_S).send(make_message())
    assert outcome == RetryLater("timed out after 0.1s")
    assert monotonic() - start < PATIENCE_S / 2


def test_an_endless_output_is_cut_off(make_message: MakeMessage) -> None:
    """A program that writes for ever is ended at its timeout; only the tail of what it wrote is kept."""
    outcome = _channel("/bin/sh", "-c", "exec yes", timeout_s=0.3).send(make_message())
    assert outcome == RetryLater("timed out after 0.3s: y")


@pytest.mark.parametrize("end", ["", "\n"])
def test_half_a_secret_is_not_shown(make_message: MakeMessage, end: str) -> None:
    """Of a line that is longer than what is kept the first half is left out: the end of a secret may stand there."""
    code = f"import sys; sys.stderr.write('s3cr3t-ABCDEFGHIJKLMNOPQRSTUVWXYZ ' + 'x' * 4080 + {end!r}); sys.exit(1)"
    outcome = _python(code).send(make_message())
    assert isinstance(outcome, RetryLater)
    assert not re.search("[A-Z]", outcome.reason.removeprefix("exit status 1: "))


def test_a_child_that_goes_on_holds_up_nobody(tmp_path: Path, make_message: MakeMessage) -> None:
    """The end of the program is the end of the send, even if a child keeps its output open; the child lives."""
    script = f"sleep 60 & echo $! > {tmp_path}/child"
    start = monotonic()
    assert _channel("/bin/sh", "-c", script, timeout_s=30).send(make_message()) == Sent()
    assert monotonic() - start < PATIENCE_S
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def _write(path: Path, text: str, mode: int) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_what_cant_be_started_is_tried_again(tmp_path: Path, make_message: MakeMessage) -> None:
    """A program that is missing, not executable or none is named, with what to do about it."""
    cases = {
        "/nowhere/alert.py": "`/nowhere/alert.py` is not there, nor is the interpreter",
        _write(tmp_path / "plain", "#!/bin/sh\n", 0o644): "can't be executed: give it the permission (chmod +x)",
        _write(tmp_path / "shebang", "#!/nowhere/sh\n", 0o755): "the interpreter that its first line may name",
        _write(tmp_path / "none", "\x7fnothing", 0o755): "is no program: a script needs a first line",
        f"{tmp_path}/none/alert.py": "is not there: a part of its path is no folder",
    }
    for program, reason in cases.items():
        outcome = _channel(program).send(make_message())
        assert isinstance(outcome, RetryLater)
        assert reason in outcome.reason


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no program is named"),
        (("/bin/true", "x" * 131_072), "argument 1 has 131072 bytes, and the system takes 131071"),
        (("/bin/true", *["x" * 131_000] * 40), "more than the system takes together"),
    ],
)
def test_what_no_system_takes_is_given_up(make_message: MakeMessage, arguments: tuple[str, ...], said: str) -> None:
    """Arguments that can never be passed are given up at once, with the reason."""
    outcome = _channel(*arguments).send(make_message())
    assert isinstance(outcome, GaveUp)
    assert said in outcome.reason


def test_data_with_nul_and_without_utf_8_is_passed(make_message: MakeMessage) -> None:
    """Nothing that an event can hold keeps a program from being started."""
    event = {"event": "PROCESS_LOG_STDOUT", "data": "a\0b\udc80\ud83d"}
    channel = CommandChannel(lambda message: ["/bin/echo", str(message.event["data"])])
    assert channel.send(make_message(event=event, text="\0")) == Sent()


def test_stopping_ends_what_is_under_way(tmp_path: Path, make_message: MakeMessage) -> None:
    """`stop` ends a running program soon, as something to be tried later, and no other is started."""
    channel = _channel("/bin/sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60", timeout_s=60)
    outcomes: list[Outcome] = []
    thread = Thread(target=lambda: outcomes.append(channel.send(make_message())))
    thread.start()
    pid = int(_read_soon(tmp_path / "pid"))
    channel.stop()
    thread.join(PATIENCE_S)
    assert outcomes == [RetryLater("ended with the courier")]
    assert _gone(pid)
    assert channel.send(make_message()) == RetryLater("the courier is ending")
