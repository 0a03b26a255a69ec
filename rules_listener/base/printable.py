"""Texts of others, as they can be shown on a terminal."""

import json


def printable(text: str) -> str:
    """A text in which what can't be seen is spelled, so that none of it is an instruction to a terminal."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
