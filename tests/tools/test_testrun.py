"""Rule tests are read and run; what people see of it is in `scenarios/`."""

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from rules_listener.base.clock import ManualClock
from rules_listener.base.diagnostics import as_text
from rules_listener.event.event import Event
from rules_listener.event.jsonlines import encode_line
from rules_listener.event.wire import Frame, encode
from rules_listener.outbox.alert import Alert, alerts_of
from rules_listener.outbox.store import Received, Store
from rules_listener.tools.cli import cli
from rules_listener.tools.testfile import Library, Suite, read_suite, suite_of
from rules_listener.tools.testreport import as_plain, failure, shown
from rules_listener.tools.testrun import Ran, run_tests
from tests.match.harness import engine
from tests.zones import zone_of_host

RULES = 'rule gone on PROCESS_STATE_FATAL alert "{process} is gone"\n'


def written(folder: Path, text: str, rules: str = RULES) -> Suite:
    """The suite in a file that has no mistake; its rules are in `x.rules` beside it."""
    (folder / "x.rules").write_text(rules, encoding="utf-8")
    (folder / "x.test.yaml").write_text(text, encoding="utf-8")
    suite, found = read_suite(folder / "x.test.yaml", None, Library())
    assert suite is not None, as_text(found)
    assert as_text(found) == ""
    return suite


def run(suite: Suite) -> list[Ran]:
    """All tests of a suite, run."""
    return list(run_tests(suite, suite.tests, ManualClock()))


def texts(alerts: Iterator[Alert] | list[Alert]) -> list[tuple[float, str, list[tuple[str, str, str]]]]:
    """When, why held, and what goes where, under which id."""
    return [
        (one.time, one.held or "", [(other.id, other.channel, other.text) for other in one.deliveries])
        for one in alerts
    ]


def test_what_is_sent_is_what_a_listener_would_send(tmp_path: Path) -> None:
    """A test's alerts are those of an engine that gets the same events, byte for byte, ids included."""
    rules = """
        rule crash on crashed 2 times in 10m alert "{process} {count} {id}" to ops until started remind every 1m
        rule silent on no TICK_60 for 5m alert "no tick for {elapsed}"
    """
    suite = written(
        tmp_path,
        """
rules: [x.rules]
tests:
  - name: a
    events: [0s TICK_60 x3 every 1m, 5s PROCESS_STATE_BACKOFF web x4 every 7s, 3m PROCESS_STATE_RUNNING web]
    alerts: []
    until: 1h
""",
        rules,
    )
    (ran,) = run(suite)
    live = engine(rules)
    firings = [*live.advance(ran.start)]
    for event in ran.events:
        firings += live.feed(event)
    firings += live.advance(ran.start + 3600)
    assert texts(list(ran.alerts)) == texts([alert for one in firings for alert in alerts_of(one, ("out",))])
    assert len(ran.alerts) > 4


def test_events_have_what_supervisord_gives_them(tmp_path: Path) -> None:
    """Each has a header with numbers that go on in the order in which they come; the listener's own have none."""
    suite = written(
        tmp_path,
        """
rules: [x.rules]
tests:
  - name: a
    events:
      - 9s PROCESS_STATE_FATAL web server=west
      - 0s LISTENER_STARTED
      - 5s TICK_5
    alerts: [{at: 9s}]
""",
    )
    (ran,) = run(suite)
    assert ran.passed
    assert [one.header for one in ran.events] == [
        {},
        {
            "ver": "3.0",
            "server": "supervisor",
            "pool": "rules-listener",
            "serial": 1,
            "poolserial": 1,
            "eventname": "TICK_5",
        },
        {
            "ver": "3.0",
            "server": "west",
            "pool": "rules-listener",
            "serial": 2,
            "poolserial": 2,
            "eventname": "PROCESS_STATE_FATAL",
        },
    ]


def test_a_test_says_the_same_on_every_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, environment and time zone are those of the file, in conditions and in texts."""
    monkeypatch.setenv("STAGE", "here")
    rules = """
        rule a on PROCESS_STATE_FATAL where host != "web01" alert "{host} {fqdn} {ip} {env('STAGE')} {time}"
        rule b on PROCESS_STATE_FATAL where host == "web01" alert "{host} {fqdn} {ip} {env('STAGE')} {time}"
    """
    plain = """
rules: [x.rules]
tests:
  - {name: a, events: [0s PROCESS_STATE_FATAL web], alerts: [{rule: a}]}
"""
    given = "host: web01\nfqdn: web01.example.org\nip: 192.0.2.7\nenv: {STAGE: test}\ntimezone: Europe/Berlin\n"
    with zone_of_host("Asia/Tokyo"):
        first, second = (run(written(tmp_path, text, rules))[0] for text in (plain, given + plain))
    assert first.alerts[0].deliveries[0].text == "localhost localhost 127.0.0.1 - 2024-01-01T00:00:00+00:00"
    assert second.alerts[0].rule == "b"
    text = second.alerts[0].deliveries[0].text
    assert text == "web01 web01.example.org 192.0.2.7 test 2024-01-01T00:00:00+01:00"
    assert first.start - second.start == 3600
    assert os.environ["STAGE"] == "here"


def fatal(moment: float) -> Event:
    """A process is given up."""
    fields: dict[str, str | int] = {"processname": "web", "groupname": "web", "from_state": "BACKOFF"}
    header: dict[str, str | int] = {"serial": 3, "poolserial": 3, "pool": "rl", "server": "s", "ver": "3.0"}
    return Event("PROCESS_STATE_FATAL", moment, fields, None, header)


def _lines(path: Path) -> None:
    path.write_bytes(encode_line(fatal(1000.0)))


def _compressed(path: Path) -> None:
    path.write_bytes(gzip.compress(encode_line(fatal(1000.0))))


def _capture(path: Path) -> None:
    path.write_bytes(encode(fatal(1000.0)))


def _log(path: Path) -> None:
    path.write_text(
        "2025-11-23 20:00:00,000 INFO spawned: 'web' with pid 7\n"
        "2025-11-23 20:00:00,100 INFO gave up: web entered FATAL state, too many start retries too quickly\n",
        encoding="utf-8",
    )


def _store(path: Path) -> None:
    store = Store(path)
    header, payload = encode(fatal(1000.0)).split(b"\n", 1)
    store.journal([Received(1000.0, Frame(header, payload))])
    store.close()


@pytest.mark.parametrize("make", [_lines, _compressed, _capture, _log, _store])
def test_any_kind_of_recording(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A recording is whatever holds events: JSON lines, compressed or not, a capture, a log, a store."""
    make(tmp_path / "incident")
    suite = written(
        tmp_path,
        "rules: [x.rules]\ntests: [{name: a, recording: incident, alerts: [{rule: gone, message: web is gone}]}]\n",
    )
    (ran,) = run(suite)
    assert ran.passed
    assert [one.type for one in ran.events][-1] == "PROCESS_STATE_FATAL"


def test_the_listener_does_not_see_itself(tmp_path: Path) -> None:
    """As live, what happens to the listener's own group is left out, unless a rule names it."""
    suite = written(
        tmp_path,
        """
rules: [x.rules]
tests:
  - {name: a, events: [0s PROCESS_STATE_FATAL rules-listener], alerts: []}
  - {name: b, events: [0s PROCESS_STATE_FATAL rules-listener pool=other], alerts: [{rule: gone}]}
""",
    )
    assert [ran.passed for ran in run(suite)] == [True, True]


def test_rules_are_read_once(tmp_path: Path) -> None:
    """Files about the same rules share them."""
    library = Library()
    written(tmp_path, "rules: [x.rules]\ntests: [{name: a, events: [], alerts: []}]\n")
    suites = [read_suite(tmp_path / "x.test.yaml", None, library)[0] for _ in range(2)]
    first, second = (suite.rules for suite in suites if suite is not None)
    assert first is second


def test_a_deadline_counts_from_the_start(tmp_path: Path) -> None:
    """What does not come is missed from 0s on, also in a test without an event."""
    suite = written(
        tmp_path,
        'rules: [x.rules]\ntests: [{name: a, events: [], until: 1d1h, alerts: [{at: 1d, message: "none for 1d"}]}]\n',
        'on no REMOTE_COMMUNICATION where type == "backup" for 1d alert "none for {elapsed}"',
    )
    assert [ran.passed for ran in run(suite)] == [True]


MISTAKES = {
    "": "there are no tests in this file",
    "rules: [x.rules]": "the key `tests` is missing here",
    "tests: [{name: a, events: [], alerts: []}]": "it is not said which rules are tested",
    "rules: []\ntests: [{name: a, events: [], alerts: []}]": "no rules are named here",
    "rules: [x.rules]\ntests: []": "a list of tests belongs here",
    "rules: [x.rules]\ntests: [a]": "here belong keys with values",
    "- a": "here belong keys with values",
    "rules: [x.rules]\ntests: [{name: a, alerts: []}]": "one of the keys `events` and `recording` belongs here",
    "rules: [x.rules]\ntests: [{name: a, events: [], recording: x.rules, alerts: []}]": (
        "only one of the keys `events` and `recording` belongs here"
    ),
    "rules: [x.rules]\ntests: [{name: a, events: [], alerts: none}]": "a list of alerts belongs here",
    "rules: [x.rules]\ntests: [{name: a, events: [], alerts: [{reason: x}]}]": "there is no key `reason` here",
    "rules: [x.rules]\nstart: tomorrow\ntests: [{name: a, events: [], alerts: []}]": (
        "'tomorrow' is no moment: write seconds since 1970, or 2025-11-23T20:01"
    ),
    "rules: [x.rules]\ntimezone: Mars\ntests: [{name: a, events: [], alerts: []}]": (
        "there is no time zone 'Mars' here: write it as UTC, as +02:00, or as Europe/Berlin, which needs the system's "
        "package tzdata"
    ),
    "rules: [x.rules]\ntests: [{name: a, events: [5s PROCESS_STATE_FATAL web], until: 4s, alerts: []}]": (
        "this is before the last event"
    ),
    "rules: [x.rules]\ntests:\n- name: a\n  alerts: []\n  events:\n  - 0s REMOTE_COMMUNICATION data='{\"a\": 1}'\n": (
        "this is not a line: what has a colon and a blank is a key for YAML"
    ),
    "rules: [x.rules]\ntests:\n- name: a\n  events: []\n  alerts:\n  - message: resolved: x\n": (
        "mapping values are not allowed here"
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_of_files(tmp_path: Path, text: str) -> None:
    """What is wrong with a file is said once, under the code of rule tests."""
    (tmp_path / "x.rules").write_text(RULES, encoding="utf-8")
    (tmp_path / "x.test.yaml").write_text(text, encoding="utf-8")
    _, found = read_suite(tmp_path / "x.test.yaml", None, Library())
    assert [(one.code, one.message) for one in found] == [("RL311", MISTAKES[text])]


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.test.yaml"))
SIGNS = st.sampled_from(
    ["", '"', "'", "{", "]", ":", " ", "\n", "\t", "# ", "|", "&a ", "*a", "x", "0", "\x00", "\u2028", "- ", "="]
)


LIBRARY = Library()


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.sampled_from(EXAMPLES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), SIGNS), max_size=4))
def test_whatever_a_file_holds_is_a_suite_or_mistakes(path: Path, edits: list[tuple[float, int, str]]) -> None:
    """A file with mistakes is refused with all of them, any other is run; nothing fails in another way."""
    text = path.read_text(encoding="utf-8")
    for where, length, sign in edits:
        place = int(where * len(text))
        text = text[:place] + sign + text[place + length :]
    suite, found = suite_of(text, path, None, LIBRARY)
    if suite is None or found:
        assert as_text(found)
        return
    for ran in run(suite):
        assert ran.passed or as_plain(failure(suite, ran)).startswith("FAILED")


PLACES = {
    "a line of a block": ("events: |\n      # x\n\n      5s PROCESS_STATE_FATL web\n", "PROCESS_STATE_FATL"),
    "an item": ("events:\n      - 5s PROCESS_STATE_FATL web\n", "PROCESS_STATE_FATL"),
    "an item in quotes": ("events: ['5s PROCESS_STATE_FATL web']\n", "PROCESS_STATE_FATL"),
    "an item on two lines": (
        "events:\n      - 5s PROCESS_STATE_FATL\n        web\n",
        "5s PROCESS_STATE_FATL\n        web",
    ),
    "an item with escapes": ('events: ["5s \\x50ROCESS_STATE_FATL web"]\n', '"5s \\x50ROCESS_STATE_FATL web"'),
}


@pytest.mark.parametrize("name", PLACES)
def test_where_a_mistake_is(tmp_path: Path, name: str) -> None:
    """A mistake is at its word, if that is written in YAML as it is read; else at the line."""
    written, marked = PLACES[name]
    (tmp_path / "x.rules").write_text(RULES, encoding="utf-8")
    text = f"rules: [x.rules]\ntests:\n  - name: a\n    alerts: []\n    {written}"
    (tmp_path / "x.test.yaml").write_text(text, encoding="utf-8")
    _, (found,) = read_suite(tmp_path / "x.test.yaml", None, Library())
    assert found.span is not None
    assert text[found.span.start : found.span.end] == marked


def test_what_can_not_be_seen_is_spelled() -> None:
    """Nothing of an event reaches the terminal as a control sequence; a text is as it is if all of it can be seen."""
    assert shown("é, a: b") == "é, a: b"
    assert shown("") == '""'
    assert shown(" a") == '" a"'
    assert shown("\x1b[31mü\n\x9b\u202e") == '"\\u001b[31mü\\n\\u009b\\u202e"'


def test_hidden_folders_are_left_out(tmp_path: Path) -> None:
    """A folder is searched for `*.test.yaml`, but for hidden folders such as .venv; a file that is named is read."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / "more").mkdir()
    text = "rules: [x.rules]\ntests: [{name: a, events: [], alerts: []}]\n"
    for folder in (tmp_path / ".venv", tmp_path / "more", tmp_path):
        written(folder, text)
    (tmp_path / "other.yaml").write_text(text, encoding="utf-8")
    hidden = str(tmp_path / ".venv" / "x.test.yaml")
    runs = [[str(tmp_path)], [str(tmp_path), hidden, str(tmp_path / "other.yaml")], [str(tmp_path / ".venv")]]
    said = [CliRunner().invoke(cli, ["test", *paths]).output for paths in runs]
    assert said == [f"{number} tests in {number} files: all passed\n" for number in (2, 4)] + [
        "1 test in 1 file: all passed\n"
    ]


def test_junit(tmp_path: Path) -> None:
    """The report has a suite for each file, counts that add up, and holds no sign that XML does not have."""
    written(
        tmp_path,
        r"""
rules: [x.rules]
tests:
  - {name: passes, events: [0s PROCESS_STATE_FATAL web], alerts: [{rule: gone}]}
  - {name: "fails \e]]>", events: [0s PROCESS_STATE_FATAL <&>], alerts: []}
  - {name: can't be read, recording: x.rules, alerts: []}
""",
    )
    report = tmp_path / "report.xml"
    done = CliRunner().invoke(cli, ["test", str(tmp_path), "--junit", str(report)])
    assert done.exit_code == 1, done.output
    root = ET.parse(report).getroot()  # noqa: S314 - our own file
    counts = {"tests": "3", "failures": "1", "errors": "1"}
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    for element in (root, suite):
        assert {name: element.get(name) for name in counts} == counts
        assert float(element.get("time", "")) >= 0
    assert [(case.get("name"), [part.tag for part in case]) for case in suite] == [
        ("passes", []),
        ("fails \N{REPLACEMENT CHARACTER}]]>", ["failure"]),
        ("can't be read", ["error"]),
    ]
    assert {(case.get("classname"), case.get("file")) for case in suite} == {(str(tmp_path / "x.test.yaml"),) * 2}
    assert [case.get("line") for case in suite] == ["4", "5", "6"]
    assert "message: <&> is gone" in (suite[1][0].text or "")
    assert "x.rules is nothing that holds events" in " ".join((suite[2][0].text or "").split())


def test_a_report_that_can_not_be_written(tmp_path: Path) -> None:
    """A report for which there is no place is a reason for status 2."""
    written(tmp_path, "rules: [x.rules]\ntests: [{name: a, events: [], alerts: []}]\n")
    done = CliRunner().invoke(cli, ["test", str(tmp_path), "--junit", str(tmp_path / "no" / "report.xml")])
    assert (done.exit_code, done.output.endswith("can't be written: No such file or directory\n")) == (2, True)
