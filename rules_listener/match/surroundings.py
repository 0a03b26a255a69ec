"""What rules know beside events, where it is not to be this host's: for tests, which say the same everywhere.

A program is loaded with it, and then asks neither the host nor the environment for anything.
"""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from functools import partial

from rules_listener.match.runtime import show_time


def surroundings(
    host: Mapping[str, str], environment: Mapping[str, str], zone: tzinfo
) -> Mapping[str, Callable[..., str | None]]:
    """Names for `load`: `host` holds what rules may ask about the host, and times are printed in `zone`."""
    return {"host": host.__getitem__, "env": environment.get, "show_time": partial(show_time, zone=zone)}
