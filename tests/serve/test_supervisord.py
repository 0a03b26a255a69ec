"""What the listener tells about the section that it needs."""

import os
import shlex
from pathlib import Path

import pytest

from rules_listener.event.catalogue import CATALOGUE, UNLISTED
from rules_listener.serve import supervisord
from rules_listener.serve.supervisord import Life, events_needed, life_of_parent, log_beside, section
from tests.serve.confs import SUPERVISORD, read_conf

OWN = "SUPERVISOR_STATE_CHANGE,TICK_60"


@pytest.mark.parametrize(
    ("types", "events"),
    [
        ([], OWN),
        (["PROCESS_STATE_EXITED"], f"PROCESS_STATE_EXITED,{OWN}"),
        (["PROCESS_STATE_EXITED", "LISTENER_STARTED"], f"PROCESS_STATE_EXITED,{OWN}"),
        (["PROCESS_LOG_STDOUT", "PROCESS_LOG_STDERR"], f"PROCESS_LOG,{OWN}"),
        ([name for name in CATALOGUE if name.startswith("PROCESS_STATE_")], f"PROCESS_STATE,{OWN}"),
        (["TICK_5", "TICK_3600"], "SUPERVISOR_STATE_CHANGE,TICK"),
        (["PROCESS_STATE_EXITED", UNLISTED], "EVENT"),
    ],
)
def test_the_events_that_rules_need(types: list[str], events: str) -> None:
    """Each type is named once, alone or by the abstract type that stands for all of its kind."""
    assert events_needed(types) == events


def test_what_is_known_of_supervisords_life(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boot and start are each used if they are known, and a life without a start is known for that."""
    whole = life_of_parent()
    assert (whole.pid, whole.is_certain) == (os.getppid(), True)
    monkeypatch.setattr(supervisord, "_start_ticks", _unknown)
    without_start = life_of_parent()
    assert (without_start.is_certain, without_start.may_be(whole)) == (False, True)
    assert without_start.start == whole.start // (1 << 32) * (1 << 32)
    monkeypatch.setattr(supervisord, "_BOOT_ID", supervisord._BOOT_ID / "missing")
    assert life_of_parent() == Life(os.getppid(), 0.0)


def _unknown(_pid: int) -> int:
    raise PermissionError


def test_paths_with_all_that_a_configuration_makes_something_of(tmp_path: Path) -> None:
    """What is written is what supervisord reads: words for the command, and `%` as it is."""
    config = "/srv/my dir's/100 %x/rules-listener.yaml"
    text = section(["run", "--config", config], log=log_beside(Path(config)))
    (process,) = read_conf(tmp_path, SUPERVISORD + text).processes
    assert shlex.split(process.command)[-3:] == ["run", "--config", config]
