"""The channel of the kind `alertmanager`: alerts for Prometheus' Alertmanager, by version 2 of its API.

1. For Alertmanager, an alert is its labels. They are made of the rule, its severity, the key and the configuration, so
   an alert that stays open has the same ones when it opens, is reminded of and recovers: nothing of a text, no pid, and
   the process only if it is what the alert is open for.
2. `startsAt` is when it opened. A recovery ends it at its own moment. What stays open is sent again every
   `refresh_s`, and ends by itself when that fails for four times as long: nobody knows then whether it is still true.
   What does not stay open ends `resolve_after_s` after it was sent.
3. Each address is told by itself, at the same time as the others: those of a cluster do not pass alerts on. A message
   is sent when all have accepted it; a further try goes to the rest.
4. Which answers are tried again is as in `webhook`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import urlsplit

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.match.runtime import host
from rules_listener.outbox.channel import GaveUp, Message, Outcome, RetryLater, Sent
from rules_listener.send.arrived import Arrived
from rules_listener.send.line import utf8
from rules_listener.send.process import process_of
from rules_listener.send.webhook import JSON, Target, WebhookChannel, json_bytes
from rules_listener.send.wording import utc

Text = Callable[[Message], str]

PATH = "/api/v2/alerts"
RESOLVE_AFTER_S = 300.0
REFRESH_S = 60.0
REFRESHES = 4
"""For how many refreshes an open alert lasts: as many as Prometheus gives its own."""


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
        self._arrived = Arrived()
        channels = [WebhookChannel(target, timeout_s=timeout_s, clock=clock) for target in targets]
        self._addresses = {str(number): channel for number, channel in enumerate(channels)}

    def send(self, message: Message) -> Outcome:
        """Tell those addresses that have not accepted the message yet."""
        left = self._arrived.rest(message.id, self._addresses)
        outcomes = self._post([message], left)
        accepted = [address for address, outcome in outcomes.items() if outcome == Sent()]
        self._arrived.note(message.id, accepted, all_of_them=len(accepted) == len(left))
        return _joined(list(outcomes.values()), all_of_them=len(left) == len(self._addresses))

    def refresh(self, messages: Sequence[Message]) -> Outcome:
        """Tell all addresses once more of what is open, with one request each."""
        return _joined(list(self._post(messages, list(self._addresses)).values()), all_of_them=True)

    def stop(self) -> None:
        """Break off what is under way."""
        for channel in self._addresses.values():
            channel.stop()

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
        lasts_s = wording.resolve_after_s if message.incident is None else REFRESHES * wording.refresh_s
        return self._clock.time() + lasts_s

    def _post(self, messages: Sequence[Message], addresses: Sequence[str]) -> dict[str, Outcome]:
        """Tell these addresses at the same time; what became of it."""
        content = json_bytes([self.alert(message) for message in messages])
        outcomes: dict[str, Outcome] = {}

        def post(address: str) -> None:
            outcomes[address] = self._addresses[address].post(content, self._headers)

        threads = [Thread(target=post, args=(address,), daemon=True) for address in addresses[1:]]
        for thread in threads:
            thread.start()
        for address in addresses[:1]:
            post(address)
        for thread in threads:
            thread.join()
        unknown = RetryLater("it can't be known what became of it")
        return {address: outcomes.get(address, unknown) for address in addresses}


def alerts_url(url: str) -> str:
    """Where an Alertmanager takes alerts; `url` may have a path before that."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix(PATH)
    return parts._replace(path=f"{path}{PATH}").geturl()


def _joined(outcomes: Sequence[Outcome], *, all_of_them: bool) -> Outcome:
    """What became of the message: it waits as long as any address can still take it."""
    failed = [outcome for outcome in outcomes if not isinstance(outcome, Sent)]
    if not failed:
        return Sent()
    reason = "; ".join(outcome.reason for outcome in failed)
    waits = [outcome.after_s for outcome in failed if isinstance(outcome, RetryLater)]
    if waits:
        return RetryLater(reason, max((wait for wait in waits if wait is not None), default=None))
    return GaveUp(reason if all_of_them and len(failed) == len(outcomes) else f"{reason}; the others have it")
