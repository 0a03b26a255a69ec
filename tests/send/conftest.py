"""What the tests of the channels share: messages made to measure."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rules_listener.outbox.channel import Message
from tests.send.receivers import certificates

__all__ = ["certificates"]

EVENT: Mapping[str, object] = {
    "time": 1000.25,
    "event": "PROCESS_STATE_EXITED",
    "serial": 21,
    "processname": "nginx",
    "groupname": "web",
    "expected": 0,
}


def _make_message(*arguments: str, **others: Any) -> Message:
    given = {
        "id": "id1",
        "channel": "ops",
        "text": "web:nginx crashed",
        "rule": "crash_loop",
        "key": "web:nginx",
        "kind": "alert",
        "severity": "critical",
        "time": 1000.5,
        "event": EVENT,
    }
    return Message(**{**given, **others}, arguments=arguments)


@pytest.fixture(scope="session")
def make_message() -> Callable[..., Message]:
    """Makes a message about a process that exited; what it is given replaces what it has."""
    return _make_message
