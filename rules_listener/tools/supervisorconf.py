"""What supervisord.conf says of the processes, read by supervisor's own parser."""

from collections.abc import Mapping
from configparser import Error
from operator import attrgetter
from pathlib import Path

from supervisor.options import ServerOptions

from rules_listener.base.errors import ConfigError
from rules_listener.event.processes import Program


class _Options(ServerOptions):  # type: ignore[misc] # supervisor has no types
    """Reads a configuration without importing what it names: the code of plugins is none of ours."""

    def import_spec(self, spec: str) -> object:
        return spec


def read_programs(path: Path) -> Mapping[str, Program]:
    """The processes that a configuration defines, by their names, in the order in which supervisord starts them.

    Processes of the same name in several groups have no group: supervisord's log can't tell them apart.

    Raises:
        ConfigError: the file can't be read, or supervisord would not start with it.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file; --supervisor-conf names the configuration of supervisord")
    options = _Options()
    options.here = str(path.absolute().parent)
    try:
        section = options.read_config(str(path))
    except (ValueError, OSError, Error) as error:
        raise ConfigError(
            f"{path}: supervisord would not start with this here: {error}\n"
            "Name a copy in which that is mended, or leave --supervisor-conf out: then groups are not known"
        ) from error
    programs: dict[str, Program] = {}
    for group in sorted(section.process_group_configs, key=attrgetter("priority")):
        for process in group.process_configs:
            name = str(process.name)
            group_name = None if name in programs else str(group.name)
            programs[name] = Program(group_name, float(process.startsecs), str(process.command))
    return programs
