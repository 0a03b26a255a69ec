"""Whether a courier works on a state folder."""

import os
from pathlib import Path

from rules_listener.outbox.lock import take_lock


def courier_works(folder: Path) -> bool:
    """Whether one has the lock of the folder."""
    lock = take_lock(folder)
    if lock is not None:
        os.close(lock)
    return lock is None
