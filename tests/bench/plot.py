"""Time per event against the number of rules, as a plot: on logarithmic scales, each line with its name at its end."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

OURS = "rules-listener"
OUR_COLOUR = "#0b6e4f"
COLOURS = ("#5b6b7f", "#b4532a", "#7a4fa3", "#8a7d1b", "#2a7fb4", "#c2447f", "#777777", "#444444")
APART = 1.55
"""How many times as high as the name below it a name has to stand."""

Points = Mapping[str, Mapping[str, float]]
"""By name and number of rules, microseconds."""


def draw(points: Points, path: Path) -> None:
    """Draw all lines into an SVG file, the same for the same points."""
    import matplotlib as mpl  # noqa: PLC0415 - of the extra `bench`, and only needed to write

    mpl.use("svg")
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": OURS, "font.family": "sans-serif"}
    from matplotlib import pyplot as plt  # noqa: PLC0415 - likewise

    figure, axes = plt.subplots(figsize=(8.6, 5.2))
    _draw_lines(axes, points)
    _arrange(axes)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _draw_lines(axes: Any, points: Points) -> None:
    colours = cycle(COLOURS)
    heights = label_heights({name: list(found.values())[-1] for name, found in points.items()})
    for name, found in points.items():
        ours = name.startswith(OURS)
        colour, width = (OUR_COLOUR, 2.4) if ours else (next(colours), 1.2)
        style = "--" if ours and name != OURS else "-"
        counts = list(map(int, found))
        axes.plot(counts, found.values(), style, color=colour, linewidth=width, marker="o", markersize=3)
        axes.text(counts[-1] * 1.15, heights[name], name.replace("`", ""), color=colour, fontsize=8, va="center")


def label_heights(ends: Mapping[str, float]) -> dict[str, float]:
    """Where the names of lines stand that end at some heights: there, or above the name below."""
    heights: dict[str, float] = {}
    lowest = 0.0
    for name, end in sorted(ends.items(), key=lambda item: item[1]):
        heights[name] = max(end, lowest)
        lowest = heights[name] * APART
    return heights


def _arrange(axes: Any) -> None:
    counts = [10**power for power in range(5)]
    times = [10**power for power in range(6)]
    axes.set(xscale="log", yscale="log", xlabel="rules", ylabel="µs per event", xlim=(0.9, 320_000))
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.set_yticks(times, [f"{time:,}" for time in times])
    axes.minorticks_off()
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
