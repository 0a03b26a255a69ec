"""What the tests of the channels share: messages made to measure."""

from collections.abc import Callable, Mapping

import pytest

from rules_listener.outbox.channel import Message

EVENT: Mapping[str, object] = {
    "time": 1000.25,
    "event": "PROCESS_STATE_EXITED",
    "serial": 21,
    "processname": "nginx",
    "groupname": "web",
    "expected": 0,
}


def _make_message(
    *arguments: str, text: str = "web:nginx crashed", event: Mapping[str, object] = EVENT, attempt: int = 1
) -> Message:
    return Message(
        "id1", "ops", text, "crash_loop", "web:nginx", "alert", "critical", 1000.5, event, arguments, attempt
    )


@pytest.fixture(scope="session")
def make_message() -> Callable[..., Message]:
    """Makes a message with arguments, about a process that exited."""
    return _make_message
