"""What the engine says when a rule matches, and what is then to be done.

1. A firing holds all that its texts need; rendering it later, elsewhere or twice gives the same text.
2. What is held back says why, in `held`; it is recorded like anything else, and nothing is sent.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple, Protocol

from rules_listener.event.event import Event, Seen

Values = Mapping[str, object]
"""What a template can use beyond the event: `rule`, `severity`, `id`, `message`, and what a pattern gives."""

Renderer = Callable[[Event, Values], str]
"""A compiled template: never raises, prints `-` for what is missing."""


Condition = Callable[[Event, Values], bool]
"""A compiled condition about an alert, because of an event: `rule` and `severity` (its place among them) are given."""


class Remind(NamedTuple):
    """`remind every D [doubling to D]`, in seconds; the two are the same without `doubling to`."""

    every_s: float
    longest_s: float


class AtMost(NamedTuple):
    """`at most N per D`."""

    number: int
    duration_s: float


class Until(NamedTuple):
    """`until S [for D]`; `of_states` where all that S selects are PROCESS_STATE events."""

    duration_s: float
    of_states: bool


class Action(NamedTuple):
    """One action of a rule.

    `kind` is the word of the language (`alert`, `run`, `shutdown`, …). `templates` holds one compiled template for an
    alert, one per argument for `run`, none or one elsewhere, after the signal's name for `signal`. `channels` is empty
    where the configuration's default ones are meant, and for all that is no alert.
    """

    kind: str
    severity: str
    channels: tuple[str, ...] = ()
    templates: tuple[Renderer, ...] = ()
    until: Until | None = None
    remind: Remind | None = None
    at_most: AtMost | None = None
    tells_suppressed: bool = False
    """Whether the alert's text itself says how many were held back before it."""

    @property
    def has_clauses(self) -> bool:
        """Whether it matters what was sent before."""
        return self.until is not None or self.at_most is not None


class Pattern(NamedTuple):
    """What a rule waits for beyond one event: see `lang/checked.py: Pattern`. `of` finds the value of `N distinct`."""

    kind: str
    duration_s: float
    number: int = 0
    of: Callable[[Seen], object] | None = None


class Rule(NamedTuple):
    """A compiled rule as the engine and the outbox know it.

    `name` is what people see, `meaning` the fingerprint of its checked form. `groups` are the literals that the rule
    compares with a name of a process or a group; it may see the listener's own events only if they name it. `key` finds
    the key of an event, by which state is kept; `overall` says that there is only one.
    """

    name: str
    meaning: str
    actions: tuple[Action, ...]
    groups: frozenset[str] = frozenset()
    key: Callable[[Seen], str] = lambda event: event.process or ""
    overall: bool = False
    pattern: Pattern | None = None


class Window(Protocol):
    """When a mute holds."""

    def until(self, moment: float) -> float | None:
        """A later moment up to which it goes on without a break; None if `moment` is not in it. Seconds since 1970."""


class Route(NamedTuple):
    """Where alerts without channels of their own go, and where those go of which the condition is not true."""

    condition: Condition | None
    channels: tuple[str, ...]
    otherwise: tuple[str, ...] = ()


class Mute(NamedTuple):
    """Of which alerts none are sent, when, and why; without a window, always."""

    name: str
    condition: Condition | None
    reason: str
    window: Window | None = None


class Opening(NamedTuple):
    """The firing that opened an alert: `id` names the alert for as long as it is open.

    `channels` are those to which a route has sent it.
    """

    id: str
    time: float
    event: Event
    values: Values
    channels: tuple[str, ...] = ()


class Step(NamedTuple):
    """What becomes of one action of a firing.

    `phase` is `firing`, `reminder` or `recovery`; the last two are about an alert that was opened before. `held` is the
    reason for which nothing is sent; `suppressed` is how many were held back by `at most` since something was sent.
    `channels` are those of the route that the alert took; none where the action has its own, or the default ones are
    meant.
    """

    action: int
    phase: str = "firing"
    held: str | None = None
    suppressed: int = 0
    opening: Opening | None = None
    channels: tuple[str, ...] = ()


class Due(NamedTuple):
    """The deadline that a firing came of: its moment (engine time), and its owner's rank and key at that moment."""

    moment: float
    rank: int
    key: str


class Firing(NamedTuple):
    """A rule matched: at `time` (seconds since 1970), because of `event`, for `key` (empty: overall).

    `steps` says what becomes of its actions; None: each is done, unless the firing is `held`. `due` is None where the
    event itself made it fire.
    """

    rule: Rule
    event: Event
    time: float
    key: str = ""
    values: Values = {}  # noqa: RUF012 - nobody changes it
    held: str | None = None
    steps: tuple[Step, ...] | None = None
    due: Due | None = None

    @property
    def identity(self) -> bytes:
        """What makes the firing different from any other; fields have the order in which the event came."""
        event, rule = self.event, self.rule
        serials = event.header.get("serial"), event.header.get("poolserial")
        said = (self.time, event.time, event.type, event.fields, serials, rule.meaning, rule.name, self.key)
        try:
            return _encoder()(said)
        except (UnicodeEncodeError, OverflowError):
            return repr(said).encode("utf-8", "backslashreplace")


@cache
def _encoder() -> Callable[[object], bytes]:
    """What makes bytes of values; imported with the first firing."""
    from msgspec.msgpack import Encoder  # noqa: PLC0415 - a listener that never fires does not pay for it

    return Encoder().encode
