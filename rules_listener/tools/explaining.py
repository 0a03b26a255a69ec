"""`explain RECORDING`: an event is looked for, the rules are fed with all that led to it, and it is said why."""

import json
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path

import click

from rules_listener.base.diagnostics import suggestion
from rules_listener.base.errors import ConfigError
from rules_listener.event.findings import Findings
from rules_listener.event.recording import Reading
from rules_listener.lang.parts import parted
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.serve.compiler import Checked
from rules_listener.tools import show
from rules_listener.tools.explained import Explained, Question, explain_events, pick
from rules_listener.tools.explained_objects import alert_object, observed_object
from rules_listener.tools.explained_text import TextWriter
from rules_listener.tools.loaded import checked_rules, number_of
from rules_listener.tools.recordings import STANDARD_INPUT, Recordings

ANY_CHANNEL = ("default",)
"""Where alerts without `to` go if there is no configuration that says it."""


def explain_recording(  # noqa: PLR0913 - what was asked, and where to look
    path: Path,
    question: Question,
    zone: tzinfo | None,
    config: Path | None,
    paths: Sequence[str],
    *,
    as_json: bool,
) -> int:
    """Print why each rule fired at the event in question or did not.

    The exit status is 1 if there is no such event, or something in the recording can't be read, which is then said.

    Raises:
        ConfigError: the rules have an error, there is no such rule, or the recording can't be read.
        StoreError: the store that holds the recording can't be read.
    """
    if path == STANDARD_INPUT:
        raise ConfigError("a recording that is explained is read twice: name a file")
    checked = checked_rules(config, paths)
    for name in question.rules:
        number_of(name, checked)
    findings = Findings(lambda text: click.echo(text, err=True))
    explained = _explained(path, question, Reading(zone=zone), checked, findings)
    if not explained.events:
        nearest = _nearest(path, question, zone)
        click.echo(f"{path} has no event{_asked(question)}{f': {nearest}' if nearest else ''}", err=True)
        return 1
    if as_json:
        click.echo(json.dumps(_object(explained, question), indent=2, ensure_ascii=False))
    else:
        _print(explained, question)
    return 1 if findings.unreadable else 0


def _explained(path: Path, question: Question, reading: Reading, checked: Checked, findings: Findings) -> Explained:
    rules = parted(checked.parsed, checked.rules)
    with Recordings([path], findings) as recordings:
        events = recordings.events(reading)
        picked = pick(events, rules.rules, question)
    program = load(compile_rules(checked.rules))
    channels = checked.config.default or ANY_CHANNEL
    with Recordings([path], Findings(lambda _: None)) as recordings:
        return explain_events(recordings.events(reading), rules, program, channels, picked, question.end)


def _asked(question: Question) -> str:
    process = f" about {question.process}" if question.process is not None else ""
    return process + (f" up to {show.clock_time(question.at)}" if question.at is not None else "")


def _nearest(path: Path, question: Question, zone: tzinfo | None) -> str:
    """What process may be meant by one that is in no event of a recording; empty if none is like it."""
    if question.process is None:
        return ""
    with Recordings([path], Findings(lambda _: None)) as recordings:
        events = recordings.events(Reading(zone=zone))
        names = {event.process: str(event.fields["processname"]) for event in events if event.process is not None}
    if question.process in names:
        return "there are later ones"
    same = [f"did you mean `{process}`?" for process, name in sorted(names.items()) if name == question.process]
    return next(iter(same), "") or suggestion(question.process, names)


def _print(explained: Explained, question: Question) -> None:
    console = show.console()
    writer = TextWriter(console.width)
    if explained.left_out:
        console.print(
            f"{explained.left_out} earlier events of the same second are left out: --process NAME asks for less"
        )
    for place, (number, observed) in enumerate(explained.events):
        if place:
            console.print()
        for line in writer.event(number, observed, tuple(question.rules)):
            console.print(line, soft_wrap=True)
    if explained.since:
        console.print()
        for line in writer.alerts_of_time("after it:", explained.since):
            console.print(line, soft_wrap=True)


def _object(explained: Explained, question: Question) -> dict[str, object]:
    names = tuple(question.rules)
    return {
        "events": [observed_object(number, observed, names) for number, observed in explained.events],
        "left_out": explained.left_out,
        "after": [alert_object(alert) for alert in explained.since],
    }
