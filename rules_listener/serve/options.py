"""Reads the options of a channel: texts, which may name what stands elsewhere, and templates.

1. A text becomes a list of parts: a str stands for itself, `["secret", n]` for reference number n of the channel,
   `["quoted", n]` for the same within the user and password of a URL, `["template", n]` for its template number n.
2. A reading method returns None where something is wrong, after it has said so.
3. A reference that can't be resolved is reported, unless there is no environment to look into. Nothing that is reported
   says what a reference stands for.
4. A password is written as a reference: one that stands in a URL as it is, is an error, and never shown.
"""

import math
import re
import shutil
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

from rules_listener.base.diagnostics import suggestion
from rules_listener.base.errors import ConfigError
from rules_listener.serve.secret import FILE, resolve
from rules_listener.serve.yamlnodes import Node, YamlReader

DEEPEST_TREE = 20

IN_VAIN = "RL321"
"""The code of what is said about channels that can't send from here."""

_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH

Parts = list[Any]
Read = Callable[[Node], Any]

_REFERENCE = re.compile(r"(\$\{[^{}]*\})")
_USER = re.compile(r"[A-Za-z][\w+.-]*://(?P<user>[^/?#@\s]*)@")
_PASSWORD = re.compile(r"(?P<before>://[^:]*:)(?P<password>.+)(?=@)", re.DOTALL)
_HIDDEN_ALREADY = re.compile(r"://[^/?#@:]*:(\$\{\w+\})+@")
_WRITTEN_PASSWORD = re.compile(r"://[^/?#@:\[]*:(?!\d*[/?#]|(\$\{\w+\})+[/?#@]).+@", re.DOTALL)
_COMMENT = re.compile(r"[ \t]+#.*")
_WHENCE = (
    "the listener has what `environment=` in its section of supervisord.conf says: `check` it with --supervisor-conf"
)
_ADVICE = "a variable is set with `environment=` in the listener's section of supervisord.conf; file:PATH reads a file"


def masked(text: str) -> str:
    """`text`, which is YAML, with asterisks for each password in a URL, in the same places.

    Whatever stands before the last `@` of a value may be one: it may have any sign.
    """
    ends = [0, *(place for span in _values(text) for place in span), len(text)]
    return "".join(_masked(text[start:end]) for start, end in pairwise(ends))


def _values(text: str) -> Iterator[tuple[int, int]]:
    """Where values stand, each with the comment behind it; what is no YAML is one for each line."""
    try:
        for token in list(yaml.scan(text, yaml.SafeLoader)):
            if isinstance(token, yaml.ScalarToken):
                comment = _COMMENT.match(text, token.end_mark.index)
                yield token.start_mark.index, comment.end() if comment else token.end_mark.index
    except yaml.YAMLError:
        yield from (found.span() for found in re.finditer(r".+", text))


def _masked(text: str) -> str:
    if _HIDDEN_ALREADY.search(text):
        return text
    return _PASSWORD.sub(lambda found: found["before"] + re.sub(r"[^\n]", "*", found["password"]), text)


class OptionReader:
    """Reads the options of one channel; paths are relative to `folder`."""

    def __init__(self, yaml_reader: YamlReader, folder: Path, environment: Mapping[str, str] | None) -> None:
        self.yaml = yaml_reader
        self.templates: list[tuple[str, Node]] = []
        self.secrets: list[str] = []
        self._folder = folder
        self._environment = environment

    def mapping(self, node: Node, readers: Mapping[str, Read], required: Collection[str] = ()) -> dict[str, Any]:
        """The values of a mapping's keys, each as its reader reads it, without those that are wrong."""
        nodes = self.yaml.mapping(node, list(readers))
        missing = [key for key in required if key not in nodes]
        if missing and self.yaml.is_mapping(node):
            said = f"the key `{missing[0]}` is" if len(missing) == 1 else f"the keys {' '.join(missing)} are"
            self.yaml.report(f"{said} missing here", node, "", f"keys: {' '.join(readers)}")
        values = {key: readers[key](found) for key, found in nodes.items()}
        return {key: value for key, value in values.items() if value is not None}

    # texts

    def text(self, node: Node) -> Parts | None:
        """A text with references."""
        text = self.yaml.text(node)
        return None if text is None else self._parts(text, node, lambda part: part)

    def fixed(self, node: Node) -> Parts | None:
        """A text with references, which looks like no template."""
        parts = self.text(node)
        if any("{" in part for part in parts or () if isinstance(part, str)):
            self.yaml.report("this is no template: it is the same for all alerts", node, "take the {…} out")
            return None
        return parts

    def secret(self, node: Node) -> Parts | None:
        """A text that has to have a reference."""
        parts = self.text(node)
        if parts is not None and not any(isinstance(part, list) for part in parts):
            self.yaml.report(
                "a secret stands here as it is", node, "take it from a variable: ${NAME}", _ADVICE, code="RL304"
            )
            return None
        return parts

    def template(self, node: Node) -> Parts | None:
        """A text with references, whose rest is a template."""
        text = self.yaml.text(node)
        return None if text is None else self._parts(text, node, lambda part: self._template(part, node))

    def texts(self, node: Node) -> list[tuple[Parts, Node]]:
        """One text or a list of them, with their nodes."""
        read = [(self.text(item), item) for item in self.yaml.one_or_more(node)]
        return [(parts, item) for parts, item in read if parts is not None]

    def templates_by_name(self, node: Node) -> dict[str, Parts]:
        """A mapping of names to templates."""
        read = {key: (self._name(key), self.template(value)) for key, value in self.yaml.items(node)}
        return {name: parts for name, parts in read.values() if parts is not None}

    def tree(self, node: Node) -> dict[str, Any] | None:
        """A value for JSON, with templates in its texts.

        Its shapes are `{"object": [[key, value], …]}`, `{"array": [value, …]}`, `{"text": parts}` and
        `{"constant": value}`.
        """
        return self._tree(node, DEEPEST_TREE)

    def _tree(self, node: Node, depth: int) -> dict[str, Any] | None:
        if not depth:
            self.yaml.report(f"this is nested more than {DEEPEST_TREE} levels deep", node)
            return None
        if isinstance(node, yaml.MappingNode):
            items = [(self._name(key), self._tree(value, depth - 1)) for key, value in self.yaml.items(node)]
            return {"object": [[key, value] for key, value in items if value is not None]}
        if isinstance(node, yaml.SequenceNode):
            values = [self._tree(item, depth - 1) for item in node.value]
            return {"array": [value for value in values if value is not None]}
        if (constant := _constant(node)) is not node.value:
            return {"constant": constant}
        parts = self.template(node)
        return None if parts is None else {"text": parts}

    def url(self, *schemes: str) -> Read:
        """Reads a URL of one of `schemes`, with a host; references in its user and password are quoted."""

        def read(node: Node) -> Parts | None:
            parts = self.any_url(node)
            if any("{" in part for part in parts or () if isinstance(part, str)):
                message = "a URL is no template: it is the same for all alerts"
                self.yaml.report(message, node, "a brace is written %7B")
            elif parts is not None and (reason := _wrong_url(self.preview(parts), schemes)):
                self.yaml.report(reason, node, f"such as {schemes[0]}://example.org")
            return parts

        return read

    def any_url(self, node: Node) -> Parts | None:
        """A URL of whatever scheme."""
        text = self.yaml.text(node)
        if text is None:
            return None
        if _WRITTEN_PASSWORD.search(text):
            label = "take it from a variable: ://USER:${NAME}@"
            self.yaml.report("a password stands here as it is", node, label, _ADVICE, code="RL304")
            return None
        user = _USER.match(text)
        split = user.end("user") if user else 0
        before = self._parts(text[:split], node, lambda part: part)
        quoted = [["quoted", part[1]] if isinstance(part, list) else part for part in before]
        return [*quoted, *self._parts(text[split:], node, lambda part: part)]

    def path(self, node: Node) -> str | None:
        """A path, absolute."""
        text = self.yaml.text(node)
        if text is not None and (not text or "\0" in text):
            self.yaml.report("a path belongs here", node)
            return None
        return None if text is None else str(self._folder / text)

    def file(self, node: Node) -> str | None:
        """The path of a file that can be read, if that can be known."""
        path = self.path(node)
        if path is not None and self._environment is not None:
            try:
                Path(path).open("rb").close()
            except OSError as error:
                self.yaml.report(f"the file {path} can't be read: {error.strerror}", node)
        return path

    def place(self, node: Node) -> str | None:
        """The path of a file that is going to be made; it is only said if its folder is not there."""
        path = self.path(node)
        if path is not None and self.is_checking and not Path(path).parent.is_dir():
            self.yaml.warn(f"the folder {Path(path).parent} is not there", node, IN_VAIN)
        return path

    def program(self, name: str, node: Node) -> None:
        """Say it if a program can't be started, as far as that can be known here."""
        if self._environment is None or "{" in name:
            return
        searched = self._environment.get("PATH")
        if name.startswith("/") and (reason := _not_a_program(Path(name))):
            self.yaml.warn(f"{name} can't be started: {reason}", node, IN_VAIN)
        elif "/" not in name and searched and shutil.which(name, path=searched) is None:
            note = f"PATH is {searched} here; the listener's may be another one, a whole path is always found"
            self.yaml.warn(f"there is no program `{name}` in PATH", node, IN_VAIN, note)

    # plain values

    def duration(self, node: Node) -> float | None:
        """A duration above 0, in seconds."""
        seconds = self.yaml.duration(node)
        if seconds == 0:
            self.yaml.report("this leaves no time at all", node, "such as 10s")
        return seconds

    def truth(self, node: Node) -> bool | None:
        """`true` or `false`."""
        word = self.yaml.choice(node, ["true", "false"])
        return None if word is None else word == "true"

    def choice(self, *choices: str) -> Read:
        """Reads one of some words."""
        return lambda node: self.yaml.choice(node, list(choices))

    # what references stand for

    @property
    def is_checking(self) -> bool:
        """Whether the configuration is to be used; if not, what takes long to check need not be checked."""
        return self._environment is not None

    def preview(self, parts: Parts) -> str:
        """The text, for checks: a reference that can't be resolved is an `x`, and a template the number 0."""
        return "".join(self._shown(part) for part in parts)

    def is_known(self, parts: Parts) -> bool:
        """Whether all references in a text can be resolved."""
        numbers = [part[1] for part in parts if isinstance(part, list) and part[0] != "template"]
        return all(self._value(number) is not None for number in numbers)

    def resolved(self) -> list[str]:
        """What the references stand for that can be resolved."""
        return [value for value in map(self._value, range(len(self.secrets))) if value is not None]

    def _shown(self, part: Any) -> str:
        if isinstance(part, str):
            return part
        kind, number = part
        if kind == "template":
            return "0"
        value = self._value(number)
        return "x" if value is None else quote(value, "") if kind == "quoted" else value

    def _value(self, number: int) -> str | None:
        try:
            return resolve(self.secrets[number], self._environment or {})
        except ConfigError:
            return None

    # parts

    def _parts(self, text: str, node: Node, rest: Callable[[str], Any]) -> Parts:
        if text.startswith(FILE):
            return [self._secret(f"{FILE}{self._folder / text.removeprefix(FILE)}", node)]
        pieces = [piece for piece in _REFERENCE.split(text) if piece]
        return [self._variable(piece, node) if _REFERENCE.fullmatch(piece) else rest(piece) for piece in pieces]

    def _variable(self, reference: str, node: Node) -> Any:
        name = reference[2:-1]
        if name.isidentifier() and name.isascii():
            return self._secret(reference, node)
        label = "a name has letters, digits and _"
        self.yaml.report(f"`{reference}` is no variable", node, label, code="RL304")
        return ""

    def _secret(self, reference: str, node: Node) -> Any:
        if reference not in self.secrets:
            self.secrets.append(reference)
        if self._environment is not None:
            try:
                resolve(reference, self._environment)
            except ConfigError as error:
                variable = reference[2:-1] if reference.startswith("$") else ""
                notes = [_WHENCE] * bool(variable)
                label = "" if variable in self._environment else suggestion(variable, self._environment)
                self.yaml.report(str(error), node, label, *notes, code="RL304")
        return ["secret", self.secrets.index(reference)]

    def _template(self, text: str, node: Node) -> Any:
        self.templates.append((text, node))
        return ["template", len(self.templates) - 1]

    def _name(self, key: Node) -> str:
        if "{" in key.value:
            self.yaml.report("a name is no template: templates stand in values", key)
        return str(key.value)


def _not_a_program(path: Path) -> str:
    """Why a file can't be executed by anybody; empty if it can, or if we may not look."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return ""
    except OSError as error:
        return str(error.strerror)
    return "" if stat.S_ISREG(mode) and mode & _EXECUTABLE else "it is no executable file (chmod +x)"


def _constant(node: Node) -> Any:
    """A number, truth or null as YAML reads it; any other scalar, and a number that JSON does not have, as written."""
    if node.tag not in {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")}:
        return node.value
    value = yaml.SafeLoader("").construct_object(node)
    return value if not isinstance(value, float) or math.isfinite(value) else node.value


def _wrong_url(url: str, schemes: Collection[str]) -> str:
    """What is wrong with a URL, without the URL; empty if nothing is."""
    if "://" not in url and set(url) == {"x"}:
        return ""
    try:
        parts = urlsplit(url)
        if parts.scheme not in schemes:
            return f"a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)} belongs here"
        if not parts.hostname or parts.port == 0:
            return "this URL names no host"
    except ValueError:
        return "this URL has a wrong host or port"
    return "" if url.isprintable() and " " not in url else "a URL has no blanks"
