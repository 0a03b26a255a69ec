"""How a line of the listener's log begins, whoever writes it: with the time, in this host's zone."""

from datetime import UTC, datetime

from rules_listener.base.clock import SystemClock


def log_time(seconds: float) -> str:
    """`2026-11-28T03:30:07+00:00`."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(timespec="seconds")


def log_line(text: str) -> str:
    """What the listener says of itself at this moment: `2026-11-28T03:30:07+00:00 rules-listener: started`."""
    return f"{log_time(SystemClock().time())} rules-listener: {text}\n"
