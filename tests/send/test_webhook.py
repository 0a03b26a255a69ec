"""Requests, to a real HTTP server and to what only looks like one."""

import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from email.utils import formatdate
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_listener import __version__
from rules_listener.base.clock import ManualClock
from rules_listener.base.errors import ConfigError
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.webhook import FORM, Request, Target, WebhookChannel, form_bytes, json_bytes
from rules_listener.send.wording import document
from tests.send.hook import Answer, Hook, hook_server
from tests.send.mailbox import server_context
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
PATH = "/s3cr3t-path?token=s3cr3t-query"
QUICK_S = 0.4
PATIENCE_S = 10.0


def _channel(
    port: int, request: Request | None = None, *, timeout_s: float = PATIENCE_S, **more: Any
) -> WebhookChannel:
    target = Target(**{"url": f"http://127.0.0.1:{port}{PATH}", **more})
    return WebhookChannel(target, request, timeout_s=timeout_s, clock=ManualClock())


def test_a_request_holds_the_alert(make_message: MakeMessage) -> None:
    """Without a body of its own a request is the documented object, under the delivery's id."""
    hook = Hook()
    with hook_server(hook) as port:
        assert _channel(port).send(make_message()) == Sent()
    (asked,) = hook.asked
    assert (asked.method, asked.path) == ("POST", PATH)
    assert json.loads(asked.body) == document(make_message())
    assert asked.headers.pop("host").startswith("127.0.0.1:")
    assert asked.headers == {
        "user-agent": f"rules-listener/{__version__}",
        "content-type": "application/json",
        "content-length": str(len(asked.body)),
        "accept-encoding": "identity",
        "idempotency-key": "id1",
    }


def test_every_try_is_the_same(make_message: MakeMessage) -> None:
    """A request that is sent again is the same, byte for byte; a connection is used again."""
    hook = Hook(Answer(503))
    with hook_server(hook) as port:
        channel = _channel(port)
        outcomes = [channel.send(make_message(attempt=attempt)) for attempt in (1, 2)]
    assert isinstance(outcomes[0], RetryLater)
    assert outcomes[1] == Sent()
    first, second = hook.asked
    assert first == second


def test_headers_form_and_signature(make_message: MakeMessage) -> None:
    """Headers are made for each message and replace ours; a form is a form; the signature is over the body as sent."""
    hook = Hook()
    request = Request(
        lambda message: form_bytes({"text": message.text, "id": message.id}),
        FORM,
        {"X-Rule": lambda message: message.rule, "user-agent": lambda _: "me", "X-Name": lambda _: "caf\u00e9 \u4e2d"},
        "k3y",
    )
    with hook_server(hook) as port:
        assert _channel(port, request, method="PUT").send(make_message(text="a&b=c d\u00e9")) == Sent()
    (asked,) = hook.asked
    assert asked.method == "PUT"
    assert parse_qs(asked.body.decode()) == {"text": ["a&b=c d\u00e9"], "id": ["id1"]}
    assert (asked.headers["x-rule"], asked.headers["user-agent"]) == ("crash_loop", "me")
    assert asked.headers["x-name"].encode("latin-1").decode() == "caf\u00e9 \u4e2d"
    signature = hmac.new(b"k3y", asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["x-hub-signature-256"] == f"sha256={signature}"


def test_user_and_password_of_a_url(make_message: MakeMessage) -> None:
    """User and password of the URL are a login, and no part of the request's URL."""
    hook = Hook()
    with hook_server(hook) as port:
        assert _channel(port, url=f"http://me:p%40ss@127.0.0.1:{port}/x").send(make_message()) == Sent()
    assert hook.asked[0].headers["authorization"] == "Basic bWU6cEBzcw=="
    assert hook.asked[0].path == "/x"


INJECTIONS = ("a\r\nX-Evil: 1", "a\n\nbody", "a\x00\x85\u2028b", '"}, {"x": "y', "{message} ${HOME} %s", "\udc80")


@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_gets_out_of_its_value(make_message: MakeMessage, text: str) -> None:
    """Whatever an event holds, it is the value of one header and of one key."""
    hook = Hook()
    event = {"event": "PROCESS_LOG_STDOUT", "time": 0.0, "processname": text, "data": text}
    request = Request(
        lambda message: json_bytes({"text": message.text, "all": document(message)}),
        headers={"X-Text": lambda message: message.text},
    )
    with hook_server(hook) as port:
        assert _channel(port, request).send(make_message(text=text, event=event)) == Sent()
    (asked,) = hook.asked
    assert "x-evil" not in asked.headers
    assert len(asked.headers) == 7
    sent = json.loads(asked.body)
    assert (list(sent), sent["text"]) == (["text", "all"], text.replace("\udc80", "\ufffd"))


@given(st.dictionaries(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=()))))
def test_any_text_can_be_encoded(values: dict[str, str]) -> None:
    """JSON and forms can hold any text."""
    assert len(json.loads(json_bytes(values))) <= len(values)
    assert "\n" not in form_bytes(values).decode()


BUSY, DATE = Answer(429, b"slow down", {"Retry-After": "2"}), ManualClock().time() + 30
ANSWERS: dict[str, tuple[Answer, Outcome]] = {
    "200": (Answer(), Sent()),
    "204": (Answer(204, b""), Sent()),
    "429": (BUSY, RetryLater("H answered 429 Too Many Requests: slow down", 2.0)),
    "503": (
        Answer(503, b"<html>", {"Retry-After": formatdate(DATE, usegmt=True)}),
        RetryLater("H answered 503 Service Unavailable", 30.0),
    ),
    "nonsense": (
        Answer(500, b"\n\n oops \nmore", {"Retry-After": "soon"}),
        RetryLater("H answered 500 Internal Server Error: oops"),
    ),
    "impossible": (
        Answer(503, b"", {"Retry-After": "Sat, 28 Nov 2026 02:00:00 +9999999999999999999"}),
        RetryLater("H answered 503 Service Unavailable"),
    ),
    "408": (Answer(408, b""), RetryLater("H answered 408 Request Timeout")),
    "400": (Answer(400, b"bad\x1b[31m\xff"), GaveUp("H answered 400 Bad Request: bad\\x1b[31m\ufffd")),
    "401": (Answer(401, b""), GaveUp("H answered 401 Unauthorized")),
    "404": (Answer(404, b"no such hook"), GaveUp("H answered 404 Not Found: no such hook")),
    "304": (Answer(304, b""), GaveUp("H answered 304 Not Modified")),
    "302": (
        Answer(302, b"", {"Location": "https://me:pw@example.org/s3cr3t"}),
        GaveUp(
            "H answered 302 Found, which redirects to https://example.org: "
            "configure that URL, or `follow_redirects: true`"
        ),
    ),
    "307": (
        Answer(307, b"", {"Location": "http://[/"}),
        GaveUp(
            "H answered 307 Temporary Redirect, which redirects to what is no URL: "
            "configure that URL, or `follow_redirects: true`"
        ),
    ),
}


@pytest.mark.parametrize(("answer", "outcome"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_means(make_message: MakeMessage, answer: Answer, outcome: Outcome) -> None:
    """What may heal is tried again, as late as the receiver asks for; what can't is given up."""
    with hook_server(Hook(answer)) as port:
        found = _channel(port).send(make_message())
    shown = found if isinstance(found, Sent) else type(found)(found.reason.replace(f"127.0.0.1:{port}", "H"))
    assert shown == (outcome if isinstance(outcome, Sent) else type(outcome)(outcome.reason))
    assert getattr(found, "after_s", None) == getattr(outcome, "after_s", None)


def test_redirects_are_followed_where_that_was_asked_for(make_message: MakeMessage) -> None:
    """Within the same host a redirect is followed with the same request, a few times."""
    hook = Hook(Answer(307, b"", {"Location": "/b"}), Answer(301, b"", {"Location": "c?d"}))
    with hook_server(hook) as port:
        assert _channel(port, follow_redirects=True).send(make_message()) == Sent()
        assert [asked.path for asked in hook.asked] == [PATH, "/b", "/c?d"]
        assert {(asked.method, asked.body, asked.headers["idempotency-key"]) for asked in hook.asked} == {
            ("POST", hook.asked[0].body, "id1")
        }
        hook.answers += [Answer(307, b"", {"Location": "/again"})] * 10
        assert isinstance(_channel(port, follow_redirects=True).send(make_message()), GaveUp)


def test_no_redirect_leads_to_another_host(make_message: MakeMessage) -> None:
    """What is sent may hold secrets: it goes to no host that was not configured, nor out of TLS."""
    other = Hook()
    with hook_server(other) as elsewhere:
        hook = Hook(Answer(307, b"", {"Location": f"http://localhost:{elsewhere}/"}))
        with hook_server(hook) as port:
            outcome = _channel(port, follow_redirects=True).send(make_message())
    assert isinstance(outcome, GaveUp)
    assert f"redirects to http://localhost:{elsewhere}: only redirects within the same host" in outcome.reason
    assert other.asked == []


def _client_context(certificates: Certificates) -> ssl.SSLContext:
    context = server_context(certificates.server)
    context.load_verify_locations(certificates.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_client_certificate(certificates: Certificates, make_message: MakeMessage) -> None:
    """A receiver may ask for a certificate; without one there is no connection."""
    hook = Hook()
    with hook_server(hook, _client_context(certificates)) as port:
        url = f"https://127.0.0.1:{port}/"
        assert (
            _channel(port, url=url, ca=certificates.ca, certificate=certificates.client).send(make_message()) == Sent()
        )
        assert isinstance(_channel(port, url=url, ca=certificates.ca).send(make_message()), RetryLater)
    assert [asked.client for asked in hook.asked] == ["client.example"]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_certificate_has_to_be_right(certificates: Certificates, make_message: MakeMessage) -> None:
    """A certificate of a stranger, or for another name, is refused, unless that was asked for."""
    hook = Hook()
    with hook_server(hook, server_context(certificates.elsewhere)) as port:
        url = f"https://127.0.0.1:{port}/"
        start = f"the certificate of 127.0.0.1:{port} is not accepted: "
        for ca, reason in (
            (None, "unable to get local issuer certificate"),
            (certificates.ca, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ):
            assert _channel(port, url=url, ca=ca).send(make_message()) == RetryLater(start + reason)
        assert hook.asked == []
        assert _channel(port, url=url, verify=False).send(make_message()) == Sent()


HEAD = b"HTTP/1.1 200 OK\r\n"
WRONG: dict[str, tuple[str, Serve, str]] = {
    "never answers": ("http", silent, "H: timed out after 0.4s"),
    "never answers TLS": ("https", silent, "H: timed out after 0.4s"),
    "byte by byte": ("http", dripping(b"HTTP/1.1 2"), "H: timed out after 0.4s"),
    "a handshake byte by byte": (
        "https",
        dripping(b"\x16\x03\x03\x40\x00" + b"\x02" * 16000),
        "H: timed out after 0.4s",
    ),
    "resets": ("http", resetting, "H has broken the connection off"),
    "no TLS": ("https", saying(b"hello\r\n"), "no TLS connection with H: what answers there does not speak TLS"),
    "no HTTP": ("http", saying(b"220 mail.example.org ESMTP\r\n"), "H does not answer as HTTP has it"),
}


@pytest.mark.parametrize(("scheme", "serve", "reason"), WRONG.values(), ids=WRONG)
def test_a_receiver_in_trouble_is_tried_again(
    make_message: MakeMessage, scheme: str, serve: Serve, reason: str
) -> None:
    """Whatever a receiver does, the try ends in time, and the reason says what it did."""
    with receiver(serve) as port:
        began = monotonic()
        outcome = _channel(port, url=f"{scheme}://127.0.0.1:{port}{PATH}", timeout_s=QUICK_S).send(make_message())
        assert monotonic() - began < PATIENCE_S / 2
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.replace(f"127.0.0.1:{port}", "H") == reason


def test_a_body_byte_by_byte_was_sent_all_the_same(make_message: MakeMessage) -> None:
    """Once the status is there, the message has arrived, whatever follows."""
    for head in (HEAD, HEAD + b"Content-Length: 100000\r\n\r\n"):
        with receiver(_dripping_after(head)) as port:
            assert _channel(port, timeout_s=QUICK_S).send(make_message()) == Sent()


def _dripping_after(head: bytes) -> Serve:
    """Answer `head` at once, then byte by byte."""
    drip = dripping(b"x")

    def serve(connection: Any, ended: Any) -> None:
        connection.sendall(head)
        drip(connection, ended)

    return serve


def test_nobody_is_there(make_message: MakeMessage) -> None:
    """A port without a server, and a host that there is not, are named."""
    port = closed_port()
    assert _channel(port).send(make_message()) == RetryLater(f"nothing listens at 127.0.0.1:{port}: connection refused")
    outcome = _channel(port, url="http://nowhere.invalid/s3cr3t").send(make_message())
    assert isinstance(outcome, RetryLater)
    assert outcome.reason.startswith(
        ("there is no host nowhere.invalid: ", "the name nowhere.invalid can't be looked up")
    )


def test_a_connection_that_was_kept_is_watched_too(make_message: MakeMessage) -> None:
    """A receiver that answers once and then hangs on the same connection is noticed in time."""

    def serve(connection: Any, ended: Any) -> None:
        connection.recv(65536)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")
        ended.wait()

    with receiver(serve) as port:
        channel = _channel(port, timeout_s=QUICK_S)
        assert channel.send(make_message()) == Sent()
        assert channel.send(make_message()) == RetryLater(f"127.0.0.1:{port}: timed out after 0.4s")


def test_stopping_breaks_off(make_message: MakeMessage) -> None:
    """`stop` ends a try that is under way; one that begins later ends at once."""
    with receiver(silent) as port:
        assert_stopping_breaks_off(_channel(port, timeout_s=60), make_message(), port)


def test_certificates_that_cannot_be_read(certificates: Certificates) -> None:
    """A certificate that is no certificate is an error that names its file."""
    with pytest.raises(ConfigError, match=r"ca\.pem can't be used: it holds no certificate or key"):
        _channel(1, certificate=certificates.ca)


def test_nothing_of_a_url_is_shown() -> None:
    """What may be printed by accident has neither URL nor key."""
    assert "s3cr3t" not in repr(Target(f"https://a:s3cr3t@h{PATH}")) + repr(Request(secret="s3cr3t"))  # noqa: S106 - a test's
