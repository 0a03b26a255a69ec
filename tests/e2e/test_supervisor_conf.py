"""What `check --supervisor-conf` says of a real supervisord's configuration, and what that supervisord then does."""

import re
import subprocess
import sys

from tests.e2e.supervised import Supervised

RULES = """\
on PROCESS_STATE_BACKOFF where tries >= 3 and groupname == "bad" alert "never"
on PROCESS_STATE_BACKOFF where tries == 2 alert "tried {tries} times"
on PROCESS_STATE_FATAL alert "gave up"
on PROCESS_LOG alert "never"
on PROCESS_COMMUNICATION where groupname == "quiet" alert "never"
on PROCESS_COMMUNICATION where groupname == "loud" alert "{data}"
on started where groupname in ["louder"] alert "never"
on TICK_5 alert "never"
"""


def test_what_never_comes(supervised: Supervised) -> None:
    """Rules that are reported do not fire, and the others do, on the same supervisord."""
    supervised.rules(RULES)
    supervised.listener(events="PROCESS_STATE,PROCESS_LOG,PROCESS_COMMUNICATION,SUPERVISOR_STATE_CHANGE,TICK_60")
    supervised.program("bad", "false", startsecs=60, startretries=1)
    supervised.say("loud", "one")
    supervised.say("quiet", "two", stdout_capture_maxbytes=0)
    supervised.start()
    supervised.wait_for_texts("tried 2 times", "gave up", "one")
    path = supervised.folder / "supervisord.conf"
    command = ["check", "--config", str(supervised.config_path), "--supervisor-conf", str(path), "--format", "github"]
    done = subprocess.run(
        [sys.executable, "-m", "rules_listener", *command], capture_output=True, text=True, check=False, timeout=60
    )
    said = re.findall(r"test\.rules,line=(\d+),.*?title=(RL\d+)", done.stdout)
    assert said == [("1", "RL524"), ("4", "RL522"), ("5", "RL523"), ("7", "RL521"), ("8", "RL503")], done.stdout
    assert done.returncode == 1
