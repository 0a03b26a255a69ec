"""Recordings as JSON Lines: one flat object a line (`record`) becomes an event, and the other way round.

1. A line that is no event is reported and passed over; no line, whatever is in it, stops the reading.
2. Lines are read a part at a time, and nothing of a part is kept: memory does not grow with the recording.
3. There is a short way and a long one, with the same result. The short way decodes all lines of a part at once into
   structs made from the catalogue; it is for lines as they are written here. Where it fails, `from_record` is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Union

from msgspec import DecodeError, Struct, ValidationError, defstruct, json

from rules_listener.base.errors import ProtocolError
from rules_listener.event.catalogue import CATALOGUE, EventType, Kind
from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.record import from_record, to_record

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def encode_line(event: Event) -> bytes:
    """The event as one line, with its end."""
    return json.format(json.encode(to_record(event)), indent=0) + b"\n"


def read_lines(parts: Iterable[bytes], name: str, findings: Findings) -> Iterator[list[Event]]:
    """The events in `parts`, each of which ends where a line ends; one list for each part.

    `name` is the file's, for `findings`.
    """
    number = 1
    for part in parts:
        text = part.removeprefix(_BYTE_ORDER_MARK) if number == 1 else part
        yield _events(text, name, number, findings)
        number += part.count(b"\n")


def is_record(line: bytes) -> bool:
    """Whether a line is an object with `time` and `event`."""
    try:
        return {"time", "event"} <= json.decode(line.removeprefix(_BYTE_ORDER_MARK), type=dict[str, object]).keys()
    except (DecodeError, RecursionError):
        return False


def _events(part: bytes, name: str, number: int, findings: Findings) -> list[Event]:
    """The events in lines of which the first has this number."""
    for decode in (_decode_recorded, _decode_bare):
        try:
            lines = decode(part)
        except (DecodeError, RecursionError):
            continue
        if len(lines) == part.count(b"\n"):
            return [_BUILDERS[type(line)](line) for line in lines]
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


# The short way: two structs for each type of event, as it is recorded and without a header (out of a supervisord.log),
# and a function for each struct that makes the event of it.


class _Line(Struct, kw_only=True, tag_field="event", forbid_unknown_fields=True, gc=False):
    time: float


class _RecordedLine(_Line, kw_only=True, tag_field="event", forbid_unknown_fields=True, gc=False):
    server: str
    serial: int
    pool: str
    poolserial: int


def _struct(event_type: EventType, base: type[_Line]) -> type[Struct]:
    fields = [(field.name, int if field.kind is Kind.NUMBER else str) for field in event_type.fields]
    data = [("data", str)] * event_type.has_data
    return defstruct(
        f"{base.__name__}_{event_type.name}",
        [*fields, *data],
        bases=(base,),
        tag=event_type.name,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def _builder(event_type: EventType, header: Iterable[str]) -> Callable[[Struct], Event]:
    """The function that makes an event of its struct; written out, it takes half the time of a loop over the names."""
    spelled = [
        repr(event_type.name),
        "line.time",
        _spell_dict(field.name for field in event_type.fields),
        "line.data" if event_type.has_data else "None",
        _spell_dict(header),
    ]
    build: Callable[[Struct], Event] = eval(f"lambda line: Event({', '.join(spelled)})", {"Event": Event})  # noqa: S307 - of our own parts
    return build


def _spell_dict(names: Iterable[str]) -> str:
    return "{" + ", ".join(f"{name!r}: line.{name}" for name in names) + "}"


_HEADER = tuple(_RecordedLine.__annotations__)
_CONCRETE = [event_type for event_type in CATALOGUE.values() if not event_type.abstract]
_RECORDED = {_struct(one, _RecordedLine): _builder(one, _HEADER) for one in _CONCRETE}
_BARE = {_struct(one, _Line): _builder(one, ()) for one in _CONCRETE}
_BUILDERS = _RECORDED | _BARE
_decode_recorded = json.Decoder(Union[tuple(_RECORDED)]).decode_lines  # noqa: UP007 - of a list
_decode_bare = json.Decoder(Union[tuple(_BARE)]).decode_lines  # noqa: UP007 - likewise
_decode_object = json.Decoder(dict[str, object]).decode
