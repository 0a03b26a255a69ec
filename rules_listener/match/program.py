"""A compiled rule set: what is kept in a file, and loaded without the compiler.

1. A program holds generated code and plain values, nothing of `lang`; loading it imports no parser.
2. Loading runs the module once, which does nothing but define names. Regular expressions are compiled when they are
   first looked for.
"""

import marshal
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from rules_listener.event.catalogue import CATALOGUE
from rules_listener.event.event import Seen
from rules_listener.match.firing import Action, AtMost, Mute, Pattern, Remind, Renderer, Route, Rule, Until, Window
from rules_listener.match.lookup import MATCHES, Patterns
from rules_listener.match.runtime import NAMESPACE

MAIN, SECOND, REOPEN, UNTIL = 0, 1, 2, 3
"""What an event can be to a rule: one that it selects, one of its pattern's S, one that keeps its alerts from closing;
from `UNTIL` on, one that closes the alert of the action with that number."""


class ActionData(NamedTuple):
    """An action; each of its templates is the name of a generated function, and the texts that it takes first."""

    kind: str
    severity: str
    channels: tuple[str, ...]
    templates: tuple[tuple[str, ...], ...]
    until: tuple[float, bool] | None = None
    remind: tuple[float, float] | None = None
    at_most: tuple[int, float] | None = None
    tells_suppressed: bool = False


class PatternData(NamedTuple):
    """A pattern; `of` is the name of a generated function, or empty."""

    kind: str
    duration_s: float
    number: int
    of: str


class RuleData(NamedTuple):
    """A rule without its conditions, which are in the code; `key` is the name of a generated function."""

    name: str
    meaning: str
    actions: tuple[ActionData, ...]
    groups: tuple[str, ...]
    key: str
    overall: bool = False
    pattern: PatternData | None = None


class RouteData(NamedTuple):
    """A route; `condition` is the name of a generated function, or empty."""

    condition: str
    channels: tuple[str, ...]
    otherwise: tuple[str, ...]


class MuteData(NamedTuple):
    """A mute; `condition` is the name of a generated function, or empty.

    `weekly` are the days, the minutes of the day from and to which, and the zone; `stretch` is from when to when.
    """

    name: str
    condition: str
    reason: str
    weekly: tuple[tuple[int, ...], int, int, str] | None = None
    stretch: tuple[float, float] | None = None


class Program(NamedTuple):
    """The marshalled code and tables, the rules by number, and the source of the code (empty once it was in a file).

    A trigger is a rule's number and what an event can be to it: see `MAIN`. `residual` is how many rules are tried at
    each event of a type, since the index does not lead to them.
    """

    code: bytes
    rules: tuple[RuleData, ...]
    triggers: tuple[tuple[int, int], ...]
    residual: int = 0
    source: str = ""
    routes: tuple[RouteData, ...] = ()
    mutes: tuple[MuteData, ...] = ()


Bucket = Callable[[Seen], list[int]]
"""The numbers of the triggers that an event pulls."""


class Loaded(NamedTuple):
    """A program that can run: rules, triggers, buckets by type of event, the configuration's templates by name.

    Routes and mutes are in the order in which they are asked.
    """

    rules: tuple[Rule, ...]
    triggers: tuple[tuple[int, int], ...]
    buckets: Mapping[str, Bucket]
    templates: Mapping[str, Renderer]
    routes: tuple[Route, ...] = ()
    mutes: tuple[Mute, ...] = ()

    @property
    def types(self) -> set[str]:
        """The types of events that the rules need: what they select, and what ends a state that has to last."""
        lasting = any(lasts(rule) for rule in self.rules)
        return {*self.buckets, *(_ENDS_OF_STATES if lasting else ())}


_ENDS_OF_STATES = (*(name for name in CATALOGUE if name.startswith("PROCESS_STATE_")), "PROCESS_GROUP_REMOVED")


def lasts(rule: Rule) -> bool:
    """Whether a process has to stay in a state for something of the rule."""
    if rule.pattern is not None and rule.pattern.kind == "for":
        return True
    return any(until is not None and until.of_states and until.duration_s for until in (a.until for a in rule.actions))


def load(program: Program, surroundings: Mapping[str, Callable[..., object]] | None = None) -> Loaded:
    """Run the program's module, and look up what it defines.

    `surroundings` are functions that stand for those of the same name in `NAMESPACE`.

    Raises:
        ConfigError: this host does not know a zone that a mute names.
    """
    code, tables = marshal.loads(program.code)  # noqa: S302 - our own code, from our own folder
    names: dict[str, object] = {**NAMESPACE, **(surroundings or {})}
    for name, (method, content) in tables.items():
        names[name] = Patterns(*content) if method == MATCHES else content
    exec(code, names)  # noqa: S102 - likewise
    rules = tuple(_rule(data, names) for data in program.rules)
    return Loaded(
        rules,
        program.triggers,
        names["BUCKETS"],  # type: ignore[arg-type] # see compile
        names["TEMPLATES"],  # type: ignore[arg-type] # likewise
        tuple(_route(data, names) for data in program.routes),
        tuple(_mute(data, names) for data in program.mutes),
    )


def _route(data: RouteData, names: Mapping[str, object]) -> Route:
    condition = names[data.condition] if data.condition else None
    return Route(condition, data.channels, data.otherwise)  # type: ignore[arg-type] # likewise


def _mute(data: MuteData, names: Mapping[str, object]) -> Mute:
    condition = names[data.condition] if data.condition else None
    return Mute(data.name, condition, data.reason, window_of(data))  # type: ignore[arg-type] # likewise


def window_of(data: MuteData) -> Window | None:
    """The window of a mute.

    Raises:
        ConfigError: this host does not know its zone.
    """
    if data.weekly is None and data.stretch is None:
        return None
    from rules_listener.match.windows import Stretch, Weekly  # noqa: PLC0415 - it needs zones and dates; most have none

    return Stretch(*data.stretch) if data.stretch is not None else Weekly(*data.weekly or ())


def _rule(data: RuleData, names: Mapping[str, object]) -> Rule:
    actions = tuple(_action(action, names) for action in data.actions)
    pattern = data.pattern and _pattern(data.pattern, names)
    return Rule(
        data.name,
        data.meaning,
        actions,
        frozenset(data.groups),
        names[data.key],  # type: ignore[arg-type] # likewise
        data.overall,
        pattern,
    )


def _action(data: ActionData, names: Mapping[str, object]) -> Action:
    return Action(
        data.kind,
        data.severity,
        data.channels,
        tuple(_renderer(names[name], texts) for name, *texts in data.templates),  # type: ignore[arg-type] # likewise
        data.until and Until(*data.until),
        data.remind and Remind(*data.remind),
        data.at_most and AtMost(*data.at_most),
        data.tells_suppressed,
    )


def _renderer(function: Callable[..., str], texts: Sequence[str]) -> Renderer:
    return partial(function, *texts) if texts else function


def _pattern(data: PatternData, names: Mapping[str, object]) -> Pattern:
    return Pattern(data.kind, data.duration_s, data.number, names[data.of] if data.of else None)  # type: ignore[arg-type] # likewise
