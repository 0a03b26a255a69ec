"""Whether the files that rules came from have changed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.serve.bundle import Origin, digest_of
from rules_listener.serve.watch import EVERY_S, Watch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with rules, in one of its own a second file."""
    (tmp_path / "rules" / "more").mkdir(parents=True)
    for name in ("a.rules", "more/b.rules"):
        (tmp_path / "rules" / name).write_text(f"on PROCESS_STATE_EXITED alert '{name}'")
    return tmp_path / "rules"


@pytest.fixture
def watch(folder: Path) -> Watch:
    """Looks at the folder, and has seen nothing new so far."""
    files = (folder, folder / "a.rules", folder / "more" / "b.rules")
    made = Watch(Origin("", (), "", {str(path): digest_of(path) for path in files}), ManualClock())
    assert [made.has_changed() for _ in range(3)] == [False] * 3
    return made


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda folder: (folder / "a.rules").write_text("on PROCESS_STATE_EXITED alert 'y'"),
    "in a folder": lambda folder: (folder / "more" / "b.rules").write_text(""),
    "a new file": lambda folder: (folder / "more" / "c.rules").touch(),
    "a file that is gone": lambda folder: (folder / "a.rules").unlink(),
    "another file of that name": lambda folder: (folder / "a.rules").rename(folder / "more" / "b.rules"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_said_once(folder: Path, watch: Watch, change: Callable[[Path], object]) -> None:
    """What has changed is said at the second look at it, once."""
    change(folder)
    assert [watch.has_changed() for _ in range(4)] == [False, True, False, False]


def test_what_goes_on_changing_is_waited_for(folder: Path, watch: Watch) -> None:
    """While an editor writes, nothing is said."""
    said = []
    for number in range(3):
        (folder / "a.rules").write_text("x" * number)
        said.append(watch.has_changed())
    assert [*said, watch.has_changed()] == [False, False, False, True]


def test_a_touch_is_no_change(folder: Path, watch: Watch) -> None:
    """Only another content is a change; so what was changed while the rules were compiled is noticed too."""
    os.utime(folder / "a.rules", (1, 1))
    assert not any(watch.has_changed() for _ in range(3))


def test_what_changed_before_the_first_look(folder: Path) -> None:
    """What has changed since the rules were read is noticed, although it was never seen otherwise."""
    origin = Origin("", (), "", {str(folder / "a.rules"): digest_of(folder / "a.rules")})
    (folder / "a.rules").write_text("")
    clock = ManualClock()
    late = Watch(origin, clock)
    assert late.due == clock.monotonic() + EVERY_S
    assert [late.has_changed() for _ in range(3)] == [False, True, False]


def test_after_a_rejection(folder: Path, watch: Watch) -> None:
    """What was rejected came of more files; a change of these counts, and so does one back to what it was."""
    new = folder.parent / "new.rules"
    new.write_text("wrong")
    before = (folder / "a.rules").read_text()
    (folder / "a.rules").write_text("wrong")
    assert [watch.has_changed() for _ in range(2)] == [False, True]
    watch.rejected([str(new)])
    assert not any(watch.has_changed() for _ in range(3))
    new.write_text("right")
    assert [watch.has_changed() for _ in range(3)] == [False, True, False]
    (folder / "a.rules").write_text(before)
    assert [watch.has_changed() for _ in range(3)] == [False, True, False]


def test_a_look_that_fails(folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders may come and go while they are looked through: then it is looked again."""
    (folder / "a.rules").write_text("new")
    with monkeypatch.context() as patch:
        patch.setattr("rules_listener.serve.watch.rule_files", _fails)
        assert not any(watch.has_changed() for _ in range(3))
    assert [watch.has_changed() for _ in range(3)] == [False, True, False]


def _fails(folder: Path) -> list[Path]:
    raise FileNotFoundError(folder)
