"""Alerts on their way out, from a real supervisord to real receivers."""

import hashlib
import hmac
import json
import socket

from tests.e2e.supervised import PATIENCE_S, Supervised
from tests.send.alertmanager import alertmanager, needs_alertmanager
from tests.send.hook import Answer, Hook, hook_server
from tests.send.mailbox import PASSWORD, USER, Mailbox, authenticate, mail_server, server_context
from tests.send.receivers import Certificates, closed_port, dripping, receiver, resetting, silent
from tests.send.test_systemlog import RFC5424, listening


def test_a_mail_arrives(supervised: Supervised, certificates: Certificates) -> None:
    """A program that exits 3 gives one mail, over TLS and with a login whose password is the listener's variable."""
    mailbox = Mailbox()
    tls = server_context(certificates.server)
    with mail_server(mailbox, ssl_context=tls, authenticator=authenticate, auth_require_tls=False) as port:
        server = f"smtps://{USER}:${{SMTP_PASSWORD}}@127.0.0.1:{port}"
        people = 'from: "Supervisor <ops@example.org>", to: [a@example.org, b@example.org]'
        supervised.config(f'{{ops: {{email: {{server: "{server}", ca: {certificates.ca}, {people}}}}}}}')
        supervised.rules('on PROCESS_STATE_EXITED where expected == 0 alert critical "{process} is gone"')
        supervised.program("web", supervised.python("exit.py", "raise SystemExit(3)"))
        supervised.listener(environment=f'SMTP_PASSWORD="{PASSWORD}"')
        supervised.start()
        supervised.wait_for_texts("web is gone")
        (mail,) = mailbox.mails
        (alert,) = supervised.alerts()
        assert mailbox.to == [["a@example.org", "b@example.org"]]
        assert mailbox.users == [USER.encode()]
        assert mail["Subject"].startswith("CRITICAL ")
        assert mail["Subject"].endswith(": web is gone")
        assert mail["Message-ID"] == f"<{alert.id}@example.org>"
        assert "PROCESS_STATE_EXITED" in mail.get_content()


def test_a_webhook_is_asked_again(supervised: Supervised, certificates: Certificates) -> None:
    """A receiver that asks for two seconds gets them, then the same request again; `log` has long said it."""
    hook = Hook(Answer(429, b"slow down", {"Retry-After": "2"}))
    supervised.write("token", "t0k3n\n")
    with hook_server(hook, server_context(certificates.server)) as port:
        supervised.config(
            f"""
  ops:
    webhook:
      url: "https://127.0.0.1:{port}/${{HOOK_PATH}}"
      ca: {certificates.ca}
      headers: {{X-Token: "file:token", X-Process: "{{process}}"}}
      json: {{text: "{{message}}", key: "${{KEY}}", tags: ["{{severity}}", 7]}}
      sign: {{secret: "${{KEY}}"}}
  out: {{log: {{}}}}"""
        )
        supervised.rules('on PROCESS_STATE_EXITED where expected == 0 alert "{process} is gone" to ops, out')
        supervised.program("web", supervised.python("exit.py", "raise SystemExit(3)"))
        supervised.listener(environment='HOOK_PATH="a/b",KEY="k3y"')
        supervised.start()
        failed = supervised.wait_for(lambda: [one for one in supervised.alerts() if one.reason], "the first answer")
        assert failed[0].reason == f"127.0.0.1:{port} answered 429 Too Many Requests: slow down"
        supervised.wait_for(lambda: "error test.rules:1: web is gone" in supervised.read("rl.err"), "the log")
        assert len(hook.asked) == 1
        supervised.wait_for_texts("web is gone", "web is gone")
    first, second = hook.asked
    assert (first.path, first.body, first.headers) == (second.path, second.body, second.headers)
    assert json.loads(first.body) == {"text": "web is gone", "key": "k3y", "tags": ["error", 7]}
    assert (first.path, first.headers["x-token"], first.headers["x-process"]) == ("/a/b", "t0k3n", "web")
    assert first.headers["idempotency-key"] == failed[0].id
    signature = hmac.new(b"k3y", first.body, hashlib.sha256).hexdigest()
    assert first.headers["x-hub-signature-256"] == f"sha256={signature}"
    assert second.time - first.time >= 2


def test_syslog_and_a_file(supervised: Supervised) -> None:
    """A local syslog socket gets a line of RFC 5424, a file one of JSON; both say the same under ids of their own."""
    kept = supervised.folder / "alerts.jsonl"
    with listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(supervised.folder / "log")) as (address, lines):
        supervised.config(f"{{ops: {{syslog: {{address: {address}}}}}, kept: {{file: {{path: {kept}}}}}}}")
        supervised.rules('on PROCESS_COMMUNICATION alert warning "{data}" to ops, kept')
        supervised.say("say", "hello")
        supervised.listener()
        supervised.start()
        supervised.wait_for_texts("hello", "hello")
        found = RFC5424.fullmatch(lines.get(timeout=PATIENCE_S).decode())
    (document,) = map(json.loads, kept.read_text().splitlines())
    assert found is not None
    assert (found["priority"], found["text"]) == ("28", "hello")
    assert (document["text"], document["severity"], document["process"]) == ("hello", "warning", "say")
    ids = {alert.channel: alert.id for alert in supervised.alerts()}
    assert f'id="{ids["ops"]}"' in found["data"]
    assert document["id"] == ids["kept"]


WATCH = """on PROCESS_STATE_EXITED where processname == "web" alert "{process} is gone" until PROCESS_STATE_RUNNING"""


def _watched_alertmanager(supervised: Supervised, url: str) -> None:
    """A program that exits, and an Alertmanager that is told of it each second."""
    supervised.config(f'{{ops: {{alertmanager: {{url: "{url}", refresh: 1s, labels: {{team: web}}}}}}}}')
    supervised.rules(WATCH)
    supervised.program("web", supervised.python("once.py", ONCE))
    supervised.listener()
    supervised.start()


ONCE = """\
import pathlib, sys, time
flag = pathlib.Path(__file__).with_suffix(".ran")
if flag.exists():
    time.sleep(1000)
flag.touch()
"""


def test_an_alertmanager_is_told_again(supervised: Supervised) -> None:
    """What is open is told each second, also after the listener was killed; after its recovery it is told no more."""
    hook = Hook()

    def told() -> list[dict[str, str]]:
        return [alert for asked in hook.asked for alert in json.loads(asked.body)]

    with hook_server(hook) as port:
        _watched_alertmanager(supervised, f"http://127.0.0.1:{port}")
        supervised.wait_for(lambda: len(told()) >= 3, "three times the same alert")
        supervised.kill(supervised.listener_pid())
        before = len(told())
        supervised.wait_for(lambda: len(told()) >= before + 3, "more of it from the next listener")
        supervised.ask("startProcess", "web", False)  # noqa: FBT003 - XML-RPC knows no names
        supervised.wait_for(lambda: "recovery" in {alert.phase for alert in supervised.alerts("sent")}, "its recovery")
    *opened, ended = told()
    assert len({str((alert["labels"], alert["startsAt"])) for alert in told()}) == 1
    assert [alert["endsAt"] for alert in opened] == sorted({alert["endsAt"] for alert in opened})
    assert ended["endsAt"] < opened[-1]["endsAt"]


@needs_alertmanager
def test_an_alertmanager_that_forgets(supervised: Supervised) -> None:
    """Debian's Alertmanager keeps no alerts: one that was started anew has the open one again until it recovers."""
    port = closed_port()
    with alertmanager(supervised.folder / "first", port) as first:
        _watched_alertmanager(supervised, first.url)
        (alert,) = first.wait_for(1)
        assert alert["labels"].items() >= {"process": "web", "server": "supervisor", "team": "web"}.items()
        assert alert["annotations"] == {"summary": "web is gone"}
    with alertmanager(supervised.folder / "second", port) as second:
        (again,) = second.wait_for(1)
        assert (again["fingerprint"], again["startsAt"]) == (alert["fingerprint"], alert["startsAt"])
        supervised.ask("startProcess", "web", False)  # noqa: FBT003 - XML-RPC knows no names
        second.wait_for(0)


HANG_S = 5
MAIL = "email: {{server: {}, from: a@b.c, to: a@b.c}}"
BROKEN_OFF = "127.0.0.1:RESETS has broken the connection off"
SLOW_DOWN = "127.0.0.1:BUSY answered 429 Too Many Requests: slow down"
WRONG_CERTIFICATE = "the certificate of 127.0.0.1:TLS is not accepted: unable to get local issuer certificate"
REFUSED = "nothing listens at 127.0.0.1:GONE: connection refused"
TROUBLE = {
    "silent": ("webhook: {url: http://127.0.0.1:SILENT/}", "127.0.0.1:SILENT: timed out after 5s"),
    "drips": ("webhook: {url: http://127.0.0.1:DRIPS/}", "127.0.0.1:DRIPS: timed out after 5s"),
    "resets": ("webhook: {url: http://127.0.0.1:RESETS/}", BROKEN_OFF),
    "busy": ("webhook: {url: http://127.0.0.1:BUSY/}", SLOW_DOWN),
    "wrong": ("webhook: {url: https://127.0.0.1:TLS/}", WRONG_CERTIFICATE),
    "gone": ("webhook: {url: http://127.0.0.1:GONE/}", REFUSED),
    "nowhere": ("webhook: {url: http://nowhere.invalid/}", "nowhere.invalid"),
    "mute": (MAIL.format("smtp://127.0.0.1:SILENT"), "127.0.0.1:SILENT: timed out after 5s"),
    "slow": (MAIL.format("smtp://127.0.0.1:DRIPS"), "127.0.0.1:DRIPS: timed out after 5s"),
    "chat": ("apprise: json://127.0.0.1:DRIPS/", "json: timed out after 5s"),
    "mail_resets": (MAIL.format("smtp://127.0.0.1:RESETS"), BROKEN_OFF),
    "mail_wrong": (MAIL.format("smtps://127.0.0.1:TLS"), WRONG_CERTIFICATE),
    "mail_gone": (MAIL.format("smtp://127.0.0.1:GONE"), REFUSED),
    "mail_nowhere": (MAIL.format("smtp://nowhere.invalid"), "nowhere.invalid"),
    "mail_babel": (MAIL.format("smtp://127.0.0.1:BUSY"), "127.0.0.1:BUSY: timed out after 5s"),
    "am_silent": ("alertmanager: {url: http://127.0.0.1:SILENT}", "127.0.0.1:SILENT: timed out after 5s"),
    "am_drips": ("alertmanager: {url: http://127.0.0.1:DRIPS}", "127.0.0.1:DRIPS: timed out after 5s"),
    "am_resets": ("alertmanager: {url: http://127.0.0.1:RESETS}", BROKEN_OFF),
    "am_busy": ("alertmanager: {url: http://127.0.0.1:BUSY}", SLOW_DOWN),
    "am_wrong": ("alertmanager: {url: https://127.0.0.1:TLS}", WRONG_CERTIFICATE),
    "am_gone": ("alertmanager: {url: http://127.0.0.1:GONE}", REFUSED),
    "am_nowhere": ("alertmanager: {url: http://nowhere.invalid}", "nowhere.invalid"),
    "chat_silent": ("apprise: json://127.0.0.1:SILENT/", "127.0.0.1; Read timed out"),
    "chat_resets": ("apprise: json://127.0.0.1:RESETS/", "127.0.0.1; Connection reset by peer"),
    "chat_busy": ("apprise: json://127.0.0.1:BUSY/", "json: Failed to send JSON POST notification: error=429"),
    "chat_wrong": (
        "apprise: jsons://127.0.0.1:TLS/",
        "127.0.0.1; certificate verify failed: unable to get local issuer certificate",
    ),
    "chat_gone": ("apprise: json://127.0.0.1:GONE/", "127.0.0.1; Connection refused"),
    "chat_nowhere": ("apprise: json://nowhere.invalid/", "nowhere.invalid"),
    "log_resets": ("syslog: {address: tcp://127.0.0.1:RESETS}", BROKEN_OFF),
    "log_nowhere": ("syslog: {address: tcp://nowhere.invalid}", "nowhere.invalid"),
    "log_gone": ("syslog: {address: udp://127.0.0.1:GONE}", REFUSED),
    "babel": ("webhook: {url: https://127.0.0.1:BUSY}", "127.0.0.1:BUSY: what answers there does not speak "),
    "digest": ("batch: {every: 1s}, webhook: {url: http://127.0.0.1:SILENT}", "127.0.0.1:SILENT: timed out after 5s"),
    "lost": ("syslog: {address: tcp://127.0.0.1:GONE}", REFUSED),
    "folder": ("file: {path: none/alerts}", "the folder of FOLDER/none/alerts is not there: make it"),
}


def _configuration(places: dict[str, str]) -> str:
    """All channels in trouble, and one that is in none."""
    lines = ["", "  ops: {file: {path: alerts.jsonl}}"]
    for name, (options, _) in TROUBLE.items():
        timeout = "" if options.startswith("file") else f", timeout: {HANG_S}s"
        lines.append(f"  {name}: {{{options}{timeout}}}")
    return _filled("\n".join(lines), places)


def _filled(text: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        text = text.replace(name, value)
    return text


def test_no_channel_is_slower_for_another(supervised: Supervised, certificates: Certificates) -> None:
    """Beside three dozen receivers that hang, drip, reset or lie, one channel is as quick as ever; each says why."""
    busy = Hook(*[Answer(429, b"slow down", {"Retry-After": "2"})] * 1000)
    with (
        receiver(silent) as silence,
        receiver(dripping(b"HTTP/1.1 2")) as drip,
        receiver(resetting) as reset,
        hook_server(busy) as hook,
        hook_server(Hook(), server_context(certificates.server)) as tls,
    ):
        ports = {"SILENT": silence, "DRIPS": drip, "RESETS": reset, "BUSY": hook, "TLS": tls, "GONE": closed_port()}
        places = {**{name: str(port) for name, port in ports.items()}, "FOLDER": str(supervised.folder)}
        supervised.config(_configuration(places))
        supervised.rules(f'on PROCESS_COMMUNICATION alert "{{data}}" to ops, {", ".join(TROUBLE)}')
        texts = [f"text{number}" for number in range(20)]
        supervised.say("say", *texts)
        supervised.listener()
        supervised.start()
        supervised.wait_for(lambda: len(supervised.read("alerts.jsonl").splitlines()) == len(texts), "all lines")
        hanging = {name for name, (_, reason) in TROUBLE.items() if "timed out after" in reason}
        assert [alert for alert in supervised.alerts() if alert.channel in hanging and alert.reason] == []

        def reasons() -> dict[str, str]:
            return {alert.channel: alert.reason for alert in supervised.alerts("waiting") if alert.reason}

        supervised.wait_for(lambda: reasons().keys() >= TROUBLE.keys(), "a reason for each", 60.0)
        for name, reason in reasons().items():
            assert _filled(TROUBLE[name][1], places) in reason, name
