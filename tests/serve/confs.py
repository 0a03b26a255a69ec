"""Configurations of supervisord for tests, made of few words."""

from pathlib import Path

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.base.source import Source
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import Loaded, load
from rules_listener.serve.compiler import Checked, check_all
from rules_listener.serve.fit import waiting_rules
from rules_listener.serve.supervisorconf import Output, Process, SupervisorConf, read_supervisor_conf
from rules_listener.serve.wanted import Waiting

SUPERVISORD = """\
[supervisord]
[unix_http_server]
file=/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

LISTENER = """\
[eventlistener:rl]
command=rules-listener run
events=EVENT
buffer_size=1000
priority=-1
autorestart=true
"""


def read_conf(folder: Path, text: str) -> SupervisorConf:
    """A configuration that is right, as it stands in a file."""
    path = folder / "supervisord.conf"
    path.write_text(text, encoding="utf-8")
    conf, found = read_supervisor_conf(path)
    assert conf is not None, found
    return conf


def conf_of(folder: Path, text: str, *, listener: str = LISTENER) -> SupervisorConf:
    """A configuration with what none lacks, before `text`."""
    return read_conf(folder, SUPERVISORD + listener + text)


def rules_of(text: str) -> list[Waiting]:
    """The rules of a text without mistakes."""
    return program_of(text)[0]


def program_of(text: str) -> tuple[list[Waiting], Loaded]:
    """Likewise, and the program that they make."""
    parsed = [parse(Source("x.rules", text))]
    rules, found = check(parsed)
    assert not found
    loaded = load(compile_rules(rules))
    return waiting_rules(parsed, loaded), loaded


def checked_file(folder: Path, text: str) -> Checked:
    """What checking a rule file makes of a text."""
    path = folder / "x.rules"
    path.write_text(text, encoding="utf-8")
    return check_all(None, [str(path)], any_channel=True)


def shown(found: Diagnostic) -> str:
    """A diagnostic in one line: its code, what its carets mark, its message and its label."""
    span = found.span
    marked = span.source.text[span.start : span.end] if span else "-"
    return " | ".join(filter(None, [f"{found.code} {marked}", found.message, found.label]))


def process(group: str, name: str, *, retries: int = 3, logs: bool = True, captured: bool = True) -> Process:
    """A process that sends nothing or all of what it writes."""
    output = Output(logs, 1024 * captured)
    outputs = {"stdout": output, "stderr": output}
    return Process(group, name, f"program:{name}", "x", 999, True, "unexpected", 1, retries, (0,), outputs)  # noqa: FBT003 - as is
