"""supervisor's own parser of supervisord.conf, kept from everything but reading.

In goes the path of a configuration; out comes what supervisor makes of it, and where each option stands.

1. What an option means is supervisor's word alone (`supervisor/options.py: ServerOptions.read_config`): includes,
   `%(…)s`, defaults, groups. Here only lines are found, to point at them.
2. Nothing but the file and what it includes is opened; nothing is made, and no plugin is imported.
3. The file may be meant for another host: users and folders that are not here are no mistake, nor are environment
   variables that are not set, unless an option needs one that says which processes there are and what they send.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from configparser import ParsingError
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from supervisor import events, options
from supervisor.datatypes import dict_of_key_value_pairs, process_or_group_name
from supervisor.options import expand

from rules_listener.base.diagnostics import Diagnostic
from rules_listener.base.source import Source, Span

_OF_THE_HOST = (
    *("user", "directory", "logfile", "pidfile", "childlogdir", "stdout_logfile", "stderr_logfile"),
    *("chown", "socket_owner"),
)
"""Options that name what may exist only where supervisord runs."""

_THAT_COUNT = (
    *("programs", "process_name", "numprocs", "numprocs_start", "priority", "autostart", "autorestart", "startsecs"),
    *("startretries", "exitcodes", "redirect_stderr", "events", "buffer_size", "result_handler"),
    *("stdout_events_enabled", "stderr_events_enabled", "stdout_capture_maxbytes", "stderr_capture_maxbytes"),
)
"""Options that have to be known as supervisord knows them."""

SECRET = ("environment", "username", "password")
"""Options whose values are never shown."""

MAIN_RPC_INTERFACE = "supervisor.rpcinterface:make_main_rpcinterface"
"""The one plugin that is supervisor's own; it defines no events."""


class Places:
    """Where sections and options stand in the files that were read; of what is there twice, the last counts."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str], Span] = {}

    def add(self, source: Source) -> None:
        """Note where things stand in one more file."""
        section, start = "", 0
        for line in source.text.split("\n"):
            if match := _HEADING.match(line):
                section = match[1]
            if match := match or _OPTION.match(line):
                option = "" if match.re is _HEADING else match[1].rstrip().lower()
                written = _COMMENT.split(line, maxsplit=1)[0].rstrip()
                self._spans[section, option] = Span(source, start, start + len(written))
            start += len(line) + 1

    def of(self, section: str, option: str = "") -> Span | None:
        """The line of an option, or that of its section's heading where it has none."""
        return self._spans.get((section, option)) or self._spans.get((section, ""))


_HEADING = re.compile(r"\[([^\]]+)\]")
_OPTION = re.compile(r"([^\s:=\[#;][^:=]*)[:=]")
_COMMENT = re.compile(r"\s[;#]")


class Reading(NamedTuple):
    """What supervisor made of a file: `section` is its [supervisord] with all groups, None if something is wrong.

    `unmatched` are the patterns of [include] that match no file.
    """

    section: Any
    parser: Any
    places: Places
    found: list[Diagnostic]
    unmatched: tuple[str, ...] = ()


def read_with_supervisor(path: Path) -> Reading:
    """Have supervisor read a configuration; what is wrong with it is among the diagnostics."""
    places = Places()
    parser = _Parser(places, str if path.is_absolute() else os.path.relpath)
    reader = _Options(parser)
    reader.configfile = str(path)
    reader.here = str(path.absolute().parent)
    try:
        path.open("rb").close()
        section = reader.read_config(str(path))
    except OSError as error:
        return Reading(None, parser, places, [_unreadable(path, error.strerror or type(error).__name__)])
    except ValueError as error:
        return Reading(None, parser, places, _mistakes(error, parser, path))
    found = [
        _unreadable(Path(parser.shown(name)), "supervisord leaves it out if it can't read it") for name in parser.unread
    ]
    prefix, suffix = 'No file matches via include "', '"'
    unmatched = [
        parser.shown(text[len(prefix) : -len(suffix)]) for text in reader.parse_warnings if text.startswith(prefix)
    ]
    return Reading(None if found else section, parser, places, found, tuple(unmatched))


def _unreadable(path: Path, reason: str) -> Diagnostic:
    return Diagnostic("RL301", f"supervisord's configuration can't be read: {reason}", file=str(path))


class _Parser(options.UnhosedConfigParser):  # type: ignore[misc] # supervisor has no types
    """Notes where things stand, and which option was asked for last; `shown` is how files are named."""

    def __init__(self, places: Places, shown: Callable[[str], str]) -> None:
        super().__init__()
        self.places = places
        self.shown = shown
        self.asked = ("", "")
        self.unread: list[str] = []
        self.written: dict[str, dict[str, str]] = {}

    def read_file(self, f: TextIO, source: str | None = None) -> None:
        """Read the main file."""
        text = f.read()
        self.places.add(Source(f.name, text))
        super().read_file(StringIO(text), source or f.name)

    def read(self, filenames: str | Iterable[str], **more: Any) -> list[str]:
        """Read included files; those that can't be opened are left out, and noted."""
        names = [filenames] if isinstance(filenames, str) else list(filenames)
        done: list[str] = super().read(names, **more)
        for name in done:
            self.places.add(Source(self.shown(name), Path(name).read_text()))
        self.unread += [self.shown(name) for name in names if name not in done]
        return done

    def expand_here(self, here: str) -> None:
        """Put a folder in the place of `%(here)s`; what was written stays known."""
        for section in self.sections():
            self.written.setdefault(section, dict(self.items(section)))
        super().expand_here(here)

    def saneget(self, section: str, option: str, *default: Any, **more: Any) -> Any:
        """An option's value, or the default; what is of no account here never fails."""
        self.asked = (section, option)
        given = [*default, more["default"]] if "default" in more else default
        if option in _OF_THE_HOST and given:
            return given[0]
        if option not in _THAT_COUNT and self.has_option(section, option):
            known = {*self.expansions, *more.get("expansions", {})}
            self.set(section, option, _without_unset(self.get(section, option), known))
        return super().saneget(section, option, *default, **more)

    def expand(self, value: str, expansions: dict[str, str], name: str) -> str:
        """As supervisor does it; an error is about that option, and does not show a value that may be a password."""
        try:
            expanded: str = expand(value, expansions, name)
        except ValueError as error:
            self.asked = (self.asked[0], name.rpartition(".")[2])
            raise ValueError(str(error).replace(f"Format string {value!r}", "the value")) from None
        return expanded

    def name(self, name: str) -> str:
        """As supervisor does it; an error is about the section of that name, if there is one."""
        try:
            stripped: str = process_or_group_name(name)
        except ValueError:
            self.asked = next(((one, "") for one in self.sections() if one.partition(":")[2] == name), self.asked)
            raise
        return stripped

    def unset(self) -> list[str]:
        """The environment variables that the option asked for last needs, and that are not set."""
        value = self.get(*self.asked, fallback="")
        names = [match[1] for match in _VARIABLE.finditer(value) if match[1]]
        return [name.removeprefix("ENV_") for name in names if name not in self.expansions]


_VARIABLE = re.compile(r"%%|%\((ENV_[^)]*)\)s")


def _without_unset(value: str, known: set[str]) -> str:
    """A value with `${NAME}` in the place of environment variables that are not set."""
    return _VARIABLE.sub(
        lambda match: f"${{{match[1][4:]}}}" if match[1] and match[1] not in known else match[0], value
    )


class _Options(options.ServerOptions):  # type: ignore[misc] # likewise
    """Reads with a given parser; each process notes its section, and what would be imported stays a name."""

    def __init__(self, parser: _Parser) -> None:
        super().__init__()
        self._parser = parser

    def read_config(self, fp: str) -> Any:
        with (
            _in_its_place("UnhosedConfigParser", lambda: self._parser),
            _in_its_place("expand", self._parser.expand),
            _in_its_place("process_or_group_name", self._parser.name),
            _in_its_place("dict_of_key_value_pairs", _pairs),
        ):
            return super().read_config(fp)

    def import_spec(self, spec: str) -> str:
        return spec

    def process_groups_from_parser(self, parser: _Parser) -> Any:
        with _events_of_plugins(parser, self.configroot.supervisord.rpcinterface_factories):
            return super().process_groups_from_parser(parser)

    def processes_from_section(self, parser: _Parser, section: str, *more: Any) -> Any:
        processes = super().processes_from_section(parser, section, *more)
        for process in processes:
            process.section = section
        return processes


@contextmanager
def _in_its_place(name: str, stand_in: Callable[..., Any]) -> Iterator[None]:
    """Have supervisor use something else under a name."""
    usual = getattr(options, name)
    setattr(options, name, stand_in)
    try:
        yield
    finally:
        setattr(options, name, usual)


def _pairs(text: str) -> dict[str, str]:
    """What `environment=` says, as supervisor reads it; an error does not show it, since it may hold a password."""
    try:
        pairs: dict[str, str] = dict_of_key_value_pairs(text)
    except ValueError as error:
        reason = str(error).replace(f" in value '{text}'", "")
        raise ValueError(f"environment: {reason}") from None
    return pairs


@contextmanager
def _events_of_plugins(parser: _Parser, plugins: Iterable[tuple[str, str, object]]) -> Iterator[None]:
    """Where a plugin may define types of events, take those in `events=` that supervisor does not know for such."""
    named: list[str] = []
    if any(factory != MAIN_RPC_INTERFACE for _, factory, _ in plugins):
        sections = [name for name in parser.sections() if name.startswith("eventlistener:")]
        lists = [parser.get(name, "events", fallback="") for name in sections]
        named = [name.strip().upper() for names in lists for name in names.split(",")]
    unknown = {name for name in named if name and "%" not in name and not hasattr(events.EventTypes, name)}
    for name in unknown:
        events.register(name, type(name, (events.Event,), {}))
    try:
        yield
    finally:
        for name in unknown:
            delattr(events.EventTypes, name)


# what is wrong with the file


def _mistakes(error: ValueError, parser: _Parser, path: Path) -> list[Diagnostic]:
    """An error of supervisor's as diagnostics, at the place that it is about as far as that is known."""
    cause = error.__context__
    if isinstance(cause, ParsingError):
        return [
            _mistake("this is no option and no section", _line(parser.shown(cause.source), line))
            for line in _lines(cause)
        ]
    if isinstance(error, UnicodeDecodeError):
        return [_mistake(f"it is no text: {error}", None, path)]
    section, option = parser.asked
    file = parser.section_to_file.get(section, str(path))
    text = str(error).removesuffix(f" in section {section!r} (file: {file!r})").partition(". Available names:")[0]
    value = parser.get(section, option, fallback=None)
    is_about_option = value is not None and option not in SECRET and (repr(value) in text or option in text)
    notes = [f"set it for this check as supervisord has it: {name}=…" for name in parser.unset()]
    return [_mistake(text, parser.places.of(section, option if is_about_option else ""), path, *notes)]


def _mistake(text: str, span: Span | None, path: Path | None = None, *notes: str) -> Diagnostic:
    message = f"supervisord would not start with this: {text}"
    return Diagnostic("RL501", message, span, notes=notes, file=str(path or ""))


def _lines(error: ParsingError) -> list[int]:
    """The lines that no parser of this kind understands, from 1."""
    errors: list[tuple[int, str]] = getattr(error, "errors", [])
    return [number for number, _ in errors] or [error.lineno]  # type: ignore[attr-defined] # its subclasses have that


def _line(name: str, number: int) -> Span:
    source = Source(name, Path(name).read_text())
    start = sum(len(line) + 1 for line in source.text.split("\n")[: number - 1])
    return Span(source, start, start + len(source.line(number)))
