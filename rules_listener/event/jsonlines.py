"""Recordings as JSON Lines: one flat object a line (`record`) becomes an event, and the other way round.

1. A line that is no event is reported and passed over; no line, whatever is in it, stops the reading.
2. Lines are read a part at a time, and nothing of a part is kept: memory does not grow with the recording.
3. There is a short way and a long one, with the same result. The short way decodes all lines of a part at once into
   structs made from the catalogue; it is for lines as they are written here. Where it fails, `from_record` is asked.
4. Such a struct can be looked at like an event (`Seen`); it becomes one when somebody keeps it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast

from msgspec import DecodeError, Meta, Struct, ValidationError, defstruct, json

from rules_listener.base.clock import FIRST_MOMENT, LAST_MOMENT
from rules_listener.base.errors import ProtocolError
from rules_listener.event.catalogue import CATALOGUE, EventType, Field, Kind, fields_of
from rules_listener.event.event import Event, Seen, Value
from rules_listener.event.findings import Findings
from rules_listener.event.record import from_record, to_record

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def encode_line(event: Event) -> bytes:
    """The event as one line, with its end."""
    return json.format(json.encode(to_record(event)), indent=0) + b"\n"


def read_lines(parts: Iterable[bytes], name: str, findings: Findings) -> Iterator[Sequence[Seen]]:
    """The events in `parts`, each of which ends where a line ends; one sequence for each part.

    `name` is the file's, for `findings`.
    """
    number = 1
    for part in parts:
        text = part.removeprefix(_BYTE_ORDER_MARK) if number == 1 else part
        count = _line_ends(part)
        yield _events(text, count, name, number, findings)
        number += count


def _line_ends(part: bytes) -> int:
    """How many line ends there are: in half the time that `count` takes."""
    return len(BytesIO(part).readlines()) - (not part.endswith(b"\n") and part != b"")


def is_record(line: bytes) -> bool:
    """Whether a line is an object with `time` and `event`."""
    try:
        return {"time", "event"} <= json.decode(line.removeprefix(_BYTE_ORDER_MARK), type=dict[str, object]).keys()
    except (DecodeError, RecursionError):
        return False


def _events(part: bytes, count: int, name: str, number: int, findings: Findings) -> Sequence[Seen]:
    """The events in so many lines, of which the first has this number."""
    for decode in (_decode_recorded, _decode_bare):
        try:
            lines = decode(part)
        except (DecodeError, RecursionError):
            continue
        if len(lines) == count:
            return lines
    return list(_events_one_by_one(part, name, number, findings))


def _events_one_by_one(part: bytes, name: str, number: int, findings: Findings) -> Iterator[Event]:
    for place, line in enumerate(part.split(b"\n"), number):
        if line and not line.isspace():
            try:
                yield from_record(_decode_object(line))
            except (DecodeError, RecursionError, KeyError, ProtocolError) as error:
                findings.cannot_read(f"{name}:{place}", _reason(error))


def _reason(error: Exception) -> str:
    match error:
        case ProtocolError():
            return str(error)
        case KeyError():
            return f"`{error.args[0]}` is missing"
        case ValidationError():
            return f"not one flat JSON object: {error}"
        case RecursionError():
            return "not one flat JSON object: it is nested too deeply"
    return f"not JSON: {str(error).removeprefix('JSON is malformed: ')}"


# The short way: two structs for each type of event, as it is recorded and without a header (out of a supervisord.log).
# What makes dicts and an event of a struct is written out for each: that takes half the time of a loop over the names.


class _Line(Struct, kw_only=True, tag_field="event", forbid_unknown_fields=True, gc=False):
    """A line without a header; the rest of what an event has is made for each type."""

    time: Annotated[float, Meta(ge=FIRST_MOMENT, lt=LAST_MOMENT)]

    if TYPE_CHECKING:
        type: str
        data: str | None
        fields: dict[str, Value]
        header: dict[str, Value]
        poolserial: int | None
        process: str | None
        processname: str | None
        groupname: str | None
        kept: Callable[[], Event]


class _RecordedLine(_Line, kw_only=True, tag_field="event", forbid_unknown_fields=True, gc=False):
    server: str
    serial: int
    pool: str
    poolserial: int


_HEADER = tuple(_RecordedLine.__annotations__)
_TAKEN = {"type": "type_", "kept": "kept_"}
"""Fields of events whose names mean something else here."""


def _struct(event_type: EventType, base: type[_Line]) -> type[_Line]:
    fields = [(_TAKEN.get(one.name, one.name), _type_of(one)) for one in event_type.fields]
    made = defstruct(
        f"{base.__name__}_{event_type.name}",
        [*fields, *[("data", str)] * event_type.has_data],
        bases=(base,),
        namespace=_made_of(event_type, base),
        tag=event_type.name,
        rename={short: name for name, short in _TAKEN.items()},
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )
    return cast("type[_Line]", made)


def _type_of(field: Field) -> object:
    """What a field is decoded to: one of its values, where it can have no others, is the same object each time."""
    if field.kind is Kind.NUMBER:
        return int
    return Literal[field.values] if field.values else str


def _made_of(event_type: EventType, base: type[_Line]) -> dict[str, Any]:
    """What is made of a line of a type when it is asked for."""
    fields = _spell_dict(field.name for field in event_type.fields)
    header = _spell_dict(_HEADER if base is _RecordedLine else ())
    data = "line.data" if event_type.has_data else "None"
    made = {
        "type": event_type.name,
        "fields": property(_function(fields)),
        "header": property(_function(header)),
        "kept": _function(f"Event({event_type.name!r}, line.time, {fields}, {data}, {header})"),
    }
    if event_type.is_process:
        made["process"] = property(_function(_PROCESS))
    absent = {"data": event_type.has_data, "poolserial": base is _RecordedLine, "process": event_type.is_process}
    absent |= {name: name in fields_of(event_type) for name in ("processname", "groupname")}
    return made | {name: None for name, has in absent.items() if not has}


_PROCESS = "line.processname if line.groupname in (line.processname, '') else f'{line.groupname}:{line.processname}'"
"""As `Event.process`."""


def _spell_dict(names: Iterable[str]) -> str:
    return "{" + ", ".join(f"{name!r}: line.{_TAKEN.get(name, name)}" for name in names) + "}"


def _function(spelling: str) -> Callable[[_Line], Any]:
    made: Callable[[_Line], Any] = eval(f"lambda line: {spelling}", {"Event": Event})  # noqa: S307 - of our own parts
    return made


_CONCRETE = [event_type for event_type in CATALOGUE.values() if not event_type.abstract]
RECORDED = json.Decoder(Union[tuple(_struct(one, _RecordedLine) for one in _CONCRETE)])  # noqa: UP007 - of a list
"""Decodes lines as they are recorded, with a header, to structs."""
_decode_recorded = RECORDED.decode_lines
_decode_bare = json.Decoder(Union[tuple(_struct(one, _Line) for one in _CONCRETE)]).decode_lines  # noqa: UP007 - of a list
_decode_object = json.Decoder(dict[str, object]).decode
