"""A compiled rule set: what is kept in a file, and loaded without the compiler.

1. A program holds generated code and plain values, nothing of `lang`; loading it imports no parser.
2. Loading runs the module once, which compiles its regular expressions and reads nothing else.
"""

import marshal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules_listener.event.event import Event
from rules_listener.match.firing import Action, Renderer, Rule
from rules_listener.match.runtime import NAMESPACE


class ActionData(NamedTuple):
    """An action; its templates are names of generated functions."""

    kind: str
    severity: str
    channels: tuple[str, ...]
    templates: tuple[str, ...]


class RuleData(NamedTuple):
    """A rule without its conditions, which are in the code."""

    name: str
    meaning: str
    actions: tuple[ActionData, ...]
    groups: tuple[str, ...]


class Program(NamedTuple):
    """The marshalled code, the rules by number, and the source of the code (empty once it was kept in a file)."""

    code: bytes
    rules: tuple[RuleData, ...]
    source: str = ""


Bucket = Callable[[Event], list[int]]
"""The numbers of the rules that an event makes fire."""


@dataclass(slots=True)
class Loaded:
    """A program that can run: the rules, their buckets by type of event, the configuration's templates by name."""

    rules: tuple[Rule, ...]
    buckets: Mapping[str, Bucket]
    templates: Mapping[str, Renderer]


def load(program: Program) -> Loaded:
    """Run the program's module, and look up what it defines."""
    names: dict[str, object] = dict(NAMESPACE)
    exec(marshal.loads(program.code), names)  # noqa: S102, S302 - our own code, from our own folder
    rules = tuple(_rule(data, names) for data in program.rules)
    return Loaded(rules, names["BUCKETS"], names["TEMPLATES"])  # type: ignore[arg-type] # see compile_rules


def _rule(data: RuleData, names: Mapping[str, object]) -> Rule:
    actions = tuple(
        Action(kind, severity, channels, tuple(names[name] for name in templates))  # type: ignore[misc] # likewise
        for kind, severity, channels, templates in data.actions
    )
    return Rule(data.name, data.meaning, actions, frozenset(data.groups))
