"""What hinders a listener, as far as that can be seen from outside."""

import fcntl
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from time import sleep

from rules_listener.base.diagnostics import has_errors, in_short
from rules_listener.serve.compiler import check_all
from rules_listener.serve.config import FILE_NAME
from rules_listener.serve.listener import LOCK_NAME
from rules_listener.serve.metrics import PREFIX

ASKING_S = 2.0
"""Seconds in which metrics have to come."""

TRIES, PAUSE_S = 11, 0.2
"""How often it is asked where nothing listens, and the seconds between: a courier needs up to 2 to begin."""


def is_running(folder: Path) -> bool:
    """Whether a listener holds the state folder."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def why_not_started(config: Path | None) -> str | None:
    """What is wrong with the configuration, or the one in this folder, and its rules; None if nothing is."""
    path = config or Path(FILE_NAME)
    if config is None and not path.exists():
        return None
    errors = [one for one in check_all(path, (), environment=None, most_linted=0).found if has_errors([one])]
    if not errors:
        return None
    return f"{in_short(errors)}; `rules-listener check --config {path}` shows it all"


def metrics_trouble(address: str, pause: Callable[[float], None] = sleep) -> str:
    """Why a listener's metrics are not served at an address (`HOST:PORT`); empty if they are.

    A courier that is just starting gets some time for it.
    """
    import urllib3  # noqa: PLC0415 - only where there are metrics

    host, _, port = address.rpartition(":")
    url = f"http://{host or '127.0.0.1'}:{port}/metrics"
    for _ in range(TRIES):
        try:
            answer = urllib3.request("GET", url, timeout=ASKING_S, retries=False)
        except urllib3.exceptions.NewConnectionError:
            pause(PAUSE_S)
        except urllib3.exceptions.ConnectTimeoutError:
            break
        except urllib3.exceptions.TimeoutError:
            return f"what listens at {address} does not answer: another program may have that port"
        except urllib3.exceptions.HTTPError:
            return f"another program answers at {address}"
        else:
            is_ours = answer.status == HTTPStatus.OK and PREFIX.encode() in answer.data
            return "" if is_ours else f"another program answers at {address}"
    return f"nothing answers at {address}"
