"""How many there are, in words."""


def counted(number: int, noun: str) -> str:
    """`1 event`, `1,200 events`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
