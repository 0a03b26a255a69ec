"""What the courier asks of a channel; each file of `send/` satisfies it.

1. `send` is called in a thread of the courier's, for one message at a time per free place of the channel.
2. It always returns what became of the message; an exception that escapes from it is a bug, and counts as `RetryLater`.
3. A receiver that forgets is told again of what is open: `Refreshing`. That takes a place like a message, so that with
   one place a recovery comes after whatever was said before it.
4. Where messages are gathered (`Gathering`), those that are sent together have one outcome.
5. `stop` may be called from another thread: a `send` that is under way then ends soon.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery as a channel sees it.

    `id` is the same at every try. `event` is the flat object of the event (`event/record.py`), `attempt` counts from 1,
    `time` is the firing's, in seconds since 1970. `phase` is `firing`, `reminder` or `recovery`; `incident` names the
    open alert that it is about, the same in all three, and `opened` is when that began (both None if it does not stay
    open). A digest has `alerts`, which it says line by line, and leaves out as many as `more`. `arrived` are those of
    the channel's receivers that have it from an earlier try.
    """

    id: str
    channel: str
    text: str
    rule: str
    key: str
    kind: str
    severity: str
    time: float
    event: Mapping[str, object]
    arguments: tuple[str, ...] = ()
    attempt: int = 1
    phase: str = "firing"
    incident: str | None = None
    opened: float | None = None
    alerts: tuple["Message", ...] = ()
    more: int = 0
    arrived: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sent:
    """It has arrived, as far as the sender can know."""


@dataclass(frozen=True, slots=True)
class RetryLater:
    """It has not arrived, and may the next time; not before `after_s` seconds if the receiver said so.

    `arrived` are the receivers that have it by now: they are kept with the delivery. One that is put `aside` holds up
    none of those that come after it for the same key.
    """

    reason: str
    after_s: float | None = None
    arrived: frozenset[str] = frozenset()
    aside: bool = False


@dataclass(frozen=True, slots=True)
class GaveUp:
    """It can't arrive, however often it is tried."""

    reason: str


Outcome = Sent | RetryLater | GaveUp


class Channel(Protocol):
    """A configured destination."""

    places: int
    """How many messages it takes at the same time."""

    def send(self, message: Message) -> Outcome:
        """Send `message`, and say what became of it."""

    def stop(self) -> None:
        """End what is under way; what was not sent stays due."""


@runtime_checkable
class Refreshing(Channel, Protocol):
    """A channel whose receiver forgets an open alert unless it is told again."""

    refresh_s: float | None
    """How often it is told, in seconds; None: never."""

    def refresh(self, messages: Sequence[Message]) -> Outcome:
        """Say once more what is open, one message for each alert; it is called as `send` is."""


@runtime_checkable
class Gathering(Channel, Protocol):
    """A channel that gathers what waits for it, and sends it as one message."""

    gather_s: float | None
    """How long what came first waits for more, in seconds; None: each message is sent by itself."""

    def send_digest(self, messages: Sequence[Message]) -> Outcome:
        """Send them, oldest first, as one; it is called as `send` is."""
