"""What is said of a regular expression without running it is what RE2 says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.lang.functions import regex
from rules_listener.match.regexes import beginning, text_test
from tests.match.test_globs import matches_by

SIMPLE = {
    "web": ("contains", "web"),
    "": ("contains", ""),
    "^web": ("startswith", "web"),
    r"\Aweb": ("startswith", "web"),
    "web$": ("endswith", "web"),
    r"web\z": ("endswith", "web"),
    "^web$": ("equals", "web"),
    "^$": ("equals", ""),
    r"2\.5": ("contains", "2.5"),
    r"a\^\$\|": ("contains", "a^$|"),
    "磁\n": ("contains", "磁\n"),
}


@pytest.mark.parametrize("pattern", SIMPLE)
def test_what_is_no_more_than_a_text(pattern: str) -> None:
    """An expression of characters that stand for themselves, at an end of the text or not, needs no RE2."""
    assert text_test(pattern) == SIMPLE[pattern]


MORE = ("we*b", "web?", "(web)", "a|b", "(?i)web", r"\d", r"a\b", "[a]", "a.b", "^^a", "a$$")


@pytest.mark.parametrize("pattern", MORE)
def test_what_is_more(pattern: str) -> None:
    """Anything else is left to RE2."""
    assert text_test(pattern) == ("regex", pattern)


BEGINNINGS = {
    "^web": "web",
    r"^tmp-\d+": "tmp-",
    "^ab*c": "a",
    "^ab{0}c": "a",
    "^ab?": "a",
    "^ab+c": "a",
    "^a+": "",
    r"^a\.b.*": "a.b",
    "^(a|b)": "",
    "^ab|c": "",
    "ab": "",
    "(?m)^ab": "",
    "^[a]": "",
    r"\Aab(?i)c": "ab",
}


@pytest.mark.parametrize("pattern", BEGINNINGS)
def test_how_a_text_has_to_begin(pattern: str) -> None:
    """The characters after `^` that each have to be there once, up to the first that has not."""
    assert beginning(pattern) == BEGINNINGS[pattern]


SIGNS = st.sampled_from(("a", "b", "\n", r"\.", r"\d", *"^$.*+?|()", r"\A", r"\z", "{0}"))
TEXTS = st.text(st.sampled_from("ab.\n1"), max_size=6)


@settings(derandomize=True, deadline=None, max_examples=1500)
@given(st.lists(SIGNS, max_size=6).map("".join), TEXTS)
def test_the_same_as_re2(pattern: str, text: str) -> None:
    """For any expression and text, what is seen in the expression is what RE2 finds in the text."""
    try:
        found = regex(pattern).search(text) is not None
    except Exception:  # noqa: BLE001 - re2.error: no valid expression
        return
    assert matches_by(*text_test(pattern), text) is found
    assert text.startswith(beginning(pattern)) or not found
