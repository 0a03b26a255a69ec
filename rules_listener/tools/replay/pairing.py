"""Which rule of one set is which of another, when both were edited.

1. Rules are the same that have the same name and meaning; then, of what is left, those with the same meaning, whatever
   they are called; then those with the same name, whatever they mean now. The name of a rule without one is its place,
   which says nothing once its file was edited.
2. What then is left are rules that came or went, or rules without a name that were edited: their alerts are compared by
   their events.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rules_listener.match.firing import Rule

LEAST_MOVE_S = 60.0
"""How far apart two alerts may at least be that are one alert, moved."""


class Row(NamedTuple):
    """Rules that belong together, by their names; None: there is none. Those without a partner may share their name."""

    old: str | None
    new: str | None

    @property
    def name(self) -> str:
        """What to call them: by the new name, and the old one where that says something else."""
        if self.old is None or self.new is None or self.old == self.new or not self.old.isidentifier():
            return self.new or self.old or ""
        return f"{self.new} (was {self.old})"


class Pairs:
    """The rules of two sets by what they have in common: each has a number, and partners have the same."""

    def __init__(self, old: Sequence[Rule], new: Sequence[Rule]) -> None:
        self.old: dict[str, int] = {}
        self.new: dict[str, int] = {}
        self._longest: dict[int, float] = {}
        for same in _SAMENESS:
            self._pair(old, new, same)
        others = [rule for rule in old if rule.name not in self.old] + [
            rule for rule in new if rule.name not in self.new
        ]
        self._longest_of_others = longest_s(others)
        self.rows = self._rows([rule.name for rule in old], [rule.name for rule in new])
        """The new rules in their order, each with its partner; then the old ones that have none."""
        self.row_of_old = {row.old: row for row in self.rows if row.old is not None}
        self.row_of_new = {row.new: row for row in self.rows if row.new is not None}

    def _rows(self, old: Sequence[str], new: Sequence[str]) -> list[Row]:
        by_number = {number: name for name, number in self.old.items()}
        partners = {name: by_number[number] for name, number in self.new.items()}
        left = {name: name for name in old if name not in self.old}
        rows = [Row(partners.get(name) or left.pop(name, None), name) for name in new]
        return rows + [Row(name, None) for name in left]

    def _pair(self, old: Sequence[Rule], new: Sequence[Rule], same: Callable[[Rule], object]) -> None:
        waiting: dict[object, list[Rule]] = {}
        for rule in old:
            if rule.name not in self.old and same(rule) is not None:
                waiting.setdefault(same(rule), []).append(rule)
        for rule in new:
            if rule.name not in self.new and (found := waiting.get(same(rule))):
                partner = found.pop(0)
                number = len(self._longest)
                self.old[partner.name] = self.new[rule.name] = number
                self._longest[number] = longest_s([partner, rule])

    def move_s(self, number: int | None) -> float:
        """How far apart two alerts of a pair may be that are one, moved: as long as either rule waits for anything.

        None stands for rules without a partner; it is then any of them.
        """
        return max(LEAST_MOVE_S, self._longest_of_others if number is None else self._longest[number])


_SAMENESS: tuple[Callable[[Rule], object], ...] = (
    lambda rule: (rule.name, rule.meaning),
    lambda rule: rule.meaning,
    lambda rule: rule.name if rule.name.isidentifier() else None,
)


def longest_s(rules: Iterable[Rule]) -> float:
    """The longest duration that some rules name, in seconds; 0 if they name none."""
    found = [rule.pattern.duration_s for rule in rules if rule.pattern is not None]
    for action in (action for rule in rules for action in rule.actions):
        found += [action.until.duration_s] if action.until is not None else []
        found += [action.remind.longest_s] if action.remind is not None else []
        found += [action.at_most.duration_s] if action.at_most is not None else []
    return max(found, default=0.0)
