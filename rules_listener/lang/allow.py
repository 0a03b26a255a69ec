"""`# allow CODE, …: REASON`: comments that silence warnings, each for a place and a reason.

1. A comment on a line of its own, before a statement, is about the whole statement; within one, about the next line. A
   comment at the end of a line is about that line; where a statement ends there, about all of that statement, so that
   it makes no difference how the statement is broken into lines.
2. Only warnings are silenced. A comment that can't be right is a warning itself, which nothing silences: without a
   reason (RL411), of an unknown code (RL412), of what is no warning (RL413), where nothing is to be silenced (RL414).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules_listener.base.codes import CODES
from rules_listener.base.diagnostics import Diagnostic, suggestion, warning
from rules_listener.base.meaning import Code
from rules_listener.base.source import Source, Span
from rules_listener.lang.parse import statement_ranges


@dataclass(frozen=True, slots=True)
class Allow:
    """One code of an allow comment, at its place; it silences what is said of the characters in `covered`."""

    code: str
    place: Span
    covered: range
    has_reason: bool

    def silences(self, found: Diagnostic) -> bool:
        """Whether a diagnostic is one of those that the comment is about."""
        span = found.span
        if span is None or span.source.name != self.place.source.name or found.code != self.code:
            return False
        return span.start in self.covered


def silenced(found: Iterable[Diagnostic], sources: Iterable[Source], *, codes: str) -> list[Diagnostic]:
    """The warnings of some sources that no comment silences, and what is wrong with the comments.

    `codes` is what the codes of all warnings begin with that were looked for.
    """
    wrong = list[Diagnostic]()
    allows = [allow for source in sources for allow in _allows(source, wrong) if allow.code.startswith(codes)]
    left, used = list[Diagnostic](), set[Allow]()
    for one in found:
        silencing = [allow for allow in allows if allow.silences(one)]
        used.update(silencing)
        left += [] if silencing else [one]
    return left + wrong + [_idle(allow) for allow in allows if allow.has_reason and allow not in used]


def _idle(allow: Allow) -> Diagnostic:
    where = "it is about the statement or the line that follows it, or the one at whose end it stands"
    return warning("RL414", f"there is no {allow.code} to silence here", allow.place, "", where)


# comments

_STRING_OR_COMMENT = re.compile(r""""(?:[^"\\\n]|\\[^\n])*"?|'[^'\n]*'?|(?P<comment>#[^\n]*)""")
_ALLOW = re.compile(r"#\s*allow[\s:]+(?P<codes>RL\d\w*(?:[\s,]+RL\d\w*)*)(?P<reason>.*)", re.IGNORECASE)
_REASON = re.compile(r"\s*:\s*\S")
_BLANKS_AND_COMMENTS = re.compile(r"(?:\s+|#[^\n]*)*")


def _allows(source: Source, wrong: list[Diagnostic]) -> Iterator[Allow]:
    """What the comments of a source allow, in order; what is wrong with them is added to `wrong`."""
    statements = dict(statement_ranges(source.text))
    for found in _STRING_OR_COMMENT.finditer(source.text):
        if found["comment"] and (match := _ALLOW.match(source.text, found.start(), found.end())):
            yield from _read(source, match, _covered(source.text, found, statements), wrong)


def _read(source: Source, match: re.Match[str], covered: range, wrong: list[Diagnostic]) -> Iterator[Allow]:
    """What one comment allows."""
    has_reason = _REASON.match(match["reason"]) is not None
    for word in re.finditer(r"\w+", match["codes"]):
        start = match.start("codes")
        place = Span(source, start + word.start(), start + word.end())
        if mistake := _mistake(word[0], place):
            wrong.append(mistake)
            continue
        if not has_reason:
            wrong.append(warning("RL411", f"no reason is given for allowing {word[0]}", place, "", _FORM))
        yield Allow(word[0], place, covered, has_reason)


_FORM = "write: # allow CODE: the reason"


def _mistake(code: str, place: Span) -> Diagnostic | None:
    """What is wrong with a code that is allowed."""
    if code not in CODES:
        return warning("RL412", f"there is no warning {code}", place, suggestion(code.upper(), _CAN_BE_ALLOWED))
    if code not in _CAN_BE_ALLOWED:
        return warning("RL413", f"{code} can't be allowed", place, f"it {_nature(CODES[code])}")
    return None


def _nature(code: Code) -> str:
    """Why it can't be allowed."""
    if not code.is_warning:
        return "is an error"
    return "is about supervisord.conf" if code.is_about_supervisord else "is about such comments"


_CAN_BE_ALLOWED = [code for code in CODES if CODES[code].can_be_allowed]


def _covered(text: str, comment: re.Match[str], statements: dict[int, int]) -> range:
    """What a comment is about; `statements` are the ends of all statements by their starts."""
    line = text.rfind("\n", 0, comment.start()) + 1
    before = text[: comment.start()].rstrip()
    if len(before) > line:
        ended = [start for start, end in statements.items() if end == len(before)]
        return range(min([line, *ended]), comment.start())
    skipped = _BLANKS_AND_COMMENTS.match(text, comment.end())
    following = skipped.end() if skipped else comment.end()
    line_end = text.find("\n", following)
    return range(following, statements.get(following, line_end if line_end >= 0 else len(text)))
