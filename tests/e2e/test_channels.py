"""Alerts on their way out, from a real supervisord to real receivers."""

from tests.e2e.supervised import Supervised
from tests.send.mailbox import PASSWORD, USER, Mailbox, authenticate, mail_server, server_context
from tests.send.receivers import Certificates


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
