"""Coverage as people read it: what tests would not notice, at its place.

What follows from something that is shown is left out: that nothing of a rule is covered that never fires, nor the
constants of an operand that might as well be false.
"""

import os
from collections.abc import Iterable, Iterator

from rules_listener.base.counted import counted
from rules_listener.base.diagnostics import excerpt
from rules_listener.lang import nodes
from rules_listener.lang.changes import Kind
from rules_listener.tools.coverage import (
    CLOSED,
    FIRED,
    LIMITED,
    REMINDED,
    Coverage,
    CoveredPart,
    CoveredRule,
    Place,
    place_of,
)

_UNSEEN = {CLOSED: "closed", REMINDED: "sent again", LIMITED: "held back by its limit"}


def report(coverage: Coverage) -> Iterator[str]:
    """All that is not covered, file by file, then how much is."""
    unnamed = {os.path.realpath(name) for name in coverage.unnamed}
    never = {place for place, rule in coverage.rules.items() if not rule.seen[FIRED]}
    parts = [part for part in coverage.parts.values() if place_of(part.part.statement) not in never]
    idle = [place_of(part.part.node) for part in parts if Kind.NEVER in {change.kind for change in part.unnoticed}]
    parts = [part for part in parts if part.part.is_operand or not any(_is_within(part.part.node, one) for one in idle)]
    rules = [rule for place, rule in coverage.rules.items() if place[0] not in unnamed]
    entries = [*_of_rules(rules), *_of_parts(parts)]
    entries.sort(key=lambda entry: entry[0])
    for _, lines in entries:
        yield from lines
        yield ""
    for name in coverage.unnamed:
        yield from (f"no test names {name}", "")
    yield summary(coverage, places=len(entries) + len(unnamed))


def _is_within(node: nodes.Node, outer: Place) -> bool:
    file, start, end = place_of(node)
    return file == outer[0] and outer[1] <= start and end <= outer[2]


def summary(coverage: Coverage, *, places: int = 0) -> str:
    """One line; `places` is at how many what is missing was shown."""
    rules = coverage.rules.values()
    fired = sum(rule.seen[FIRED] for rule in rules)
    parts = [part for part in coverage.parts.values() if part.part.is_operand]
    both = sum(part.covered == part.wanted for part in parts)
    said = [f"{_of(fired, len(rules), 'rule')} fired"]
    said += [f"{_of(both, len(parts), 'operand')} decided both ways"] if parts else []
    rest = f"; the rest is lost at {counted(places, 'place')}" if places else ""
    return f"coverage {coverage.percent:g} % ({coverage.covered} of {coverage.wanted}{rest}): {', '.join(said)}"


def _of(count: int, number: int, noun: str) -> str:
    return f"{count} of {counted(number, noun)}"


Entry = tuple[tuple[str, int], list[str]]
"""A place (file and offset), and what is to be said of it."""


def _of_rules(rules: Iterable[CoveredRule]) -> Iterator[Entry]:
    for rule in rules:
        if not all(rule.seen.values()):
            span = (rule.node.name or rule.node.selector).span
            yield (span.source.name, rule.node.span.start), list(excerpt(span, _label_of_rule(rule)))


def _label_of_rule(rule: CoveredRule) -> str:
    if not rule.seen[FIRED]:
        return "it fires in no test, so nothing of it is covered"
    unseen = (said for name, said in _UNSEEN.items() if not rule.seen.get(name, True))
    return f"in no test is its alert {' or '.join(unseen)}"


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
