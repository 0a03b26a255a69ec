"""Whether the files that the rules came from have changed (`watch: true`).

1. Files are looked at by number, size and time of change: a look costs some microseconds a file. Only where those have
   changed is their content compared.
2. What has changed counts once it stays as it is from one look to the next: editors write in several steps.
"""

from collections.abc import Iterable
from pathlib import Path

from rules_listener.base.clock import Clock
from rules_listener.serve.bundle import Origin, is_unchanged, rule_files

EVERY_S = 2.0

_State = list[tuple[str, int, int, int] | None]


class Watch:
    """Looks at what rules came from, each two seconds. `due` is when next, by the monotonic clock."""

    def __init__(self, origin: Origin, clock: Clock) -> None:
        self._origin = origin
        self._paths = list(origin.digests)
        self._is_rejected = False
        self._clock = clock
        self._known: _State = []
        self._seen: _State = []
        self.due = clock.monotonic() + EVERY_S

    def has_changed(self) -> bool:
        """Look again: whether something has changed, and is as it was at the last look; said once for each change."""
        before, self._seen = self._seen, self._looked()
        self.due = self._clock.monotonic() + EVERY_S
        if self._seen in (self._known, []) or self._seen != before:
            return False
        self._known = self._seen
        return self._is_rejected or not is_unchanged(self._origin)

    def rejected(self, paths: Iterable[str]) -> None:
        """What has changed was rejected: look at what it came from, too, and take any change of that for one."""
        self._paths = list(dict.fromkeys([*self._paths, *paths]))
        self._known = self._seen = self._looked()
        self._is_rejected = True

    def _looked(self) -> _State:
        """What is there; nothing if folders come and go meanwhile, or can't be read: then it is looked again."""
        try:
            return self._look()
        except OSError:
            return []

    def _look(self) -> _State:
        paths = map(Path, self._paths)
        return [_state(file) for path in paths for file in (path, *(rule_files(path) if path.is_dir() else ()))]


def _state(path: Path) -> tuple[str, int, int, int] | None:
    """Name, number, size and time of change of a file; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns
