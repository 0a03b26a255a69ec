"""What a recorder writes, and what supervisord's own log tells of the same events."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest

from rules_listener.event.event import Event
from rules_listener.event.findings import Findings
from rules_listener.event.recording import Reading
from rules_listener.event.rotation import parts_of
from rules_listener.tools.recordings import Recordings
from rules_listener.tools.supervisorconf import read_programs
from tests.e2e.supervised import Supervised

NOT_TOLD = ("TICK_", "PROCESS_LOG_", "PROCESS_COMMUNICATION_", "REMOTE_COMMUNICATION", "PROCESS_GROUP_")
"""Types of events of which supervisord logs nothing."""

IGNORE_TERM = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(600)\n"

Line = tuple[str, ...]
"""Type and fields of an event, as text."""


@pytest.fixture
def recording(supervised: Supervised) -> Path:
    """Where the recorder of `supervised` writes; it is not started yet."""
    path = supervised.folder / "events.jsonl"
    supervised.recorder(path)
    return path


def read(path: Path, reading: Reading | None = None) -> list[Event]:
    """All events in a recording, a log or a store, all of which can be read."""
    with Recordings([path], Findings(pytest.fail)) as opened:
        return list(opened.events(reading or Reading()))


def whole_log(supervised: Supervised) -> str:
    """The log with all its rotated files."""
    return "".join(supervised.read(path.name) for path in parts_of(supervised.folder / "supervisord.log"))


def told(supervised: Supervised) -> list[Event]:
    """The events that supervisord's log tells of."""
    programs = read_programs(supervised.folder / "supervisord.conf")
    return read(supervised.folder / "supervisord.log", Reading(programs=programs))


def line(event: Event) -> Line:
    """All that must be the same, but for the time."""
    return (event.type, *(f"{name}={value}" for name, value in event.fields.items()))


def lives(events: Iterable[Event]) -> list[list[Event]]:
    """The events of each life of supervisord."""
    found: list[list[Event]] = []
    for event in events:
        if event.type == "SUPERVISOR_STATE_CHANGE_RUNNING":
            found.append([])
        found[-1].append(event)
    return found


def split(life: list[Event]) -> tuple[list[Event], list[Event]]:
    """What came before supervisord stopped, and what came with that."""
    end = next(number for number, event in enumerate(life) if event.type == "SUPERVISOR_STATE_CHANGE_STOPPING")
    return life[:end], life[end:]


def by_process(events: Iterable[Event]) -> dict[str, list[Line]]:
    """The events about each process, and under "" those about none, in their order."""
    found: dict[str, list[Line]] = {}
    for event in events:
        found.setdefault(event.process or "", []).append(line(event))
    return found


def arrange_everything(supervised: Supervised) -> None:
    """Programs that do all that programs of supervisord do."""
    run = supervised.program
    run("early", 'sh -c "exit 3"', startsecs=1, startretries=2, autorestart="true")
    run("missing", "/there/is/no/such/program", startretries=1, autorestart="true")
    run("good", 'sh -c "sleep 1.3"', startsecs=1)
    run("bad", 'sh -c "sleep 1.3; exit 4"', startsecs=1, autorestart="unexpected")
    run("quick", 'sh -c "exit 1"')
    run("killed", "sleep 600", autorestart="true", startsecs=1)
    run("web", "sleep 600", numprocs=2, process_name="%(program_name)s_%(process_num)02d", startsecs=1)
    run("member", "sleep 600", startsecs=1)
    run("slow", supervised.python("slow.py", IGNORE_TERM), stopwaitsecs=1, startsecs=1)
    run("again", 'sh -c "exit 1"', startsecs=1, startretries=100, autorestart="true")
    run("given_up", 'sh -c "exit 1"', startsecs=1, startretries=100, autorestart="true")
    run("磁盘", 'sh -c "echo something that is long enough; exit 5"', startsecs=0, stdout_events_enabled="true")
    supervised.section("[group:team]\nprograms=member\n")


def wait_for_state(supervised: Supervised, name: str, state: str) -> None:
    """Wait until a process is in a state."""
    supervised.wait_for(lambda: supervised.info(name)["statename"] == state, f"{name} to be {state}")


def do_everything(supervised: Supervised) -> None:
    """Stop, kill, start, remove and add what runs."""
    ask = supervised.ask
    for name in ("killed", "web:web_00", "web:web_01", "team:member", "slow"):
        wait_for_state(supervised, name, "RUNNING")
    supervised.kill_program("killed")
    ask("stopProcess", "web:web_00")
    supervised.ctl("restart", "team:member")
    supervised.wait_for(lambda: whole_log(supervised).count("exited: again") == 3, "a pause of three seconds")
    ask("stopProcess", "again")
    supervised.ctl("start", "again")  # which fails, for it exits at once
    wait_for_state(supervised, "given_up", "BACKOFF")
    ask("stopProcess", "given_up")
    ask("stopProcess", "slow")
    ask("startProcess", "slow", False)  # noqa: FBT003 - likewise
    ask("stopProcess", "slow")
    ask("stopProcessGroup", "web")
    ask("removeProcessGroup", "web")
    ask("addProcessGroup", "web")
    wait_for_state(supervised, "good", "EXITED")
    ask("removeProcessGroup", "good")
    ask("addProcessGroup", "good")
    for name, state in (("early", "FATAL"), ("missing", "FATAL"), ("good", "EXITED"), ("web:web_01", "RUNNING")):
        wait_for_state(supervised, name, state)


ROTATED = "logfile_maxbytes=2KB\nlogfile_backups=500"


@pytest.mark.parametrize("loglevel", ["info", "debug"])
def test_the_log_tells_what_was_recorded(supervised: Supervised, recording: Path, loglevel: str) -> None:
    """The events in supervisord's log, in all its rotated files, are those that it sent, but for what is documented."""
    supervised.settings = f"loglevel={loglevel}\n{ROTATED}"
    arrange_everything(supervised)
    supervised.start()
    do_everything(supervised)
    wait_for_state(supervised, "again", "BACKOFF")
    supervised.ctl("reload")
    supervised.wait_for(lambda: whole_log(supervised).count("success: recorder") == 2, "the reload")
    wait_for_state(supervised, "good", "EXITED")
    assert supervised.end_cleanly() == 0
    all_recorded = read(recording)
    recorded_lives = lives(event for event in all_recorded if not event.type.startswith(NOT_TOLD))
    told_lives = lives(told(supervised))
    assert len(recorded_lives) == len(told_lives) == 2
    for recorded, from_log in zip(recorded_lives, told_lives, strict=True):
        compare_lives(recorded, from_log, loglevel)
    numbers = poolserials(all_recorded)
    second = numbers.index(0, 1)
    assert numbers == [*range(second), *range(len(numbers) - second)]
    assert {event.type for event in all_recorded if event.type.startswith(NOT_TOLD)} >= {
        "PROCESS_GROUP_REMOVED",
        "PROCESS_GROUP_ADDED",
        "PROCESS_LOG_STDOUT",
    }


def compare_lives(recorded: list[Event], from_log: list[Event], loglevel: str) -> None:
    """One life of supervisord, as it was recorded and as the log tells it."""
    (recorded_before, recorded_after), (told_before, told_after) = split(recorded), split(from_log)
    assert by_process(told_before) == but_for_what_is_not_told(by_process(recorded_before), loglevel)
    assert in_order(told_before, loglevel) == in_order(recorded_before, loglevel)
    # Once supervisord stops, it discards what the recorder did not take in time; and it tells of no FATAL.
    left = Counter(map(line, recorded_after)) - Counter(map(line, told_after))
    assert {kind for kind, *_ in left} <= {"PROCESS_STATE_FATAL"}
    same_time(recorded_before, told_before, but=set() if loglevel == "debug" else {"PROCESS_STATE_STOPPING"})


def but_for_what_is_not_told(recorded: dict[str, list[Line]], loglevel: str) -> dict[str, list[Line]]:
    """The recorded events as the log tells them: with the differences that the documents list, and no others."""
    told_lines = {name: list(lines) for name, lines in recorded.items()}
    stopped = ("PROCESS_STATE_STOPPED", "processname=given_up", "groupname=given_up", "from_state=BACKOFF", "pid=0")
    if loglevel == "info" and stopped in told_lines["given_up"]:
        told_lines["given_up"].remove(stopped)
    start = ("PROCESS_STATE_STARTING", "processname=good", "groupname=good", "from_state=STOPPED", "tries=0")
    if told_lines["good"].count(start) == 2:
        # its group was removed and added again, which the log does not tell
        second = len(told_lines["good"]) - 1 - told_lines["good"][::-1].index(start)
        told_lines["good"][second] = (*start[:3], "from_state=EXITED", "tries=0")
    return told_lines


def in_order(events: list[Event], loglevel: str) -> list[tuple[str, str | None]]:
    """Types and processes of events in their order, without those that the log tells late."""
    late = {"info": {"PROCESS_STATE_STOPPING"}, "debug": set()}[loglevel]
    return [(event.type, event.process) for event in events if not (event.type in late or is_stopped_in_backoff(event))]


def is_stopped_in_backoff(event: Event) -> bool:
    """Whether a process was stopped while it waited for its next try."""
    return event.type == "PROCESS_STATE_STOPPED" and event.fields["from_state"] == "BACKOFF"


def same_time(recorded: list[Event], from_log: list[Event], but: set[str]) -> None:
    """Each event was received when or soon after it was logged; those of the start, when the recorder was there."""
    there = next(
        event.time for event in from_log if line(event)[:2] == ("PROCESS_STATE_RUNNING", "processname=recorder")
    )
    for name in by_process(recorded):
        moments = [[event for event in events if event.process == name] for events in (recorded, from_log)]
        for first, second in zip(*moments, strict=False):
            if second.type == first.type and first.type not in but | {"PROCESS_STATE_STOPPED"}:
                assert -0.01 < first.time - max(second.time, there) < 2.5, (first, second)


def poolserials(events: Iterable[Event]) -> list[int]:
    """The numbers that supervisord gave the events within the recorder's pool."""
    return [int(event.header["poolserial"]) for event in events]


def test_a_recorder_that_is_killed(supervised: Supervised, recording: Path) -> None:
    """However often the recorder is killed, every event is recorded, whole; one that was not answered may be twice."""
    texts = [f"{number}" for number in range(200)]
    supervised.say("say", *texts)
    supervised.start()
    supervised.wait_for(lambda: recording.exists() and len(said(read(recording))) == len(texts), "the first events")
    for count in range(2, 7):
        size = recording.stat().st_size
        supervised.ask("startProcess", "say")
        supervised.wait_for(lambda before=size: recording.stat().st_size > before, "more events")  # type: ignore[misc]
        supervised.kill(supervised.listener_pid("recorder"))
        supervised.wait_for(lambda number=count: len(said(once(recording))) == len(texts) * number, "all of them")  # type: ignore[misc]
    numbers = poolserials(once(recording))
    assert numbers == list(range(len(numbers)))
    assert Counter(said(once(recording))) == Counter(texts * 6)
    assert recording.stat().st_mode & 0o777 == 0o600


def once(recording: Path) -> list[Event]:
    """The events in a recording, without those that were recorded before."""
    return list({event.header["poolserial"]: event for event in read(recording)}.values())


def said(events: Iterable[Event]) -> list[str]:
    """The texts that programs sent."""
    return [event.data or "" for event in events if event.type == "PROCESS_COMMUNICATION_STDOUT"]


def test_rotation(supervised: Supervised) -> None:
    """A recording is rotated by its size, no event is lost by that, and its parts are read as one."""
    path = supervised.folder / "events.jsonl"
    supervised.recorder(path, "--rotate 4KiB --keep 1000")
    supervised.say("say", *map(str, range(100)))
    supervised.start()
    supervised.wait_for(lambda: path.exists() and len(said(read(path))) == 100, "all events")
    assert said(read(path)) == [str(number) for number in range(100)]
    assert len(parts_of(path)) > 3
    assert {part.stat().st_size <= 4096 for part in parts_of(path)} == {True}


def test_a_recorder_beside_a_listener(supervised: Supervised, recording: Path) -> None:
    """The recording holds the same events as the journal of a listener; each has its own numbers."""
    supervised.rules('on PROCESS_COMMUNICATION alert "{data}"')
    supervised.listener(events="PROCESS_COMMUNICATION")
    supervised.say("say", "one", "two", "three")
    supervised.start()
    supervised.wait_for_texts("one", "two", "three")
    supervised.wait_for(lambda: supervised.counter("event:PROCESS_COMMUNICATION_STDOUT") == 3, "the journal")
    supervised.wait_for(lambda: len(said(read(recording))) == 3, "the recording")
    recorded = [event for event in read(recording) if said([event])]
    journalled = [event for event in read(supervised.state) if not event.type.startswith("LISTENER_")]
    assert list(map(line, recorded)) == list(map(line, journalled))
    assert [event.data for event in recorded] == [event.data for event in journalled]
    assert [event.header["serial"] for event in recorded] == [event.header["serial"] for event in journalled]
    assert [event.header["pool"] for event in recorded + journalled] == ["recorder"] * 3 + ["rl"] * 3
    time, _, report = supervised.read("recorder.err").partition(" ")
    assert report == f"rules-listener: recording to {recording}\n"
    assert datetime.fromisoformat(time).tzinfo is not None
