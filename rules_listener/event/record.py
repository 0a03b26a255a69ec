"""An event as one flat object: the form of recordings, and of what a `run` action reads on its standard input.

`{"time": …, "event": TYPE, header fields…, fields…, "data": …}`; only `time` and `event` are always there. A value is a
text or a number; `null` is as good as nothing.
"""

from collections.abc import Mapping

from rules_listener.base.clock import no_moment
from rules_listener.base.errors import ProtocolError
from rules_listener.event.catalogue import HEADER_FIELDS, NUMBERS, Kind
from rules_listener.event.event import Event, Value
from rules_listener.event.wire import Frame, decode

_NOT_RECORDED = frozenset({"ver", "eventname", "len"})
_NOT_FIELDS = frozenset({"time", "event", "data"})
_HEADER = frozenset(field.name for field in HEADER_FIELDS)
_HEADER_NUMBERS = frozenset(field.name for field in HEADER_FIELDS if field.kind is Kind.NUMBER)
_ALL_NUMBERS = {name: _HEADER_NUMBERS | numbers for name, numbers in NUMBERS.items()}


def to_record(event: Event) -> dict[str, Value | float]:
    """The flat object for `event`, in the order in which people read it."""
    record: dict[str, Value | float] = {"time": event.time, "event": event.type}
    record |= {key: value for key, value in event.header.items() if key not in _NOT_RECORDED}
    record |= event.fields
    if event.data is not None:
        record["data"] = event.data
    return record


def from_record(record: Mapping[str, object]) -> Event:
    """The event that a flat object stands for.

    Raises:
        KeyError: `time` or `event` is missing.
        ProtocolError: a number or the time is none, or a value is neither a text nor a number.
    """
    kind = record["event"]
    if not isinstance(kind, str):
        raise ProtocolError(f"`event` is no text: {kind!r:.80}")
    header: dict[str, Value] = {}
    fields: dict[str, Value] = {}
    numbers = _ALL_NUMBERS.get(kind, _HEADER_NUMBERS)
    for name, value in record.items():
        if name not in _NOT_FIELDS and value is not None:
            (header if name in _HEADER else fields)[name] = (
                _number(name, value) if name in numbers else value if type(value) is str else _text(name, value)
            )
    data = record.get("data")
    return Event(kind, _time(record["time"]), fields, None if data is None else _text("data", data), header)


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
    if type(value) is int:
        return value
    try:
        return int(str(value))
    except ValueError:
        raise ProtocolError(f"`{name}` is no whole number: {value!r:.80}") from None


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ProtocolError(f"`{name}` is neither a text nor a number: {value!r:.80}")


def _time(value: object) -> float:
    try:
        moment = value if type(value) is float else float(str(value))
    except ValueError:
        raise ProtocolError(f"`time` is no number of seconds: {value!r:.80}") from None
    if wrong := no_moment(moment):
        raise ProtocolError(f"`time` is {value!r:.80}: {wrong}")
    return moment
