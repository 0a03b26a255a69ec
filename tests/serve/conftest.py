"""What the tests of the listener share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.base.diagnostics import has_errors
from rules_listener.serve.bundle import Bundle, dump_bundle, load_bundle
from rules_listener.serve.compiler import check_all, compile_all


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def reports() -> list[str]:
    """What the operator was told."""
    return []


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Bundle]:
    """Compiles the text of a rule file, with a channel `ops` that logs; the files stay in `tmp_path`."""

    def make(text: str, config: str = "") -> Bundle:
        (tmp_path / "rules").mkdir(exist_ok=True)
        (tmp_path / "rules" / "test.rules").write_text(text)
        path = tmp_path / "rules-listener.yaml"
        path.write_text(config or "rules: [rules/]\nstate: state\ndefault: [ops]\nchannels: {ops: {log: {}}}\n")
        checked = check_all(path, [])
        assert not has_errors(checked.found)
        bundle = load_bundle(dump_bundle(compile_all(checked, str(path), [], "")))
        assert bundle is not None
        return bundle

    return make
