"""Patterns as the language's reference defines them, by a model that keeps every event for ever.

An `Occurrence` is a moment, a key, a value, and whether the event is selected (`main`) or is the pattern's S
(`second`). Each function gives the moments and keys at which the rule fires, in their order.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Occurrence(NamedTuple):
    """An event as a pattern sees it."""

    time: float
    key: str
    value: str
    main: bool
    second: bool


Fired = tuple[float, str]
Model = Callable[[list[Occurrence], float, int, float], list[Fired]]


def _by_key(history: list[Occurrence]) -> Iterator[tuple[str, list[Occurrence]]]:
    for key in sorted({one.key for one in history}):
        yield key, [one for one in history if one.key == key]


def _counted(
    history: list[Occurrence], duration: float, number: int, count: Callable[[list[Occurrence]], int]
) -> list[Fired]:
    """Fires when the count comes to `number`, once it has been below; it falls only as time passes."""
    fired = []
    for key, found in _by_key([one for one in history if one.main]):
        armed = True
        for place, one in enumerate(found):
            within = [other for other in found[:place] if other.time > one.time - duration]
            armed = armed or count(within) < number
            if armed and count([*within, one]) >= number:
                fired.append((one.time, key))
                armed = False
    return fired


def times(history: list[Occurrence], duration: float, number: int, _end: float) -> list[Fired]:
    """`N times in D`."""
    return _counted(history, duration, number, len)


def distinct(history: list[Occurrence], duration: float, number: int, _end: float) -> list[Fired]:
    """`N distinct FIELD in D`."""
    return _counted(history, duration, number, lambda found: len({one.value for one in found}))


def then(history: list[Occurrence], duration: float, _number: int, _end: float) -> list[Fired]:
    """`then S within D`: disarmed after it has fired."""
    fired = []
    for key, found in _by_key(history):
        for place, one in enumerate(found):
            before = found[:place]
            seconds = [index for index, other in enumerate(before) if other.second]
            # what was selected together with an S comes after it
            mains = [other for other in before[seconds[-1] if seconds else 0 :] if other.main]
            if one.second and any(other.time > one.time - duration for other in mains):
                fired.append((one.time, key))
    return fired


def without(history: list[Occurrence], duration: float, _number: int, end: float) -> list[Fired]:
    """`without S within D`."""
    fired = []
    for key, found in _by_key(history):
        free_at, place = float("-inf"), 0
        while place < len(found):
            one = found[place]
            place += 1
            if not one.main or one.time < free_at:
                continue
            rest = list(enumerate(found[place:], place))
            came = next((index for index, other in rest if other.second and other.time < one.time + duration), None)
            if came is None:
                free_at = one.time + duration
                fired += [(free_at, key)] if free_at <= end else []
            else:
                place = came
    return fired


def no(history: list[Occurrence], duration: float, _number: int, end: float) -> list[Fired]:
    """`on no S for D`, per key."""
    fired = []
    for key, found in _by_key([one for one in history if one.main]):
        for one, following in zip(found, [*found[1:], None], strict=True):
            due = one.time + duration
            if due <= (end if following is None else following.time):
                fired.append((due, key))
    return fired


def no_overall(history: list[Occurrence], duration: float, _number: int, end: float) -> list[Fired]:
    """`on no S for D overall`: waits for the first S from the first moment on."""
    fired = []
    moments = [*(one.time for one in history[:1]), *(one.time for one in history if one.main)]
    for moment, following in zip(moments, [*moments[1:], end + duration], strict=bool(moments)):
        if moment + duration <= min(following, end):
            fired.append((moment + duration, ""))
    return fired


class Change(NamedTuple):
    """A process has come into a state (`waited_for`: that of the pattern), or its group was removed."""

    time: float
    process: str
    group: str
    kind: str


def stays(history: list[Change], duration: float, end: float) -> list[tuple[float, str, str]]:
    """`for D`: moments, processes and groups at which the rule fires."""
    fired = []
    for place, one in enumerate(history):
        due = one.time + duration
        later = [other for other in history[place + 1 :] if other.time < due and other.group == one.group]
        has_left = any(other.kind == "removed" or other.process == one.process for other in later)
        if one.kind == "waited for" and due <= end and not has_left:
            fired.append((due, one.process, one.group))
    return fired


def closings(
    history: list[Change], key_of: Callable[[str, str], str], duration: float, end: float
) -> list[tuple[float, str]]:
    """`until S for D`, S about states: moments and keys at which an alert closes that each "fires" opens.

    It closes D after the first S ("closes") since something spoke against it: another firing of the key, another state
    of the process that S was about, the removal of its group.
    """
    closed = []
    for key in {key_of(one.process, one.group) for one in history}:
        is_open, since = False, None
        for one in [*history, Change(end, "", "", "the end")]:
            if since is not None and since.time + duration <= one.time:
                closed.append((since.time + duration, key))
                is_open, since = False, None
            concerned = "" if since is None else since.process if one.kind != "removed" else one.process
            if since is not None and (since.group, concerned) == (one.group, one.process):
                since = None
            if one.kind in ("fires", "closes") and key_of(one.process, one.group) == key:
                is_open = is_open or one.kind == "fires"
                since = None if one.kind == "fires" else since or (one if is_open else None)
    return closed


MODELS: dict[str, tuple[str, Model]] = {
    "times": ("on REMOTE_COMMUNICATION where data contains 'm' {n} times in {d}", times),
    "distinct": ("on REMOTE_COMMUNICATION where data contains 'm' {n} distinct server in {d}", distinct),
    "then": (
        "on REMOTE_COMMUNICATION where data contains 'm' then REMOTE_COMMUNICATION where data contains 's' within {d}",
        then,
    ),
    "without": (
        (
            "on REMOTE_COMMUNICATION where data contains 'm'"
            " without REMOTE_COMMUNICATION where data contains 's' within {d}"
        ),
        without,
    ),
    "no": ("on no REMOTE_COMMUNICATION where data contains 'm' for {d}", no),
}
"""For each pattern, a rule without its key and action, and its model."""
