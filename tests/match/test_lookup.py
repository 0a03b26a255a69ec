"""Prefixes, suffixes and expressions lead to exactly what trying each of them finds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.lang.functions import regex
from rules_listener.match import lookup
from rules_listener.match.lookup import (
    Group,
    Patterns,
    Prefixes,
    beginning_groups,
    ending_groups,
    found,
    prefix_tree,
    utf8,
)

WORDS = st.text(st.sampled_from("ab磁"), min_size=1, max_size=6)
TEXTS = st.text(st.sampled_from("ab磁"), max_size=8)


def group(number: int) -> Group:
    """A group that can be told from others."""
    return ((0, (number,)),)


def tree_of(words: list[str]) -> Prefixes:
    """The trie of some words, each with its number as its group."""
    return prefix_tree({word: group(number) for number, word in enumerate(words)})


def numbers(groups: list[Group]) -> list[int]:
    """The numbers of some groups; a part of a trie that is no prefix has an empty one."""
    return sorted(found[0][1][0] for found in groups if found)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(WORDS, min_size=1, max_size=20, unique=True), TEXTS)
def test_prefixes(words: list[str], text: str) -> None:
    """A trie finds the prefixes of any text."""
    right = [number for number, word in enumerate(words) if text.startswith(word)]
    assert numbers(beginning_groups(tree_of(words), text)) == right


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(WORDS, min_size=1, max_size=20, unique=True), TEXTS)
def test_suffixes(words: list[str], text: str) -> None:
    """A trie of what is read backwards finds the suffixes of any text."""
    tree = tree_of([word[::-1] for word in words])
    right = [number for number, word in enumerate(words) if text.endswith(word)]
    assert numbers(ending_groups(tree, max(map(len, words)), text)) == right


def test_a_text_that_is_missing_begins_and_ends_with_nothing() -> None:
    """What is unknown is not looked up."""
    assert beginning_groups(tree_of(["a"]), None) == []
    assert ending_groups(tree_of(["a"]), 1, None) == []


def test_prefixes_within_prefixes() -> None:
    """A prefix of each length up to a thousand is no deep recursion, neither to make nor to look into."""
    words = ["a" * length for length in range(1, 1200)]
    assert numbers(beginning_groups(tree_of(words), "a" * 5000)) == list(range(1199))


PATTERNS = (
    *("error", "^error", "disk$", r"took (\d+) ms", "(?i)ERROR", "[^a-z ]", "(a+)+$", "x.*y", r"\bfull\b", "", "."),
    *(f"code {number}: .*" for number in range(50)),
)
LINES = ("error: disk", "took 250 ms", "code 7: x and y", "aaaa", "磁盘 full", "", "\n", "\ud800", "code 49: aaa")
MEMORY = {"all in one pass": None, "in many passes": 20_000, "one after the other": 1}


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("memory", MEMORY)
def test_expressions(memory: str, text: str) -> None:
    """Whatever the memory that RE2 may use, each expression is found where it is found alone."""
    passes = Patterns(PATTERNS, [group(number) for number in range(len(PATTERNS))], MEMORY[memory])
    right = [number for number, pattern in enumerate(PATTERNS) if regex(pattern).search(utf8(text)) is not None]
    assert numbers(list(passes.found(utf8(text)))) == right
    assert [number for number, pattern in enumerate(PATTERNS) if found(pattern, utf8(text))] == right


class OutOfMemory:
    """What RE2's set does when it gives up in the middle of a text: it says that it found nothing."""

    def __init__(self, found_before: Any) -> None:
        self.found_before = found_before

    def Match(self, text: bytes) -> Any:  # noqa: N802 - RE2's name
        """What RE2 says."""
        return self.found_before if len(text) < 3 else None


def test_a_pass_that_gives_up_is_not_taken_for_one_that_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """When RE2 gives up, the expressions are tried one after the other."""
    passes = Patterns(("a", "b"), [group(0), group(1)])
    monkeypatch.setattr(lookup, "_passes", lambda numbers, *_: [(OutOfMemory([1, 2]), numbers)])
    assert numbers(list(passes.found(b"b"))) == [1]
    assert numbers(list(passes.found(b"xxxa"))) == [0]


def test_re2_is_out_of_memory_at_a_text_and_nothing_is_missed() -> None:
    """Expressions whose states are more than RE2 may remember are still found."""
    patterns = [f"(a|b)*a(a|b){{{number}}}c" for number in range(8, 20)]
    passes = Patterns(patterns, [group(number) for number in range(len(patterns))], 200_000)
    text = ("ab" * 300 + "aab" * 200 + "abbab" * 100) * 5 + "a" + "b" * 10 + "c"
    right = [number for number, pattern in enumerate(patterns) if regex(pattern).search(text) is not None]
    assert numbers(list(passes.found(text.encode()))) == right


def test_what_is_no_character_is_one_that_nobody_knows() -> None:
    """A lone surrogate is read as U+FFFD, a pair as what it stands for."""
    assert utf8("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b".encode()
    assert found("^a.b$", utf8("a\ud800b"))
    assert utf8("🔥") == "🔥".encode()
