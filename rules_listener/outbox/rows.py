"""Alerts as rows of the store, and rows as bytes for the tail.

1. No alert is ever refused for its text: in a row a character that is none in UTF-8 is U+FFFD, within JSON it is
   escaped.
2. The encoder is imported with the first alert: a listener that never alerts does not pay for it at its start.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from rules_listener.event.record import to_record
from rules_listener.outbox.alert import Alert
from rules_listener.outbox.database import Row, utf8
from rules_listener.outbox.position import Position

INSERT = (
    "INSERT INTO alerts (time, rule, key, kind, severity, held, phase, incident, opened, event, deliveries,"
    " since, pid, start_time, pool, serial, poolserial)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

_NO_POSITION = (None,) * 5


def alert_rows(alerts: Sequence[Alert], position: Position | None, time: float) -> list[Row]:
    """The rows of alerts that the event at `position` caused and that are committed at `time`.

    The listener's own events have no position.
    """
    rest = (time, *_NO_POSITION) if position is None else (time, *position.epoch, *position[1:])
    return [(*_columns(alert), *rest) for alert in alerts]


def encodable(row: Row) -> Row:
    """The same in characters that UTF-8 has; what is JSON is escaped anyway."""
    return tuple(utf8(value) if isinstance(value, str) else value for value in row)


def pack(rows: Sequence[Row]) -> bytes:
    """Rows as bytes."""
    encode = _codec()[1]
    try:
        return encode(rows)
    except UnicodeEncodeError:
        return encode([encodable(row) for row in rows])


def unpack(packed: bytes) -> list[Row]:
    """The rows that were packed."""
    return [tuple(row) for row in _codec()[2](packed)]


def _columns(alert: Alert) -> Row:
    deliveries = [(one.id, one.channel, one.text, one.arguments) for one in alert.deliveries]
    return (
        *(alert.time, alert.rule, alert.key, alert.kind, alert.severity, alert.held),
        *(alert.phase, alert.incident, alert.opened, _json(to_record(alert.event)), _json(deliveries)),
    )


def _json(value: object) -> str:
    try:
        return _codec()[0](value).decode()
    except UnicodeEncodeError:
        import json  # noqa: PLC0415 - only for text that is not quite text

        return json.dumps(value, separators=(",", ":"))


@cache
def _codec() -> tuple[Callable[[object], bytes], Callable[[object], bytes], Callable[[bytes], Any]]:
    """What writes JSON, what packs rows, and what unpacks them."""
    from msgspec import json, msgpack  # noqa: PLC0415 - see the module's second rule

    return json.Encoder().encode, msgpack.Encoder().encode, msgpack.Decoder().decode
