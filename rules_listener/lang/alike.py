"""Statements of one shape are parsed once; others, which differ from the first in literals only, are copied from it.

1. A shape is the sequence of a text's tokens, in which any string stands for any other, likewise any number, duration
   and size, and the name of a rule. All other words and signs count; spaces and comments do not.
2. A copy is just what the parser would make of the text. Where that is not certain there is none, and the text has to
   be parsed: if it can't be cut into tokens, if a literal of the first text became anything but a node of its own, if a
   literal is wrong.
3. A shape is learned when it comes for the second time: many texts are like no other.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from lark import Token

from rules_listener.lang import nodes
from rules_listener.lang.build import ExpressionBuilder, Place

MOST_SHAPES = 10_000
"""How many shapes are remembered; when there are more, all are forgotten."""

MOST_TOKENS = 200
"""How many tokens a text may have that is copied: to copy is to recurse."""

_LITERALS = {"STRING": '"', "DURATION": "0s", "SIZE": "0K", "NUMBER": "0"}
"""The terminals whose tokens differ within a shape, in the order in which they are tried, with what stands for them."""
_OTHERS = ("NAME", "COMPARISON", "_EQUALS", "_COMMA", "OPEN", "CLOSE", "OPEN_LIST", "CLOSE_LIST")
_RULE, _ITS_NAME = "rule", "?"


class Tokens(NamedTuple):
    """A text as tokens: its shape, and of each token its terminal, where it begins and where it ends in the text."""

    text: str
    shape: str
    terminals: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]

    def token(self, number: int) -> Token:
        """A token as the parser has it."""
        start, end = self.starts[number], self.ends[number]
        return Token(self.terminals[number], self.text[start:end], start_pos=start, end_pos=end)


class Tokenizer:
    """Cuts texts into tokens; `patterns` are the regular expressions of the grammar's terminals."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        literals = "|".join(f"(?P<{name}>{patterns[name]})" for name in _LITERALS)
        others = "|".join(patterns[name] for name in _OTHERS)
        skipped = f"(?:{patterns['SPACE']}|{patterns['COMMENT']})*"
        self._token = re.compile(rf"{skipped}(?:{literals}|(?P<WORD>{others})|(?P<END>\Z)|(?P<NONE>.))", re.DOTALL)

    def tokens(self, text: str) -> Tokens | None:
        """The tokens of a text, or None if it has none or too many, or if something else is in it."""
        terminals, starts, ends, words = list[str](), list[int](), list[int](), list[str]()
        for match in self._token.finditer(text):
            terminal = match.lastgroup or ""
            if terminal == "END":
                break
            if terminal == "NONE" or len(words) == MOST_TOKENS:
                return None
            terminals.append(terminal)
            starts.append(match.start(terminal))
            ends.append(match.end())
            words.append(_LITERALS.get(terminal) or match[terminal])
        if words[:1] == [_RULE] and terminals[1:2] == ["WORD"]:
            words[1] = _ITS_NAME
        return Tokens(text, " ".join(words), terminals, starts, ends) if words else None


Make = Callable[[Tokens, Place], Any]
"""Makes a node, or what is in one, of a text that stands in a place."""


class Shapes:
    """What was learned of shapes, each of texts for one rule of the grammar; `builder` makes nodes of literals."""

    def __init__(self, builder: ExpressionBuilder) -> None:
        self._builder = builder
        self._seen = set[tuple[str, str]]()
        self._learned: dict[tuple[str, str], Make | None] = {}
        """None where it is not certain what becomes of each literal."""

    def copy(self, start: str, tokens: Tokens, place: Place) -> nodes.Node | None:
        """What the parser would make of a text by the grammar's rule `start`, if that is known."""
        make = self._learned.get((start, tokens.shape))
        node: nodes.Node | None = None if make is None else make(tokens, place)
        return node

    def learn(self, start: str, tokens: Tokens, place: Place, node: nodes.Node) -> None:
        """Learn from what the parser has made of a text in which nothing is wrong."""
        key = (start, tokens.shape)
        if key in self._seen and key not in self._learned:
            self._learned[key] = self._make(tokens, place, node)
        if len(self._seen) >= MOST_SHAPES:
            self._seen.clear()
            self._learned.clear()
        self._seen.add(key)

    def _make(self, tokens: Tokens, place: Place, node: nodes.Node) -> Make | None:
        learner = _Learner(tokens, place, self._builder)
        try:
            make = learner.part(node)
        except KeyError:
            return None
        return None if learner.left or make(tokens, place) != node else make


class _Learner:
    """Finds out of which tokens nodes are made; `left` are the numbers of those that differ and are not found yet.

    Where that is not certain, its methods raise a KeyError.
    """

    def __init__(self, tokens: Tokens, place: Place, builder: ExpressionBuilder) -> None:
        spans = list(map(place.span, tokens.starts, tokens.ends))
        self._first = {span.start: number for number, span in enumerate(spans)}
        self._last = {span.end: number for number, span in enumerate(spans)}
        self._terminals = tokens.terminals
        self._builder = builder
        self.left = {number for number, terminal in enumerate(tokens.terminals) if terminal in _LITERALS}
        if tokens.shape.startswith(f"{_RULE} {_ITS_NAME} "):
            self.left.add(1)

    def part(self, part: object) -> Make:
        """How to make a node, or what is in one."""
        match part:
            case nodes.Text() | nodes.Template() | nodes.Number() | nodes.Duration():
                return self._literal(part)
            case nodes.Name() if self._first[part.span.start] in self.left:
                return self._own_name(part)
            case nodes.Node():
                return self._node(part)
            case tuple():
                makes = tuple(map(self.part, part))
                return lambda tokens, place: tuple([make(tokens, place) for make in makes])
            case str() | int() | None:
                return lambda _tokens, _place: part
        raise KeyError(part)

    def _node(self, node: nodes.Node) -> Make:
        kind, first, last = type(node), self._first[node.span.start], self._last[node.span.end]
        makes = [self.part(getattr(node, field.name)) for field in fields(node)[1:]]

        def make(tokens: Tokens, place: Place) -> nodes.Node:
            span = place.span(tokens.starts[first], tokens.ends[last])
            return kind(span, *[make(tokens, place) for make in makes])

        return make

    def _own_name(self, node: nodes.Name) -> Make:
        number = self._first[node.span.start]
        self.left.remove(number)
        return lambda tokens, _place: self._builder.word(tokens.token(number))

    def _literal(self, node: nodes.Text | nodes.Template | nodes.Number | nodes.Duration) -> Make:
        """How to make a node of a literal, whose place is wider where there are parentheses."""
        first, last = self._first[node.span.start], self._last[node.span.end]
        (number,) = (number for number in range(first, last + 1) if self._terminals[number] in _LITERALS)
        self.left.remove(number)
        build = getattr(self._builder, self._terminals[number].lower())
        is_template = isinstance(node, nodes.Template)

        def make(tokens: Tokens, place: Place) -> nodes.Node:
            made: nodes.Node = build([tokens.token(number)])
            if is_template and isinstance(made, nodes.Text):
                return place.template(made)
            made.span = place.span(tokens.starts[first], tokens.ends[last])
            return made

        return make
