"""What a message says where nobody configured it: subject, title, body, and the object that programs are sent.

1. The first words are those that matter on a phone: how bad it is, where, and what. What the text says by itself is not
   said twice.
2. All of it is the same at every try: nothing here depends on the number of the try or on the time.
"""

import json
from datetime import UTC, datetime

from rules_listener.event.catalogue import HEADER_FIELDS
from rules_listener.match.runtime import host
from rules_listener.outbox.channel import Message
from rules_listener.send.line import lines, plain_line, utf8
from rules_listener.send.process import process_of

SUBJECT_CHARACTERS = 160
DATA_CHARACTERS = 4000
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
"""Control characters that JSON leaves as they are."""
_SAID_ELSEWHERE = {"time", "event", "processname", "groupname", "data"} | {field.name for field in HEADER_FIELDS}


def subject(message: Message) -> str:
    """`CRITICAL web01 web:nginx: crashed 3 times`: the whole message in one line."""
    first_line = plain_line(message.text.strip().split("\n", 1)[0])
    said = {word.strip(".,;:!?()[]\"'`") for word in first_line.split()}
    head = " ".join([state(message), *(name for name in _place(message) if name not in said)])
    return shortened(f"{head}: {first_line}" if first_line else head, SUBJECT_CHARACTERS)


def title(message: Message) -> str:
    """`CRITICAL web01 web:nginx`: what stands above the text where that is shown too."""
    return shortened(" ".join([state(message), *_place(message)]), SUBJECT_CHARACTERS)


def state(message: Message) -> str:
    """`CRITICAL`, `STILL CRITICAL` for a reminder, `OK` for a recovery."""
    match message.phase:
        case "recovery":
            return "OK"
        case "reminder":
            return f"STILL {message.severity.upper()}"
    return message.severity.upper()


def body(message: Message) -> str:
    """The text, and below it what is known of it, line by line; supervisord's counting is left out."""
    event = message.event
    fields = " ".join(f"{name}={value}" for name, value in event.items() if name not in _SAID_ELSEWHERE)
    facts = {
        "severity": message.severity,
        "process": process_of(event),
        "host": host("host"),
        "rule": message.rule,
        "time": _local(message.time),
        "open since": _local(message.opened) if message.opened and message.phase != "firing" else None,
        "event": plain_line(f"{event.get('event', '')} {fields}"),
        "incident": message.incident,
        "id": message.id,
    }
    known = [f"{name:<10} {plain_line(str(value))}" for name, value in facts.items() if value]
    return "\n".join([lines(message.text).rstrip(), "", *known, *_data(event.get("data"))]) + "\n"


def document(message: Message) -> dict[str, object]:
    """The message as an object for programs; `event` is flat (`event/record.py`). Times are ISO 8601, in UTC.

    A digest has two keys more: `alerts`, a list of such objects, and `more`, how many are not among them.
    """
    gathered = {"alerts": list(map(document, message.alerts)), "more": message.more} if message.alerts else {}
    return {
        "id": message.id,
        "incident": message.incident,
        "phase": message.phase,
        "severity": message.severity,
        "text": utf8(message.text),
        "rule": utf8(message.rule),
        "key": utf8(message.key),
        "process": process_of(message.event),
        "host": host("host"),
        "time": utc(message.time),
        "opened": None if message.opened is None else utc(message.opened),
        "event": dict(message.event),
        **gathered,
    }


def json_text(value: object) -> str:
    """`value` as JSON on one line, whatever takes for the end of one, in characters that UTF-8 has."""
    return utf8(json.dumps(value, ensure_ascii=False).translate(_ESCAPES))


def _place(message: Message) -> list[str]:
    return [plain_line(name) for name in (host("host"), process_of(message.event)) if name]


def _data(data: object) -> list[str]:
    return ["", "data:", lines(str(data)[:DATA_CHARACTERS]).rstrip()] if data else []


def shortened(text: str, length: int) -> str:
    """`text` with at most so many characters; what is cut is shown by `…`."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _local(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def utc(moment: float) -> str:
    """A moment as RFC 3339 has it, in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
