"""`rules-listener test`: rules do what their tests say.

1. All that is wrong with test files and their rules is said before anything runs; then nothing does.
2. Exit status 0 says that every chosen test passed, and that there was one.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from rules_listener.base.clock import SystemClock
from rules_listener.base.counted import counted
from rules_listener.base.diagnostics import Diagnostic, as_text, in_order
from rules_listener.base.errors import ConfigError
from rules_listener.tools import show
from rules_listener.tools.coveragereport import report
from rules_listener.tools.junit import Outcome, write_junit
from rules_listener.tools.ruletest import RuleTest
from rules_listener.tools.testcoverage import Chosen, coverage_of
from rules_listener.tools.testfile import PATTERN, Library, Suite, read_suite
from rules_listener.tools.testreport import WIDTH, as_plain, as_shown, failure
from rules_listener.tools.testrun import run_tests


@click.command(short_help="Run rule tests.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option(
    "-k", "name", default="", metavar="NAME", help="Only tests whose name contains NAME, in whatever letters."
)
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write the outcome as JUnit XML, too.")
@click.option(
    "--config", metavar="FILE", type=click.Path(path_type=Path), help="The configuration of files that name none."
)
@click.option("--coverage", "with_coverage", is_flag=True, help="Say which parts of the rules no test depends on.")
@click.option(
    "--fail-under",
    "least",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="The same; exit status 1 if less is covered.",
)
def test(  # noqa: PLR0913 - one for each option
    paths: tuple[Path, ...],
    name: str,
    junit: Path | None,
    config: Path | None,
    *,
    with_coverage: bool,
    least: float | None,
) -> None:
    """Run the rule tests in files, and in all *.test.yaml of folders.

    A test says which events come, and what is to be sent; it passes if just that is sent. Exit status 1 if one fails,
    or if something is wrong with a file or its rules: then nothing is run.

    With --coverage, each part of the rules is changed in turn, and what no test notices is shown, and rule files in
    folders among PATH that no test names.
    """
    suites, found = _read(_test_files(paths), config)
    if found:
        _refuse(found, junit)
    chosen = {suite.file: [one for one in suite.tests if name.lower() in one.name.lower()] for suite in suites}
    if not any(chosen.values()):
        raise ConfigError(f"there is no test whose name contains {name!r}")
    outcomes = {suite.file: list(_run(suite, chosen[suite.file])) for suite in suites if chosen[suite.file]}
    if junit:
        write_junit(junit, outcomes)
    click.echo(_summary(outcomes, sum(len(suite.tests) for suite in suites)))
    failed = any(one.report for several in outcomes.values() for one in several)
    is_wanted = with_coverage or least is not None
    is_enough = not is_wanted or _cover([(suite, chosen[suite.file]) for suite in suites], paths, least or 0.0)
    sys.exit(1 if failed or not is_enough else 0)


def _cover(chosen: Sequence[Chosen], paths: Sequence[Path], least: float) -> bool:
    """Show what no test depends on, of the rules in folders that are named too; whether so many percent are covered."""
    files = [file for path in paths if path.is_dir() for file in _in_folder(path, "*.rules")]
    with Console(stderr=True).status("changing the rules, a part at a time"):
        coverage = coverage_of(chosen, SystemClock(), dict.fromkeys(files))
    click.echo("\n" + "\n".join(report(coverage)))
    is_enough = coverage.is_at_least(least)
    if not is_enough:
        click.echo(f"{coverage.covered} of {coverage.wanted} is less than {least:g} %")
    return is_enough


def _run(suite: Suite, tests: Sequence[RuleTest]) -> Iterator[Outcome]:
    """Run tests, and show what fails as it does."""
    console = show.console() if sys.stdout.isatty() else Console(width=WIDTH, highlight=False)
    for ran in run_tests(suite, tests, SystemClock()):
        shown = None if ran.passed else failure(suite, ran)
        if shown is not None:
            click.echo(as_shown(shown, console))
        yield Outcome(ran.test, as_plain(shown) if shown else "", bool(ran.unreadable), ran.took_s)


def _test_files(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in folders, each once.

    Raises:
        ConfigError: a folder has none.
    """
    files: list[Path] = []
    for path in paths:
        found = _in_folder(path, PATTERN) if path.is_dir() else [path]
        if not found:
            raise ConfigError(f"there is no rule test in {path}: their files are named {PATTERN}")
        files += found
    return list(dict.fromkeys(files))


def _in_folder(folder: Path, pattern: str) -> list[Path]:
    """All files of such names in a folder and the folders in it, but for hidden ones."""
    found = sorted(folder.rglob(pattern))
    return [file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts)]


def _read(files: Sequence[Path], config: Path | None) -> tuple[list[Suite], list[Diagnostic]]:
    """The suites, and all errors in them and their rules."""
    library = Library()
    read = [read_suite(file, config, library) for file in files]
    return [suite for suite, _ in read if suite is not None], in_order(one for _, found in read for one in found)


def _refuse(found: Sequence[Diagnostic], junit: Path | None) -> NoReturn:
    """Say what is wrong, and end."""
    text = as_text(found)
    click.echo(f"{text}\n\n{counted(len(found), 'error')}, so no test was run")
    if junit:
        write_junit(junit, {}, text)
    sys.exit(1)


def _summary(outcomes: Mapping[str, Sequence[Outcome]], known: int) -> str:
    ended = [one for several in outcomes.values() for one in several]
    failed = sum(bool(one.report) for one in ended)
    said = f"{len(ended) - failed} passed, {failed} failed" if failed else "all passed"
    left_out = f", {known - len(ended)} left out" if known > len(ended) else ""
    return f"{counted(len(ended), 'test')} in {counted(len(outcomes), 'file')}: {said}{left_out}"
