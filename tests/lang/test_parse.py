"""Rule text becomes nodes: statements, their borders, and where things stand."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source
from rules_listener.lang import nodes
from rules_listener.lang.parse import Parsed, parse, parse_template, statement_ranges

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.rules"))


def read(text: str) -> Parsed:
    """The statements of a text."""
    return parse(Source("x.rules", text))


def rule(text: str) -> nodes.Rule:
    """The only statement of a text without mistakes, which is a rule."""
    parsed = read(text)
    assert not parsed.found
    (statement,) = parsed.statements
    assert isinstance(statement, nodes.Rule)
    return statement


def shown(node: object) -> str:
    """A condition with all its parentheses."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Number():
            return str(node.value)
        case nodes.Not():
            return f"(not {shown(node.operand)})"
        case nodes.And() | nodes.Or():
            word = " and " if isinstance(node, nodes.And) else " or "
            return f"({word.join(map(shown, node.operands))})"
        case nodes.Compare():
            return f"({shown(node.left)} {node.operator} {shown(node.right)})"
        case nodes.In():
            return f"({shown(node.item)} {'not ' * node.negated}in {shown(node.container)})"
        case nodes.ListOf():
            return f"[{', '.join(map(shown, node.items))}]"
    raise AssertionError(node)


CONDITIONS = {
    "a or b and c": "(a or (b and c))",
    "a and b or c": "((a and b) or c)",
    "not a and b": "((not a) and b)",
    "not (a and b)": "(not (a and b))",
    "not not a": "(not (not a))",
    "not a == b": "(not (a == b))",
    "a and b and c": "(a and b and c)",
    "(a and b) and c": "((a and b) and c)",
    "a in [b, c,] or a not in d": "((a in [b, c]) or (a not in d))",
    "a in []": "(a in [])",
    "((((a))))": "a",
    "a<b": "(a < b)",
    "a==-1": "(a == -1)",
    "a !~ b": "(a !~ b)",
    "a startswith b": "(a startswith b)",
    "nothing and android or notin": "((nothing and android) or notin)",
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_precedence(text: str) -> None:
    """`not` binds tighter than `and`, `and` tighter than `or`, and a comparison tighter than all of them."""
    assert shown(rule(f"on A where {text} shutdown").selector.condition) == CONDITIONS[text]


STATEMENTS = {
    "empty": ("", []),
    "only comments": ("# on A shutdown\n \t# let", []),
    "one line": ("on A shutdown on B shutdown", ["on A", "on B"]),
    "names": ("rule a on A shutdown rule b on B shutdown", ["a on A", "b on B"]),
    "any line breaks": ("rule\na\non\nA\nshutdown\r\n\r\non B\tshutdown", ["a on A", "on B"]),
    "a rule named on": ("rule on on A shutdown", ["on on A"]),
    "comments between": ("on # on B\n A # shutdown\n shutdown # on C", ["on A"]),
    "keywords in strings": ("on A alert \"on rule let event\" on B alert 'on'", ["on A", "on B"]),
    "all kinds": ("let a = 1 event b = B rule c on C shutdown", ["let a", "event b", "c on C"]),
    "words that begin like keywords": (
        "let lets = 1 event events = onion on rules shutdown",
        ["let lets", "event events", "on rules"],
    ),
    "keywords where names stand": ("on where where per == times shutdown", ["on where"]),
    "a channel named to": ("on A alert 'x' to to, run run ['x']", ["on A"]),
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_statements(case: str) -> None:
    """A text is a list of statements, whatever the line breaks; a keyword is one only where it can be one."""
    text, expected = STATEMENTS[case]
    parsed = read(text)
    assert not parsed.found
    found = []
    for statement in parsed.statements:
        match statement:
            case nodes.Let():
                found.append(f"let {statement.name.name}")
            case nodes.EventDefinition():
                found.append(f"event {statement.name.name}")
            case nodes.Rule():
                selected = ", ".join(node.name for node in statement.selector.selected if isinstance(node, nodes.Name))
                found.append(f"{statement.name.name} on {selected}" if statement.name else f"on {selected}")
    assert found == expected


def test_actions() -> None:
    """A rule has one action or more, each with its clauses in their order."""
    found = rule(
        "on A alert critical 'x' to mail, sms until B for 1m remind every 1h doubling to 8h at most 5 per 1h\n"
        "run ['a', 'b',] stop 'g:*' restart signal HUP 'p' shutdown"
    )
    alert, run, *others = found.actions
    assert isinstance(alert, nodes.Alert)
    assert isinstance(run, nodes.Run)
    assert (alert.severity, [name.name for name in alert.channels]) == ("critical", ["mail", "sms"])
    assert alert.until is not None
    assert alert.until.duration is not None
    assert alert.remind is not None
    assert alert.remind.doubling_to is not None
    assert alert.at_most is not None
    assert alert.until.duration.seconds == 60
    assert (alert.remind.every.seconds, alert.remind.doubling_to.seconds) == (3600, 28800)
    assert (alert.at_most.number.value, alert.at_most.duration.seconds) == (5, 3600)
    assert [argument.parts for argument in run.arguments] == [("a",), ("b",)]
    assert [action.kind for action in others if isinstance(action, nodes.ProcessAction)] == [
        "stop",
        "restart",
        "signal",
        "shutdown",
    ]


PATTERNS = {
    "on A 3 times in 10m shutdown": ("times", 600.0, 3, None, False, None),
    "on A 5 distinct pid in 2m overall shutdown": ("distinct", 120.0, 5, "pid", False, ()),
    "on A for 10m per a, b shutdown": ("for", 600.0, None, None, False, ("a", "b")),
    "on A then B within 5m shutdown": ("then", 300.0, None, None, True, None),
    "on A without B where c within 30s shutdown": ("without", 30.0, None, None, True, None),
    "on no A where b for 25h shutdown": ("no", 90000.0, None, None, False, None),
}


@pytest.mark.parametrize("text", PATTERNS)
def test_patterns(text: str) -> None:
    """A pattern knows its kind, its duration, and what else it needs; a scope knows its keys."""
    kind, seconds, number, field, has_selector, keys = PATTERNS[text]
    found = rule(text)
    pattern = found.pattern
    assert pattern is not None
    assert (pattern.kind, pattern.duration.seconds) == (kind, seconds)
    assert (pattern.number and pattern.number.value) == number
    assert (pattern.field and pattern.field.name) == field
    assert (pattern.selector is not None) is has_selector
    assert (found.scope and tuple(key.name for key in found.scope.keys)) == keys


def test_a_mistake_costs_its_own_statement() -> None:
    """The statements around a wrong one are read, and each wrong one is reported."""
    parsed = read("on A shutdown\non B alrt\nlet c = = 1\non D shutdown\nrule e\nevent f =\non G shutdown")
    names = [node.selector.selected[0] for node in parsed.statements if isinstance(node, nodes.Rule)]
    assert [name.name for name in names if isinstance(name, nodes.Name)] == ["A", "D", "G"]
    assert [found.where[1] for found in parsed.found] == [2, 3, 5, 6]
    assert parsed.broken == {"c", "f"}


def test_where_routes_and_mutes_begin() -> None:
    """Their keywords begin statements, and are names of rules too; in their conditions `rule` is a name."""
    text = "route rule == 'on' and not rule in ['a', 'b'] to a rule mute on A shutdown mute (rule) because 'x' "
    text += (
        "rule route on B shutdown route to route_1 on C shutdown mute severity == info or rule like 'm*' because 'x'"
    )
    parsed = read(text)
    assert parsed.found == []
    assert [type(node).__name__ for node in parsed.statements] == [
        *("Route", "Rule", "Mute", "Rule", "Route", "Rule", "Mute")
    ]
    assert [node.name.name for node in parsed.statements if isinstance(node, nodes.Rule) and node.name] == [
        *("mute", "route")
    ]


def test_crlf_files_have_the_same_places() -> None:
    """With line ends of either kind, statements and diagnostics are on the same lines and columns."""
    text = 'on A\n  where pid like 3 5\n\nrule b on B where $ shutdown\non C alert "{x y}"\n'
    unix, windows = read(text), read(text.replace("\n", "\r\n"))
    assert len(unix.found) == 3
    assert [found.where for found in windows.found] == [found.where for found in unix.found]
    assert [found.message for found in windows.found] == [found.message for found in unix.found]


# templates


def parts(template: str) -> list[str]:
    """A template's texts, and its expressions as they stand in the text between braces."""
    source = Source("t", template)
    node, found = parse_template(source)
    assert not found
    return [
        part if isinstance(part, str) else "<" + template[part.span.start : part.span.end] + ">"
        for part in node.parts
        if part != ""
    ]


TEMPLATES = {
    "": [],
    "plain": ["plain"],
    "{a}": ["<a>"],
    "a {b} c {d}": ["a ", "<b>", " c ", "<d>"],
    "{ a }": ["<a>"],
    "{{a}}": ["{a}"],
    "{{{a}}}": ["{", "<a>", "}"],
    "{{}}{a}": ["{}", "<a>"],
    "{a}{b}": ["<a>", "<b>"],
    "{json(a, '{x}')}": ["<json(a, '{x}')>"],
    '{a == "}"}': ['<a == "}">'],
    "100% $HOME \\n": ["100% $HOME \\n"],
    "磁盘 {a} 🔥": ["磁盘 ", "<a>", " 🔥"],
    "{a\n and b}": ["<a\n and b>"],
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_template(template: str) -> None:
    """Braces hold expressions, doubled braces are braces, and a brace in a string of an expression is none."""
    assert parts(template) == TEMPLATES[template]


MARKED = (
    (r'on A alert "a {b c}"', "c"),
    (r'on A alert "\"\t\u{1F600}磁 {b c}"', "c"),
    (r"on A alert '\ {b c}'", "c"),
    (r'on A run ["x", "\\{b == \"\\n\" c}"]', "c"),
    (r'on A alert "x\u{7B}y"', r"\u"),
    (r'on A alert "{b \"x\"}"', r"\"x"),
    ('on A alert "{b and}"', "}"),
    ('on A alert "{upper(b}"', "}"),
    ('on A alert "\\n{b $ c}"', "$"),
    ('on A alert "\\n{b == 5x}"', "5x"),
)


@pytest.mark.parametrize(("text", "marked"), MARKED)
def test_places_in_templates_are_those_of_the_file(text: str, marked: str) -> None:
    """What is wrong in a template is marked in the rule file, whatever escapes stand before it."""
    (found,) = read(text).found
    assert found.span is not None
    start = text.rindex(marked) if marked != "}" else text.index("}")
    assert found.span.start == start
    assert text[start:].startswith(marked)


def test_places_of_nodes() -> None:
    """Each node's place covers what it was made of."""
    text = "rule a on A, (B where has(c)) where d == 'x' and not e in [1, 2] alert 'f {upper(g)}' to h"
    found = rule(text)
    condition = found.selector.condition
    assert isinstance(condition, nodes.And)

    def spelled(node: nodes.Node) -> str:
        return text[node.span.start : node.span.end]

    assert spelled(found).startswith("a on A")
    assert spelled(found).endswith("to h")
    assert spelled(condition) == "d == 'x' and not e in [1, 2]"
    assert [spelled(operand) for operand in condition.operands] == ["d == 'x'", "not e in [1, 2]"]
    assert spelled(found.selector.selected[1]) == "(B where has(c))"
    (alert,) = found.actions
    assert isinstance(alert, nodes.Alert)
    assert spelled(alert.template) == "'f {upper(g)}'"
    expression = alert.template.parts[1]
    assert isinstance(expression, nodes.Call)
    assert spelled(expression) == "upper(g)"


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_places_are_within_the_file(path: Path) -> None:
    """Whatever is wrong, its place is in the file, and begins no later than it ends."""
    text = path.read_text(encoding="utf-8")
    for found in read(text).found:
        assert found.span is not None
        assert 0 <= found.span.start <= found.span.end <= len(text)


def ranges_word_by_word(text: str) -> list[tuple[int, int]]:
    """Where statements begin and end, said again in the plainest way."""
    skip = r"""(?P<string>"(?:[^"\\\n]|\\[^\n])*"?|'[^'\n]*'?)|(?P<skip>\#[^\n]*|\s+)"""
    found: list[list[re.Match[str]]] = []
    for match in re.finditer(rf"{skip}|(?P<word>[A-Za-z_]\w*)|.", text, re.DOTALL):
        if match["skip"]:
            continue
        named = found and len(found[-1]) <= 2 and found[-1][0]["word"] == "rule"
        if not found or match["word"] in ("rule", "let", "event") or (match["word"] == "on" and not named):
            found.append([])
        found[-1].append(match)
    return [(words[0].start(), words[-1].end()) for words in found]


PIECES = (
    *("rule", "on", "let", "event", "rule on", "rule a on A", "a", "_", "5", "é", "磁", "=", "(", "\\", "'", '"', "#"),
    *("\n", " ", "  ", "\t", "\r\n", "\x1c", "\xa0", "'on'", '"on rule"', "# on\n"),
)


@settings(derandomize=True, deadline=None, max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_where_statements_begin_and_end(text: str) -> None:
    """Whatever the text, it is cut as if it were read word by word."""
    assert list(statement_ranges(text)) == ranges_word_by_word(text)
