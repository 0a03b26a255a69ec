"""Supervisord's event protocol, without I/O: bytes go in, frames and events come out.

1. A frame is a header line and a payload of `len` characters, encoded as UTF-8. supervisord counts characters, not
   bytes (`supervisor/process.py: _eventEnvelope`).
2. Any split of the bytes gives the same frames.
3. What goes wrong with the frame's borders can't be mended, since nothing marks the next frame: `FrameReader` raises.
   What goes wrong inside a frame concerns that frame alone: `decode` raises, and the frame can be kept as it is.
4. If this module raises anything but `ProtocolError` for bytes that came in, that is a bug.

Header and payload are lists of `key:value` words in any order. Some values are not checked by supervisord and may hold
spaces (names after the expansion of `%(…)s`) or spaces and colons (the identifier, the type of a remote communication);
they reach to the next word that can't be theirs.
"""

import re
from collections.abc import Container
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rules_listener.base.errors import ProtocolError
from rules_listener.event.catalogue import CATALOGUE, NUMBERS, EventType
from rules_listener.event.event import Event, Value

READY = b"READY\n"
OK = b"RESULT 2\nOK"

MAX_HEADER_BYTES = 64 * 1024
"""A header line is some hundred bytes long; a stream without a line end is no protocol."""

MAX_LENGTH_DIGITS = 12
"""What claims to be longer than a terabyte is no protocol, and would be waited for for ever."""

_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))
_HEADER_KEYS = frozenset({"ver", "server", "serial", "pool", "poolserial", "eventname", "len"})
_HEADER_NUMBERS = ("serial", "poolserial", "len")
_USUAL_HEADER = re.compile(
    r"ver:(\S+) server:([^\s:]+) serial:(\d{1,18}) pool:([^\s:]+) poolserial:(\d{1,18}) eventname:(\S+) len:(\d{1,18})"
).fullmatch
"""The header as supervisord writes it, unless its identifier is unusual: as `_words`, at a third of the cost."""

_MAY_HOLD_SPACES = frozenset({"server", "processname", "groupname", "type"})
_MAY_HOLD_COLONS = frozenset({"server", "type"})


class Frame(NamedTuple):
    """One message of the protocol as bytes: the header line without its end, and the payload."""

    header: bytes
    payload: bytes


NO_FRAME = Frame(b"", b"")


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.pending = 0
        """How many bytes are there beyond the frames taken so far."""
        self._needed = 1

    def receive_data(self, data: bytes) -> None:
        """Add bytes as they were read, however they were split."""
        self._parts.append(data)
        self.pending += len(data)

    def next_frame(self) -> Frame | None:
        """The next whole frame, or None if more bytes are needed.

        Raises:
            ProtocolError: the stream can't be cut into frames from here on.
        """
        if self.pending < self._needed:
            return None
        buffer = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        line_end = buffer.find(b"\n", 0, MAX_HEADER_BYTES)
        if line_end < 0 and len(buffer) >= MAX_HEADER_BYTES:
            raise ProtocolError(f"no header line within {MAX_HEADER_BYTES} bytes: {_shown(buffer)}")
        frame = None
        if line_end >= 0:
            header = buffer[:line_end]
            start = line_end + 1
            end = self._needed = _payload_end(buffer, start, _payload_length(header))
            if end <= len(buffer):
                frame = Frame(header, buffer[start:end])
                buffer = buffer[end:]
                self._needed = 1
        self._parts = [buffer] if buffer else []
        self.pending = len(buffer)
        return frame

    def frame_of(self, data: bytes) -> Frame | None:
        """The frame that `data` completes, if it does; no data is the end of the stream.

        supervisord sends the next frame when this one was answered, so nothing may follow it.

        Raises:
            ProtocolError: as `next_frame` and `close`, or bytes follow the frame.
        """
        if not data:
            self.close()
            return None
        self.receive_data(data)
        frame = self.next_frame()
        if frame is not None and self.pending:
            raise ProtocolError(f"{self.pending} bytes follow a frame that was not answered yet")
        return frame

    def close(self) -> None:
        """Say that the stream has ended.

        Raises:
            ProtocolError: it ended within a frame.
        """
        if self.pending:
            raise ProtocolError(f"the stream ended within a frame, after {_shown(b''.join(self._parts))}")


def _payload_end(buffer: bytes, start: int, length: int) -> int:
    """Where a payload of `length` characters ends, if the buffer is that long; else how long it is at the least."""
    end = start + length
    if end > len(buffer) or buffer[start:end].isascii():
        return end
    characters = _count_characters(buffer[start:end])
    while characters < length and end <= len(buffer):
        missing = length - characters
        characters += _count_characters(buffer[end : end + missing])
        end += missing
    return _character_end(buffer, end) if end <= len(buffer) else end


def _character_end(buffer: bytes, end: int) -> int:
    """`end`, moved over the rest of a character of several bytes."""
    lead = end - 1
    while lead >= 0 and buffer[lead] & 0xC0 == 0x80:  # noqa: PLR2004 - the mark of a continuation byte
        lead -= 1
    first = buffer[lead]
    width = 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)  # noqa: PLR2004 - UTF-8's lead bytes
    return max(end, lead + width)


def _count_characters(part: bytes) -> int:
    return len(part.translate(None, _CONTINUATION_BYTES))


def _payload_length(header: bytes) -> int:
    _, found, digits = header.rpartition(b" len:")
    if not found or not digits.isdigit():
        digits = next((word[4:] for word in reversed(header.split(b" ")) if word.startswith(b"len:")), b"")
    if not digits.isdigit() or len(digits) > MAX_LENGTH_DIGITS:
        raise ProtocolError(f"a header line without the payload's length: {_shown(header)}")
    return int(digits)


def _shown(data: bytes) -> str:
    limit = 80
    return repr(data[:limit]) + ("…" if len(data) > limit else "")


def decode(frame: Frame, time: float) -> Event:
    """The event that `frame` holds, received at `time` (seconds since 1970).

    Types and fields that the catalogue does not know are kept as text; data in which supervisord itself found no UTF-8
    comes as its text `Undecodable: …`.

    Raises:
        ProtocolError: the frame can't be understood.
    """
    try:
        header = decode_header(frame.header)
        payload = frame.payload.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None
    name = str(header["eventname"])
    event_type = CATALOGUE.get(name)
    if event_type is None:
        fields, data = _decode_unknown(payload)
    else:
        fields, data = _decode_payload(event_type, payload)
    return Event(name, time, fields, data, header)


def _not_utf8(error: UnicodeDecodeError) -> ProtocolError:
    return ProtocolError(f"not UTF-8 ({error.reason} at byte {error.start}): {_shown(error.object)}")


LONG = 4096
"""From how many bytes on it pays not to decode a payload before it is asked for."""


def glance(frame: Frame, time: float, looked_at: Container[str]) -> Event:
    """The event that `frame` holds, as `decode` gives it; what nobody may want to see of it is not decoded yet.

    That is the payload of a type that is not among those that are `looked_at`, and one that is long. Whoever asks for
    its fields or its data has it decoded then, and gets the ProtocolError if it can't be understood.

    Raises:
        ProtocolError: the frame can't be understood.
    """
    try:
        header = decode_header(frame.header)
        event_type = CATALOGUE.get(str(header["eventname"]))
        if event_type is None:
            return decode(frame, time)
        name: str = event_type.name
        if name in looked_at and len(frame.payload) < LONG:
            fields, data = _decode_payload(event_type, frame.payload.decode())
            return Event(name, time, fields, data, header)
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from None
    event = _Undecoded.__new__(_Undecoded)
    event.type, event.time, event.header, event.payload = name, time, header, frame.payload
    return event


class _Undecoded(Event):
    """An event of a type that the catalogue lists; what its payload says is decoded when it is asked for, once."""

    __slots__ = ("payload",)
    payload: bytes

    if not TYPE_CHECKING:  # it has what any event has

        def __getattr__(self, name: str) -> object:
            """Decode the fields or the data."""
            if name not in ("fields", "data"):
                raise AttributeError(name)
            try:
                self._decode(name)
            except UnicodeDecodeError as error:
                raise _not_utf8(error) from None
            return getattr(self, name)

    def _decode(self, name: str) -> None:
        payload, event_type = self.payload, CATALOGUE[self.type]
        end = payload.find(b"\n") if event_type.has_data else -1
        if name == "fields":
            line = payload if end < 0 else payload[:end]
            self.fields, _ = _decode_payload(event_type, line.decode())
        elif event_type.has_data:
            self.data = "" if end < 0 else payload[end + 1 :].decode()
        else:
            self.data = None


def decode_header(line: bytes) -> dict[str, Value]:
    """The words of a header line; `serial`, `poolserial` and `len` as numbers.

    Raises:
        ProtocolError: a word is no `key:value`, a number is none, or `eventname` is missing.
        UnicodeDecodeError: the line is not UTF-8.
    """
    text = line.decode()
    usual = _USUAL_HEADER(text)
    if usual is not None:
        ver, server, serial, pool, poolserial, name, length = usual.groups()
        return {
            "ver": ver,
            "server": server,
            "serial": int(serial),
            "pool": pool,
            "poolserial": int(poolserial),
            "eventname": name,
            "len": int(length),
        }
    header = _words(text, _HEADER_KEYS)
    for key in _HEADER_NUMBERS:
        if key in header:
            header[key] = _number(key, header[key])
    if "eventname" not in header:
        raise ProtocolError(f"a header line without an event name: {_shown(line)}")
    return header


def _decode_payload(event_type: EventType, payload: str) -> tuple[dict[str, Value], str | None]:
    data: str | None = None
    if event_type.has_data:
        payload, _, data = payload.partition("\n")
    # PROCESS_GROUP events end in a newline (supervisor/events.py: ProcessGroupEvent.payload).
    return _fields(event_type.name, payload.rstrip("\n")).copy(), data


@lru_cache(maxsize=1024)
def _fields(name: str, line: str) -> dict[str, Value]:
    """The fields in a payload's first line; one process's events mostly have the same."""
    fields = _words(line, _KEYS[name])
    for key in NUMBERS[name]:
        if key in fields:
            fields[key] = _number(key, fields[key])
    return fields


def _decode_unknown(payload: str) -> tuple[dict[str, Value], str | None]:
    line, newline, rest = payload.partition("\n")
    try:
        return _words(line, frozenset()), rest if newline else None
    except ProtocolError:
        return {}, payload


_KEYS = {name: frozenset(field.name for field in kind.fields) for name, kind in CATALOGUE.items()}


def _words(text: str, known: frozenset[str]) -> dict[str, Value]:
    words: dict[str, Value] = {}
    last = ""
    for word in text.split(" ") if text else ():
        key, colon, value = word.partition(":")
        if colon and key != last and (key in known or last not in _MAY_HOLD_COLONS):
            words[key] = value
            last = key
        elif last in _MAY_HOLD_SPACES:
            words[last] = f"{words[last]} {word}"
        else:
            raise ProtocolError(f"{word[:80]!r} is no `key:value` in {text[:200]!r}")
    return words


def _number(key: str, value: Value) -> int:
    try:
        return int(value)
    except ValueError:
        raise ProtocolError(f"`{key}` is no number: {value!r:.80}") from None


def encode(event: Event) -> bytes:
    """The frame that supervisord would send for `event`: the reverse of `decode`."""
    words = " ".join(f"{key}:{value}" for key, value in event.fields.items())
    event_type = CATALOGUE.get(event.type)
    if event.data is not None:
        payload = f"{words}\n{event.data}"
    elif event_type is not None and event_type.parent == "PROCESS_GROUP":
        payload = f"{words}\n"
    else:
        payload = words
    header: dict[str, Value] = {"ver": "3.0", "server": "supervisor", "serial": 0, "pool": "listener", "poolserial": 0}
    header |= event.header | {"eventname": event.type, "len": len(payload)}
    return (" ".join(f"{key}:{value}" for key, value in header.items()) + f"\n{payload}").encode()
