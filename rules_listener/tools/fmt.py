"""`rules-listener fmt`: rule files in the one form in which they are written.

1. A file is replaced as a whole or not at all, and only if it changes. Its mode stays, a link to it stays a link.
2. What is wrong with one file does not keep the others from being formatted.
3. Exit status: 2 if a file can't be read or written; else 1 if a text has a mistake, or if with `--check` or `--diff`
   something is to be changed; else 0.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

import click

from rules_listener.base.counted import counted
from rules_listener.base.diagnostics import Diagnostic, as_text
from rules_listener.base.source import Source
from rules_listener.lang.format import format_source
from rules_listener.serve.bundle import rule_files
from rules_listener.tools import show
from rules_listener.tools.replace import replace_file

STANDARD_INPUT = "-"


class Text(NamedTuple):
    """A rule text as it is, and in its form: None if it has a mistake. The path is None for standard input."""

    name: str
    path: Path | None
    content: bytes
    formatted: bytes | None

    @property
    def changes(self) -> bool:
        """Whether it is not in its form yet."""
        return self.formatted not in (None, self.content)


class Troubles:
    """What went wrong so far: mistakes in texts, and what could not be done with files."""

    def __init__(self) -> None:
        self.mistakes: list[Diagnostic] = []
        self.failures = 0

    def fail(self, path: Path, failure: str) -> None:
        """Say what could not be done with a file or folder."""
        self.failures += 1
        click.echo(f"rules-listener: {path} {failure}", err=True)


@click.command(short_help="Write rule files in the one form.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@click.option("--check", "is_check", is_flag=True, help="Change nothing; list the files that would change.")
@click.option("--diff", "is_diff", is_flag=True, help="Change nothing; show what would change.")
def fmt(paths: tuple[str, ...], is_check: bool, is_diff: bool) -> None:  # noqa: FBT001 - click passes them by name
    """Write rule files (or all *.rules in folders) in the one form that they have; - is standard input.

    Exit status 1 if a file has a mistake, and stays as it is; with --check or --diff also if a file would change.
    """
    if is_check and is_diff:
        raise click.UsageError("--check and --diff can't be combined")
    if STANDARD_INPUT in paths and len(paths) > 1:
        raise click.UsageError("- can't be combined with files")
    troubles = Troubles()
    texts = list(_texts(paths, troubles))
    changing = [text for text in texts if text.changes]
    if is_diff:
        for text in changing:
            _show_difference(text)
    elif is_check:
        click.echo("".join(f"{text.name}\n" for text in changing), nl=False)
    else:
        changing = [text for text in texts if _write(text, troubles)]
    if troubles.mistakes:
        click.echo(as_text(troubles.mistakes) + "\n", err=True)
    if STANDARD_INPUT not in paths and texts:
        _show_summary(len(changing), texts, would=is_check or is_diff)
    found = troubles.mistakes or (changing and (is_check or is_diff))
    sys.exit(2 if troubles.failures else 1 if found else 0)


def _texts(paths: Iterable[str], troubles: Troubles) -> Iterator[Text]:
    """All texts that some paths name, each once, as far as they can be read."""
    if STANDARD_INPUT in paths:
        yield _text("<stdin>", None, sys.stdin.buffer.read(), troubles)
        return
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        for file in _files_in(path, troubles) if path.is_dir() else [path]:
            files.setdefault(os.path.realpath(file), file)
    for file in files.values():
        try:
            content = file.read_bytes()
        except OSError as error:
            troubles.fail(file, f"can't be read: {error.strerror}")
        else:
            yield _text(str(file), file, content, troubles)


def _files_in(folder: Path, troubles: Troubles) -> list[Path]:
    files = rule_files(folder)
    if not files:
        troubles.fail(folder, "has no *.rules file in it")
    return files


def _text(name: str, path: Path | None, content: bytes, troubles: Troubles) -> Text:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        troubles.mistakes.append(Diagnostic("RL107", f"the rule file is not UTF-8, at byte {error.start}", file=name))
        return Text(name, path, content, None)
    done = format_source(Source(name, text))
    troubles.mistakes += done.found
    return Text(name, path, content, None if done.found else done.text.encode())


def _write(text: Text, troubles: Troubles) -> bool:
    """Write a text where it came from, standard input to standard output; whether a file was changed."""
    if text.path is None:
        sys.stdout.buffer.write(text.formatted or b"")
        return False
    if text.formatted is None or not text.changes:
        return False
    try:
        replace_file(text.path, text.formatted)
    except OSError as error:
        troubles.fail(text.path, f"can't be written: {error.strerror}")
        return False
    click.echo(f"formatted {text.name}")
    return True


# what is shown


def _show_summary(changed: int, texts: list[Text], *, would: bool) -> None:
    wrong = sum(text.formatted is None for text in texts)
    verb = "would be formatted" if would else "formatted"
    counts = {verb: changed, "unchanged": len(texts) - changed - wrong, "with a mistake": wrong}
    click.echo(", ".join(f"{counted(count, 'file')} {what}" for what, count in counts.items() if count), err=True)


_COLOURS = {"@": "cyan", "-": "red", "+": "green"}
_HEADING = (0, 1)
"""The colours of a difference's lines by how they begin; and the numbers of those that are bold."""


def _show_difference(text: Text) -> None:
    console = show.console()
    is_coloured = console.is_terminal and not console.no_color
    before, after = (_lines(content or b"") for content in (text.content, text.formatted))
    for number, line in enumerate(unified_diff(before, after, text.name, text.name)):
        shown = line.removesuffix("\n")
        if is_coloured and number in _HEADING:
            shown = click.style(shown, bold=True)
        elif is_coloured and line[0] in _COLOURS:
            shown = click.style(shown, _COLOURS[line[0]])
        click.echo(shown, color=is_coloured)
        if not line.endswith("\n"):
            click.echo("\\ No newline at end of file")


def _lines(content: bytes) -> list[str]:
    """The lines of a content with their ends, as `diff` and `patch` understand lines."""
    return re.findall(r"[^\n]*\n|[^\n]+", content.decode())
