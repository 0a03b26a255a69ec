"""What a program is told about a message: environment, arguments and standard input, all as bytes.

1. `RL_ID RL_RULE RL_KEY RL_SEVERITY RL_MESSAGE RL_TIME RL_CHANNEL RL_ATTEMPT RL_EVENT RL_PHASE RL_INCIDENT` are always
   the message's; `RL_EVENT` is the event's type, `RL_PHASE` `firing`, `reminder` or `recovery`, and `RL_INCIDENT` is
   empty unless the alert stays open. `RL_PROCESS` and an `RL_<FIELD>` for each field of the event stand beside them; a
   field that has one of these names is left out, and is found in the JSON.
2. The kernel takes at most 131,071 bytes of one string (`MAX_ARG_STRLEN`, execve(2)): a longer variable is left out, a
   longer argument is an error.
3. A NUL byte can't be passed: U+FFFD takes its place.
4. Standard input is the event as one line of JSON, complete whatever its size; of a digest, a line for each alert.
"""

import json
from collections.abc import Mapping, Sequence

from rules_listener.outbox.channel import Message
from rules_listener.send.process import process_of

MAX_STRING_BYTES = 131_071


def environment_of(message: Message, base: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The environment `base` with the message's variables."""
    variables = {f"RL_{name.upper()}": str(value) for name, value in message.event.items() if _is_name(name)}
    variables["RL_PROCESS"] = process_of(message.event) or ""
    variables |= {
        "RL_ID": message.id,
        "RL_RULE": message.rule,
        "RL_KEY": message.key,
        "RL_SEVERITY": message.severity,
        "RL_MESSAGE": message.text,
        "RL_TIME": str(message.time),
        "RL_CHANNEL": message.channel,
        "RL_ATTEMPT": str(message.attempt),
        "RL_EVENT": str(message.event.get("event", "")),
        "RL_PHASE": message.phase,
        "RL_INCIDENT": message.incident or "",
    }
    added = {name.encode(): _bytes(value) for name, value in variables.items()}
    return {**base, **{name: value for name, value in added.items() if len(name) + 1 + len(value) <= MAX_STRING_BYTES}}


def arguments_of(arguments: Sequence[str]) -> list[bytes]:
    """The arguments as a program gets them.

    Raises:
        ValueError: there is none, or one is too long; the text is for the operator.
    """
    encoded = [_bytes(argument) for argument in arguments]
    if not encoded or not encoded[0]:
        raise ValueError("no program is named")
    for number, argument in enumerate(encoded):
        if len(argument) > MAX_STRING_BYTES:
            raise ValueError(
                f"argument {number} has {len(argument)} bytes, and the system takes {MAX_STRING_BYTES}: "
                "shorten it with truncate(), or read the event from standard input"
            )
    return encoded


def input_of(message: Message) -> bytes:
    """The event as one line of JSON in UTF-8; of a digest, that of each alert."""
    return b"".join(_line(one.event) for one in message.alerts or (message,))


def _line(event: Mapping[str, object]) -> bytes:
    # A lone surrogate, which UTF-8 does not have, becomes \udXXX: just what JSON writes for it.
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _is_name(name: str) -> bool:
    return name.isidentifier() and name.isascii()


def _bytes(text: str) -> bytes:
    text = text.replace("\0", "\ufffd")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
