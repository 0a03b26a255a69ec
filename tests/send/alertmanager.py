"""A real Alertmanager on 127.0.0.1, where one is installed, and what it knows."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import urlopen

import pytest

from tests.send.receivers import closed_port

PROGRAMS = ("prometheus-alertmanager", "alertmanager")
PATIENCE_S = 20.0

PROGRAM = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
needs_alertmanager = pytest.mark.skipif(
    PROGRAM is None, reason="no Alertmanager is installed: apt-get install prometheus-alertmanager"
)


class Alertmanager:
    """One that runs at `port`, and knows nothing at first."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def alerts(self) -> list[dict[str, Any]]:
        """What is active, by its API."""
        with urlopen(f"{self.url}/api/v2/alerts") as answer:  # noqa: S310 - our own URL
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """What is active, once that is `count` alerts."""
        deadline = monotonic() + PATIENCE_S
        while len(alerts := self.alerts()) != count:
            assert monotonic() < deadline, alerts
            sleep(0.02)
        return alerts

    def is_ready(self) -> bool:
        """Whether it answers."""
        with suppress(OSError), urlopen(f"{self.url}/-/ready") as answer:  # noqa: S310 - our own URL
            return bool(answer.status == 200)
        return False


@contextmanager
def alertmanager(folder: Path, port: int | None = None) -> Iterator[Alertmanager]:
    """A new one, until the block ends; at that port, or at one that is free."""
    port = port or closed_port()
    folder.mkdir(exist_ok=True)
    (folder / "am.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    address = f"--web.listen-address=127.0.0.1:{port}"
    options = [f"--config.file={folder / 'am.yml'}", f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
    with (folder / "am.log").open("wb") as log:
        process = subprocess.Popen([str(PROGRAM), address, *options], stdout=log, stderr=log)
    try:
        started = Alertmanager(port)
        deadline = monotonic() + PATIENCE_S
        while not started.is_ready():
            running = process.poll() is None and monotonic() < deadline
            assert running, (folder / "am.log").read_text()
            sleep(0.02)
        yield started
    finally:
        process.terminate()
        process.wait()
