"""What hinders a listener, as far as that can be seen from outside."""

from http import HTTPStatus
from pathlib import Path

from rules_listener.base.diagnostics import has_errors, in_short
from rules_listener.serve.compiler import check_all
from rules_listener.serve.config import FILE_NAME
from rules_listener.serve.metrics import PREFIX

ASKING_S = 2.0
"""Seconds in which metrics have to come."""


def why_not_started(config: Path | None) -> str | None:
    """What is wrong with the configuration, or the one in this folder, and its rules; None if nothing is."""
    path = config or Path(FILE_NAME)
    if config is None and not path.exists():
        return None
    errors = [one for one in check_all(path, (), environment=None, most_linted=0).found if has_errors([one])]
    if not errors:
        return None
    return f"{in_short(errors)}; `rules-listener check --config {path}` shows it all"


def metrics_served(address: str) -> bool:
    """Whether a listener's metrics are served at an address (`HOST:PORT`), and not something else, or nothing."""
    import urllib3  # noqa: PLC0415 - only where there are metrics

    host, _, port = address.rpartition(":")
    url = f"http://{host or '127.0.0.1'}:{port}/metrics"
    try:
        answer = urllib3.request("GET", url, timeout=ASKING_S, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == HTTPStatus.OK and PREFIX.encode() in answer.data
