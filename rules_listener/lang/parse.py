"""Rule text becomes nodes.

1. A text is cut into statements first, and each is parsed for itself: an error costs its own statement, no other.
2. What is wrong is returned beside what could be read; nothing is raised.
3. The grammar is in `grammar/*.lark`; `build` makes the nodes while lark parses. Strings that are templates are parsed
   in turn, with places that are still those of the file.
4. What differs from a text that was parsed in literals only is copied from it (see `alike`), with the same result.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.visitors import merge_transformers

from rules_listener.base.diagnostics import Diagnostic, suggestion
from rules_listener.base.source import Source, Span
from rules_listener.lang import nodes
from rules_listener.lang.advice import advice, foreign_sign, of_end
from rules_listener.lang.alike import Shapes, Tokenizer
from rules_listener.lang.build import ExpressionBuilder, Place, StatementBuilder
from rules_listener.lang.nesting import MAX_DEPTH, extent


@dataclass(slots=True)
class Parsed:
    """What `parse` made of a source: the statements that it could read, and what is wrong with the others.

    `broken` are the names that an unreadable statement was about to define: they exist, but mean nothing.
    """

    source: Source
    statements: list[nodes.Statement] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)


def parse(source: Source) -> Parsed:
    """All statements of `source`."""
    parsed = Parsed(source)
    for start, end in statement_ranges(source.text):
        reader = _Reader(source, range(start, end))
        statement = reader.read("statement")
        if isinstance(statement, nodes.Statement) and not reader.found:
            parsed.statements.append(statement)
        elif match := _DEFINITION.match(source.text, start, end):
            parsed.broken.add(match[1])
        parsed.found += reader.found
    return parsed


def parse_template(source: Source) -> tuple[nodes.Template, list[Diagnostic]]:
    """A text outside of any rule file, such as an argument in the configuration, as a template."""
    whole = range(len(source.text))
    reader = _Reader(source, whole)
    template = reader.template(nodes.Text(Span(source, 0, len(whole)), source.text, whole))
    return template, reader.found


def parse_condition(source: Source) -> tuple[nodes.Expression | None, list[Diagnostic]]:
    """A text outside of any rule file, such as an argument of a command, as a condition; None if it is none."""
    reader = _Reader(source, range(len(source.text)))
    node = reader.read("expression")
    if not isinstance(node, nodes.Expression):
        return None, reader.found
    reader.nesting(node)
    return node, reader.found


_DEFINITION = re.compile(r"(?:let|event)\s+([A-Za-z_]\w*)")

_STRING = r"""(?:"(?:[^"\\\n]|\\[^\n])*"?|'[^'\n]*'?)"""
_BEGINNING = r"(?:rule|let|event|on|route|mute)(?!\w)"
_STRETCH = re.compile(
    rf"""((?:(?!{_BEGINNING})[A-Za-z_]\w*|[^A-Za-z_"'\#])*+)(?:(?P<word>{_BEGINNING})|(?P<string>{_STRING})|\#[^\n]*)?"""
)
"""What begins no statement, and what follows it: a word that may begin one, a string, or a comment."""
_RULE = re.compile(r"rule(?!\w)(?:\s|#[^\n]*)*+")
_ROUTING = re.compile(r"(?:route|mute)(?!\w)")
_BEFORE_OPERAND = re.compile(r"(?:[=<>~(\[,]|(?<!\w)(?:and|or|not|in|like|contains|startswith|endswith|route|mute))\Z")
_LONGEST = len("startswith")
_BEFORE_CHANNEL = re.compile(r"(?:,|(?<!\w)to)\Z")
_JOINTS = ".:/-"
_PART_OF_NAME = re.compile(r"rule(?!\w)\s*+[\w.:/-]*[.:/-]")
_RULE_NAME = re.compile(rf"rule(?!\w)(?:\s|#[^\n]*)*+(?>{_STRING}|[\w.:/-]+|[^\s#])?+(?:\s|#[^\n]*)*+")


def statement_ranges(text: str) -> Iterator[tuple[int, int]]:
    """Where each statement begins and ends: it begins at its keyword, which is `on` for a rule without a name."""
    start: int | None = None
    end = 0
    for stretch in _STRETCH.finditer(text):
        other, word, string = stretch.groups()
        if not other.isspace() and other:
            start = stretch.end(1) - len(other.lstrip()) if start is None else start
            end = stretch.start() + len(other.rstrip())
        if word or string:
            at = stretch.end(1)
            if start is None or (word and not _is_name(text, word, start, end, at)):
                if start is not None:
                    yield start, end
                start = at
            end = stretch.end()
    if start is not None:
        yield start, end


def _is_name(text: str, word: str, start: int, end: int, at: int) -> bool:
    """Whether a word at `at` that begins statements stands for something else in the one from `start` to `end`.

    It can be the name of a rule or of a channel, a part of a name that is none, as `my-rule`, or `rule` in the
    condition of a route or a mute.
    """
    if text[at - 1] in _JOINTS and _PART_OF_NAME.fullmatch(text, start, at):
        return True
    match word:
        case "on":
            return _RULE_NAME.fullmatch(text, start, at) is not None
        case "route" | "mute":
            return bool(_RULE.fullmatch(text, start, at) or _BEFORE_CHANNEL.search(text, max(start, end - 3), end))
        case "rule":
            return bool(_ROUTING.match(text, start) and _BEFORE_OPERAND.search(text, max(start, end - _LONGEST), end))
    return False


class Grammar(NamedTuple):
    """The parser, the stack of places that its builders look at, and what was learned of texts that are alike."""

    lark: Lark
    places: list[Place]
    tokenizer: Tokenizer
    shapes: Shapes


@cache
def _grammar() -> Grammar:
    places: list[Place] = []
    builder = merge_transformers(  # type: ignore[no-untyped-call] # lark has no types for it
        StatementBuilder(places), expressions=ExpressionBuilder(places)
    )
    lark = Lark.open_from_package(
        "rules_listener",
        "rules.lark",
        ("grammar", "../grammar"),
        parser="lalr",
        start=["statement", "expression"],
        maybe_placeholders=True,
        transformer=builder,
    )
    patterns = {_plain(terminal.name): terminal.pattern.to_regexp() for terminal in lark.terminals}
    return Grammar(lark, places, Tokenizer(patterns), Shapes(ExpressionBuilder(places)))


class _Reader:
    """Reads one stretch of a source, whose n-th character stands at `offsets[n]`."""

    def __init__(self, source: Source, offsets: range | tuple[int, ...], text: str | None = None) -> None:
        self.source = source
        self.offsets = offsets
        self.text = source.text[offsets[0] : offsets[-1] + 1] if text is None and offsets else text or ""
        self.found: list[Diagnostic] = []
        self.start = "statement"
        self.is_of_template = False
        """Whether it is an expression between the braces of a template."""

    def span(self, start: int, end: int) -> Span:
        """The place of the characters `[start, end)` of this stretch."""
        offsets = self.offsets
        if start >= len(offsets):
            end = offsets[-1] + 1 if offsets else 0
            return Span(self.source, end, end)
        return Span(self.source, offsets[start], offsets[end - 1 if end > start else start] + 1)

    def read(self, start: str) -> nodes.Node | None:
        """The node of the grammar's rule `start`, or None and a diagnostic."""
        self.start = start
        grammar = _grammar()
        grammar.places.append(self)
        try:
            return self._node(grammar)
        except UnexpectedInput as error:
            self.found.append(self._syntax_error(error))
            return None
        finally:
            grammar.places.pop()

    def _node(self, grammar: Grammar) -> nodes.Node | None:
        tokens = grammar.tokenizer.tokens(self.text)
        if tokens is not None and (copy := grammar.shapes.copy(self.start, tokens, self)) and not self.found:
            return copy
        self.found.clear()
        node: object = grammar.lark.parse(self.text, start=self.start)
        if not isinstance(node, nodes.Node):
            return None
        if tokens is not None and not self.found:
            grammar.shapes.learn(self.start, tokens, self, node)
        return node

    def report(self, code: str, message: str, span: Span, label: str = "") -> None:
        """Say that something is wrong at `span`."""
        self.found.append(Diagnostic(code, message, span, label))

    def nesting(self, node: nodes.Expression | nodes.Selector) -> None:
        """Report what is nested too deeply to be checked."""
        if extent(node, {}).levels > MAX_DEPTH:
            self.report("RL106", f"this is nested more than {MAX_DEPTH} levels deep", node.span)

    def template(self, text: nodes.Text) -> nodes.Template:
        """`text` read as a template."""
        parts: list[str | nodes.Expression] = []
        for start, end, is_expression in self._template_parts(text):
            if not is_expression:
                parts.append(text.value[start:end].replace("{{", "{").replace("}}", "}"))
                continue
            if comment := _COMMENT.match(text.value, start, end):
                offset = text.offsets[comment.end() - 1]
                self.report("RL102", "unexpected `#`", Span(self.source, offset, offset + 1), _NO_COMMENT)
                continue
            inner = _Reader(self.source, text.offsets[start:end], text.value[start:end])
            inner.is_of_template = True
            node = inner.read("expression")
            self.found += inner.found
            if isinstance(node, nodes.Expression):
                self.nesting(node)
                parts.append(node)
        return nodes.Template(text.span, tuple(parts))

    def _template_parts(self, text: nodes.Text) -> Iterator[tuple[int, int, bool]]:
        """The stretches of a template: from, to, and whether an expression stands there."""
        end = 0
        for match in _TEMPLATE.finditer(text.value):
            kind = match.lastgroup
            if kind == "expression" and match["expression"].strip():
                yield end, match.start(), False
                yield match.start("expression"), match.end("expression"), True
                end = match.end()
            elif kind != "double":
                offset = text.offsets[match.start()]
                place = Span(self.source, offset, offset + 1)
                self.report("RL105", _BRACE_ERRORS[kind or ""], place, _BRACE_HELP)
        yield end, len(text.value), False

    def _syntax_error(self, error: UnexpectedInput) -> Diagnostic:
        start = error.pos_in_stream if error.pos_in_stream is not None else len(self.text)
        if isinstance(error, UnexpectedCharacters):
            return self._unreadable(start)
        if not isinstance(error, UnexpectedToken):
            raise error  # lark's LALR parser raises these two
        expected = {_plain(terminal) for terminal in error.accepts or error.expected}
        if self.start == "expression":
            expected.discard("$END")
        if error.token.type == "$END":
            place = self.span(len(self.text), len(self.text))
            hint = of_end(_words_of(expected)) or _expected(expected)
            return Diagnostic("RL101", f"the {self.start} ends too early", place, hint)
        word = str(error.token)
        place = self.span(start, start + len(word))
        hint = self._advice(start, word) or suggestion(word, _words_of(expected))
        if not hint and expected == {"NAME"} and error.token.type == "STRING":
            hint = "names are written without quotes"
        hint = hint or _expected(expected)
        return Diagnostic("RL101", f"unexpected `{word}`", place, hint)

    def _unreadable(self, start: int) -> Diagnostic:
        rest = self.text[start:].split("\n", 1)[0]
        if rest[0] in "\"'":
            return Diagnostic("RL103", "the string is not closed", self.span(start, start + len(rest)))
        if match := re.match(r"\d[\w.]*", rest):
            place = self.span(start, start + match.end())
            return Diagnostic(
                "RL102", f"`{match[0]}` is no number, duration or size", place, self._advice(start, match[0]) or _UNITS
            )
        sign = foreign_sign(rest) or rest[0]
        place = self.span(start, start + len(sign))
        return Diagnostic("RL102", f"unexpected `{sign}`", place, self._advice(start, sign))

    def _advice(self, start: int, word: str) -> str:
        if self.is_of_template and word in (":", "!") and self.text[:start].strip():
            return "what stands here is printed as it is: there are no formats"
        return advice(self.text, start, word, _words_of(set(_patterns())))


_UNITS = "units: ms s m h d w for time, KB MB GB KiB MiB GiB for size"
_TEMPLATE = re.compile(
    r"""(?P<double>\{\{|\}\})|\{(?P<expression>(?:[^{}"']|"(?:[^"\\]|\\.)*"|'[^']*')*)\}|(?P<open>\{)|(?P<close>\})"""
)
_COMMENT = re.compile(r"""(?:[^#"']|"(?:[^"\\]|\\.)*"|'[^']*')*+#""")
_NO_COMMENT = "there are no comments within a template"
_BRACE_ERRORS = {
    "open": "this brace opens an expression that is not closed",
    "close": "this brace closes nothing",
    "expression": "there is no expression between the braces",
}
_BRACE_HELP = "write {{ or }} for a brace in the text"

_TOKEN_NAMES = {
    "NAME": "a name",
    "STRING": "a string",
    "NUMBER": "a number",
    "DURATION": "a duration such as 10m",
    "SIZE": "a size such as 64KiB",
    "CLOCK": "a time such as 02:00",
    "MOMENT": "a moment such as 2026-12-24T18:00",
    "ZONE": "a time zone",
    "DASH": "`-`",
    "CONSTANT": "true",
    "COMPARISON": "a comparison such as ==",
    "TEXT_OPERATOR": "like",
    "CLOSE": "`)`",
    "OPEN_LIST": "`[`",
    "CLOSE_LIST": "`]`",
    "OPEN": "`(`",
    "_COMMA": "`,`",
    "_EQUALS": "`=`",
    "$END": "the end of the statement",
}
_FEW = 7


def _plain(terminal: str) -> str:
    """A terminal's name as `terminals.lark` has it: lark marks those that come by way of `expressions.lark`."""
    return terminal.replace("expressions__", "")


@cache
def _patterns() -> dict[str, str]:
    return {_plain(terminal.name): terminal.pattern.value for terminal in _grammar().lark.terminals}


def _words_of(terminals: set[str]) -> list[str]:
    """The keywords among some terminals of the grammar."""
    words: list[str] = []
    for terminal in terminals - _TOKEN_NAMES.keys():
        pattern = _patterns()[terminal]
        words += re.findall(r"[a-z]+", pattern.removesuffix(r"\b").replace("(?:", ""))
    return sorted(words)


def _expected(terminals: set[str]) -> str:
    words = [f"`{word}`" for word in _words_of(terminals)]
    words += sorted(_TOKEN_NAMES[terminal] for terminal in terminals & _TOKEN_NAMES.keys())
    if len(words) > _FEW:
        return ""
    return "expected " + " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
