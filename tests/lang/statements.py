"""Random statements over the whole grammar, as the tokens of which they consist; and ways to put tokens into a text."""

import re
from collections.abc import Callable
from itertools import cycle, pairwise

from hypothesis import strategies as st

OPEN, CLOSE = "((", "))"
"""Parentheses that change nothing: they may be written or left out."""

NAMES = ("a", "pid", "groupname", "a_name_that_is_rather_long_but_not_unheard_of", "times", "where", "per")
EVENTS = ("PROCESS_STATE_EXITED", "PROCESS_LOG_STDERR", "crashed", "A", "times", "an_event_with_a_name_that_is_long")
LITERALS = ("0", "-1", "2.5", "007", "30s", "1h30m", "64KiB", "true", "null", '""', "'it is # no comment'", '"磁盘 🔥"')
STRINGS = ('"on rule let event"', r'"\"\\\n\t\u{1F600}"', '"a text that is of a notable length, and then some more"')
TEMPLATES = (*STRINGS, '"{process}  {a  ==  b}"', "'{{}}{(a)}'", "\"{json(a, 'b')} is a template of no small length\"")
DAYS = ("day", "Mon", "Sun", "Monday")
CLOCKS = ("02:00", "2:00", "24:00")
ZONES = ("UTC", "Europe/Paris", "America/Port-au-Prince", "America/Argentina/Buenos_Aires", "Etc/GMT+12")
DURATIONS = ("500ms", "30s", "1h30m", "0.5d", "60m")
COMPARISONS = ("==", "!=", "<", "<=", "=~", "!~", "like", "contains", "startswith", "in", "in", "not in")
Tokens = list[str]


class Writer:
    """Writes statements as tokens."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def one_of(self, words: tuple[str, ...]) -> str:
        """One of some words."""
        return self.draw(st.sampled_from(words))

    def maybe(self, *parts: str | Tokens) -> Tokens:
        """All of some tokens, or none."""
        tokens = [token for part in parts for token in ([part] if isinstance(part, str) else part)]
        return tokens if self.draw(st.booleans()) else []

    def several(self, write: Callable[[], Tokens], separator: str = ",", least: int = 1, most: int = 3) -> Tokens:
        """Some things with a separator between them."""
        count = self.draw(st.integers(least, most))
        return [token for number in range(count) for token in [*[separator] * bool(number), *write()]]

    def enclosed(self, tokens: Tokens) -> Tokens:
        """Tokens that may be in parentheses which change nothing."""
        count = self.draw(st.sampled_from((0, 0, 0, 0, 1, 2)))
        return [OPEN] * count + tokens + [CLOSE] * count

    # expressions

    def expression(self, levels: int) -> Tokens:
        """Any expression."""
        if self.draw(st.booleans()):
            return self.enclosed(self.several(lambda: self.conjunction(levels), "or", 2))
        return self.conjunction(levels)

    def conjunction(self, levels: int) -> Tokens:
        """What is tighter than `or`."""
        if self.draw(st.booleans()):
            return self.enclosed(self.several(lambda: self.negation(levels), "and", 2))
        return self.negation(levels)

    def negation(self, levels: int) -> Tokens:
        """What is tighter than `and`."""
        negated = ["not"] * self.draw(st.sampled_from((0, 0, 0, 1, 2)))
        return self.enclosed([*negated, *self.comparison(levels)])

    def comparison(self, levels: int) -> Tokens:
        """What is tighter than `not`."""
        if self.draw(st.booleans()):
            return self.operand(levels)
        operator = self.one_of(COMPARISONS).split()
        return self.enclosed([*self.operand(levels), *operator, *self.operand(levels)])

    def operand(self, levels: int) -> Tokens:
        """What stands beside an operator."""
        kind = self.draw(st.integers(0, 5)) if levels else 0
        match kind:
            case 1:
                return ["(", *self.expression(levels - 1), ")"]
            case 2:
                arguments = self.several(lambda: self.expression(levels - 1), least=0)
                return self.enclosed([self.one_of(NAMES), "(", *arguments, ")"])
            case 3:
                items = self.several(lambda: self.operand(levels - 1), least=0, most=4)
                return self.enclosed(["[", *items, *self.maybe(",") * bool(items), "]"])
        return self.enclosed([self.one_of((*NAMES, *LITERALS, *STRINGS))])

    # statements

    def selector(self, levels: int = 1) -> Tokens:
        """Events under a condition."""
        return [*self.several(lambda: self.selected(levels)), *self.maybe("where", self.expression(2))]

    def selected(self, levels: int) -> Tokens:
        """One of the events of a selector."""
        if levels and self.draw(st.integers(0, 3)) == 0:
            return ["(", *self.selector(levels - 1), ")"]
        return [self.one_of(EVENTS)]

    def duration(self) -> str:
        """A duration."""
        return self.one_of(DURATIONS)

    def names(self) -> Tokens:
        """Keys or channels."""
        return self.several(lambda: [self.one_of(NAMES)])

    def pattern(self) -> Tokens:
        """What a rule waits for beyond one event."""
        match self.draw(st.integers(0, 5)):
            case 0:
                return ["3", "times", "in", self.duration()]
            case 1:
                return ["5", "distinct", self.one_of(NAMES), "in", self.duration()]
            case 2:
                return ["for", self.duration()]
            case 3:
                return [self.one_of(("then", "without")), *self.selector(), "within", self.duration()]
        return []

    def alert(self) -> Tokens:
        """An alert with its clauses."""
        severity = self.maybe(self.one_of(("info", "warning", "error", "critical")))
        until = self.maybe("until", self.selector(), self.maybe("for", self.duration()))
        remind = self.maybe("remind", "every", self.duration(), self.maybe("doubling", "to", self.duration()))
        at_most = self.maybe("at", "most", "5", "per", self.duration())
        return ["alert", *severity, self.one_of(TEMPLATES), *self.maybe("to", self.names()), *until, *remind, *at_most]

    def action(self) -> Tokens:
        """An action."""
        target = self.maybe(self.one_of(TEMPLATES))
        match self.draw(st.integers(0, 5)):
            case 0:
                return ["run", "[", *self.several(lambda: [self.one_of(TEMPLATES)], most=4), *self.maybe(","), "]"]
            case 1:
                return [self.one_of(("start", "stop", "restart")), *target]
            case 2:
                return ["signal", "HUP", *target]
            case 3:
                return ["shutdown"]
        return self.alert()

    def route(self) -> Tokens:
        """A route."""
        condition = self.maybe(self.expression(2))
        return ["route", *condition, "to", *self.names(), *self.maybe(",", "else", "to", self.names())]

    def mute(self) -> Tokens:
        """A mute."""
        zone = self.maybe(self.one_of(ZONES))
        hours = self.maybe(self.one_of(CLOCKS), "-", self.one_of(CLOCKS))
        window = ["every", *self.several(self.days), *hours, *zone]
        if self.draw(st.booleans()):
            window = ["from", "2026-12-24T18:00", "to", "2026-12-27T08:00:30", *zone]
        condition, because = self.maybe(self.expression(2)), self.maybe("because", self.one_of(STRINGS))
        return ["mute", *condition, *self.maybe(window), *because]

    def days(self) -> Tokens:
        """A day, or from one to another."""
        return [self.one_of(DAYS), *self.maybe("-", self.one_of(DAYS))]

    def statement(self) -> Tokens:
        """A statement."""
        match self.draw(st.integers(0, 6)):
            case 5:
                return self.route()
            case 6:
                return self.mute()
            case 0:
                return ["let", self.one_of(NAMES[:4]), "=", *self.expression(2)]
            case 1:
                return ["event", self.one_of(NAMES[:4]), "=", *self.selector(2)]
        name = self.maybe("rule", self.one_of(("a", "on", "crash_loop", "where")))
        trigger = [*self.selector(), *self.pattern()]
        if self.draw(st.integers(0, 5)) == 0:
            trigger = ["no", *self.selector(), "for", self.duration()]
        scope = self.maybe(["per", *self.names()] if self.draw(st.booleans()) else ["overall"])
        return [*name, "on", *trigger, *scope, *self.several(self.action, "", most=3)]


@st.composite
def statements(draw: st.DrawFn) -> list[Tokens]:
    """Some statements."""
    writer = Writer(draw)
    return [[token for token in writer.statement() if token] for _ in range(draw(st.integers(1, 2)))]


# tokens as a text

SPACES = (" ", "  ", "\n", "\n  ", "\t", "\r\n", "\n\n", "\n \n\n\t", "\f")
COMMENTS = ("#", "# it's", "#!x", "# on A shutdown", "# allow RL401: so it is", '# "', "#\t a  b \t", "# 磁盘\x0b\x85")
_SIGN = re.compile(r"[(),\[\]=]")


def with_parentheses(tokens: Tokens) -> Tokens:
    """Tokens with the parentheses that change nothing."""
    return [{OPEN: "(", CLOSE: ")"}.get(token, token) for token in tokens]


def without_parentheses(tokens: Tokens) -> Tokens:
    """Tokens without the parentheses that change nothing."""
    return [token for token in tokens if token not in (OPEN, CLOSE)]


def comments_of(text: str) -> list[str]:
    """The comments of a text without the spaces at their ends."""
    pieces = re.findall(r""""(?:[^"\\\n]|\\.)*"|'[^'\n]*'|(#[^\n]*)""", text)
    return [comment.rstrip() for comment in pieces if comment]


GAPS = st.sampled_from((*[" "] * 8, *SPACES))
MORE = st.sampled_from(("", "# x\n", "  # y\n\n"))
COMMENTED = st.builds("{}{}\n{}{}".format, GAPS, st.sampled_from(COMMENTS), GAPS, MORE)


@st.composite
def spaced(draw: st.DrawFn, tokens: Tokens, *, comments: bool = True) -> str:
    """Tokens as a text, with any spaces and comments between them."""
    gaps = draw(st.lists(st.one_of(GAPS, GAPS, COMMENTED) if comments else GAPS, min_size=1, max_size=16))
    text = ""
    for (left, right), gap in zip(pairwise(["", *with_parentheses(tokens), ""]), cycle(gaps), strict=False):
        text += ("" if gap == "\t" and (_SIGN.match(left) or _SIGN.match(right)) else gap) + right
    return text
