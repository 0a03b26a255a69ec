"""Thousands of alerts that wait for receivers that are down: what that costs, and that all arrive in their order."""

import re
import socket
import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from threading import Event

from rules_listener.outbox.listing import Listed, Listing
from tests.e2e.piped import Piped, piped
from tests.eventually import eventually
from tests.send.hook import Answer, Asked, Hook, hook_server
from tests.send.mailbox import Mailbox, mail_server
from tests.send.receivers import closed_port
from tests.send.test_systemlog import listening

ALERTS = 10_000
BLOCK = 1000
PROCESSES = 100
PATIENCE_S = 60.0
ENOUGH = 2
"""As many tries as are sure to be waited for in vain while all are down."""
MOST_MORE_MIB = 6.0
MOST_SLOWER = 3.0
"""A bound for busy machines; what is meant is 1."""

CONFIG = """\
rules: [test.rules]
state: state
default: [ops]
channels:
  ops: {syslog: {address: FOLDER/log}}
  hook: {webhook: {url: "http://127.0.0.1:HOOK/"}, timeout: 60s}
  mail: {email: {server: "smtp://127.0.0.1:MAIL", from: a@b.c, to: a@b.c}, batch: {every: 1s}}
  quick: {file: {path: quick.jsonl}}
"""

RULES = """\
on PROCESS_COMMUNICATION alert "{data}" to ops, mail
on PROCESS_COMMUNICATION where data endswith "00" alert "{data}" to hook, quick
"""
TOLD_OFTEN = ALERTS // 100 - 1
"""How many end with 00."""


class Hanging(Hook):
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = Event()

    def answer(self, asked: Asked) -> Answer:
        """Wait, then note a request."""
        return super().answer(asked) if self.go.wait(PATIENCE_S) else Answer(503)


def _alerts(folder: Path, *states: str) -> list[Listed]:
    return Listing(folder / "state").deliveries(states, 3 * ALERTS)


def _send(listener: Piped, numbers: Iterable[int]) -> list[float]:
    return [listener.send(f"p{number % PROCESSES}", str(number)) for number in numbers]


def test_ten_thousand_alerts_wait(tmp_path: Path) -> None:
    """With all receivers down memory and the time of an answer stay as they were, and one that is up gets its alerts.

    When the others are back, all arrives in its order.
    """
    hook, mailbox, mail_port = Hanging(), Mailbox(), closed_port()
    (tmp_path / "test.rules").write_text(RULES)
    with hook_server(hook) as port:
        path = tmp_path / "rules-listener.yaml"
        config = CONFIG.replace("FOLDER", str(tmp_path)).replace("HOOK", str(port))
        path.write_text(config.replace("MAIL", str(mail_port)))
        with piped(path) as listener:
            _wait_until_they_are_down(tmp_path, listener)
            _assert_that_waiting_costs_nothing(tmp_path, listener)
            with (
                listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "log")) as (_, lines),
                mail_server(mailbox, mail_port),
            ):
                hook.go.set()
                _assert_order(int(lines.get(timeout=PATIENCE_S).rpartition(b" ")[2]) for _ in range(ALERTS))
                eventually(lambda: len(hook.asked) == TOLD_OFTEN, "the webhook", PATIENCE_S)
                eventually(lambda: not _alerts(tmp_path, "waiting", "sending"), "all that waits", PATIENCE_S)
    _assert_digests([mail.get_content().replace("\r\n", "\n") for mail in mailbox.mails])


def _wait_until_they_are_down(folder: Path, listener: Piped) -> None:
    _send(listener, range(BLOCK))
    eventually(
        lambda: {one.channel for one in _alerts(folder, "waiting") if one.reason} == {"ops", "mail"},
        "reasons",
        PATIENCE_S,
    )
    eventually(lambda: bool(_alerts(folder, "sending")), "what hangs", PATIENCE_S)


def _assert_that_waiting_costs_nothing(folder: Path, listener: Piped) -> None:
    before = listener.resident_mib()
    answers = _send(listener, range(BLOCK, ALERTS))
    eventually(lambda: len(_alerts(folder, "sent")) == TOLD_OFTEN, "the quick channel", PATIENCE_S)
    eventually(lambda: max(one.attempts for one in _alerts(folder, "waiting")) > ENOUGH, "some tries more", PATIENCE_S)
    after = listener.resident_mib()
    first, last = (statistics.median(block) for block in (answers[:BLOCK], answers[-BLOCK:]))
    memory = ", ".join(f"{late:.1f} : {early:.1f}" for late, early in zip(after, before, strict=True))
    print(f"\nan answer with {ALERTS} waiting : with {BLOCK}: {last * 1e6:.0f} : {first * 1e6:.0f} µs")  # noqa: T201
    print(f"memory of the listener, of the courier: {memory} MiB")  # noqa: T201 - for whoever runs it with -s
    assert len(_alerts(folder, "waiting", "sending")) == 2 * ALERTS + TOLD_OFTEN
    assert len((folder / "quick.jsonl").read_text().splitlines()) == TOLD_OFTEN
    assert last < MOST_SLOWER * first
    assert all(late - early < MOST_MORE_MIB for late, early in zip(after, before, strict=True))


def _assert_order(numbers: Iterable[int]) -> None:
    by_process = defaultdict(list)
    for number in numbers:
        by_process[number % PROCESSES].append(number)
    assert by_process == {process: list(range(process, ALERTS, PROCESSES)) for process in range(PROCESSES)}


def _assert_digests(texts: list[str]) -> None:
    """Digests, each of all that waited, with fifty lines; what they show is in order."""
    counts = [int(count) for text in texts for count in re.findall(r"^(\d+) alerts: ", text)]
    shown = [int(number) for text in texts for number in re.findall(r"^\S+ ERROR (\d+)$", text, re.MULTILINE)]
    assert sum(counts) == ALERTS
    assert len(shown) == 50 * len(counts)
    assert shown == sorted(shown)
