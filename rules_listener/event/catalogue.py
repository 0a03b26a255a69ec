"""Every type of event that a rule can select, with its parent and its typed fields.

The facts are those of supervisord 4.3 (`supervisor/events.py`: `EventTypes` and the `payload` methods); a test compares
this table with the installed supervisor. The `LISTENER_…` types are the listener's own.

1. An abstract type is never sent; selecting it selects all its subtypes.
2. A field that is listed for a type, and not as optional, is in each of its events; which fields a type lacks is as
   certain.
3. A type that is not listed here (a plugin's, or a newer supervisord's) is no error: its fields are text.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import NamedTuple


class Kind(StrEnum):
    """What a value is. Values of different kinds are never compared."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    TIME = "time"
    LIST = "list"
    SEVERITY = "severity"
    ANY = "any"
    """A value out of JSON: text, number or boolean, known only when the event is there."""


class Field(NamedTuple):
    """A field of an event.

    `values` are all that the field can ever hold, where that is known; `possible` are those of them that it can hold in
    events of one type (a process that is EXITED was RUNNING before). What is `optional` may be missing there.
    """

    name: str
    kind: Kind = Kind.TEXT
    values: tuple[str | int, ...] = ()
    possible: tuple[str | int, ...] = ()
    doc: str = ""
    optional: bool = False


class EventType(NamedTuple):
    """A type of event.

    `fields` are those of the payload's first line (for an abstract type: those that all its subtypes share);
    `has_data` says that free text follows them, as the field `data`.
    """

    name: str
    parent: str | None
    fields: tuple[Field, ...] = ()
    abstract: bool = False
    has_data: bool = False
    doc: str = ""

    @property
    def is_process(self) -> bool:
        """Whether its events are about one process, and so have the derived field `process`."""
        return any(field.name == "processname" for field in self.fields)


PROCESS_STATES = ("STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN")
"""All states of a process (`supervisor/states.py: ProcessStates`)."""

HEADER_FIELDS = (
    Field("ver", doc="version of the protocol"),
    Field("server", doc="supervisord's identifier"),
    Field("serial", Kind.NUMBER, doc="number of the event within this supervisord"),
    Field("pool", doc="name of the event listener's section"),
    Field("poolserial", Kind.NUMBER, doc="number of the event within the pool"),
    Field("eventname", doc="the event's type"),
)
"""The fields that every event has in its header (`supervisor/process.py: _eventEnvelope`)."""

TIME_FIELD = Field("time", Kind.TIME, doc="the moment at which the event was received")
PROCESS_FIELD = Field("process", doc="group:name, or the name alone where the two are the same")
DATA_FIELD = Field("data", doc="the text that was logged or sent")

_NAME = Field("processname", doc="name of the process")
_GROUP = Field("groupname", doc="name of its group")
_PID = Field("pid", Kind.NUMBER, doc="process id")
_TRIES = Field("tries", Kind.NUMBER, doc="how many starts have failed in a row")
_EXPECTED = Field("expected", Kind.NUMBER, (0, 1), (0, 1), "1 if the exit status is one of `exitcodes`, else 0")
_WHEN = Field("when", Kind.NUMBER, doc="the tick's moment, in whole seconds since 1970")


def _from(*states: str) -> Field:
    return Field("from_state", Kind.TEXT, PROCESS_STATES, states, "the state that the process was in before")


def _channel(*names: str) -> Field:
    return Field("channel", Kind.TEXT, ("stdout", "stderr"), names, "where the process wrote it")


def _state(name: str, came_from: tuple[str, ...], *more: Field) -> EventType:
    return EventType(f"PROCESS_STATE_{name}", "PROCESS_STATE", (_NAME, _GROUP, _from(*came_from), *more))


# Which state can follow which: each `change_state` and its `_assertInState` in supervisor/process.py (Subprocess.spawn,
# kill, signal, finish, transition, give_up). No event follows UNKNOWN.
_TYPES = (
    EventType("EVENT", None, abstract=True, doc="every event"),
    EventType("PROCESS_STATE", "EVENT", (_NAME, _GROUP, _from(*PROCESS_STATES)), abstract=True),
    _state("STARTING", ("STOPPED", "EXITED", "FATAL", "BACKOFF"), _TRIES),
    _state("BACKOFF", ("STARTING",), _TRIES),
    _state("RUNNING", ("STARTING",), _PID),
    _state("EXITED", ("RUNNING",), _EXPECTED, _PID),
    _state("STOPPING", ("STARTING", "RUNNING"), _PID),
    _state("STOPPED", ("STOPPING", "BACKOFF"), _PID),
    _state("FATAL", ("BACKOFF",)),
    _state("UNKNOWN", ("STARTING", "RUNNING", "STOPPING")),
    EventType(
        "PROCESS_LOG", "EVENT", (_NAME, _GROUP, _PID, _channel("stdout", "stderr")), abstract=True, has_data=True
    ),
    EventType("PROCESS_LOG_STDOUT", "PROCESS_LOG", (_NAME, _GROUP, _PID, _channel("stdout")), has_data=True),
    EventType("PROCESS_LOG_STDERR", "PROCESS_LOG", (_NAME, _GROUP, _PID, _channel("stderr")), has_data=True),
    EventType("PROCESS_COMMUNICATION", "EVENT", (_NAME, _GROUP, _PID), abstract=True, has_data=True),
    EventType("PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION", (_NAME, _GROUP, _PID), has_data=True),
    EventType("PROCESS_COMMUNICATION_STDERR", "PROCESS_COMMUNICATION", (_NAME, _GROUP, _PID), has_data=True),
    EventType("REMOTE_COMMUNICATION", "EVENT", (Field("type", doc="what the sender called it"),), has_data=True),
    EventType("SUPERVISOR_STATE_CHANGE", "EVENT", abstract=True),
    EventType("SUPERVISOR_STATE_CHANGE_RUNNING", "SUPERVISOR_STATE_CHANGE"),
    EventType("SUPERVISOR_STATE_CHANGE_STOPPING", "SUPERVISOR_STATE_CHANGE"),
    EventType("TICK", "EVENT", (_WHEN,), abstract=True),
    EventType("TICK_5", "TICK", (_WHEN,)),
    EventType("TICK_60", "TICK", (_WHEN,)),
    EventType("TICK_3600", "TICK", (_WHEN,)),
    EventType("PROCESS_GROUP", "EVENT", (_GROUP,), abstract=True),
    EventType("PROCESS_GROUP_ADDED", "PROCESS_GROUP", (_GROUP,)),
    EventType("PROCESS_GROUP_REMOVED", "PROCESS_GROUP", (_GROUP,)),
    EventType(
        "LISTENER_STARTED",
        "EVENT",
        (Field("down_ms", Kind.NUMBER, doc="for how many milliseconds there was no listener", optional=True),),
        doc="the listener began to read events",
    ),
    EventType(
        "LISTENER_EVENTS_LOST",
        "EVENT",
        (Field("lost", Kind.NUMBER, doc="how many events supervisord discarded"),),
    ),
    EventType(
        "LISTENER_CLOCK_CHANGED",
        "EVENT",
        (Field("by_ms", Kind.NUMBER, doc="how many milliseconds it was set forward; less than 0: back"),),
        doc="the host's clock was set",
    ),
    EventType(
        "LISTENER_RULES_RELOADED",
        "EVENT",
        (
            Field("kept", Kind.NUMBER, doc="how many rules keep what they remember"),
            Field("anew", Kind.NUMBER, doc="how many begin anew"),
            Field("closed", Kind.NUMBER, doc="how many are gone, with what they remembered"),
        ),
    ),
    EventType("LISTENER_RULES_REJECTED", "EVENT", (Field("reason", doc="the first error, and how many there are"),)),
    EventType(
        "LISTENER_DELIVERY_FAILED",
        "EVENT",
        (
            Field("channel", doc="the channel that was given up"),
            Field("reason", doc="why the last try failed"),
            Field("attempts", Kind.NUMBER, doc="how many tries there were"),
        ),
    ),
)

CATALOGUE: dict[str, EventType] = {event_type.name: event_type for event_type in _TYPES}
"""All types by name."""

NUMBERS: dict[str, frozenset[str]] = {
    event_type.name: frozenset(field.name for field in event_type.fields if field.kind is Kind.NUMBER)
    for event_type in _TYPES
}
"""The names of each type's own fields that are numbers."""

UNLISTED = "*"
"""Stands among the selected types for all that the catalogue does not list; `EVENT` selects them too."""

LISTENER_PREFIX = "LISTENER_"
"""What the names of the listener's own types begin with; supervisord knows none of them."""


@cache
def concrete_types(name: str) -> tuple[EventType, ...]:
    """The types that are sent when `name` is selected: itself, or all that descend from it.

    Raises:
        KeyError: there is no such type.
    """
    wanted = CATALOGUE[name].name
    return tuple(one for one in _TYPES if not one.abstract and wanted in ancestry(one))


def ancestry(event_type: EventType) -> list[str]:
    """The type's name, its parent's, and so on up to `EVENT`."""
    names = [event_type.name]
    while (parent := CATALOGUE[names[-1]].parent) is not None:
        names.append(parent)
    return names


def fields_of(event_type: EventType) -> Mapping[str, Field]:
    """All fields that a rule can use on events of this type, header and derived fields included."""
    return _fields_of(event_type.name)


@cache
def _fields_of(name: str) -> Mapping[str, Field]:
    event_type = CATALOGUE[name]
    fields = [*event_type.fields]
    if event_type.is_process:
        fields.append(PROCESS_FIELD)
    if event_type.has_data:
        fields.append(DATA_FIELD)
    if not event_type.name.startswith(LISTENER_PREFIX):
        fields.extend(field for field in HEADER_FIELDS if field.name != "eventname")
    fields += [HEADER_FIELDS[-1], TIME_FIELD]
    return {field.name: field for field in fields}
