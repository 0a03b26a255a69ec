"""What the listener tells about the section that it needs."""

import shlex
from pathlib import Path

import pytest

from rules_listener.event.catalogue import CATALOGUE, UNLISTED
from rules_listener.serve.supervisord import events_needed, log_beside, section
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


def test_paths_with_all_that_a_configuration_makes_something_of(tmp_path: Path) -> None:
    """What is written is what supervisord reads: words for the command, and `%` as it is."""
    config = "/srv/my dir's/100 %x/rules-listener.yaml"
    text = section(["run", "--config", config], log=log_beside(Path(config)))
    (process,) = read_conf(tmp_path, SUPERVISORD + text).processes
    assert shlex.split(process.command)[-3:] == ["run", "--config", config]
