"""Lines in a file."""

import fcntl
import json
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from rules_listener.outbox.channel import Message, RetryLater, Sent
from rules_listener.send.file import FileChannel
from rules_listener.send.wording import document, json_text

MakeMessage = Callable[..., Message]


def _channel(path: Path) -> FileChannel:
    return FileChannel(path, lambda message: message.text)


def test_lines_are_appended(tmp_path: Path, make_message: MakeMessage) -> None:
    """Each message is a line at the end; a new file is its owner's alone, another's rights stay."""
    path = tmp_path / "alerts"
    assert [_channel(path).send(make_message(text=text)) for text in ("a", "caf\u00e9")] == [Sent()] * 2
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("a\ncaf\u00e9\n", 0o600)
    path.chmod(0o644)
    _channel(path).send(make_message(text="c"))
    assert path.stat().st_mode & 0o777 == 0o644


def test_any_message_is_a_line_of_json(tmp_path: Path, make_message: MakeMessage) -> None:
    """A line is an object, whatever it holds."""
    path, text = tmp_path / "alerts.jsonl", 'a\n"}\x00\udc80\u2028'
    channel = FileChannel(path, lambda message: json_text(document(message)))
    message = make_message(text=text, event={"event": "X", "data": text})
    assert channel.send(message) == Sent()
    (line,) = path.read_text().split("\n")[:-1]
    assert json.loads(line)["event"] == {"event": "X", "data": text.replace("\udc80", "\ufffd")}


def test_a_file_that_is_moved_away(tmp_path: Path, make_message: MakeMessage) -> None:
    """After a rotation lines go to a new file of the name."""
    path, channel = tmp_path / "alerts", _channel(tmp_path / "alerts")
    channel.send(make_message(text="a"))
    path.rename(tmp_path / "alerts.1")
    channel.send(make_message(text="b"))
    assert (path.read_text(), (tmp_path / "alerts.1").read_text()) == ("b\n", "a\n")


def test_a_line_that_another_left_is_ended(tmp_path: Path, make_message: MakeMessage) -> None:
    """A line begins on a line of its own."""
    path = tmp_path / "alerts"
    path.write_text("cut off")
    _channel(path).send(make_message(text="a"))
    assert path.read_text() == "cut off\na\n"


def test_a_line_is_on_disk(tmp_path: Path, make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line counts as sent when it and the name of its file are on disk; an error there is one of the line."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    path = tmp_path / "alerts"
    assert [_channel(path).send(make_message()) for _ in range(2)] == [Sent()] * 2
    assert synced == [path, tmp_path, path]

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    before = path.read_text()
    monkeypatch.setattr(os, "fsync", fail)
    assert _channel(path).send(make_message()) == RetryLater(f"{path} can't be written: Input/output error")
    assert path.read_text() == before


def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path, make_message: MakeMessage) -> None:
    """On a full disk no half of a line is left, and the next one is whole."""
    path = tmp_path / "alerts"
    _channel(path).send(make_message(text="a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        outcome = _channel(path).send(make_message(text="x" * 2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outcome == RetryLater(f"{path} can't be written: File too large")
    assert path.read_text() == "a\n"


def test_where_no_line_can_be_written(tmp_path: Path, make_message: MakeMessage) -> None:
    """What is no file, or where there is none, waits with a reason; nothing hangs."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "link")
    cases = {
        tmp_path: f"{tmp_path} is a folder",
        tmp_path / "none" / "x": f"the folder of {tmp_path}/none/x is not there: make it",
        tmp_path / "pipe": f"{tmp_path}/pipe is no file",
        Path("/dev/full"): "/dev/full is no file",
        tmp_path / "link": f"{tmp_path}/link can't be written: Too many levels of symbolic links",
    }
    for path, reason in cases.items():
        assert _channel(path).send(make_message()) == RetryLater(reason)
    with (tmp_path / "locked").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        outcome = _channel(tmp_path / "locked").send(make_message())
    assert outcome == RetryLater(f"{tmp_path}/locked is locked by another program")
    _channel(tmp_path).stop()
