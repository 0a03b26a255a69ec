"""What the listener tells about the section that it needs."""

import pytest

from rules_listener.event.catalogue import CATALOGUE, UNLISTED
from rules_listener.serve.supervisord import events_needed

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
