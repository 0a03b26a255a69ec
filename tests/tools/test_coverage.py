"""What tests are said to cover, they notice."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.lang.changes import Kind
from rules_listener.lang.check import check
from rules_listener.lang.parse import Parsed, parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.outbox.alert import Alert
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.coverage import Changed, Coverage, CoveredPart, Notices
from rules_listener.tools.coveragereport import report
from tests.match.harness import state
from tests.match.playing import at, backoff, exited, running

Test = Sequence[Event]
"""What comes in a test; it expects all that is sent by the rules as they are."""
ENDLESS = 1_764_100_000.0


def played(rule_set: checked.RuleSet, test: Test) -> list[Alert]:
    """All alerts of a test."""
    run = DryRun(load(compile_rules(rule_set)), ["ops"])
    return [alert for event in test for alert in run.feed(event)] + run.advance(ENDLESS)


def sent(alerts: Iterable[Alert]) -> list[object]:
    """What a test looks at."""
    return [
        (one.time, one.rule, one.phase, [(to.channel, to.text, to.arguments) for to in one.deliveries])
        for one in alerts
        if one.held is None
    ]


def noticing(rule_set: checked.RuleSet, tests: Iterable[Test]) -> Notices:
    """Whether one of some tests fails with other rules."""
    expected = [(test, sent(played(rule_set, test))) for test in tests]
    return lambda changed: any(sent(played(whole(rule_set, changed), test)) != before for test, before in expected)


def whole(rule_set: checked.RuleSet, changed: Changed) -> checked.RuleSet:
    """All rules after a change."""
    if changed.numbers is None:
        return changed.rules
    others = dict(zip(changed.numbers, changed.rules.rules, strict=True))
    return checked.RuleSet(tuple(others.get(number, rule) for number, rule in enumerate(rule_set.rules)))


def covered(text: str, *tests: Test) -> Coverage:
    """What some tests cover of the rules in a text."""
    coverage = Coverage()
    add(coverage, parse(Source("x.rules", text)), tests)
    return coverage


def add(coverage: Coverage, parsed: Parsed, tests: Sequence[Test]) -> None:
    """Take in what some tests cover."""
    rule_set, found = check([parsed])
    assert not found
    alerts = [alert for test in tests for alert in played(rule_set, test)]
    coverage.add([parsed], rule_set, alerts, noticing(rule_set, tests))


def unnoticed(coverage: Coverage) -> dict[str, list[str]]:
    """The parts that are not covered, with what could stand there instead."""
    parts = coverage.parts.values()
    return {part.part.span.text: [change.text for change in part.unnoticed] for part in parts if part.unnoticed}


RULE = 'on PROCESS_STATE_EXITED where groupname == "site" and expected == 0 alert "{process} died"'
DIED, FINE, OTHER = exited(), at(1, exited(expected=1)), at(2, exited(group="db"))


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ([[DIED, FINE, OTHER]], {}),
        ([[DIED], [FINE], [OTHER]], {}),
        ([[DIED, FINE]], {'groupname == "site"': ["true"]}),
        ([[DIED]], {'groupname == "site"': ["true"], "expected == 0": ["true"]}),
        (
            [[FINE, OTHER]],
            {
                'groupname == "site"': ["false"],
                '"site"': ['"site~"'],
                "expected == 0": ["false"],
            },
        ),
    ],
)
def test_operands_decide_both_ways(tests: list[Test], expected: dict[str, list[str]]) -> None:
    """An operand needs an event that it selects, and one that it alone keeps from being selected."""
    assert unnoticed(covered(RULE, *tests)) == expected


def test_two_ways_that_make_up_for_each_other() -> None:
    """Both ways are seen only if a test notices the opposite, too: here it is another event that sends the same."""
    assert unnoticed(covered(RULE, [DIED, exited(expected=1), OTHER])) == {
        "expected == 0": ["not (expected == 0)"],
        "0": ["1"],
    }


def test_what_is_only_held_back_covers_nothing() -> None:
    """An operand that decides whether a third alert is held back decides nothing that is sent."""
    rule = 'on crashed where groupname == "site" alert "x" at most 1 per 1h'
    found = covered(rule, [exited(), at(1, exited()), at(2, backoff()), at(3, backoff(group="db"))])
    assert unnoticed(found) == {'groupname == "site"': ["true"]}


def test_what_happens_of_a_rule() -> None:
    """A rule fires; its alert closes and is sent again, its limit holds something back."""
    rule = 'rule r on crashed alert "x" until started remind every 1m at most 1 per 1h'
    seen = [
        next(iter(covered(rule, *tests).rules.values())).seen
        for tests in (
            [[running()]],
            [[exited(), at(1, running())]],
            [[exited(), at(1, exited("db")), at(5, running()), at(6, running("db"))]],
        )
    ]
    assert [[name for name, is_seen in one.items() if is_seen] for one in seen] == [
        [],
        ["fired", "closed"],
        ["fired", "closed", "held back"],
    ]


def test_names_count_where_they_are_used_and_what_they_mean_where_it_stands() -> None:
    """A named condition is an operand of each condition that uses it; its own operands are covered by any of them."""
    text = """
    let core = groupname in ["site", "db"]
    on PROCESS_STATE_EXITED where core and expected == 0 alert "died"
    on PROCESS_STATE_FATAL where core alert "gave up"
    """
    fatal = state("FATAL", from_state="BACKOFF")
    found = covered(text, [DIED, FINE, OTHER, exited(group="x"), fatal])
    assert unnoticed(found) == {"core": ["true"]}
    assert [part.part.span.line for part in found.parts.values() if part.unnoticed] == [4]


def test_several_files_of_tests_cover_together() -> None:
    """What one file of tests notices, no other one has to; rules that are read twice are the same."""
    coverage = Coverage()
    add(coverage, parse(Source("x.rules", RULE)), [[DIED, FINE]])
    add(coverage, parse(Source("x.rules", RULE)), [[OTHER, DIED]])
    add(coverage, parse(Source("x.rules", RULE)), [])
    assert unnoticed(coverage) == {}
    assert (coverage.covered, coverage.wanted, coverage.percent) == (7, 7, 100.0)


def test_no_rules_are_covered() -> None:
    """Where there is nothing to cover, all of it is."""
    assert covered("let a = 1").percent == 0.0
    assert Coverage().percent == 100.0


@pytest.mark.parametrize(("number", "of", "percent"), [(6, 9, 66.7), (1, 3, 33.3), (9999, 10000, 99.9), (5, 5, 100.0)])
def test_percent_is_rounded(number: int, of: int, percent: float) -> None:
    """Coverage is counted to a tenth of a percent, and is 100 only if nothing is missing."""
    ((place, rule),) = covered(RULE).rules.items()
    coverage = Coverage(rules={place: replace(rule, seen={str(n): n < number for n in range(of)})})
    assert coverage.percent == percent


def test_enough_is_not_rounded() -> None:
    """23 of 27 are 85.185 percent, which is 85.2 rounded, and less than that."""
    ((place, rule),) = covered(RULE).rules.items()
    coverage = Coverage(rules={place: replace(rule, seen={str(n): n < 23 for n in range(27)})})
    assert coverage.percent == 85.2
    assert coverage.is_at_least(85.185)
    assert not coverage.is_at_least(85.2)
    assert Coverage().is_at_least(100)


def test_the_report() -> None:
    """Each part that is not covered is shown at its place; the last line sums up."""
    text = f'{RULE}\nrule r on crashed where pid > 20 alert "x" until started\nrule never on PROCESS_LOG shutdown\n'
    text = text.replace('"{process} died"', '"{process}"')
    found = covered(text, [DIED, FINE, state("EXITED", expected=0, pid=21)])
    assert "\n".join(report(found)) == (
        " --> x.rules:1:31\n"
        "  |\n"
        f"1 | {text.splitlines()[0]}\n"
        "  |                               ^^^^^^^^^^^^^^^^^^^ no test fails if this is always true\n"
        "\n"
        " --> x.rules:2:6\n"
        "  |\n"
        '2 | rule r on crashed where pid > 20 alert "x" until started\n'
        "  |      ^ in no test is its alert closed\n"
        "\n"
        " --> x.rules:2:31\n"
        "  |\n"
        '2 | rule r on crashed where pid > 20 alert "x" until started\n'
        "  |                               ^^ no test fails if this is 18\n"
        "\n"
        " --> x.rules:3:6\n"
        "  |\n"
        "3 | rule never on PROCESS_LOG shutdown\n"
        "  |      ^^^^^ it fires in no test, so nothing of it is covered\n"
        "\n"
        "coverage 69.2 % (9 of 13; the rest is lost at 4 places): 2 of 3 rules fired, 2 of 3 operands decided both ways"
    )


def is_covered(part: CoveredPart) -> bool:
    """Whether it counts in full."""
    return part.covered == part.wanted


OPERANDS = (
    *("groupname == 'a'", "groupname in ['a', 'b']", "processname != 'y'", "process startswith 'a:'"),
    *("pid > 3", "expected == 0", "has(expected)", "named", "not named"),
)
CONDITIONS = ("{}", "{}", "{} and {}", "{} and {}", "{} or {}", "{} and ({} or {})", "not ({} and {})")
PATTERNS = (
    *("", "", "2 times in 5s", "2 distinct process in 9s overall", "for 2s"),
    *("then PROCESS_STATE where {} within 4s", "without PROCESS_STATE where {} within 4s"),
)
CLAUSES = ("", "", "until PROCESS_STATE where {}", "at most 2 per 5s")
DEFINITIONS = (
    "let named = groupname == 'b' or pid == 7\nevent ended = PROCESS_STATE_EXITED, PROCESS_STATE_BACKOFF where {}\n"
)


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """Two rules, whose operands often decide something."""

    def filled(shapes: Sequence[str]) -> str:
        shape = draw(st.sampled_from(shapes))
        return shape.format(*(draw(st.sampled_from(OPERANDS)) for _ in range(shape.count("{}"))))

    selected = f"{draw(st.sampled_from(('PROCESS_STATE_EXITED', 'ended', 'PROCESS_STATE')))} where {filled(CONDITIONS)}"
    return (
        f"{filled([DEFINITIONS])}on {selected} {filled(PATTERNS)} alert '{{process}}' {filled(CLAUSES)}\n"
        f"on ended where {filled(CONDITIONS)} alert '{{eventname}} {{pid}}'"
    )


@st.composite
def histories(draw: st.DrawFn) -> Test:
    """Some seconds of few processes."""
    moments = st.tuples(st.integers(0, 3), st.sampled_from(("EXITED", "EXITED", "BACKOFF", "RUNNING")))
    found, moment = list[Event](), 0
    for wait, kind in draw(st.lists(moments, min_size=6, max_size=15)):
        moment += wait
        fields: dict[str, str | int] = {} if kind == "BACKOFF" else {"pid": draw(st.sampled_from((3, 4, 7)))}
        fields |= {"expected": draw(st.integers(0, 1))} if kind == "EXITED" else {}
        name, group = draw(st.sampled_from("xy")), draw(st.sampled_from("abc"))
        found.append(at(moment, state(kind, name, group, from_state="STARTING", **fields)))
    return found


@settings(derandomize=True, deadline=None, max_examples=15)
@given(rule_texts(), st.lists(histories(), min_size=2, max_size=4))
def test_a_change_of_what_is_covered_makes_a_test_fail(text: str, tests: list[Test]) -> None:
    """To negate what is covered, or to move it, in the text of any rules, makes one of any tests fail.

    What is half covered notices the opposite, too.
    """
    coverage = covered(text, *tests)
    rule_set, _ = check([parse(Source("x.rules", text))])
    notices = noticing(rule_set, tests)
    for part in coverage.parts.values():
        for change in part.part.changes:
            span = part.part.span
            changed, found = check([parse(Source("x.rules", text[: span.start] + change.text + text[span.end :]))])
            if not found and (is_covered(part) or (change.kind is Kind.NEGATED and part.covered)):
                assert notices(Changed(changed, None))
