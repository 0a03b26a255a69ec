#!/usr/bin/env python3
"""Stands in for your alert command: appends the message to `alerts.txt` beside it.

Called as `alert.py -m MESSAGE`. The event is on standard input as one JSON object, and in RL_… variables.
"""

import argparse
import os
from pathlib import Path

parser = argparse.ArgumentParser(description="append a message to alerts.txt")
parser.add_argument("-m", "--message", required=True)
message = parser.parse_args().message

target = Path(os.environ.get("ALERTS_FILE") or Path(__file__).with_name("alerts.txt"))
with target.open("a", encoding="utf-8") as file:
    file.write(message + "\n")
