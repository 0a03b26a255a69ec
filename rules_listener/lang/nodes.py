"""What a rule file says, as it is written: the syntax tree.

1. Every node knows its place in the text.
2. Nothing is looked up here: a name is a name, whatever it stands for.
"""

from dataclasses import dataclass

from rules_listener.base.source import Span


@dataclass(slots=True)
class Node:
    """Something that stands in a rule file, at `span`."""

    span: Span


# expressions


@dataclass(slots=True)
class Name(Node):
    """A field, or a name that a `let` statement defines."""

    name: str


@dataclass(slots=True)
class Text(Node):
    """A string: what it stands for, and where each of its characters stands in the source."""

    value: str
    offsets: tuple[int, ...] | range


@dataclass(slots=True)
class Number(Node):
    """A number, or a size in bytes."""

    value: int | float


@dataclass(slots=True)
class Duration(Node):
    """A time span in seconds, and how it is spelled."""

    seconds: float


@dataclass(slots=True)
class Constant(Node):
    """`true`, `false` or `null` (None)."""

    value: bool | None


@dataclass(slots=True)
class ListOf(Node):
    """`[a, b, …]`."""

    items: tuple["Expression", ...]


@dataclass(slots=True)
class Call(Node):
    """A builtin with its arguments."""

    function: Name
    arguments: tuple["Expression", ...]


@dataclass(slots=True)
class Compare(Node):
    """Two values and an operator between them: `==`, `=~`, `like`, …."""

    left: "Expression"
    operator: str
    right: "Expression"


@dataclass(slots=True)
class In(Node):
    """Whether a value is in a list; `not in` where `negated`."""

    item: "Expression"
    container: "Expression"
    negated: bool


@dataclass(slots=True)
class Not(Node):
    """The opposite."""

    operand: "Expression"


@dataclass(slots=True)
class And(Node):
    """All of them."""

    operands: tuple["Expression", ...]


@dataclass(slots=True)
class Or(Node):
    """At least one of them."""

    operands: tuple["Expression", ...]


Expression = Name | Text | Number | Duration | Constant | ListOf | Call | Compare | In | Not | And | Or


@dataclass(slots=True)
class Template(Node):
    """Text with expressions in it."""

    parts: tuple["str | Expression", ...]


# selectors and patterns


@dataclass(slots=True)
class Selector(Node):
    """The union of some events, all under one condition."""

    selected: tuple["Name | Selector", ...]
    condition: Expression | None


@dataclass(slots=True)
class Pattern(Node):
    """What a rule waits for beyond one event; `kind` is its word in the language."""

    kind: str
    duration: Duration
    number: Number | None = None
    field: Name | None = None
    selector: Selector | None = None


@dataclass(slots=True)
class Scope(Node):
    """`per KEY, …`, or `overall` where there are no keys."""

    keys: tuple[Name, ...]


# actions


@dataclass(slots=True)
class Until(Node):
    """`until S [for D]`."""

    selector: Selector
    duration: Duration | None


@dataclass(slots=True)
class Remind(Node):
    """`remind every D [doubling to D]`."""

    every: Duration
    doubling_to: Duration | None


@dataclass(slots=True)
class AtMost(Node):
    """`at most N per D`."""

    number: Number
    duration: Duration


@dataclass(slots=True)
class Alert(Node):
    """`alert [SEVERITY] TEMPLATE [to CHANNEL, …]` and its clauses."""

    severity: str
    template: Template
    channels: tuple[Name, ...]
    until: Until | None
    remind: Remind | None
    at_most: AtMost | None


@dataclass(slots=True)
class Run(Node):
    """`run [TEMPLATE, …]`."""

    arguments: tuple[Template, ...]


@dataclass(slots=True)
class ProcessAction(Node):
    """`start`, `stop`, `restart`, `signal NAME`, with an optional target; `shutdown`."""

    kind: str
    target: Template | None = None
    signal: Name | None = None


Action = Alert | Run | ProcessAction


# statements


@dataclass(slots=True)
class Let(Node):
    """`let NAME = EXPRESSION`."""

    name: Name
    value: Expression


@dataclass(slots=True)
class EventDefinition(Node):
    """`event NAME = SELECTOR`."""

    name: Name
    selector: Selector


@dataclass(slots=True)
class Rule(Node):
    """`[rule NAME] on …`; `on no S for D` has a pattern of the kind `no`."""

    name: Name | None
    selector: Selector
    pattern: Pattern | None
    scope: Scope | None
    actions: tuple[Action, ...]


# where alerts go, and when none are sent


@dataclass(slots=True)
class Days(Node):
    """A day of the week, or from one to another; `day` is every one."""

    first: Name
    last: Name | None


@dataclass(slots=True)
class Clock(Node):
    """`02:00`: what a clock shows, as it is spelled."""

    text: str


@dataclass(slots=True)
class Moment(Node):
    """`2026-12-24T18:00`: a date and a time, as they are spelled."""

    text: str


@dataclass(slots=True)
class Weekly(Node):
    """`every DAYS [FROM-TO] [ZONE]`; without hours, all day."""

    days: tuple[Days, ...]
    hours: tuple[Clock, Clock] | None
    zone: Name | None


@dataclass(slots=True)
class Stretch(Node):
    """`from MOMENT to MOMENT [ZONE]`."""

    start: Moment
    end: Moment
    zone: Name | None


@dataclass(slots=True)
class Route(Node):
    """`route [CONDITION] to CHANNEL, … [, else to CHANNEL, …]`."""

    condition: Expression | None
    channels: tuple[Name, ...]
    otherwise: tuple[Name, ...]


@dataclass(slots=True)
class Mute(Node):
    """`mute [CONDITION] [WINDOW] because REASON`; that there is a reason is checked later."""

    condition: Expression | None
    window: Weekly | Stretch | None
    reason: Text | None


Statement = Rule | Let | EventDefinition | Route | Mute
