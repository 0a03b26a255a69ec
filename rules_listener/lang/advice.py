"""What to write instead of what the grammar does not allow: mistakes that are made often, each with its remedy.

1. Only a text that can't be parsed is looked at, so nothing here decides what is allowed.
2. What is advised is certain to be the language's way to write it, not that it is what was meant.
"""

import re
from collections.abc import Collection

_FOREIGN = {
    "&&": "write `and`",
    "||": "write `or`",
    "===": "write `==`",
    "=": "to compare, write `==`",
    "!": "write `not`",
    "<>": "write `!=`",
    "~": "write `=~` for a regular expression",
    ";": "nothing stands between statements: leave it out",
    **dict.fromkeys(("is", "equals", "eq"), "write `==`"),
    **dict.fromkeys(("isnt", "ne"), "write `!=`"),
    **dict.fromkeys(("matches", "match", "regex"), "write `=~` for a regular expression, `like` for * and ?"),
    **dict.fromkeys(("includes", "has"), "write `contains`"),
    **dict.fromkeys(("if", "when"), "write `where`"),
    **dict.fromkeys("“”„‟«»‘’‚`", "a text stands in \" or '"),  # noqa: RUF001 - quotes that are none here
}
_SIGNS = tuple(word for word in _FOREIGN if not word.isalpha())

_OF_ALERT = ("to", "until", "remind", "at")
_OF_RULE = ("where", "for", "then", "without", "per", "overall")
_ACTIONS = ("alert", "run", "start", "stop", "restart", "signal", "shutdown")
_ORDER_OF_ALERT = 'an alert has one order: alert "…" to … until … remind … at most …'
_ORDER_OF_RULE = "a rule has one order: on … where …, pattern, per …, actions"
_NO_ACTION = 'a rule ends with what it does, such as alert "…"'

_NEW_NAME = re.compile(r"""rule\s+("[^"\n]*"|'[^'\n]*'|\S+)|(?:let|event)\s+([^\s"'=]+)""")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD_BEFORE = re.compile(r"(?<![\w\"'])[A-Za-z_][\w.:/*-]*\Z")
_WORD_AFTER = re.compile(r"[\w.:/*-]+")
_NAME_AND_NUMBER = re.compile(r"(?<![\w\"'])([A-Za-z_]\w*-\d+)\s*\Z")
_LIST_IN_PARENTHESES = re.compile(r"\bin\s*\([^()]*\Z")


def foreign_sign(text: str) -> str:
    """The sign of other languages with which a text begins; empty if it begins with none."""
    return next((sign for sign in _SIGNS if text.startswith(sign)), "")


def advice(text: str, start: int, word: str, keywords: Collection[str]) -> str:
    """What to do about a word at `start` of a statement, where none like it may stand; empty if nobody knows.

    `keywords` are those of the language.
    """
    before = text[:start]
    if (found := _NEW_NAME.match(text)) and start < found.end():
        name = found[1] or found[2]
        if start >= found.end() - len(name) and not _NAME.fullmatch(name):
            return f"a name has ASCII letters, digits and _ alone: {_as_name(name)}"
    if word == "," and _LIST_IN_PARENTHESES.search(before):
        return "a list is written [a, b]"
    if (first := _WORD_BEFORE.search(before)) and (rest := _WORD_AFTER.match(text, start)):
        return f'a text stands in quotes: "{first[0]}{rest[0]}"'
    if numbered := _NAME_AND_NUMBER.search(before):
        return f'a text stands in quotes: "{numbered[1]}"'
    return _of_word(before, word, keywords)


def _as_name(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    return f"_{name}" if name[:1].isdecimal() else name or "gave_up"


def _of_word(before: str, word: str, keywords: Collection[str]) -> str:
    if word in _FOREIGN:
        return _FOREIGN[word]
    if word not in keywords and word.lower() in keywords:
        return f"write `{word.lower()}`: keywords are lower case"
    if not before.strip() and word in (*_ACTIONS, *_OF_RULE):
        return 'a rule begins with `on`: on crashed alert "…"'
    if word in _OF_ALERT:
        return _ORDER_OF_ALERT
    return _ORDER_OF_RULE if word in _OF_RULE else ""


def of_end(expected: Collection[str]) -> str:
    """What to do about a statement that ends too early, where some keywords are expected."""
    return _NO_ACTION if set(expected).issuperset(_ACTIONS) else ""
