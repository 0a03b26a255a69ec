"""`fmt` and the files that it rewrites: bytes, modes, links, and what happens when a file can't be written."""

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rules_listener.tools.fmt import fmt
from rules_listener.tools.replace import replace_file

LOOSE = b"on crashed   shutdown\n"
FORMATTED = b"on crashed  shutdown\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A rule file that is not in its form."""
    path = tmp_path / "a.rules"
    path.write_bytes(LOOSE)
    return path


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    """The outcome of `fmt` with some arguments."""
    return CliRunner().invoke(fmt, list(map(str, arguments)), input=stdin)


CONTENTS = {
    "spaces": LOOSE,
    "line ends of Windows": b"on crashed\r\n  shutdown\r\n",
    "line ends of old times": b"on crashed\rshutdown\r",
    "a byte order mark": b"\xef\xbb\xbf" + FORMATTED,
    "no line end": FORMATTED.rstrip(),
    "blank lines": b"\n\n" + FORMATTED + b"\n\n",
}


@pytest.mark.parametrize("case", CONTENTS)
def test_bytes(file: Path, case: str) -> None:
    """Whatever the line ends are, the form has line feeds, one at the end, and no byte order mark."""
    file.write_bytes(CONTENTS[case])
    assert run("--check", file).stdout == f"{file}\n"
    assert run("--diff", file).exit_code == 1
    assert file.read_bytes() == CONTENTS[case]
    assert run(file).exit_code == 0
    assert file.read_bytes() == FORMATTED
    assert run("--check", file).exit_code == 0


@pytest.mark.parametrize("content", [b"", b"# nothing\n", FORMATTED])
def test_a_file_in_its_form_is_not_touched(file: Path, content: bytes) -> None:
    """A file that would not change is not written."""
    file.write_bytes(content)
    before = file.stat()
    assert run(file).exit_code == 0
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_standard_input_is_written_as_bytes() -> None:
    """Standard input becomes standard output, whatever its line ends and letters are."""
    assert run("-", stdin="on crashed\r\nalert '磁盘'".encode()).stdout_bytes == "on crashed  alert '磁盘'\n".encode()


def test_mode_and_links_stay(file: Path) -> None:
    """A file keeps its mode; where a link leads to it, the file is written, and the link stays a link."""
    file.chmod(0o640)
    link = file.with_name("link.rules")
    link.symlink_to(file.name)
    assert run(link).stdout == f"formatted {link}\n"
    assert link.is_symlink()
    assert file.read_bytes() == FORMATTED
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_file_is_formatted_once(file: Path) -> None:
    """A file that several paths name is formatted once, under the first name."""
    link = file.with_name("link.rules")
    link.symlink_to(file.name)
    assert run(link, file, file.parent).stdout == f"formatted {link}\n"


def test_text_that_is_not_utf8_stays(file: Path) -> None:
    """A file that is no UTF-8 is reported, and stays as it is."""
    file.write_bytes(b"on crashed alert 'caf\xe9'\n")
    done = run(file)
    assert done.exit_code == 1
    assert done.stderr.startswith("error[RL107]: the rule file is not UTF-8, at byte 21\n")
    assert file.read_bytes() == b"on crashed alert 'caf\xe9'\n"


def test_a_file_that_cannot_be_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that can't be written stays as it was, nothing is left beside it, and the others are formatted."""
    other = file.with_name("b.rules")
    other.write_bytes(LOOSE)
    replace = Path.replace

    def refuse(temporary: Path, target: Path) -> Path:
        if target.name == "a.rules":
            raise PermissionError(13, "Permission denied")
        return replace(temporary, target)

    monkeypatch.setattr(Path, "replace", refuse)
    done = run(file.parent)
    assert (done.exit_code, done.stdout) == (2, f"formatted {other}\n")
    assert done.stderr.splitlines()[0] == f"rules-listener: {file} can't be written: Permission denied"
    assert file.read_bytes() == LOOSE
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.rules", "b.rules"]


def test_a_file_that_may_only_be_read_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be written stays as it is, although its folder may be written."""
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)  # root may write all files
    with pytest.raises(PermissionError):
        replace_file(file, FORMATTED)
    assert file.read_bytes() == LOOSE


@pytest.mark.parametrize(("no_color", "is_coloured"), [("", True), ("1", False)])
def test_a_difference_has_colours_on_a_terminal(file: Path, no_color: str, *, is_coloured: bool) -> None:
    """On a terminal a difference is coloured, unless NO_COLOR says otherwise."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": no_color}
    subprocess.run(
        [sys.executable, "-m", "rules_listener", "fmt", "--diff", file],
        stdout=slave,
        stderr=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    os.close(slave)
    shown = os.read(master, 4096).decode()
    os.close(master)
    assert ("\x1b[31m-on crashed   shutdown\x1b[0m\r\n" in shown) is is_coloured
    assert ("\x1b" in shown) is is_coloured
