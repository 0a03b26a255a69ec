"""An event as one flat object: the form of recordings, and of what a `run` action reads on its standard input.

`{"time": …, "event": TYPE, header fields…, fields…, "data": …}`; only `time` and `event` are always there.
"""

from rules_listener.event.event import Event, Value

_NOT_RECORDED = frozenset({"ver", "eventname", "len"})


def to_record(event: Event) -> dict[str, Value | float]:
    """The flat object for `event`, in the order in which people read it."""
    record: dict[str, Value | float] = {"time": event.time, "event": event.type}
    record |= {key: value for key, value in event.header.items() if key not in _NOT_RECORDED}
    record |= event.fields
    if event.data is not None:
        record["data"] = event.data
    return record
