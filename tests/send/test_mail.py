"""Mail, to a real SMTP server and to what only looks like one."""

import socket
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener.base.clock import ManualClock
from rules_listener.base.errors import ConfigError
from rules_listener.outbox.channel import GaveUp, Message, RetryLater, Sent
from rules_listener.send.mail import EmailChannel, Letter, Server, address_of
from tests.send.mailbox import PASSWORD, Mailbox, authenticate, mail_server, server_context
from tests.send.receivers import (
    Certificates,
    Serve,
    assert_stopping_breaks_off,
    closed_port,
    dripping,
    receiver,
    resetting,
    saying,
    silent,
)

MakeMessage = Callable[..., Message]
QUICK_S = 0.4
PATIENCE_S = 10.0

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")


def _letter(*texts: str) -> Letter:
    sender, *recipients = [address for text in texts if (address := address_of(text))]
    return Letter(sender, recipients)


def _text(message: Message) -> str:
    return message.text


def _channel(port: int, *recipients: str, timeout_s: float = PATIENCE_S, **options: Any) -> EmailChannel:
    server = Server("127.0.0.1", port, **{"tls": "never", **options})
    letter = _letter("Ops <ops@example.org>", *(recipients or ["a@example.org"]))
    return EmailChannel(server, letter, timeout_s=timeout_s, clock=ManualClock())


def _content(mail: EmailMessage) -> str:
    content = mail.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def test_a_mail_says_what_happened(make_message: MakeMessage) -> None:
    """A mail has the whole alert in its subject, and everything that is known in its text."""
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        assert _channel(port, "a@example.org", "B <b@example.org>").send(make_message()) == Sent()
    (mail,) = mailbox.mails
    assert mailbox.to == [["a@example.org", "b@example.org"]]
    assert (mail["From"], mail["To"]) == ("Ops <ops@example.org>", "a@example.org, B <b@example.org>")
    assert mail["Subject"].startswith("CRITICAL ")
    assert mail["Subject"].endswith(": web:nginx crashed")
    assert (mail["Message-ID"], mail["Auto-Submitted"]) == ("<id1@example.org>", "auto-generated")
    assert mail["Date"].datetime.timestamp() == ManualClock().time()
    text = _content(mail)
    assert text.startswith("web:nginx crashed\n\nseverity   critical\nprocess    web:nginx\n")
    assert "event      PROCESS_STATE_EXITED expected=0\n" in text


def test_every_try_has_the_same_message_id(make_message: MakeMessage) -> None:
    """A mail that is sent again can be told by its id; those of one incident are a conversation."""
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        channel = _channel(port)
        for attempt, phase in ((1, "firing"), (2, "firing"), (1, "recovery")):
            channel.send(make_message(attempt=attempt, phase=phase, incident="i7"))
    assert [mail["Message-ID"] for mail in mailbox.mails[:2]] == ["<id1@example.org>"] * 2
    assert {mail["References"] for mail in mailbox.mails} == {"<i7@example.org>"}
    assert mailbox.mails[0]["Importance"] == "high"
    assert mailbox.mails[2]["Importance"] is None


def test_texts_of_any_language_arrive(make_message: MakeMessage) -> None:
    """Subject and text are UTF-8, whatever their length."""
    mailbox, text = Mailbox(), "caf\u00e9 \U0001f600 \u4e2d\u6587 " + "x" * 2000
    with mail_server(mailbox) as port:
        letter = replace(_letter("ops@example.org", "a@example.org"), subject=_text, body=_text)
        channel = EmailChannel(Server("127.0.0.1", port, "never"), letter)
        assert channel.send(make_message(text=text)) == Sent()
    assert mailbox.mails[0]["Subject"] == text
    assert _content(mailbox.mails[0]) == f"{text}\n"


HEADERS = (
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Importance"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
)

INJECTIONS = (
    "web\r\nBcc: evil@example.org",
    "web\nX: y\n\nbody",
    "web\r\n\r\n.\r\nMAIL FROM:<evil@example.org>",
    "web\x00\x85\u2028\x1b[31m",
    "{process} ${HOME} %s {0}",
)


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_header_comes_out_of_an_event(make_message: MakeMessage, text: str) -> None:
    """Whatever a process is called and says, it adds no header, no recipient and no mail."""
    mailbox = Mailbox()
    event = {"event": "PROCESS_LOG_STDOUT", "processname": text, "groupname": text, "data": text}
    with mail_server(mailbox) as port:
        assert _channel(port).send(make_message(text=text, event=event)) == Sent()
    (mail,) = mailbox.mails
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert mailbox.to == [["a@example.org"]]
    assert "{process}" not in text or "{process} ${HOME} %s {0}" in mail["Subject"]


ANY = _channel(1)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_makes_a_mail(text: str) -> None:
    """No text of an event keeps a mail from being written, nor adds a line to a header."""
    message = Message("id1", "ops", text, text, "", "alert", "error", 0.0, {"event": "X", "data": text})
    mail = ANY._mail(message)
    head, _, _ = mail.as_bytes().partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert b"\r" not in b"".join(names)
    assert names[:5] == [b"From", b"To", b"Subject", b"Date", b"Message-ID"]


def test_starttls_and_a_login(certificates: Certificates, make_message: MakeMessage) -> None:
    """By default the connection is encrypted before user and password are sent."""
    mailbox = Mailbox()
    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": True}
    with mail_server(
        mailbox, tls_context=server_context(certificates.server), require_starttls=True, **options
    ) as port:
        login: dict[str, Any] = {"tls": "starttls", "user": "ops", "ca": certificates.ca}
        assert _channel(port, **login, password=PASSWORD).send(make_message()) == Sent()
        refused = _channel(port, **login, password="wrong").send(make_message())  # noqa: S106 - a test's
    assert (mailbox.over_tls, mailbox.users) == ([True], [b"ops"])
    reason = f"127.0.0.1:{port} refuses user or password: 535 5.7.8 Authentication credentials invalid"
    assert refused == RetryLater(reason)


def test_tls_from_the_first_byte(certificates: Certificates, make_message: MakeMessage) -> None:
    """With `smtps` there is nothing but TLS."""
    mailbox = Mailbox()
    with mail_server(mailbox, ssl_context=server_context(certificates.server)) as port:
        assert _channel(port, tls="always", ca=certificates.ca).send(make_message()) == Sent()
    assert len(mailbox.mails) == 1


def test_a_certificate_has_to_be_right(certificates: Certificates, make_message: MakeMessage) -> None:
    """A certificate of a stranger, or for another name, is refused, unless that was asked for."""
    mailbox = Mailbox()
    with mail_server(mailbox, ssl_context=server_context(certificates.elsewhere)) as port:
        start = f"the certificate of 127.0.0.1:{port} is not accepted: "
        for ca, reason in (
            (None, "unable to get local issuer certificate"),
            (certificates.stranger, "unable to get local issuer certificate"),
            (certificates.ca, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ):
            assert _channel(port, tls="always", ca=ca).send(make_message()) == RetryLater(start + reason)
        assert mailbox.mails == []
        assert _channel(port, tls="always", verify=False).send(make_message()) == Sent()


def test_no_starttls_no_mail(make_message: MakeMessage) -> None:
    """A server that offers no STARTTLS gets neither password nor mail."""
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        outcome = _channel(port, tls="starttls", user="ops", password=PASSWORD).send(make_message())
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.startswith(f"127.0.0.1:{port} offers no STARTTLS: use smtps://")
    assert mailbox.mails == []


def test_no_login_where_none_is_offered(make_message: MakeMessage) -> None:
    """A server that asks for no login says so, with what to do about it."""
    with mail_server(Mailbox()) as port:
        outcome = _channel(port, user="ops", password=PASSWORD).send(make_message())
    assert outcome == RetryLater(f"127.0.0.1:{port} offers no login: leave user and password out")


BAD, BUSY = "550 no such user", "451 try again later"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"a@example.org": BAD}, "refuses a@example.org (550 no such user); the others have got it"),
        (
            {"a@example.org": BAD, "b@example.org": BAD},
            "refuses a@example.org (550 no such user), b@example.org (550 no such user)",
        ),
        ({"DATA": "554 spam"}, "answered 554 spam"),
    ],
)
def test_what_is_refused_for_good_is_given_up(make_message: MakeMessage, answers: dict[str, str], reason: str) -> None:
    """A wrong address, or a mail that the server refuses, is not sent again and again."""
    with mail_server(Mailbox(answers)) as port:
        outcome = _channel(port, "a@example.org", "b@example.org").send(make_message())
    assert outcome == GaveUp(f"127.0.0.1:{port} {reason}")


def test_those_who_have_it_do_not_get_it_again(make_message: MakeMessage) -> None:
    """A further try goes to the recipients that could not be served before."""
    mailbox = Mailbox({"a@example.org": BUSY})
    with mail_server(mailbox) as port:
        channel = _channel(port, "a@example.org", "b@example.org")
        arrived = frozenset({"b@example.org"})
        reason = f"127.0.0.1:{port} refuses a@example.org ({BUSY})"
        assert channel.send(make_message()) == RetryLater(reason, arrived=arrived)
        mailbox.answers.clear()
        assert channel.send(make_message(attempt=2, arrived=arrived)) == Sent()
        assert _channel(port, "b@example.org").send(make_message(attempt=2, arrived=arrived)) == Sent()
    assert mailbox.to == [["b@example.org"], ["a@example.org"]]
    assert {mail["To"] for mail in mailbox.mails} == {"a@example.org, b@example.org"}


def test_nobody_has_what_was_not_handed_over(make_message: MakeMessage) -> None:
    """Where the server breaks off amid the recipients, nobody has the mail, and all are told with the next try."""
    mailbox = Mailbox({"b@example.org": "421 too many"})
    people = [f"{name}@example.org" for name in "abc"]
    with mail_server(mailbox) as port:
        channel = _channel(port, *people)
        outcome = channel.send(make_message())
        assert isinstance(outcome, RetryLater)
        assert outcome.arrived == frozenset()
        mailbox.answers.clear()
        assert channel.send(make_message(attempt=2, arrived=outcome.arrived)) == Sent()
    assert mailbox.to == [people]


WRONG: dict[str, tuple[Serve, str]] = {
    "never answers": (silent, f": timed out after {QUICK_S:g}s"),
    "byte by byte": (dripping(b"220-hello\r\n"), f": timed out after {QUICK_S:g}s"),
    "resets": (resetting, " has broken the connection off"),
    "too busy": (saying(b"421 too busy\r\n"), " answered 421 too busy"),
    "refuses at once": (saying(b"554 go away\r\n"), " answered 554 go away"),
    "no SMTP at all": (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), " does not answer as a mail server does"),
}


@pytest.mark.parametrize(("serve", "reason"), WRONG.values(), ids=WRONG)
def test_a_server_in_trouble_is_tried_again(make_message: MakeMessage, serve: Serve, reason: str) -> None:
    """Whatever a server does, the try ends in time, and the reason says what it did."""
    with receiver(serve) as port:
        began = monotonic()
        assert _channel(port, timeout_s=QUICK_S).send(make_message()) == RetryLater(f"127.0.0.1:{port}{reason}")
        assert monotonic() - began < PATIENCE_S / 2


def test_a_reply_without_end(make_message: MakeMessage) -> None:
    """No more than the beginning of a reply is read into memory."""

    def serve(connection: socket.socket, ended: Event) -> None:
        while not ended.is_set():
            connection.sendall(b"220-" + b"x" * 900 + b"\r\n")

    with receiver(serve) as port:
        outcome = _channel(port).send(make_message())
    assert outcome == RetryLater(f"127.0.0.1:{port} gives a reply of more than 64 KiB")


@pytest.mark.parametrize("tls", ["always", "never"])
def test_a_handshake_byte_by_byte(make_message: MakeMessage, tls: str) -> None:
    """A TLS handshake that never ends is broken off too."""
    with receiver(dripping(b"\x16\x03\x03\x40\x00" + b"\x02" * 16000)) as port:
        outcome = _channel(port, tls=tls, timeout_s=QUICK_S).send(make_message())
    assert outcome == RetryLater(f"127.0.0.1:{port}: timed out after {QUICK_S:g}s")


def test_nothing_listens(make_message: MakeMessage) -> None:
    """A port without a server, and a host that there is not, are named."""
    port = closed_port()
    assert _channel(port).send(make_message()) == RetryLater(f"nothing listens at 127.0.0.1:{port}: connection refused")
    for host, reasons in (
        ("nowhere.invalid", ("there is no host nowhere.invalid: ", "the name nowhere.invalid can't be looked up")),
        ("a..b", ("`a..b` can't be the name of a host", "there is no host a..b")),
    ):
        outcome = EmailChannel(Server(host, 25, "never"), _letter("a@b.c", "a@b.c")).send(make_message())
        assert isinstance(outcome, RetryLater)
        assert outcome.reason.startswith(reasons)


def test_stopping_breaks_off(make_message: MakeMessage) -> None:
    """`stop` ends a try that is under way; one that begins later ends at once."""
    with receiver(silent) as port:
        assert_stopping_breaks_off(_channel(port, timeout_s=60), make_message(), port)


def test_what_cannot_work_is_said_at_once(tmp_path: Path) -> None:
    """A password that SMTP can't carry and authorities that can't be read are errors of the configuration."""
    letter = _letter("a@b.c", "a@b.c")
    with pytest.raises(ConfigError, match="characters beyond ASCII") as caught:
        EmailChannel(Server("localhost", 25, password="p\u00e4ss"), letter)  # noqa: S106 - a test's
    assert "ss" not in str(caught.value).replace("password", "")
    (tmp_path / "ca.pem").write_text("none")
    for name, reason in (("ca.pem", "holds no certificate"), ("none.pem", "can't be read: No such file")):
        with pytest.raises(ConfigError, match=reason):
            EmailChannel(Server("localhost", 25, ca=str(tmp_path / name)), letter)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@example.org", "a@example.org"),
        ("Ops <a@example.org>", "Ops <a@example.org>"),
        ('"Ops" <a@example.org>', "Ops <a@example.org>"),
        ("J\u00f6rg <j@example.org>", "J\u00f6rg <j@example.org>"),
        ("a", None),
        ("", None),
        ("@example.org", None),
        ("a@", None),
        ("a@example.org, b@example.org", None),
        ("Doe, John <j@example.org>", '"Doe, John" <j@example.org>'),
        ("a@example.org\r\nBcc: b@example.org", None),
        ("group: a@b.c;", None),
    ],
)
def test_an_address_is_one_address(text: str, address: str | None) -> None:
    """An address may have a name; several are none."""
    found = address_of(text)
    assert (found and str(found)) == address
