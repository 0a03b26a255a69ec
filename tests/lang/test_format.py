"""The one form of rule text: fixtures for each behaviour, properties over the whole grammar, and the shipped files.

A fixture in `format/` is what is typed and, behind a line `# output`, what becomes of it; without such a line it is in
its form already. The file's name says what it shows.
"""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules_listener.base.diagnostics import as_text
from rules_listener.base.source import Source
from rules_listener.lang.format import format_source, same_statements
from rules_listener.lang.nesting import MAX_DEPTH
from rules_listener.lang.parse import parse
from tests.lang.statements import Tokens, comments_of, spaced, statements, with_parentheses, without_parentheses

ROOT = Path(__file__).parents[2]
FIXTURES = sorted(Path(__file__).with_name("format").glob("*.rules"))
SHIPPED = sorted([*ROOT.glob("examples/**/*.rules"), *ROOT.glob("rules_listener/**/*.rules")])
MODEST = settings(derandomize=True, deadline=None, max_examples=80)


def formatted(text: str) -> str:
    """A text without mistakes in its form."""
    done = format_source(Source("x.rules", text))
    assert as_text(done.found) == ""
    return done.text


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture(path: Path) -> None:
    """What is typed becomes what the fixture says, which then stays as it is."""
    typed, _, expected = path.read_text(encoding="utf-8").partition("# output\n")
    assert formatted(typed.rstrip("\n") + "\n") == (expected or typed)
    assert formatted(expected or typed) == (expected or typed)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_files_are_in_the_form(path: Path) -> None:
    """The rule files that come with the project are written as `fmt` writes them."""
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize("document", ["README.md", "LANGUAGE.md"])
def test_rules_in_the_documents_are_in_the_form(document: str) -> None:
    """The rules that the documents show, in blocks without a language, are written as `fmt` writes them."""
    blocks = re.findall(
        r"^```(\w*)\n(.*?)^```$", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    shown = [block for language, block in blocks if not language]
    assert shown
    assert [formatted(block) for block in shown] == shown


@pytest.mark.parametrize(
    "text", ["on crashed alrt 'x'", "let a = 'x", "on crashed alert '{a b}'", '# c\r\nlet a = "\\x"\r\n']
)
def test_a_text_with_a_mistake_stays_as_it_is(text: str) -> None:
    """What can't be read is not formatted: the text comes back as it was, with its diagnostics."""
    done = format_source(Source("x.rules", text))
    assert done.text == text
    assert len(done.found) == 1


SMALL = {
    "": "",
    " \n\n": "",
    "# a\t \r\n": "# a\n",
    "on crashed\r\n\r\nshutdown\r\n\r\n\r\n# b": "on crashed  shutdown\n\n# b\n",
    "on crashed shutdown # a\r\n  # b\r\n": "on crashed  shutdown  # a\n  # b\n",
    "let a=((((1))))": "let a = 1\n",
}


@pytest.mark.parametrize("text", SMALL)
def test_small_text(text: str) -> None:
    """Lines end in a line feed, also the last one; what holds nothing has no lines."""
    assert formatted(text) == SMALL[text]


DEEP = {
    "not": ("not ", "a", ""),
    "lists": ("[", "a", "]"),
    "calls": ("f(", "a", ")"),
    "comparisons": ("(", "a", " == b)"),
    "and": ("(", "a", " and b)"),
}


@pytest.mark.parametrize("case", DEEP)
def test_deep_text(case: str) -> None:
    """What is nested as deeply as the language allows can be formatted, however many parentheses are around it."""
    before, inner, after = DEEP[case]
    levels = MAX_DEPTH - 1
    nested = f"let x = {before * levels}{inner}{after * levels}"
    text = formatted(nested)
    assert formatted(text) == text
    assert formatted(f"let x = {'(' * 2000}{before * levels}{inner}{after * levels}{')' * 2000}") == text


def test_a_result_that_says_something_else_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the formatter lose something, that is an error and no result."""
    monkeypatch.setattr("rules_listener.lang.format.lay_out", lambda _layout, _width: ["let a = 2"])
    with pytest.raises(AssertionError, match=r"x\.rules would say something else"):
        format_source(Source("x.rules", "let a = 1"))


DIFFERENT = [
    ("let a = 1", "let a = 1.0"),
    ("let a = 1", "let b = 1"),
    ("let a = b and c and d", "let a = (b and c) and d"),
    ("let a = true", "let a = 1"),
    ("let a = [b]", "let a = [b, b]"),
    ("on A shutdown", "on (A) shutdown"),
    ("on A alert '{a}'", "on A alert '{{a}}'"),
    ("on A shutdown", "on A shutdown on A shutdown"),
]


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different_statements(first: str, second: str) -> None:
    """Statements are the same if their nodes are, wherever they stand."""
    one, other = (parse(Source("x", text)).statements for text in (first, second))
    assert not same_statements(one, other)
    assert same_statements(one, parse(Source("y", "\n# c\n" + first)).statements)


def is_readable(text: str) -> bool:
    """Whether a text has no mistake."""
    return not parse(Source("x.rules", text)).found


@MODEST
@given(statements(), st.data())
def test_any_text(written: list[Tokens], data: st.DataObject) -> None:
    """The form is stable, says the same, keeps all comments in order, and has no spare spaces or lines."""
    text = "\n".join(data.draw(spaced(tokens)) for tokens in written)
    assume(is_readable(text))
    result = formatted(text)
    assert formatted(result) == result
    assert same_statements(parse(Source("x", text)).statements, parse(Source("y", result)).statements)
    assert comments_of(result) == comments_of(text)
    assert result.endswith("\n")
    lines = result.split("\n")[:-1]
    assert [line for line in lines if line != line.rstrip(" \t\r\f")] == []
    assert "\n\n\n" not in result
    assert "" not in (lines[0], lines[-1])


@MODEST
@given(statements(), st.data())
def test_spaces_and_spare_parentheses_do_not_matter(written: list[Tokens], data: st.DataObject) -> None:
    """Statements that consist of the same words have the same form, whatever the spaces and spare parentheses."""
    for tokens in written:
        plain = " ".join(without_parentheses(tokens))
        assume(is_readable(plain))
        assert formatted(data.draw(spaced(tokens, comments=False))) == formatted(plain)
        assert formatted(" ".join(with_parentheses(tokens))) == formatted(plain)
