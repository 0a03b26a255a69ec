"""What lark has parsed becomes nodes: one method for each rule and alias of the grammar, of the same name.

lark calls these methods while it parses, so no tree is built in between. The grammar keeps the tokens that begin and
end a list or a call, from which a node's place is taken.
"""

from typing import Any, Protocol

from lark import Token, Transformer

from rules_listener.base.source import Span
from rules_listener.lang import nodes
from rules_listener.lang.literals import number_value, read_duration, read_size, unescape

Part = Any
"""What a method is given: tokens and nodes, None where something optional is missing; the grammar says which."""

Parts = list[Part]


class Place(Protocol):
    """Where the text that is being parsed stands, and who wants to know what is wrong with it."""

    def span(self, start: int, end: int) -> Span:
        """The place of the characters `[start, end)` of the text that is being parsed."""

    def report(self, code: str, message: str, span: Span, label: str = "") -> None:
        """Say that something is wrong."""

    def template(self, text: nodes.Text) -> nodes.Template:
        """`text` read as a template."""

    def nesting(self, node: nodes.Expression | nodes.Selector) -> None:
        """Report what is nested too deeply."""


class ExpressionBuilder(Transformer[Token, Any]):
    """The rules of `expressions.lark`. The last of `places` is where the text that is being parsed stands."""

    def __init__(self, places: list[Place]) -> None:
        super().__init__()
        self.places = places

    def span(self, first: Part, last: Part) -> Span:
        """From the first part to the last, tokens or nodes."""
        return self.token_span(first).to(self.token_span(last))

    def token_span(self, part: Part) -> Span:
        """The place of a token or a node."""
        if isinstance(part, nodes.Node):
            return part.span
        return self.places[-1].span(part.start_pos, part.end_pos)

    def word(self, token: Token) -> nodes.Name:
        """A token as a name."""
        return nodes.Name(self.token_span(token), str(token))

    def name(self, parts: Parts) -> nodes.Name:
        """NAME."""
        return self.word(parts[0])

    def string(self, parts: Parts) -> nodes.Text:
        """STRING."""
        return self.text(parts[0])

    def text(self, token: Token) -> nodes.Text:
        """A string with its escapes undone."""
        start = token.start_pos or 0
        span = self.token_span(token)
        inner = str(token)[1:-1]
        if token.startswith("'") or "\\" not in inner:
            return nodes.Text(span, inner, range(span.start + 1, span.start + 1 + len(inner)))
        value, offsets = "", list[int]()
        for piece, first, last in unescape(inner):
            here = self.places[-1].span(start + 1 + first, start + 1 + last)
            if piece is None:
                self.places[-1].report(
                    "RL104", f"unknown escape `{inner[first:last]}`", here, "write \\\\ for a backslash"
                )
            elif last - first == len(piece):
                value, offsets = value + piece, offsets + list(range(here.start, here.start + len(piece)))
            else:
                value, offsets = value + piece, [*offsets, here.start]
        return nodes.Text(span, value, tuple(offsets))

    def number(self, parts: Parts) -> nodes.Number:
        """NUMBER."""
        return nodes.Number(self.token_span(parts[0]), number_value(parts[0]))

    def size(self, parts: Parts) -> nodes.Number:
        """SIZE."""
        return nodes.Number(self.token_span(parts[0]), read_size(parts[0]) or 0)

    def duration(self, parts: Parts) -> nodes.Duration:
        """DURATION."""
        return nodes.Duration(self.token_span(parts[0]), read_duration(parts[0]) or 0.0)

    def constant(self, parts: Parts) -> nodes.Constant:
        """`true`, `false`, `null`."""
        return nodes.Constant(self.token_span(parts[0]), {"true": True, "false": False}.get(parts[0]))

    def list_(self, parts: Parts) -> nodes.ListOf:
        """`[a, b]`."""
        items = tuple(part for part in parts[1:-1] if part is not None)
        return nodes.ListOf(self.span(parts[0], parts[-1]), items)

    def call(self, parts: Parts) -> nodes.Call:
        """`function(a, b)`."""
        arguments = tuple(part for part in parts[2:-1] if part is not None)
        return nodes.Call(self.span(parts[0], parts[-1]), self.word(parts[0]), arguments)

    def parenthesized(self, parts: Parts) -> nodes.Expression:
        """`(a)`: the same as a, in a place that is wider by the parentheses."""
        expression: nodes.Expression = parts[1]
        expression.span = self.span(parts[0], parts[2])
        return expression

    def compare(self, parts: Parts) -> nodes.Compare:
        """`a == b`."""
        left, operator, right = parts
        return nodes.Compare(self.span(left, right), left, str(operator), right)

    def in_(self, parts: Parts) -> nodes.In:
        """`a in b`."""
        return nodes.In(self.span(parts[0], parts[-1]), parts[0], parts[-1], negated=False)

    def not_in(self, parts: Parts) -> nodes.In:
        """`a not in b`."""
        return nodes.In(self.span(parts[0], parts[-1]), parts[0], parts[-1], negated=True)

    def not_(self, parts: Parts) -> nodes.Not:
        """`not a`."""
        return nodes.Not(self.span(parts[0], parts[1]), parts[1])

    def and_(self, parts: Parts) -> nodes.And:
        """`a and b`."""
        return nodes.And(self.span(parts[0], parts[-1]), tuple(parts))

    def or_(self, parts: Parts) -> nodes.Or:
        """`a or b`."""
        return nodes.Or(self.span(parts[0], parts[-1]), tuple(parts))


class StatementBuilder(ExpressionBuilder):
    """The rules of `rules.lark`."""

    def let(self, parts: Parts) -> nodes.Let:
        """`let NAME = EXPRESSION`."""
        name, value = parts
        self.places[-1].nesting(value)
        return nodes.Let(self.span(name, value), self.word(name), value)

    def event(self, parts: Parts) -> nodes.EventDefinition:
        """`event NAME = SELECTOR`."""
        name, selector = parts
        self.places[-1].nesting(selector)
        return nodes.EventDefinition(self.span(name, selector), self.word(name), selector)

    def rule(self, parts: Parts) -> nodes.Rule:
        """`[rule NAME] on TRIGGER [SCOPE] ACTIONS`."""
        name, (selector, pattern), scope, actions = parts
        self.places[-1].nesting(selector)
        span = self.span(name or selector, actions[-1])
        return nodes.Rule(span, name and self.word(name), selector, pattern, scope, tuple(actions))

    def route(self, parts: Parts) -> nodes.Route:
        """`route [CONDITION] to CHANNEL, … [, else to CHANNEL, …]`."""
        keyword, condition, *channels, otherwise = parts
        self._condition(condition)
        last = otherwise[-1] if otherwise else channels[-1]
        return nodes.Route(self.span(keyword, last), condition, self.to(channels), otherwise or ())

    def mute(self, parts: Parts) -> nodes.Mute:
        """`mute [CONDITION] [WINDOW] [because REASON]`."""
        keyword, condition, window, reason = parts
        self._condition(condition)
        last = next(part for part in reversed(parts) if part is not None)
        return nodes.Mute(self.span(keyword, last), condition, window, reason and self.text(reason))

    def _condition(self, node: nodes.Expression | None) -> None:
        if node is not None:
            self.places[-1].nesting(node)

    def weekly(self, parts: Parts) -> nodes.Weekly:
        """`every DAYS [FROM-TO] [ZONE]`."""
        days, start, _, end, zone = parts
        hours = (self._clock(start), self._clock(end)) if start else None
        return nodes.Weekly(self.span(days[0], zone or end or days[-1]), days, hours, zone and self.word(zone))

    def _clock(self, token: Token) -> nodes.Clock:
        return nodes.Clock(self.token_span(token), str(token))

    def stretch(self, parts: Parts) -> nodes.Stretch:
        """`from MOMENT to MOMENT [ZONE]`."""
        start, end, zone = parts
        first, last = (nodes.Moment(self.token_span(token), str(token)) for token in (start, end))
        return nodes.Stretch(self.span(start, zone or end), first, last, zone and self.word(zone))

    def days(self, parts: Parts) -> tuple[nodes.Days, ...]:
        """One day or more."""
        return tuple(parts)

    def day(self, parts: Parts) -> nodes.Days:
        """`Sun` or `Mon-Fri`."""
        first, dash, last = parts
        return nodes.Days(self.span(first, last if dash else first), self.word(first), last and self.word(last))

    def once(self, parts: Parts) -> tuple[nodes.Selector, None]:
        """A selector alone."""
        return parts[0], None

    def over_time(self, parts: Parts) -> tuple[nodes.Selector, nodes.Pattern]:
        """A selector and a pattern."""
        return parts[0], parts[1]

    def absence(self, parts: Parts) -> tuple[nodes.Selector, nodes.Pattern]:
        """`no SELECTOR for DURATION`."""
        selector, duration = parts
        return selector, nodes.Pattern(self.span(selector, duration), "no", self.duration([duration]))

    def selected_name(self, parts: Parts) -> nodes.Name:
        """A type of event, or the name of an `event` statement."""
        return self.word(parts[0])

    def selector(self, parts: Parts) -> nodes.Selector:
        """`A, B where CONDITION`, in parentheses or not."""
        *selected, condition = parts
        return nodes.Selector(self.span(parts[0], condition or selected[-1]), tuple(selected), condition)

    def nested(self, parts: Parts) -> nodes.Selector:
        """`( SELECTOR )`."""
        inner: nodes.Selector = parts[1]
        return nodes.Selector(self.span(parts[0], parts[2]), inner.selected, inner.condition)

    def times(self, parts: Parts) -> nodes.Pattern:
        """`N times in D`."""
        number, _, duration = parts
        return self._pattern("times", parts, duration, number=self.number([number]))

    def distinct(self, parts: Parts) -> nodes.Pattern:
        """`N distinct FIELD in D`."""
        number, field, _, duration = parts
        return self._pattern("distinct", parts, duration, number=self.number([number]), field=self.word(field))

    def for_(self, parts: Parts) -> nodes.Pattern:
        """`for D`."""
        return self._pattern("for", parts, parts[0])

    def then(self, parts: Parts) -> nodes.Pattern:
        """`then S within D`."""
        self.places[-1].nesting(parts[0])
        return self._pattern("then", parts, parts[1], selector=parts[0])

    def without(self, parts: Parts) -> nodes.Pattern:
        """`without S within D`."""
        self.places[-1].nesting(parts[0])
        return self._pattern("without", parts, parts[1], selector=parts[0])

    def _pattern(self, kind: str, parts: Parts, duration: Token, **more: Any) -> nodes.Pattern:
        return nodes.Pattern(self.span(parts[0], parts[-1]), kind, self.duration([duration]), **more)

    def per(self, parts: Parts) -> nodes.Scope:
        """`per KEY, …`."""
        return nodes.Scope(self.span(parts[0], parts[-1]), tuple(map(self.word, parts)))

    def overall(self, parts: Parts) -> nodes.Scope:
        """`overall`."""
        return nodes.Scope(self.token_span(parts[0]), ())

    def actions(self, parts: Parts) -> list[nodes.Action]:
        """One action or more."""
        return parts

    def alert(self, parts: Parts) -> nodes.Alert:
        """`alert [SEVERITY] TEMPLATE` and its clauses."""
        severity, template, channels, *clauses = parts
        last = next(part for part in reversed(parts) if part is not None)
        last = last[-1] if isinstance(last, tuple) else last
        span = self.span(severity or template, last)
        text = self.places[-1].template(self.text(template))
        return nodes.Alert(span, str(severity or "error"), text, channels or (), *clauses)

    def to(self, parts: Parts) -> tuple[nodes.Name, ...]:
        """`to CHANNEL, …`."""
        return tuple(map(self.word, parts))

    def until(self, parts: Parts) -> nodes.Until:
        """`until S [for D]`."""
        selector, duration = parts
        self.places[-1].nesting(selector)
        return nodes.Until(self.span(selector, duration or selector), selector, duration and self.duration([duration]))

    def remind(self, parts: Parts) -> nodes.Remind:
        """`remind every D [doubling to D]`."""
        every, doubling = parts
        return nodes.Remind(
            self.span(every, doubling or every), self.duration([every]), doubling and self.duration([doubling])
        )

    def at_most(self, parts: Parts) -> nodes.AtMost:
        """`at most N per D`."""
        number, duration = parts
        return nodes.AtMost(self.span(number, duration), self.number([number]), self.duration([duration]))

    def run(self, parts: Parts) -> nodes.Run:
        """`run [TEMPLATE, …]`."""
        arguments = tuple(self.places[-1].template(self.text(part)) for part in parts[1:-1] if part is not None)
        return nodes.Run(self.span(parts[0], parts[-1]), arguments)

    def process_action(self, parts: Parts) -> nodes.ProcessAction:
        """`start`, `stop` or `restart`, with an optional target."""
        kind, target = parts
        return nodes.ProcessAction(self.span(kind, target or kind), str(kind), self._target(target))

    def signal(self, parts: Parts) -> nodes.ProcessAction:
        """`signal NAME`, with an optional target."""
        name, target = parts
        return nodes.ProcessAction(self.span(name, target or name), "signal", self._target(target), self.word(name))

    def shutdown(self, parts: Parts) -> nodes.ProcessAction:
        """`shutdown`."""
        return nodes.ProcessAction(self.token_span(parts[0]), "shutdown")

    def _target(self, token: Token | None) -> nodes.Template | None:
        return None if token is None else self.places[-1].template(self.text(token))
