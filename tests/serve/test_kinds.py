"""What becomes of a channel's options: the channel that the courier builds."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rules_listener.base.source import Source
from rules_listener.lang.check import check, check_template
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.match.runtime import host
from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent
from rules_listener.send.alertmanager import AlertmanagerChannel
from rules_listener.send.digest import Batch, digest_of
from rules_listener.send.guarded import GuardedChannel
from rules_listener.send.mail import EmailChannel, Server
from rules_listener.send.systemlog import Address, SyslogChannel
from rules_listener.send.webhook import WebhookChannel
from rules_listener.serve.bundle import Bundle, dump_bundle
from rules_listener.serve.channels import build_channels, template_name
from rules_listener.serve.configfile import read_config

EVENT = {"event": "PROCESS_STATE_FATAL", "time": 0.0, "processname": "nginx", "groupname": "web"}
MESSAGE = Message("id1", "c", "it failed", "r", "k", "alert", "error", 0.0, EVENT)
ENVIRONMENT = {"PW": "p@ss", "HOST": "mail.example.org"}


def _guarded(folder: Path, options: str, environment: dict[str, str] | None = None) -> GuardedChannel:
    """The channel `c` that has these options, not built yet."""
    path = folder / "c.yaml"
    path.write_text(f"channels: {{c: {{{options}}}}}")
    environment = ENVIRONMENT if environment is None else environment
    config, found, *_ = read_config(path, environment)
    assert found == []
    (channel,) = config.channels
    templates = {
        template_name("c", number): check_template(Source("c", text))[0]
        for number, text in enumerate(channel.templates)
    }
    renderers = load(compile_rules(check([])[0], templates)).templates
    guarded = build_channels([channel], renderers, environment)["c"]
    assert isinstance(guarded, GuardedChannel)
    return guarded


def _built(folder: Path, options: str, environment: dict[str, str] | None = None) -> Any:
    """The channel `c` that has these options, built as the courier builds it."""
    return _guarded(folder, options, environment)._built()


@pytest.mark.parametrize(
    ("server", "more", "expected"),
    [
        ("smtps://u:${PW}@${HOST}", "", Server("mail.example.org", 465, "always", "u", "p@ss")),
        ("smtps://h:10465", "", Server("h", 10465, "always")),
        ("smtp://u:${PW}@h", "", Server("h", 587, "starttls", "u", "p@ss")),
        ("smtp://h", "", Server("h", 25, "starttls")),
        ("smtp://h", ", starttls: never", Server("h", 25, "never")),
        ("smtp://localhost", "", Server("localhost", 25, "never")),
        ("smtp://u:${PW}@127.0.0.1:1025", "", Server("127.0.0.1", 1025, "never", "u", "p@ss")),
        ("smtp://localhost", ", starttls: required", Server("localhost", 25, "starttls")),
        ("smtps://h", ", verify: false", Server("h", 465, "always", verify=False)),
    ],
)
def test_mail_servers(tmp_path: Path, server: str, more: str, expected: Server) -> None:
    """A URL says where mail goes and how; TLS is the rule, but on this host."""
    channel = _built(tmp_path, f'email: {{server: "{server}", from: a@b.c, to: [d@e.f, "G <g@e.f>"]{more}}}')
    assert isinstance(channel, EmailChannel)
    assert channel._server == expected
    assert str(channel._letter.sender) == "a@b.c"
    assert [str(one) for one in channel._letter.recipients] == ["d@e.f", "G <g@e.f>"]
    assert channel._timeout_s == 30


def test_mail_texts(tmp_path: Path) -> None:
    """Subject and body are templates."""
    options = 'server: smtp://localhost, from: a@b.c, to: a@b.c, subject: "{rule} {process}", body: "{message} ${HOST}"'
    channel = _built(tmp_path, f"email: {{{options}}}, timeout: 1m")
    mail = channel._mail(MESSAGE)
    assert (mail["Subject"], mail.get_content(), channel._timeout_s) == (
        "r web:nginx",
        "it failed mail.example.org\n",
        60,
    )


def test_webhooks(tmp_path: Path) -> None:
    """Options become target, headers and body; secrets stand where they were named."""
    (tmp_path / "key").write_text("k3y\n")
    options = (
        'url: "https://u:${PW}@h/${PW}", method: PUT, headers: {X-A: "{severity}", X-B: "file:key"}, '
        'json: {a: ["{message}", 1, true, null], b: "{incident} ${PW}"}, sign: {secret: "file:key", header: X-S}, '
        "connect_timeout: 2s, follow_redirects: true, verify: false"
    )
    channel = _built(tmp_path, f"webhook: {{{options}}}")
    assert isinstance(channel, WebhookChannel)
    body = channel._request.body(MESSAGE)
    assert body == b'{"a": ["it failed", 1, true, null], "b": "id1 p@ss"}'
    headers = channel._all_headers(channel._headers(MESSAGE, body))
    assert (headers["X-A"], headers["X-B"], headers["Authorization"]) == ("error", "k3y", "Basic dTpwQHNz")
    assert headers["X-S"].startswith("sha256=")
    assert channel._url == "https://h/p@ss"
    target = channel._target
    assert (target.method, target.verify, target.follow_redirects, target.connect_timeout_s) == ("PUT", False, True, 2)


def test_forms(tmp_path: Path) -> None:
    """A form has its own type."""
    channel = _built(tmp_path, 'webhook: {url: "http://h", form: {text: "{message}", key: "${PW}"}}, timeout: 3s')
    assert channel._request.body(MESSAGE) == b"text=it+failed&key=p%40ss"
    assert channel._headers(MESSAGE, b"")["Content-Type"] == "application/x-www-form-urlencoded"
    assert channel._timeout_s == 3


def test_alertmanagers(tmp_path: Path) -> None:
    """URLs lead to the API; labels and headers are fixed texts, annotations are templates."""
    options = (
        'url: ["http://u:${PW}@h:9093/am/", "https://h/api/v2/alerts"], resolve_after: 10m, refresh: 30s, '
        'labels: {team: web, severity: page, pw: "${PW}"}, annotations: {runbook: "https://wiki/{rule}"}, '
        'headers: {X-Scope-OrgID: "${PW}"}'
    )
    channel = _built(tmp_path, f"alertmanager: {{{options}}}, timeout: 3s")
    assert isinstance(channel, AlertmanagerChannel)
    assert (channel.refresh_s, channel._wording.resolve_after_s) == (30, 600)
    addresses = [address._channel for address in channel._addresses.values()]
    assert [one._url for one in addresses] == ["http://h:9093/am/api/v2/alerts", "https://h/api/v2/alerts"]
    assert (addresses[0]._timeout_s, channel._headers["X-Scope-OrgID"]) == (3, "p@ss")
    alert = channel.alert(MESSAGE)
    assert alert["annotations"] == {"summary": "it failed", "runbook": "https://wiki/r"}
    own = {"team": "web", "severity": "page", "pw": "p@ss"}
    of_event = {"process": "web:nginx", "group": "web", "key": "k"}
    assert alert["labels"] == {"alertname": "r", **of_event, "host": host("host"), **own}


def test_syslog(tmp_path: Path) -> None:
    """Address and form have defaults, and can be chosen."""
    channel = _built(tmp_path, "syslog: {}")
    assert isinstance(channel, SyslogChannel)
    assert channel._address == Address("unix", "/dev/log")
    options = 'address: "udp://${HOST}:1514", format: rfc3164, facility: local3, program: "p", text: "{rule}!"'
    channel = _built(tmp_path, f"syslog: {{{options}}}")
    assert channel._address == Address("udp", "mail.example.org", 1514)
    assert channel._form.line(MESSAGE, local=True).startswith(b"<155>Jan  1 ")
    assert channel._form.line(MESSAGE, local=True).endswith(b" p: error r [id1]: r!")


def test_files(tmp_path: Path) -> None:
    """A path is relative to the configuration; a text is one line."""
    channel = _built(tmp_path, 'file: {path: alerts, text: "{message}\\n{process}"}')
    assert channel.send(MESSAGE) == Sent()
    assert (tmp_path / "alerts").read_text() == "it failed\\nweb:nginx\n"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_services(tmp_path: Path) -> None:
    """A list of URLs, one alone, or both with texts of one's own."""
    channel = _built(tmp_path, 'apprise: {urls: ["json://u:${PW}@h/"], title: "{rule}", body: "{severity}"}')
    assert (channel._heading(MESSAGE), channel._text(MESSAGE)) == ("r", "error")
    assert [service.name for service in channel._services.values()] == ["json"]
    channel = _built(tmp_path, "apprise: json://h, timeout: 3s")
    assert (channel._text(MESSAGE), channel._timeout_s) == ("it failed", 3)


def test_a_secret_that_went_away(tmp_path: Path) -> None:
    """A secret that can't be had when it is needed lets alerts wait, with the reason; later it may be there."""
    (tmp_path / "c.yaml").write_text('channels: {c: {webhook: {url: "http://127.0.0.1:1/${GONE}"}}}')
    config, *_ = read_config(tmp_path / "c.yaml")
    environment: dict[str, str] = {}
    channel = build_channels(list(config.channels), {}, environment)["c"]
    assert channel.send(MESSAGE) == RetryLater("the variable GONE is not set")
    environment["GONE"] = "x"
    assert channel.send(MESSAGE) == RetryLater("nothing listens at 127.0.0.1:1: connection refused")


ALL_KINDS = """
state: state
default: [kept]
channels:
  kept: {file: {path: kept}}
  mail: {email: {server: smtp://localhost, from: a@b.c, to: a@b.c}}
  hook: {webhook: {url: "http://h/${HOME}"}}
  chat: {apprise: json://localhost}
  line: {syslog: {}}
  ops: {command: ["true"]}
"""

PROGRAM = """
import sys
from rules_listener.match.program import load
from rules_listener.outbox.channel import Message
from rules_listener.serve import couriering
from rules_listener.serve.bundle import load_bundle
from rules_listener.serve.channels import build_channels
bundle = load_bundle(open(sys.argv[1], "rb").read())
channels = build_channels(list(bundle.config.channels), load(bundle.program).templates, {"HOME": "x"})
print(*sys.modules)
event = {"event": "X", "time": 0.0}
print(channels["kept"].send(Message("i", "kept", "t", "r", "", "alert", "error", 0.0, event)))
print(*sys.modules)
"""
NOT_NEEDED = {"smtplib", "urllib3", "apprise", "requests", "yaml", "lark", "click", "rich"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_courier_imports_what_it_uses(tmp_path: Path, make_bundle: Callable[..., Bundle]) -> None:
    """A courier with channels of all kinds imports none of them until it sends, and then that one alone."""
    bundle = make_bundle('on PROCESS_STATE_FATAL alert "x"', f"rules: [rules/]\n{ALL_KINDS}")
    (tmp_path / "bundle").write_bytes(dump_bundle(bundle))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    before, outcome, after = done.stdout.splitlines()
    assert outcome == "Sent()"
    assert NOT_NEEDED & {*before.split(), *after.split()} == set()
    assert "rules_listener.send.file" in {*after.split()} - {*before.split()}


BATCH = ", batch: {every: 1m, at_most: 2}"
KINDS_WITH_BATCH = {
    "command": 'command: ["a", "{message}"]',
    "email": "email: {server: smtp://localhost, from: a@b.c, to: a@b.c}",
    "webhook": "webhook: {url: http://h}",
    "apprise": "apprise: json://h/",
    "syslog": "syslog: {}",
    "file": "file: {path: x}",
    "log": "log: {}",
}


@pytest.mark.parametrize("options", KINDS_WITH_BATCH.values(), ids=KINDS_WITH_BATCH)
def test_each_kind_may_gather(tmp_path: Path, options: str) -> None:
    """A batch is how long a channel gathers; what sends one message sends a digest."""
    guarded = _guarded(tmp_path, options + BATCH)
    sent: list[Message] = []
    guarded._channel = Telling(sent)
    messages = [replace(MESSAGE, id=str(n), text=f"text {n}") for n in range(3)]
    assert (guarded.gather_s, guarded.send_digest(messages)) == (60.0, Sent())
    lines = sent[0].text.split("\n" if "\n" in sent[0].text else "; ")
    assert [lines[0], lines[-1], len(lines)] == ["3 alerts: 3 error", "… and 1 more", 4]
    assert ("\n" in sent[0].text) == (options.partition(":")[0] not in {"syslog", "file", "log"})
    assert _guarded(tmp_path, options).gather_s is None


class Telling:
    """Notes what it is to send."""

    places = 1

    def __init__(self, sent: list[Message]) -> None:
        self._sent = sent

    def send(self, message: Message) -> Outcome:
        """Note it."""
        self._sent.append(message)
        return Sent()

    def stop(self) -> None:
        """Nothing is under way."""


def test_templates_work_on_digests(tmp_path: Path) -> None:
    """`{message}` is all of it; what its alerts have not in common prints as what is missing does."""
    options = 'command: ["{message}", "{severity} {rule} {process} {groupname} {eventname} {phase}", "{incident} {id}"]'
    channel = _built(tmp_path, options + BATCH)
    other = replace(MESSAGE, id="id2", event={**EVENT, "processname": "php"})
    digest = digest_of([MESSAGE, other], Batch(1.0))
    message, about, identifiers = channel._arguments(digest)
    assert message == digest.text
    assert about == "error r - web PROCESS_STATE_FATAL firing"
    assert identifiers == f"{digest.id} {digest.id}"
