"""What rule tests cover: they are run again for each small change of the rules that they are about."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from rules_listener.base.clock import Clock
from rules_listener.lang import checked
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.tools.coverage import Coverage, Notices
from rules_listener.tools.ruletest import RuleTest
from rules_listener.tools.testfile import Suite
from rules_listener.tools.testrun import Ran, run_tests

Chosen = tuple[Suite, Sequence[RuleTest]]
"""A suite, and those of its tests that are run."""


def coverage_of(chosen: Iterable[Chosen], clock: Clock) -> Coverage:
    """What the chosen tests cover of the rules that they are about. Those that fail cover nothing."""
    coverage = Coverage()
    by_rules = sorted(chosen, key=lambda one: id(one[0].rules))
    for _, group in groupby(by_rules, key=lambda one: id(one[0].rules)):
        _add(coverage, list(group), clock)
    return coverage


def _add(coverage: Coverage, chosen: Sequence[Chosen], clock: Clock) -> None:
    """Take in what the tests of several files notice that are about the same rules."""
    ran = [(suite, list(_passed(suite, tests, clock))) for suite, tests in chosen]
    alerts = [alert for _, several in ran for one in several for alert in one.alerts]
    rules = chosen[0][0].rules.checked
    notices = _noticing([(suite, [one.test for one in several]) for suite, several in ran], clock)
    coverage.add(rules.parsed, rules.rules, alerts, notices)


def _passed(suite: Suite, tests: Iterable[RuleTest], clock: Clock) -> Iterable[Ran]:
    return (ran for ran in run_tests(suite, tests, clock) if ran.passed)


def _noticing(chosen: Sequence[Chosen], clock: Clock) -> Notices:
    """Whether one of some tests fails with other rules."""

    def notices(rules: checked.RuleSet) -> bool:
        program = compile_rules(rules)
        changed = ((replace(suite, loaded=load(program, suite.surroundings)), tests) for suite, tests in chosen)
        return any(not ran.passed for suite, tests in changed for ran in run_tests(suite, tests, clock))

    return notices
