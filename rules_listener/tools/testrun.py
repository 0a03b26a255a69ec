"""Tests are run: events go in as they would live, and what is sent is laid beside what was expected.

1. Alerts come out of a `DryRun`, so their texts are those that the listener would send.
2. Nothing of one test is known in another one: each has an engine of its own. The rules are loaded once for all.
3. Without a recording, 0s is the moment at which the listener starts: `on no … overall` waits from there on.
4. A recording is played as a replay plays it, and none of its events is kept. Events that a test lists are what the
   listener got: the pool that they went to is its own group, and what happens to the listener itself is left out.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rules_listener.base.clock import Clock
from rules_listener.base.errors import RulesListenerError
from rules_listener.event.event import Event, Seen
from rules_listener.event.findings import Findings
from rules_listener.event.recording import Reading
from rules_listener.match.engine import Engine
from rules_listener.match.program import Loaded
from rules_listener.outbox.alert import Alert
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.expected import Row, facts_of, side_by_side
from rules_listener.tools.recordings import Recordings
from rules_listener.tools.replay.history import Found, History
from rules_listener.tools.ruletest import RuleTest, default_start
from rules_listener.tools.testfile import Suite


@dataclass(frozen=True, slots=True)
class Ran:
    """A test that was run, with its engine as it was at the end.

    `events` are what came; they can be gone through again. `start` is the moment of 0s and `end` the last one that was
    looked at, in seconds since 1970. `alerts` are all that came of them; `rows` lay those that were sent beside those
    that were expected, `held_rows` those that were held back. What could not be read of a recording is `unreadable`,
    line by line.
    """

    test: RuleTest
    engine: Engine
    events: Iterable[Event]
    start: float
    end: float
    alerts: Sequence[Alert]
    rows: Sequence[Row]
    held_rows: Sequence[Row]
    unreadable: Sequence[str]
    took_s: float

    @property
    def passed(self) -> bool:
        """Whether all was read, and all came as expected."""
        return not self.unreadable and all(row.is_so for row in (*self.rows, *self.held_rows))


class Coming:
    """The events of a test, played as often as they are needed; what can't be read is in `unreadable` afterwards."""

    def __init__(self, suite: Suite, test: RuleTest) -> None:
        self.unreadable: list[str] = []
        self._test = test
        self._reading = Reading(start=test.start, zone=suite.zone)

    def play(
        self,
        feed: Callable[[Seen], Sequence[Found]],
        take: Callable[[Seen, Sequence[Found]], None],
        own_group_is: Callable[[str], None] | None = None,
    ) -> History:
        """Play them as a replay would; those that are written in the test are a listener's own."""
        history = History([self._test.events], is_journal=True, own_group_is=own_group_is)
        if self._test.recording is None:
            history.play(feed, take)
            return history
        self.unreadable = []
        try:
            with Recordings([self._test.recording], Findings(self.unreadable.append, _pass_over)) as opened:
                parts = opened.batches(self._reading)
                history = History(parts, is_journal=opened.is_journal, own_group_is=own_group_is)
                history.play(feed, take)
        except RulesListenerError as error:
            self.unreadable.append(str(error))
        return history

    def __iter__(self) -> Iterator[Event]:
        """All of them."""
        found: list[Event] = []
        self.play(lambda event: [event], lambda event, _: found.append(event.kept()))
        return iter(found)


def run_tests(suite: Suite, tests: Iterable[RuleTest], clock: Clock) -> Iterator[Ran]:
    """Run tests of a suite whose rules have no error, one after the other."""
    assert suite.loaded is not None, "rules with an error are not run"  # noqa: S101 - the caller has looked
    for test in tests:
        yield _run(suite, suite.loaded, test, clock)


def _run(suite: Suite, loaded: Loaded, test: RuleTest, clock: Clock) -> Ran:
    begun = clock.monotonic()
    coming = Coming(suite, test)
    dry_run = DryRun(loaded, suite.rules.checked.config.default)
    start = default_start(suite.zone) if test.start is None else test.start
    alerts = [] if test.recording else dry_run.advance(start)
    history = coming.play(dry_run.feed, lambda _, found: alerts.extend(found), partial(_own_group_is, dry_run))
    if test.start is None and history.first is not None:
        start = history.first
    end = start if history.last is None else max(start, history.last)
    if test.until_s is not None:
        end = max(end, start + test.until_s)
        alerts += dry_run.advance(end)
    sent = [facts_of(one, start) for one in alerts if one.held is None]
    held = [facts_of(one, start) for one in alerts if one.held is not None]
    return Ran(
        *(test, dry_run.engine, coming, start, end, alerts),
        rows=side_by_side(test.alerts, sent),
        held_rows=[] if test.held is None else side_by_side(test.held, held),
        unreadable=coming.unreadable,
        took_s=clock.monotonic() - begun,
    )


def _own_group_is(dry_run: DryRun, group: str) -> None:
    dry_run.engine.own_group = group


def _pass_over(note: str) -> None:
    """Notes about a recording decide about no test."""
