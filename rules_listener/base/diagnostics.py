"""What is said about rules and configuration, as data; and the ways in which it is shown.

1. A diagnostic is a value: finding one never stops the search for the next.
2. All diagnostics of a run are shown in one order: by file, then by place.
3. What is shown to people has no instruction to a terminal in it, and of a long line no more than what is near.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from unicodedata import category, east_asian_width

from rules_listener.base.codes import CODES
from rules_listener.base.printable import printable
from rules_listener.base.source import Span

_TAB = "    "
"""What stands for a tab, which is of another width in each place."""
_LONGEST = 200
"""Characters of a line that are shown."""
_BEFORE = 80
"""How many of them stand before what is marked, where not all fit."""


class Severity(StrEnum):
    """How bad it is: an error keeps the rules from being loaded, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something wrong at a place.

    `label` is written beside the caret, `notes` below the text. `file` says where, if there is no place in a text.
    """

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[str, ...] = ()
    file: str = ""
    severity: Severity = Severity.ERROR

    @property
    def where(self) -> tuple[str, int, int]:
        """File, line and column (from 1; 0 where there is no place in a text)."""
        if self.span is None:
            return self.file, 0, 0
        return self.span.source.name, *self.span.source.position(self.span.start)


def warning(code: str, message: str, span: Span, label: str = "", *notes: str) -> Diagnostic:
    """A diagnostic that keeps no rules from being loaded."""
    return Diagnostic(code, message, span, label, notes, severity=Severity.WARNING)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place; what is said about a place is said once, by the first to find it."""
    first: dict[tuple[object, ...], Diagnostic] = {}
    for found in diagnostics:
        first.setdefault((found.code, found.message, found.where), found)
    return sorted(first.values(), key=lambda found: (found.where, found.code))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error."""
    return any(found.severity is Severity.ERROR for found in diagnostics)


def in_short(errors: Sequence[Diagnostic]) -> str:
    """The first of some errors, and how many more there are, on one line."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{first.code} at {first.span.place if first.span else first.file}: {first.message}{more}"


def suggestion(word: str, known: Iterable[str], *, likeness: float = 0.7) -> str:
    """A label that proposes the nearest of the known words; empty if none has that `likeness` (from 0 to 1)."""
    near = get_close_matches(word, sorted(known), n=1, cutoff=likeness)
    return f"did you mean `{near[0]}`?" if near else ""


def as_text(diagnostics: Iterable[Diagnostic]) -> str:
    """For people: message, place, the line itself with carets below, notes."""
    return "\n\n".join("\n".join(_lines(found)) for found in in_order(diagnostics))


def _lines(found: Diagnostic) -> Iterable[str]:
    yield f"{found.severity}[{found.code}]: {printable(found.message)}"
    margin = ""
    if found.span is not None:
        margin = " " * len(str(found.span.line))
        yield from excerpt(found.span, found.label)
    elif found.file:
        yield f" --> {printable(found.file)}"
    for note in found.notes:
        yield f"{margin} = {printable(note)}"


def excerpt(span: Span, label: str) -> Iterable[str]:
    """A place, and the line that is there with carets below and the label beside them."""
    line, column = span.source.position(span.start)
    margin = " " * len(str(line))
    before, marked, after = _around(span.source.line(line), column - 1, span.end - span.start)
    yield f"{margin}--> {printable(span.place)}"
    yield f"{margin} |"
    yield f"{line} | {before}{marked}{after}"
    yield f"{margin} | {' ' * _cells(before)}{'^' * max(1, _cells(marked))} {printable(label)}".rstrip()


def _around(text: str, start: int, length: int) -> tuple[str, str, str]:
    """A line as it is shown: up to so many characters, these, and the rest; what is far from them is left out."""
    first = max(0, min(start - _BEFORE, len(text) - _LONGEST))
    last = min(first + _LONGEST, len(text))
    end = min(start + length, last)
    before, marked, after = (_shown(part) for part in (text[first:start], text[start:end], text[end:last]))
    return f"{'…' * (first > 0)}{before}", marked, f"{after}{'…' * (last < len(text))}"


def _shown(text: str) -> str:
    return printable(text.replace("\t", _TAB))


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(map(_cells_of, text))


def _cells_of(character: str) -> int:
    """None if it combines with another one, two if it is wide."""
    if category(character) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """For programs: a list of objects."""
    return json.dumps([_object(found) for found in in_order(diagnostics)], indent=2, ensure_ascii=False)


def _object(found: Diagnostic) -> dict[str, object]:
    file, line, column = found.where
    shown: dict[str, object] = {
        "code": found.code,
        "severity": found.severity.value,
        "title": CODES[found.code].title,
        "message": found.message,
        "file": file,
    }
    if found.span is not None:
        end_line, end_column = found.span.source.position(found.span.end)
        shown |= {"line": line, "column": column, "end_line": end_line, "end_column": end_column}
    return shown | {"label": found.label, "notes": list(found.notes)}


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands of GitHub Actions, which shows them beside the lines of a pull request."""
    return "\n".join(_workflow_command(found) for found in in_order(diagnostics))


def _workflow_command(found: Diagnostic) -> str:
    file, line, column = found.where
    places = [f"file={_escape_property(file)}"]
    if line:
        places += [f"line={line}", f"col={column}"]
    places.append(f"title={_escape_property(f'{found.code}: {CODES[found.code].title}')}")
    text = "\n".join([found.message, *filter(None, [found.label]), *found.notes])
    return f"::{found.severity} {','.join(places)}::{_escape_data(text)}"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(diagnostics: Iterable[Diagnostic], version: str) -> str:
    """SARIF 2.1.0, which code scanning services read."""
    found = in_order(diagnostics)
    used = sorted({one.code for one in found})
    driver = {
        "name": "rules-listener",
        "version": version,
        "rules": [
            {
                "id": code,
                "shortDescription": {"text": CODES[code].title},
                "fullDescription": {"text": CODES[code].meaning},
            }
            for code in used
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(one) for one in found],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _sarif_result(found: Diagnostic) -> dict[str, object]:
    file, line, column = found.where
    location: dict[str, object] = {"artifactLocation": {"uri": file}}
    if found.span is not None:
        end_line, end_column = found.span.source.position(found.span.end)
        location["region"] = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {
        "ruleId": found.code,
        "level": found.severity.value,
        "message": {"text": "\n".join([found.message, *filter(None, [found.label]), *found.notes])},
        "locations": [{"physicalLocation": location}],
    }
