"""`explain RECORDING`: an event is looked for, the rules are fed with all that led to it, and it is said why."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path

import click

from rules_listener.base.diagnostics import suggestion
from rules_listener.base.errors import ConfigError
from rules_listener.event.event import Seen
from rules_listener.event.findings import Findings
from rules_listener.event.recording import Reading
from rules_listener.lang.parts import parted
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.serve.compiler import Checked
from rules_listener.tools import show
from rules_listener.tools.explained import Explained, Explaining, Picking, Question
from rules_listener.tools.explained_objects import alert_object, observed_object
from rules_listener.tools.explained_text import TextWriter
from rules_listener.tools.loaded import number_of
from rules_listener.tools.observed import Observer
from rules_listener.tools.recordings import STANDARD_INPUT, Recordings, what_is_not_known
from rules_listener.tools.replay.history import History

ANY_CHANNEL = ("default",)
"""Where alerts without `to` go if there is no configuration that says it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The recording that is explained, and how it is read; `own_group` is that of the listener, if it is known."""

    path: Path
    reading: Reading
    rotated: bool = True
    own_group: str = ""

    def play(
        self,
        look: Callable[[Seen], object],
        findings: Findings,
        *,
        until: float = inf,
        own_group_is: Callable[[str], None] | None = None,
    ) -> None:
        """Call `look` with each event, as a replay would play them."""
        with Recordings([self.path], findings, rotated=self.rotated) as recordings:
            parts = recordings.batches(self.reading)
            own_group_is = None if self.own_group else own_group_is
            History(parts, until=until, is_journal=recordings.is_journal, own_group_is=own_group_is).look(look)


def explain_recording(subject: Subject, question: Question, checked: Checked, *, as_json: bool) -> int:
    """Print why each rule fired at the event in question or did not.

    The exit status is 1 if there is no such event, or something in the recording can't be read, which is then said.

    Raises:
        ConfigError: there is no such rule, or the recording can't be read.
        StoreError: the store that holds the recording can't be read.
    """
    if subject.path == STANDARD_INPUT:
        raise ConfigError("a recording that is explained is read twice: name a file")
    for name in question.rules:
        number_of(name, checked)
    findings = Findings(_say)
    explained = _explained(subject, question, checked, findings)
    for line in what_is_not_known(findings):
        _say(line)
    if not explained.events:
        nearest = _nearest(subject, question)
        _say(f"{subject.path} has no event{_asked(question)}{f': {nearest}' if nearest else ''}")
        return 1
    if as_json:
        click.echo(json.dumps(_object(explained, question), indent=2, ensure_ascii=False))
    else:
        _print(explained, question)
    return 1 if findings.unreadable else 0


def _say(text: str) -> None:
    click.echo(text, err=True)


def _explained(subject: Subject, question: Question, checked: Checked, findings: Findings) -> Explained:
    rules = parted(checked.parsed, checked.rules)
    picking = Picking(rules.rules, question)
    subject.play(picking.look, findings, until=question.end)
    program = load(compile_rules(checked.rules))
    observer = Observer(rules, program, checked.config.default or ANY_CHANNEL, subject.own_group)
    explaining = Explaining(observer, picking.picked, question)
    subject.play(explaining.look, _no_findings(), until=question.end, own_group_is=observer.own_group_is)
    return explaining.explained()


def _no_findings() -> Findings:
    """For what was read already."""
    return Findings(lambda _: None)


def _asked(question: Question) -> str:
    process = f" about {question.process}" if question.process is not None else ""
    return process + (f" up to {show.clock_time(question.at)}" if question.at is not None else "")


def _nearest(subject: Subject, question: Question) -> str:
    """What process may be meant by one that is in no event of a recording; empty if none is like it."""
    if question.process is None:
        return ""
    names: dict[str, str] = {}

    def note(event: Seen) -> None:
        if event.process is not None:
            names[event.process] = str(event.processname)

    subject.play(note, _no_findings())
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
