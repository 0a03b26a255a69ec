"""Event data that is made to break out, through every channel: nothing of it becomes a header, a line or a template."""

import json
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.e2e.piped import piped
from tests.e2e.supervised import RECORD
from tests.eventually import eventually
from tests.send.hook import Asked, Hook, hook_server
from tests.send.mailbox import Mailbox, mail_server
from tests.send.test_systemlog import RFC5424, listening

if TYPE_CHECKING:
    from queue import SimpleQueue

PATIENCE_S = 30.0
TEXTS = (
    "web\r\nBcc: evil@example.org\r\nX-Evil: 1\r\n\r\nevil",
    "web\r\n.\r\nMAIL FROM:<evil@example.org>",
    "web\n<0>1 2025-01-01T00:00:00Z evil - - - - all is well",
    "web\n12:00:00 CRITICAL all is lost",
    '"}, {"x": "y", "alerts": [',
    "{message} {env('HOME')} {{x}} ${HOME} %(here)s %s $(touch evil) `touch evil`",
    "web\x00\x85\u2028\x1b[31mred",
)
NAMES = (
    "web\r\nBcc:evil@example.org\r\n\r\nevil",
    "web\r\n.\r\nMAIL\tFROM:<evil@example.org>",
    'web\n<0>1"][evil@1\tx="y"]',
    "web\x85\u2028\x1b[31mred\r",
)
TEMPLATE = '"{message} {data} {rule}"'
CHANNELS = f"""
  NAMEmail:
    email: {{server: "smtp://127.0.0.1:SMTP", from: a@b.c, to: a@b.c, subject: {TEMPLATE}, body: {TEMPLATE}}}
  NAMEletter: {{email: {{server: "smtp://127.0.0.1:SMTP", from: a@b.c, to: a@b.c}}}}
  NAMEjson:
    webhook: {{url: "http://127.0.0.1:HTTP/NAMEjson", headers: {{X-Text: {TEMPLATE}}}, json: {{text: {TEMPLATE}}}}}
  NAMEform: {{webhook: {{url: "http://127.0.0.1:HTTP/NAMEform", form: {{text: {TEMPLATE}}}}}}}
  NAMEhook: {{webhook: {{url: "http://127.0.0.1:HTTP/NAMEhook"}}}}
  NAMEchat: {{apprise: {{urls: "json://127.0.0.1:HTTP/NAMEchat", title: {TEMPLATE}, body: {TEMPLATE}}}}}
  NAMEsyslog: {{syslog: {{address: FOLDER/log, text: {TEMPLATE}}}}}
  NAMEfile: {{file: {{path: NAMEfile.jsonl}}}}
  NAMElines: {{file: {{path: NAMElines.txt, text: {TEMPLATE}}}}}
  NAMEcommand: {{command: ["{sys.executable}", "-S", "FOLDER/record.py", "FOLDER/NAMEcommand.jsonl", {TEMPLATE}]}}
  NAMElog: {{log: {{}}}}
"""
"""All kinds that take a batch, with templates wherever they take them."""

ALERTMANAGER = '{alertmanager: {url: "http://127.0.0.1:HTTP/am", annotations: {text: "{message} {data}"}}}'
KINDS = re.findall(r"NAME(\w+):", CHANNELS)
MAIL_HEADERS = {
    *("from", "to", "subject", "date", "message-id", "auto-submitted", "importance"),
    *("mime-version", "content-type", "content-transfer-encoding"),
}
HOOK_HEADERS = {
    *("host", "user-agent", "content-type", "content-length", "accept-encoding", "idempotency-key", "x-text"),
    *("accept", "connection"),
}


def _configuration(folder: Path, smtp: int, http: int) -> str:
    """Each channel twice, by itself and with a batch."""
    one_by_one = CHANNELS.replace("NAME", "one_")
    gathering = re.sub(r"(?m)^  (\w+):( .*)?$", _with_batch, CHANNELS.replace("NAME", "all_"))
    text = f"rules: [test.rules]\nstate: state\nchannels:{one_by_one}{gathering}\n  am: {ALERTMANAGER}\n"
    return text.replace("SMTP", str(smtp)).replace("HTTP", str(http)).replace("FOLDER", str(folder))


def _with_batch(found: re.Match[str]) -> str:
    name, options = found[1], found[2]
    batch = "batch: {every: 3s}"
    return f"  {name}:{options[:-1]}, {batch}}}" if options else f"  {name}:\n    {batch}"


def test_nothing_gets_out_of_its_place(tmp_path: Path) -> None:
    """Each channel sends what it was to send: with its own headers, on its own lines, and texts as they were."""
    mailbox, hook = Mailbox(), Hook()
    (tmp_path / "record.py").write_text(RECORD)
    names = [f"{name}_{kind}" for name in ("one", "all") for kind in KINDS]
    (tmp_path / "test.rules").write_text(
        f'on PROCESS_COMMUNICATION alert critical "{{data}}" to am, {", ".join(names)}\n'
    )
    with (
        mail_server(mailbox) as smtp,
        hook_server(hook) as http,
        listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "log")) as (_, lines),
    ):
        path = tmp_path / "rules-listener.yaml"
        path.write_text(_configuration(tmp_path, smtp, http))
        with piped(path) as listener:
            for text in TEXTS:
                listener.send("web", text)
            eventually(lambda: _count(tmp_path, "all_command.jsonl") == 1, "the digest of the command", PATIENCE_S)
            eventually(lambda: len(mailbox.mails) == 2 * len(TEXTS) + 2, "the mails", PATIENCE_S)
            eventually(lambda: len(hook.asked) == 5 * len(TEXTS) + 4, "the requests", PATIENCE_S)
            eventually(lambda: lines.qsize() == len(TEXTS) + 1, "the lines", PATIENCE_S)
    _assert_mails(mailbox)
    assert f"{TEXTS[5]} {TEXTS[5]} test.rules:1" in {str(mail["Subject"]) for mail in mailbox.mails}
    _assert_requests(hook.asked)
    _assert_lines(lines)
    _assert_files(tmp_path)
    assert not list(tmp_path.rglob("evil"))


def test_no_name_gets_out_of_its_place(tmp_path: Path) -> None:
    """Names of processes stand in subjects, headers and fields of syslog: nothing of them becomes another one."""
    mailbox, hook = Mailbox(), Hook()
    (tmp_path / "record.py").write_text(RECORD)
    channels = ["am", *(f"one_{kind}" for kind in KINDS)]
    (tmp_path / "test.rules").write_text(
        f'on PROCESS_STATE_EXITED alert critical "{{processname}} is gone" to {", ".join(channels)}\n'
    )
    with (
        mail_server(mailbox) as smtp,
        hook_server(hook) as http,
        listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "log")) as (_, lines),
    ):
        path = tmp_path / "rules-listener.yaml"
        path.write_text(_configuration(tmp_path, smtp, http))
        with piped(path) as listener:
            for name in NAMES:
                listener.tell(
                    "PROCESS_STATE_EXITED",
                    f"processname:{name} groupname:{name} from_state:RUNNING expected:0 pid:7",
                )
            eventually(lambda: len(mailbox.mails) == 2 * len(NAMES), "the mails", PATIENCE_S)
            eventually(lambda: len(hook.asked) == 5 * len(NAMES), "the requests", PATIENCE_S)
            eventually(lambda: lines.qsize() == len(NAMES), "the lines", PATIENCE_S)
    _assert_mails(mailbox)
    assert all("evil" in str(mail["Subject"]) or "red" in str(mail["Subject"]) for mail in mailbox.mails)
    for one in hook.asked:
        assert one.headers.keys() <= HOOK_HEADERS
    sent = [json.loads(one.body) for one in hook.asked if one.path == "/one_hook"]
    assert sorted(one["event"]["processname"] for one in sent) == sorted(NAMES)
    _assert_lines(lines)


def _count(folder: Path, name: str) -> int:
    path = folder / name
    return len(path.read_text().splitlines()) if path.exists() else 0


def _assert_mails(mailbox: Mailbox) -> None:
    for mail in mailbox.mails:
        assert {name.lower() for name in mail} <= MAIL_HEADERS
        assert len(mail.keys()) == len({*mail.keys()})
        assert str(mail["Subject"]).isprintable()
    assert mailbox.to == [["a@b.c"]] * len(mailbox.mails)


def _assert_requests(asked: list[Asked]) -> None:
    by_path: dict[str, list[Asked]] = {}
    for one in asked:
        assert one.headers.keys() <= HOOK_HEADERS, one.headers.keys() - HOOK_HEADERS
        by_path.setdefault(one.path.split("/")[1], []).append(one)
    for one, text in zip(by_path["one_json"], TEXTS, strict=True):
        assert json.loads(one.body) == {"text": f"{text} {text} test.rules:1"}
    for one, text in zip(by_path["one_form"], TEXTS, strict=True):
        assert parse_qs(one.body.decode()) == {"text": [f"{text} {text} test.rules:1"]}
    assert [json.loads(one.body)["text"] for one in by_path["one_hook"]] == list(TEXTS)
    (digest,) = [json.loads(one.body) for one in by_path["all_hook"]]
    assert [alert["text"] for alert in digest["alerts"]] == list(TEXTS)
    assert len(digest["text"].split("\n")) == 1 + len(TEXTS)
    assert all(line.isprintable() for line in digest["text"].split("\n"))
    told = [json.loads(one.body) for one in by_path["one_chat"] + by_path["all_chat"]]
    assert all(one["title"].isprintable() for one in told)
    assert {len(one.body) > 0 for one in by_path["am"]} == {True}
    (labels,) = {json.dumps(json.loads(one.body)[0]["labels"], sort_keys=True) for one in by_path["am"]}
    assert json.loads(labels).keys() == {"alertname", "severity", "process", "group", "server", "host"}


def _assert_lines(lines: "SimpleQueue[bytes]") -> None:
    while not lines.empty():
        line = lines.get().decode()
        assert RFC5424.fullmatch(line), line
        assert line.isprintable()


def _assert_files(folder: Path) -> None:
    kept = [json.loads(line)["text"] for line in (folder / "one_file.jsonl").read_text().splitlines()]
    assert kept == list(TEXTS)
    assert _count(folder, "all_file.jsonl") == _count(folder, "all_lines.txt") == 1
    assert _count(folder, "one_lines.txt") == len(TEXTS)
    records = [json.loads(line) for line in (folder / "one_command.jsonl").read_text().splitlines()]
    replaced = [text.replace("\0", "\ufffd") for text in TEXTS]
    assert sorted(record["arguments"] for record in records) == sorted(
        [f"{text} {text} test.rules:1"] for text in replaced
    )
    said = [line for line in (folder / "rl.err").read_text().split("\n") if "critical" in line]
    assert len(said) == len(TEXTS) + 1
    assert all(line.isprintable() for line in said)
