"""Digests, from a real supervisord to real receivers, with real kills."""

import json
import random
import time

from tests.e2e.supervised import QUICK_RESTART, Supervised
from tests.locks import courier_works
from tests.send.hook import Answer, Asked, Hook, hook_server
from tests.send.mailbox import Mailbox, mail_server

BATCH = "batch: {every: 1s}"


def _webhook(supervised: Supervised, port: int, batch: str = BATCH) -> None:
    supervised.config(f"{{ops: {{webhook: {{url: http://127.0.0.1:{port}/}}, {batch}}}}}")
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')


ONCE = """
import pathlib, time
ran = pathlib.Path(__file__).with_suffix(".ran")
if ran.exists():
    time.sleep(1000)
ran.touch()
raise SystemExit(3)
"""
"""A program that dies, but only once."""


def _said(asked: Asked) -> list[str]:
    """The texts of the alerts in a request."""
    told = json.loads(asked.body)
    return [alert["text"] for alert in told.get("alerts", [told])]


def test_many_crashes_are_one_mail(supervised: Supervised) -> None:
    """Programs that die together, and one that comes back, are one mail; a single death later looks as ever."""
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        mail = f"email: {{server: smtp://127.0.0.1:{port}, from: ops@example.org, to: a@example.org}}"
        supervised.config(f"{{ops: {{{mail}, batch: {{every: 4s}}}}}}")
        supervised.rules(
            'on PROCESS_STATE_EXITED where expected == 0 alert critical "{process} is gone" until PROCESS_STATE_RUNNING'
        )
        for name in ("a", "b", "c"):
            supervised.program(name, supervised.python(f"{name}.py", ONCE))
        supervised.listener()
        supervised.start()
        supervised.wait_for(lambda: len(supervised.alerts("waiting")) == 3, "three alerts that wait")
        supervised.ask("startProcess", "b", False)  # noqa: FBT003 - XML-RPC knows no names
        supervised.wait_for(lambda: mailbox.mails, "the mail")
        supervised.wait_for(lambda: len(supervised.alerts("sent")) >= 4, "all as sent")
        (mail_of_all,) = mailbox.mails[:1]
        lines = mail_of_all.get_content().splitlines()
        assert mail_of_all["Subject"].startswith("CRITICAL ")
        assert "2 critical, 1 resolved" in mail_of_all["Subject"]
        texts = sorted(line.partition(" ")[2] for line in lines[1:4])
        assert texts[:2] == ["CRITICAL a is gone", "CRITICAL c is gone"]
        assert texts[2].startswith("OK b is gone (resolved after ")
        assert {alert.id for alert in supervised.alerts()}.isdisjoint({mail_of_all["Message-ID"][1:].partition("@")[0]})


def test_a_digest_is_sent_again_as_it_was(supervised: Supervised) -> None:
    """A courier that is killed while it sends a digest leaves it to the next one: the same request, byte for byte."""
    hook = Slow()
    with hook_server(hook) as port:
        _webhook(supervised, port)
        supervised.say("say", "one", "two")
        supervised.say("late", "three", autostart="false")
        supervised.listener()
        supervised.start()
        supervised.wait_for(lambda: hook.asked, "the digest")
        supervised.ask("startProcess", "late")
        supervised.wait_for(lambda: supervised.texts("waiting")["three"], "an alert behind it")
        hook.takes_s = 0.0
        supervised.kill(supervised.courier_pid())
        supervised.wait_for_texts("one", "two", "three")
    first, second, third = hook.asked
    assert (first.body, first.headers) == (second.body, second.headers)
    assert (_said(first), _said(third)) == (["one", "two"], ["three"])
    assert third.headers["idempotency-key"] == supervised.alerts()[-1].id


class Slow(Hook):
    """Takes its time."""

    takes_s = 30.0

    def answer(self, asked: Asked) -> Answer:
        """Note a request, and answer it some time."""
        answer = super().answer(asked)
        time.sleep(self.takes_s)
        return answer


def test_what_is_gathered_is_sent_at_the_end(supervised: Supervised) -> None:
    """A courier that is killed leaves what it has gathered; it is sent at the end of its listener, and at a reload."""
    hook = Hook()
    with hook_server(hook) as port:
        _webhook(supervised, port, "batch: {every: 1h}")
        supervised.say("say", "one", "two", autostart="false")
        supervised.listener(wrapper=QUICK_RESTART)
        supervised.start()
        for number, end in enumerate((_stop, _reload, _kill)):
            supervised.ask("startProcess", "say")
            supervised.wait_for(lambda: len(supervised.alerts("waiting")) == 2, "two alerts that wait")
            supervised.kill(supervised.wait_for(supervised.courier_pid, "the courier"))
            supervised.wait_for(supervised.courier_pid, "the next courier")
            supervised.wait_for(lambda: courier_works(supervised.state), "it to begin")
            assert len(hook.asked) == number
            end(supervised)
            supervised.wait_for(lambda: not supervised.alerts("waiting", "sending"), "the digest")
    assert [_said(asked) for asked in hook.asked] == [["one", "two"]] * 3


def _stop(supervised: Supervised) -> None:
    supervised.ask("stopProcess", "rl")
    supervised.ask("startProcess", "rl")


def _reload(supervised: Supervised) -> None:
    supervised.ask("signalProcess", "rl", "HUP")


def _kill(supervised: Supervised) -> None:
    supervised.kill(supervised.listener_pid())


def test_what_is_gathered_is_sent_before_a_shutdown(supervised: Supervised) -> None:
    """A rule that shuts supervisord down is told with all that was gathered, and nobody waits for an hour."""
    hook = Hook()
    with hook_server(hook) as port:
        _webhook(supervised, port, "batch: {every: 1h}")
        supervised.rules(
            'on PROCESS_COMMUNICATION alert "{data}"\non PROCESS_COMMUNICATION where data == "two" shutdown'
        )
        supervised.say("say", "one", "two")
        supervised.listener()
        supervised.start()
        supervised.wait_for(lambda: not supervised.is_running, "the end of supervisord")
    assert [_said(asked) for asked in hook.asked] == [["one", "two"]]


STREAM = """
import os, sys, time
for number in range(int(sys.argv[1])):
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{number}<!--XSUPERVISOR:END-->".encode())
    time.sleep(0.01)
"""
EVENTS = 400


def test_kills_at_random(supervised: Supervised) -> None:
    """Kills of listener and courier lose no alert, change no digest under its id, and keep the order."""
    hook = Hook()
    with hook_server(hook) as port:
        _webhook(supervised, port, "batch: {every: 100ms, at_most: 1000}")
        supervised.listener(buffer_size=10_000, events="PROCESS_COMMUNICATION", wrapper=QUICK_RESTART)
        supervised.program("stream", f"{supervised.python('stream.py', STREAM)} {EVENTS}")
        supervised.start()
        chance = random.Random(7)  # noqa: S311 - a test repeats itself
        killed: set[int] = set()
        while len(killed) < 10:
            pid = supervised.wait_for(chance.choice([supervised.listener_pid, supervised.courier_pid]), "a process")
            time.sleep(chance.uniform(0, 0.3))
            if pid not in killed and supervised.kill_if_there(pid):
                killed.add(pid)
        supervised.wait_for(lambda: len(supervised.alerts("sent")) >= EVENTS, f"{EVENTS} alerts", 60.0)
    by_id: dict[str, list[str]] = {}
    for asked in hook.asked:
        assert by_id.setdefault(asked.headers["idempotency-key"], _said(asked)) == _said(asked)
    assert [text for texts in by_id.values() for text in texts] == [str(number) for number in range(EVENTS)]
    assert len(by_id) < EVENTS / 2
