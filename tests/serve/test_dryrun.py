"""A dry run says what the listener would say."""

from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.serve.dryrun import DryRun

RULES = """\
on PROCESS_STATE_FATAL alert "{process} gave up"
on PROCESS_STATE_EXITED without PROCESS_STATE_RUNNING within 30s alert "{process} is down" to pager
"""


def test_alerts_of_events_and_of_time() -> None:
    """Each alert has its moment, its text and its channels; a deadline fires without an event."""
    rules, found = check([parse(Source("x.rules", RULES))])
    assert not found
    run = DryRun(load(compile_rules(rules)), ["ops", "mail"])
    web: dict[str, str | int] = {"processname": "web", "groupname": "web"}
    exited = {**web, "from_state": "RUNNING", "expected": 0, "pid": 7}
    alerts = run.feed(Event("PROCESS_STATE_EXITED", 100.0, exited))
    alerts += run.feed(Event("PROCESS_STATE_FATAL", 101.0, {**web, "from_state": "BACKOFF"}))
    alerts += run.advance(129.0)
    alerts += run.advance(200.0)
    assert [(alert.time, [(one.channel, one.text) for one in alert.deliveries]) for alert in alerts] == [
        (101.0, [("ops", "web gave up"), ("mail", "web gave up")]),
        (130.0, [("pager", "web is down")]),
    ]
