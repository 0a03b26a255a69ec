"""The options of a channel: what is read of them, and the texts that come out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules_listener.base.diagnostics import as_text
from rules_listener.base.source import Source
from rules_listener.event.event import Event
from rules_listener.lang.check import check_template
from rules_listener.match.firing import Values as Given
from rules_listener.outbox.channel import Message
from rules_listener.serve.options import OptionReader, masked
from rules_listener.serve.secret import resolve
from rules_listener.serve.values import Values, values_of
from rules_listener.serve.yamlnodes import YamlReader

ENVIRONMENT = {"TOKEN": "t0k3n-4f9d", "PASSWORD": "p@ss/w:rd", "BRACES": "{message} ${TOKEN}", "LINES": "a\nb"}
MESSAGE = Message("id1", "c", "it's {rule} ${TOKEN}", "r", "", "alert", "error", 0.0, {"event": "TICK_5", "time": 0.0})


def _reader(text: str, environment: dict[str, str] | None = None) -> tuple[OptionReader, Any]:
    reader = YamlReader(Source("c.yaml", masked(text)), text)
    return OptionReader(reader, Path("/etc/rl"), ENVIRONMENT if environment is None else environment), reader.root()


def _rendered(reader: OptionReader, parts: list[Any]) -> str:
    """The text as the courier makes it; the template `{message}` is the message's text, others are as they are."""

    def render(text: str) -> Any:
        def renderer(_event: Event, values: Given) -> str:
            return text.replace("{message}", str(values["message"]))

        return renderer

    secrets = [resolve(reference, ENVIRONMENT) for reference in reader.secrets]
    return Values([render(text) for text, _ in reader.templates], secrets).text(parts)(MESSAGE)


@pytest.mark.parametrize(
    ("text", "parts", "made"),
    [
        ("plain", ["plain"], "plain"),
        ("${TOKEN}", [["secret", 0]], "t0k3n-4f9d"),
        ("Bearer ${TOKEN}!", ["Bearer ", ["secret", 0], "!"], "Bearer t0k3n-4f9d!"),
        ("${TOKEN}${TOKEN}", [["secret", 0], ["secret", 0]], "t0k3n-4f9dt0k3n-4f9d"),
        ("${BRACES}", [["secret", 0]], "{message} ${TOKEN}"),
        ("$TOKEN {x}", ["$TOKEN {x}"], "$TOKEN {x}"),
        ("''", [], ""),
    ],
)
def test_a_text_takes_variables(text: str, parts: list[Any], made: str) -> None:
    """`${NAME}` stands for a variable, and what it holds is not read again."""
    reader, node = _reader(text)
    assert reader.text(node) == parts
    assert (_rendered(reader, parts), reader.yaml.found) == (made, [])


@pytest.mark.parametrize(
    ("text", "parts", "made"),
    [
        ("'{message}'", [["template", 0]], "it's {rule} ${TOKEN}"),
        (
            "'key ${TOKEN}: {message}'",
            [["template", 0], ["secret", 0], ["template", 1]],
            "key t0k3n-4f9d: it's {rule} ${TOKEN}",
        ),
        ("${BRACES} {message}", [["secret", 0], ["template", 0]], "{message} ${TOKEN} it's {rule} ${TOKEN}"),
        ("$${{TOKEN}}", [["template", 0]], "$${{TOKEN}}"),
    ],
)
def test_a_template_takes_variables_too(text: str, parts: list[Any], made: str) -> None:
    """What comes out of an event or a variable is never read as a template or a variable."""
    reader, node = _reader(text)
    assert reader.template(node) == parts
    assert (_rendered(reader, parts), reader.yaml.found) == (made, [])


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("smtps://ops:${PASSWORD}@mail.example.org", "smtps://ops:p%40ss%2Fw%3Ard@mail.example.org"),
        ("smtps://${PASSWORD}@mail.example.org/${TOKEN}", "smtps://p%40ss%2Fw%3Ard@mail.example.org/t0k3n-4f9d"),
        ("https://mail.example.org/${PASSWORD}", "https://mail.example.org/p@ss/w:rd"),
        ("https://mail.example.org", "https://mail.example.org"),
    ],
)
def test_a_password_in_a_url_may_hold_any_sign(text: str, made: str) -> None:
    """What stands before the @ of a URL is quoted; elsewhere a variable may hold a whole path."""
    reader, node = _reader(text)
    parts = reader.url("smtps", "https")(node)
    assert reader.yaml.found == []
    assert (_rendered(reader, parts), reader.preview(parts)) == (made, made)


def test_a_file_is_read_for_its_secret(tmp_path: Path) -> None:
    """`file:PATH` is the whole value, relative to the configuration."""
    (tmp_path / "s").write_text("x\n")
    reader, node = _reader(f"[file:{tmp_path}/s, 'file:none']")
    assert [parts for parts, _ in reader.texts(node)] == [[["secret", 0]], [["secret", 1]]]
    assert reader.secrets == [f"file:{tmp_path}/s", "file:/etc/rl/none"]
    (found,) = reader.yaml.found
    assert (found.code, found.message) == ("RL304", "the file /etc/rl/none can't be read: No such file or directory")


def test_a_template_knows_its_incident() -> None:
    """A channel's template can say what belongs together: an alert that stays open, or one alone."""
    assert values_of(MESSAGE)["incident"] == MESSAGE.id
    opened = replace(MESSAGE, phase="recovery", incident="i7")
    assert (values_of(opened)["phase"], values_of(opened)["incident"]) == ("recovery", "i7")
    parts, found = check_template(Source("c", "{phase} {incident} {message}"))
    assert (len(parts), found) == (5, [])


def test_json_keeps_its_kinds() -> None:
    """Numbers, truths and null stay what they are, texts are templates, keys are not."""
    text = "{a: [1, 2.5, true, null, 2025-01-01, .inf], 'b c': {d: '{message}', e: '${TOKEN}'}}"
    reader, node = _reader(text)
    made = Values([lambda _, values: str(values["message"])] * 9, ["t"]).tree(reader.tree(node) or {})(MESSAGE)
    assert reader.yaml.found == []
    expected = {"a": [1, 2.5, True, None, MESSAGE.text, MESSAGE.text], "b c": {"d": MESSAGE.text, "e": "t"}}
    assert made == expected


WRONG = {
    "${TOKN}": "the variable TOKN is not set (did you mean `TOKEN`?)",
    "${LINES}": "the variable LINES holds a line end, or another character that can't be printed",
    "${a-b}": "`${a-b}` is no variable (a name has letters, digits and _)",
    "file:none": "the file /etc/rl/none can't be read: No such file or directory",
    "[a]": "a single value belongs here",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_what_is_wrong_with_a_text(text: str, said: str) -> None:
    """A reference that stands for nothing is shown with its place."""
    reader, node = _reader(text)
    reader.text(node)
    (found,) = reader.yaml.found
    assert found.message + (f" ({found.label})" if found.label else "") == said
    assert found.span is not None


WRONG_URLS = {
    "ftp://example.org": "a URL that begins with http:// or https:// belongs here",
    "example.org": "a URL that begins with http:// or https:// belongs here",
    "http://": "this URL names no host",
    "http://example.org:0": "this URL names no host",
    "http://example.org:port": "this URL has a wrong host or port",
    "http://example.org/a b": "a URL has no blanks",
    "http://user:pw-4f9d@example.org": "a password stands here as it is",
    "http://user:pw-4f9d${TOKEN}@example.org": "a password stands here as it is",
    "http://user:a/pw-4f9d@example.org": "a password stands here as it is",
    "http://user:a@pw-4f9d#@example.org": "a password stands here as it is",
    "'http://user:a pw-4f9d@example.org'": "a password stands here as it is",
}


@pytest.mark.parametrize(("text", "said"), WRONG_URLS.items())
def test_what_is_wrong_with_a_url(text: str, said: str) -> None:
    """A URL that can't be used is refused; a password in it is shown nowhere."""
    reader, node = _reader(text)
    reader.url("http", "https")(node)
    assert [found.message for found in reader.yaml.found] == [said]
    assert "pw-4f9d" not in as_text(reader.yaml.found)


def test_without_an_environment_nothing_is_looked_up() -> None:
    """Whoever needs no secrets reads a configuration without them."""
    reader = OptionReader(YamlReader(Source("c", "https://a:${NONE}@${HOST}/")), Path("/"), None)
    reader.url("https")(reader.yaml.root())
    assert (reader.secrets, reader.yaml.found) == (["${NONE}", "${HOST}"], [])


def test_a_tree_without_an_end() -> None:
    """A value that holds itself is an error, not an end of the program."""
    reader, node = _reader("&a [*a]")
    reader.tree(node)
    assert [found.message for found in reader.yaml.found] == ["this is nested more than 20 levels deep"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a: smtp://u:geheim@h/", "a: smtp://u:******@h/"),
        ("a: smtp://u:${PW}@h/", "a: smtp://u:${PW}@h/"),
        ("a: smtp://u:a${PW}@h/", "a: smtp://u:******@h/"),
        ("{a: smtp://:pw@h, b: x://c:d@e}", "{a: smtp://:**@h, b: x://c:*@e}"),
        ("a: smtp://:pw@h, b: x://c:d@e", "a: smtp://:****************@e"),
        ("{a: 'smtp://u:a/b@c#d e?f@h', b: c@d}", "{a: 'smtp://u:***********@h', b: c@d}"),
        ('a: "smtp://u@i:a b@h"', 'a: "smtp://u@i:***@h"'),
        ("a: smtp://u:a #b@h", "a: smtp://u:****@h"),
        ("a: >\n smtp://u:a\n b@h\nb: c@d", "a: >\n smtp://u:*\n**@h\nb: c@d"),
        ("# was smtp://u:geheim@h\na: 1", "# was smtp://u:******@h\na: 1"),
        ("a: mailto://u:${PW}@h?to=a@b", "a: mailto://u:${PW}@h?to=a@b"),
        ("a: [smtp://u:a@h", "a: [smtp://u:*@h"),
        ("a: smtp://u@h:25/", "a: smtp://u@h:25/"),
        ("time: 10:20 a@b", "time: 10:20 a@b"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    """The text that diagnostics show has no password in a URL, and everything in its place."""
    assert masked(text) == shown
    assert yaml.safe_load("[]") == []
