"""Each supervisord.conf that comes with this program, beside its rules: `check` finds nothing."""

import re
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from rules_listener.tools.cli import cli
from tests.serve.confs import SUPERVISORD

ROOT = Path(__file__).parents[2]


def _examples(_folder: Path) -> tuple[Path, Path]:
    return ROOT / "examples" / "rules-listener.yaml", ROOT / "examples" / "supervisord.conf"


def _stage(folder: Path) -> tuple[Path, Path]:
    """The demo's, as the demo sets it up."""
    for entry in files("rules_listener.tools").joinpath("stage").iterdir():
        if entry.is_file():
            text = entry.read_text(encoding="utf-8").replace("@PYTHON@", sys.executable).replace("@HERE@", str(folder))
            (folder / entry.name).write_text(text, encoding="utf-8")
    return folder / "rules-listener.yaml", folder / "supervisord.conf"


def _starter(folder: Path) -> tuple[Path, Path]:
    """What `init` writes, its section included as `init` says."""
    assert CliRunner().invoke(cli, ["init", "--dir", str(folder)]).exit_code == 0
    included = "[include]\nfiles=supervisord-rules-listener.conf\n[program:web]\ncommand=web\n"
    (folder / "supervisord.conf").write_text(SUPERVISORD + included, encoding="utf-8")
    return folder / "rules-listener.yaml", folder / "supervisord.conf"


def _readme(folder: Path) -> tuple[Path, Path]:
    """The section in the README, with the starter's rules."""
    config, _ = _starter(folder)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = re.findall(r"^```ini\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    section = next(section for section in sections if "rules-listener run" in section)
    (folder / "supervisord.conf").write_text(SUPERVISORD + section, encoding="utf-8")
    return config, folder / "supervisord.conf"


@pytest.mark.parametrize("shipped", [_examples, _stage, _starter, _readme])
def test_what_is_shipped_fits(tmp_path: Path, shipped: Callable[[Path], tuple[Path, Path]]) -> None:
    """A configuration that is right is checked in silence."""
    config, conf = shipped(tmp_path)
    done = CliRunner().invoke(cli, ["check", "--config", str(config), "--supervisor-conf", str(conf)])
    assert (done.exit_code, re.fullmatch(r"\d+ files?, \d+ rules: no errors\n", done.output) is not None) == (0, True)
