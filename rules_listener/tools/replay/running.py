"""A replay from its first event to its last: by one job, or by several where the rules allow it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from rules_listener.base.clock import SystemClock
from rules_listener.base.counted import counted
from rules_listener.event.findings import Findings
from rules_listener.event.recording import Reading
from rules_listener.tools.recordings import Recordings, sum_up, what_is_not_known
from rules_listener.tools.replay.history import History, Played
from rules_listener.tools.replay.jobs import Jobs
from rules_listener.tools.replay.progress import Shown
from rules_listener.tools.replay.report import Player


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be played: see the options."""

    recordings: tuple[Path, ...]
    reading: Reading
    rotated: bool
    until: float
    own_group: str
    jobs: int


def play(asked: Asked, player: Player) -> bool:
    """Play recordings, and say what could not be read; whether there is something that the exit status has to say."""
    findings = Findings(say)
    with Recordings(asked.recordings, findings, rotated=asked.rotated) as opened:
        with Shown(opened, SystemClock()) as shown:
            played = _by_several(asked, opened, player, shown) or _by_one(asked, opened, player, shown)
        findings.unreadable += played.unreadable
        found = player.end(replace(played, unreadable=findings.unreadable))
        for line in _notes(opened, findings, played):
            say(line)
    return found or findings.unreadable > 0


def say(text: str) -> None:
    """Say something to whoever typed the command."""
    click.echo(text, err=True)


def _by_one(asked: Asked, opened: Recordings, player: Player, shown: Shown) -> Played:
    history = History(
        shown.watch(opened.batches(asked.reading), len),
        until=asked.until,
        is_journal=opened.is_journal,
        own_group_is=None if asked.own_group else player.own_group_is,
    )
    player.play(history, asked.until)
    return history.played()


def _by_several(asked: Asked, opened: Recordings, player: Player, shown: Shown) -> Played | None:
    """What several jobs have played; None if one has to do it all, which is said."""
    if asked.jobs == 1:
        return None
    divided = player.divide(asked.jobs, asked.until) if opened.are_lines else "not all of it is JSON lines"
    if isinstance(divided, str):
        say(f"played by one job: {divided}")
        return None
    lines = shown.watch(opened.lines(asked.reading), lambda named: named[1].count(b"\n"))
    return Jobs(divided.tasks, say).play(lines, divided.tell)


def _notes(recordings: Recordings, findings: Findings, played: Played) -> Iterator[str]:
    """What is to be known about the recordings, beside what came of them."""
    if findings.unreadable:
        yield sum_up(recordings, findings, played.events)
    yield from what_is_not_known(findings)
    if repeated := played.repeated:
        yield f"{counted(repeated, 'event')} came twice, and {_was(repeated)} played once"
    if missing := played.missing:
        yield f"{counted(missing, 'event')} {_was(missing)} discarded by supervisord before anyone could record them"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
