"""What rule tests cover: they are run again for each small change of the rules that they are about."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from rules_listener.base.clock import Clock
from rules_listener.base.diagnostics import has_errors
from rules_listener.lang import checked
from rules_listener.match.compile import compile_rules
from rules_listener.match.overlay import overlaid
from rules_listener.match.program import Loaded, load
from rules_listener.serve.compiler import check_all
from rules_listener.tools.coverage import Changed, Coverage
from rules_listener.tools.expected import Facts, facts_of
from rules_listener.tools.ruletest import RuleTest
from rules_listener.tools.testfile import Suite
from rules_listener.tools.testrun import Ran, run_tests

Chosen = tuple[Suite, Sequence[RuleTest]]
"""A suite, and those of its tests that are run."""

Said = list[Facts]
"""All alerts of a test, held ones included."""


def coverage_of(chosen: Sequence[Chosen], clock: Clock, files: Iterable[Path] = ()) -> Coverage:
    """What the chosen tests cover of the rules that they are about. Those that fail cover nothing.

    `files` are rule files that are to be covered, too, if no test names them.
    """
    coverage = Coverage()
    by_rules = sorted(chosen, key=lambda one: id(one[0].rules))
    for _, group in groupby(by_rules, key=lambda one: id(one[0].rules)):
        _add(coverage, list(group), clock)
    _add_unnamed(coverage, chosen, files)
    return coverage


def _add_unnamed(coverage: Coverage, chosen: Sequence[Chosen], files: Iterable[Path]) -> None:
    """Take in rule files that no test names: nothing of them is noticed. Rules with an error are not counted."""
    named = {file.resolve() for suite, _ in chosen for file in suite.rules.checked.files}
    coverage.unnamed = [str(file) for file in files if file.resolve() not in named]
    rules = check_all(None, coverage.unnamed, any_channel=True, most_linted=0)
    if not has_errors(rules.found):
        coverage.add(rules.parsed, rules.rules, [], lambda _: False)


def _add(coverage: Coverage, chosen: Sequence[Chosen], clock: Clock) -> None:
    """Take in what the tests of several files notice that are about the same rules."""
    ran = [(suite, list(_passed(suite, tests, clock))) for suite, tests in chosen]
    alerts = [alert for _, several in ran for one in several for alert in one.alerts]
    rules = chosen[0][0].rules.checked
    notices = _Noticing(rules.rules, [(suite, [one.test for one in several]) for suite, several in ran], clock)
    coverage.add(rules.parsed, rules.rules, alerts, notices)


def _passed(suite: Suite, tests: Iterable[RuleTest], clock: Clock) -> Iterable[Ran]:
    return (ran for ran in run_tests(suite, tests, clock) if ran.passed)


class _Noticing:
    """Whether one of some tests fails with a change.

    First a rule that is changed is run for itself, as it was and as it is now: only a test in which it then says
    something else can fail, and is run with all rules.
    """

    def __init__(self, rules: checked.RuleSet, chosen: Sequence[Chosen], clock: Clock) -> None:
        self._rules = rules
        self._chosen = chosen
        self._clock = clock
        self._before: tuple[tuple[int, ...], list[list[Said]]] = ((), [])
        """What some rules say by themselves in each test of each suite."""

    def __call__(self, changed: Changed) -> bool:
        """Whether a test notices it."""
        program = compile_rules(changed.rules)
        if changed.numbers is None:
            return any(
                self._fails(suite, test, load(program, suite.surroundings))
                for suite, tests in self._chosen
                for test in tests
            )
        return any(
            self._notices(suite, tests, load(program, suite.surroundings), changed.numbers, before)
            for (suite, tests), before in zip(self._chosen, self._said_before(changed.numbers), strict=True)
        )

    def _said_before(self, numbers: tuple[int, ...]) -> list[list[Said]]:
        if self._before[0] != numbers or not self._before[1]:
            program = compile_rules(checked.RuleSet(tuple(self._rules.rules[number] for number in numbers)))
            said = [
                [self._alone(suite, test, load(program, suite.surroundings)) for test in tests]
                for suite, tests in self._chosen
            ]
            self._before = (numbers, said)
        return self._before[1]

    def _notices(
        self, suite: Suite, tests: Sequence[RuleTest], changed: Loaded, numbers: Sequence[int], before: Sequence[Said]
    ) -> bool:
        whole = overlaid(_loaded(suite), changed, numbers)
        return any(
            self._alone(suite, test, changed) != said and self._fails(suite, test, whole)
            for test, said in zip(tests, before, strict=True)
        )

    def _alone(self, suite: Suite, test: RuleTest, loaded: Loaded) -> Said:
        """What rules say by themselves, with all routes and mutes."""
        whole = _loaded(suite)
        ran = self._run(suite, test, loaded._replace(routes=whole.routes, mutes=whole.mutes))
        return [facts_of(alert, ran.start) for alert in ran.alerts]

    def _fails(self, suite: Suite, test: RuleTest, loaded: Loaded) -> bool:
        return not self._run(suite, test, loaded).passed

    def _run(self, suite: Suite, test: RuleTest, loaded: Loaded) -> Ran:
        return next(run_tests(replace(suite, loaded=loaded), [test], self._clock))


def _loaded(suite: Suite) -> Loaded:
    assert suite.loaded is not None, "rules with an error are not run"  # noqa: S101 - see `run_tests`
    return suite.loaded
