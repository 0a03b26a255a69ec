"""The package as people get it: a wheel, installed away from the source."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment that has the wheel; what it depends on is borrowed from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    run(folder, sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    environment = folder / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    run(
        folder,
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        str(wheel),
    )
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return environment / "bin"


def run(folder: Path, *command: str) -> str:
    """The standard output of a command that is run in `folder`, and must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_installed_wheel_checks_an_example(installed: Path, tmp_path: Path) -> None:
    """The wheel has the grammar, and needs nothing of the source tree."""
    where = run(tmp_path, str(installed / "python"), "-c", "import rules_listener; print(rules_listener.__file__)")
    assert where.startswith(str(installed.parent))
    output = run(
        tmp_path, str(installed / "rules-listener"), "check", "--config", str(ROOT / "examples/rules-listener.yaml")
    )
    assert output == "2 files, 3 rules: no errors\n"


def test_the_installed_wheel_writes_a_page(installed: Path, tmp_path: Path) -> None:
    """What a page is made of comes with the wheel, and the licence of its library where tools look for licences."""
    (tmp_path / "x.rules").write_text('on TICK_60 alert "tick"\n', encoding="utf-8")
    (tmp_path / "x.jsonl").write_text('{"time": 1, "event": "TICK_60", "when": 1}\n', encoding="utf-8")
    command = ("replay", "x.jsonl", "--rules", "x.rules", "--html", "x.html")
    run(tmp_path, str(installed / "rules-listener"), *command)
    assert "new uPlot(" in (tmp_path / "x.html").read_text(encoding="utf-8")
    (licences,) = installed.parent.glob("lib/python*/site-packages/rules_listener-*.dist-info/licenses")
    found = {str(path.relative_to(licences)) for path in licences.rglob("LICENSE")}
    assert found == {"LICENSE", "rules_listener/tools/replay/timeline/uplot/LICENSE"}


def test_the_installed_wheel_has_its_data(installed: Path, tmp_path: Path) -> None:
    """Starter files and the prelude come with the wheel."""
    run(tmp_path, str(installed / "rules-listener"), "init")
    assert (tmp_path / "rules" / "crash.rules").exists()
    output = run(tmp_path, str(installed / "rules-listener"), "check")
    assert output == "1 file, 5 rules: no errors\n"
    output = run(tmp_path, str(installed / "rules-listener"), "test", ".")
    assert output == "5 tests in 1 file: all passed\n"
