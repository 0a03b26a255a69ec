r"""What can be seen of a regular expression without running it.

1. Only what is certain is said: an expression of which nothing simple can be said is just a regular expression.
2. `^` and `\A`, `$` and `\z` are the two ends of the whole text, as they are for RE2 without flags.
"""

import re

_CHARACTER = r"[^\\.+*?()|\[\]{}^$]|\\[ -/:-@\[\]^`{-~]"
_PLAIN = re.compile(rf"(?P<first>\^|\\A)?(?P<text>(?:{_CHARACTER})*)(?P<last>\$|\\z)?", re.DOTALL)
_BEGINNING = re.compile(rf"(?:\(\?s\))?(?:\^|\\A)(?P<text>(?:(?:{_CHARACTER})(?![*?{{+]))*)", re.DOTALL)
_METHODS = {
    (True, True): "equals",
    (True, False): "startswith",
    (False, True): "endswith",
    (False, False): "contains",
}


def text_test(pattern: str) -> tuple[str, str]:
    """How to test a text: `equals`, `startswith`, `endswith`, `contains` or `regex`, and with what."""
    plain = _PLAIN.fullmatch(pattern)
    if plain is None:
        return "regex", pattern
    return _METHODS[plain["first"] is not None, plain["last"] is not None], _unescaped(plain["text"])


def beginning(pattern: str) -> str:
    """With what a text has to begin for `pattern` to be found in it; empty if that is not known."""
    found = None if "|" in pattern else _BEGINNING.match(pattern)
    return "" if found is None else _unescaped(found["text"])


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
