"""What `alerts` and `status` show: on terminals of several widths, in a pipe, and as JSON."""

import fcntl
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from random import Random
from typing import TextIO

import pytest
from click.testing import CliRunner
from rich.console import Console

from rules_listener.event.event import Event
from rules_listener.event.wire import Frame
from rules_listener.lang.checked import RuleSet
from rules_listener.match.compile import compile_rules
from rules_listener.outbox.alert import Alert, Delivery
from rules_listener.outbox.channel import GaveUp, Outcome, RetryLater, Sent
from rules_listener.outbox.database import Database
from rules_listener.outbox.listing import Listed, Listing
from rules_listener.outbox.queue import Queue
from rules_listener.outbox.store import Received, Store
from rules_listener.serve.bundle import Bundle, Origin, dump_bundle, keep_bundle
from rules_listener.serve.config import ChannelConfig, default_config
from rules_listener.serve.listener import LOCK_NAME
from rules_listener.tools import alerts as alerts_module
from rules_listener.tools import show, told
from rules_listener.tools.cli import cli

NOW = 1_764_000_000.0
LONG = "550 5.1.1 <oncall@example.org>: Recipient address rejected: User unknown in virtual mailbox table"
OUTCOMES: dict[str, Outcome] = {
    "ops": Sent(),
    "mail": GaveUp(LONG),
    "hook": RetryLater("connection to hook.example.org refused", 1800.0),
}


def id_of(number: int, channel: str) -> str:
    """The id of a delivery of alert `number`."""
    return blake2b(f"{number} {channel}".encode(), digest_size=10).hexdigest()


def _alert(number: int, *channels: str, held: str | None = None, rule: str = "crash_loop") -> Alert:
    event = Event("PROCESS_STATE_EXITED", NOW, {"processname": "nginx", "groupname": "web", "pid": number})
    deliveries = tuple(Delivery(id_of(number, channel), channel, f"web:nginx died {number}") for channel in channels)
    return Alert(NOW, rule, "web:nginx", "alert", "critical", event, deliveries, held)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A store with deliveries in each state."""
    store, database = Store(tmp_path), Database(tmp_path)
    queue = Queue(database, random=Random(1))  # noqa: S311 - a test repeats itself
    store.commit([_alert(1, *OUTCOMES), _alert(2, "chat")], None, time=NOW)
    queue.expand(NOW)
    claimed = [one for series in queue.claim(NOW, dict.fromkeys([*OUTCOMES, "chat"], 1)) for one in series]
    outcomes = [(one.n, OUTCOMES[one.message.channel]) for one in claimed if one.message.channel in OUTCOMES]
    queue.settle(outcomes, NOW)
    store.commit([_alert(3, "ops", held="muted: backups"), _alert(4, rule="nowhere"), _alert(5, "ops")], None, time=NOW)
    Listing(tmp_path).drop(id_of(5, "ops"), NOW)
    store.journal([Received(NOW, Frame(b"header", b"payload"))], counts={"event:TICK_60": 3, "lost": 2})
    store.commit([_alert(6, "ops", rule="new")], None, time=NOW)
    yield tmp_path
    store.close()
    database.close()


Run = Callable[..., str]


@pytest.fixture
def lock(state: Path) -> Iterator[TextIO]:
    """The lock of a listener that runs."""
    with (state / LOCK_NAME).open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


@pytest.fixture
def run(state: Path, lock: TextIO) -> Run:
    """Runs a command line on the store of a listener that runs; what it prints."""
    assert lock

    def ran(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(cli, [*arguments, "--state", str(state)])
        assert result.exit_code == status, result.output
        return str(result.output)

    return ran


def test_a_pipe_gets_one_line_for_each_delivery(run: Run) -> None:
    """Nothing is cut and nothing broken, so that `grep` finds all that belongs together."""
    lines = run("alerts", "list").splitlines()
    assert len(lines) == 8
    assert [line.split()[3] for line in lines] == [
        *("sent", "given_up", "waiting", "sending", "held", "held", "dropped", "waiting")
    ]
    (given_up,) = [line for line in lines if "mail" in line]
    assert given_up.endswith(
        f"{id_of(1, 'mail')}  given_up  firing  critical  crash_loop  web:nginx  mail  web:nginx died 1"
        f" (given up after 1 try: {LONG})"
    )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("what", [("alerts", "list"), ("alerts", "show", id_of(1, "mail")), ("status",)])
def test_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, width: int, what: tuple[str, ...]) -> None:
    """Every line fits; neither an id nor the name of a channel is broken."""
    screen = StringIO()
    monkeypatch.setattr(show, "console", lambda: Console(file=screen, width=width, highlight=False))
    monkeypatch.setattr(alerts_module, "is_terminal", lambda: True)
    run(*what)
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()}
    assert {"mail", "hook", "ops"} <= words
    if what == ("alerts", "list"):
        assert {id_of(1, "mail")[:8], id_of(6, "ops")[:8]} <= words


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("length", [23, 39, 75])
@pytest.mark.parametrize("what", ["list", "show", "status"])
def test_a_long_name_of_a_channel_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, length: int, width: int
) -> None:
    """Where a channel's name takes much room, it is folded: its id, how it stands and why stay to be read."""
    channel = "pager_of_the_team_" + "x" * (length - 18)
    _given_up(tmp_path, channel)
    screen = StringIO()
    monkeypatch.setattr(show, "console", lambda: Console(file=screen, width=width, highlight=False))
    monkeypatch.setattr(alerts_module, "is_terminal", lambda: True)
    command = {"list": ["alerts"], "show": ["alerts", "show", id_of(1, channel)], "status": ["status"]}[what]
    done = CliRunner().invoke(cli, [*command, "--state", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in screen.getvalue()
    wanted = {"list": id_of(1, channel)[:8], "show": id_of(1, channel), "status": "given up"}[what]
    assert wanted in screen.getvalue()
    letters = Counter("".join(screen.getvalue().split()))
    assert letters >= Counter("".join(f"{channel} given up {LONG}".split()))


def _given_up(state: Path, channel: str) -> None:
    """A store with one alert, which was given up."""
    store, queue = Store(state), Queue(Database(state), random=Random(1))  # noqa: S311 - a test repeats itself
    store.commit([_alert(1, channel)], None, time=NOW)
    store.close()
    queue.expand(NOW)
    ((claimed,),) = queue.claim(NOW, {channel: 1})
    queue.settle([(claimed.n, GaveUp(LONG))], NOW)
    queue.close()


@pytest.mark.parametrize("width", [80, 100])
def test_the_story_of_an_alert_with_many_channels(
    run: Run, state: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Time and phase are whole, and everything is there, however many channels were told."""
    channels, store = ("operations", "telephone", "mailing_list", "alertmanager", "chat_room"), Store(state)
    phases = ("firing", "reminder", "recovery")
    alerts = [
        _alert(number, *channels)._replace(phase=phase, incident="i", opened=NOW, time=NOW + 60 * minutes)
        for minutes, (number, phase) in enumerate(zip((7, 8, 9), phases, strict=True))
    ]
    store.commit(alerts, None, time=NOW)
    store.close()
    screen = StringIO()
    monkeypatch.setattr(show, "console", lambda: Console(file=screen, width=width, highlight=False))
    run("alerts", "show", id_of(7, channels[0]))
    _, _, story = screen.getvalue().partition("what was said while it was open")
    lines = [line.split() for line in story.splitlines()]
    told_of = [line[2:] for line in lines if line[2:3] and line[2] in phases]
    assert told_of == [[phase, "web:nginx", "died", str(7 + n)] for n, phase in enumerate(phases)]
    words = [word for line in lines for word in line]
    assert [word for word in words if word in channels] == [*channels] * 3
    assert max(map(len, story.splitlines())) <= width


def test_what_is_held_back_is_one_line(run: Run, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal an alert that was held back for several channels is told once."""
    Store(state).commit([_alert(7, *"abcdefgh", held="at most 1 per 1h")], None, time=NOW)
    monkeypatch.setattr(alerts_module, "is_terminal", lambda: True)
    lines = run("alerts", "-n1").rstrip().splitlines()[2:]
    assert [line.split(maxsplit=1)[-1].rstrip() for line in lines] == [
        "web:nginx died 7",
        "critical",
        "a and 7 more  held: at most 1 per 1h",
    ]


@pytest.mark.parametrize("count", ["0", "-5", "x"])
def test_a_number_of_alerts_is_one_or_more(run: Run, count: str) -> None:
    """Anything else is refused, instead of a list that is empty or whole."""
    assert "Invalid value for '-n'" in run("alerts", "list", "-n", count, status=2)
    assert len(run("alerts", "list", "-n", "6").splitlines()) == 8
    assert len(run("alerts", "list", "-n", "1", "--channel", "mail").splitlines()) == 1


@pytest.mark.parametrize("what", [("status",), ("alerts", "show", id_of(1, "mail"))])
def test_a_pipe_is_as_wide_as_columns_say(run: Run, monkeypatch: pytest.MonkeyPatch, what: tuple[str, ...]) -> None:
    """Without COLUMNS nothing is broken, with it lines fit; none ends in blanks."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    wide = run(*what)
    monkeypatch.setenv("COLUMNS", "70")
    narrow = run(*what)
    assert LONG in wide
    assert LONG not in narrow
    assert max(map(len, narrow.splitlines())) <= 70
    assert [line for line in (wide + narrow).splitlines() if line != line.rstrip()] == []


def test_ids_are_as_long_as_they_have_to_be() -> None:
    """Ids are cut to where they can be told apart, and not below eight characters."""
    assert alerts_module.id_length(["abcdefghij", "bbcdefghij", ""]) == 8
    assert alerts_module.id_length(["abcdefghij", "abcdefghiX"]) == 10
    assert alerts_module.id_length(["abcdefghij", "abcdefghij-2"]) == 11
    assert alerts_module.id_length(["a"]) == 1


def test_what_is_listed_can_be_chosen(run: Run) -> None:
    """By channel, rule, key and state; if nothing is left, that is said."""
    assert len(run("alerts", "list", "--channel", "ops", "--channel", "mail").splitlines()) == 5
    assert len(run("alerts", "list", "--rule", "new").splitlines()) == 1
    assert len(run("alerts", "list", "--only", "waiting", "--key", "web:nginx").splitlines()) == 2
    given_up = run("alerts", "list", "--only", "given_up")
    assert given_up == run("alerts", "list", "--only", "given up")
    assert len(given_up.splitlines()) == 1
    assert run("alerts", "list", "--channel", "ops", "--rule", "nonsense") == "there are no such alerts\n"


def test_a_list_need_not_be_asked_for_by_name(run: Run) -> None:
    """`alerts` lists, with the options of `alerts list`; its help is the group's."""
    assert run("alerts") == run("alerts", "list")
    assert run("alerts", "--only", "held", "-n1") == run("alerts", "list", "--only", "held", "-n1") != ""
    assert "retry" in CliRunner().invoke(cli, ["alerts", "--help"]).output


def test_a_configuration_with_an_error_shows_what_there_is(state: Path, run: Run, tmp_path: Path, lock: TextIO) -> None:
    """What is wrong elsewhere in it hides nothing; if the state folder is not known, that and the remedy are said."""
    config = tmp_path / "c.yaml"
    config.write_text(f"state: {state}\ndefault: [nope]\n")
    fcntl.flock(lock, fcntl.LOCK_UN)
    done = CliRunner().invoke(cli, ["alerts", "--config", str(config)])
    assert (done.exit_code, done.output) == (0, run("alerts"))
    lines = CliRunner().invoke(cli, ["status", "--config", str(config)]).output.splitlines()
    hindrance = [line for line in lines if line not in run("status").splitlines()]
    assert "it can't start: RL303" in hindrance[0]
    assert [line for line in lines if line not in hindrance] == run("status").splitlines()
    config.write_text("sate: x\n")
    done = CliRunner().invoke(cli, ["status", "--config", str(config)])
    assert done.exit_code == 2
    assert "name that with --state" in done.output
    assert "did you mean `state`?" in done.output


def test_json_has_everything(run: Run) -> None:
    """Lists and stories as JSON say when, why, which try and when next, by the same names."""
    listed = json.loads(run("alerts", "list", "--format", "json"))
    (hook,) = [one for one in listed if one["channel"] == "hook"]
    assert (hook["attempts"], hook["due"], hook["since"], hook["changed"]) == (1, NOW + 1800, NOW, NOW)
    shown = json.loads(run("alerts", "show", hook["id"], "--format", "json"))
    assert {name: shown[name] for name in hook} == hook
    assert [one["state"] for one in shown["deliveries"]] == ["sent", "given_up", "waiting"]
    status = json.loads(run("status", "--format", "json"))
    assert status["held"] == {"muted: backups": 1}
    assert status["firings"] == {"crash_loop": 4, "nowhere": 1}
    assert {"channel": "hook", "oldest": NOW, "next_due": NOW + 1800} in status["queues"]
    assert {"time": NOW, "channel": "mail", "reason": LONG, "state": "given_up", "number": 1} in status["errors"]


def test_an_id_may_be_cut_short(run: Run) -> None:
    """The beginning of an id is enough where it is clear; where it is not, the ids are named."""
    whole = id_of(1, "mail")
    assert run("alerts", "retry", whole[:8]) == f"{whole} waits to be sent again\n"
    first = whole[0]
    assert run("alerts", "drop", first, status=1).startswith(f"several alerts begin with {first}: ")
    assert run("alerts", "show", "", status=1).startswith("there is no alert ")


def test_what_is_being_sent_can_be_changed_afterwards(run: Run, state: Path) -> None:
    """It is said that one is under way, and of several, how many are, beside what was done about the others."""
    chat = id_of(2, "chat")
    Store(state).commit([_alert(7, "chat")], None, time=NOW)
    for verb in ("retry", "drop"):
        said = "being sent now: try that again when it has ended\n"
        assert run("alerts", verb, chat, status=1) == f"{chat} is {said}"
        assert run("alerts", verb, "--channel", "chat").endswith(f", 1 alert is {said}")
    assert run("alerts", "drop", "--channel", "chat") == "1 alert is being sent now: try that again when it has ended\n"
    assert json.loads(run("alerts", "show", id_of(7, "chat"), "--format", "json"))["state"] == "dropped"


def keep_configured(state: Path, channel: ChannelConfig) -> None:
    """Have a listener use a configuration with one channel."""
    config = default_config(state)._replace(channels=(channel,))
    keep_bundle(dump_bundle(Bundle(Origin("", (), "", {}), config, compile_rules(RuleSet(())))), state)


def test_what_waits_for_its_digest_says_so(state: Path, run: Run) -> None:
    """What channels gather is taken from the configuration in use: all of a digest is tried, and retried, as one."""
    store, database = Store(state), Database(state)
    store.commit([_alert(number, "mails")._replace(key=f"k{number}") for number in (7, 8)], None, time=NOW)
    Queue(database, random=Random(1), gather_s={"mails": 9e9}).expand(NOW)  # noqa: S311 - a test repeats itself
    keep_configured(state, ChannelConfig("mails", "log", {"batch": {"every": 9e9}}, ()))
    lines = run("alerts", "--channel", "mails").splitlines()
    assert [re.search(r"try 1 in \S+", line) is not None for line in lines] == [True, True]
    assert run("alerts", "retry", "--channel", "mails") == "2 alerts that waited are tried now\n"
    store.close()
    database.close()


def test_all_that_was_given_up_is_sent_again(run: Run) -> None:
    """Alerts of a channel, rule or key are sent again together; which, has to be said, and in one way."""
    assert run("alerts", "retry", "--rule", "new") == "1 alert waits for a courier\n"
    assert run("alerts", "retry", "--channel", "mail", "--rule", "crash_loop") == "1 alert waits to be sent again\n"
    assert json.loads(run("alerts", "list", "--channel", "mail", "--format", "json"))[0]["state"] == "waiting"
    for verb in ("retry", "drop"):
        assert "say which alerts" in run("alerts", verb, status=2)
        assert "say which alerts" in run("alerts", verb, "id", "--channel", "mail", status=2)
        assert run("alerts", verb, "--key", "web:none", status=1).startswith("there are no such alerts")
        assert run("alerts", verb, "--rule", "nowhere").endswith(": there is nothing to do\n")


def test_all_that_waits_is_tried_now(run: Run, state: Path) -> None:
    """What waits for its next try does not wait any longer, what is behind it follows; that can be told of one, too."""
    store, database = Store(state), Database(state)
    store.commit([_alert(7, "hook"), _alert(8, "hook", "mail")], None, time=NOW)
    store.close()
    Queue(database, random=Random(1)).expand(NOW)  # noqa: S311 - a test repeats itself
    with database as execute:
        execute("UPDATE deliveries SET due = 9e9 WHERE id = ?", (id_of(1, "hook"),))
    assert run("alerts", "retry", id_of(8, "hook"), status=1).startswith(
        f"{id_of(8, 'hook')} waits behind {id_of(1, 'hook')}, an earlier one of its key, which may be retried"
    )
    assert run("alerts", "retry", "--channel", "hook", "--channel", "mail") == (
        "1 alert waits to be sent again, 1 alert that waited is tried now, 2 alerts wait behind earlier ones\n"
    )
    assert run("alerts", "retry", id_of(1, "hook"), status=1).endswith(" is waiting: there is nothing to do\n")
    database.close()


def test_without_a_listener(state: Path, run: Run, lock: TextIO) -> None:
    """Where no listener runs, nothing is tried now."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    said = "the listener does not run: nothing is sent until it starts\n"
    with closing(Database(state)) as database, database as execute:
        execute("UPDATE deliveries SET due = 9e9 WHERE id = ?", (id_of(1, "hook"),))
    assert run("alerts", "retry", "--channel", "hook") == f"{said}1 alert that waited is tried when it starts\n"
    mail = id_of(1, "mail")
    assert run("alerts", "retry", mail) == f"{said}{mail} waits to be sent again\n"
    assert run("alerts", "drop", mail) == f"{mail} is dropped\n"


@pytest.mark.parametrize("verb", ["list", "retry", "drop"])
def test_a_channel_that_is_not_there(run: Run, verb: str, state: Path) -> None:
    """Which there are is known from the store, and from the configuration in use."""
    stored = "chat, hook, mail, ops"
    said = run("alerts", verb, "--channel", "mial", status=1)
    assert said == f"there is no channel mial: there are {stored}\n"
    keep_configured(state, ChannelConfig("pager", "log", {}, ()))
    assert run("alerts", verb, "--channel", "mial", status=1) == f"{said.rstrip()}, pager\n"
    assert run("alerts", "list", "--channel", "pager") == "there are no such alerts\n"


def test_several_are_changed_each_by_itself(run: Run) -> None:
    """One about which nothing can be done hinders no other; one that is not clear does, before anything is changed."""
    held, mail, hook = id_of(3, "ops"), id_of(1, "mail"), id_of(1, "hook")
    assert run("alerts", "retry", mail, "", hook[0], status=1) == run("alerts", "retry", hook[0], status=1)
    assert run("alerts", "drop", held, mail, "nonsense", hook, status=1).splitlines() == [
        f"{mail} is dropped",
        f"{hook} is dropped",
        f"{held} is held: there is nothing to do",
        "there is no alert nonsense: `rules-listener alerts` lists them",
    ]


def test_all_that_waits_or_was_given_up_is_dropped(run: Run) -> None:
    """Alerts of a channel, rule or key are dropped together; what was sent stays as it is."""
    assert run("alerts", "drop", "--rule", "crash_loop", "--channel", "hook") == "1 alert is dropped\n"
    said = run("alerts", "drop", "--key", "web:nginx")
    assert said == "2 alerts are dropped, 1 alert is being sent now: try that again when it has ended\n"
    states = [line.split()[3] for line in run("alerts").splitlines()]
    assert sorted(states) == ["dropped"] * 4 + ["held"] * 2 + ["sending", "sent"]


LISTED = Listed(
    *("id", "waiting", 1, NOW, "rule", "key", "alert", "firing", "error", None, None, "ops", "text", ()),
    *("busy", 2, NOW + 300.4, NOW - 900, NOW - 60),
)

OPENED = show.clock_time(NOW)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, " for 15m, try 3 in 5m: busy"),
        ({"due": NOW}, " for 15m, try 3 now: busy"),
        ({"due": None}, " for 15m, behind an earlier one: busy"),
        ({"changed": None, "due": None, "reason": None}, " for 15m, no courier has taken it in yet"),
        ({"state": "sending", "attempts": 1, "reason": None}, " for 1m, try 1"),
        ({"state": "sent", "attempts": 1, "reason": None}, ""),
        ({"state": "sent", "reason": None}, " at try 2"),
        ({"state": "given_up"}, " after 2 tries: busy"),
        ({"state": "given_up", "attempts": 1}, " after 1 try: busy"),
        ({"state": "held", "reason": "muted: backups"}, ": muted: backups"),
        ({"state": "held", "reason": "already open since 2025-11-24T17:00:00+01:00"}, f": already open since {OPENED}"),
        ({"state": "held", "reason": "already open since then"}, ": already open since then"),
        ({"state": "dropped"}, " by hand; it had failed: busy"),
        ({"state": "dropped", "reason": None}, " by hand"),
    ],
)
def test_how_a_delivery_stands(changes: dict[str, object], said: str) -> None:
    """Each state is told with what there is to know: since when, which try, when next, and why."""
    assert told.standing(LISTED._replace(**changes), NOW) == said  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "shape"), [(0, "HH:MM:SS"), (-1, "mm-dd HH:MM"), (-400, "YYYY-mm-dd")], ids=["today", "before", "long ago"]
)
def test_a_moment_in_a_narrow_place(day: int, shape: str) -> None:
    """A moment is told as short as it is clear."""
    noon = datetime(2025, 11, 24, 12).astimezone().timestamp()
    assert re.sub(r"\d", "0", show.short_time(noon + day * 86_400, noon)) == re.sub("[A-Za-z]", "0", shape)


def test_rules_that_were_rejected_are_told(run: Run, state: Path) -> None:
    """`status` says since when rules are loaded, and that newer ones were rejected."""
    store = Store(state)
    store.journal([], notes={"loaded_ms": 1000, "rejected_ms": 2000})
    store.close()
    shown = " ".join(run("status").split())
    assert "new ones were rejected" in shown
    assert "the old ones stay matched most: crash_loop" in shown


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("alert", (), "text"),
        ("run", ("cleanup", "--force"), "run cleanup --force"),
        ("restart", ("restart", "web:nginx"), "restart web:nginx"),
        ("shutdown", ("shutdown",), "shutdown"),
    ],
)
def test_what_an_action_does(kind: str, arguments: tuple[str, ...], said: str) -> None:
    """An action is told by its name, once, and what it is done with."""
    assert told.said(LISTED._replace(kind=kind, arguments=arguments)) == said


def test_what_events_say_does_nothing_to_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control characters of alerts are spelled, brackets are no markup; JSON has all as it is."""
    said = "[/bold] \x1b[2J\x9b1A\u202e[red]end"
    event = Event("PROCESS_COMMUNICATION_STDOUT", NOW, {"processname": said, "groupname": "web", "pid": 1}, said)
    alerts = [Alert(NOW, "r", said, "alert", "error", event, (Delivery("id1", "ops", said),), incident="i", opened=NOW)]
    Store(tmp_path).commit(alerts, None, time=NOW)
    monkeypatch.setenv("FORCE_COLOR", "")
    options = ["--state", str(tmp_path)]
    for is_terminal in (True, False):
        monkeypatch.setattr(alerts_module, "is_terminal", lambda is_terminal=is_terminal: is_terminal)
        for command in (["alerts", "list"], ["alerts", "show", "id1"], ["status"]):
            done = CliRunner().invoke(cli, [*command, *options])
            assert done.exit_code == 0, done.output
            assert [line for line in done.output.split("\n") if not line.isprintable()] == []
            assert command == ["status"] or "[/bold] \\u001b[2J\\u009b1A\\u202e[red]end" in done.output
    (told_to_programs,) = json.loads(CliRunner().invoke(cli, ["alerts", "list", *options, "--format", "json"]).output)
    assert told_to_programs["text"] == said
