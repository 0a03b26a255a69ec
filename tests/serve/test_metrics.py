"""What Prometheus is told, out of a store with some of everything."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import process_time

import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from rules_listener import __version__
from rules_listener.base.clock import ManualClock
from rules_listener.event.event import Event
from rules_listener.event.wire import Frame
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.outbox.channel import GaveUp, Outcome, RetryLater, Sent
from rules_listener.outbox.database import Database
from rules_listener.outbox.expand import expand_all
from rules_listener.outbox.queue import Queue
from rules_listener.outbox.store import Received, Store
from rules_listener.serve.bundle import Bundle
from rules_listener.serve.metrics import StoreCollector
from tests.match.harness import engine
from tests.match.playing import at, exited
from tests.serve.conventions import broken_conventions

LONGEST_SCRAPE_S = 0.3
README = Path(__file__).parents[2] / "README.md"
RULES = """
rule down on PROCESS_STATE_EXITED alert "{process}" until PROCESS_STATE_RUNNING
rule said on PROCESS_COMMUNICATION alert "{data}"
on PROCESS_STATE_FATAL alert "{process}"
"""
SECRET = 'what a program printed: "s3cr3t"'  # noqa: S105 - it is to be found nowhere


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The listener's side of the store."""
    store = Store(tmp_path)
    yield store
    store.close()


@pytest.fixture
def scrape(
    store: Store, make_bundle: Callable[..., Bundle], tmp_path: Path, clock: ManualClock
) -> Callable[[], dict[str, float]]:
    """Asks for everything; each sample by its name and labels, as they are written."""
    del store
    bundle = make_bundle(RULES)
    registry = CollectorRegistry()
    registry.register(StoreCollector(tmp_path, bundle.program.rules, ["run", "ops"], clock))

    def scraped() -> dict[str, float]:
        text = generate_latest(registry).decode()
        (tmp_path / "scraped").write_text(text)
        assert broken_conventions(text) == []
        assert "s3cr3t" not in text
        families = text_string_to_metric_families(text)
        return {_series(sample.name, sample.labels): sample.value for family in families for sample in family.samples}

    return scraped


def _series(name: str, labels: dict[str, str]) -> str:
    shown = ",".join(f"{label}={value}" for label, value in labels.items())
    name = name.removeprefix("rules_listener_")
    return f"{name}{{{shown}}}" if labels else name


def _only(name: str, samples: dict[str, float]) -> dict[str, float]:
    return {series: value for series, value in samples.items() if series.startswith(name)}


def _alert(number: int, rule: str, channel: str, held: str | None = None, time: float = 1.0) -> Alert:
    event = Event("PROCESS_STATE_EXITED", time, {"processname": f"p{number}", "groupname": SECRET})
    deliveries = (Delivery(f"id{number}", channel, SECRET),)
    return Alert(time, rule, f"p{number} {SECRET}", "alert", "error", event, deliveries, held)


def _fill(store: Store, folder: Path, clock: ManualClock) -> None:
    """Deliveries with every outcome, counters of every kind."""
    rules = [("down", "ops"), ("down", "ops"), ("said", "ops"), ("gone", "old"), ("test.rules:4", "ops")]
    alerts = [_alert(n, *rule) for n, rule in enumerate(rules)]
    store.commit([*alerts, _alert(9, "said", "ops", "at most 1 per 1h")], None, time=clock.time() - 60)
    database = Database(folder)
    queue = Queue(database, random=Random(1))  # noqa: S311 - a test repeats itself
    queue.expand(clock.time())
    claimed = [one for series in queue.claim(clock.time(), {"ops": 4, "old": 1}) for one in series]
    outcomes: list[Outcome] = [Sent(), Sent(), RetryLater(SECRET), GaveUp(SECRET)]
    claimed.sort(key=lambda one: (one.message.channel == "old", one.n))
    queue.settle([(one.n, outcome) for one, outcome in zip(claimed[1:], outcomes, strict=True)], clock.time())
    database.close()
    remembering = engine(RULES)
    remembering.feed(at(0, exited("a")))
    counts = {"event:PROCESS_STATE_EXITED": 5, "lost": 3, "answered:100": 4, "answered:longer": 1}
    store.journal(
        [Received(clock.time() - 5, Frame(b"header", SECRET.encode()))],
        counts={**counts, "answered_ns": 2_500_000_000},
        notes={"loaded_ms": round(clock.time() * 1000) - 9000},
        state=json.dumps(remembering.dump()),
    )


def test_an_empty_store(scrape: Callable[[], dict[str, float]], store: Store) -> None:
    """What can be counted is there from the beginning, so that the first of it is seen as a change."""
    store.open()
    samples = scrape()
    assert samples.pop("state_size_bytes") > 0
    assert samples[f"info{{version={__version__}}}"] == 1
    assert (samples["rules_loaded"], samples["config_last_reload_successful"]) == (3, 1)
    for name in ("events_lost_total", "firings_total{rule=down}", "deliveries_total{channel=ops,outcome=given_up}"):
        assert samples[name] == 0
    assert samples["acknowledgement_duration_seconds_count"] == 0
    assert "last_event_timestamp_seconds" not in samples


def test_everything(scrape: Callable[[], dict[str, float]], store: Store, tmp_path: Path, clock: ManualClock) -> None:
    """Each figure is what the store says; no label comes out of an event; a rule that is gone is not told of."""
    _fill(store, tmp_path, clock)
    samples = scrape()
    assert samples["events_total{type=PROCESS_STATE_EXITED}"] == 5
    assert samples["events_lost_total"] == 3
    assert samples["last_event_timestamp_seconds"] == clock.time() - 5
    assert _only("firings", samples) == {
        "firings_total{rule=down}": 2,
        "firings_total{rule=said}": 2,
        "firings_total{rule=test.rules:4}": 1,
    }
    assert _only("open", samples) == {"open_alerts{rule=down}": 1}
    assert {name: value for name, value in _only("deliveries", samples).items() if value} == {
        "deliveries_total{channel=ops,outcome=sent}": 2,
        "deliveries_total{channel=ops,outcome=held}": 1,
        "deliveries_total{channel=old,outcome=given_up}": 1,
    }
    assert samples["delivery_failed_tries_total{channel=ops}"] == 1
    assert (samples["queue_length{channel=ops}"], samples["queue_length{channel=run}"]) == (2, 0)
    assert (samples["queue_oldest_age_seconds{channel=ops}"], samples["queue_oldest_age_seconds{channel=run}"]) == (
        60,
        0,
    )
    assert samples["config_last_reload_success_timestamp_seconds"] == pytest.approx(clock.time() - 9, abs=0.01, rel=0)
    assert samples["journal_size_bytes"] > 0


def test_the_histogram(
    scrape: Callable[[], dict[str, float]], store: Store, tmp_path: Path, clock: ManualClock
) -> None:
    """Buckets hold all that did not take longer, the last one everything."""
    _fill(store, tmp_path, clock)
    samples = scrape()
    buckets = {name: value for name, value in samples.items() if "_bucket" in name}
    assert len(buckets) == 17
    assert [buckets[f"acknowledgement_duration_seconds_bucket{{le={le}}}"] for le in ("1e-05", "5e-05")] == [0, 0]
    assert [buckets[f"acknowledgement_duration_seconds_bucket{{le={le}}}"] for le in ("0.0001", "1.0")] == [4, 4]
    assert buckets["acknowledgement_duration_seconds_bucket{le=+Inf}"] == 5
    assert samples["acknowledgement_duration_seconds_sum"] == 2.5


def test_the_readme_names_each_metric(
    scrape: Callable[[], dict[str, float]], store: Store, tmp_path: Path, clock: ManualClock
) -> None:
    """The table of the README has each metric with its labels, and no other."""
    _fill(store, tmp_path, clock)
    scrape()
    families = text_string_to_metric_families((tmp_path / "scraped").read_text())
    shown = {_in_readme(family) for family in families}
    table = README.read_text(encoding="utf-8").partition("### Metrics")[2].partition("\n## ")[0]
    named = {
        name for row in table.splitlines() if row.startswith("| `") for name in row.split(" | ")[0].split("`")[1::2]
    }
    assert named == shown


def _in_readme(family: Metric) -> str:
    name = family.name.removeprefix("rules_listener_") + "_total" * (family.type == "counter")
    labels = ",".join(label for label in family.samples[0].labels if label != "le")
    return f"{name}{{{labels}}}" if labels else name


def test_rules_that_were_rejected(scrape: Callable[[], dict[str, float]], store: Store) -> None:
    """New rules that were rejected are told until others are loaded."""
    store.journal([], notes={"loaded_ms": 1000, "rejected_ms": 2000})
    assert scrape()["config_last_reload_successful"] == 0
    store.journal([], notes={"loaded_ms": 3000})
    assert scrape()["config_last_reload_successful"] == 1


def test_ten_thousand_that_wait(
    scrape: Callable[[], dict[str, float]], store: Store, tmp_path: Path, clock: ManualClock
) -> None:
    """A scrape takes little of the processor's time, however much waits behind a receiver that is down."""
    for first in range(0, 10_000, 1000):
        alerts = [_alert(number, "down", "ops") for number in range(first, first + 1000)]
        store.commit(alerts, None, time=clock.time() - 60 + first / 1000)
    database = Database(tmp_path)
    expand_all(database, clock.time())
    database.close()
    began = process_time()
    samples = scrape()
    assert process_time() - began < LONGEST_SCRAPE_S
    assert (samples["queue_length{channel=ops}"], samples["queue_oldest_age_seconds{channel=ops}"]) == (10_000, 60)


def test_a_store_that_cant_be_read(scrape: Callable[[], dict[str, float]], tmp_path: Path) -> None:
    """Its figures are left out; what is known without it is told."""
    (tmp_path / "store.sqlite3").write_bytes(b"no database at all" * 100)
    assert scrape() == {f"info{{version={__version__}}}": 1, "rules_loaded": 3}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's package prometheus is not installed")
def test_promtool_finds_nothing(
    scrape: Callable[[], dict[str, float]], store: Store, tmp_path: Path, clock: ManualClock
) -> None:
    """`promtool check metrics` is content."""
    _fill(store, tmp_path, clock)
    scrape()
    text = (tmp_path / "scraped").read_text()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("# TYPE a counter\na_total 1\n", "a: no help"),
        ("# HELP a b\n# TYPE a gauge\na_total 1\n", "a_total: no help"),
        ("# HELP a_ms b\n# TYPE a_ms gauge\na_ms 1\n", "a_ms: not in a base unit"),
        ("# HELP a_count b\n# TYPE a_count gauge\na_count 1\n", "a_count: an ending that belongs to another type"),
        ("# HELP aB b\n# TYPE aB gauge\naB 1\n", "aB: not lower case with underscores"),
        ('# HELP a b\n# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n', "a: a series that stands there twice"),
    ],
)
def test_the_conventions_are_looked_at(text: str, wrong: str) -> None:
    """The check that stands for promtool finds what is wrong."""
    assert wrong in broken_conventions(text)
