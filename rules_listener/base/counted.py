"""How many there are, in words."""

from collections.abc import Iterable

MOST_NAMES = 20


def counted(number: int, noun: str) -> str:
    """`1 event`, `1,200 events`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def names(several: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    listed = list(several)
    more = f", and {len(listed) - MOST_NAMES:,} more" if len(listed) > MOST_NAMES else ""
    return ", ".join(listed[:MOST_NAMES]) + more
