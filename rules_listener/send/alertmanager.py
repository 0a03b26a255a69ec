"""The channel of the kind `alertmanager`: alerts for Prometheus' Alertmanager, by version 2 of its API.

1. For Alertmanager, an alert is its labels. They are made of the rule, its severity, the key and the configuration, so
   an alert that stays open has the same ones when it opens, is reminded of and recovers: nothing of a text, no pid, and
   the process only if it is what the alert is open for.
2. `startsAt` is when it opened. A recovery ends it at its own moment. What stays open is sent again every
   `refresh_s`, and ends by itself when that fails for four times as long: nobody knows then whether it is still true.
   What does not stay open ends `resolve_after_s` after it was sent.
3. Each address is told by itself, at the same time as the others: those of a cluster do not pass alerts on. A message
   is sent when all have accepted it; a further try goes to the rest, and what comes after it does not wait for that.
   What is open is sent when one has accepted it: the others have it with a refresh. A recovery is sent, too, once the
   others have ended the alert by themselves, or were told of the next one.
4. An address that fails is not asked again for some seconds, more each time, and then it is not waited for: what it
   accepts too late it is told again, which makes no difference. So one that hangs holds up the others for one try.
5. Which answers are tried again is as in `webhook`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock, Thread
from urllib.parse import urlsplit

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.match.runtime import host
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.arrived import names_of
from rules_listener.send.line import utf8
from rules_listener.send.process import process_of
from rules_listener.send.webhook import JSON, Target, WebhookChannel, json_bytes
from rules_listener.send.wording import json_text, utc

Text = Callable[[Message], str]

PATH = "/api/v2/alerts"
RESOLVE_AFTER_S = 300.0
REFRESH_S = 60.0
REFRESHES = 4
"""For how many refreshes an open alert lasts: as many as Prometheus gives its own."""

FIRST_REST_S = 5.0
LONGEST_REST_S = 60.0
LONGEST_ASKED_REST_S = 3600.0
"""However long an address asks to be left alone: nobody else would tell it of what is open."""
PATIENCE_S = 0.5
"""How long an address that has failed is waited for."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said of each alert, and for how long that holds.

    Labels replace those that an alert has of itself, annotations its `summary`.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, Text] = field(default_factory=dict)
    resolve_after_s: float = RESOLVE_AFTER_S
    refresh_s: float = REFRESH_S


def labels_of(message: Message) -> dict[str, str]:
    """The labels that an alert has of itself; `server` is supervisord's identifier."""
    labels = {
        "alertname": message.rule,
        "severity": message.severity,
        **_subject(message),
        "server": str(message.event.get("server", "")),
        "host": host("host"),
    }
    return {name: utf8(value) for name, value in labels.items() if value}


def _subject(message: Message) -> dict[str, str]:
    """What it is about. An open alert is about its key: its events may be about one process after another."""
    process, group = process_of(message.event), str(message.event.get("groupname", ""))
    if message.key == process or message.incident is None:
        key = message.key if message.key not in (process, group) else ""
        return {"process": process or "", "group": group, "key": key}
    return {"group": group} if message.key == group else {"key": message.key}


class AlertmanagerChannel:
    """Tells each of `targets`, whose URLs are those of Alertmanagers; a try takes at most `timeout_s`."""

    places = 1
    """What is said of an alert arrives in the order in which it happened."""

    def __init__(
        self,
        targets: Sequence[Target],
        wording: Wording | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10,
        clock: Clock | None = None,
    ) -> None:
        """Prepare to send, with further `headers`.

        Raises:
            ConfigError: certificates can't be read.
        """
        self._wording = wording or Wording()
        self.refresh_s: float | None = self._wording.refresh_s
        self._clock = clock or SystemClock()
        self._headers = {"Content-Type": JSON, **(headers or {})}
        names = names_of(target.url for target in targets)
        rests = len(targets) > 1
        self._addresses = {
            name: _Address(WebhookChannel(target, timeout_s=timeout_s, clock=clock), self._clock, rests=rests)
            for name, target in zip(names, targets, strict=True)
        }
        self._opened: dict[str, float] = {}

    def send(self, message: Message) -> Outcome:
        """Tell those addresses that have not accepted the message yet."""
        left = [name for name in self._addresses if name not in message.arrived]
        if not left or (message.arrived and self._has_ended(message)):
            return Sent()
        self._note_opened(message)
        outcomes = self._post([message], left)
        accepted = {name for name, outcome in outcomes.items() if outcome == Sent()}
        arrived = frozenset(self._addresses.keys() - set(left) | accepted)
        outcome = _joined(list(outcomes.values()), arrived)
        is_open = message.incident is not None and message.phase != "recovery"
        return Sent() if arrived and is_open and isinstance(outcome, RetryLater) else outcome

    def refresh(self, messages: Sequence[Message]) -> Outcome:
        """Tell all addresses once more of what is open, with one request each."""
        for message in messages:
            self._note_opened(message)
        return _joined(list(self._post(messages, list(self._addresses)).values()), frozenset())

    def stop(self) -> None:
        """Break off what is under way."""
        for address in self._addresses.values():
            address.stop()

    def alert(self, message: Message) -> dict[str, object]:
        """A message as Alertmanager has it."""
        began = message.time if message.opened is None else message.opened
        annotations = {"summary": lambda message: message.text, **self._wording.annotations}
        return {
            "labels": {**labels_of(message), **self._wording.labels},
            "annotations": {name: utf8(text(message)) for name, text in annotations.items()},
            "startsAt": utc(began),
            # Alertmanager refuses what ends before it begins; a clock may have been set meanwhile.
            "endsAt": utc(max(began, self._end(message))),
        }

    def _end(self, message: Message) -> float:
        if message.phase == "recovery":
            return message.time
        wording = self._wording
        return self._clock.time() + (wording.resolve_after_s if message.incident is None else self._lasts_s)

    @property
    def _lasts_s(self) -> float:
        """How long an open alert lasts unless it is told again."""
        return REFRESHES * self._wording.refresh_s

    def _note_opened(self, message: Message) -> None:
        """Remember since when an alert is open; no more of them than a few minutes bring."""
        if message.opened is not None and message.phase != "recovery":
            since = self._clock.time() - self._lasts_s
            self._opened = {name: opened for name, opened in self._opened.items() if opened > since}
            self._opened[self._name(message)] = message.opened

    def _has_ended(self, message: Message) -> bool:
        """Whether a recovery has nothing to end any more where it has not arrived."""
        if message.phase != "recovery":
            return False
        opened = self._opened.get(self._name(message), -math.inf)
        return opened > message.time or self._clock.time() > message.time + self._lasts_s

    def _name(self, message: Message) -> str:
        return json_text(labels_of(message))

    def _post(self, messages: Sequence[Message], addresses: Sequence[str]) -> dict[str, Outcome]:
        """Tell these addresses at the same time; what became of it."""
        content = json_bytes([self.alert(message) for message in messages])
        outcomes: dict[str, Outcome] = {}

        def post(address: str) -> None:
            outcomes[address] = self._addresses[address].post(content, self._headers)

        patience = {name: self._addresses[name].patience_s for name in addresses}
        threads = {name: Thread(target=post, args=(name,), daemon=True) for name in addresses}
        for thread in threads.values():
            thread.start()
        for name, thread in threads.items():
            thread.join(patience[name])
        return {name: outcomes.get(name, self._addresses[name].failure) for name in addresses}


def alerts_url(url: str) -> str:
    """Where an Alertmanager takes alerts; `url` may have a path before that."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix(PATH)
    return parts._replace(path=f"{path}{PATH}").geturl()


class _Address:
    """An Alertmanager, which is not asked for a while after it has failed, if it `rests`."""

    def __init__(self, channel: WebhookChannel, clock: Clock, *, rests: bool) -> None:
        self._channel = channel
        self._clock = clock
        self._rest_s = FIRST_REST_S
        self._rests = rests
        self._until = -math.inf
        self._asking = Lock()
        self.patience_s: float | None = None
        """For how long a try may hold up the others; None: as long as it takes, since the last one went well."""
        self.failure = RetryLater("it can't be known what became of it", FIRST_REST_S)
        """How it has failed last."""
        self.stop = channel.stop

    def post(self, content: bytes, headers: Mapping[str, str]) -> Outcome:
        """Ask, or say again how it has failed."""
        if (left_s := self._until - self._clock.monotonic()) > 0:
            return replace(self.failure, after_s=left_s)
        if not self._asking.acquire(blocking=False):
            return self.failure
        try:
            return self._noted(self._channel.post(content, headers))
        finally:
            self._asking.release()

    def _noted(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, RetryLater):
            self._rest_s, self.patience_s = FIRST_REST_S, None
            return outcome
        if not self._rests:
            return outcome
        rest_s = max(self._rest_s, min(outcome.after_s or 0, LONGEST_ASKED_REST_S))
        self._until = self._clock.monotonic() + rest_s
        self._rest_s, self.patience_s = min(2 * self._rest_s, LONGEST_REST_S), PATIENCE_S
        self.failure = replace(outcome, after_s=rest_s)
        return self.failure


def _joined(outcomes: Sequence[Outcome], arrived: frozenset[str]) -> Outcome:
    """What became of the message, which has `arrived` at some: it waits as long as any address can still take it."""
    failed = [outcome for outcome in outcomes if not isinstance(outcome, Sent)]
    if not failed:
        return Sent()
    reason = "; ".join([outcome.reason for outcome in failed] + ["the others have it"] * bool(arrived))
    waits = [outcome.after_s for outcome in failed if isinstance(outcome, RetryLater)]
    if waits:
        after_s = max((wait for wait in waits if wait is not None), default=None)
        return RetryLater(reason, after_s, arrived, aside=bool(arrived))
    return GaveUp(reason)
