"""Bursts: with channels that hang, and with a buffer that is too small."""

import pytest

from tests.e2e.supervised import Supervised

BURST = """
import os, sys
for number in range(int(sys.argv[1])):
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{number:400}<!--XSUPERVISOR:END-->".encode())
"""
"""Sends as many events as it is told. They are large: supervisord takes all that a read brings by recursion, and some
450 in one read end its channel to the program."""

EVENTS = 1000


def _lost(supervised: Supervised) -> int:
    return sum(int(alert.text.removeprefix("lost ")) for alert in supervised.alerts() if alert.rule == "losses")


def test_a_hanging_command_costs_no_event(supervised: Supervised) -> None:
    """With an alert command that hangs, a burst is acknowledged and in the store; the listener goes on answering."""
    supervised.config('{ops: {command: ["sleep", "60"], timeout: 60s}}')
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(buffer_size=2 * EVENTS)
    supervised.program("burst", f"{supervised.python('burst.py', BURST)} {EVENTS}")
    supervised.say("late", "late", autostart="false")
    supervised.start()
    supervised.wait_for(lambda: len(supervised.alerts()) == EVENTS, f"{EVENTS} alerts")
    supervised.wait_for(lambda: supervised.alerts("sending"), "the command")
    supervised.ask("startProcess", "late")
    supervised.wait_for(lambda: supervised.texts()["late"], "an event after the burst")
    assert {text.strip() for text in supervised.texts()} == {*map(str, range(EVENTS)), "late"}
    assert len(supervised.alerts()) == EVENTS + 1
    assert supervised.discarded == 0
    assert supervised.alerts("sent") == []


@pytest.mark.parametrize("events", ["PROCESS_COMMUNICATION", "PROCESS_COMMUNICATION,PROCESS_STATE"])
def test_losses_are_counted_exactly(supervised: Supervised, events: str) -> None:
    """What supervisord discards because its buffer is small is reported by its exact number."""
    supervised.config("{ops: {log: {}}}")
    supervised.rules('rule losses on LISTENER_EVENTS_LOST alert "lost {lost}"')
    supervised.listener(buffer_size=10, events=events)
    supervised.program("burst", f"{supervised.python('burst.py', BURST)} {EVENTS}", autostart="false")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_STARTED"), "the listener")
    supervised.ask("startProcess", "burst")
    supervised.wait_for(lambda: _lost(supervised), "a loss")
    supervised.wait_for(lambda: _lost(supervised) == supervised.discarded, "the exact number")
    supervised.wait_for(lambda: supervised.counter("lost") == supervised.discarded, "the counter")
    if events == "PROCESS_COMMUNICATION":
        assert supervised.counter("event:PROCESS_COMMUNICATION_STDOUT") + supervised.discarded == EVENTS
