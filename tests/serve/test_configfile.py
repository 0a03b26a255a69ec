"""The configuration file: what it says, and what is said about it where it is wrong."""

from pathlib import Path

import pytest

from rules_listener.base.diagnostics import Severity, as_github, as_json, as_text
from rules_listener.serve.config import ChannelConfig, Config
from rules_listener.serve.configfile import read_config, read_state


def _read(folder: Path, text: str) -> tuple[Config, list[str]]:
    """The configuration, and `LINE:COLUMN MESSAGE` for each diagnostic."""
    path = folder / "rules-listener.yaml"
    path.write_text(text)
    read = read_config(path, {})
    shown = []
    for one in read.found:
        assert one.span is not None
        place = one.span.place.removeprefix(f"{path}:")
        label = f" ({one.label})" if one.label else ""
        shown.append(f"{place} {one.message}{label}")
    return read.config, shown


FULL = """\
rules: [rules/, ../other.rules, /etc/x.rules]
state: var/state
durability: power
default: [ops]
channels:
  ops: {command: ["./alert.py", "-m", "{message}"], timeout: 1m30s}
  out: {log: {}, give_up_after: 10m}
give_up_after: 2h
journal: {days: 3, size: 10MB}
memory_limit: 1MiB
metrics: "[::1]:9464"
"""


def test_everything(tmp_path: Path) -> None:
    """All keys at once; paths are relative to the file."""
    config, shown = _read(tmp_path, FULL)
    assert shown == []
    assert config == Config(
        (str(tmp_path / "rules"), str(tmp_path.parent / "other.rules"), "/etc/x.rules"),
        str(tmp_path / "var/state"),
        ("ops",),
        (
            ChannelConfig("ops", "command", {"timeout_s": 90.0}, ("./alert.py", "-m", "{message}")),
            ChannelConfig("out", "log", {"give_up_after_s": 600.0}, ()),
        ),
        "power",
        7200.0,
        3.0,
        10_000_000,
        1 << 20,
        "[::1]:9464",
    )


def test_nothing(tmp_path: Path) -> None:
    """An empty file is a configuration: alerts go to standard error."""
    config, shown = _read(tmp_path, "")
    assert shown == []
    assert (config.default, config.channel_names) == (("out",), ["out"])
    assert config.state == str(tmp_path / ".rules-listener")


@pytest.mark.parametrize("address", ["127.0.0.1:9464", ":9464", "localhost:1", "metrics.example.org:65535"])
def test_where_metrics_are_served(tmp_path: Path, address: str) -> None:
    """An address has a port, and may have a host."""
    config, shown = _read(tmp_path, f"metrics: {address}")
    assert (config.metrics, shown) == (address, [])


WRONG = {
    "ruls: [a]": "1:1 there is no key `ruls` here (did you mean `rules`?)",
    "rules: a.rules": "1:8 a list belongs here (such as [a, b])",
    "rules: [[a]]": "1:9 a single value belongs here",
    "state: [a]": "1:8 a single value belongs here",
    "state: null": "1:8 a single value belongs here",
    "- a": "1:1 here belong keys with values (such as `name: value`)",
    "state: a\nstate: b": "2:1 the key `state` stands here twice",
    "durability: powr": "1:13 `powr` is not possible here (did you mean `power`?)",
    "give_up_after: 24": "1:16 a duration belongs here (such as 10s, 5m or 1h30m)",
    "memory_limit: much": "1:15 a size belongs here (such as 64KiB or 256MB)",
    "metrics: 9464": (
        "1:10 an address with a port belongs here (such as 127.0.0.1:9464, or :9464 for all addresses of this host)"
    ),
    "metrics: a..b:9464": (
        "1:10 an address with a port belongs here (such as 127.0.0.1:9464, or :9464 for all addresses of this host)"
    ),
    f"metrics: {'a' * 64}.b:9464": (
        "1:10 an address with a port belongs here (such as 127.0.0.1:9464, or :9464 for all addresses of this host)"
    ),
    "metrics: localhost:65536": (
        "1:10 an address with a port belongs here (such as 127.0.0.1:9464, or :9464 for all addresses of this host)"
    ),
    "metrics: [::1]:9464": "1:11 expected the node content, but found ':' (an address with brackets stands in quotes)",
    "metrics: [fe80::1]:9464": (
        "1:19 expected <block end>, but found '<scalar>' (an address with brackets stands in quotes)"
    ),
    "journal: {days: 0}": "1:17 a whole number belongs here, 1 or more",
    "journal: {day: 1}": "1:11 there is no key `day` here (did you mean `days`?)",
    "journal: 7": "1:10 here belong keys with values (such as `name: value`)",
    "channels: {ops: {log: {}}}\ndefault: [opps]": "2:11 there is no channel `opps` (did you mean `ops`?)",
    "channels: {ops: {log: {}}}\ndefault: [ops, ops]": "2:16 the channel `ops` is named twice",
    "channels:\n  ops: {}": "2:8 the channel `ops` is of no kind",
    "channels:\n  ops: {pager: x}": "2:8 the channel `ops` is of no kind",
    "channels:\n  ops: {timeout: 1s, comand: [a]}\ndefault: [ops]": (
        "2:22 the channel `ops` is of no kind (did you mean `command`?)"
    ),
    "channels: {}\ndefault: [ops]": "2:11 there is no channel `ops`",
    "channels:\n  ops: {log: {}, command: [a]}": "2:8 the channel `ops` is of several kinds",
    "channels:\n  ops: {command: []}": (
        '2:18 a command is a list with the program first (such as ["/usr/local/bin/alert", "{message}"])'
    ),
    "channels:\n  ops: {command: /bin/true}": (
        '2:18 a command is a list with the program first (such as ["/usr/local/bin/alert", "{message}"])'
    ),
    "channels:\n  ops: {log: {file: x}}": "2:15 there is no key `file` here",
    "channels:\n  ops: {command: [a], timout: 1s}": "2:23 there is no key `timout` here (did you mean `timeout`?)",
    "channels:\n  ops: {command: [a], timeout: soon}": "2:32 a duration belongs here (such as 10s, 5m or 1h30m)",
    'channels: {m: {email: {server: "smtp://h", from: a@b, to: b}}}': (
        "1:59 this is no mail address (such as ops@example.org, or Ops <ops@example.org>)"
    ),
    'channels: {m: {email: {server: "smtp://h", from: [a@b, a@c], to: [b@c]}}}': (
        "1:50 one mail address belongs here (such as ops@example.org)"
    ),
    'channels: {m: {email: {server: "smtp://u@h", starttls: never, from: a@b, to: b@c}}}': (
        "1:23 user and password would be sent without TLS"
    ),
    "channels: {m: {email: {from: a@b}}}": "1:23 the keys server to are missing here",
    "channels: {h: {webhook: {}}}": "1:25 the key `url` is missing here",
    "channels: {h: {webhook: {url: http://h, json: {}, form: {}}}}": "1:25 a request has one body: `json` or `form`",
    "channels: {h: {webhook: {url: http://h, key: /dev/null}}}": (
        "1:25 `key` belongs to a `certificate`, and there is none"
    ),
    "channels: {h: {webhook: {url: http://h, headers: {'a b': x}}}}": (
        "1:51 this can't be the name of a header (such as X-Token)"
    ),
    "channels: {h: {webhook: {url: http://h, headers: {x-a: b, X-A: c}}}}": (
        "1:59 the header X-A stands here twice: it is the same as x-a"
    ),
    "channels: {h: {webhook: {url: http://h, sign: {secret: file:rules-listener.yaml, header: Content-Length}}}}": (
        "1:90 the header Content-Length can't be chosen: the request has its own"
    ),
    "channels: {h: {webhook: {url: 'http://h/{rule}'}}}": (
        "1:31 a URL is no template: it is the same for all alerts (a brace is written %7B)"
    ),
    "channels: {h: {alertmanager: {url: http://h, headers: {X-A: '{rule}'}}}}": (
        "1:61 this is no template: it is the same for all alerts (take the {\u2026} out)"
    ),
    "channels: {h: {syslog: {program: '{rule}'}}}": (
        "1:34 this is no template: it is the same for all alerts (take the {\u2026} out)"
    ),
    "channels: {h: {syslog: {address: 'udp://h:0'}}}": (
        "1:34 no syslog receiver has such an address (such as /dev/log, udp://HOST, tcp://HOST:514)"
    ),
    "channels: {h: {webhook: {url: http://h, headers: {Content-Length: 3}}}}": (
        "1:51 the header Content-Length can't be chosen: the request has its own"
    ),
    "channels: {h: {webhook: {url: http://h, sign: {secret: x}}}}": (
        "1:56 a secret stands here as it is (take it from a variable: ${NAME})"
    ),
    "channels: {h: {webhook: {url: http://h, json: {'{a}': x}}}}": (
        "1:48 a name is no template: templates stand in values"
    ),
    "channels: {h: {webhook: {url: http://h}, timeout: 0s}}": "1:51 this leaves no time at all (such as 10s)",
    "channels: {a: {alertmanager: {url: []}}}": (
        "1:36 the URL of an Alertmanager belongs here (such as http://127.0.0.1:9093)"
    ),
    "channels: {a: {alertmanager: {url: [http://h, ftp://h]}}}": (
        "1:47 a URL that begins with http:// or https:// belongs here (such as http://example.org)"
    ),
    "channels: {a: {alertmanager: {url: http://h, labels: {pid: '{pid}'}}}}": (
        "1:60 a label is no template: it has to be the same when an alert opens and when it recovers"
    ),
    "channels: {a: {alertmanager: {url: http://h, annotations: {a-b: x}}}}": (
        "1:60 Alertmanager takes no such name (it has letters, digits and _, and no digit first)"
    ),
    "channels: {a: {alertmanager: {url: http://h, key: /dev/null}}}": (
        "1:30 `key` belongs to a `certificate`, and there is none"
    ),
    "channels: {s: {syslog: {address: http://h}}}": (
        "1:34 no syslog receiver has such an address (such as /dev/log, udp://HOST, tcp://HOST:514)"
    ),
    "channels: {s: {syslog: {facility: demon}}}": "1:35 `demon` is not possible here (did you mean `daemon`?)",
    "channels: {f: {file: {}}}": "1:22 the key `path` is missing here",
    "channels: {f: {file: {path: x}, timeout: 1s}}": "1:33 there is no key `timeout` here",
    "channels: {a: {apprise: [slak://a/b]}}": "1:26 apprise can't use this URL: Unparseable URL slak://…",
    "channels: {a: {apprise: [mailto://u:pw@example.org]}}": (
        "1:26 a password stands here as it is (take it from a variable: ://USER:${NAME}@)"
    ),
    "channels: {a: {apprise: []}}": "1:25 a URL of apprise's belongs here (such as slack://${SLACK_TOKEN}/#ops)",
    "channels: {a: {apprise: {title: x}}}": "1:25 the key `urls` is missing here",
    'channels: {o: {command: [a, "--password=${PW}"]}}': (
        "1:29 `${PW}` is no variable here: anyone on this host can read a program's arguments"
        ' ({env("PW")} is one that is no secret)'
    ),
    "channels: {a: {alertmanager: {url: http://h}, batch: {every: 5m}}}": (
        "1:54 a channel of the kind `alertmanager` has no `batch`"
    ),
    "channels: {a: {log: {}, batch: {at_most: 5}}}": "1:32 the key `every` is missing here",
    "channels: {a: {log: {}, batch: {every: 0s}}}": "1:40 this leaves no time at all (such as 10s)",
    "channels: {a: {log: {}, batch: {every: 1m, at_most: 0}}}": "1:53 a whole number belongs here, 1 or more",
    "channels: {a: {log: {}, batch: 5m}}": "1:32 here belong keys with values (such as `name: value`)",
    "channels: {run: {log: {}}}": "1:12 the name `run` is taken: the listener has a channel of that name",
    "channels: {supervisor: {log: {}}}": "1:12 the name `supervisor` is taken: the listener has a channel of that name",
    "channels: {a-b: {log: {}}}": (
        "1:12 a channel's name is made of letters, digits and _, so that rules can say `to`"
    ),
    "channels: {a: {command: [${X}]}}": (
        "1:27 expected ',' or ']', but got '{' (a value with braces stands in quotes)"
    ),
    "rules: [a": "1:10 expected ',' or ']', but got '<stream end>'",
    "rules: *a": "1:8 found undefined alias 'a'",
    "a: b: c": "1:5 mapping values are not allowed here (a value with a colon and a blank stands in quotes)",
    "state: a\n---\nstate: b": "2:1 but found another document",
}


WRONG["rules: " + "[" * 5000] = "1:1 the lists in one another are too many to be read"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("text", "expected"), WRONG.items(), ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_shown_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    """Each mistake is one diagnostic at its line and column, with a suggestion where one is near."""
    _, shown = _read(tmp_path, text)
    assert shown == [expected]


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("command: [FOLDER/none]", ["FOLDER/none can't be started: No such file or directory"]),
        ("command: [FOLDER]", ["FOLDER can't be started: it is no executable file (chmod +x)"]),
        ("command: [FOLDER/plain, a]", ["FOLDER/plain can't be started: it is no executable file (chmod +x)"]),
        ("command: [none]", ["there is no program `none` in PATH"]),
        ("command: [FOLDER/program]", []),
        ("command: [program]", []),
        ("command: [./none]", []),
        ('command: ["FOLDER/{rule}"]', []),
        ("file: {path: none/alerts}", ["the folder FOLDER/none is not there"]),
        ("file: {path: alerts}", []),
    ],
)
def test_channels_that_can_not_send_from_here(tmp_path: Path, channel: str, expected: list[str]) -> None:
    """What is missing on this host is a warning, and nobody's business where nothing is going to be sent."""
    (tmp_path / "plain").touch(mode=0o644)
    (tmp_path / "program").touch(mode=0o755)
    path = tmp_path / "rules-listener.yaml"
    path.write_text(f"channels:\n  c: {{{channel}}}\n".replace("FOLDER", str(tmp_path)))
    found = read_config(path, {"PATH": str(tmp_path)}).found
    assert [one.message.replace(str(tmp_path), "FOLDER") for one in found] == expected
    assert {(one.code, one.severity) for one in found} <= {("RL321", Severity.WARNING)}
    assert read_config(path).found == []


def test_all_mistakes_are_shown(tmp_path: Path) -> None:
    """One run shows them all, and the rest of the configuration is read all the same."""
    config, shown = _read(tmp_path, "ruls: []\nstate: s\ndurability: x\njournal: {days: x, size: y}\n")
    assert [one.split(" ")[0] for one in shown] == ["1:1", "3:13", "4:17", "4:26"]
    assert config.state == str(tmp_path / "s")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("state: s\ndefault: [nope]\nruls: []\n", "s"),
        ("default: [nope]\n", ".rules-listener"),
        ("", ".rules-listener"),
        ("sate: s\n", None),
        ("state: [s]\n", None),
        ("state: s\nrules: [a\n", None),
        ("\xff", None),
    ],
)
def test_the_state_folder_is_known_whatever_else_is_wrong(tmp_path: Path, text: str, state: str | None) -> None:
    """Unless the file is no configuration at all, or what is wrong may be about it."""
    path = tmp_path / "c.yaml"
    path.write_bytes(text.encode("latin-1"))
    assert read_state(path) == (None if state is None else str(tmp_path / state))
    assert read_state(tmp_path / "none.yaml") is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A configuration that can't be read says so, with its name."""
    (found,) = read_config(tmp_path / "none.yaml").found
    assert (found.code, found.file) == ("RL301", str(tmp_path / "none.yaml"))
    assert "No such file" in found.message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """A configuration that is not UTF-8 says so."""
    path = tmp_path / "x.yaml"
    path.write_bytes(b"rules: [\xff]")
    (found,) = read_config(path).found
    assert found.code == "RL107"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_error_shows_a_secret(tmp_path: Path) -> None:
    """What is wrong with a value that was taken from elsewhere is said without it, whole or in parts."""
    text = """
channels:
  a: {apprise: ["slack://${TOKEN}/#ops", "slack://x:${TOKEN}@y"]}
  m: {email: {server: "${TOKEN}", from: "${TOKEN}", to: ["${TOKEN}"]}}
  h: {webhook: {url: "${TOKEN}"}}
  s: {syslog: {address: "${TOKEN}"}}
"""
    (tmp_path / "c.yaml").write_text(text)
    found = read_config(tmp_path / "c.yaml", {"TOKEN": "T0123456/s3cr3t-4f9d"}).found
    assert len(found) == 7
    shown = as_text(found) + as_json(found) + as_github(found)
    assert "s3cr3t" not in shown
    assert "T0123456" not in shown
