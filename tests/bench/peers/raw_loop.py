"""The least that a listener can do: read bytes, write the answer, decode nothing. Argument: where to note the times."""

import os
import sys
import time

COUNT = int(sys.argv[2])

os.write(1, b"READY\n")
first = 0.0
seen = 0
while True:
    data = os.read(0, 1 << 16)
    if not data:
        break
    if b"eventname:PROCESS_COMMUNICATION" in data:
        first = first or time.time()
        seen += 1
        if seen == COUNT:
            with open(sys.argv[1], "w", encoding="ascii") as file:  # noqa: PTH123 - the least
                file.write(f"{first} {time.time()}")
    os.write(1, b"RESULT 2\nOKREADY\n")
