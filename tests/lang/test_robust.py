"""Whatever stands in a rule file, reading and checking it never raises, and what passes the checks can be run."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules_listener.base.diagnostics import as_text, in_order
from rules_listener.base.source import Source
from rules_listener.lang.check import check, check_template
from rules_listener.lang.lint import lint
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Engine
from rules_listener.match.program import load
from tests.lang.test_language import REFERENCE
from tests.match.harness import log, state

GOLDEN = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[1] / "golden").glob("*.rules"))]
RULES = "".join(line for text in (*GOLDEN, REFERENCE) for line in text.splitlines(keepends=True) if line[:1] != "#")
WORDS = sorted(set(RULES.split()))
LINES = sorted({line for line in RULES.splitlines(keepends=True) if line.strip()})

MODEST = settings(derandomize=True, deadline=None, max_examples=150)


def survives(text: str) -> None:
    """Whatever it is, it is read, checked and shown; what comes out of it can be run."""
    source = Source("x.rules", text)
    parsed = [parse(source)]
    rules, found = check(parsed)
    found = found or lint(parsed, rules)
    for one in in_order(found):
        assert one.span is not None
        assert one.span.source.name == "x.rules"
        assert 0 <= one.span.start <= one.span.end <= len(text)
    as_text(found)
    engine = Engine(load(compile_rules(rules)))
    for event in (log("x"), state("FATAL", from_state="BACKOFF")):
        for firing in engine.feed(event):
            for action in firing.rule.actions:
                assert all(isinstance(template(event, {}), str) for template in action.templates)


@MODEST
@given(st.text())
@example("\ufeffon TICK_5 shutdown")
@example("on TICK_5 where when == 5\x00 shutdown")
@example('let a = "\\u{D800}"')
@example('on PROCESS_LOG alert "{{{" run ["{", "}", "{\'"]')
@example("on TICK_5 where when == -99999999999999999999.5 shutdown")
@example("on PROCESS_LOG where data =~ '' and data like '' shutdown")
def test_any_text(text: str) -> None:
    """No text at all makes the parser or the checker raise."""
    survives(text)


@MODEST
@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_words_of_the_language(text: str) -> None:
    """No sequence of the language's own words does."""
    survives(text)


@MODEST
@given(st.lists(st.sampled_from(LINES), max_size=8).map("".join), st.data())
def test_damaged_rules(text: str, data: st.DataObject) -> None:
    """No rules from which something was cut, or into which something was put, do."""
    for _ in range(data.draw(st.integers(0, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        piece = data.draw(st.sampled_from(WORDS) | st.text("\"'{}[]()\\#\n ,=", max_size=3))
        text = text[:start] + piece + text[end:]
    survives(text)


@MODEST
@given(st.text() | st.text("{}'\"\\ ab(=,)"))
def test_any_template(text: str) -> None:
    """No text as a template of the configuration does."""
    _, found = check_template(Source("x", text))
    as_text(found)
