"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable

LONGEST_PAUSE_S = 0.05


def eventually(condition: Callable[[], bool], what: str = "it", patience_s: float = 5.0) -> None:
    """Wait until `condition` is true; `what` is said if it never is."""
    deadline = time.monotonic() + patience_s
    pause_s = 0.002
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience_s:.0f} s for {what}"
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
