"""Figures that can be believed: everything is measured in turn in one run, and shown as medians of ratios."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table: what was measured, the ratio that came out, its spread, and what is wanted of it."""

    name: str
    ratio: float
    lowest: float
    highest: float
    wanted: str
    detail: str = ""

    @property
    def row(self) -> str:
        """The figure as a row of a Markdown table."""
        spread = f"{self.lowest:.2f} to {self.highest:.2f}"
        return f"| {self.name} | **{self.ratio:.2f}** | {spread} | {self.wanted} | {self.detail} |"


HEAD = "| figure | median | range | wanted | measured |\n| --- | --- | --- | --- | --- |"


def in_turn(measures: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Each measure `rounds` times, one after the other: A B C A B C …."""
    results: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float], *, wanted: str, detail: str = "") -> Figure:
    """The median of the ratios of pairs that were measured side by side."""
    ratios = [first / second for first, second in zip(ours, theirs, strict=True)]
    return Figure(name, statistics.median(ratios), min(ratios), max(ratios), wanted, detail)
