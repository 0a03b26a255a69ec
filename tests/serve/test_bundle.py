"""The compiled rules as a file: used only if they are what would be compiled now."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.base.digest import blake2b
from rules_listener.match.program import ActionData, Program, RuleData
from rules_listener.serve import bundle as bundle_module
from rules_listener.serve.bundle import (
    Bundle,
    Origin,
    dump_bundle,
    is_fresh,
    keep_bundle,
    kept_bundle,
    load_bundle,
)
from rules_listener.serve.config import ChannelConfig, Config

RULES = 'rule one on PROCESS_STATE_EXITED alert "{process}"\n'

EXAMPLE = Bundle(
    Origin("c.yaml", ("a.rules",), "", {"a.rules": "digest"}),
    Config(
        *(("a.rules",), "state", ("ops",), (ChannelConfig("ops", "command", {"timeout_s": 10.0}, ("a", "{b}")),)),
        metrics="127.0.0.1:9464",
    ),
    Program(
        b"code",
        (RuleData("one", "meaning", (ActionData("alert", "error", ("ops",), (("t0", "text"),)),), ("web",), "key_1"),),
        ((0, 0),),
    ),
)


@pytest.fixture
def fresh(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle of the files in `tmp_path`."""
    return make_bundle(RULES)


def _is_fresh(bundle: Bundle) -> bool:
    return is_fresh(bundle, bundle.origin.config, bundle.origin.rules, bundle.origin.state)


def test_a_bundle_comes_back_as_it_was() -> None:
    """Everything that a bundle says is there again after it was loaded."""
    assert load_bundle(dump_bundle(EXAMPLE)) == EXAMPLE


def test_what_was_kept_is_found(tmp_path: Path) -> None:
    """A bundle is kept in one file of mode 0600, and nothing else is left behind."""
    assert kept_bundle(tmp_path) is None
    keep_bundle(dump_bundle(EXAMPLE), tmp_path)
    assert kept_bundle(tmp_path) == EXAMPLE
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_bundle_is_fresh_while_nothing_changes(fresh: Bundle) -> None:
    """With the same arguments and the same files a bundle is used again."""
    assert _is_fresh(fresh)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a rule file changed": lambda folder: (folder / "rules" / "test.rules").write_text(RULES + "# more"),
    "a rule file is gone": lambda folder: (folder / "rules" / "test.rules").unlink(),
    "the folder gained a file": lambda folder: (folder / "rules" / "more.rules").write_text(""),
    "a folder in the folder gained one": lambda folder: (folder / "rules" / "deep" / "x.rules").write_text(""),
    "the configuration changed": lambda folder: (folder / "rules-listener.yaml").write_text("rules: [rules/]\n"),
    "the configuration is gone": lambda folder: (folder / "rules-listener.yaml").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_noticed(fresh: Bundle, tmp_path: Path, change: Callable[[Path], object]) -> None:
    """A bundle is not fresh once any file that it was made from is another, or there is one more."""
    (tmp_path / "rules" / "deep").mkdir()
    change(tmp_path)
    assert not _is_fresh(fresh)


def test_files_that_are_no_rules_change_nothing(fresh: Bundle, tmp_path: Path) -> None:
    """What else lies in a folder of rules is no matter."""
    (tmp_path / "rules" / "notes.txt").write_text("notes")
    assert _is_fresh(fresh)


def test_other_arguments_are_noticed(fresh: Bundle) -> None:
    """A bundle is fresh only for the arguments that it was made with."""
    config, rules, state, _ = fresh.origin
    assert not is_fresh(fresh, "", rules, state)
    assert not is_fresh(fresh, config, ["other.rules"], state)
    assert not is_fresh(fresh, config, rules, "elsewhere")


CONTENT = dump_bundle(EXAMPLE)


@given(st.integers(0, len(CONTENT) * 8 - 1))
def test_a_flipped_bit_is_noticed(bit: int) -> None:
    """A bundle of which one bit is another is no bundle."""
    content = bytearray(CONTENT)
    content[bit // 8] ^= 1 << bit % 8
    assert load_bundle(bytes(content)) is None


@given(st.integers(0, len(CONTENT) - 1))
def test_a_bundle_that_was_cut_short_is_noticed(length: int) -> None:
    """A bundle without its end is no bundle."""
    assert load_bundle(CONTENT[:length]) is None


def test_another_version_or_python_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version of this package, or another Python, has compiled is compiled again."""
    content = dump_bundle(EXAMPLE)
    with monkeypatch.context() as patch:
        patch.setattr(bundle_module, "__version__", "0.0.0")
        assert load_bundle(content) is None
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version", "4.0")
        assert load_bundle(content) is None
    assert load_bundle(content) == EXAMPLE


def test_another_form_is_no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a version with more or less to say has kept is compiled again, and not taken apart."""
    with monkeypatch.context() as patch:
        patch.setattr(bundle_module, "_stamp", lambda: ["another", 1])
        content = dump_bundle(EXAMPLE)
    shorter = json.dumps(["stamp", []]).encode()
    shorter = len(shorter).to_bytes(8, "big") + shorter
    digest = blake2b(shorter, digest_size=bundle_module._DIGEST_SIZE).digest()
    for other in (content, bundle_module._MAGIC + digest + shorter):
        assert load_bundle(other) is None
