"""An event as one flat object: the form of recordings, and of what a `run` action reads on its standard input.

`{"time": …, "event": TYPE, header fields…, fields…, "data": …}`; only `time` and `event` are always there.
"""

from collections.abc import Mapping

from rules_listener.base.errors import ProtocolError
from rules_listener.event.catalogue import HEADER_FIELDS, NUMBERS, Kind
from rules_listener.event.event import Event, Value
from rules_listener.event.wire import Frame, decode

_NOT_RECORDED = frozenset({"ver", "eventname", "len"})
_NOT_FIELDS = frozenset({"time", "event", "data"})


def to_record(event: Event) -> dict[str, Value | float]:
    """The flat object for `event`, in the order in which people read it."""
    record: dict[str, Value | float] = {"time": event.time, "event": event.type}
    record |= {key: value for key, value in event.header.items() if key not in _NOT_RECORDED}
    record |= event.fields
    if event.data is not None:
        record["data"] = event.data
    return record


_HEADER = frozenset(field.name for field in HEADER_FIELDS)
_HEADER_NUMBERS = frozenset(field.name for field in HEADER_FIELDS if field.kind is Kind.NUMBER)


def from_record(record: Mapping[str, object]) -> Event:
    """The event that a flat object stands for.

    Raises:
        KeyError: `time` or `event` is missing.
        ProtocolError: a number is none.
    """
    header: dict[str, Value] = {}
    fields: dict[str, Value] = {}
    data = record.get("data")
    numbers = _HEADER_NUMBERS | NUMBERS.get(str(record["event"]), frozenset())
    for name, value in record.items():
        if name not in _NOT_FIELDS:
            (header if name in _HEADER else fields)[name] = _number(name, value) if name in numbers else str(value)
    try:
        moment = float(str(record["time"]))
    except ValueError:
        raise ProtocolError(f"`time` is no number of seconds: {record['time']!r:.80}") from None
    return Event(str(record["event"]), moment, fields, None if data is None else str(data), header)


def own_frame(event: Event) -> Frame:
    """An event of the listener's own as a frame for the journal: without a header, its payload is the flat object."""
    import json  # noqa: PLC0415 - the listener does not pay for it at its start

    return Frame(b"", json.dumps(to_record(event)).encode())


def event_of(frame: Frame, time: float) -> Event:
    """The event of a frame of the journal, supervisord's or the listener's own, which was received at `time`.

    Raises:
        ProtocolError: it can't be decoded.
    """
    if frame.header:
        return decode(frame, time)
    import json  # noqa: PLC0415 - likewise

    return from_record(json.loads(frame.payload))


def _number(name: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise ProtocolError(f"`{name}` is no whole number: {value!r:.80}") from None
