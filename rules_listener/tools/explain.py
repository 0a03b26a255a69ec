"""`rules-listener explain`: what a diagnostic means, and what to do about it; why rules fired; what is run for a rule.

1. All that is said of a diagnostic comes from the registry (`base/codes.py`); what `check` says about an example comes
   from `check`.
"""

import json
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill, indent

import click

from rules_listener.base.codes import CODES
from rules_listener.base.diagnostics import Diagnostic, Severity, as_json, as_text, suggestion
from rules_listener.base.errors import ConfigError
from rules_listener.base.meaning import EXAMPLE_FILE, INCLUDED_FILE, TEST_FILE, Code
from rules_listener.event.localtime import read_moment
from rules_listener.serve.compiler import check_all
from rules_listener.serve.config import FILE_NAME
from rules_listener.serve.fit import fit, read_listening
from rules_listener.serve.supervisord import Own
from rules_listener.tools.explained import Question
from rules_listener.tools.explaining import Subject, explain_recording
from rules_listener.tools.generated import code_of_rule
from rules_listener.tools.loaded import checked_rules
from rules_listener.tools.reading import own_group_of, pool_option, reading_of, reading_options
from rules_listener.tools.testfile import Library, read_suite

WIDTH = 100
"""Columns of running text, and of the lines of an example."""


@click.command(short_help="Say why rules fired or did not, and what a diagnostic means.")
@click.argument("subject", required=False, metavar="[CODE | RECORDING]")
@click.option("--at", metavar="TIME", help="Of a recording: the moment; seconds since 1970 or ISO 8601.")
@click.option("--process", metavar="NAME", help="Of a recording: only events about this process.")
@click.option("--rule", "names", metavar="RULE", multiple=True, help="Of a recording: only these rules.")
@reading_options
@pool_option
@click.option("--format", "output_format", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--code", "generated", metavar="RULE", help="Print the generated code of a rule, and what leads to it.")
@click.option("--rules", "paths", metavar="PATH", multiple=True, help="Where rules are; else in the configuration.")
@click.option("--config", metavar="FILE", type=click.Path(path_type=Path), help=f"Default: {FILE_NAME}.")
def explain(  # noqa: PLR0913, PLR0917 - one for each option
    subject: str | None,
    at: str | None,
    process: str | None,
    names: tuple[str, ...],
    supervisor_conf: Path | None,
    timezone: str | None,
    start: str | None,
    pool: str,
    generated: str | None,
    paths: tuple[str, ...],
    config: Path | None,
    *,
    rotated: bool,
    output_format: str,
) -> None:
    """Say why each rule fired at an event of RECORDING or did not; or what a diagnostic means.

    The event is the last one that a rule looks at; with --process, the last one about that process; with --at, those
    within that second, or else the last one before it. For each rule that looks at it, it is said why it fired or did
    not, how each part of its condition came out, what it remembers, and what would have been sent where.

    CODE is explained with an example, what `check` says about it, and how to put it right; without CODE, all of them
    are listed. With `--code RULE`, what the listener runs for that rule is shown instead.
    """
    is_code = subject is not None and subject.upper() in CODES
    about_reading = supervisor_conf or timezone or start or pool
    is_about_events = bool(names or at or process or about_reading or ((paths or config) and not is_code))
    if generated is not None:
        code = code_of_rule(generated, config, paths)
        click.echo(_json({"rule": generated, "code": code}) if output_format == "json" else code)
    elif subject is not None and not is_code and (is_about_events or Path(subject).exists()):
        reading = reading_of(supervisor_conf, timezone, start)
        question = Question(None if at is None else read_moment(at, reading.zone), process, names)
        found = Subject(Path(subject), reading, rotated, own_group_of(pool, supervisor_conf))
        sys.exit(explain_recording(found, question, checked_rules(config, paths), as_json=output_format == "json"))
    elif is_about_events:
        raise ConfigError("name a recording: a file that holds events, or a listener's state folder")
    else:
        click.echo(_about_codes(subject, as_json=output_format == "json"))


def _about_codes(code: str | None, *, as_json: bool) -> str:
    """All about one code, or a list of them all."""
    if as_json:
        return _json([_object(one) for one in CODES.values()] if code is None else _full_object(_named(code)))
    return "\n".join(map(_line, CODES.values())) if code is None else _text(_named(code))


def _json(found: object) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False)


def _named(name: str) -> Code:
    """The code of that name, in whatever letters.

    Raises:
        ConfigError: there is none.
    """
    found = CODES.get(name.upper())
    if found is None:
        nearest = suggestion(name.upper(), CODES)
        hint = f"; {nearest}" if nearest else ""
        raise ConfigError(f"there is no diagnostic {name}{hint}\n`rules-listener explain` lists them all")
    return found


def demonstrated(code: Code, text: str) -> list[Diagnostic]:
    """What `check`, or `test`, says about a text in the place of a code's example."""
    with TemporaryDirectory(prefix="rules-listener-") as folder, chdir(folder):
        Path(FILE_NAME).write_text("default: [ops]\nchannels: {ops: {log: {}}, pager: {log: {}}}\n", encoding="utf-8")
        Path(EXAMPLE_FILE).write_text("on PROCESS_STATE_FATAL shutdown\n", encoding="utf-8")
        if code.file.endswith("/"):
            Path(code.file).mkdir()
        elif text:
            Path(code.file).write_bytes(text.encode("utf-8", "surrogateescape"))
        if code.is_about_supervisord:
            return _fitted(code)
        if code.file == TEST_FILE:
            return read_suite(Path(TEST_FILE), None, Library())[1]
        return check_all(Path(FILE_NAME), [] if code.file == FILE_NAME else [code.file]).found


CONF_FILE = "supervisord.conf"
_CONF = f"""\
[supervisord]
[unix_http_server]
file=/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[include]
files={INCLUDED_FILE}
"""
_LISTENER = """
[eventlistener:rules-listener]
command=rules-listener run
events=EVENT
buffer_size=1000
priority=-1
autorestart=true
"""


def _fitted(code: Code) -> list[Diagnostic]:
    """What `check --supervisor-conf` says in this folder, where the example is."""
    rules_are_the_example = code.file == EXAMPLE_FILE
    if rules_are_the_example:
        Path(INCLUDED_FILE).write_text(code.beside, encoding="utf-8")
    conf = code.beside if "[supervisord]" in code.beside else _CONF + _LISTENER * rules_are_the_example
    Path(CONF_FILE).write_text(conf, encoding="utf-8")
    own = Own("rules-listener run", "/var/log/rules-listener.log")
    return fit(check_all(None, [EXAMPLE_FILE], any_channel=True), read_listening(Path(CONF_FILE)), own).found


def severity(code: Code) -> Severity:
    """How bad it is."""
    return Severity.WARNING if code.is_warning else Severity.ERROR


def _line(code: Code) -> str:
    return f"{code.code}  {severity(code):7}  {code.title}"


def _text(code: Code) -> str:
    """An explanation for people."""
    parts = [f"{code.code} ({severity(code)}): {code.title}", fill(code.meaning, WIDTH)]
    if code.example:
        parts += [f"For example, in {code.file}:", _quoted(code.example)]
        if code.beside:
            parts += ["where supervisord.conf has", _quoted(code.beside)]
        option = f" --supervisor-conf {CONF_FILE}" if code.is_about_supervisord else ""
        parts.append(f"`rules-listener {'test' if code.file == TEST_FILE else 'check'}{option}` says:")
    else:
        missing = "an empty folder" if code.file.endswith("/") else "no such file"
        parts.append(f"For example, `rules-listener check {code.file}` says, where there is {missing}:")
    parts.append(_quoted(as_text(demonstrated(code, code.example))))
    if code.fixed:
        parts += ["Put right:", _quoted(code.fixed)]
    if code.can_be_allowed:
        parts.append(f"If it is meant to be so, say why on the line before: # allow {code.code}: the reason")
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    """A text as an indented block, in lines that are not too long."""
    return indent("\n".join(map(_shortened, _readable(text).rstrip("\n").split("\n"))), "    ")


def _shortened(line: str) -> str:
    return line if len(line) <= WIDTH + 20 else line[: WIDTH - 1] + "…"


def _readable(text: str) -> str:
    """A text in which bytes that are not UTF-8 may stand, as an editor would show it."""
    return text.encode("utf-8", "surrogateescape").decode(errors="replace")


def _object(code: Code) -> dict[str, object]:
    return {"code": code.code, "severity": severity(code).value, "title": code.title}


def _full_object(code: Code) -> dict[str, object]:
    """All that is said of a code, for programs."""
    return {
        **_object(code),
        "meaning": code.meaning,
        "file": code.file,
        "example": _readable(code.example),
        "beside": code.beside,
        "diagnostics": json.loads(as_json(demonstrated(code, code.example))),
        "fixed": code.fixed,
    }
