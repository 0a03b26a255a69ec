"""Text that is read the quick way, by copying, is read as the parser reads it: the same nodes, the same mistakes."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark

from rules_listener.base.source import Source
from rules_listener.lang import alike, nodes
from rules_listener.lang import parse as parser
from rules_listener.lang.alike import MOST_TOKENS, Shapes, Tokens
from rules_listener.lang.check import check
from rules_listener.lang.lint import lint
from rules_listener.lang.parse import Parsed, parse
from tests.lang.statements import Tokens as Words
from tests.lang.statements import spaced, statements
from tests.match.strategies import DEFINITIONS, rules

THOROUGH = settings(derandomize=True, deadline=None, max_examples=150)


def plainly(source: Source) -> Parsed:
    """What a source says, read by the parser alone."""
    with patch.object(Shapes, "copy", return_value=None):
        return parse(source)


STRINGS = (
    *('""', "'a'", '"磁盘 🔥"', "'it is # no comment'", '"on rule let event"', '"a text that is longer than others"'),
    *('"{process}"', "\"{ json(data, 'a.b') }, {{}} {pid == 7}\"", '"{upper(\\"é\\")} \\u{1F600}"', "'{(\"x\")}'"),
    *('"\\q"', '"{"', '"}"', '"{}"', '"{a b}"', '"{json(data, \\"\\q\\")}"', '"{&&}"', '"\\"'),
)
NUMBERS = ("0", "-1", "2.5", "007", "99999999", "123456789012345678")
DURATIONS = ("30s", "1h30m", "0.5d", "500ms", "0s", "9999w")
SIZES = ("64KiB", "200MB", "1.5GB")
LITERALS = (STRINGS, NUMBERS, DURATIONS, SIZES)
"""What may stand for what, mistakes included."""


@st.composite
def alikes(draw: st.DrawFn, statement: Words) -> Words:
    """A statement with other literals, most of which are of the same kind."""

    def other(word: str) -> str:
        kinds = [kind for kind in LITERALS if word in kind or (word[0] in "\"'" and kind is STRINGS)]
        chosen = draw(st.sampled_from([*kinds * 5, draw(st.sampled_from(LITERALS))])) if kinds else (word,)
        return draw(st.sampled_from(chosen))

    words = [other(word) for word in statement]
    if words[0] == "rule":
        words[1] = draw(st.sampled_from(("a", "on", "rule", "another_one", "é")))
    return words


@THOROUGH
@given(st.data())
def test_a_copy_is_what_the_parser_makes(data: st.DataObject) -> None:
    """Statements that differ in literals, names, spaces and comments: nodes, places and mistakes are the parser's."""
    (first, *_) = data.draw(statements())
    texts = [data.draw(spaced(words)) for words in (first, first, *(data.draw(alikes(first)) for _ in range(4)))]
    source = Source("x.rules", "\n".join(texts))
    assert parse(source) == plainly(source)


@settings(THOROUGH, max_examples=50)
@given(st.lists(rules(), min_size=1, max_size=3), st.data())
def test_what_is_read_the_quick_way_means_the_same(texts: list[str], data: st.DataObject) -> None:
    """Rules that are copied become the same rule set, with the same errors and warnings."""
    again = data.draw(st.lists(st.sampled_from(texts), min_size=3, max_size=8))
    changed = [text.replace("web", data.draw(st.sampled_from(("web", "other", "", "[", "\\\\d")))) for text in again]
    source = Source("x.rules", "\n".join([DEFINITIONS, *texts, *changed]))
    quickly, slowly = parse(source), plainly(source)
    assert check([quickly]) == check([slowly])
    rule_set, found = check([quickly])
    if not found:
        assert lint([quickly], rule_set) == lint([slowly], rule_set)


RULE = (
    "rule r{n} on A where b == '{n}' and c in [{n}, 2] 3 times in {n}s per d alert \"{{e}}: {n} {{f(g, '{n}')}}\" to h"
)


def parsed_by_lark(text: str) -> int:
    """How many texts the parser parses of one that has no mistake."""
    with patch.object(Lark, "parse", autospec=True, side_effect=Lark.parse) as parsing:
        assert not parse(Source("x.rules", text)).found
    return parsing.call_count


def test_what_is_alike_is_parsed_twice() -> None:
    """Of a hundred rules, two are parsed, with their expressions; the others are copied."""
    parser._grammar.cache_clear()
    texts = [RULE.format(n=number) for number in range(1, 101)]
    assert parsed_by_lark("\n".join(texts)) == 2 * 3
    assert parsed_by_lark("# and in another file\n" + "\n".join(reversed(texts))) == 0
    assert parsed_by_lark(texts[0].replace("on A", "on B")) == 1


def test_mistakes_are_the_parsers() -> None:
    """A literal with a mistake is looked at by the parser, and those after it are copied again."""
    text = "\n".join(RULE.format(n=number) for number in range(1, 10))
    wrong = text.replace("'5' and", '"\\q" and')
    found = parse(Source("x.rules", wrong)).found
    assert [one.code for one in found] == ["RL104"]
    assert found == plainly(Source("x.rules", wrong)).found


def shapes_with(monkeypatch: pytest.MonkeyPatch, *, most: int) -> None:
    """Begin anew, with room for so many shapes."""
    monkeypatch.setattr(alike, "MOST_SHAPES", most)
    parser._grammar.cache_clear()


def test_shapes_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many shapes there are, not more than some are remembered."""
    shapes_with(monkeypatch, most=10)
    for number in range(100):
        assert parsed_by_lark(f"let a{number} = 1 let a{number} = 2 let a{number} = 3") in (2, 3)
    shapes = parser._grammar().shapes
    assert len(shapes._learned) <= len(shapes._seen) <= 10


def test_a_literal_that_is_nowhere() -> None:
    """A literal that becomes anything but a node of its own makes a shape that is not copied."""
    parser._grammar.cache_clear()
    grammar, source = parser._grammar(), Source("x.rules", "a == 'b'")
    tokens = grammar.tokenizer.tokens(source.text)
    place = parser._Reader(source, range(len(source.text)))
    assert tokens is not None
    left = nodes.Name(place.span(0, 1), "a")
    for _ in range(3):
        grammar.shapes.learn("expression", tokens, place, nodes.Compare(place.span(0, 8), left, "==", left))
    assert grammar.shapes.copy("expression", tokens, place) is None


def tokens_of(text: str) -> Tokens | None:
    """A text as tokens."""
    return parser._grammar().tokenizer.tokens(text)


SHAPES = {
    "a == 'x' # y\n": 'a == "',
    " rule b on c": "rule ? on c",
    "rule on on rule": "rule ? on rule",
    "let rule = [1, 2.5, 3KB, 1h30m]": "let rule = [ 0 , 0 , 0K , 0s ]",
    "x==-1": "x == 0",
    "x=-1": "x = 0",
    "a<=b": "a <= b",
    "f((g))": "f ( ( g ) )",
}
NO_TOKENS = (
    "",
    "  # x",
    "a ! b",
    "5x",
    "'a",
    '"\\',
    "ä",
    "a.b",
    "12345678901234567890",
    "1 2.5.3",
    "a " * MOST_TOKENS + "a",
)


@pytest.mark.parametrize("text", SHAPES)
def test_shapes(text: str) -> None:
    """A shape has the words and signs as they are, and a sign for the kind of each literal."""
    tokens = tokens_of(text)
    assert tokens is not None
    assert tokens.shape == SHAPES[text]


@pytest.mark.parametrize("text", NO_TOKENS)
def test_what_has_no_shape(text: str) -> None:
    """What is empty, wrong or very long has no shape."""
    assert tokens_of(text) is None
