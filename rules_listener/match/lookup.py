"""How rules are looked up by a text: by how it begins, and by the regular expressions that are found in it.

1. What comes out is exactly what trying each prefix or each expression would find.
2. Nothing here raises, for any text; one with lone surrogates is read as if U+FFFD stood in their places.
3. Thousands of expressions are one pass over the text, in time linear in it. Where RE2 runs out of the memory that a
   pass is allowed, the expressions are tried one after the other, which needs less.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from rules_listener.lang.functions import regex, regex_options, without_surrogates

Group = tuple[Any, ...]
"""What is looked up: the entries of a test, or numbers of tests, each with the entries that it tries."""

Prefixes = Sequence[tuple[int, dict[str, tuple[Group, int]]]]
"""Prefixes as a trie, whose root is the first node. A node has the length of its shortest prefix, and by the first so
many characters the group of that prefix (empty if it is none) and the node of what follows (0 if nothing does)."""

MATCHES = "matches"
"""The method of a table of regular expressions: their texts, and the group of each."""

ALWAYS_FOUND = r"\z"
LEAST_MEMORY, MEMORY_OF_EACH, MOST_MEMORY = 8 << 20, 64 << 10, 64 << 20
"""How many bytes RE2 may use for a pass: it takes them as it needs them, and forgets what it has learned when they are
used up."""


def prefix_tree(groups: Mapping[str, Group]) -> Prefixes:
    """The trie of some prefixes, none of which is empty."""
    nodes: list[tuple[int, dict[str, tuple[Group, int]]]] = [(0, {})]
    waiting = [(0, groups)]
    while waiting:
        node, below = waiting.pop()
        width = min(map(len, below))
        branches: dict[str, tuple[Group, int]] = {}
        for first, longer in _by_beginning(below, width).items():
            branches[first] = (below.get(first, ()), len(nodes) if longer else 0)
            if longer:
                waiting.append((len(nodes), longer))
                nodes.append((0, {}))
        nodes[node] = (width, branches)
    return tuple(nodes)


def _by_beginning(groups: Mapping[str, Group], width: int) -> dict[str, dict[str, Group]]:
    """By their first `width` characters, what follows them in longer prefixes."""
    found: dict[str, dict[str, Group]] = {}
    for prefix, group in groups.items():
        longer = found.setdefault(prefix[:width], {})
        if len(prefix) > width:
            longer[prefix[width:]] = group
    return found


def beginning_groups(tree: Prefixes, text: str | None) -> list[Group]:
    """The groups of all prefixes with which a text begins."""
    groups: list[Group] = []
    place, node = 0, 0 if text is not None else -1
    while text is not None and node >= 0:
        width, branches = tree[node]
        branch = branches.get(text[place : place + width])
        if branch is None:
            break
        group, below = branch
        groups.append(group)
        place += width
        node = below or -1
    return groups


def ending_groups(tree: Prefixes, longest: int, text: str | None) -> list[Group]:
    """The groups of all suffixes, which are at most `longest`; `tree` has them from the last character to the first."""
    return beginning_groups(tree, None if text is None else text[-longest:][::-1])


def utf8(text: str) -> bytes:
    """A text in the form in which expressions are looked for."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text).encode()


class Patterns:
    """Regular expressions that are looked for in one pass; `groups` has what each of them stands for."""

    def __init__(self, patterns: Sequence[str], groups: Sequence[Group], memory: int | None = None) -> None:
        self._patterns = patterns
        self._groups = groups
        self._memory = memory or min(LEAST_MEMORY + MEMORY_OF_EACH * len(patterns), MOST_MEMORY)
        self._passes: list[Any] | None = None

    def found(self, text: bytes) -> Iterator[Group]:
        """The groups of the expressions that are found in a text."""
        groups = self._groups
        return (groups[number] for number in self.numbers(text))

    def numbers(self, text: bytes) -> Iterable[int]:
        """The numbers of the expressions that are found in a text, in no order."""
        if self._passes is None:
            self._passes = list(_passes(range(len(self._patterns)), self._patterns, self._memory))
        return [number for one, numbers in self._passes for number in self._found_by(one, numbers, text)]

    def _found_by(self, one: Any, numbers: range, text: bytes) -> Iterator[int]:
        found = None if one is None else one.Match(text)
        if found is not None:
            return (numbers[place] for place in found if place < len(numbers))
        return (number for number in numbers if regex(self._patterns[number]).search(text) is not None)


def _passes(numbers: range, patterns: Sequence[str], memory: int) -> Iterator[tuple[Any, range]]:
    """Passes that RE2 can make, each with the numbers of its expressions; None for expressions that it can't."""
    import re2  # noqa: PLC0415 - most rules use no regular expression, and it takes 3 MB

    one = re2.Set.SearchSet(regex_options(memory))
    try:
        for number in numbers:
            one.Add(utf8(patterns[number]))
        one.Add(ALWAYS_FOUND)  # RE2 says the same of a text in which it found nothing and of one that it gave up
        one.Compile()
    except re2.error:
        if len(numbers) == 1:
            yield None, numbers
            return
        middle = len(numbers) // 2
        yield from _passes(numbers[:middle], patterns, memory)
        yield from _passes(numbers[middle:], patterns, memory)
    else:
        yield one, numbers


@cache
def _only(pattern: str) -> Any:
    return next(_passes(range(1), (pattern,), LEAST_MEMORY))[0]


def found(pattern: str, text: bytes) -> bool:
    """Whether a regular expression is found in a text."""
    one = _only(pattern)
    answer = None if one is None else one.Match(text)
    if answer is None:
        return regex(pattern).search(text) is not None
    return len(answer) > 1
