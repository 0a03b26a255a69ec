"""A channel that is built when it is first needed, and whose reasons hold no secret.

1. It is built in a thread of its own crew: what one channel imports or reads holds up no other. What can't be built is
   built again at the next try, and its alerts wait.
2. Whatever a receiver or a library says, a secret in it is replaced by `***` before anyone sees it; then it is cut.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from threading import Lock
from urllib.parse import unquote

from rules_listener.base.errors import ConfigError
from rules_listener.outbox.channel import Channel, GaveUp, Message, Outcome, Refreshing, RetryLater, Sent
from rules_listener.send.digest import Batch, digest_of

REASON_CHARACTERS = 500
HIDDEN = "***"
_SHORTEST = 6
_DELIMITERS = re.compile(r"[/?&=#:@]")
_NAMES = re.compile(r"([?&])[\w.-]+=")
_PLACE = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+|\[[0-9a-fA-F:.]+\])(:\d+)?")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


class GuardedChannel:
    """The channel that `build` makes of what `resolve` finds: the secrets of its configuration.

    `refresh_s` is how often it is told again of what is open, and `batch` how its messages are gathered: both are known
    before it is built.

    Both may raise `ConfigError`, whose text is the reason for which messages wait. `others` finds what its reasons may
    hold besides: the secrets of other channels, which a program that it starts has in its environment.
    """

    def __init__(
        self,
        resolve: Callable[[], Sequence[str]],
        build: Callable[[Sequence[str]], Channel],
        *,
        refresh_s: float | None = None,
        batch: Batch | None = None,
        others: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.places = 1
        self.refresh_s = refresh_s
        self.gather_s = None if batch is None else batch.every_s
        self._batch = batch or Batch(0)
        self._resolve = resolve
        self._build = build
        self._others = others
        self._lock = Lock()
        self._secrets: Sequence[str] = ()
        self._channel: Channel | None = None
        self._stopped = False

    def send(self, message: Message) -> Outcome:
        """Send `message` through the channel, which is built if it is not yet there."""
        return self._through(lambda channel: channel.send(message))

    def send_digest(self, messages: Sequence[Message]) -> Outcome:
        """Send messages as one, as `batch` has it."""
        return self.send(digest_of(messages, self._batch))

    def refresh(self, messages: Sequence[Message]) -> Outcome:
        """Say once more what is open, where the channel wants that."""
        return self._through(lambda channel: channel.refresh(messages) if isinstance(channel, Refreshing) else Sent())

    def _through(self, act: Callable[[Channel], Outcome]) -> Outcome:
        try:
            channel = self._built()
        except ConfigError as error:
            return RetryLater(self._shown(str(error)))
        if channel is None:
            return RetryLater("the courier is ending")
        match act(channel):
            case RetryLater() | GaveUp() as outcome:
                return replace(outcome, reason=self._shown(outcome.reason))
        return Sent()

    def stop(self) -> None:
        """Stop the channel; it is not built any more."""
        self._stopped = True
        if self._channel is not None:
            self._channel.stop()

    def _built(self) -> Channel | None:
        with self._lock:
            if self._channel is None and not self._stopped:
                self._secrets = self._resolve()
                self._channel = self._build(self._secrets)
                self.places = self._channel.places
            if self._stopped and self._channel is not None:
                self._channel.stop()
            return self._channel

    def _shown(self, reason: str) -> str:
        return without_secrets(reason, {*self._secrets, *self._others()})[:REASON_CHARACTERS]


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, however they are spelled; of one that is a URL, without its parts."""
    parts = {part for secret in secrets for part in _parts(secret)}
    for part in sorted(parts, key=len, reverse=True):
        text = re.sub(_pattern(part), HIDDEN, text)
    for code in {code for part in parts for code in _in_base64(part)}:
        text = re.sub(rf"[A-Za-z0-9+/]*{re.escape(code)}[A-Za-z0-9+/]*=*", HIDDEN, text)
    return text


def _parts(secret: str) -> set[str]:
    """The secret, and what a library may name of it: the parts of a URL or a path, but not the host by itself."""
    _, is_url, rest = secret.partition("://")
    if is_url:
        rest = _NAMES.sub(r"\1", rest)
        place = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
        rest = rest.replace(place, "/", 1) if _PLACE.fullmatch(place) else rest
    parts = {part for part in _DELIMITERS.split(rest if is_url else secret) if len(part) > 1}
    return {secret} | parts | {unquote(part) for part in parts}


def _pattern(secret: str) -> str:
    """What matches it in each of its spellings; what is short only where it stands by itself."""
    pattern = "".join(map(_spellings, secret))
    return pattern if len(secret) >= _SHORTEST else rf"(?<!\w){pattern}(?!\w)"


def _spellings(character: str) -> str:
    """What matches a character as it is and as URLs, JSON, programs and HTML have it."""
    if character.isascii() and character.isalnum():
        return character
    percent = "".join(f"%{byte:02x}" for byte in character.encode(errors="replace"))
    units = character.encode("utf-16-be", "surrogatepass")
    json = "".join(rf"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))
    html = f"&#{ord(character)};|&#x{ord(character):x};|{_ENTITIES.get(character, percent)}"
    return rf"(?:(?i:{percent}|{json}|{html})|\\{{0,3}}{re.escape(character)}{'|[+]' * (character == ' ')})"


def _in_base64(secret: str) -> Iterator[str]:
    """What is found of the secret in any text in BASE64 that holds it: its middle, in each of three places."""
    for offset in range(3):
        encoded = b64encode(bytes(offset) + secret.encode(errors="replace")).decode().rstrip("=")
        middle = encoded[2 * offset - offset // 2 : -1]
        if len(middle) >= _SHORTEST:
            yield middle
