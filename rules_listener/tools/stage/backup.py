"""Sends an event of its own: a backup that failed."""

import json
import sys
import time

time.sleep(3)
message = {"level": "error", "text": "backup of /srv failed: 没有空间 (no space left) 💥"}
sys.stdout.write(f"<!--XSUPERVISOR:BEGIN-->{json.dumps(message, ensure_ascii=False)}<!--XSUPERVISOR:END-->")
sys.stdout.flush()
time.sleep(3600)
