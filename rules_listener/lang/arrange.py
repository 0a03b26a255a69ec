"""A statement becomes a layout: which words stand together, where lines may end, how far the next ones are indented.

1. The nodes say how the text is built; its words come from the tokens, spelled as they are.
2. Words, literals and brackets are written in the order of their tokens. Only the parentheses of conditions, and the
   comma behind a list's last item, are written as the form wants them.
3. Where a comment stands, the line ends. It stays between the words between which it was, with two exceptions: it goes
   behind a comma instead of before it, and before `and` and `or` instead of behind them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from rules_listener.lang import nodes
from rules_listener.lang.layout import Group, IfBroken, Indented, Layout, NewLine, Place, Remark
from rules_listener.lang.tokens import Comment, Cursor

INDENT = 2
CONTINUED = 4
"""How far a clause before the actions is indented: further than an action."""

_SPACE = Place(" ")
_NOTHING = Place("")
_BEFORE_ACTION = Place("  ")

_LOGIC, _NEGATION, _COMPARISON, _OPERAND = range(4)
"""How tightly expressions bind: what is in a place that asks for more is in parentheses."""

_Node = TypeVar("_Node", bound=nodes.Node)


class ExpressionArranger:
    """Arranges the expressions of a text, in their order."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    def word(self, before: Layout, word: str = "") -> Layout:
        """The next token, which is `word` if that is given; `before` stands before it unless a comment does."""
        text, comments = self.cursor.take(word)
        return _between(comments, before), text

    def words(self, before: Layout, *words: str) -> Layout:
        """Tokens with spaces between them; "" is any word or literal."""
        first, *others = words
        return self.word(before, first), Indented(INDENT, tuple(self.word(" ", word) for word in others))

    def gap(self, between: Layout) -> Layout:
        """What stands before the next token: `between`, or the comments that are there."""
        return _between(self.cursor.take_comments(), between)

    def items(self, items: Sequence[_Node], arrange: Callable[[_Node], Layout]) -> Layout:
        """Items with commas between them; the comments before a comma go behind it."""
        arranged: list[Layout] = []
        for number, item in enumerate(items):
            if number:
                comma, comments = self.cursor.take(",")
                self.cursor.hold(comments)
                arranged += [comma, self.gap(_SPACE)]
            arranged.append(Group(arrange(item)))
        return tuple(arranged)

    def bracket(self, opening: Layout, inside: Layout, closing: str) -> Layout:
        """Something in brackets, which has lines of its own where it does not fit on one.

        A parenthesis may be one that is not there yet.
        """
        comments: list[Comment] = []
        if closing in ("]", self.cursor.next.text):
            _, comments = self.cursor.take(closing)
        end: Layout = _NOTHING if inside or comments else ""
        return opening, Group((Indented(INDENT, (inside, _between(comments, ""))), end, closing))

    def expression(self, node: nodes.Expression, least: int = _LOGIC, indent: int = 0) -> Layout:
        """An expression; in parentheses if it binds less tightly than `least`.

        The lines that `and` and `or` begin are indented by `indent`.
        """
        opening: Layout = ""
        if is_parenthesized := _tightness(node) < least:
            opening = self.word("", "(") if self.cursor.next.text == "(" else "("
        start = self.gap(_NOTHING) if is_parenthesized else ""
        arranged: Layout
        match node:
            case nodes.And() | nodes.Or():
                arranged = self.logic(node, indent)
            case nodes.Not():
                arranged = self.word("", "not"), self.gap(" "), self.expression(node.operand, _NEGATION)
            case nodes.Compare():
                arranged = self.comparison(node.left, [node.operator], node.right)
            case nodes.In():
                arranged = self.comparison(node.item, ["not", "in"][not node.negated :], node.container)
            case nodes.Call():
                arranged = self.call(node)
            case nodes.ListOf():
                arranged = self.list_of(node.items, partial(self.expression, least=_OPERAND))
            case _:
                arranged = self.word("")
        return self.bracket(opening, (start, arranged), ")") if is_parenthesized else arranged

    def logic(self, node: nodes.And | nodes.Or, indent: int) -> Layout:
        """Operands with an operator between them, each on a line of its own if they do not fit on one."""
        first, *others = node.operands
        start, following = self.expression(first, _NEGATION), list[Layout]()
        for operand in others:
            operator, comments = self.cursor.take("and" if isinstance(node, nodes.And) else "or")
            comments += self.cursor.take_comments(inside=_tightness(operand) > _LOGIC)
            following += [_between(comments, _SPACE), operator, " ", self.expression(operand, _NEGATION)]
        return start, Indented(indent, tuple(following))

    def comparison(self, left: nodes.Expression, operator: list[str], right: nodes.Expression) -> Layout:
        """An operator between two operands."""
        start = self.expression(left, _OPERAND), self.words(" ", *operator)
        return start, self.gap(" "), self.expression(right, _OPERAND)

    def call(self, node: nodes.Call) -> Layout:
        """A function and its arguments."""
        opening = self.word(""), self.word("", "(")
        inside: Layout = ""
        if node.arguments:
            inside = self.gap(_NOTHING), self.items(node.arguments, self.expression)
        return self.bracket(opening, inside, ")")

    def list_of(self, items: Sequence[_Node], arrange: Callable[[_Node], Layout]) -> Layout:
        """A list, with a comma at its end if its items have lines of their own."""
        opening = self.word("", "[")
        inside: Layout = ""
        if items:
            inside = self.gap(_NOTHING), self.items(items, arrange), IfBroken(",")
        return self.bracket(opening, inside, "]")


class Arranger(ExpressionArranger):
    """Arranges the statements of a text, in their order.

    `action_start` is where the last action begins in the text.
    """

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(cursor)
        self.action_start = 0

    def statement(self, node: nodes.Statement) -> Layout:
        """A statement, without the comments before and behind it."""
        match node:
            case nodes.Let():
                return self.let(node)
            case nodes.EventDefinition():
                return self.event(node)
            case nodes.Rule():
                return self.rule(node)
            case nodes.Route():
                return self.route(node)
            case nodes.Mute():
                return self.mute(node)

    def let(self, node: nodes.Let) -> Layout:
        """`let NAME = EXPRESSION`: a bracket may begin on its line, `and` and `or` have lines of their own."""
        start = self.words("", "let", "", "=")
        comments = self.cursor.take_comments(inside=True)
        if isinstance(node.value, nodes.And | nodes.Or) or comments:
            between = _between(comments, _SPACE)
            return Group((start, Indented(INDENT, (between, Group(self.expression(node.value))))))
        return start, " ", self.expression(node.value)

    def event(self, node: nodes.EventDefinition) -> Layout:
        """`event NAME = SELECTOR`."""
        start = self.words("", "event", "", "=")
        return Group((start, Indented(INDENT, (self.gap(_SPACE), Group(self.selector(node.selector))))))

    def rule(self, node: nodes.Rule) -> Layout:
        """A rule: in one line if it has no name and fits."""
        name = (self.words("", "rule", ""), self.gap(NewLine())) if node.name else ""
        trigger = Group((self.word("", "on"), Indented(CONTINUED, self.trigger(node))))
        actions = [(self.gap(_BEFORE_ACTION), self.action(action)) for action in node.actions]
        return Group((name, trigger, Indented(INDENT, tuple(actions))))

    # what a rule waits for

    def selector(self, node: nodes.Selector) -> Layout:
        """Events, and the condition under which they are selected: on a line of its own if it has to be."""
        events = Group(self.items(node.selected, self.selected))
        if node.condition is None:
            return events
        where = self.word(_SPACE, "where")
        comments = self.cursor.take_comments(inside=True)
        if comments:
            return events, where, Indented(INDENT, (_between(comments, ""), Group(self.expression(node.condition))))
        return events, where, " ", Group(self.expression(node.condition, indent=INDENT))

    def selected(self, node: nodes.Name | nodes.Selector) -> Layout:
        """A type of event, or a selector in parentheses."""
        if isinstance(node, nodes.Name):
            return self.word("")
        return self.bracket(self.word("", "("), (self.gap(_NOTHING), self.selector(node)), ")")

    def trigger(self, node: nodes.Rule) -> Layout:
        """All that stands before the actions: each clause on a line of its own if they do not fit on one."""
        no = self.word(" ", "no") if node.pattern and node.pattern.kind == "no" else ""
        selector = no, self.gap(" "), self.selector(node.selector)
        if node.pattern is None:
            return selector, self.scope(node.scope)
        return selector, self.gap(_SPACE), Group((self.pattern(node.pattern), self.scope(node.scope)))

    def pattern(self, node: nodes.Pattern) -> Layout:
        """What a rule waits for beyond one event."""
        if node.selector:
            start = self.word("", node.kind), self.gap(" "), self.selector(node.selector)
            return Indented(INDENT, (start, self.words(_SPACE, "within", "")))
        match node.kind:
            case "times":
                return self.words("", "", "times", "in", "")
            case "distinct":
                return self.words("", "", "distinct", "", "in", "")
        return self.words("", "for", "")

    def scope(self, node: nodes.Scope | None) -> Layout:
        """`per KEY, …` or `overall`, if there is one."""
        if node is None:
            return ""
        return (self.word(_SPACE, "per"), self.names(node.keys)) if node.keys else self.word(_SPACE, "overall")

    def names(self, names: Sequence[nodes.Name]) -> Layout:
        """Names behind a keyword."""
        return Group(Indented(INDENT, (self.gap(" "), self.items(names, self.spelled))))

    def spelled(self, _: nodes.Node) -> Layout:
        """A node that is a token."""
        return self.word("")

    # what it does then

    def action(self, node: nodes.Action) -> Layout:
        """An action."""
        self.action_start = self.cursor.next.start
        match node:
            case nodes.Alert():
                return self.alert(node)
            case nodes.Run():
                return self.word("", "run"), self.gap(" "), self.list_of(node.arguments, self.spelled)
            case nodes.ProcessAction():
                operands = [""] * (bool(node.signal) + bool(node.target))
                return self.words("", node.kind, *operands)

    def alert(self, node: nodes.Alert) -> Layout:
        """`alert`: its clauses have lines of their own unless the rule is in one line."""
        alert = self.word("", "alert")
        severity = self.word(" ", node.severity) if self.cursor.next.text == node.severity else ""
        template = self.word(" ")
        to = (self.word(_SPACE, "to"), self.names(node.channels)) if node.channels else ""
        clauses = self.until(node.until), self.remind(node.remind), self.at_most(node.at_most)
        return Indented(INDENT, (Group((alert, severity, template, to)), clauses))

    def until(self, node: nodes.Until | None) -> Layout:
        """`until S [for D]`, if there is one."""
        if node is None:
            return ""
        until = self.word(_SPACE, "until")
        selector = self.gap(" "), self.selector(node.selector)
        duration = self.words(_SPACE, "for", "") if node.duration else ""
        return until, Group(Indented(INDENT, (selector, duration)))

    def remind(self, node: nodes.Remind | None) -> Layout:
        """`remind every D [doubling to D]`, if there is one."""
        if node is None:
            return ""
        doubling = ["doubling", "to", ""] if node.doubling_to else []
        return self.words(_SPACE, "remind", "every", "", *doubling)

    def at_most(self, node: nodes.AtMost | None) -> Layout:
        """`at most N per D`, if there is one."""
        return "" if node is None else self.words(_SPACE, "at", "most", "", "per", "")

    # where alerts go, and when none are sent

    def route(self, node: nodes.Route) -> Layout:
        """`route`: its clauses have lines of their own if it does not fit on one."""
        start = self.word("", "route"), self.about(node.condition)
        to = self.word(_SPACE if node.condition else " ", "to"), self.names(node.channels)
        if not node.otherwise:
            return Group((start, Indented(INDENT, to)))
        comma, comments = self.cursor.take(",")
        self.cursor.hold(comments)
        otherwise = self.gap(_SPACE), self.words("", "else", "to"), self.names(node.otherwise)
        return Group((start, Indented(INDENT, (to, comma, otherwise))))

    def mute(self, node: nodes.Mute) -> Layout:
        """`mute`: likewise."""
        start = self.word("", "mute"), self.about(node.condition)
        window = self.window(node.window) if node.window else ""
        reason = self.words(_SPACE, "because", "") if node.reason else ""
        return Group((start, Indented(INDENT, (window, reason))))

    def about(self, condition: nodes.Expression | None) -> Layout:
        """Which alerts it is about, behind the keyword."""
        if condition is None:
            return ""
        between = _between(self.cursor.take_comments(inside=True), " ")
        return Indented(INDENT, (between, Group(self.expression(condition, indent=INDENT))))

    def window(self, node: nodes.Weekly | nodes.Stretch) -> Layout:
        """`every DAYS [FROM-TO] [ZONE]` or `from MOMENT to MOMENT [ZONE]`."""
        zone = [""] * bool(node.zone)
        if isinstance(node, nodes.Stretch):
            return self.words(_SPACE, "from", "", "to", "", *zone)
        every = self.word(_SPACE, "every"), Group(Indented(INDENT, (self.gap(" "), self.items(node.days, self.days))))
        hours = (self.word(" "), self.word("", "-"), self.word("")) if node.hours else ""
        return every, hours, (self.word(" ") if zone else "")

    def days(self, node: nodes.Days) -> Layout:
        """A day, or from one to another."""
        return self.word(""), (self.word("", "-"), self.word("")) if node.last else ""


def _between(comments: list[Comment], otherwise: Layout) -> Layout:
    """Comments, each at the end of a line; `otherwise` where there is none."""
    if not comments:
        return otherwise
    lines: list[Layout] = [NewLine(), *((comment.text, NewLine()) for comment in comments)]
    if comments[0].follows:
        lines[:2] = [Remark(comments[0].text), NewLine()]
    return tuple(lines)


def _tightness(node: nodes.Expression) -> int:
    match node:
        case nodes.And() | nodes.Or():
            return _LOGIC
        case nodes.Not():
            return _NEGATION
        case nodes.Compare() | nodes.In():
            return _COMPARISON
    return _OPERAND
