"""Asks a listener's courier for its metrics."""

import socket
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

from prometheus_client.parser import text_string_to_metric_families


class Scraper:
    """Asks for metrics as Prometheus does, and sees to it that no counter ever goes back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.text = ""
        self.counters: dict[str, float] = {}

    def scrape(self) -> dict[str, float]:
        """All samples by names and labels; empty if nobody answers."""
        self.text = ""
        with (
            suppress(OSError, HTTPException),
            closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection,
        ):
            connection.request("GET", "/metrics")
            self.text = connection.getresponse().read().decode()
        samples = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                series = ",".join([sample.name.removeprefix("rules_listener_"), *sample.labels.values()])
                samples[series] = sample.value
                if family.type in ("counter", "histogram"):
                    assert sample.value >= self.counters.get(series, 0), series
                    self.counters[series] = sample.value
        return samples

    def value(self, series: str) -> float | None:
        """One of the samples; None if it is not there."""
        return self.scrape().get(series)

    def has(self, series: str) -> bool:
        """Whether there is such a sample."""
        return series in self.scrape()

    def exceeds(self, series: str, limit: float) -> bool:
        """Whether one of the samples is greater than a limit."""
        return (self.value(series) or 0) > limit


def free_port() -> int:
    """A port that nobody has."""
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return int(found.getsockname()[1])
