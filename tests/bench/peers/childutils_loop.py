"""An empty listener as supervisor's documentation writes it, with `childutils`. Arguments: a file, N."""

import sys
import time

from supervisor import childutils

COUNT = int(sys.argv[2])

first = 0.0
seen = 0
while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    if headers["eventname"].startswith("PROCESS_COMMUNICATION"):
        first = first or time.time()
        seen += 1
        if seen == COUNT:
            with open(sys.argv[1], "w", encoding="ascii") as file:  # noqa: PTH123 - as short as they come
                file.write(f"{first} {time.time()}")
    childutils.listener.ok(sys.stdout)
