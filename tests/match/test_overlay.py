"""Some rules of a program are replaced without compiling the others again."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.lang.checked import RuleSet
from rules_listener.match.compile import compile_rules
from rules_listener.match.engine import Engine
from rules_listener.match.firing import Firing
from rules_listener.match.overlay import overlaid
from rules_listener.match.program import load
from tests.match.harness import checked_rules
from tests.match.test_equivalence import OCCURRENCES, RULES_OVER_TIME, occurrence


def shown(firings: list[Firing]) -> list[str]:
    """All that some firings say."""
    return [
        re.sub(r" at 0x\w+", "", repr((one.rule.name, one.event, one.time, one.key, one.values, one.held, one.steps)))
        for one in firings
    ]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(RULES_OVER_TIME, min_size=6, max_size=8),
    st.lists(OCCURRENCES, max_size=20),
    st.sets(st.integers(0, 2), max_size=3),
)
def test_what_is_replaced_is_as_if_it_was_compiled_so(
    asked: list[tuple[str, str, str, str]], fed: list[tuple[int, str, str, str]], replaced: set[int]
) -> None:
    """For any rules, any of them replaced by any others, and any events."""
    texts = [f"{selected.format(condition)} {pattern.format(scope)}" for selected, condition, pattern, scope in asked]
    rules = checked_rules("\n".join(f"rule r{number} on {text}" for number, text in enumerate(texts))).rules
    base, others = rules[:3], rules[3:6]
    numbers = sorted(replaced)
    changed = RuleSet(tuple(others[number] for number in numbers))
    together = RuleSet(tuple(others[number] if number in replaced else base[number] for number in range(3)))
    one = Engine(overlaid(load(compile_rules(RuleSet(base))), load(compile_rules(changed)), numbers))
    other = Engine(load(compile_rules(together)))
    moment = 0.0
    for seconds, kind, name, group in fed:
        moment += seconds
        event = occurrence(kind, name, group, moment)
        assert shown(one.feed(event)) == shown(other.feed(event))
    assert shown(one.advance(moment + 60)) == shown(other.advance(moment + 60))
