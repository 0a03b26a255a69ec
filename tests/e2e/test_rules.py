"""Bad rules never replace good ones: at the start, and when the listener is told to reload."""

from tests.e2e.supervised import Supervised

WRONG = 'on PROCESS_STATE_EXITED where expcted == 0 alert "x"\n'

RELOADS = """
rule rejected on LISTENER_RULES_REJECTED alert "rejected: {reason}"
rule reloaded on LISTENER_RULES_RELOADED alert "reloaded"
"""


STREAM = """
import os, time
for number in range(400):
    os.write(1, f"<!--XSUPERVISOR:BEGIN-->{number}<!--XSUPERVISOR:END-->".encode())
    time.sleep(0.005)
"""


def test_wrong_rules_at_the_start(supervised: Supervised) -> None:
    """Rules with an error end the listener with status 2 and diagnostics; supervisord gives up after its retries."""
    supervised.rules(WRONG)
    supervised.listener(startsecs=5, startretries=1)
    supervised.start()
    supervised.wait_for_refusal("rl")
    assert supervised.log.count("spawned: 'rl'") == 2
    shown = supervised.read("rl.err")
    assert f"error[RL201]: PROCESS_STATE_EXITED has no field `expcted`\n --> {supervised.rules_path}:1:31" in shown
    assert "^^^^^^^ did you mean `expected`?" in shown
    assert (
        f"not started, since the rules or the configuration are wrong: RL201 at {supervised.rules_path}:1:31" in shown
    )


def test_a_wrong_configuration_at_the_start(supervised: Supervised) -> None:
    """A configuration with an error ends the listener with status 2, and its line is shown."""
    supervised.rules('on PROCESS_STATE_EXITED alert "x"')
    supervised.config(more="chanels: {}")
    supervised.listener(startsecs=5, startretries=0)
    supervised.start()
    supervised.wait_for_refusal("rl")
    assert f"--> {supervised.config_path}:5:1" in supervised.read("rl.err")
    assert "did you mean `channels`?" in supervised.read("rl.err")


def test_a_reload(supervised: Supervised) -> None:
    """On SIGHUP wrong rules are rejected and the old ones stay; good ones apply; each raises its event."""
    supervised.rules(f'on PROCESS_COMMUNICATION alert "old {{data}}"{RELOADS}')
    supervised.listener()
    supervised.say("say", "event")
    supervised.start()
    supervised.wait_for_texts("old event")
    pid = supervised.listener_pid()
    supervised.rules(WRONG)
    supervised.ask("signalProcess", "rl", "HUP")
    reason = f"RL201 at {supervised.rules_path}:1:31: PROCESS_STATE_EXITED has no field `expcted`"
    supervised.wait_for_texts("old event", f"rejected: {reason}")
    supervised.ask("startProcess", "say")
    supervised.wait_for(lambda: supervised.texts("sent")["old event"] == 2, "the old rules")
    supervised.rules(f'on PROCESS_COMMUNICATION alert "new {{data}}"{RELOADS}')
    supervised.ask("signalProcess", "rl", "HUP")
    supervised.wait_for(lambda: supervised.texts("sent")["reloaded"], "LISTENER_RULES_RELOADED")
    supervised.ask("startProcess", "say")
    supervised.wait_for(lambda: supervised.texts("sent")["new event"] == 1, "the new rules")
    assert supervised.texts()["old event"] == 2
    assert supervised.listener_pid() == pid


def test_files_that_are_watched(supervised: Supervised) -> None:
    """With `watch`, changed rules are taken over by themselves; wrong ones are rejected once, and the old ones stay."""
    supervised.config(more="watch: true")
    supervised.rules(f'on PROCESS_COMMUNICATION alert "old {{data}}"{RELOADS}')
    supervised.listener()
    supervised.say("say", "event")
    supervised.start()
    supervised.wait_for_texts("old event")
    supervised.rules(WRONG)
    supervised.wait_for(lambda: any(text.startswith("rejected: RL201") for text in supervised.texts("sent")), "it")
    supervised.rules(f'on PROCESS_COMMUNICATION alert "new {{data}}"{RELOADS}')
    supervised.wait_for(lambda: supervised.texts("sent")["reloaded"], "LISTENER_RULES_RELOADED")
    supervised.ask("startProcess", "say")
    supervised.wait_for(lambda: supervised.texts("sent")["new event"] == 1, "the new rules")
    assert supervised.read("rl.err").count("the rules or the configuration have changed") == 2


def test_what_a_reload_can_not_change(supervised: Supervised) -> None:
    """A reload says which keys take a restart and goes on with the old ones, and which events the new rules need."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener()
    supervised.say("say", "event")
    supervised.start()
    supervised.wait_for_texts("event")
    text = supervised.config_path.read_text(encoding="utf-8")
    elsewhere = text.replace(f"state: {supervised.state}", f"state: {supervised.folder}/elsewhere\ndurability: power")
    supervised.config_path.write_text(elsewhere, encoding="utf-8")
    supervised.rules("on PROCESS_COMMUNICATION, PROCESS_LOG alert 'new {data}'")
    supervised.ask("signalProcess", "rl", "HUP")
    supervised.wait_for(lambda: "reloaded: 1 rules" in supervised.read("rl.err"), "the new rules")
    assert "a new `state`, `durability` takes a restart of the listener; until then the old value holds" in (
        supervised.read("rl.err")
    )
    assert "the rules look at PROCESS_LOG_STDERR, PROCESS_LOG_STDOUT now: the section in supervisord.conf needs " in (
        supervised.read("rl.err")
    )
    supervised.ask("startProcess", "say")
    supervised.wait_for_texts("event", "new event")


def test_a_reload_brings_new_channels(supervised: Supervised) -> None:
    """Channels that a reload brings are used, also for what waited for a channel that did not work."""
    supervised.config(f'{{ops: {{command: ["{supervised.folder}/missing", "{{message}}"]}}}}')
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener()
    supervised.say("say", "event")
    supervised.start()
    supervised.wait_for(lambda: [one for one in supervised.alerts("waiting") if one.reason], "a failed try")
    supervised.config()
    supervised.ask("signalProcess", "rl", "HUP")
    supervised.wait_for_texts("event")
    assert supervised.records()[0]["arguments"] == ["event"]


def test_reloads_during_a_stream(supervised: Supervised) -> None:
    """Reloads in quick succession lose no event and double none."""
    supervised.config("{ops: {log: {}}}")
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener()
    supervised.program("stream", supervised.python("stream.py", STREAM))
    supervised.start()
    supervised.wait_for(supervised.alerts, "the listener")
    for number in range(6):
        supervised.rules(f'on PROCESS_COMMUNICATION alert "{{data}}" # {number}')
        supervised.ask("signalProcess", "rl", "HUP")
    supervised.wait_for(lambda: len(supervised.alerts()) >= 400, "all alerts")
    assert supervised.texts() == dict.fromkeys(map(str, range(400)), 1)
    supervised.wait_for(lambda: supervised.counter("event:LISTENER_RULES_RELOADED"), "a reload")
