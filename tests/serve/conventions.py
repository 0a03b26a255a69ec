"""What Prometheus expects of the names of metrics: as `promtool check metrics`, for where that is not installed."""

import re
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

_NO_BASE_UNITS = re.compile(
    "milliseconds|microseconds|nanoseconds|minutes|hours|days|weeks|percent|kilobytes|megabytes|gigabytes|bits|celsius"
)
_SHORT_UNITS = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "m", "h", "d"}
_TYPES = {"counter", "gauge", "histogram", "summary"}
_RESERVED = {"counter": ("_bucket", "_count", "_sum"), "gauge": ("_total", "_bucket", "_count", "_sum")}


def broken_conventions(text: str) -> list[str]:
    """What an exposition does that it should not, one line for each."""
    return [f"{name}: {wrong}" for family in text_string_to_metric_families(text) for name, wrong in _wrong(family)]


def _wrong(family: Metric) -> Iterator[tuple[str, str]]:
    series = [(sample.name, *sorted(sample.labels.items())) for sample in family.samples]
    rules = {
        "no help": not family.documentation,
        "no type": family.type not in _TYPES,
        "a series that stands there twice": len(series) != len(set(series)),
        **_wrong_name(family.name, family.type),
    }
    yield from ((family.name, wrong) for wrong, found in rules.items() if found)
    for sample in family.samples:
        if family.type == "counter" and not sample.name.endswith("_total"):
            yield sample.name, "a counter that does not end in _total"
        if any(not re.fullmatch("[a-z][a-z_]*", label) for label in sample.labels):
            yield sample.name, "a label that is not lower case"


def _wrong_name(name: str, kind: str) -> dict[str, bool]:
    words = {*name.split("_")}
    return {
        "not lower case with underscores": not re.fullmatch("[a-z][a-z0-9_]*", name),
        "its type is in its name": bool(_TYPES & words),
        "not in a base unit": bool(_SHORT_UNITS & words or any(map(_NO_BASE_UNITS.fullmatch, words))),
        "an ending that belongs to another type": name.endswith(_RESERVED.get(kind, ())),
    }
