"""What Prometheus is told: the figures of the store, under the names of its conventions.

1. Everything comes out of the store when it is asked for: a courier that was killed, or is started anew, takes no count
   back. Figures of the listener's are at most half a second old.
2. Labels are names of channels, of types of events, and of the rules that are loaded; nothing that an event says.
3. A store that can't be read leaves out its figures; the rest is said all the same.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rules_listener import __version__
from rules_listener.base.clock import Clock
from rules_listener.base.errors import StoreError
from rules_listener.match.program import RuleData
from rules_listener.outbox import counters as names
from rules_listener.outbox.counters import by_label, counter
from rules_listener.outbox.figures import Figures, Queued, read_figures, store_bytes

Family = type[CounterMetricFamily] | type[GaugeMetricFamily]

PREFIX = "rules_listener_"
OUTCOMES = (names.SENT, names.GIVEN_UP, names.HELD, names.DROPPED)

_SINGLE_COUNTERS = {
    names.LOST: ("events_lost", "Events that supervisord discarded before they could be read."),
    names.REPEATED: ("events_repeated", "Events that came again and were not handled twice."),
    names.DEAD: ("dead_frames", "Events that could not be handled and were set aside."),
    names.NO_ROOM: ("alerts_lost", "Alerts that memory had no room for while the store could not be written."),
}


class StoreCollector(Collector):
    """Collects what is to be said of the store in `folder`, of the `rules` that are loaded and of the `channels`."""

    def __init__(self, folder: Path, rules: Sequence[RuleData], channels: Collection[str], clock: Clock) -> None:
        self._folder = folder
        self._rule_count = len(rules)
        self._rules = dict.fromkeys((rule.name for rule in rules), 0)
        self._opening = dict.fromkeys((rule.name for rule in rules if any(one.until for one in rule.actions)), 0)
        self._channels = dict.fromkeys(channels, 0)
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        yield _by_label(GaugeMetricFamily, "info", "The version of rules-listener.", "version", {__version__: 1})
        yield _gauge("rules_loaded", "Rules that are loaded.", self._rule_count)
        try:
            figures = read_figures(self._folder)
        except StoreError:
            return
        yield from self._events(figures)
        yield from self._alerts(figures)
        yield from self._deliveries(figures.counters)
        yield from self._queues(figures.queues)
        yield from _rules(figures.counters)
        yield from self._sizes(figures.counters)

    def _events(self, figures: Figures) -> Iterator[Metric]:
        counters = figures.counters
        events = by_label(counters, names.EVENT)
        yield _by_label(CounterMetricFamily, "events", "Events that were handled.", "type", events)
        for name, (shown, said) in _SINGLE_COUNTERS.items():
            yield CounterMetricFamily(PREFIX + shown, said, counters.get(name, 0))
        if figures.last_event is not None:
            said = "When the last event was kept, in seconds since 1970."
            yield _gauge("last_event_timestamp_seconds", said, figures.last_event)
        yield _answers(counters)

    def _alerts(self, figures: Figures) -> Iterator[Metric]:
        firings = _only(self._rules, by_label(figures.counters, names.FIRING))
        yield _by_label(CounterMetricFamily, "firings", "How often a rule matched.", "rule", firings)
        opened = _only(self._opening, figures.open_alerts)
        yield _by_label(GaugeMetricFamily, "open_alerts", "Alerts that are open.", "rule", opened)

    def _deliveries(self, counters: Mapping[str, int]) -> Iterator[Metric]:
        said = "What became of deliveries; one that is sent again by hand counts again."
        family = CounterMetricFamily(f"{PREFIX}deliveries", said, labels=["channel", "outcome"])
        for outcome in OUTCOMES:
            for channel, number in (self._channels | by_label(counters, outcome)).items():
                family.add_metric([channel, outcome], number)
        yield family
        tries = self._channels | by_label(counters, names.FAILED_TRY)
        said = "Tries that failed, and are made again."
        yield _by_label(CounterMetricFamily, "delivery_failed_tries", said, "channel", tries)

    def _queues(self, queues: Mapping[str, Queued]) -> Iterator[Metric]:
        now = self._clock.time()
        waiting = {**dict.fromkeys(self._channels, Queued(0, now)), **queues}
        lengths = {channel: queue.length for channel, queue in waiting.items()}
        ages = {channel: max(0.0, now - queue.oldest) for channel, queue in waiting.items()}
        said = "Deliveries that wait or are being sent."
        yield _by_label(GaugeMetricFamily, "queue_length", said, "channel", lengths)
        said = "How long the oldest of them has been waiting."
        yield _by_label(GaugeMetricFamily, "queue_oldest_age_seconds", said, "channel", ages)

    def _sizes(self, counters: Mapping[str, int]) -> Iterator[Metric]:
        journal = counters.get(names.JOURNAL_BYTES, 0)
        yield _gauge("journal_size_bytes", "What the journal of events holds.", journal)
        yield _gauge("state_size_bytes", "The size of all files in the state folder.", store_bytes(self._folder))


def _rules(counters: Mapping[str, int]) -> Iterator[Metric]:
    loaded, rejected = counters.get(names.LOADED, 0), counters.get(names.REJECTED, 0)
    said = "Whether the last rules that were to be loaded had no error."
    yield _gauge("config_last_reload_successful", said, loaded >= rejected)
    said = "When rules were loaded last, in seconds since 1970."
    yield _gauge("config_last_reload_success_timestamp_seconds", said, loaded / 1000)


def _answers(counters: Mapping[str, int]) -> Metric:
    counted = accumulate(counters.get(counter(names.ANSWERED, us), 0) for us in (*names.BOUNDS_US, names.LONGER))
    bounds = [*(str(us / 1_000_000) for us in names.BOUNDS_US), "+Inf"]
    return HistogramMetricFamily(
        f"{PREFIX}acknowledgement_duration_seconds",
        "Time from an event that was read to its acknowledgement.",
        buckets=list(zip(bounds, counted, strict=True)),
        sum_value=counters.get(names.ANSWERED_NS, 0) / 1e9,
    )


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, said, value)


def _only(known: Mapping[str, int], values: Mapping[str, int]) -> dict[str, int]:
    """The values of what is known, 0 where there is none."""
    return {name: values.get(name, 0) for name in known}


def _by_label(kind: Family, name: str, said: str, label: str, values: Mapping[str, float]) -> Metric:
    family = kind(PREFIX + name, said, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
