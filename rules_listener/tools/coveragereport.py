"""Coverage as people read it: what tests would not notice, at its place."""

from collections.abc import Iterable, Iterator

from rules_listener.base.diagnostics import excerpt
from rules_listener.lang.changes import Kind
from rules_listener.tools.coverage import CLOSED, FIRED, LIMITED, REMINDED, Coverage, CoveredPart, CoveredRule

_UNSEEN = {
    FIRED: "it fires in no test, so nothing of it is covered",
    CLOSED: "is its alert closed",
    REMINDED: "is its alert sent again",
    LIMITED: "does its limit hold anything back",
}


def report(coverage: Coverage) -> Iterator[str]:
    """All that is not covered, file by file, then how much is."""
    never = [rule.node for rule in coverage.rules.values() if not rule.seen[FIRED]]
    parts = [part for part in coverage.parts.values() if not any(part.part.statement is node for node in never)]
    entries = [*_of_rules(coverage.rules.values()), *_of_parts(parts)]
    entries.sort(key=lambda entry: entry[0])
    for _, lines in entries:
        yield from lines
        yield ""
    yield summary(coverage)


def summary(coverage: Coverage) -> str:
    """One line."""
    rules = coverage.rules.values()
    fired = sum(rule.seen[FIRED] for rule in rules)
    parts = [part for part in coverage.parts.values() if part.part.is_operand]
    both = sum(part.covered == part.wanted for part in parts)
    said = f"{_of(fired, len(rules), 'rule')} fired, {_of(both, len(parts), 'operand')} decided both ways"
    return f"coverage {_shown(coverage.percent)} % ({coverage.covered} of {coverage.wanted}): {said}"


def _shown(percent: float) -> str:
    """A percentage that says 100 only if it is that."""
    return str(int(percent * 10) / 10).removesuffix(".0")


def _of(count: int, number: int, noun: str) -> str:
    return f"{count} of {number} {noun}{'s' * (number != 1)}"


Entry = tuple[tuple[str, int], list[str]]
"""A place (file and offset), and what is to be said of it."""


def _of_rules(rules: Iterable[CoveredRule]) -> Iterator[Entry]:
    for rule in rules:
        missing = [said for name, said in _UNSEEN.items() if not rule.seen.get(name, True)]
        if missing:
            span = (rule.node.name or rule.node.selector).span
            label = missing[0] if not rule.seen[FIRED] else f"in no test {' and '.join(missing)}"
            yield (span.source.name, rule.node.span.start), list(excerpt(span, label))


def _of_parts(parts: Iterable[CoveredPart]) -> Iterator[Entry]:
    for part in parts:
        if part.unnoticed:
            span = part.part.span
            yield (span.source.name, span.start), list(excerpt(span, _label(part)))


def _label(part: CoveredPart) -> str:
    """What nobody notices."""
    texts = " or ".join(change.text for change in part.unnoticed if change.kind is Kind.MOVED)
    if texts:
        return f"no test fails if this is {texts}"
    kinds = [change.kind for change in part.unnoticed]
    if {Kind.NEVER, Kind.ALWAYS} <= set(kinds):
        return "no test fails whatever this is"
    return f"no test fails if this is {' or '.join(kinds)}"
