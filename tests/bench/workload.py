"""What is measured: rules, events, and the program that makes supervisord send them."""

EVENTS = 20_000
RULES = 1_000

RULE = """\
on PROCESS_COMMUNICATION where groupname == "service{n}" and json(data, "level") == "error"
  alert "{{process}}: {{data}}"
"""
FIRING_RULE = 'on PROCESS_COMMUNICATION where groupname == "writer" alert "{process}: {data}"\n'

# supervisord parses the marks by recursion: what it reads at once (64 KiB, a full pipe) must not hold too many of them.
WRITER = """\
import json, sys, time

time.sleep(3)
for number in range({events}):
    text = json.dumps({{"level": "info", "number": number, "text": "x" * 200}})
    sys.stdout.write("<!--XSUPERVISOR:BEGIN-->" + text + "<!--XSUPERVISOR:END-->")
sys.stdout.flush()
time.sleep(3600)
"""


def rules(*, firing: bool) -> str:
    """A thousand rules about other programs; with `firing`, one more that every event fires."""
    text = "".join(RULE.format(n=number) for number in range(RULES))
    return text + FIRING_RULE if firing else text


def writer() -> str:
    """The source of the program that sends the events."""
    return WRITER.format(events=EVENTS)
