"""What the configuration takes from elsewhere."""

from pathlib import Path

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.serve.secret import can_be_resolved, resolve

SECRET = "s3cr3t-4f9d"  # noqa: S105 - a test's


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (f"{SECRET}\n", SECRET),
        (f"{SECRET}\r\n", SECRET),
        (SECRET, SECRET),
        (" a b ", " a b "),
        ("p\u00e4ss", "p\u00e4ss"),
    ],
)
def test_a_file_holds_a_secret(tmp_path: Path, content: str, value: str) -> None:
    """A secret is the content of its file, but for the line end that an editor leaves."""
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    assert resolve(f"file:{path}", {}) == value


def test_a_variable_holds_a_secret() -> None:
    """`${NAME}` stands for the variable."""
    assert resolve("${A}", {"A": SECRET}) == SECRET


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "the variable A is not set"),
        ("", "the variable A is empty"),
        (f"{SECRET}\nX: y", "the variable A holds a line end"),
    ],
)
def test_a_variable_that_is_of_no_use(value: str | None, reason: str) -> None:
    """What is missing, empty or more than a line is an error that does not show it."""
    with pytest.raises(ConfigError, match=reason) as caught:
        resolve("${A}", {} if value is None else {"A": value})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (SECRET.encode() + b"\nsecond\n", "holds a line end"),
        (SECRET.encode() + b"\xff", "is not UTF-8"),
        (SECRET.encode() * 10_000, "is too large to be a secret"),
    ],
)
def test_a_file_that_is_of_no_use(tmp_path: Path, content: bytes, reason: str) -> None:
    """What can't be a secret is an error that names the file, and shows nothing of it."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"the file {path} {reason}") as caught:
        resolve(f"file:{path}", {})
    assert SECRET not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is not there, and what is no file, say so."""
    with pytest.raises(ConfigError, match="none can't be read: No such file"):
        resolve(f"file:{tmp_path}/none", {})
    with pytest.raises(ConfigError, match="is no file to read a secret from"):
        resolve(f"file:{tmp_path}", {})


def test_whether_all_can_be_resolved(tmp_path: Path) -> None:
    """One that is missing is enough for no."""
    (tmp_path / "s").write_text("x")
    assert can_be_resolved(["${A}", f"file:{tmp_path}/s"], {"A": "x"})
    assert not can_be_resolved(["${A}", "${B}"], {"A": "x"})
