"""What the start of a listener costs: nothing that a running listener does not need is imported."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from rules_listener.base.clock import ManualClock
from rules_listener.base.errors import ConfigError
from rules_listener.event.wire import Frame
from rules_listener.outbox.position import PositionFile
from rules_listener.outbox.store import Received, Store
from rules_listener.outbox.tail import Tail
from rules_listener.serve import listener
from rules_listener.serve.compiled import compile_now
from rules_listener.serve.config import Config

if TYPE_CHECKING:
    from rules_listener.serve.couriers import CourierProcess

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"

NOT_NEEDED = {
    "lark",
    "yaml",
    "click",
    "rich",
    "msgspec",
    "backports",
    "json.tool",
    "xmlrpc",
    "http.client",
    "supervisor",
    "subprocess",
    "smtplib",
    "email",
    "ssl",
    "urllib3",
    "apprise",
    "logging",
    "zoneinfo",
    "dataclasses",
    "inspect",
    "rules_listener.match.windows",
}

PROGRAM = """
import sys
from rules_listener.tools.run import main
status = main(sys.argv[1:])
sys.stderr.write("modules " + " ".join(sys.modules))
sys.exit(status)
"""


def _run(folder: Path) -> tuple[str, set[str]]:
    """What a listener says whose input ends at once, and which modules it has imported."""
    environment = {**os.environ, "SUPERVISOR_ENABLED": "1"}
    command = [sys.executable, "-c", PROGRAM, "--rules", "test.rules", "--state", "state"]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, cwd=folder, env=environment, check=True, timeout=60
    )
    said, _, modules = done.stderr.partition("modules ")
    assert done.stdout == "READY\n"
    return said, {module.partition(".")[0] for module in modules.split()} | set(modules.split())


def test_a_listener_imports_little(tmp_path: Path) -> None:
    """From rules to READY, compiled or kept, the listener's process imports no parser and nothing that sends."""
    (tmp_path / "test.rules").write_text('on PROCESS_LOG where data =~ "x+" alert "{data}"')
    for _ in range(2):
        said, modules = _run(tmp_path)
        events = "PROCESS_LOG,SUPERVISOR_STATE_CHANGE,TICK_60"
        assert re.fullmatch(
            rf"{TIME} rules-listener: started; the section in supervisord.conf needs events={events}\n", said
        )
        assert NOT_NEEDED & modules == set()
        assert "rules_listener.serve.loop" in modules


def test_a_compiler_that_cant_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no room for one more process, that is the reason that the operator reads."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ConfigError, match="not started, since the compiler can't be: No such file"):
        compile_now(["", "", "test.rules"])


def test_changed_rules_are_compiled_again(tmp_path: Path) -> None:
    """Compiled rules that were kept are used only while the rule file is the same."""
    (tmp_path / "test.rules").write_text('on LISTENER_STARTED alert "one"')
    assert "one" in _run(tmp_path)[0]
    (tmp_path / "test.rules").write_text('on LISTENER_STARTED alert "two"')
    assert "two" in _run(tmp_path)[0]


@pytest.mark.parametrize("missing", ["", "tail", "position"])
def test_alerts_wait_only_where_files_survive(tmp_path: Path, missing: str) -> None:
    """Where the tail or the position is no file, alerts are committed one event at a time, before the answer."""
    if missing:
        (tmp_path / missing).mkdir()
    config = Config((), str(tmp_path), (), ())
    store, tail, notes = Store(tmp_path), Tail.open(tmp_path), PositionFile.open(tmp_path)
    courier = cast("CourierProcess", SimpleNamespace(wake=lambda: None))
    keeper = listener._keeper(config, store, tail, ManualClock(), notes=notes, courier=courier)
    assert keeper.owe(Received(1.0, Frame(b"h", b"p")), "TICK_5", list) == (not missing)
    store.close()
