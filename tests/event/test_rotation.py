"""Rotated files: which parts there are, in which order, and how they come to be."""

from pathlib import Path

import pytest

from rules_listener.event.rotation import parts_of, rotate


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["x"], ["x"]),
        ([], ["x"]),
        (["x", "x.1", "x.2", "x.10"], ["x.10", "x.2", "x.1", "x"]),
        (["x", "x.1", "x.2.gz", "x.3.zst"], ["x.3.zst", "x.2.gz", "x.1", "x"]),
        (["x", "x.1", "x.1.gz"], ["x.1", "x"]),
        (["x", "x-20251101.gz", "x-20251030", "x.1"], ["x-20251030", "x-20251101.gz", "x.1", "x"]),
        (["x", "x.bak", "x1", "x.1.txt", "y.1", "x.01x", "x-1", "ax.1"], ["x"]),
    ],
)
def test_the_parts_of_a_file(tmp_path: Path, there: list[str], expected: list[str]) -> None:
    """They are those that supervisord, a recorder or logrotate make, the oldest first; the file itself is the last."""
    for name in there:
        (tmp_path / name).touch()
    assert [path.name for path in parts_of(tmp_path / "x")] == expected


def test_a_part_of_a_file_alone(tmp_path: Path) -> None:
    """A part that is named itself has no parts."""
    for name in ("x", "x.1", "x.10", "x-20251101", "x-20251101.gz"):
        (tmp_path / name).touch()
    assert [path.name for path in parts_of(tmp_path / "x.1")] == ["x.1"]
    assert [path.name for path in parts_of(tmp_path / "x-20251101")] == ["x-20251101"]


def contents(folder: Path) -> dict[str, str]:
    """All files by their names."""
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_rotating(tmp_path: Path) -> None:
    """The file becomes the first part, each part the next one, and the last one is deleted."""
    for content in "abcd":
        (tmp_path / "x").write_text(content)
        rotate(tmp_path / "x", 2)
    assert contents(tmp_path) == {"x.1": "d", "x.2": "c"}
    rotate(tmp_path / "x", 2)
    assert contents(tmp_path) == {"x.1": "d", "x.2": "c"}


def test_rotating_and_keeping_nothing(tmp_path: Path) -> None:
    """With nothing to keep, the file is deleted."""
    (tmp_path / "x").write_text("a")
    rotate(tmp_path / "x", 0)
    assert contents(tmp_path) == {}
