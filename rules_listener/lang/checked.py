"""What rules mean, once names are looked up and kinds are known: the form that is compiled.

1. Names of `let` and `event` statements are gone; what they stand for is in their place.
2. Every expression has one kind. A value that is missing makes what is said about it unknown.
3. `canonical` spells a meaning: two rules mean the same if and only if it is the same text. State is kept by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from rules_listener.event.catalogue import Kind

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written in the rule."""

    value: Scalar
    kind: Kind


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field of the event, of its header, or derived from them."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Given:
    """What is not in the event: `origin` is `host` or `env`, or `values` for what a firing gives to its templates."""

    origin: str
    name: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Apply:
    """A builtin of `lang/functions.py`, applied."""

    function: str
    arguments: tuple["Value", ...]
    kind: Kind


Value = Constant | FieldValue | Given | Apply


@dataclass(frozen=True, slots=True)
class Comparison:
    """`==`, `<`, `=~`, `like`, …; both sides are of one kind, or at least one is of any kind."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Member:
    """Whether a value is one of some constants."""

    item: Value
    constants: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """Whether a value is there. Never unknown."""

    value: Value


@dataclass(frozen=True, slots=True)
class Truth:
    """A value that is itself true or false."""

    value: Value


@dataclass(frozen=True, slots=True)
class Negation:
    """The opposite; unknown stays unknown."""

    operand: "Condition"


@dataclass(frozen=True, slots=True)
class AllOf:
    """True if all are, false if one is, else unknown."""

    operands: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True if one is, false if all are, else unknown."""

    operands: tuple["Condition", ...]


Condition = Comparison | Member | Present | Truth | Negation | AllOf | AnyOf
Expression = Value | Condition

TemplateParts = tuple[str | Expression, ...]
"""A template: texts, and what is put between them."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Some concrete types of events, under one condition (None: always)."""

    types: tuple[str, ...]
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a rule waits for beyond one event: `kind` is `times`, `distinct`, `for`, `then`, `without` or `no`.

    `number` and `field` are those of `N times` and `N distinct FIELD`, `arms` those of the S in `then S`, `without S`.
    """

    kind: str
    duration_s: float
    number: int = 0
    field: FieldValue | None = None
    arms: tuple[Arm, ...] = ()


@dataclass(frozen=True, slots=True)
class Until:
    """What closes an alert, once nothing speaks against it for `duration_s`."""

    arms: tuple[Arm, ...]
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Remind:
    """When an open alert is sent again: after `every_s`, then each time twice as long, up to `longest_s`."""

    every_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class AtMost:
    """How many notifications there may be in any stretch of `duration_s`."""

    number: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Action:
    """An action of a rule with the clauses of an alert; see `match/firing.py: Action` for what the templates are."""

    kind: str
    severity: str = "error"
    channels: tuple[str, ...] = ()
    templates: tuple[TemplateParts, ...] = ()
    until: Until | None = None
    remind: Remind | None = None
    at_most: AtMost | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: any of its arms selects an event, for a key made of the values of some fields (none: overall)."""

    name: str
    arms: tuple[Arm, ...]
    actions: tuple[Action, ...]
    pattern: Pattern | None = None
    keys: tuple[FieldValue, ...] = ()

    @property
    def meaning(self) -> str:
        """The fingerprint of what the rule means, whatever it is called and wherever it stands."""
        pattern = self.pattern
        waits = pattern and (*_spell_span(pattern), pattern.number, pattern.field and pattern.field.name)
        keys = [key.name for key in self.keys]
        spelled = (_spell_arms(self.arms), waits, keys, [_spell_action(action) for action in self.actions])
        return blake2b(repr(spelled).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts without channels of their own go, under a condition (None: always); `otherwise` is where else."""

    condition: Condition | None
    channels: tuple[str, ...]
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weekly:
    """From `start` to `end` (minutes of the day, at most 1440) of some days (Monday is 0) by the clocks of a zone.

    If it ends before it starts, it ends on the next day. No zone is the host's own.
    """

    days: tuple[int, ...]
    start: int
    end: int
    zone: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one moment to another, in seconds since 1970."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Mute:
    """When no alerts are sent, under a condition (None: any alert), and why; without a window, always.

    `name` is its place, for people.
    """

    name: str
    condition: Condition | None
    reason: str
    window: Weekly | Stretch | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, routes and mutes of all files, in order."""

    rules: tuple[Rule, ...]
    routes: tuple[Route, ...] = ()
    mutes: tuple[Mute, ...] = ()


def canonical(expression: Expression) -> str:
    """An expression spelled so that only its meaning counts."""
    match expression:
        case Constant():
            return f"{expression.kind}:{expression.value!r}"
        case FieldValue() | Given():
            return f"{getattr(expression, 'origin', 'field')}.{expression.name}"
        case Apply():
            return f"{expression.function}({','.join(map(canonical, expression.arguments))})"
        case Comparison():
            return f"({canonical(expression.left)}{expression.operator}{canonical(expression.right)})"
        case Member():
            return f"({canonical(expression.item)} in {','.join(sorted(map(canonical, expression.constants)))})"
        case Present() | Truth():
            return f"{type(expression).__name__}({canonical(expression.value)})"
        case Negation():
            return f"not{canonical(expression.operand)}"
        case AllOf() | AnyOf():
            return f"{type(expression).__name__}({','.join(map(canonical, expression.operands))})"


def _spell_arms(arms: tuple[Arm, ...]) -> list[str]:
    return [f"{','.join(arm.types)}{canonical(arm.condition) if arm.condition else ''}" for arm in arms]


def _spell_span(clause: Pattern | Until) -> tuple[object, ...]:
    return getattr(clause, "kind", "until"), clause.duration_s, _spell_arms(clause.arms)


def _spell_action(action: Action) -> tuple[object, ...]:
    templates = [_spell_template(parts) for parts in action.templates]
    remind, at_most = action.remind, action.at_most
    return (
        *(action.kind, action.severity, action.channels, templates),
        action.until and _spell_span(action.until),
        remind and (remind.every_s, remind.longest_s),
        at_most and (at_most.number, at_most.duration_s),
    )


def _spell_template(parts: TemplateParts) -> list[str]:
    return [repr(part) if isinstance(part, str) else canonical(part) for part in parts]


def subexpressions(expression: Expression) -> Iterator[Expression]:
    """The expression and all that it consists of, outermost first."""
    waiting = [expression]
    while waiting:
        current = waiting.pop()
        yield current
        match current:
            case Apply():
                waiting += current.arguments
            case Comparison():
                waiting += (current.left, current.right)
            case Member():
                waiting.append(current.item)
            case Present() | Truth():
                waiting.append(current.value)
            case Negation():
                waiting.append(current.operand)
            case AllOf() | AnyOf():
                waiting += current.operands


_NAMES = ("processname", "groupname", "process")


def named_processes(condition: Condition) -> set[Scalar]:
    """The names with which a condition compares that of a process or a group.

    To name the listener's own is to select its events, so such a part is not for nothing even if it is always true.
    """
    found = set[Scalar]()
    for part in subexpressions(condition):
        match part:
            case Comparison():
                sides: tuple[Value, ...] = (part.left, part.right)
            case Member():
                sides = (part.item, *part.constants)
            case _:
                sides = ()
        if any(isinstance(side, FieldValue) and side.name in _NAMES for side in sides):
            found |= {side.value for side in sides if isinstance(side, Constant)}
    return found
