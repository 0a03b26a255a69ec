"""Tests are run: events go in as they would live, and what is sent is laid beside what was expected.

1. Alerts come out of a `DryRun`, so their texts are those that the listener would send.
2. Nothing of one test is known in another one: each has an engine of its own. The rules are loaded once for all.
3. Without a recording, 0s is the moment at which the listener starts: `on no … overall` waits from there on.
4. The listener's own group is the pool that the events went to: what happens to the listener itself is left out.
5. No event of a recording is kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from rules_listener.base.clock import Clock
from rules_listener.base.errors import RulesListenerError
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.recording import Reading
from rules_listener.match.engine import Engine
from rules_listener.match.program import Loaded
from rules_listener.outbox.alert import Alert
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.expected import Row, facts_of, side_by_side
from rules_listener.tools.recordings import Recordings
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


class Recorded:
    """The events of a test's recording, read anew each time; what can't be read is in `unreadable` afterwards."""

    def __init__(self, suite: Suite, test: RuleTest) -> None:
        self.unreadable: list[str] = []
        self._path = test.recording
        self._reading = Reading(start=test.start, zone=suite.zone)

    def __iter__(self) -> Iterator[Event]:
        self.unreadable = []
        paths = [] if self._path is None else [self._path]
        try:
            with Recordings(paths, Findings(self.unreadable.append)) as recordings:
                yield from recordings.events(self._reading)
        except RulesListenerError as error:
            self.unreadable.append(str(error))


def run_tests(suite: Suite, tests: Iterable[RuleTest], clock: Clock) -> Iterator[Ran]:
    """Run tests of a suite whose rules have no error, one after the other."""
    assert suite.loaded is not None, "rules with an error are not run"  # noqa: S101 - the caller has looked
    for test in tests:
        yield _run(suite, suite.loaded, test, clock)


def _run(suite: Suite, loaded: Loaded, test: RuleTest, clock: Clock) -> Ran:
    begun = clock.monotonic()
    recorded = Recorded(suite, test)
    events: Iterable[Event] = recorded if test.recording else test.events
    coming = iter(events)
    first = list(islice(coming, 1))
    start = test.start if test.start is not None else first[0].time if first else default_start(suite.zone)
    dry_run = DryRun(loaded, suite.rules.checked.config.default)
    alerts = [] if test.recording else dry_run.advance(start)
    end = start
    for event in chain(first, coming):
        dry_run.engine.own_group = dry_run.engine.own_group or str(event.header.get("pool", ""))
        alerts += dry_run.feed(event)
        end = max(end, event.time)
    if test.until_s is not None:
        end = max(end, start + test.until_s)
        alerts += dry_run.advance(end)
    sent = [facts_of(one, start) for one in alerts if one.held is None]
    held = [facts_of(one, start) for one in alerts if one.held is not None]
    return Ran(
        *(test, dry_run.engine, events, start, end, alerts),
        rows=side_by_side(test.alerts, sent),
        held_rows=[] if test.held is None else side_by_side(test.held, held),
        unreadable=recorded.unreadable,
        took_s=clock.monotonic() - begun,
    )
