"""The page of a replay, as a file. How it looks and works in a browser is in `tests/e2e/test_page.py`."""

import os
import re
import subprocess
import tracemalloc
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from rules_listener.base.errors import ConfigError
from rules_listener.event.event import Event
from rules_listener.tools.replay import page as page_module
from rules_listener.tools.replay.page import LONGEST_TEXT, PageReport
from rules_listener.tools.replay.tally import Tally
from tests.tools.pages import NOTHING_PLAYED, blocks, head, rows, state, texts, without_data, write_page

CRASHED = 'rule crashed\non PROCESS_STATE_EXITED where expected == 0 alert critical "{process} died" to ops, pager\n'
FOLDER = Path(page_module.__file__).parent / "timeline"


def test_events_by_process_and_kind(tmp_path: Path) -> None:
    """Each event has its time to the millisecond, its process and its kind; those about no process are in row 0."""
    events = [
        Event("SUPERVISOR_STATE_CHANGE_RUNNING", 1764000000.0, {}),
        state("web:nginx", "RUNNING", 1764000000.25, from_state="STARTING", pid=7),
        state("web:nginx", "EXITED", 1764000001.5, from_state="RUNNING", expected=0, pid=7),
        state("db", "EXITED", 1764000001.5, from_state="RUNNING", expected=1, pid=8),
        Event("TICK_5", 1764000000.125, {"when": 1764000000}),
    ]
    page = write_page(tmp_path / "x.html", CRASHED, events)
    names = head(page)
    assert names["processes"] == ["", "web:nginx", "db"]
    assert names["cameFrom"] == ["", "STARTING", "RUNNING"]
    found = rows(page, "event", "row", "kind")
    assert [(time, row, names["kinds"][int(kind)]) for time, row, kind in found] == [
        (1764000000000, 0, "SUPERVISOR_STATE_CHANGE_RUNNING"),
        (1764000000250, 1, "PROCESS_STATE_RUNNING"),
        (1764000001500, 1, "PROCESS_STATE_EXITED unexpected"),
        (1764000001500, 2, "PROCESS_STATE_EXITED"),
        (1764000000125, 0, "TICK_5"),
    ]


def test_alerts_with_what_they_say(tmp_path: Path) -> None:
    """Each alert has its rule, its texts by channel, its event, and why it is held back."""
    rule = CRASHED.rstrip() + "\n    at most 1 per 1h\n  restart\n"
    events = [state("db", "EXITED", 10.0 + number, from_state="RUNNING", expected=0, pid=7) for number in range(2)]
    page = write_page(tmp_path / "x.html", rule, events)
    names = head(page)
    found = rows(page, "alert", "row", "rule", "action", "severity", "held")
    assert [
        (time, names["processes"][int(row)], names["rules"][int(rule)], names["actions"][int(action)], held)
        for time, row, rule, action, _, held in found
    ] == [
        (10000, "db", "crashed", "alert", 0),
        (10000, "db", "crashed", "restart", 0),
        (11000, "db", "crashed", "alert", 1),
        (11000, "db", "crashed", "restart", 0),
    ]
    assert names["severities"][int(found[0][4])] == "critical"
    event = "PROCESS_STATE_EXITED db from_state=RUNNING expected=0 pid=7"
    sent, restarted, held, _ = texts(page)
    assert sent == ["db", None, None, event, [["db died", ["ops", "pager"]]]]
    assert restarted == ["db", None, None, event, [["restart db", ["supervisor"]]]]
    assert held[1] == "at most 1 per 1h"


def test_what_stays_open_is_one_incident(tmp_path: Path) -> None:
    """A firing and its recovery have one number, the next firing has another; the recovery says when it was opened."""
    rule = CRASHED.rstrip() + "\n    until PROCESS_STATE_RUNNING\n"
    events = [
        state("db", "EXITED", 10.0, from_state="RUNNING", expected=0, pid=7),
        state("db", "RUNNING", 12.0, from_state="STARTING", pid=8),
        state("db", "EXITED", 13.0, from_state="RUNNING", expected=0, pid=8),
    ]
    page = write_page(tmp_path / "x.html", rule, events)
    phases = head(page)["phases"]
    found = rows(page, "alert", "phase", "incident")
    assert [(phases[int(phase)], incident) for _, phase, incident in found] == [
        ("firing", 1),
        ("recovery", 1),
        ("firing", 2),
    ]
    assert [said[2] for said in texts(page)] == [10000, 10000, 13000]


def test_alerts_without_an_event(tmp_path: Path) -> None:
    """A deadline that fires when no event follows is there too."""
    rule = 'on PROCESS_STATE_EXITED without PROCESS_STATE_RUNNING within 30s alert "{process} is down"\n'
    events = [state("db", "EXITED", 10.0, from_state="RUNNING", expected=0, pid=7)]
    page = write_page(tmp_path / "x.html", rule, events, until=100.0)
    assert [time for (time,) in rows(page, "alert")] == [40000]


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "$style ${script} $$",
    "\u2028\u2029\x00\x7f\\",
    "half of a pair: \ud800",
    "]]>&lt;&#0;",
    "\N{RIGHT-TO-LEFT OVERRIDE}txt.exe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_an_event_is_markup(tmp_path: Path, text: str) -> None:
    """Whatever processes are called and write, the page around the data is the same; the data has it as it was."""
    rule = 'rule said\non PROCESS_LOG alert "{process} says {data}"\n'

    def page_of(name: str, data: str) -> str:
        event = Event("PROCESS_LOG_STDOUT", 10.0, {"processname": name, "pid": 1, "channel": "stdout"}, data)
        return write_page(tmp_path / "x.html", rule, [event], subject=data)

    page = page_of(text, text)
    assert without_data(page) == without_data(page_of("web", "all is well"))
    assert head(page)["processes"][1] == text
    assert head(page)["subject"] == text
    assert texts(page)[0][4] == [[f"{text} says {text}", ["ops"]]]
    assert re.findall(r'<script type="text/plain" id="[\w-]+">[^A-Za-z0-9+/=]', page) == []


def test_only_what_belongs_to_the_page_may_run(tmp_path: Path) -> None:
    """The policy names the style and the scripts that are there, and allows nothing else; nothing is referred to."""
    page = write_page(tmp_path / "x.html", CRASHED, [])
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert (len(styles), len(scripts)) == (1, 2)
    style, library, script = (b64encode(sha256(one.encode()).digest()).decode() for one in (*styles, *scripts))
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{library}' 'sha256-{script}'; style-src 'sha256-{style}';"
        " base-uri 'none'; form-action 'none'"
    )
    markup = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    assert re.findall(r"\b(?:src|href|style|on\w+)=", markup) == []
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]


def test_the_library_is_there_with_its_licence(tmp_path: Path) -> None:
    """The plotting library is as its authors published it, and its licence is in each page."""
    origin = (FOLDER / "uplot" / "ORIGIN").read_text(encoding="utf-8")
    sums = re.findall(r"^([0-9a-f]{64})  (\S+)$", origin, re.MULTILINE)
    assert {name for _, name in sums} | {"ORIGIN"} == {path.name for path in (FOLDER / "uplot").iterdir()}
    for digest, name in sums:
        assert sha256((FOLDER / "uplot" / name).read_bytes()).hexdigest() == digest
    page = write_page(tmp_path / "x.html", CRASHED, [])
    assert (FOLDER / "uplot" / "LICENSE").read_text(encoding="utf-8") in page


def test_each_file_of_the_folder_is_in_the_page(tmp_path: Path) -> None:
    """No script is forgotten, and none ends the element that it is in."""
    page = write_page(tmp_path / "x.html", CRASHED, [])
    for path in FOLDER.glob("*.*s"):
        text = path.read_text(encoding="utf-8")
        assert text in page
        assert re.search("</script|</style|<!--", text) is None


def test_the_same_history_is_the_same_page(tmp_path: Path) -> None:
    """A page has no time of its own, and no order that changes."""
    events = [state("db", "EXITED", 10.0, from_state="RUNNING", expected=0, pid=7)]
    assert write_page(tmp_path / "x.html", CRASHED, events) == write_page(tmp_path / "y.html", CRASHED, events)


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    """A text beyond what anyone reads says how much of it is left out."""
    event = Event("PROCESS_LOG_STDOUT", 10.0, {"processname": "a", "pid": 1, "channel": "stdout"}, "x" * 12_345)
    page = write_page(tmp_path / "x.html", 'on PROCESS_LOG alert "{data}"\n', [event])
    assert texts(page)[0][4] == [["x" * LONGEST_TEXT + " … (2345 more characters)", ["ops"]]]


def test_times_beyond_all_dates(tmp_path: Path) -> None:
    """What no browser can show as a date is the last one that it can."""
    events = [Event("TICK_5", time, {"when": 0}) for time in (-1e300, 0.0, 1e300)]
    page = write_page(tmp_path / "x.html", CRASHED, events)
    assert [time for (time,) in rows(page, "event")] == [-8.64e15, 0, 8.64e15]


def test_many_events_take_little_memory(tmp_path: Path) -> None:
    """What is kept of an event is a few bytes."""
    page = PageReport(tmp_path / "x.html", "many")
    event = state("web:nginx", "RUNNING", 0.0, from_state="STARTING", pid=7)
    tracemalloc.start()
    try:
        for number in range(50_000):
            event.time = number * 1.234
            page.take(event, ())
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10 * 50_000


def test_blocks_come_out_whole(tmp_path: Path) -> None:
    """Columns and lines that were compressed in several blocks are complete."""
    events = [state("db", "EXITED", float(number), from_state="RUNNING", expected=0, pid=7) for number in range(20_000)]
    page = write_page(tmp_path / "x.html", CRASHED, events)
    assert [time for (time,) in rows(page, "event")] == [1000 * number for number in range(20_000)]
    assert len(texts(page)) == len(rows(page, "alert")) == 20_000
    assert len(page) < 400_000


def test_the_file_is_its_owners_and_comes_at_once(tmp_path: Path) -> None:
    """A page replaces an older one when it is complete; nobody else may read it, and nothing else is left."""
    path = tmp_path / "x.html"
    path.write_text("old", encoding="utf-8")
    write_page(path, CRASHED, [])
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["x.html"]


def test_a_link(tmp_path: Path) -> None:
    """The page becomes the file to which a link leads."""
    (tmp_path / "x.html").symlink_to("y.html")
    page = write_page(tmp_path / "x.html", CRASHED, [])
    assert (tmp_path / "x.html").is_symlink()
    assert (tmp_path / "y.html").read_text(encoding="utf-8") == page


def test_a_pipe(tmp_path: Path) -> None:
    """What is no regular file is written to, and stays."""
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True) as reader:
        PageReport(tmp_path / "pipe", "nothing").end(NOTHING_PLAYED, Tally(()))
        assert reader.communicate(timeout=60)[0].startswith("<!doctype html>")
    assert (tmp_path / "pipe").is_fifo()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error names it, and comes before hours of events have been played."""
    with pytest.raises(ConfigError, match=r"missing/x\.html can't be written: there is no folder \S*missing"):
        PageReport(tmp_path / "missing" / "x.html", "nothing")


def test_a_place_that_is_a_folder(tmp_path: Path) -> None:
    """What can't be replaced stays, and nothing is left beside it."""
    (tmp_path / "x.html").mkdir()
    with pytest.raises(ConfigError, match=r"x\.html can't be written: Is a directory"):
        write_page(tmp_path / "x.html", CRASHED, [])
    assert [one.name for one in tmp_path.iterdir()] == ["x.html"]


def test_an_empty_page(tmp_path: Path) -> None:
    """Where there was nothing, the page has all its blocks, empty."""
    assert {name for name, data in blocks(write_page(tmp_path / "x.html", CRASHED, [])).items() if data} == {"head"}
