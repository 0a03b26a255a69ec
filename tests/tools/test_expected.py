"""Expected and sent, side by side."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.source import Source, Span
from rules_listener.event.event import Event
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.tools.expected import Expected, Fact, Facts, Row, facts_of, is_so, side_by_side

PLACE = Span(Source("x.test.yaml", ""), 0, 0)


def expected(**facts: Fact) -> Expected:
    """An expected alert."""
    return Expected(PLACE, facts)


def came(rule: str = "a", at: float = 0.0, message: str = "x") -> Facts:
    """What is known of an alert that came."""
    return {"rule": rule, "at": at, "message": message}


def test_what_is_known_of_an_alert() -> None:
    """Channels of an alert, arguments of a program, the target of an action; why something was held back."""
    event = Event("PROCESS_STATE_FATAL", 100.0, {})
    deliveries = (Delivery("1", "ops", "x is gone"), Delivery("2", "chat", "x is gone"))
    alert = Alert(130.25, "gone", "x", "alert", "error", event, deliveries, "at most 1 per 1h")
    assert facts_of(alert, 100.0) == {
        "at": 30.25,
        "rule": "gone",
        "kind": "alert",
        "severity": "error",
        "phase": "firing",
        "to": ("chat", "ops"),
        "key": "x",
        "message": "x is gone",
        "reason": "at most 1 per 1h",
    }
    run = Alert(130.0, "gone", "x", "run", "error", event, (Delivery("1", "run", "x", ("echo", "x")),))
    assert facts_of(run, 100.0)["arguments"] == ("echo", "x")
    restart = Alert(130.0, "gone", "x", "restart", "error", event, (Delivery("1", "supervisor", "", ("restart", "x")),))
    assert facts_of(restart, 100.0)["arguments"] == ("x",)


def test_patterns_of_texts() -> None:
    """A key that ends in `_like` takes the whole text, with the signs that `like` has."""
    facts = came(message="web died on web01")
    assert is_so("message_like", "web died on *", facts)
    assert is_so("message_like", "web died on web0[0-9]", facts)
    assert not is_so("message_like", "died", facts)
    assert not is_so("message_like", "WEB*", facts)
    assert is_so("reason_like", "*", facts) is True


def test_what_is_about_the_same_rule_stands_together() -> None:
    """As many as possible are as expected; then the same rule counts, and other rules never do."""
    wanted = [expected(rule="a", at=1.0), expected(rule="b", at=2.0), expected(rule="c"), expected(message="y")]
    sent = [came("b", 3.0), came("d", 4.0), came("c", 5.0), came("e", 6.0, "y")]
    assert side_by_side(wanted, sent) == [
        Row(wanted[0], None),
        Row(wanted[1], sent[0]),
        Row(None, sent[1]),
        Row(wanted[2], sent[2]),
        Row(wanted[3], sent[3]),
    ]
    assert [row.is_so for row in side_by_side(wanted, sent)] == [False, False, False, True, True]


RULES = st.sampled_from("abc")
TIMES = st.sampled_from([0.0, 1.0, 2.0])
SENT = st.lists(st.builds(came, RULES, TIMES), max_size=7)
WANTED = st.lists(
    st.one_of(
        st.builds(lambda rule, at: expected(rule=rule, at=at), RULES, TIMES),
        st.builds(lambda rule: expected(rule=rule), RULES),
        st.builds(lambda at: expected(at=at), TIMES),
    ),
    max_size=7,
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(WANTED, SENT)
def test_each_stands_there_once(wanted: list[Expected], sent: list[Facts]) -> None:
    """Whatever is laid side by side: each expected and each sent alert is there once, in its order."""
    rows = side_by_side(wanted, sent)
    assert [row.expected for row in rows if row.expected is not None] == wanted
    assert [row.came for row in rows if row.came is not None] == sent


@settings(derandomize=True, deadline=None, max_examples=300)
@given(WANTED, SENT)
def test_a_test_passes_if_and_only_if_each_is_as_expected(wanted: list[Expected], sent: list[Facts]) -> None:
    """All rows are right just if there are as many, and each has what is expected at its place."""
    rows = side_by_side(wanted, sent)
    plain = len(wanted) == len(sent) and all(
        all(other.get(key) == value for key, value in one.facts.items())
        for one, other in zip(wanted, sent, strict=True)
    )
    assert all(row.is_so for row in rows) is plain


def test_very_many_are_laid_side_by_side_as_they_come() -> None:
    """Two thousand alerts that are not as expected take no time that grows with their square."""
    wanted = [expected(rule="a", at=1.0)] * 2000
    sent = [came("a", 2.0)] * 2001
    rows = side_by_side(wanted, sent)
    assert (len(rows), rows[0], rows[-1]) == (2001, Row(wanted[0], sent[0]), Row(None, sent[0]))
