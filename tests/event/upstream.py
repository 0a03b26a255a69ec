"""What the installed supervisor itself sends: event objects of its classes, and the frames that it makes of them."""

from types import SimpleNamespace
from typing import Any

from supervisor import events
from supervisor.process import EventListenerPool
from supervisor.states import ProcessStates

CLASSES: dict[str, type] = {name: kind for name, kind in vars(events.EventTypes).items() if name.isupper()}
"""supervisord's types of events by name."""

SENT = sorted(
    name
    for name, kind in CLASSES.items()
    if not any(other is not kind and issubclass(other, kind) for other in CLASSES.values())
)
"""The names of those that it sends: no other type descends from them."""


def process_stub(name: str = "web", group: str | None = "site") -> Any:
    """What an event asks of its process."""
    owner = None if group is None else SimpleNamespace(config=SimpleNamespace(name=group))
    return SimpleNamespace(config=SimpleNamespace(name=name), group=owner, pid=4711, backoff=2)


def build(name: str, process: Any = None, data: bytes | str = b"hello", kind: str = "note") -> Any:
    """A real event object of the type `name`."""
    event_class = CLASSES[name]
    process = process or process_stub()
    if issubclass(event_class, events.ProcessStateEvent):
        return event_class(process, ProcessStates.STARTING, expected=False)
    if issubclass(event_class, events.ProcessLogEvent | events.ProcessCommunicationEvent):
        return event_class(process, 4711, data)
    if issubclass(event_class, events.RemoteCommunicationEvent):
        return event_class(kind, data if isinstance(data, str) else data.decode())
    if issubclass(event_class, events.TickEvent):
        return event_class(1_764_000_000, None)
    if issubclass(event_class, events.ProcessGroupEvent):
        return event_class(process.config.name)
    return event_class()


def envelope(event: Any, identifier: str = "supervisor", pool: str = "listener", serial: int = 21) -> bytes:
    """The bytes that a pool writes to its listener for `event`."""
    config = SimpleNamespace(name=pool, options=SimpleNamespace(identifier=identifier))
    make = EventListenerPool._eventEnvelope
    text: str = make(SimpleNamespace(config=config), type(event), serial, 10, event.payload())
    return text.encode()
