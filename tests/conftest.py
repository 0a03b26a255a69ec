"""What tests of several packages share: a host that is always the same."""

import os
from collections.abc import Iterator

import pytest

from rules_listener.match import runtime
from tests.match.strategies import ENV, HOST


@pytest.fixture(scope="session", autouse=True)
def _no_columns() -> Iterator[None]:
    """What is printed is as wide as for a pipe, whatever terminal the tests run in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        os.unsetenv("COLUMNS")  # readline, which pytest imports, sets it for processes of ours without telling Python
        yield


@pytest.fixture(scope="module")
def known_host() -> Iterator[None]:
    """A host and an environment of which the tests know what they say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(runtime.NAMESPACE, "host", HOST.get)
        for name, value in ENV.items():
            patch.setenv(name, value)
        yield
