"""What the engine says when a rule matches, and what is then to be done.

1. A firing holds all that its texts need; rendering it later, elsewhere or twice gives the same text.
2. A firing that is held back says why, in `held`; it is recorded like any other, and nothing is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rules_listener.event.event import Event

Values = Mapping[str, object]
"""What a template can use beyond the event: `rule`, `severity`, `id`, `message`, and what a pattern gives."""

Renderer = Callable[[Event, Values], str]
"""A compiled template: never raises, prints `-` for what is missing."""


@dataclass(slots=True)
class Action:
    """One action of a rule.

    `kind` is the word of the language (`alert`, `run`, `shutdown`, …). `templates` holds one compiled template for an
    alert, one per argument for `run`, none or one elsewhere. `channels` is empty where the configuration's default ones
    are meant, and for all that is no alert.
    """

    kind: str
    severity: str
    channels: tuple[str, ...] = ()
    templates: tuple[Renderer, ...] = ()


@dataclass(slots=True)
class Rule:
    """A compiled rule as the engine and the outbox know it.

    `name` is what people see, `meaning` the fingerprint of its checked form. `groups` are the literals that the rule
    compares with a name of a process or a group; it may see the listener's own events only if they name it.
    """

    name: str
    meaning: str
    actions: tuple[Action, ...]
    groups: frozenset[str] = frozenset()


@dataclass(slots=True)
class Firing:
    """A rule matched: at `time` (seconds since 1970), because of `event`, for `key` (empty: overall)."""

    rule: Rule
    event: Event
    time: float
    key: str = ""
    values: Values = field(default_factory=dict)
    held: str | None = None
