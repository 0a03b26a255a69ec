"""The courier's process: `python -m rules_listener.serve.couriering STATE`, started by the listener.

It takes the configuration from the bundle that the listener gives it, builds the channels, and works until the listener
ends.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from random import SystemRandom

from rules_listener.base.clock import SystemClock
from rules_listener.match.program import load
from rules_listener.outbox.alert import SUPERVISOR_CHANNEL
from rules_listener.outbox.courier import Courier
from rules_listener.outbox.database import Database
from rules_listener.outbox.queue import Queue
from rules_listener.outbox.trim import Limits
from rules_listener.serve.bundle import load_bundle
from rules_listener.serve.channels import build_channels
from rules_listener.serve.children import read_given

LONGEST_ACTION_S = 300.0
"""What was to be done to a process, or to supervisord, is not done later than this: it has a new life by then."""


def give_up_times(channels: Iterable[str], configured_s: float) -> dict[str, float]:
    """For each channel, how long its deliveries are tried, in seconds."""
    times = dict.fromkeys(channels, configured_s)
    return times | {SUPERVISOR_CHANNEL: min(configured_s, LONGEST_ACTION_S)}


def main(state: str) -> int:
    """Carry what waits in the state folder; the exit status."""
    folder = Path(state)
    bundle = load_bundle(read_given())
    if bundle is None:
        sys.stderr.write("rules-listener: courier: it was given no compiled rules that this version can read\n")
        return 2
    config = bundle.config
    channels = build_channels(list(config.channels), load(bundle.program).templates, os.environ)
    give_up_after_s = give_up_times(channels, config.give_up_after_s)
    database = Database(folder, durability="power" if config.durability == "power" else "process")
    notify = os.dup(1)
    os.dup2(2, 1)
    Courier(
        Queue(database, random=SystemRandom(), give_up_after_s=give_up_after_s),
        channels,
        folder=folder,
        clock=SystemClock(),
        wake=0,
        notify=notify,
        limits=Limits(config.journal_days, config.journal_bytes),
    ).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
