"""Bytes become events and events become bytes, as supervisord has them."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from supervisor import childutils

from rules_listener.base.errors import ProtocolError
from rules_listener.event.catalogue import CATALOGUE
from rules_listener.event.event import Event, Value
from rules_listener.event.wire import LONG, MAX_HEADER_BYTES, Frame, FrameReader, decode, decode_header, encode, glance
from tests.event.upstream import SENT, build, envelope, process_stub

MODEST = settings(derandomize=True, max_examples=100, deadline=None)

HEADER: dict[str, Value] = {"ver": "3.0", "server": "supervisor", "serial": 21, "pool": "listener", "poolserial": 10}
NOW = 1_764_000_000.0


def event(name: str, fields: dict[str, Value], data: str | None = None, **header: Value) -> Event:
    """An event with the usual header; `len` is given by the case."""
    return Event(name, NOW, fields, data, HEADER | {"eventname": name} | header)


WEB: dict[str, Value] = {"processname": "web", "groupname": "site"}

START = "ver:3.0 server:supervisor serial:21 pool:listener poolserial:10 eventname:"

CASES: dict[str, tuple[str, Event]] = {
    "state": (
        f"{START}PROCESS_STATE_EXITED len:69\nprocessname:web groupname:site from_state:RUNNING expected:0 pid:2766",
        event("PROCESS_STATE_EXITED", {**WEB, "from_state": "RUNNING", "expected": 0, "pid": 2766}, len=69),
    ),
    "state without more": (
        f"{START}PROCESS_STATE_FATAL len:49\nprocessname:web groupname:site from_state:BACKOFF",
        event("PROCESS_STATE_FATAL", {**WEB, "from_state": "BACKOFF"}, len=49),
    ),
    "no group": (
        f"{START}PROCESS_STATE_FATAL len:45\nprocessname:web groupname: from_state:BACKOFF",
        event("PROCESS_STATE_FATAL", {"processname": "web", "groupname": "", "from_state": "BACKOFF"}, len=45),
    ),
    "empty payload": (
        f"{START}SUPERVISOR_STATE_CHANGE_RUNNING len:0\n",
        event("SUPERVISOR_STATE_CHANGE_RUNNING", {}, len=0),
    ),
    "group with its line end": (
        f"{START}PROCESS_GROUP_ADDED len:15\ngroupname:site\n",
        event("PROCESS_GROUP_ADDED", {"groupname": "site"}, len=15),
    ),
    "tick": (
        f"{START}TICK_60 len:15\nwhen:1764000000",
        event("TICK_60", {"when": 1_764_000_000}, len=15),
    ),
    "log in Chinese": (
        f"{START}PROCESS_LOG_STDOUT len:57\nprocessname:web groupname:site pid:7 channel:stdout\n磁盘已满\n",
        event("PROCESS_LOG_STDOUT", {**WEB, "pid": 7, "channel": "stdout"}, "磁盘已满\n", len=57),
    ),
    "beyond the basic plane, combining, CRLF, colons": (
        f"{START}PROCESS_LOG_STDERR len:64\nprocessname:web groupname:site pid:7 channel:stderr\n🔥 e\u0301 c\r\na:b\n",
        event("PROCESS_LOG_STDERR", {**WEB, "pid": 7, "channel": "stderr"}, "🔥 e\u0301 c\r\na:b\n", len=64),
    ),
    "data that supervisord could not read": (
        f"{START}PROCESS_COMMUNICATION_STDOUT len:61\nprocessname:web groupname:site pid:7\nUndecodable: b'\\xff\\xfe'",
        event("PROCESS_COMMUNICATION_STDOUT", {**WEB, "pid": 7}, "Undecodable: b'\\xff\\xfe'", len=61),
    ),
    "data that is empty": (
        f"{START}PROCESS_COMMUNICATION_STDERR len:37\nprocessname:web groupname:site pid:7\n",
        event("PROCESS_COMMUNICATION_STDERR", {**WEB, "pid": 7}, "", len=37),
    ),
    "remote type with spaces and colons": (
        f"{START}REMOTE_COMMUNICATION len:30\ntype:my backup: type:full\ndone",
        event("REMOTE_COMMUNICATION", {"type": "my backup: type:full"}, "done", len=30),
    ),
    "remote type with a line end": (
        f"{START}REMOTE_COMMUNICATION len:12\ntype:a\nb\nc:d",
        event("REMOTE_COMMUNICATION", {"type": "a"}, "b\nc:d", len=12),
    ),
    "server with a space and a colon": (
        "ver:3.0 server:my host:1 a serial:21 pool:listener poolserial:10 eventname:TICK_5 len:7\nwhen:10",
        event("TICK_5", {"when": 10}, server="my host:1 a", len=7),
    ),
    "names with spaces": (
        f"{START}PROCESS_STATE_FATAL len:51\nprocessname:my web groupname:a b from_state:BACKOFF",
        event("PROCESS_STATE_FATAL", {"processname": "my web", "groupname": "a b", "from_state": "BACKOFF"}, len=51),
    ),
    "a plugin's type": (
        f"{START}SUPVISORS len:20\nnode:a load:7\nx:y z\n",
        event("SUPVISORS", {"node": "a", "load": "7"}, "x:y z\n", len=20),
    ),
    "a type without a name": (
        f"{START}None len:3\na:1",
        event("None", {"a": "1"}, len=3),
    ),
    "a newer supervisord's field": (
        f"{START}TICK_5 len:16\nwhen:10 zone:CET",
        event("TICK_5", {"when": 10, "zone": "CET"}, len=16),
    ),
}


def frames(data: bytes) -> list[Frame]:
    """All frames of a stream that ends after a whole one."""
    return read([data])


def read(parts: Iterable[bytes]) -> list[Frame]:
    """All frames of a stream that comes in parts."""
    reader = FrameReader()
    found = []
    for part in parts:
        reader.receive_data(part)
        while (frame := reader.next_frame()) is not None:
            found.append(frame)
    reader.close()
    return found


@pytest.mark.parametrize("case", CASES)
def test_decode(case: str) -> None:
    """The bytes of a case are one frame, which holds the case's event."""
    data, expected = CASES[case]
    (frame,) = frames(data.encode())
    assert decode(frame, NOW) == expected


@pytest.mark.parametrize("case", CASES)
def test_encode(case: str) -> None:
    """The event of a case is written as the case's bytes."""
    data, expected = CASES[case]
    assert encode(expected) == data.encode()


@MODEST
@given(
    st.permutations(
        ["ver:3.1", "server:a b:c", "serial:21", "pool:listener", "poolserial:10", "eventname:TICK_5", "len:7"]
    )
)
def test_header_words_in_any_order(words: list[str]) -> None:
    """The order of the header's words means nothing (supervisor's documentation promises none)."""
    (frame,) = frames(" ".join(words).encode() + b"\nwhen:10")
    assert decode(frame, NOW) == event("TICK_5", {"when": 10}, ver="3.1", server="a b:c", len=7)


@pytest.mark.parametrize("name", SENT)
def test_supervisors_own_frames(name: str) -> None:
    """What supervisor itself writes for a type of event is decoded with all fields, and encoded as the same bytes."""
    data = envelope(build(name, data="磁盘🔥\r\n"))
    (frame,) = frames(data)
    found = decode(frame, NOW)
    assert found.type == name
    assert found.fields.keys() == {field.name for field in CATALOGUE[name].fields}
    assert found.data == ("磁盘🔥\r\n" if CATALOGUE[name].has_data else None)
    assert encode(found) == data


@pytest.mark.parametrize("name", SENT)
def test_the_same_as_childutils(name: str) -> None:
    """Where supervisor's own reader can read a frame, it reads the same."""
    data = envelope(build(name, data="one:two three\nfour"))
    line, payload = data.decode().split("\n", 1)
    found = decode(frames(data)[0], NOW)
    assert {key: str(value) for key, value in found.header.items()} == childutils.get_headers(line)
    fields, rest = childutils.eventdata(payload if CATALOGUE[name].has_data else f"{payload}\n")
    assert {key: str(value) for key, value in found.fields.items()} == fields
    assert (found.data or "") == rest.removesuffix("\n")


# any split

NAMES = st.text(st.characters(codec="utf-8", exclude_characters=" :\n"), min_size=1, max_size=8)
TEXT = st.text(st.sampled_from("a: \r\n") | st.characters(codec="utf-8") | st.sampled_from("磁🔥\U00020000\u0301é"))


@st.composite
def real_events(draw: st.DrawFn) -> Any:
    """An event object of supervisor, of any type, with any names and data."""
    process = process_stub(draw(NAMES), draw(st.none() | NAMES))
    return build(draw(st.sampled_from(SENT)), process, draw(TEXT), draw(NAMES))


@MODEST
@given(st.lists(real_events(), min_size=1, max_size=4), st.data())
def test_any_split_gives_the_same_frames(upstream: list[Any], data: st.DataObject) -> None:
    """However a stream is cut, its frames are those that were sent."""
    sent = [envelope(one, serial=number) for number, one in enumerate(upstream)]
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    found = read(parts)
    assert [frame.header + b"\n" + frame.payload for frame in found] == sent
    assert [frame.payload.decode() for frame in found] == [one.payload() for one in upstream]


def test_byte_by_byte() -> None:
    """A stream that comes byte by byte has the same frames, each there with its last byte and not before."""
    stream = b"".join(data.encode() for data, _ in CASES.values())
    assert read(bytes([byte]) for byte in stream) == frames(stream)
    for text, _ in CASES.values():
        data = text.encode()
        reader = FrameReader()
        reader.receive_data(data[:-1])
        assert reader.next_frame() is None
        reader.receive_data(data[-1:])
        assert reader.next_frame() is not None


@MODEST
@given(real_events())
def test_decode_and_encode_are_each_others_reverse(upstream: Any) -> None:
    """What supervisor sends is decoded as what it was made of, and encoded as the same bytes."""
    data = envelope(upstream)
    found = decode(frames(data)[0], NOW)
    if "processname" in found.fields:
        assert found.fields["processname"] == upstream.process.config.name
        assert found.fields["groupname"] == (upstream.process.group.config.name if upstream.process.group else "")
    if "type" in found.fields:
        assert found.fields["type"] == upstream.type
    if CATALOGUE[found.type].has_data:
        assert found.data == upstream.data
    assert encode(found) == data


TOLD: tuple[frozenset[str], ...] = (frozenset(), frozenset(CATALOGUE))
"""No type is looked at, or all are."""


@MODEST
@given(real_events(), st.sampled_from(TOLD), st.permutations(("fields", "data", "process")))
def test_a_glance_sees_what_decoding_gives(upstream: Any, looked_at: frozenset[str], asked: list[str]) -> None:
    """What is decoded only when it is asked for is the same, in whatever order that is."""
    (frame,) = frames(envelope(upstream))
    right, found = decode(frame, NOW), glance(frame, NOW, looked_at)
    for name in ("type", "time", "header", *asked, *asked):
        assert getattr(found, name) == getattr(right, name)
    assert found.packed() == right.packed()


@pytest.mark.parametrize("length", [0, 1, LONG, 10 * LONG])
def test_a_glance_at_data_of_any_length(length: int) -> None:
    """Long data are as they were sent; nothing else can be asked for."""
    (frame,) = frames(envelope(build("PROCESS_LOG_STDOUT", data=("磁\n" * length)[:length].encode())))
    found, right = glance(frame, NOW, frozenset(CATALOGUE)), decode(frame, NOW)
    assert (found.data, found.fields) == (right.data, right.fields)
    assert not hasattr(found, "message")


@MODEST
@given(st.sampled_from([name for name in SENT if name.startswith(("PROCESS_LOG", "PROCESS_COMM"))]), st.binary())
def test_any_output_of_a_process(name: str, output: bytes) -> None:
    """Output that is no UTF-8 comes as supervisord's description of it, any other as it is."""
    found = decode(frames(envelope(build(name, data=output)))[0], NOW)
    try:
        assert found.data == output.decode()
    except UnicodeDecodeError:
        assert found.data == f"Undecodable: {output!r}"


@MODEST
@given(st.text(st.characters(codec="utf-8", exclude_characters="\n")))
def test_any_identifier(identifier: str) -> None:
    """A server's identifier may be any text on one line that does not look like another word of the header."""
    found = decode(frames(envelope(build("TICK_5"), identifier))[0], NOW)
    assert found.header["server"] == identifier
    assert found.header["serial"] == 21


@MODEST
@given(NAMES, NAMES, st.integers(0), st.integers(0), st.integers(1, 6))
def test_the_usual_header_is_read_like_any_other(
    server: str, pool: str, serial: int, poolserial: int, turn: int
) -> None:
    """A header in supervisor's own order holds the same as one in another order."""
    words = envelope(build("TICK_60"), server, pool, serial).split(b"\n")[0].split(b" ")
    words[4] = f"poolserial:{poolserial}".encode()
    usual, turned = b" ".join(words), b" ".join(words[turn:] + words[:turn])
    header = decode_header(usual)
    assert header == decode_header(turned)
    assert header == HEADER | {"server": server, "pool": pool, "serial": serial, "poolserial": poolserial} | {
        "eventname": "TICK_60",
        "len": 15,
    }


# what is no protocol

PIECES = b"ver:3.0 |server:|eventname:|TICK_5|PROCESS_LOG| |:|\n| len:|len:3\n|\xe7|when:|pid:x|processname:|type:|-1|0"
LONG_OR_BROKEN = (b"9" * 20, b"9" * 5000, b"\xf0\x9f", b"\x80\x80\x80")
HOSTILE = st.binary() | st.sampled_from((*PIECES.split(b"|"), *LONG_OR_BROKEN))


@settings(MODEST, max_examples=400)
@given(st.lists(HOSTILE, max_size=12))
def test_no_bytes_raise_anything_but_a_protocol_error(parts: list[bytes]) -> None:
    """Whatever comes in, reading it gives frames or a ProtocolError."""
    reader = FrameReader()
    for part in parts:
        reader.receive_data(part)
        try:
            while (frame := reader.next_frame()) is not None:
                decode(frame, NOW)
        except ProtocolError:
            break


@settings(MODEST, max_examples=400)
@given(st.lists(HOSTILE).map(b"".join), st.sampled_from(list(CATALOGUE)), st.lists(HOSTILE).map(b"".join))
def test_no_frame_raises_anything_but_a_protocol_error(words: bytes, name: str, payload: bytes) -> None:
    """Whatever a frame holds, decoding it gives an event, which can be encoded, or a ProtocolError."""
    for header in (words, b"eventname:" + name.encode() + b" " + words, b"eventname:" + name.encode()):
        try:
            found = decode(Frame(header, payload), NOW)
        except ProtocolError:
            continue
        assert encode(found)


@settings(MODEST, max_examples=400)
@given(st.sampled_from(list(CATALOGUE)), st.lists(HOSTILE).map(b"".join), st.sampled_from(TOLD))
def test_a_glance_raises_where_decoding_does(name: str, payload: bytes, looked_at: frozenset[str]) -> None:
    """A payload that can't be understood is noticed by whoever looks at all of it."""
    frame = Frame(b"eventname:" + name.encode(), payload)
    try:
        right = decode(frame, NOW).packed()
    except ProtocolError:
        with pytest.raises(ProtocolError):
            glance(frame, NOW, looked_at).packed()
    else:
        assert glance(frame, NOW, looked_at).packed() == right


NOT_FRAMED = {
    "no length": b"ver:3.0 eventname:TICK_5\n",
    "length that is no number": b"eventname:TICK_5 len:x\n",
    "negative length": b"eventname:TICK_5 len:-1\n",
    "length in other digits": "eventname:TICK_5 len:٣\n".encode(),
    "length beyond reason": b"eventname:TICK_5 len:" + b"9" * 5000 + b"\n",
    "empty line": b"\n",
    "no line end": b"x" * MAX_HEADER_BYTES,
}


@pytest.mark.parametrize("case", NOT_FRAMED)
def test_a_stream_that_cannot_be_cut(case: str) -> None:
    """Where a frame's end can't be known, the reader says so, and goes on saying so."""
    reader = FrameReader()
    reader.receive_data(NOT_FRAMED[case])
    for _ in range(2):
        with pytest.raises(ProtocolError):
            reader.next_frame()


NOT_DECODED = {
    "no event name": Frame(b"ver:3.0 len:0", b""),
    "empty header": Frame(b"", b""),
    "header word without a colon": Frame(b"eventname:TICK_5 oops", b"when:1"),
    "serial that is no number": Frame(b"eventname:TICK_5 serial:x", b"when:1"),
    "field that is no number": Frame(b"eventname:TICK_5", b"when:soon"),
    "field without a value": Frame(b"eventname:TICK_5", b"when"),
    "the same field twice": Frame(b"eventname:TICK_5", b"when:1 when:2"),
    "header that is no UTF-8": Frame(b"eventname:\xff", b""),
    "payload that is no UTF-8": Frame(b"eventname:TICK_5", b"\xff"),
}


@pytest.mark.parametrize("case", NOT_DECODED)
def test_a_frame_that_cannot_be_understood(case: str) -> None:
    """What is wrong inside a frame is said, on one line."""
    with pytest.raises(ProtocolError) as error:
        decode(NOT_DECODED[case], NOW)
    assert "\n" not in str(error.value)


def test_a_bad_frame_costs_only_itself() -> None:
    """After a frame that can't be understood comes the next one, undamaged."""
    good = envelope(build("TICK_5"))
    first, second, third = frames(good + b"eventname:TICK_5 len:4\nsoon" + good)
    assert decode(first, NOW) == decode(third, NOW)
    with pytest.raises(ProtocolError):
        decode(second, NOW)


def test_a_payload_of_an_unknown_type_that_is_no_list_of_words() -> None:
    """Of a type that nobody knows, a payload that is no list of words is kept as data."""
    found = decode(Frame(b"eventname:PLUGIN", "磁盘 full\nreally".encode()), NOW)
    assert (found.fields, found.data) == ({}, "磁盘 full\nreally")


# the end


def test_pending_and_close() -> None:
    """`pending` counts the bytes of the frame that is not there yet; a stream that ends within one is no protocol."""
    data = envelope(build("TICK_5"))
    reader = FrameReader()
    assert reader.pending == 0
    reader.close()
    reader.receive_data(data + data[:10])
    assert reader.pending == len(data) + 10
    assert reader.next_frame() is not None
    assert (reader.pending, reader.next_frame()) == (10, None)
    with pytest.raises(ProtocolError, match="ended within a frame"):
        reader.close()


def test_encode_without_a_header() -> None:
    """An event that was never on the wire gets the header of a supervisord that has just started."""
    assert encode(Event("TICK_5", NOW, {"when": 5})) == (
        b"ver:3.0 server:supervisor serial:0 pool:listener poolserial:0 eventname:TICK_5 len:6\nwhen:5"
    )
