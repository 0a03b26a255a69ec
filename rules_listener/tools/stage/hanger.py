"""Says once in a while that it makes progress; then it waits for ever for a lock, and says nothing any more."""

import json
import sys
import threading
import time


def send(message: dict[str, object]) -> None:
    """Send an event: what stands between these two marks comes out as PROCESS_COMMUNICATION."""
    sys.stdout.write(f"<!--XSUPERVISOR:BEGIN-->{json.dumps(message)}<!--XSUPERVISOR:END-->")
    sys.stdout.flush()


for step in range(3):
    time.sleep(1)
    send({"heartbeat": "progress", "step": step})

lock = threading.Lock()
lock.acquire()
lock.acquire()
