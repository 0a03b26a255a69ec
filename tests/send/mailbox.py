"""A mail server on 127.0.0.1, and what has arrived there."""

import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.send.receivers import closed_port

USER = "ops"
PASSWORD = "s3cr3t-pass"  # noqa: S105 - a test's


class Mailbox:
    """What aiosmtpd calls; `answers` are by address, and for `DATA`."""

    def __init__(self, answers: dict[str, str] | None = None) -> None:
        self.answers = answers or {}
        self.mails: list[EmailMessage] = []
        self.to: list[list[str]] = []
        self.over_tls: list[bool] = []
        self.users: list[object] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and arguments
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take an address or not."""
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail or not."""
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.to.append(envelope.rcpt_tos)
        self.over_tls.append(session.ssl is not None)
        self.users.append(session.auth_data)
        return self.answers.get("DATA", "250 OK")


@contextmanager
def mail_server(mailbox: Mailbox, port: int = 0, **options: Any) -> Iterator[int]:
    """A mail server on 127.0.0.1, at any port if none is given; its port."""
    port = port or closed_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def server_context(path: str) -> ssl.SSLContext:
    """TLS with the certificate and key at `path`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, login: object) -> AuthResult:
    """Let the one user in."""
    assert isinstance(login, LoginPassword)
    return AuthResult(
        success=login == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False, auth_data=login.login
    )
