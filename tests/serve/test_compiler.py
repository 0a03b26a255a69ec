"""The compiler as a program: what it prints where."""

from pathlib import Path

import pytest

from rules_listener.serve.bundle import load_bundle
from rules_listener.serve.compiler import MOST_LINTED, check_all, main

CONFIG = "rules: [a.rules]\nstate: state\ndefault: [ops]\nchannels: {ops: {log: {}}}\n"
FEW, MANY = MOST_LINTED, MOST_LINTED + 1
STDERR = {
    "neither errors nor warnings": ("on TICK alert 'x'", ""),
    "a warning": (
        "on TICK where true alert 'x'",
        "1 warning, which `rules-listener check` shows\n",
    ),
    "two warnings": (
        "on TICK where true alert 'x'\non TICK where false alert 'x'",
        "2 warnings, which `rules-listener check` shows\n",
    ),
    "many rules": (
        "".join(f"on TICK where true alert '{number}'\n" for number in range(FEW)),
        f"{FEW} warnings, which `rules-listener check` shows\n",
    ),
    "too many rules to look for warnings": ("".join(f"on TICK where true alert '{n}'\n" for n in range(MANY)), ""),
}


def test_rules_of_files_with_the_same_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules without a name are called by the folder too where that is needed, from wherever the files are named."""
    for name in ("a/x.rules", "b/x.rules", "b/y.rules"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("on TICK_5 alert 'x' mute because 'y'")
    for folder, paths in ((tmp_path, ["a", "b"]), (tmp_path / "a", ["x.rules", str(tmp_path / "b")])):
        monkeypatch.chdir(folder)
        checked = check_all(None, paths, any_channel=True)
        assert [rule.name for rule in checked.rules.rules] == ["a/x.rules:1", "b/x.rules:1", "y.rules:1"]
        assert [mute.name for mute in checked.rules.mutes] == ["a/x.rules:1", "b/x.rules:1", "y.rules:1"]


@pytest.mark.parametrize("case", STDERR)
def test_warnings_are_counted(case: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Rules with warnings become a bundle like any others; standard error has their number."""
    text, expected = STDERR[case]
    (tmp_path / "a.rules").write_text(text)
    config = tmp_path / "rules-listener.yaml"
    config.write_text(CONFIG)
    assert main([str(config), ""]) == 0
    output = capfdbinary.readouterr()
    assert load_bundle(output.out) is not None
    time, _, said = output.err.decode().partition(" rules-listener: ")
    assert (said, bool(time)) == (expected, bool(expected))


def test_errors_are_shown(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """With an error there is no bundle: standard error has the diagnostics, standard output the first in one line."""
    (tmp_path / "a.rules").write_text("let unused = 1\non TICK where wen > 1 alert 'x'")
    config = tmp_path / "rules-listener.yaml"
    config.write_text(CONFIG)
    assert main([str(config), ""]) == 1
    output = capfdbinary.readouterr()
    reason, *files = output.out.decode().split("\0")
    assert reason == f"RL201 at {tmp_path}/a.rules:2:15: TICK has no field `wen`"
    assert files == [str(tmp_path / "a.rules"), str(tmp_path / "a.rules"), str(config)]
    assert output.err.decode().startswith("error[RL201]: TICK has no field `wen`\n")


CHANNELS = "channels: {ops: {log: {}}, mail: {emial: {}}}"
RULES = 'on TICK alert "x" to ops\non TICK alert "x" to mail\non TICK alert "x" to opps\non TICK alert "x"'


@pytest.mark.parametrize(
    ("config", "codes"),
    [
        (f"default: [ops]\n{CHANNELS}", ["RL303", "RL212"]),
        (f"default: [ops]\nbogus: 3\n{CHANNELS}", ["RL303", "RL303", "RL212"]),
        (f"default: [opz]\n{CHANNELS}", ["RL303", "RL303", "RL212"]),
        ("chanels: {ops: {log: {}}}", ["RL303"]),
        ("channels: [ops]", ["RL303"]),
        ("channels: {ops: {log: {}}", ["RL303"]),
    ],
)
def test_one_mistake_hides_no_other_one(tmp_path: Path, config: str, codes: list[str]) -> None:
    """Channels that rules name are looked for whatever else is wrong; what follows from a mistake is not said."""
    (tmp_path / "a.rules").write_text(RULES)
    (tmp_path / "c.yaml").write_text(config)
    found = check_all(tmp_path / "c.yaml", [str(tmp_path / "a.rules")]).found
    assert sorted(one.code for one in found) == sorted(codes)
    assert all("opps" in one.message for one in found if one.code == "RL212")
