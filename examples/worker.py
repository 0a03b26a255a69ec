#!/usr/bin/env python3
"""A program that tells supervisord's listeners about itself, then dies."""

import json
import sys
import time


def send(message: dict[str, object]) -> None:
    """Send an event: JSON between the two marks."""
    sys.stdout.write(f"<!--XSUPERVISOR:BEGIN-->{json.dumps(message)}<!--XSUPERVISOR:END-->")
    sys.stdout.flush()


time.sleep(2)
send({"level": "info", "text": "all is well", "disk": {"free_percent": 81}})
send({"level": "error", "text": "the queue is full", "disk": {"free_percent": 7}})
time.sleep(2)
sys.exit(1)
