"""What supervisord.conf says of the processes, for the events of a supervisord.log."""

from collections.abc import Mapping
from pathlib import Path

from rules_listener.base.diagnostics import as_text
from rules_listener.base.errors import ConfigError
from rules_listener.event.processes import Program
from rules_listener.serve.supervisorconf import read_supervisor_conf


def read_programs(path: Path) -> Mapping[str, Program]:
    """The processes that a configuration defines, by their names, in the order in which supervisord starts them.

    Processes of the same name in several groups have no group: supervisord's log can't tell them apart.

    Raises:
        ConfigError: the file can't be read, or supervisord would not start with it.
    """
    conf, found = read_supervisor_conf(path)
    if conf is None:
        advice = "Name a copy in which that is mended, or leave --supervisor-conf out: then groups are not known"
        raise ConfigError(f"the configuration of supervisord can't be used\n{as_text(found)}\n{advice}")
    programs: dict[str, Program] = {}
    for process in conf.processes:
        group = None if process.name in programs else process.group
        programs[process.name] = Program(group, float(process.startsecs), process.command)
    return programs
