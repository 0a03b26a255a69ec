"""The channel of the kind `webhook`: one HTTP request for each message.

1. Templates stand in values only. What comes out of an event is encoded as JSON or as a form, or it is the value of a
   header without line ends and control characters; it is never a part of the URL.
2. A request is the same at every try, `Idempotency-Key` included, which is the delivery's id.
3. 2xx is sent. 408, 425, 429, 5xx and a network in trouble are tried again, not before `Retry-After`; anything else is
   given up, since it would be answered likewise.
4. A redirect is not followed unless that was asked for, and then to the same host only, never to less protection: the
   request may hold secrets.
5. Reasons name the host, never path, query, user or password of the URL.
"""

import errno
import hashlib
import hmac
import math
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, unquote, urlencode, urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, InsecureRequestWarning, LocationParseError

from rules_listener import __version__
from rules_listener.base.clock import Clock, SystemClock
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.line import one_line, plain_line, utf8
from rules_listener.send.network import Attempt, Attempts, read_certificates, tls_context, trouble
from rules_listener.send.wording import document, json_text

Text = Callable[[Message], str]
Body = Callable[[Message], bytes]

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
SIGNATURE_HEADER = "X-Hub-Signature-256"
CONNECT_TIMEOUT_S = 5.0
MOST_REDIRECTS = 5

_READ_BYTES = 65_536
_REDIRECTS = {301, 302, 307, 308}
_WORTH_ANOTHER_TRY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_OK, _REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 200, 300, 400, 500
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `ca`, `certificate` and `key` are files; the key may stand beside the certificate."""

    url: str = field(repr=False)
    method: str = "POST"
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True
    follow_redirects: bool = False
    connect_timeout_s: float = CONNECT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Request:
    """What is made of a message. `secret` is the key of a signature (HMAC with SHA-256) of the body; empty: none."""

    body: Body = lambda message: json_bytes(document(message))
    content_type: str = JSON
    headers: Mapping[str, Text] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    signature_header: str = SIGNATURE_HEADER


def json_bytes(value: object) -> bytes:
    """`value` as JSON in UTF-8."""
    return json_text(value).encode()


def form_bytes(values: Mapping[str, str]) -> bytes:
    """`values` as a form."""
    return urlencode({utf8(name): utf8(value) for name, value in values.items()}).encode()


class WebhookChannel:
    """Sends requests to `target`; a try takes at most `timeout_s`."""

    places = 4

    def __init__(
        self, target: Target, request: Request | None = None, *, timeout_s: float = 10, clock: Clock | None = None
    ) -> None:
        """Prepare to send.

        Raises:
            ConfigError: certificates can't be read.
        """
        url = urlsplit(target.url)
        self._target = target
        self._request = request or Request()
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._attempts = Attempts()
        self._url = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
        self._login = f"{unquote(url.username or '')}:{unquote(url.password or '')}" if "@" in url.netloc else ""
        self._manager = _manager(target, self.places)

    def send(self, message: Message) -> Outcome:
        """Send one request."""
        content = self._request.body(message)
        return self.post(content, self._headers(message, content))

    def post(self, content: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send one request with this body; `headers` come before those that every request has."""
        headers = self._all_headers(headers)
        with self._attempts.begin(self._timeout_s) as attempt, _attempting(attempt):
            try:
                return self._outcome(*self._ask_and_follow(content, headers, attempt))
            except (OSError, UnicodeError, HTTPError, HTTPException) as error:
                return RetryLater(_reason(error, urlsplit(self._url), attempt))

    def stop(self) -> None:
        """Break off what is under way."""
        self._attempts.stop()

    def _headers(self, message: Message, content: bytes) -> dict[str, str]:
        request = self._request
        headers = {"Content-Type": request.content_type, "Idempotency-Key": message.id}
        if request.secret:
            signature = hmac.new(request.secret.encode(), content, hashlib.sha256).hexdigest()
            headers[request.signature_header] = f"sha256={signature}"
        return _replaced(headers, {name: text(message) for name, text in request.headers.items()})

    def _all_headers(self, given: Mapping[str, str]) -> dict[str, str]:
        headers = {"User-Agent": f"rules-listener/{__version__}", "Accept-Encoding": "identity"}
        if self._login:
            headers["Authorization"] = f"Basic {b64encode(self._login.encode()).decode()}"
        headers = _replaced(headers, given)
        # The bytes of UTF-8, as what HTTP takes a header's bytes for.
        return {name: plain_line(value).encode().decode("latin-1") for name, value in headers.items()}

    def _ask_and_follow(self, content: bytes, headers: Mapping[str, str], attempt: Attempt) -> tuple["_Answer", str]:
        """The last answer, and the URL that gave it."""
        url = self._url
        answer = self._ask(url, content, headers, attempt)
        for _ in range(MOST_REDIRECTS * self._target.follow_redirects):
            if not _may_follow(url, answer):
                break
            url = urljoin(url, answer.location)
            answer = self._ask(url, content, headers, attempt)
        return answer, url

    def _ask(self, url: str, content: bytes, headers: Mapping[str, str], attempt: Attempt) -> "_Answer":
        connect_s = min(self._target.connect_timeout_s, attempt.left_s)
        response = self._manager.urlopen(
            self._target.method,
            url,
            body=content,
            headers=headers,
            timeout=urllib3.Timeout(connect=connect_s, read=attempt.left_s),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        said = b""
        with suppress(OSError, HTTPError, HTTPException):
            said = response.read(_READ_BYTES)
        if len(said) < _READ_BYTES and not attempt.over:
            response.release_conn()
        else:
            response.close()
        return _Answer(
            response.status,
            response.reason or "",
            said,
            response.headers.get("Location", ""),
            response.headers.get("Retry-After", ""),
        )

    def _outcome(self, answer: "_Answer", url: str) -> Outcome:
        status = answer.status
        if _OK <= status < _REDIRECT:
            return Sent()
        reason = f"{_host(urlsplit(url))} answered {answer.words}"
        if status in _WORTH_ANOTHER_TRY or not _OK <= status < _SERVER_ERROR:
            return RetryLater(reason, _seconds(answer.retry_after, self._clock.time()))
        if _REDIRECT <= status < _CLIENT_ERROR and answer.location:
            reason += f", which redirects to {_place(url, answer.location)}: {self._advice}"
        return GaveUp(reason)

    @property
    def _advice(self) -> str:
        if self._target.follow_redirects:
            return "only redirects within the same host are followed, so configure that URL"
        return "configure that URL, or `follow_redirects: true`"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a receiver has answered; `location` and `retry_after` are empty where it did not say them."""

    status: int
    phrase: str
    said: bytes
    location: str
    retry_after: str

    @property
    def words(self) -> str:
        """Status and text in one line; a page for people is left out."""
        lines = self.said.decode("utf-8", "replace").split("\n")
        first = next((line.strip() for line in lines if line.strip()), "")
        parts = [f"{self.status} {self.phrase}".strip(), "" if first.startswith("<") else first]
        return one_line(": ".join(part for part in parts if part))


# connections: those of the attempt that this thread makes

_here = threading.local()


@contextmanager
def _attempting(attempt: Attempt) -> Iterator[None]:
    _here.attempt = attempt
    try:
        yield
    finally:
        del _here.attempt


class _HttpConnection(HTTPConnection):
    """HTTP over connections of an attempt; one that was kept is watched by each attempt that uses it."""

    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request."""
        with _watching(self):
            super().request(*arguments, **options)


class _HttpsConnection(_HttpConnection, HTTPSConnection):
    """The same with TLS."""


def _connect(connection: HTTPConnection) -> socket.socket:
    attempt: Attempt = _here.attempt
    longest_s = connection.timeout if isinstance(connection.timeout, int | float) else math.inf
    made = attempt.connect(connection.host.strip("[]"), connection.port, longest_s)
    with suppress(OSError):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


@contextmanager
def _watching(connection: HTTPConnection) -> Iterator[None]:
    if connection.sock is not None:
        _here.attempt.watch(connection.sock)
    try:
        yield
    except (BrokenPipeError, ConnectionResetError) as error:
        # urllib3 would go on, to read an answer that came early; but there was no connection.
        if connection.sock is None:
            raise ConnectionAbortedError(errno.ECONNABORTED, error.strerror) from error
        raise


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def _manager(target: Target, places: int) -> urllib3.PoolManager:
    context = tls_context(target.ca, verify=target.verify)
    if target.certificate is not None:
        certificate, key = target.certificate, target.key
        # Without a password OpenSSL would ask for one at the terminal.
        read_certificates(lambda: context.load_cert_chain(certificate, key, password=""), certificate)
    if not target.verify:
        urllib3.disable_warnings(InsecureRequestWarning)
    manager = urllib3.PoolManager(maxsize=places, ssl_context=context)
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return manager


# words


def _reason(error: Exception, url: SplitResult, attempt: Attempt) -> str:
    if attempt.over:
        return f"{_host(url)}: {attempt.over}"
    cause, port = _cause(error), url.port or _PORTS[url.scheme]
    if isinstance(cause, HTTPException | LocationParseError) and not isinstance(cause, OSError):
        return f"{url.hostname}:{port} does not answer as HTTP has it"
    return trouble(cause, url.hostname or "", port)


def _cause(error: BaseException) -> Exception:
    """What lies below the exceptions of urllib3."""
    for inner in (*error.args, error.__cause__, error.__context__):
        if isinstance(inner, Exception) and isinstance(error, HTTPError):
            return _cause(inner)
    return error if isinstance(error, Exception) else OSError()


def _replaced(headers: Mapping[str, str], by: Mapping[str, str]) -> dict[str, str]:
    """Headers, with those of `by` in place of those that have their names."""
    names = {name.lower() for name in by}
    return {name: value for name, value in headers.items() if name.lower() not in names} | dict(by)


def _may_follow(url: str, answer: _Answer) -> bool:
    if answer.status not in _REDIRECTS or not answer.location:
        return False
    with suppress(ValueError):
        old, new = urlsplit(url), urlsplit(urljoin(url, answer.location))
        return new.hostname == old.hostname and new.scheme in {"https", old.scheme}
    return False


def _place(url: str, location: str) -> str:
    """Where a redirect leads, without its path."""
    with suppress(ValueError):
        parts = urlsplit(urljoin(url, location))
        return one_line(f"{parts.scheme}://{_host(parts)}")
    return "what is no URL"


def _host(url: SplitResult) -> str:
    return url.netloc.rpartition("@")[2]


def _seconds(retry_after: str, now: float) -> float | None:
    """How long `Retry-After` says, in seconds: it is a number of them or a date."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
    return None
