"""The registry of diagnostics: what its entries say is what `check` does."""

import pytest

from rules_listener.base.codes import CODES
from rules_listener.base.diagnostics import as_text
from rules_listener.tools.explain import demonstrated, severity


@pytest.mark.parametrize("name", CODES)
def test_each_example_causes_its_code(name: str) -> None:
    """The example of a code causes that code, and only that, in its severity."""
    code = CODES[name]
    found = demonstrated(code, code.example)
    assert {(one.code, one.severity) for one in found} == {(name, severity(code))}


@pytest.mark.parametrize("name", CODES)
def test_what_is_put_right_is_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example that was put right causes neither an error nor a warning; every example has been."""
    monkeypatch.setenv("HOOK_PASSWORD", "secret")
    code = CODES[name]
    assert bool(code.fixed) is bool(code.example)
    if code.fixed:
        assert as_text(demonstrated(code, code.fixed)) == ""


def test_the_codes_are_in_order() -> None:
    """The registry, and so the list of all codes, is ordered."""
    assert list(CODES) == sorted(CODES)
