"""What was measured, as a section of the README, as JSON, and as a plot.

1. Each part says when, where and with what it was measured; so a part can be measured anew while the others stay.
2. The README's section and the plot are made of the JSON alone.
"""

import datetime as dt
import json
import os
import platform
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.figures import HEAD, Figure
from tests.bench.plot import draw

ROOT = Path(__file__).parents[2]
README, FIGURES, PLOT = ROOT / "README.md", Path(__file__).with_name("figures.json"), ROOT / "performance.svg"
BEGIN, END = "<!-- performance -->", "<!-- /performance -->"

Measured = dict[str, Any]
"""What was measured, by the name of the part, as values that JSON has."""


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of a part, the lines of what is shown besides, and points of the plot."""

    figures: list[Figure]
    lines: list[str] = field(default_factory=list)
    points: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_json(self) -> Measured:
        """All of it, with the date, the machine and the versions."""
        return {"about": about(), **asdict(self)}


def about() -> str:
    """When and where."""
    return (
        f"Measured on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: {os.cpu_count()} cores ({_processor()}), "
        f"Python {platform.python_version()}, supervisor {version('supervisor')}, SQLite {sqlite3.sqlite_version}, "
        f"google-re2 {version('google-re2')}."
    )


def _processor() -> str:
    """The processor's name, as Linux knows it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def merged(measured: Measured, names: Iterable[str]) -> Measured:
    """What was measured now, and of the other parts what was measured before; parts in the order of `names`."""
    before = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    every = before | measured
    return {name: every[name] for name in names if name in every}


def section(measured: Measured) -> str:
    """The text of the README's section."""
    groups: dict[str, list[Measured]] = {}
    for part in measured.values():
        groups.setdefault(part["about"], []).append(part)
    lines = []
    for said, parts in groups.items():
        figures = [Figure(**figure) for part in parts for figure in part["figures"]]
        lines += [said, "", HEAD, *(figure.row for figure in figures), ""]
    for part in measured.values():
        lines += [*part["lines"], ""] if part["lines"] else []
    return "\n".join(lines).rstrip()


def write(measured: Measured) -> None:
    """Write all that is made of figures."""
    FIGURES.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{section(measured)}\n{END}{after}", encoding="utf-8")
    for part in measured.values():
        if part["points"]:
            draw(part["points"], PLOT)
