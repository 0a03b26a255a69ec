"""A supervisord for each test, ended whatever happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.supervised import Supervised
from tests.send.receivers import certificates

__all__ = ["certificates"]


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    """A supervisord that is not started yet."""
    made = Supervised(tmp_path)
    yield made
    made.end()
