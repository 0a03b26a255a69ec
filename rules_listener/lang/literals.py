"""What literals stand for: strings, numbers, durations, sizes, severities."""

import re
from collections.abc import Iterator

SECONDS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
"""The units of a duration, greatest first, in seconds."""

BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
"""The units of a size, in bytes."""

SEVERITIES = ("info", "warning", "error", "critical")
"""The severities of alerts, the least first; where they are compared, each is its place here."""

_ESCAPE = re.compile(r'\\(?:(["\\nt])|u\{([0-9A-Fa-f]{1,6})\}|.)')
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_SPELLED = {character: f"\\{letter}" for letter, character in _ESCAPED.items()}


def unescape(raw: str) -> Iterator[tuple[str | None, int, int]]:
    """What stands between double quotes, piece by piece: the text, and the characters `[start, end)` that spell it.

    The text is None where an escape is unknown.
    """
    end = 0
    for match in _ESCAPE.finditer(raw):
        if end < match.start():
            yield raw[end : match.start()], end, match.start()
        yield _escaped(match), match.start(), match.end()
        end = match.end()
    if end < len(raw):
        yield raw[end:], end, len(raw)


def _escaped(match: re.Match[str]) -> str | None:
    letter, digits = match.groups()
    if letter:
        return _ESCAPED[letter]
    if digits is None:
        return None
    number = int(digits, 16)
    is_character = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF  # noqa: PLR2004 - the borders of Unicode
    return chr(number) if is_character else None


def quote(text: str) -> str:
    """A text as a string of the language, which stands for it."""
    spelled = (_SPELLED.get(character) or character for character in text)
    return f'"{"".join(spelled)}"'


def number_value(text: str) -> int | float:
    """`3`, `-1` or `2.5` as a number."""
    return float(text) if "." in text else int(text)


def spell_number(value: float) -> str:
    """A number as the language writes it."""
    return str(value) if isinstance(value, int) else f"{value:.15f}".rstrip("0").rstrip(".")


_DURATION = re.compile(r"(?:[0-9]{1,18}(?:\.[0-9]{1,18})?(?:ms|[smhdw]))+")
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)(KB|MB|GB|KiB|MiB|GiB)")


def read_duration(text: str) -> float | None:
    """`1h30m` in seconds; None if it is no duration."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([0-9.]+)(ms|[smhdw])", text))


def read_size(text: str) -> int | float | None:
    """`64KiB` in bytes, a whole number wherever it is one; None if it is no size."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    size = number_value(match[1]) * BYTES[match[2]]
    return int(size) if size == int(size) else size


def spell_duration(seconds: float) -> str:
    """A duration as the language writes it: `1h30m`; `0s` for none."""
    rest = round(abs(seconds) * 1000)
    words = []
    for unit, length in SECONDS.items():
        count, rest = divmod(rest, round(length * 1000))
        if count:
            words.append(f"{count}{unit}")
    return ("-" if seconds < 0 else "") + ("".join(words) or "0s")
