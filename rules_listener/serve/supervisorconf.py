"""What supervisord.conf says of processes and event listeners, as plain values.

In goes the path of a configuration; out come its groups, each process by its name, and its pools of event listeners.

1. Only supervisor reads the file (`supervisorparser`); a value here is the one that supervisord goes by.
2. What plugins do while supervisord runs is not known; their names are there, so that this can be said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from supervisor.datatypes import RestartUnconditionally
from supervisor.events import getEventNameByType
from supervisor.options import EventListenerPoolConfig

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.serve.supervisorparser import MAIN_RPC_INTERFACE, Places, Reading, read_with_supervisor

DEFAULT_RESULT_HANDLER = "supervisor.dispatchers:default_handler"


class Output(NamedTuple):
    """What becomes of one of a process's two outputs: sent as PROCESS_LOG, captured for PROCESS_COMMUNICATION.

    `reason` says why neither can be, whatever the options are.
    """

    events_enabled: bool
    capture_maxbytes: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One process as supervisord starts it; `section` is the heading under which it stands. Times are in seconds.

    `autorestart` is `always`, `unexpected` or `never`; `outputs` are `stdout` and `stderr`.
    """

    group: str
    name: str
    section: str
    command: str
    priority: int
    autostart: bool
    autorestart: str
    startsecs: int
    startretries: int
    exitcodes: tuple[int, ...]
    outputs: dict[str, Output]

    @property
    def shown(self) -> str:
        """`group:name`, or the name alone where the two are the same: what rules know as `process`."""
        return self.name if self.name == self.group else f"{self.group}:{self.name}"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of processes, in the order in which supervisord starts them."""

    name: str
    processes: tuple[Process, ...]


@dataclass(frozen=True, slots=True)
class Pool(Group):
    """A pool of event listeners: an `[eventlistener:…]` section. `options` are as they are written in the file.

    `environment` is what supervisord adds to its own for these processes; it may hold secrets.
    """

    section: str
    events: tuple[str, ...]
    buffer_size: int
    result_handler: str
    options: dict[str, str]
    serverurl: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def command(self) -> str:
        """What it runs, as it is written."""
        return self.options.get("command", "")


@dataclass(frozen=True)
class SupervisorConf:
    """A configuration of supervisord; `file` is its path as it was named.

    `plugins` are RPC interfaces that are not supervisor's own, `unmatched` the patterns of [include] without a file.
    """

    file: str
    groups: tuple[Group, ...]
    places: Places
    has_server: bool
    has_rpc_interface: bool
    plugins: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()

    @property
    def processes(self) -> Iterator[Process]:
        """All processes, those of event listeners included."""
        return (process for group in self.groups for process in group.processes)

    @property
    def pools(self) -> list[Pool]:
        """All pools of event listeners."""
        return [group for group in self.groups if isinstance(group, Pool)]


def read_supervisor_conf(path: Path) -> tuple[SupervisorConf | None, list[Diagnostic]]:
    """The configuration at `path`, and what is wrong with it: it is None if something is."""
    reading = read_with_supervisor(path)
    if reading.section is None:
        return None, reading.found
    plugins = {name: factory for name, factory, _ in reading.section.rpcinterface_factories}
    conf = SupervisorConf(
        str(path),
        tuple(_group(config, reading) for config in reading.section.process_group_configs),
        reading.places,
        has_server=bool(reading.section.server_configs),
        has_rpc_interface="supervisor" in plugins,
        plugins=tuple(name for name, factory in plugins.items() if factory != MAIN_RPC_INTERFACE),
        unmatched=reading.unmatched,
    )
    return conf, []


def _group(config: Any, reading: Reading) -> Group:
    is_pool = isinstance(config, EventListenerPoolConfig)
    processes = tuple(_process(str(config.name), process, is_listener=is_pool) for process in config.process_configs)
    if not is_pool:
        return Group(str(config.name), processes)
    section = f"eventlistener:{config.name}"
    return Pool(
        str(config.name),
        processes,
        section,
        tuple(sorted(getEventNameByType(event) or event.__name__ for event in config.pool_events)),
        config.buffer_size,
        config.result_handler,
        reading.parser.written.get(section) or dict(reading.parser.items(section)),
        next((process.serverurl for process in config.process_configs if process.serverurl), ""),
        _environment(config, reading),
    )


def _environment(config: Any, reading: Reading) -> dict[str, str]:
    """That of [supervisord], and that of the processes of a pool, which counts where both set a variable."""
    environment: dict[str, str] = dict(reading.section.environment)
    for process in config.process_configs[:1]:
        environment |= process.environment
    return environment


def _process(group: str, config: Any, *, is_listener: bool) -> Process:
    restart = (
        "always" if config.autorestart is RestartUnconditionally else "unexpected" if config.autorestart else "never"
    )
    return Process(
        group,
        str(config.name),
        config.section,
        config.command,
        config.priority,
        config.autostart,
        restart,
        config.startsecs,
        config.startretries,
        tuple(config.exitcodes),
        {"stdout": _stdout(config, is_listener=is_listener), "stderr": _stderr(config)},
    )


def _stdout(config: Any, *, is_listener: bool) -> Output:
    """`supervisor/dispatchers.py: PEventListenerDispatcher` sends no events about what is written there."""
    reason = "an event listener speaks to supervisord on its standard output" if is_listener else ""
    return Output(config.stdout_events_enabled, config.stdout_capture_maxbytes, reason)


def _stderr(config: Any) -> Output:
    reason = (
        "redirect_stderr=true makes its standard error a part of its standard output" if config.redirect_stderr else ""
    )
    return Output(config.stderr_events_enabled, config.stderr_capture_maxbytes, reason)
