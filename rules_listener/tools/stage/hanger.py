"""Works for a while, then waits for ever for a lock; its watchdog sees that, and says so once a second."""

import json
import sys
import threading
import time

progress = time.monotonic()


def work() -> None:
    """Make progress for two seconds, then take a lock that nobody will release."""
    global progress  # noqa: PLW0603 - the watchdog reads it
    lock = threading.Lock()
    for _ in range(20):
        time.sleep(0.1)
        progress = time.monotonic()
    lock.acquire()
    lock.acquire()


def send(message: dict[str, object]) -> None:
    """Send an event: what stands between these two marks comes out as PROCESS_COMMUNICATION."""
    sys.stdout.write(f"<!--XSUPERVISOR:BEGIN-->{json.dumps(message)}<!--XSUPERVISOR:END-->")
    sys.stdout.flush()


threading.Thread(target=work, daemon=True).start()
while True:
    time.sleep(1)
    age = round(time.monotonic() - progress)
    send({"heartbeat": "late" if age > 1 else "ok", "age": age})
