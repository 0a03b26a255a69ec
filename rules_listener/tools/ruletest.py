"""One rule test: what comes, and what is to be sent; read out of its file."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import chain
from os.path import normpath
from pathlib import Path

from rules_listener.base.clock import no_moment
from rules_listener.base.diagnostics import suggestion
from rules_listener.base.errors import ConfigError
from rules_listener.base.source import Span
from rules_listener.event.catalogue import LISTENER_PREFIX
from rules_listener.event.event import Event, Value
from rules_listener.event.localtime import read_moment
from rules_listener.lang.literals import spell_duration
from rules_listener.serve.yamlnodes import Node, YamlReader
from rules_listener.tools.eventline import AFTER_THE_END, read_line
from rules_listener.tools.expected import Expected, Fact

KEYS = ["name", "start", "events", "recording", "until", "alerts", "held"]
KINDS = ["alert", "run", "start", "stop", "restart", "signal", "shutdown"]
SEVERITIES = ["info", "warning", "error", "critical"]
PHASES = ["firing", "reminder", "recovery"]
MOST_NAMED = 12
"""So many rules or channels are named where an unknown one is expected."""

_EVENT = "RL312"
_EXPECTED = "RL313"


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test: what comes, and what is to be sent.

    `events` come, or those of a `recording`. `start` is the moment of 0s, in seconds since 1970; None: that of the
    recording's first event. The clock runs on up to `until_s` seconds after it. `held` is None where it does not matter
    what is held back.
    """

    name: str
    place: Span
    start: float | None
    events: Sequence[Event]
    recording: Path | None
    until_s: float | None
    alerts: Sequence[Expected]
    held: Sequence[Expected] | None


@dataclass(frozen=True, slots=True)
class About:
    """What the tests of a file are about: names of rules and channels (None: any), and where and when they are."""

    folder: Path
    rules: Collection[str] | None
    channels: Collection[str] | None
    zone: tzinfo
    start: float | None


def default_start(zone: tzinfo) -> float:
    """The moment of 0s where none is given: the Monday 2024-01-01T00:00 in the zone of the tests."""
    return datetime(2024, 1, 1, tzinfo=zone).timestamp()


def path_of(yaml: YamlReader, node: Node, folder: Path) -> Path | None:
    """A file or folder that is there."""
    text = yaml.text(node)
    path = None if text is None else Path(normpath(folder / text.replace("\0", "\N{REPLACEMENT CHARACTER}")))
    if path is not None and not path.exists():
        yaml.report(f"there is no {path}", node, code="RL301")
        return None
    return path


def moment_of(yaml: YamlReader, node: Node, zone: tzinfo) -> float | None:
    """A moment, in `zone` unless it names one itself."""
    text = yaml.text(node)
    try:
        return None if text is None else read_moment(text, zone)
    except ConfigError as error:
        yaml.report(str(error), node)
        return None


def read_tests(yaml: YamlReader, node: Node, about: About) -> list[RuleTest]:
    """The tests of a list, as far as they can be read; what is wrong with them is reported."""
    if not yaml.is_list(node) or not node.value:
        yaml.report("a list of tests belongs here", node, "such as `- name: …`")
        return []
    names: dict[str, Span] = {}
    tests = [_TestReader(yaml, about, names).test(item) for item in node.value]
    return [test for test in tests if test is not None]


class _TestReader:
    """Reads one test. `names` are those of the tests before it."""

    def __init__(self, yaml: YamlReader, about: About, names: dict[str, Span]) -> None:
        self.yaml = yaml
        self.about = about
        self.names = names

    def test(self, node: Node) -> RuleTest | None:
        """The whole of it."""
        keys = self.yaml.mapping(node, KEYS)
        if not self.yaml.is_mapping(node):
            return None
        self._look_for_all(node, keys)
        start = moment_of(self.yaml, keys["start"], self.about.zone) if "start" in keys else self.about.start
        recording = path_of(self.yaml, keys["recording"], self.about.folder) if "recording" in keys else None
        first = default_start(self.about.zone) if start is None else start
        events = self._events(keys["events"], first) if "events" in keys else []
        return RuleTest(
            self._name(keys["name"]) if "name" in keys else "",
            self.yaml.span(keys.get("name", node)),
            start if recording else first,
            events,
            recording,
            self._until(keys["until"], events, first) if "until" in keys else None,
            self._expected(keys["alerts"]) if "alerts" in keys else [],
            self._expected(keys["held"], of_held=True) if "held" in keys else None,
        )

    def _look_for_all(self, node: Node, keys: Mapping[str, Node]) -> None:
        """Say which keys are missing, or one too many."""
        for key in ("name", "alerts"):
            if key not in keys:
                self.yaml.report(f"the key `{key}` is missing here", node, "", f"keys: {' '.join(KEYS)}")
        if ("events" in keys) == ("recording" in keys):
            said = "only one of the keys" if "events" in keys else "one of the keys"
            self.yaml.report(f"{said} `events` and `recording` belongs here", node)

    def _name(self, node: Node) -> str:
        name = self.yaml.text(node) or ""
        if name in self.names:
            self.yaml.report(f"there is a test `{name}` already", node, "", f"it is at {self.names[name].place}")
        self.names.setdefault(name, self.yaml.span(node))
        return name

    # what comes

    def _events(self, node: Node, start: float) -> list[Event]:
        events = chain.from_iterable(self._line(item, *line, start) for item, line in self._lines(node))
        return list(_numbered(sorted(events, key=lambda event: event.time)))

    def _lines(self, node: Node) -> Iterator[tuple[Node, tuple[str, int]]]:
        """Each line with its place in its node."""
        for item in self.yaml.one_or_more(node):
            place = 0
            for line in self._text(item).split("\n"):
                yield item, (line, place)
                place += len(line) + 1

    def _text(self, node: Node) -> str:
        if not self.yaml.is_mapping(node):
            return self.yaml.text(node) or ""
        message = "this is not a line: what has a colon and a blank is a key for YAML"
        self.yaml.report(message, node, "write the lines below `events: |`, without dashes")
        return ""

    def _line(self, node: Node, line: str, place: int, start: float) -> list[Event]:
        def report(message: str, first: int, end: int, label: str = "", *notes: str) -> None:
            span = self.yaml.part(node, place + first, place + end)
            self.yaml.report_at(message, span, label, *notes, code=_EVENT)

        return read_line(line, start, report)

    def _until(self, node: Node, events: Sequence[Event], start: float) -> float | None:
        seconds = self.yaml.duration(node)
        last_s = round(events[-1].time - start, 3) if events else 0.0
        if seconds is not None and no_moment(start + seconds):
            self.yaml.report(AFTER_THE_END, node)
            return None
        if seconds is not None and seconds < last_s:
            self.yaml.report("this is before the last event", node, f"which comes at {spell_duration(last_s)}")
        return seconds

    # what is to be sent

    def _expected(self, node: Node, *, of_held: bool = False) -> list[Expected]:
        if not self.yaml.is_list(node):
            self.yaml.report("a list of alerts belongs here", node, "[] where there are none")
            return []
        readers = {**self._readers(), **(self._readers_of_held() if of_held else {})}
        return [Expected(self.yaml.span(item), self._facts(item, readers)) for item in node.value]

    def _facts(self, node: Node, readers: Mapping[str, Callable[[Node], Fact | None]]) -> dict[str, Fact]:
        read = {key: readers[key](value) for key, value in self.yaml.mapping(node, list(readers)).items()}
        return {key: value for key, value in read.items() if value is not None}

    def _readers(self) -> dict[str, Callable[[Node], Fact | None]]:
        yaml = self.yaml
        return {
            "at": self._offset,
            "rule": self._rule,
            "kind": lambda node: yaml.choice(node, KINDS),
            "severity": lambda node: yaml.choice(node, SEVERITIES),
            "phase": lambda node: yaml.choice(node, PHASES),
            "key": yaml.text,
            "message": yaml.text,
            "message_like": yaml.text,
            "to": self._channels,
            "arguments": lambda node: tuple(text for text, _ in yaml.texts(node)),
        }

    def _readers_of_held(self) -> dict[str, Callable[[Node], Fact | None]]:
        return {"reason": self.yaml.text, "reason_like": self.yaml.text}

    def _offset(self, node: Node) -> float | None:
        seconds = self.yaml.duration(node)
        return None if seconds is None else round(seconds, 3)

    def _rule(self, node: Node) -> str | None:
        return self._known(node, "rule", self.about.rules)

    def _channels(self, node: Node) -> tuple[str, ...]:
        names = [self._known(item, "channel", self.about.channels) for item in self.yaml.one_or_more(node)]
        return tuple(sorted(name for name in names if name is not None))

    def _known(self, node: Node, noun: str, names: Collection[str] | None) -> str | None:
        name = self.yaml.text(node)
        if name is not None and names is not None and name not in names:
            known = f"{noun}s: {' '.join(list(names)[:MOST_NAMED])}{' …' if len(names) > MOST_NAMED else ''}"
            self.yaml.report(f"there is no {noun} `{name}`", node, suggestion(name, names), known, code=_EXPECTED)
        return name


def _numbered(events: Sequence[Event]) -> Iterator[Event]:
    """Events with the headers that supervisord gives them; the listener's own have none."""
    for number, event in enumerate(events):
        if event.type.startswith(LISTENER_PREFIX):
            yield event
        else:
            header: dict[str, Value] = {"ver": "3.0", "server": "supervisor", "serial": number}
            header |= {"pool": "rules-listener", "poolserial": number, "eventname": event.type}
            yield Event(event.type, event.time, event.fields, event.data, header | event.header)
