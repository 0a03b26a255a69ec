"""What a test expects of alerts, and what came instead.

1. An expected alert says of one that is sent what its keys say, and nothing of the rest.
2. Expected and sent are laid side by side in their order, so that as many as possible are as expected. An alert of
   another rule than the expected one is never laid beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from rules_listener.base.source import Span
from rules_listener.outbox.alert import Alert

Fact = str | float | tuple[str, ...]
Facts = Mapping[str, Fact]

LIKE = "_like"
"""What the name of a key ends with whose value is a pattern, as that of `like` in the language."""

MOST_COMPARED = 1_000_000
"""So many pairs are compared at most; where there are more, expected and sent are laid side by side as they come."""

_FITS = 1000
_SAME_RULE = 10


@dataclass(frozen=True, slots=True)
class Expected:
    """An expected alert: where it stands, and what it says. `to` is in the order of the alphabet."""

    place: Span
    facts: Facts

    @property
    def rule(self) -> str | None:
        """The name of the rule that is to send it, if it says that."""
        name = self.facts.get("rule")
        return None if name is None else str(name)


def facts_of(alert: Alert, start: float) -> Facts:
    """All that can be said of an alert; `start` is the moment of 0s."""
    delivery = alert.deliveries[0] if alert.deliveries else None
    facts: dict[str, Fact] = {"at": round(alert.time - start, 3), "rule": alert.rule, "kind": alert.kind}
    if alert.kind == "alert":
        facts |= {"severity": alert.severity, "phase": alert.phase}
        facts["to"] = tuple(sorted(one.channel for one in alert.deliveries))
    elif delivery is not None:
        facts["arguments"] = delivery.arguments if alert.kind == "run" else delivery.arguments[1:]
    facts |= {"key": alert.key, "message": delivery.text if delivery else ""}
    return facts if alert.held is None else {**facts, "reason": alert.held}


def is_so(key: str, value: Fact, facts: Facts) -> bool:
    """Whether a key of an expected alert is true of one that came."""
    if key.endswith(LIKE):
        return fnmatchcase(str(facts.get(key.removesuffix(LIKE), "")), str(value))
    return facts.get(key) == value


@dataclass(frozen=True, slots=True)
class Row:
    """An expected alert and the one that came in its place; either may be missing."""

    expected: Expected | None
    came: Facts | None

    @property
    def is_so(self) -> bool:
        """Whether it came as expected."""
        return self.expected is not None and self.came is not None and not _wrong(self.expected, self.came)


def _wrong(expected: Expected, came: Facts) -> int:
    return sum(not is_so(key, value, came) for key, value in expected.facts.items())


def side_by_side(expected: Sequence[Expected], came: Sequence[Facts]) -> list[Row]:
    """All that was expected and all that came, each once."""
    same = 0
    while same < min(len(expected), len(came)) and not _wrong(expected[same], came[same]):
        same += 1
    rows = [Row(one, other) for one, other in zip(expected[:same], came[:same], strict=True)]
    return rows + _aligned(expected[same:], came[same:])


def _aligned(expected: Sequence[Expected], came: Sequence[Facts]) -> list[Row]:
    if len(expected) * len(came) > MOST_COMPARED:
        pairs = min(len(expected), len(came))
        return [
            *(Row(*pair) for pair in zip(expected, came, strict=False)),
            *_apart(expected[pairs:], came[pairs:]),
        ]
    best = _scores(expected, came)
    rows, first, second = list[Row](), 0, 0
    while first < len(expected) and second < len(came):
        if best[first][second] == best[first + 1][second]:
            rows.append(Row(expected[first], None))
            first += 1
        elif best[first][second] == best[first][second + 1]:
            rows.append(Row(None, came[second]))
            second += 1
        else:
            rows.append(Row(expected[first], came[second]))
            first, second = first + 1, second + 1
    return rows + _apart(expected[first:], came[second:])


def _apart(expected: Sequence[Expected], came: Sequence[Facts]) -> list[Row]:
    return [*(Row(one, None) for one in expected), *(Row(None, one) for one in came)]


def _scores(expected: Sequence[Expected], came: Sequence[Facts]) -> list[list[int]]:
    """For each beginning of the rest of both, how well the rest can be laid side by side."""
    best = [[0] * (len(came) + 1) for _ in range(len(expected) + 1)]
    for first in reversed(range(len(expected))):
        for second in reversed(range(len(came))):
            together = _likeness(expected[first], came[second])
            best[first][second] = max(
                best[first + 1][second],
                best[first][second + 1],
                best[first + 1][second + 1] + together if together else 0,
            )
    return best


def _likeness(expected: Expected, came: Facts) -> int:
    """How much speaks for one being what the other should be; 0 if nothing does."""
    wrong = _wrong(expected, came)
    if not wrong:
        return _FITS
    if expected.rule not in (None, came["rule"]):
        return 0
    return len(expected.facts) - wrong + (_SAME_RULE if expected.rule else 0)
