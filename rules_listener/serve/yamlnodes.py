"""YAML with places: a strict reader whose complaints point at the line.

1. A reading method returns None where something is wrong, after it has said so.
2. Keys that nobody asked for are errors that name the valid ones.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from rules_listener.base.diagnostics import Diagnostic, suggestion, warning
from rules_listener.base.source import Source, Span
from rules_listener.lang.literals import read_duration, read_size

_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]*):(?P<port>[0-9]{1,5})", re.ASCII)
_LAST_PORT = 65535

Node = Any
"""A node of PyYAML's, which comes without types."""

_IN_QUOTES = {"{": "a value with braces stands in quotes", ":": "a value with a colon and a blank stands in quotes"}
"""What to do about signs that YAML does not take for text."""


class YamlReader:
    """Reads one YAML text, and collects what is wrong with it in `found`, under `code` unless another one is given.

    `text` is read in place of the source's, which then is what may be shown of it: as long, line by line.
    """

    def __init__(self, source: Source, text: str | None = None, code: str = "RL303") -> None:
        self.source = source
        self._text = source.text if text is None else text
        self._code = code
        self.found: list[Diagnostic] = []

    def root(self) -> Node | None:
        """The text's only document; None if it is empty or no YAML."""
        try:
            return yaml.compose(self._text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            start = mark.index if mark is not None else 0
            self.found.append(
                self._diagnostic(str(error.problem or error.context), start, start + 1, self._hint(start))
            )
        except yaml.YAMLError as error:
            self.found.append(self._diagnostic(str(error), 0, 1))
        except RecursionError:
            self.found.append(self._diagnostic("the lists in one another are too many to be read", 0, 1))
        return None

    def _hint(self, place: int) -> str:
        """What to do about a text that is no YAML from `place` on."""
        before, here = self._text[:place][-1:], self._text[place : place + 1]
        if here == ":" and before in ("[", "]"):
            return "an address with brackets stands in quotes"
        return _IN_QUOTES.get(here, "")

    def span(self, node: Node) -> Span:
        """Where a node stands."""
        return Span(self.source, node.start_mark.index, node.end_mark.index)

    def part(self, node: Node, start: int, end: int) -> Span:
        """Where characters `[start, end)` of a single value stand; all of it, if it is not written as it is read."""
        place = self._place_in_block(node, start) if node.style == "|" else self._place(node, start)
        return self.span(node) if place is None else Span(self.source, place, place + end - start)

    def _place(self, node: Node, start: int) -> int | None:
        first = node.start_mark.index + (node.style in ("'", '"'))
        return first + start if self._text.startswith(node.value, first) else None

    def _place_in_block(self, node: Node, start: int) -> int | None:
        """The same below a `|`, where each line is indented."""
        number = node.start_mark.line + 2 + node.value.count("\n", 0, start)
        first = node.value.rfind("\n", 0, start) + 1
        text = node.value[first:].split("\n", 1)[0]
        written = self.source.line(number)
        indent = len(written) - len(text)
        return self.source.offset(number, indent + start - first + 1) if written.endswith(text) else None

    def report(self, message: str, node: Node, label: str = "", *notes: str, code: str = "") -> None:
        """Say that something is wrong with a node."""
        self.report_at(message, self.span(node), label, *notes, code=code)

    def warn(self, message: str, node: Node, code: str, *notes: str) -> None:
        """Say something about a node that is no error."""
        self.found.append(warning(code, message, self.span(node), "", *notes))

    def report_at(self, message: str, span: Span, label: str = "", *notes: str, code: str = "") -> None:
        """Say that something is wrong at a place."""
        self.found.append(Diagnostic(code or self._code, message, span, label, notes))

    def _diagnostic(self, message: str, start: int, end: int, label: str = "") -> Diagnostic:
        return Diagnostic(self._code, message, Span(self.source, start, end), label)

    def items(self, node: Node) -> Iterator[tuple[Node, Node]]:
        """The keys and values of a mapping, each key once."""
        if not isinstance(node, yaml.MappingNode):
            self.report("here belong keys with values", node, "such as `name: value`")
            return
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.report("a key is a word", key)
            elif key.value in seen:
                self.report(f"the key `{key.value}` stands here twice", key)
            else:
                seen.add(key.value)
                yield key, value

    def is_mapping(self, node: Node) -> bool:
        """Whether a node has keys."""
        return isinstance(node, yaml.MappingNode)

    def is_list(self, node: Node) -> bool:
        """Whether a node has items."""
        return isinstance(node, yaml.SequenceNode)

    def one_or_more(self, node: Node) -> list[Node]:
        """The items of a list; what is no list is the only item of one."""
        return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]

    def mapping(self, node: Node, known: list[str]) -> dict[str, Node]:
        """A mapping by key; unknown keys are reported and left out."""
        found = {}
        for key, value in self.items(node):
            if key.value in known:
                found[key.value] = value
            else:
                label = suggestion(key.value, known)
                self.report(f"there is no key `{key.value}` here", key, label, f"keys: {' '.join(known)}")
        return found

    def text(self, node: Node) -> str | None:
        """A single value, as it is written."""
        if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:null":
            return str(node.value)
        self.report("a single value belongs here", node)
        return None

    def texts(self, node: Node) -> list[tuple[str, Node]]:
        """A list of single values, with their nodes."""
        if not isinstance(node, yaml.SequenceNode):
            self.report("a list belongs here", node, "such as [a, b]")
            return []
        values = [(self.text(item), item) for item in node.value]
        return [(value, item) for value, item in values if value is not None]

    def duration(self, node: Node) -> float | None:
        """A duration, in seconds."""
        return self._measure(node, read_duration, "a duration belongs here", "such as 10s, 5m or 1h30m")

    def size(self, node: Node) -> int | None:
        """A size, in bytes."""
        value = self._measure(node, read_size, "a size belongs here", "such as 64KiB or 256MB")
        return None if value is None else int(value)

    def _measure(self, node: Node, read: Any, message: str, label: str) -> float | None:
        text = self.text(node)
        if text is None:
            return None
        value: float | None = read(text)
        if value is None:
            self.report(message, node, label)
        return value

    def number(self, node: Node) -> int | None:
        """A whole number, 1 or more."""
        text = self.text(node)
        if text is None or not text.isdecimal() or int(text) < 1:
            self.report("a whole number belongs here, 1 or more", node)
            return None
        return int(text)

    def address(self, node: Node) -> str | None:
        """An address with a port; without a host it means all addresses of this one."""
        text = self.text(node)
        found = None if text is None else _ADDRESS.fullmatch(text)
        if found is not None and 0 < int(found["port"]) <= _LAST_PORT and _may_be_a_host(found["host"]):
            return text
        if text is not None:
            label = "such as 127.0.0.1:9464, or :9464 for all addresses of this host"
            self.report("an address with a port belongs here", node, label)
        return None

    def choice(self, node: Node, choices: list[str]) -> str | None:
        """One of some words."""
        text = self.text(node)
        if text is None or text in choices:
            return text
        self.report(f"`{text}` is not possible here", node, suggestion(text, choices), f"possible: {' '.join(choices)}")
        return None


def _may_be_a_host(name: str) -> bool:
    """Whether it can be looked up: no label of a name is empty or too long."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True
