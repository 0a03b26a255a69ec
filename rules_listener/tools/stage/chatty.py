"""Writes many lines, one in a hundred of which matters."""

import itertools
import time

for number in itertools.count():
    level = "ERROR disk nearly full" if number % 100 == 99 else "debug nothing happened"
    print(f"{number} {level}", flush=True)
    time.sleep(0.02)
