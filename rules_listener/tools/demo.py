"""`rules-listener demo`: a real supervisord, programs in trouble, and the alerts that come of it."""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from time import sleep

import click
from rich.text import Text

from rules_listener.base.clock import SystemClock
from rules_listener.base.errors import ConfigError, StoreError
from rules_listener.outbox.listing import Listed, Listing
from rules_listener.serve.config import STATE_FOLDER
from rules_listener.tools import show
from rules_listener.tools.spelled import printable_lines

EXPECTED = {
    ("crash", "pager"): "a program that crashes",
    ("crash_loop", "pager"): "that it crashes again and again",
    ("gave_up", "pager"): "a program that never comes up",
    ("hang", "pager"): "a program that hangs",
    ("chatter", "log"): "one line in a hundred of a chatty program",
    ("report", "pager"): "an event that a program sends by itself",
    ("report", "log"): "the same, to a second channel",
}
SHORTEST_S = 8.0
LONGEST_S = 25.0
LOOK_EVERY_S = 0.2


@click.command(short_help="Show it at work on a real supervisord.")
def demo() -> None:
    """Run a real supervisord with programs that crash, hang and chatter, and show the alerts as they happen."""
    with tempfile.TemporaryDirectory(prefix="rules-listener-demo-") as folder:
        stage = Path(folder)
        _set_up(stage)
        console = show.console()
        console.print("A supervisord with five programs, and rules-listener watching them. This takes some seconds.\n")
        supervisord = _start(stage)
        try:
            seen = _watch(stage, supervisord)
        finally:
            supervisord.terminate()
            supervisord.wait(timeout=20)
        complete = _sum_up(stage, seen)
    sys.exit(0 if complete else 1)


def _set_up(stage: Path) -> None:
    for entry in files("rules_listener.tools").joinpath("stage").iterdir():
        if entry.is_file():
            text = entry.read_text(encoding="utf-8").replace("@PYTHON@", sys.executable).replace("@HERE@", str(stage))
            (stage / entry.name).write_text(text, encoding="utf-8")


def _start(stage: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(stage / "supervisord.conf")]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)  # noqa: S603 - our own


def _watch(stage: Path, supervisord: "subprocess.Popen[bytes]") -> dict[str, Listed]:
    """Show deliveries as they are sent, until all that is expected has come or the time is up; those that were sent."""
    seen: dict[str, Listed] = {}
    clock = SystemClock()
    began = clock.monotonic()
    while (passed := clock.monotonic() - began) < LONGEST_S:
        if supervisord.poll() is not None:
            raise ConfigError(f"supervisord ended with status {supervisord.returncode}:\n{_log(stage)}")
        for listed in _sent(stage):
            if listed.id not in seen:
                seen[listed.id] = listed
                _show(listed)
        if passed >= SHORTEST_S and EXPECTED.keys() <= {(one.rule, one.channel) for one in seen.values()}:
            break
        sleep(LOOK_EVERY_S)
    return seen


def _sent(stage: Path) -> list[Listed]:
    with suppress(StoreError):
        return Listing(stage / STATE_FOLDER).deliveries(["sent"], 1000)[::-1]
    return []


def _show(listed: Listed) -> None:
    moment = show.clock_time(listed.time)[-8:]
    console = show.console()
    console.print(
        f"{moment} ",
        show.severity(f"{listed.severity:9}"),
        f"{printable_lines(listed.text)}  → {listed.channel}",
        sep="",
    )


def _log(stage: Path) -> str:
    try:
        return (stage / "supervisord.log").read_text(encoding="utf-8", errors="replace")[-2000:]
    except OSError:
        return ""


def _sum_up(stage: Path, seen: dict[str, Listed]) -> bool:
    """Show what came of each trouble; whether all that was expected came."""
    console = show.console()
    counters = Listing(stage / STATE_FOLDER).summary().counters
    events = sum(number for name, number in counters.items() if name.startswith("event:"))
    counts = Counter((one.rule, one.channel) for one in seen.values())
    console.print(f"\n{events} events seen, {counters.get('lost', 0)} lost; {len(seen)} alerts sent:\n")
    table = show.table("trouble", "rule", "channel", "alerts")
    for (rule, channel), trouble in EXPECTED.items():
        number = counts[rule, channel]
        table.add_row(trouble, rule, channel, str(number) if number else Text("missing", "bold red"))
    console.print(table)
    missing = [key for key in EXPECTED if not counts[key]]
    if missing:
        console.print(
            Text(f"\n{len(missing)} expected alerts did not come", "bold red"),
            f"; supervisord's log ends with:\n{printable_lines(_log(stage))}",
            sep="",
        )
    return not missing
