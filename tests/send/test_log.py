"""A message as a line on standard error."""

import io
from collections.abc import Callable
from datetime import datetime

import pytest

from rules_listener.outbox.channel import Message, RetryLater, Sent
from rules_listener.send.log import LogChannel

MakeMessage = Callable[..., Message]


def test_a_message_is_a_line(make_message: MakeMessage) -> None:
    """A line says when, how bad, which rule and what; its time has an offset."""
    stream = io.StringIO()
    assert LogChannel(stream).send(make_message()) == Sent()
    time, rest = stream.getvalue().split(" ", 1)
    assert rest == "critical crash_loop: web:nginx crashed\n"
    moment = datetime.fromisoformat(time)
    assert (moment.timestamp(), moment.utcoffset() is None) == (1000.0, False)


def test_standard_error_is_the_default(make_message: MakeMessage, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stream, lines go to standard error, and nothing to standard output."""
    channel = LogChannel()
    channel.send(make_message())
    channel.stop()
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_a_closed_stream_is_tried_again(make_message: MakeMessage) -> None:
    """A stream that can't be written is no defect: the line is written later."""
    stream = io.StringIO()
    stream.close()
    assert isinstance(LogChannel(stream).send(make_message()), RetryLater)
