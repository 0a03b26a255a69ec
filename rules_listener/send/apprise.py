"""The channel of the kind `apprise`: chats, SMS and push services, by the library of that name.

1. The library is imported when a channel of the kind is built. It need not be there: it is the extra `apprise`.
2. Each service is told in a thread of its own, which is left alone when the time is over: the library can't be broken
   off. While too many of them hang, nothing new is begun.
3. The library says yes or no, and why in its log only: what it logs is the reason, and goes nowhere else. What an error
   of the network was it logs for developers only; the end of that is taken over. A failure is always tried again.
   Services that have got a message do not get it again.
4. Of an answer no more than a MB is read, as its status is what counts: the library would read all of it into memory.
5. What is longer than a service takes is cut, unless its URL says `overflow=`: it would be refused for ever.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from threading import Event, Lock, Thread
from types import ModuleType
from typing import Any

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.base.errors import ConfigError
from rules_listener.outbox.channel import Message, Outcome, RetryLater, Sent
from rules_listener.send.arrived import names_of
from rules_listener.send.line import lines, one_line, plain_line
from rules_listener.send.wording import title

Text = Callable[[Message], str]

MOST_HANGING = 8
MOST_ANSWER_BYTES = 1_000_000

_STEP_S = 0.05
_EXCEPTION = "Socket Exception: "
_CAUSE = re.compile(r"\[[^\[\]]+\] (?P<system>[^()'\"]+)|'(?P<words>[^'\"]+)'\)|\): (?P<last>[^()'\":]+)")
"""In the text of an exception: `[Errno 111] Connection refused`, `'Connection aborted')`, `(…): Read timed out.`."""
_URL = re.compile("://.*", re.DOTALL)
_CODES = re.compile(r"^\[[^\[\]]+\] | \(_ssl[^()]*\)$")
_TYPES = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}
_log: ContextVar[list[str] | None] = ContextVar("log", default=None)


class Service:
    """What is behind one of apprise's URLs.

    Raises:
        ConfigError: apprise is not there, or can't make anything of the URL. The text may hold its parts.
    """

    def __init__(self, url: str) -> None:
        apprise = _library()
        self.name = plain_line(url.partition("://")[0])
        asset = apprise.AppriseAsset(async_mode=False, service_timeout=0)
        self._apprise = apprise.Apprise(asset=asset)
        with _logged() as log:
            usable = self._apprise.add(url)
        if not usable:
            # Its own way to mask URLs leaves parts of them.
            raise ConfigError(f"apprise can't use this URL: {_joined([_URL.sub('://…', line) for line in log])}")
        if "overflow=" not in url:
            for service in self._apprise:
                service.overflow_mode = apprise.OverflowMode.TRUNCATE

    def notify(self, message: Message, text: str, heading: str) -> str:
        """Tell the service; the reason if that fails, else nothing."""
        kind = "success" if message.phase == "recovery" else _TYPES.get(message.severity, "info")
        with _logged() as log:
            done = self._apprise.notify(body=text, title=heading, notify_type=kind, body_format="text")
        return "" if done else f"{self.name}: {_joined(log)}"


class AppriseChannel:
    """Tells each of some services; a try takes at most `timeout_s`.

    Raises:
        ConfigError: apprise is not there, or can't make anything of a URL.
    """

    places = 2

    def __init__(
        self,
        urls: Sequence[str],
        *,
        heading: Text = title,
        text: Text = lambda message: message.text,
        timeout_s: float = 30,
        clock: Clock | None = None,
    ) -> None:
        self._services = dict(zip(names_of(urls), map(Service, urls), strict=True))
        self._heading = heading
        self._text = text
        self._timeout_s = timeout_s
        self._clock = clock or SystemClock()
        self._stopping = Event()
        self._lock = Lock()
        self._hanging: set[Thread] = set()

    def send(self, message: Message) -> Outcome:
        """Tell all services that have not got the message."""
        text, heading = lines(self._text(message)), plain_line(self._heading(message))
        deadline = self._clock.monotonic() + self._timeout_s
        reasons = {}
        for name, service in self._services.items():
            if name in message.arrived:
                continue
            notify = partial(service.notify, message, text, heading)
            if reason := self._call(notify, service.name, deadline):
                reasons[name] = reason
        arrived = frozenset(self._services.keys() - reasons.keys())
        return RetryLater("; ".join(reasons.values()), arrived=arrived) if reasons else Sent()

    def stop(self) -> None:
        """Wait for nobody any more."""
        self._stopping.set()

    def _call(self, notify: Callable[[], str], name: str, deadline: float) -> str:
        """What `notify` returns, or that it took too long."""
        said: list[str] = []

        def work() -> None:
            try:
                said.append(notify())
            except Exception as error:  # noqa: BLE001 - a plugin's defect; its text may hold anything
                said.append(f"{name}: {type(error).__name__} in the library")
            finally:
                with self._lock:
                    self._hanging.discard(thread)

        thread = Thread(target=work, name=f"apprise {name}", daemon=True)
        with self._lock:
            if len(self._hanging) >= MOST_HANGING:
                return f"{name}: {MOST_HANGING} earlier tries have not come to an end yet"
            self._hanging.add(thread)
        thread.start()
        while thread.is_alive():
            left = deadline - self._clock.monotonic()
            if self._stopping.is_set() or left <= 0:
                break
            thread.join(min(left, _STEP_S))
        if said:
            return said[0]
        return f"{name}: {'the courier is ending' if self._stopping.is_set() else self._timed_out}"

    @property
    def _timed_out(self) -> str:
        return f"timed out after {self._timeout_s:g}s"


def _library() -> ModuleType:
    try:
        import apprise  # noqa: PLC0415 - half a second and 40 MB, for those who use it
    except ImportError as error:
        raise ConfigError(
            "channels of the kind `apprise` need the library: pip install 'rules-listener[apprise]'"
        ) from error
    _bound_answers()
    logger = logging.getLogger(apprise.LOGGER_NAME)
    if not any(isinstance(handler, _Log) for handler in logger.handlers):
        logger.addHandler(_Log())
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    return apprise


def _bound_answers() -> None:
    """Have long answers end early: the library reads them whole, by `requests`, which nobody else uses here."""
    from requests import adapters, sessions  # noqa: PLC0415 - it is the library's

    class Adapter(adapters.HTTPAdapter):
        def send(self, *arguments: Any, **options: Any) -> Any:
            response = super().send(*arguments, **options)
            response.raw.stream = partial(_beginning, response.raw.stream, response.raw.close)
            return response

    vars(sessions)["HTTPAdapter"] = Adapter


def _beginning(
    read: Callable[..., Iterator[bytes]], close: Callable[[], None], *how: Any, **ever: Any
) -> Iterator[bytes]:
    left = MOST_ANSWER_BYTES
    for part in read(*how, **ever):
        yield part
        left -= len(part)
        if left <= 0:
            close()
            return


class _Log(logging.Handler):
    """Keeps warnings, and the causes of exceptions, where `_logged` is under way; all else is dropped."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, or the cause."""
        log = _log.get()
        if log is None:
            return
        if record.levelno >= logging.WARNING:
            log.append(record.getMessage())
        elif str(record.msg).startswith(_EXCEPTION):
            log += _cause(record.getMessage())


def _cause(exception: str) -> list[str]:
    """The last cause that an exception names, if it is one for people."""
    found = [found[found.lastgroup or 0] for found in _CAUSE.finditer(exception)]
    return [_CODES.sub("", cause) for cause in found[-1:]]


@contextmanager
def _logged() -> Iterator[list[str]]:
    log: list[str] = []
    token = _log.set(log)
    try:
        yield log
    finally:
        _log.reset(token)


def _joined(log: list[str]) -> str:
    return one_line("; ".join(line.strip(" .") for line in dict.fromkeys(log))) or "it gives no reason"
