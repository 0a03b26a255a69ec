"""The patterns of `like` mean what `fnmatch` means."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_listener.lang.functions import regex
from rules_listener.match.globs import glob_test

FORMS = {
    "": ("equals", ""),
    "web": ("equals", "web"),
    "web*": ("startswith", "web"),
    "*web": ("endswith", "web"),
    "*web*": ("contains", "web"),
    "**web***": ("contains", "web"),
    "*": ("contains", ""),
}


@pytest.mark.parametrize("pattern", FORMS)
def test_simple_patterns_need_no_regular_expression(pattern: str) -> None:
    """What a text method can test is tested by it."""
    assert glob_test(pattern) == FORMS[pattern]


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern's test finds that it matches."""
    return matches_by(*glob_test(pattern), text)


def matches_by(method: str, argument: str, text: str) -> bool:
    """Whether a test of a text finds it."""
    match method:
        case "equals":
            return text == argument
        case "contains":
            return argument in text
        case "startswith":
            return text.startswith(argument)
        case "endswith":
            return text.endswith(argument)
    return regex(argument).search(text) is not None


MATCHES = (
    ("we?", "web", True),
    ("we?", "we", False),
    ("we?", "we🔥", True),
    ("w*b", "web\nweb", True),
    ("w?b", "w\nb", True),
    ("web-[0-9]", "web-7", True),
    ("web-[0-9]", "web-77", False),
    ("[!0-9]x", "ax", True),
    ("[!0-9]x", "7x", False),
    ("[]]", "]", True),
    ("[!]]", "]", False),
    ("[]", "[]", True),
    ("[!]", "[!]", True),
    ("[", "[", True),
    ("a[b", "a[b", True),
    ("[a-]", "-", True),
    ("[^a]", "a", True),
    ("[z-a]", "m", False),
    ("[!z-a]", "m", True),
    (r"\d", "7", False),
    (r"\d", r"\d", True),
    ("a.c", "abc", False),
    ("[磁-磿]盘", "磁盘", True),
    ("WEB", "web", False),
)


@pytest.mark.parametrize(("pattern", "text", "expected"), MATCHES)
def test_match(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """A pattern matches the whole text, with `*`, `?`, sets and their complements."""
    assert matches(pattern, text) is expected
    assert fnmatchcase(text, pattern) is expected


ALPHABET = st.sampled_from("aab-b[]!^*?\\&~|.\n磁🔥")


@settings(derandomize=True, deadline=None, max_examples=1500)
@given(st.text(ALPHABET | st.characters(codec="utf-8"), max_size=10), st.text(ALPHABET, max_size=6))
@example("[]-a]", "]")
@example("[--0]", ".")
def test_the_same_as_fnmatch(pattern: str, text: str) -> None:
    """For any pattern and text the answer is that of `fnmatch.fnmatchcase`."""
    assert matches(pattern, text) is fnmatchcase(text, pattern)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.text(st.characters(codec="utf-8"), max_size=10))
def test_any_text_without_signs_matches_itself(text: str) -> None:
    """Each character that is not a sign of the patterns stands for itself, also beside one that is."""
    plain = text.translate(dict.fromkeys(map(ord, "*?[")))
    assert matches(plain, plain)
    assert matches(f"?{plain}", f"x{plain}")
