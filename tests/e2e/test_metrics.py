"""Metrics of a listener that runs: what is told is what happened, whoever is killed meanwhile."""

import shutil
import socket
import subprocess
import time
from contextlib import closing
from functools import partial

import pytest

from rules_listener.outbox.listing import Listing
from tests.e2e.scraper import Scraper, free_port
from tests.e2e.supervised import Supervised

RULES = """
rule told on PROCESS_COMMUNICATION alert "{data}"
rule broken on PROCESS_COMMUNICATION where data == "7" alert "{data}" to bad
rule down on PROCESS_STATE_EXITED alert "{process}" until PROCESS_STATE_RUNNING
"""
CHANNELS = '{ops: {log: {}}, bad: {command: ["false"]}}'

SLOWLY = """
import os, time
for number in range(300):
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{number}<!--XSUPERVISOR:END-->".encode())
    time.sleep(0.01)
"""
EVENTS = 300


@pytest.fixture
def scraper() -> Scraper:
    """Scrapes at a port of this test's."""
    return Scraper(free_port())


def test_what_is_told_is_what_happened(supervised: Supervised, scraper: Scraper) -> None:
    """While the courier is killed again and again, no counter goes back; in the end each has its number."""
    supervised.config(CHANNELS, f"metrics: 127.0.0.1:{scraper.port}\ngive_up_after: 5s")
    supervised.rules(RULES)
    supervised.listener(events="PROCESS_COMMUNICATION,PROCESS_STATE_EXITED")
    supervised.program("slowly", supervised.python("slowly.py", SLOWLY), autostart="false")
    supervised.start()
    supervised.wait_for(scraper.scrape, "the first scrape")
    supervised.ask("startProcess", "slowly")
    for told in (20, 100):
        supervised.wait_for(partial(scraper.exceeds, "firings_total,told", told), "more firings")
        supervised.kill(supervised.wait_for(supervised.courier_pid, "the courier"))
    supervised.wait_for(lambda: scraper.value("deliveries_total,ops,sent") == EVENTS + 1, "all deliveries")
    supervised.wait_for(lambda: scraper.value("deliveries_total,bad,given_up") == 1, "the end of patience")
    samples = supervised.wait_for(lambda: settled(scraper), "the last batch")
    assert samples["events_total,PROCESS_COMMUNICATION_STDOUT"] == EVENTS
    assert samples["events_total,LISTENER_DELIVERY_FAILED"] == 1
    assert [samples[f"firings_total,{rule}"] for rule in ("told", "broken", "down")] == [EVENTS, 1, 1]
    assert (samples["open_alerts,down"], samples["events_lost_total"], samples["dead_frames_total"]) == (1, 0, 0)
    assert (samples["queue_length,ops"], samples["queue_length,bad"]) == (0, 0)
    assert samples["acknowledgement_duration_seconds_count"] == EVENTS + 1
    assert 0 < samples["acknowledgement_duration_seconds_sum"] < EVENTS
    assert samples["rules_loaded"] == 3


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's package prometheus is not installed")
def test_promtool_finds_nothing(supervised: Supervised, scraper: Scraper) -> None:
    """What is served pleases `promtool check metrics`."""
    supervised.config(CHANNELS, f"metrics: 127.0.0.1:{scraper.port}")
    supervised.rules(RULES)
    supervised.listener(events="PROCESS_COMMUNICATION,PROCESS_STATE_EXITED")
    supervised.say("say", "7")
    supervised.start()
    supervised.wait_for(lambda: scraper.has("delivery_failed_tries_total,bad"), "a failure")
    check = subprocess.run(
        ["promtool", "check", "metrics"], input=scraper.text, capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


def settled(scraper: Scraper) -> dict[str, float]:
    """All samples, once the listener has written down the last events and what is open."""
    samples = scraper.scrape()
    last = ("events_total,PROCESS_STATE_EXITED", "events_total,LISTENER_DELIVERY_FAILED", "open_alerts,down")
    return samples if all(samples.get(series) for series in last) else {}


def test_what_a_killed_listener_had_not_written_is_counted(supervised: Supervised, scraper: Scraper) -> None:
    """A `kill -9` of the listener loses no event and no firing of the counts."""
    supervised.config(CHANNELS, f"metrics: 127.0.0.1:{scraper.port}")
    supervised.rules(RULES)
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.program("slowly", supervised.python("slowly.py", SLOWLY), autostart="false")
    supervised.start()
    supervised.wait_for(scraper.scrape, "the first scrape")
    supervised.ask("startProcess", "slowly")
    supervised.wait_for(lambda: scraper.exceeds("firings_total,told", 50), "some firings")
    supervised.kill(supervised.listener_pid())
    supervised.wait_for(lambda: scraper.value("firings_total,told") == EVENTS, "all firings")
    supervised.wait_for(lambda: scraper.value("events_total,PROCESS_COMMUNICATION_STDOUT") == EVENTS, "all events")


def test_reloads(supervised: Supervised, scraper: Scraper) -> None:
    """Rules that are rejected are told; those that are taken have their series, at the address that is named now."""
    supervised.config(CHANNELS)
    supervised.rules(RULES)
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", autostart="false")
    supervised.start()
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_STARTED"), "the listener")
    for port in (scraper.port, free_port()):
        scraper.port = port
        supervised.config(CHANNELS, f"metrics: 127.0.0.1:{port}")
        supervised.rules(RULES + f"rule new{port} on PROCESS_COMMUNICATION alert '{{data}}'")
        supervised.ask("signalProcess", "rl", "HUP")
        supervised.wait_for(partial(scraper.has, f"firings_total,new{port}"), "the new rules")
    supervised.rules("on NONSENSE alert")
    supervised.ask("signalProcess", "rl", "HUP")
    supervised.wait_for(lambda: scraper.value("config_last_reload_successful") == 0, "the rejection")
    assert scraper.value("rules_loaded") == 4
    assert (Listing(supervised.state).summary().rejected or "").startswith("RL101 at ")
    supervised.ask("startProcess", "say")
    supervised.wait_for(lambda: scraper.value("acknowledgement_duration_seconds_count"), "a timed answer")


def test_a_port_that_is_in_use_holds_up_nothing(supervised: Supervised, scraper: Scraper) -> None:
    """It is said once what to do; alerts are sent meanwhile, and metrics are served as soon as the port is free."""
    supervised.config(CHANNELS, f"metrics: 127.0.0.1:{scraper.port}")
    supervised.rules(RULES)
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one")
    with closing(socket.create_server(("127.0.0.1", scraper.port))):
        supervised.start()
        supervised.wait_for_texts("one")
        supervised.wait_for(lambda: "metrics can't be served" in supervised.read("rl.err"), "the report")
        time.sleep(1)
    supervised.wait_for(lambda: scraper.value("deliveries_total,ops,sent") == 1, "metrics")
    supervised.wait_for(lambda: "metrics are served at" in supervised.read("rl.err"), "the end of the trouble")
    assert supervised.read("rl.err").count("can't be served") == 1
