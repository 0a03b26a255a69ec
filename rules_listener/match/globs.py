"""The patterns of `like`: `*` any text, `?` one character, `[a-z]` one of some, `[!a-z]` one of the others.

1. A pattern matches the whole text, line ends included.
2. Every pattern is turned into something that takes linear time: a text method where one will do, else RE2.
"""

import re

_SPECIAL = re.compile(r"[*?\[]")


def glob_test(pattern: str) -> tuple[str, str]:
    """How to test a text: `equals`, `startswith`, `endswith`, `contains` or `regex`, and with what."""
    middle = pattern.strip("*")
    if _SPECIAL.search(middle):
        return "regex", glob_regex(pattern)
    before, after = pattern.startswith("*"), pattern.endswith("*")
    if not before and not after:
        return "equals", pattern
    if before and after:
        return "contains", middle
    return ("endswith" if before else "startswith"), middle


def glob_regex(pattern: str) -> str:
    """The pattern as a regular expression of RE2."""
    return r"(?s)\A" + "".join(map(_piece, _pieces(pattern))) + r"\z"


def _pieces(pattern: str) -> list[str]:
    return re.findall(r"\*+|\?|\[!?+\]?+[^\]]*\]|.", pattern, re.DOTALL)


def _piece(piece: str) -> str:
    if piece.startswith("*"):
        return ".*"
    if piece == "?":
        return "."
    if piece.startswith("[") and piece.endswith("]") and len(piece) > 1:
        return _set(piece[1:-1])
    return re.escape(piece)


def _set(inner: str) -> str:
    negation = "^" if inner.startswith("!") else ""
    inner = inner.removeprefix("!")
    ranges = re.findall(r".-.|.", inner, re.DOTALL)
    members = [_range(one) for one in ranges]
    members = [member for member in members if member]
    if not members:
        return "." if negation else r"[^\x00-\x{10FFFF}]"
    return f"[{negation}{''.join(members)}]"


def _range(one: str) -> str:
    """A range or a character of a set; empty for a range that goes backwards."""
    first, last = one[0], one[-1]
    if len(one) == 1:
        return rf"\x{{{ord(one):X}}}"
    return rf"\x{{{ord(first):X}}}-\x{{{ord(last):X}}}" if first <= last else ""
