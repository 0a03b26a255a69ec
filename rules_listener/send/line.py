"""Texts without what could end or disturb a line: event data comes from anywhere.

1. `one_line` and `lines` show what they can't leave as an escape; `plain_line` leaves it out.
2. What comes out has no lone surrogates: UTF-8 can write it.
"""

import re

_LINE_ENDS = (0x85, 0x2028, 0x2029)
_ESCAPES = {
    code: chr(code).encode("unicode_escape").decode() for code in (*range(0x20), *range(0x7F, 0xA0), *_LINE_ENDS)
}
_ESCAPES_BUT_LINES = {code: escape for code, escape in _ESCAPES.items() if chr(code) not in "\t\n"}
_DISTURBING = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """`text` with everything escaped that could end or disturb a line."""
    return text.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()


def lines(text: str) -> str:
    r"""`text` as lines that end in `\n`, with all other control characters escaped but tabs."""
    text = text.replace("\r\n", "\n").translate(_ESCAPES_BUT_LINES)
    return text.encode("utf-8", "backslashreplace").decode()


def plain_line(text: str) -> str:
    """`text` on one line: each run of blanks and control characters is one blank, and none stands at an end."""
    return utf8(_DISTURBING.sub(" ", text)).strip()


def utf8(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which UTF-8 does not have."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
