"""No event holds the listener up, whatever the rules."""

import pytest

from tests.bench.hostile import ATTACKS, LONGEST_S, ROWS, Attack, Attacked

GENEROUS = 10
"""How many times as long as wanted an event may take here, where the machine has other things to do."""


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_event_takes_no_time(attack: Attack) -> None:
    """1 MB of data are dealt with at once, by an expression that could backtrack and by many conditions."""
    attacked = Attacked(attack)
    assert min(attacked.seconds() for _ in range(3)) < LONGEST_S * GENEROUS


def test_the_attacks_do_what_they_should() -> None:
    """The expression and the conditions find nothing, after all that there is; all of the template is rendered."""
    expression, conditions, exclusions, template = map(Attacked, ATTACKS)
    assert (expression.texts, conditions.texts, exclusions.texts) == ([], [], ["1"])
    (text,) = template.texts
    assert text.startswith(f"{len(ROWS)} ")
    assert "94 957 false false false b:a" in text
