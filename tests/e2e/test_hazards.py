"""What supervisord does to listeners, hazard by hazard."""

import pytest

from tests.e2e.supervised import Supervised

FAIL = """
import os, time
while True:
    os.write(1, b"READY\\n")
    header = b""
    while not header.endswith(b"\\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit
        header += byte
    left = int(header.rsplit(b":", 1)[1])
    while left:
        left -= len(os.read(0, left))
    time.sleep(0.002)  # else it may put events in front faster than another listener takes them
    os.write(1, b"RESULT 4\\nFAIL")
"""


def test_a_neighbour_that_rejects_everything(supervised: Supervised) -> None:
    """Events that a listener of equal priority rejects come again and again; they fire once, and nothing is lost."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"\nrule losses on LISTENER_EVENTS_LOST alert "lost {lost}"')
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.section(
        f"[eventlistener:fail]\ncommand={supervised.python('fail.py', FAIL)}\nevents=PROCESS_COMMUNICATION,TICK_5\n"
        "priority=-1\nbuffer_size=1000\nstartsecs=0\n"
    )
    supervised.say("say", "one", "two", "three")
    supervised.start()
    supervised.wait_for_texts("one", "two", "three")
    listener = supervised.listener_pid()
    supervised.wait_for(lambda: supervised.counter("repeated") > 500, "the leak")
    supervised.ask("stopProcess", "fail")
    supervised.ask("startProcess", "say")
    supervised.wait_for(lambda: len(supervised.alerts("sent")) == 6, "new events")
    assert set(supervised.texts().values()) == {2}
    assert supervised.listener_pid() == listener
    assert supervised.counter("lost") == 0


def test_a_kill_amid_rejected_events(supervised: Supervised) -> None:
    """A listener that is killed while rejected events pour in leaves the next one its memory of them."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"\nrule losses on LISTENER_EVENTS_LOST alert "lost {lost}"')
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.section(
        f"[eventlistener:fail]\ncommand={supervised.python('fail.py', FAIL)}\n"
        "events=PROCESS_COMMUNICATION,PROCESS_STATE\npriority=-1\nbuffer_size=1000\nstartsecs=0\n"
    )
    supervised.say("say", "one", "two", "three")
    supervised.start()
    supervised.wait_for_texts("one", "two", "three")
    for _ in range(3):
        repeated = supervised.counter("repeated")
        supervised.wait_for(lambda before=repeated: supervised.counter("repeated") > before, "the leak")  # type: ignore[misc]
        supervised.kill(supervised.wait_for(supervised.listener_pid, "the listener"))
    repeated = supervised.counter("repeated")
    supervised.wait_for(lambda: supervised.counter("repeated") > repeated + 100, "the leak")
    supervised.wait_for_texts("one", "two", "three")
    assert supervised.counter("lost") == 0


def test_overlapping_subscriptions(supervised: Supervised) -> None:
    """Where `events` names a type twice over, supervisord sends its events twice; they fire once."""
    supervised.rules('on PROCESS_STATE_EXITED where expected == 0 alert "{process}"')
    supervised.listener(events="PROCESS_STATE,PROCESS_STATE_EXITED")
    supervised.program("bad", "false")
    supervised.start()
    supervised.wait_for_texts("bad")
    supervised.wait_for(lambda: supervised.counter("repeated") == 1, "the second time")
    assert len(supervised.alerts()) == 1


def test_an_identifier_with_a_space_and_a_colon(supervised: Supervised) -> None:
    """An identifier of supervisord's, which nobody checks, may break childutils; it breaks nothing here."""
    supervised.identifier = "my host:1"
    supervised.rules('on PROCESS_COMMUNICATION alert "{server} {data}"')
    supervised.listener()
    supervised.say("say", "hello")
    supervised.start()
    supervised.wait_for_texts("my host:1 hello")


def test_a_reload_of_supervisord(supervised: Supervised) -> None:
    """After a reload the numbers of the pool begin anew: nothing is taken for a repeat, nothing for lost."""
    supervised.rules(
        'on PROCESS_COMMUNICATION alert "{data} {poolserial}"\non LISTENER_EVENTS_LOST alert "lost {lost}"'
    )
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", "two", "three")
    supervised.start()
    first = ("one 0", "two 1", "three 2")
    supervised.wait_for_texts(*first)
    pid = supervised.listener_pid()
    supervised.ctl("reload")
    supervised.wait_for(lambda: set(supervised.texts("sent").values()) == {2}, "the same events after the reload")
    assert supervised.listener_pid() != pid
    assert supervised.texts().keys() == set(first)
    assert supervised.counter("repeated") == supervised.counter("lost") == 0


def test_an_update_of_the_pool(supervised: Supervised) -> None:
    """A pool that is removed and added begins anew as well, under the same supervisord."""
    supervised.rules(
        'on PROCESS_COMMUNICATION alert "{data} {poolserial}"\non LISTENER_EVENTS_LOST alert "lost {lost}"'
    )
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", "two", "three")
    supervised.start()
    supervised.wait_for_texts("one 0", "two 1", "three 2")
    supervised.ask("stopProcess", "rl")
    supervised.ask("removeProcessGroup", "rl")
    supervised.ask("addProcessGroup", "rl")
    supervised.wait_for(supervised.listener_pid, "the listener")
    supervised.ask("startProcess", "say")
    supervised.wait_for(lambda: set(supervised.texts("sent").values()) == {2}, "the same events")
    assert supervised.counter("repeated") == supervised.counter("lost") == 0


def test_a_restart_of_supervisord(supervised: Supervised) -> None:
    """After a new start all numbers begin anew: nothing is taken for a repeat, nothing for lost."""
    supervised.rules(
        'on PROCESS_COMMUNICATION alert "{data} {poolserial}"\non LISTENER_EVENTS_LOST alert "lost {lost}"'
    )
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", "two", "three")
    supervised.start()
    supervised.wait_for_texts("one 0", "two 1", "three 2")
    assert supervised.end_cleanly() == 0
    supervised.start()
    supervised.wait_for(lambda: set(supervised.texts("sent").values()) == {2}, "the same events")
    assert supervised.counter("repeated") == supervised.counter("lost") == 0


def test_a_burst_at_boot(supervised: Supervised) -> None:
    """Twenty programs that start with supervisord are all seen, since the buffer is large."""
    supervised.config("{ops: {log: {}}}")
    supervised.rules(
        'on PROCESS_STATE_RUNNING where processname startswith "p" alert "{processname}"\n'
        'on LISTENER_EVENTS_LOST alert "lost {lost}"'
    )
    supervised.listener(startsecs=1)
    names = [f"p{number}" for number in range(20)]
    for name in names:
        supervised.program(name, "sleep 600")
    supervised.start()
    supervised.wait_for_texts(*names)
    assert supervised.discarded == supervised.counter("lost") == 0


RAISE = """
from rules_listener.match.engine import Engine
feed = Engine.feed
def feed_or_raise(self, event):
    if event.data == "deadly":
        {action}
    return feed(self, event)
Engine.feed = feed_or_raise
"""


def test_an_event_that_no_engine_can_digest(supervised: Supervised) -> None:
    """An event that makes the engine raise is answered and kept as a dead frame; the next ones fire."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(wrapper=RAISE.format(action='raise ZeroDivisionError("a defect")'))
    supervised.say("say", "before", "deadly", "between", "deadly", "after")
    supervised.start()
    pid = supervised.listener_pid()
    supervised.wait_for_texts("before", "between", "after")
    assert supervised.counter("dead") == 2
    assert supervised.listener_pid() == pid
    assert "ZeroDivisionError: a defect" in supervised.read("rl.err")


@pytest.mark.parametrize("action", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_an_event_that_kills_the_listener(supervised: Supervised, action: str) -> None:
    """An event that ended the listener twice is set aside as a dead frame; the next ones fire."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"\non LISTENER_EVENTS_LOST alert "lost {lost}"')
    supervised.listener(wrapper=RAISE.format(action=action), events="PROCESS_COMMUNICATION")
    supervised.say("say", "before", "deadly", "after")
    supervised.start()
    supervised.wait_for_texts("before", "after")
    assert supervised.counter("dead") == 1
    assert "it ended the listener 2 times" in supervised.read("rl.err")
    assert supervised.log.count("exited: rl") == 2


def test_stray_output_does_not_break_the_protocol(supervised: Supervised) -> None:
    """What is printed within the listener or a child of its goes to standard error, and events go on."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    action = 'print("stray", flush=True); os.write(1, b"line\\n"); os.system("echo child")'
    supervised.listener(wrapper=RAISE.format(action=action), events="PROCESS_COMMUNICATION")
    supervised.say("say", "before", "deadly", "after")
    supervised.start()
    supervised.wait_for_texts("before", "deadly", "after")
    assert all(word in supervised.read("rl.err").split() for word in ("stray", "line", "child"))
