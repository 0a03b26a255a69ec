"""The channel of the kind `email`: one mail by SMTP for each message, to all recipients at once.

1. Nothing of an event ends a header: line ends and control characters are left out of all of them.
2. `Message-ID` comes from the delivery's id, so it is the same at every try; the mails of an alert that stays open are
   one conversation.
3. A password goes over TLS only, and TLS knows whom it talks to. To this host itself mail may go without.
4. A server that is not there, has a wrong certificate, refuses the login or has a problem of its own (4yz) is tried
   again; a sender, recipient or mail that it refuses for good (5yz) is given up. Recipients that have got a mail do not
   get it again.
"""

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.base.errors import ConfigError
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.line import lines, one_line, plain_line
from rules_listener.send.network import Attempt, Attempts, tls_context, trouble
from rules_listener.send.wording import body, subject

Text = Callable[[Message], str]

_WORD = r"[^\s<>()\[\],;:\\\"@]+"
_ADDRESS = re.compile(
    rf"(?P<name>[^<>]*)<(?P<user>{_WORD})@(?P<domain>{_WORD})>|(?P<bare_user>{_WORD})@(?P<bare_domain>{_WORD})"
)
_POLICY = SMTP.clone(cte_type="7bit")
_PERMANENT = 500
MOST_REPLY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over.

    `tls` is `always` (from the first byte), `starttls` or `never`; `ca` a file with further authorities.
    """

    host: str
    port: int
    tls: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str | None = None
    verify: bool = True

    @property
    def where(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Letter:
    """Who writes to whom; subject and text are made for each message."""

    sender: Address
    recipients: Sequence[Address]
    subject: Text = subject
    body: Text = body


def address_of(text: str) -> Address | None:
    """The address in `a@example.org` or `Name <a@example.org>`; None if it is none, or several."""
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or not text.isprintable():
        return None
    name = (found["name"] or "").strip().strip('"')
    return Address(name, found["user"] or found["bare_user"], found["domain"] or found["bare_domain"])


class EmailChannel:
    """Sends letters by `server`; a try takes at most `timeout_s`."""

    places = 2

    def __init__(self, server: Server, letter: Letter, *, timeout_s: float = 30, clock: Clock | None = None) -> None:
        """Prepare to send.

        Raises:
            ConfigError: the authorities can't be read, or the password can't be sent.
        """
        if not (server.user + server.password).isascii():
            raise ConfigError("user or password of the mail server have characters beyond ASCII, which can't be sent")
        self._server = server
        self._where = server.where
        self._context = tls_context(server.ca, verify=server.verify)
        self._letter = letter
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._attempts = Attempts()

    def send(self, message: Message) -> Outcome:
        """Send one mail."""
        mail = self._mail(message)
        recipients = dict.fromkeys(address.addr_spec for address in self._letter.recipients)
        left = [address for address in recipients if address not in message.arrived]
        if not left:
            return Sent()
        with self._attempts.begin(self._timeout_s) as attempt:
            try:
                refused = self._hand_over(mail, left, attempt)
            except _Refused as refusal:
                return refusal.outcome
            except smtplib.SMTPRecipientsRefused as error:
                return self._outcome(error.recipients, message.arrived)
            except (OSError, EOFError, UnicodeError, smtplib.SMTPException) as error:
                return self._failed(error, attempt)
        return self._outcome(refused, frozenset(recipients.keys() - refused.keys()))

    def stop(self) -> None:
        """Break off what is under way."""
        self._attempts.stop()

    # the mail

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = self._letter.sender
        mail["To"] = list(self._letter.recipients)
        mail["Subject"] = plain_line(self._letter.subject(message))
        mail["Date"] = formatdate(self._clock.time(), localtime=True)
        mail["Message-ID"] = self._reference(message.id)
        if message.incident is not None:
            mail["References"] = mail["In-Reply-To"] = self._reference(message.incident)
        mail["Auto-Submitted"] = "auto-generated"
        if message.severity == "critical" and message.phase != "recovery":
            mail["Importance"] = "high"
        mail.set_content(lines(self._letter.body(message)))
        return mail

    def _reference(self, identifier: str) -> str:
        return f"<{plain_line(identifier)}@{self._letter.sender.domain}>"

    # the server

    def _hand_over(self, mail: EmailMessage, recipients: list[str], attempt: Attempt) -> dict[str, tuple[int, bytes]]:
        """Send the mail; those that were refused, with the server's words."""
        smtp = _Smtp(self._server, attempt, self._context)
        try:
            if self._server.tls == "starttls":
                self._start_tls(smtp)
            if self._server.user:
                self._log_in(smtp)
            refused = smtp.send_message(mail, to_addrs=recipients)
            with suppress(OSError, smtplib.SMTPException, _Refused):
                smtp.quit()
        finally:
            smtp.close()
        return refused

    def _start_tls(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        if not smtp.has_extn("starttls"):
            advice = "use smtps://, or `starttls: never` where the network can be trusted"
            raise _Refused(RetryLater(f"{self._where} offers no STARTTLS: {advice}"))
        smtp.starttls(context=self._context)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.login(self._server.user, self._server.password)
        except smtplib.SMTPNotSupportedError:
            raise _Refused(RetryLater(f"{self._where} offers no login: leave user and password out")) from None
        except smtplib.SMTPAuthenticationError as error:
            reason = f"{self._where} refuses user or password: {_words(error.smtp_code, error.smtp_error)}"
            raise _Refused(RetryLater(reason)) from None

    # what became of it

    def _outcome(self, refused: dict[str, tuple[int, bytes]], arrived: frozenset[str]) -> Outcome:
        if not refused:
            return Sent()
        said = ", ".join(f"{address} ({_words(*words)})" for address, words in refused.items())
        reason = f"{self._where} refuses {said}"
        if any(code < _PERMANENT for code, _ in refused.values()):
            return RetryLater(reason, arrived=arrived)
        return GaveUp(f"{reason}; the others have got it" if arrived else reason)

    def _failed(self, error: Exception, attempt: Attempt) -> Outcome:
        if attempt.over:
            return RetryLater(f"{self._where}: {attempt.over}")
        match error:
            case smtplib.SMTPResponseException(smtp_code=code, smtp_error=words):
                if code < 0:
                    return RetryLater(f"{self._where} does not answer as a mail server does")
                reason = f"{self._where} answered {_words(code, words)}"
                of_mail = isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError)
                return GaveUp(reason) if of_mail and code >= _PERMANENT else RetryLater(reason)
            case smtplib.SMTPServerDisconnected():
                return RetryLater(f"{self._where} has broken the connection off")
            case smtplib.SMTPNotSupportedError():
                return GaveUp(f"{self._where} takes no address with characters beyond ASCII")
            case smtplib.SMTPException():
                return RetryLater(f"{self._where} does not speak SMTP: {one_line(str(error))}")
        return RetryLater(trouble(error, self._server.host, self._server.port))


class _Refused(Exception):  # noqa: N818 - it carries an outcome
    """The server can't be used; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class _Smtp(smtplib.SMTP):
    """SMTP over a connection of the attempt's. The name of this host is not looked up."""

    def __init__(self, server: Server, attempt: Attempt, context: ssl.SSLContext) -> None:
        self._attempt = attempt
        self._where = server.where
        self._tls = context if server.tls == "always" else None
        super().__init__(server.host, server.port, local_hostname=socket.gethostname(), timeout=attempt.left_s)

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        connection = self._attempt.connect(host, port)
        return connection if self._tls is None else self._tls.wrap_socket(connection, server_hostname=host)

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply; a long one is no reply."""
        if self.file is None and self.sock is not None:
            self.file = _Replies(self.sock, self._where)
        if self.file is not None:
            self.file.left = MOST_REPLY_BYTES
        try:
            return super().getreply()
        except _Refused:
            self.close()
            raise


class _Replies:
    """What the server says, up to `left` bytes."""

    def __init__(self, connection: socket.socket, where: str) -> None:
        self._file = connection.makefile("rb")
        self._where = where
        self.close = self._file.close
        self.left = 0

    def readline(self, most: int) -> bytes:
        line = self._file.readline(most)
        self.left -= len(line)
        if self.left < 0:
            raise _Refused(RetryLater(f"{self._where} gives a reply of more than {MOST_REPLY_BYTES // 1024} KiB"))
        return line


def _words(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return one_line(f"{code} {text}".replace("\n", " "))
