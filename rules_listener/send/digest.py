"""A digest: what several messages say, as one message.

1. It depends on its messages and on the configuration only, so it is the same at every try; so is its id, which is made
   of theirs. A message that is alone goes as it is.
2. What is said of an alert that stays open is one line: what was said of it last and, if it recovered too, that. If
   that line is all, the digest looks like any other message.
3. Lines stand in the order of the alerts. If there are too many, or more than the channel takes, some are counted only:
   first what is well again, then the least severe, of these the youngest.
4. No text makes a line of its own; what else it has of control characters is spelled.
5. `severity` is the highest of what is said, a recovery by itself counting only if there is nothing else; `phase` is
   `recovery` only if nothing else is left. `time` is the last. Rule, key and the event's fields are what all have in
   common.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import accumulate
from typing import TypeVar

from rules_listener.lang.literals import SEVERITIES
from rules_listener.outbox.alert import resolved_after
from rules_listener.outbox.channel import Message
from rules_listener.send.line import one_line
from rules_listener.send.wording import shortened, state

Value = TypeVar("Value")

AT_MOST = 50
LINE_CHARACTERS = 300
RULE = "digest"
"""The name of the rule where there are several."""
EVENT = "LISTENER_DIGEST"
"""The type of the event where there are several."""


@dataclass(frozen=True, slots=True)
class Batch:
    """How messages are gathered: for `every_s` seconds from the first of them.

    `at_most` lines are shown, and no more than `most_bytes` of them.
    """

    every_s: float
    at_most: int = AT_MOST
    separator: str = "\n"
    most_bytes: float = math.inf


def digest_of(messages: Sequence[Message], batch: Batch) -> Message:
    """The message that says what all of them say; they are of one channel, the oldest first."""
    if len(messages) == 1:
        return messages[0]
    alerts = _alerts(messages)
    identifier = digest_id([message.id for message in messages])
    arrived = frozenset.intersection(*(message.arrived for message in messages))
    if len(alerts) == 1:
        return replace(alerts[0], id=identifier, attempt=messages[0].attempt, arrived=arrived)
    lines = _lines(alerts)
    numbers = _shown(alerts, lines, batch)
    shown = [alerts[number] for number in numbers]
    more = len(alerts) - len(shown)
    return Message(
        id=identifier,
        channel=messages[0].channel,
        text=batch.separator.join(
            [_head(alerts), *(lines[number] for number in numbers), *[f"… and {more} more"] * (more > 0)]
        ),
        rule=_common((one.rule for one in alerts), RULE),
        key=_common((one.key for one in alerts), ""),
        kind=_common((one.kind for one in alerts), "alert"),
        severity=_severity(alerts),
        time=max(one.time for one in messages),
        event=_event(alerts),
        attempt=messages[0].attempt,
        phase=_phase(alerts),
        alerts=tuple(shown),
        more=more,
        arrived=arrived,
    )


def digest_id(identifiers: Sequence[str]) -> str:
    """The id of a digest of these deliveries: that of the first, by which people find it, and a sum of all."""
    total = blake2b("\n".join(identifiers).encode("utf-8", "backslashreplace"), digest_size=4)
    return f"{identifiers[0]}-{total.hexdigest()}"


# what is said


def _alerts(messages: Sequence[Message]) -> list[Message]:
    """One message for each alert, in the place of the first that is about it."""
    by_alert: dict[str, list[Message]] = {}
    for message in messages:
        by_alert.setdefault(f"incident {message.incident}" if message.incident else message.id, []).append(message)
    return [_merged(about_one) for about_one in by_alert.values()]


def _merged(messages: Sequence[Message]) -> Message:
    last = messages[-1]
    said = next((one for one in reversed(messages) if one.phase != "recovery"), None)
    if said is None or said is last:
        return last
    after = resolved_after(last.time - (said.time if said.opened is None else said.opened))
    return replace(said, text=f"{said.text} ({after})", phase="recovery")


def _shown(alerts: Sequence[Message], lines: Sequence[str], batch: Batch) -> list[int]:
    """The numbers of those whose lines are shown."""
    ranks = sorted((one.phase == "recovery", -_rank(one), number) for number, one in enumerate(alerts))
    numbers = [number for *_, number in ranks[: batch.at_most]]
    lengths = accumulate(len(f"{lines[number]}{batch.separator}".encode()) for number in numbers)
    return sorted(number for number, length in zip(numbers, lengths, strict=True) if length <= batch.most_bytes)


def _head(alerts: Sequence[Message]) -> str:
    """`12 alerts: 2 critical, 9 error, 1 resolved`."""
    counts = Counter("resolved" if one.phase == "recovery" else one.severity for one in alerts)
    known = [name for name in (*reversed(SEVERITIES), "resolved") if name in counts]
    return f"{len(alerts)} alerts: {', '.join(f'{counts[name]} {name}' for name in known)}"


def _lines(alerts: Sequence[Message]) -> list[str]:
    times = [datetime.fromtimestamp(one.time, UTC).astimezone() for one in alerts]
    form = "%H:%M:%S" if len({time.date() for time in times}) == 1 else "%Y-%m-%d %H:%M:%S"
    texts = [shortened(one_line(" ".join(one.text.split())), LINE_CHARACTERS) for one in alerts]
    return [f"{time:{form}} {state(one)} {text}" for time, one, text in zip(times, alerts, texts, strict=True)]


# what it is about


def _rank(message: Message) -> int:
    return SEVERITIES.index(message.severity) if message.severity in SEVERITIES else 0


def _severity(alerts: Sequence[Message]) -> str:
    told = [one for one in alerts if one.phase != "recovery"]
    return max(told or alerts, key=_rank).severity


def _phase(alerts: Sequence[Message]) -> str:
    phases = {one.phase for one in alerts}
    return next(phase for phase in ("firing", "reminder", "recovery") if phase in phases)


def _common(values: Iterable[Value], otherwise: Value) -> Value:
    found = set(values)
    return found.pop() if len(found) == 1 else otherwise


def _event(alerts: Sequence[Message]) -> dict[str, object]:
    """The fields that the events of all alerts have in common."""
    first, *others = (one.event for one in alerts)
    common = {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}
    return {**common, "time": max(one.time for one in alerts), "event": common.get("event", EVENT)}
