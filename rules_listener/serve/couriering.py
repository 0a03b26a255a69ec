"""The courier's process: `python -m rules_listener.serve.couriering STATE START`, started by the listener.

It takes the configuration from the bundle that the listener gives it, builds the channels, and works until the listener
ends. START is when supervisord began, in seconds since the boot: what is to be done to it or its processes because of
something that happened before is given up.
"""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from random import SystemRandom
from threading import Thread

from rules_listener.base.clock import Clock, SystemClock, since_boot
from rules_listener.match.program import load
from rules_listener.outbox.alert import SUPERVISOR_CHANNEL
from rules_listener.outbox.channel import Channel, Gathering, GaveUp, Message, Outcome
from rules_listener.outbox.courier import Courier, report_on_stderr
from rules_listener.outbox.database import Database
from rules_listener.outbox.queue import Queue
from rules_listener.outbox.trim import Limits
from rules_listener.serve.bundle import Bundle, load_bundle
from rules_listener.serve.channels import build_channels
from rules_listener.serve.children import read_given
from rules_listener.serve.config import Config

LONGEST_ACTION_S = 300.0
"""What was to be done to a process, or to supervisord, is not done later than this: it has a new life by then."""


class InThisLife:
    """What supervisord is asked to do: only what happened in its present life, which is `age()` seconds old."""

    def __init__(self, channel: Channel, clock: Clock, age: Callable[[], float]) -> None:
        self.places = channel.places
        self._channel = channel
        self._clock = clock
        self._age = age

    def send(self, message: Message) -> Outcome:
        """Ask for it, unless supervisord was started after what it is about."""
        if message.time < self._clock.time() - self._age():
            return GaveUp("supervisord was started anew after this had happened, and all its processes with it")
        return self._channel.send(message)

    def stop(self) -> None:
        """End what is under way."""
        self._channel.stop()


def give_up_times(channels: Iterable[str], config: Config) -> dict[str, float]:
    """For each channel, how long its deliveries are tried, in seconds."""
    times = dict.fromkeys(channels, config.give_up_after_s)
    own = {one.name: one.options["give_up_after_s"] for one in config.channels if "give_up_after_s" in one.options}
    return times | own | {SUPERVISOR_CHANNEL: min(config.give_up_after_s, LONGEST_ACTION_S)}


def gather_times(channels: Mapping[str, Channel]) -> dict[str, float]:
    """For each channel that gathers its messages, how long the first of them waits, in seconds."""
    gathering = {name: one.gather_s for name, one in channels.items() if isinstance(one, Gathering)}
    return {name: seconds for name, seconds in gathering.items() if seconds is not None}


def serve_metrics(bundle: Bundle, folder: Path, channels: Collection[str]) -> None:
    """Serve the figures of the store in `folder` where the configuration says, to the end of the process."""
    from rules_listener.serve.endpoint import Endpoint  # noqa: PLC0415 - only where metrics are asked for
    from rules_listener.serve.metrics import StoreCollector  # noqa: PLC0415 - likewise

    collector = StoreCollector(folder, bundle.program.rules, channels, SystemClock())
    Endpoint(bundle.config.metrics, collector, report_on_stderr).serve()


def main(state: str, start: str) -> int:
    """Carry what waits in the state folder; the exit status."""
    folder = Path(state)
    bundle = load_bundle(read_given())
    if bundle is None:
        report_on_stderr("it was given no compiled rules that this version can read")
        return 2
    config = bundle.config
    channels = build_channels(list(config.channels), load(bundle.program).templates, os.environ)
    clock = SystemClock()
    if supervisord_start := float(start):
        channels[SUPERVISOR_CHANNEL] = InThisLife(
            channels[SUPERVISOR_CHANNEL], clock, lambda: since_boot() - supervisord_start
        )
    give_up_after_s = give_up_times(channels, config)
    gather_s = gather_times(channels)
    database = Database(folder, durability="power" if config.durability == "power" else "process")
    notify = os.dup(1)
    os.dup2(2, 1)
    if config.metrics:
        Thread(target=serve_metrics, args=(bundle, folder, list(channels)), daemon=True).start()
    Courier(
        Queue(database, random=SystemRandom(), give_up_after_s=give_up_after_s, gather_s=gather_s),
        channels,
        folder=folder,
        clock=clock,
        wake=0,
        notify=notify,
        limits=Limits(config.journal_days, config.journal_bytes),
    ).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
