"""Secrets go to their receivers and nowhere else."""

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiosmtpd.smtp import AuthResult

from rules_listener.tools.cli import cli
from tests.e2e.scraper import Scraper, free_port
from tests.e2e.supervised import Supervised
from tests.send.hook import Answer, Asked, Hook, hook_server
from tests.send.mailbox import Mailbox, mail_server, server_context
from tests.send.receivers import Certificates

SECRETS = {
    "MAIL": "s3cr3t-mail-9d41",
    "URL_PATH": "T0477113/s3cr3t-path-77c0",
    "LOGIN": "s3cr3t-l@g/in:5e13",
    "BODY": 's3cr3t-"body"-08aa',
    "SIGN": "s3cr3t-sign-f00d",
    "CHAT": "s3cr3t-chat-4242",
    "FILE": "s3cr3t-file-c0de",
}
"""By variable; FILE is in a file."""

CHANNELS = """
  mail: {email: {server: "smtps://me:${MAIL}@127.0.0.1:SMTP", ca: CA, from: a@b.c, to: a@b.c}}
  path: {webhook: {url: "http://127.0.0.1:HTTP/${URL_PATH}", json: {key: "${BODY}", text: "{message}"}}}
  login: {webhook: {url: "http://me:${LOGIN}@127.0.0.1:HTTP/?key=${SIGN}", sign: {secret: "${SIGN}"}}}
  gone: {webhook: {url: "http://127.0.0.1:HTTP/gone", headers: {X-Token: "file:secret"}, form: {key: "${BODY}"}}}
  tls: {webhook: {url: "https://me:${LOGIN}@127.0.0.1:HTTP/${URL_PATH}", headers: {X-Token: "file:secret"}}}
  nowhere: {webhook: {url: "https://me:${LOGIN}@nowhere.invalid/${URL_PATH}"}}
  chat: {apprise: ["json://me:${LOGIN}@127.0.0.1:HTTP/${CHAT}"]}
  device: {syslog: {address: "/none/${CHAT}", program: "${CHAT}"}}
  am:
    alertmanager:
      url: ["http://me:${LOGIN}@127.0.0.1:HTTP/${URL_PATH}"]
      labels: {team: "${SIGN}"}
      annotations: {text: "${BODY} {message}"}
      headers: {X-Token: "file:secret"}
  cmd: {command: [sh, -c, 'PRINT; exit 3']}
  out: {log: {}}
  kept: {file: {path: /none/alerts, text: "${BODY} {message}"}}
  mails:
    email: {server: "smtps://me:${MAIL}@127.0.0.1:SMTP", ca: CA, from: a@b.c, to: a@b.c, subject: "${BODY} {message}"}
    batch: {every: 1s}
  hooks:
    webhook: {url: "http://me:${LOGIN}@127.0.0.1:HTTP/${URL_PATH}", headers: {X-Token: "file:secret"}}
    batch: {every: 1s, at_most: 1}
"""


class Echo(Hook):
    """Says in its answer all that it was told, and leads astray: who prints what a receiver says prints secrets."""

    def answer(self, asked: Asked) -> Answer:
        """Note a request, and repeat it."""
        self.asked.append(asked)
        told = f"{asked.path} {asked.headers} ".encode() + asked.body
        status = 404 if asked.path == "/gone" else 500
        return Answer(status, told, {"Location": f"http://elsewhere.example{asked.path}"})


def _repeat(_server: object, _session: object, _envelope: object, _mechanism: str, login: object) -> AuthResult:
    """Refuse a login, and repeat it."""
    password = getattr(login, "password", b"").decode()
    encoded = b64encode(f"\0me\0{password}".encode()).decode()
    return AuthResult(success=False, handled=False, message=f"535 not {password}, nor {encoded}")


def _spellings() -> Iterator[bytes]:
    """All ways in which a secret might be written, and what is in all of them."""
    yield from (b"s3cr3t", b"T0477113")
    for secret in SECRETS.values():
        for spelled in (secret, quote(secret), quote(secret, "")):
            yield spelled.encode()
        for before in ("", "me:", "\0me\0"):
            yield b64encode(f"{before}{secret}".encode())[6:-4]


def _outputs(supervised: Supervised, environment: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """What every verb says of this configuration; of one that is not known here, what it says of all files at hand."""
    lines = [line.split() for line in _lines(supervised)]
    known = {line[0] for line in lines} | {"demo"}
    config, rules = str(supervised.config_path), str(supervised.rules_path)
    for verb in cli.commands.keys() - known:
        lines += [[verb], [verb, "--config", config], [verb, rules], [verb, "--config", config, str(supervised.state)]]
    for line in lines:
        command = [sys.executable, "-m", "rules_listener", *line]
        done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, **environment}, timeout=60)
        assert b"Traceback" not in done.stderr
        assert line[0] not in known or b"Usage: " not in done.stderr, line
        yield " ".join(line), done.stdout + done.stderr


def _lines(supervised: Supervised) -> Iterator[str]:
    """Command lines of the verbs that are known here."""
    place = f"--config {supervised.config_path}"
    conf = supervised.folder / "supervisord.conf"
    yield from (f"check {place} --format {name}" for name in ("text", "json", "github", "sarif"))
    yield f"check {place} --supervisor-conf {conf} --pool rl"
    yield from (f"{verb} {place} --format {name}" for verb in ("status", "alerts list") for name in ("text", "json"))
    one_of = {alert.channel: alert.id for alert in supervised.alerts()}
    yield from (f"alerts show {identifier} {place} --format json" for identifier in one_of.values())
    yield f"alerts show {one_of['path']} {place}"
    for channel, verb in (("mail", "drop"), ("mail", "retry"), ("gone", "retry"), ("gone", "drop")):
        yield f"alerts {verb} {one_of[channel]} {place}"
    yield f"run {place}"
    yield f"record --to {supervised.folder}/recording"
    yield f"convert {supervised.state}"
    yield f"convert {supervised.folder}/supervisord.log --supervisor-conf {conf}"
    yield f"explain --code said {place}"
    yield "explain RL304"
    yield f"fmt --diff {supervised.rules_path}"
    yield f"init --dir {supervised.folder}/new"


def _files(supervised: Supervised) -> Iterator[tuple[str, bytes]]:
    """All that was written: logs, the store, the bundle; but not where the secrets come from."""
    for path in supervised.folder.rglob("*"):
        if path.is_file() and path.name not in ("supervisord.conf", "secret"):
            yield str(path), path.read_bytes()


def _everything(supervised: Supervised, environment: dict[str, str], scraper: Scraper) -> Iterator[tuple[str, bytes]]:
    yield from _outputs(supervised, environment)
    assert scraper.has("queue_length,mail")
    yield "metrics", scraper.text.encode()
    yield from _files(supervised)
    for pid in supervised.processes():
        yield f"command line of {pid}", Path(f"/proc/{pid}/cmdline").read_bytes()


def test_no_secret_is_anywhere(supervised: Supervised, certificates: Certificates) -> None:
    """With a secret in every channel, and receivers that repeat whatever they are told, it is nowhere to be read."""
    hook, mailbox, scraper = Echo(), Mailbox(), Scraper(free_port())
    print_all = f"echo {' '.join(f'${name}' for name in SECRETS if name != 'FILE')} `cat {supervised.folder}/secret`"
    supervised.write("secret", SECRETS["FILE"] + "\n")
    tls = server_context(certificates.server)
    options: dict[str, Any] = {"ssl_context": tls, "authenticator": _repeat, "auth_require_tls": False}
    with hook_server(hook) as http, mail_server(mailbox, **options) as smtp:
        supervised.config(
            CHANNELS.replace("HTTP", str(http))
            .replace("SMTP", str(smtp))
            .replace("CA", certificates.ca)
            .replace("PRINT", print_all)
        )
        text = supervised.config_path.read_text().replace("default: [ops]", "default: [mail]")
        text += f"metrics: 127.0.0.1:{scraper.port}\n"
        supervised.config_path.write_text(text)
        names = "mail, path, login, gone, tls, nowhere, chat, device, am, kept, mails, hooks, cmd"
        supervised.rules(
            f'rule said\non PROCESS_COMMUNICATION\n  alert "{{data}}" to {names}\n'
            f'  run ["sh", "-c", "{print_all}; exit 3"]\n'
            'on LISTENER_DELIVERY_FAILED alert "failed: {channel} {reason}" to device, out'
        )
        supervised.say("say", "hello", "again")
        quoted = [name + '="' + value.replace('"', "Q") + '"' for name, value in SECRETS.items() if name != "FILE"]
        supervised.listener(environment=",".join(quoted))
        supervised.start()
        expected = {*names.split(", "), "run"}
        supervised.wait_for(
            lambda: {alert.channel for alert in supervised.alerts() if alert.reason} == expected, "a reason for each"
        )
        supervised.wait_for(lambda: any("failed: gone" in text for text in supervised.texts()), "what was given up")
        told = "".join(f"{asked.path} {asked.headers} {asked.body!r}" for asked in hook.asked)
        for secret in (SECRETS["URL_PATH"], SECRETS["FILE"], SECRETS["SIGN"], SECRETS["CHAT"], "s3cr3t-Qbody"):
            assert secret in told
        found = [
            (where, spelled)
            for where, content in _everything(supervised, {**SECRETS}, scraper)
            for spelled in {*_spellings()}
            if spelled in content
        ]
        assert found == []
        reasons = {alert.channel: str(alert.reason) for alert in supervised.alerts() if alert.reason}
        assert reasons["mail"] == f"127.0.0.1:{smtp} refuses user or password: 535 not ***, nor ***"
        assert reasons["run"] == reasons["cmd"] == "exit status 3: *** *** *** *** *** *** ***"
        assert "failed: gone" in supervised.read("rl.err")
        assert reasons["path"].startswith(f"127.0.0.1:{http} answered 500 Internal Server Error: /*** {{")


def test_a_secret_that_is_missing_at_the_start(supervised: Supervised) -> None:
    """A listener whose secret is gone does not start, even with rules that were compiled before; the place is shown."""
    supervised.write("secret", "x\n")
    supervised.config('{ops: {webhook: {url: "http://127.0.0.1:1/", headers: {X-A: "file:secret"}}}}')
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(startsecs=4, startretries=0)
    supervised.start()
    supervised.wait_for(lambda: supervised.info("rl")["statename"] == "RUNNING", "the listener")
    supervised.ask("stopProcess", "rl")
    (supervised.folder / "secret").unlink()
    supervised.ctl("start", "rl")
    supervised.wait_for_refusal("rl")
    shown = supervised.read("rl.err")
    assert f"error[RL304]: the file {supervised.folder}/secret can't be read: No such file or directory" in shown
    assert f"--> {supervised.config_path}:4:" in shown


def test_a_secret_that_is_missing_at_a_reload(supervised: Supervised) -> None:
    """A reload whose secret is not there is rejected, and the old channels stay; one that changed is taken over."""
    hook = Hook()
    supervised.write("secret", "old\n")
    with hook_server(hook) as port:
        supervised.config(f'{{ops: {{webhook: {{url: "http://127.0.0.1:{port}/", headers: {{X-A: "file:secret"}}}}}}}}')
        supervised.rules('on PROCESS_COMMUNICATION, LISTENER_RULES_REJECTED alert "{eventname}"')
        supervised.listener()
        supervised.say("say", "hello")
        supervised.start()
        supervised.wait_for(lambda: hook.asked, "the first alert")
        (supervised.folder / "secret").unlink()
        supervised.ask("signalProcess", "rl", "HUP")
        supervised.wait_for(lambda: len(hook.asked) == 2, "what was rejected")
        assert (
            f"the new rules are rejected, the old ones stay: RL304 at {supervised.config_path}:4:"
            in supervised.read("rl.err")
        )
        supervised.write("secret", "new\n")
        supervised.ask("signalProcess", "rl", "HUP")
        supervised.wait_for(lambda: "reloaded: 1 rules" in supervised.read("rl.err"), "the reload")
        supervised.ask("startProcess", "say")
        supervised.wait_for(lambda: len(hook.asked) == 3, "the third alert")
    assert [asked.headers["x-a"] for asked in hook.asked] == ["old", "old", "new"]
