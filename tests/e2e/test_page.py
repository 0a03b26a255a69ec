"""The page of a replay in a real browser: what people see of it, and what they do with it."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Keys

from rules_listener.event.event import Event
from rules_listener.tools.replay.page import PageReport
from rules_listener.tools.replay.tally import Tally
from tests.e2e.browser import Browser, needs_chromium
from tests.tools.pages import NOTHING_PLAYED, state, write_page

pytestmark = needs_chromium

START = 1764000000.0
"""2025-11-24 16:00 in UTC, noon in Halifax."""

HOSTILE = "</script><img src=x onerror=document.title='owned'><!-- \u2028 \ud800"
RULES = """\
rule crashed
on PROCESS_STATE_EXITED where expected == 0
  alert critical "{process} died" to ops, pager
    until PROCESS_STATE_RUNNING for 1m
  restart

rule said
on PROCESS_LOG
  alert warning "{process}: {data}" to ops
    at most 2 per 1h
"""


def history() -> Iterator[Event]:
    """An hour of three processes: one crashes twice and comes back, one writes, one has a name that is an attack."""
    yield Event("SUPERVISOR_STATE_CHANGE_RUNNING", START, {})
    for name in ("web:nginx", "web:php", HOSTILE):
        yield state(name, "STARTING", START + 1, from_state="STOPPED", tries=0)
        yield state(name, "RUNNING", START + 2, from_state="STARTING", pid=7)
    for minute in (10, 30):
        yield state("web:nginx", "EXITED", START + 60 * minute, from_state="RUNNING", expected=0, pid=7)
        yield state("web:nginx", "RUNNING", START + 60 * minute + 300, from_state="STARTING", pid=8)
    for minute in range(40, 44):
        fields: dict[str, str | int] = {"processname": HOSTILE, "groupname": HOSTILE, "pid": 9, "channel": "stdout"}
        yield Event("PROCESS_LOG_STDOUT", START + 60 * minute, fields, f"<b>{minute}</b>")
    yield Event("TICK_3600", START + 3600, {"when": int(START) + 3600})


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests here."""
    made = Browser(tmp_path_factory.mktemp("browser"))
    yield made
    made.quit()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an hour."""
    path = tmp_path_factory.mktemp("page") / "x.html"
    write_page(path, RULES, sorted(history(), key=lambda event: event.time), subject=f"an hour of {HOSTILE}")
    return path


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Browser]:
    """The page, just loaded. It must neither complain nor ask anyone for anything."""
    browser.open(path)
    yield browser
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith(path.as_uri())] == []


def test_what_is_said_at_the_top_and_in_the_table(page: Browser) -> None:
    """The page says what was replayed, and lists every alert, with everything in it as text."""
    shown = HOSTILE.replace("\ud800", "\N{REPLACEMENT CHARACTER}")
    assert page.text("#subject") == f"an hour of {shown}"
    assert (
        page.text("#summary") == "16 events of 3 processes in 1h · 6 alerts sent by 2 rules · 2 actions · 2 held back"
    )
    assert page.text("#count") == "10 alerts"
    assert page.column("time")[0] == "2025-11-24 12:10:00.000"
    assert page.column("look") == [
        *("critical", "restart", "critical recovery"),
        *("critical", "restart", "critical recovery"),
        *("warning", "warning", "warning (held)", "warning (held)"),
    ]
    assert page.column("text")[0] == "web:nginx died"
    assert page.column("text")[-1] == f"{shown}: <b>43</b> (held back: at most 2 per 1h)"
    assert page.run("return document.querySelectorAll('#main img, #main b').length") == 0


def place(page: Browser, minute: float) -> float:
    """Where in the plot a minute of the hour is, when all is shown."""
    return page.plot_width * (0.01 + minute / 60) / 1.02


def test_the_bands_show_the_states(page: Browser) -> None:
    """In the row of nginx, a crash has another colour than what was before; that of php goes on."""
    nginx, php = 28 * 2 + 19, 28 * 3 + 19
    shown = page.colours(*((place(page, minute), row) for minute in (5, 12) for row in (nginx, php)))
    assert shown == ["#8fd0b9", "#8fd0b9", "#5b2a86", "#8fd0b9"]
    states = page.text("#legend").splitlines()
    assert [name.strip() for name in states][:2] == ["RUNNING", "STOPPED"]


def test_drag_and_wheel_and_double_click(page: Browser) -> None:
    """Dragging zooms to what was dragged over, the wheel with Ctrl zooms in, a double click shows all."""
    everything = page.range_ms()
    page.point(300, 60).click_and_hold().move_by_offset(200, 0).release().perform()
    first, last = page.range_ms()
    assert last - first == pytest.approx(3_600_000 * 1.02 * 200 / page.plot_width, rel=0.02)
    page.run(
        "document.querySelector('#chart .u-over').dispatchEvent(new WheelEvent('wheel',"
        " {deltaY: -50, ctrlKey: true, bubbles: true, cancelable: true, clientX: 600, clientY: 400}))"
    )
    closer, _ = page.range_ms()
    assert closer > first
    page.point(300, 60).key_down(Keys.SHIFT).click_and_hold().move_by_offset(100, 0).release().key_up(
        Keys.SHIFT
    ).perform()
    assert page.range_ms()[0] < closer
    page.point(300, 60).double_click().perform()
    assert page.range_ms() == everything


def test_the_keyboard(page: Browser) -> None:
    """Keys zoom, move, go from alert to alert, and close; what has the focus can be seen."""
    everything = page.range_ms()
    page.press("+", "+")
    first, last = page.range_ms()
    page.press(Keys.ARROW_RIGHT)
    assert page.range_ms()[0] - first == pytest.approx((last - first) / 4, abs=2)
    page.press("-", "0")
    assert page.range_ms() == everything
    page.press("n")
    assert page.text("#detail pre") == "web:nginx died"
    page.press("n", "n")
    assert page.text("#detail pre") == "resolved after 6m: web:nginx died"
    page.press("p", "p", "z")
    first, last = page.range_ms()
    assert (first + last) / 2 == (START + 600) * 1000
    page.press(Keys.ESCAPE)
    assert not page.one("#detail").is_displayed()
    page.press("?")
    assert page.one("#keys").is_displayed()
    page.press(Keys.ESCAPE)
    assert not page.one("#keys").is_displayed()
    page.press("/")
    assert page.run("return document.activeElement.id") == "filter-text"
    page.run("document.getElementById('timeline').focus()")
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_table_by_keyboard(page: Browser) -> None:
    """In the table, arrows go from line to line, and the titles sort."""
    page.run("document.getElementById('table').focus()")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.run("return document.querySelector('#lines [aria-selected=true] .look').innerText") == " restart"
    page.press(Keys.END)
    assert "held back\nat most 2 per 1h" in page.text("#detail")
    page.one("#columns .rule button").click()
    page.one("#columns .rule button").click()
    assert page.column("rule") == ["said"] * 4 + ["crashed"] * 6
    assert page.run("return document.querySelector('#columns .rule').ariaSort") == "descending"


def test_names_with_numbers_have_their_order(browser: Browser, tmp_path: Path) -> None:
    """Where processes sort, 9 comes before 10."""
    events = [state(f"web:{name}", "FATAL", START + i, from_state="BACKOFF") for i, name in enumerate((100, 9, 10))]
    write_page(tmp_path / "x.html", 'on PROCESS_STATE_FATAL alert "{process}"\n', events)
    browser.open(tmp_path / "x.html")
    assert browser.column("process") == ["web:100", "web:9", "web:10"]
    browser.one("#columns .process button").click()
    assert browser.column("process") == ["web:9", "web:10", "web:100"]
    browser.one("#columns .process button").click()
    assert browser.column("process") == ["web:100", "web:10", "web:9"]


def test_a_click_on_a_mark(page: Browser) -> None:
    """The text of an alert that is clicked is shown, and the pointer tells what is under it."""
    x = place(page, 10)
    page.point(x, 28 * 2 + 8).perform()
    hint = page.text("#hint").splitlines()
    assert hint[0] == "web:nginx"
    assert hint[2].startswith("EXITED unexpectedly since 2025-11-24 12:10:00.000") or hint[2].startswith(
        "RUNNING since"
    )
    assert "2 alerts from 2025-11-24 12:10:00.000 on, the gravest:" in hint
    page.point(x, 28 * 2 + 8).click().perform()
    assert page.text("#detail pre") == "web:nginx died"
    assert page.text("#detail h3") == "to ops, pager"
    assert "PROCESS_STATE_EXITED web:nginx from_state=RUNNING expected=0 pid=7" in page.text("#detail")


def test_filters(page: Browser) -> None:
    """By rule, process, severity, text and what would be sent; together, and back again."""
    page.choose("#filter-rule", "said (4)")
    assert page.text("#count") == "4 alerts"
    page.choose("#filter-held", "held back")
    assert page.text("#count") == "2 alerts"
    page.one("#filter-text").send_keys("<B>43")
    assert page.text("#count") == "1 alert"
    page.one("#reset").click()
    assert page.text("#count") == "10 alerts"
    page.one("#filter-look input[value=critical]").click()
    assert page.text("#count") == "6 alerts"
    page.one("#filter-process").send_keys("NGINX")
    assert page.column("look") == ["restart", "restart"]
    assert not page.one("#no-alerts").is_displayed()
    page.one("#filter-process").send_keys("x")
    assert page.one("#no-rows").is_displayed()
    assert page.text("#no-alerts") == "No alert passes these filters."
    page.one("#reset").click()
    page.one("#filter-with-alerts").click()
    assert page.run("return document.getElementById('all-rows').clientHeight") == 42 + 2 * 28


def test_the_address_keeps_what_is_shown(page: Browser, path: Path) -> None:
    """Range, filters, zone and the selected alert are in the address, and come back with it."""
    page.choose("#filter-rule", "crashed (6)")
    page.run("document.activeElement.blur()")
    page.press("u", "n", "z")
    address = page.address("alert=0")
    assert "rule=crashed" in address
    page.open(path, address)
    assert page.address("alert=0") == address
    assert page.text("#detail pre") == "web:nginx died"
    assert page.column("time")[0] == "2025-11-24 16:10:00.000"
    assert "2025-11-24 16:10:00.000 UTC" in page.text("#detail")


def test_light_and_dark(browser: Browser, path: Path) -> None:
    """The page is as the system is, until somebody says otherwise; the picture follows."""
    paper = "return getComputedStyle(document.documentElement).backgroundColor"
    browser.open(path, dark=True)
    dark = browser.run(paper)
    assert dark == "rgb(18, 22, 28)"
    picture = browser.run("return document.querySelector('#chart canvas').toDataURL()")
    browser.choose("#theme", "light")
    assert browser.run(paper) == "rgb(255, 255, 255)"
    assert browser.run("return document.querySelector('#chart canvas').toDataURL()") != picture
    browser.choose("#theme", "as the system")
    assert browser.run(paper) == dark


def test_nothing_can_call_out(browser: Browser, path: Path) -> None:
    """Whatever came to run in the page, the browser lets it ask nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        host = f"http://127.0.0.1:{server.getsockname()[1]}/"
        browser.open(path)
        browser.run("fetch(arguments[0]).catch(() => {}); new Image().src = arguments[0]", host)
        browser.run("document.body.append(Object.assign(document.createElement('script'), {src: arguments[0]}))", host)
        with pytest.raises(TimeoutError):
            server.accept()
    assert len([text for text in browser.complaints() if "Content Security Policy" in text]) >= 3


def test_a_hundred_thousand_events(browser: Browser, tmp_path: Path) -> None:
    """They are drawn in well under a second, zoomed out and in, and the table has only what is in sight."""
    report = PageReport(tmp_path / "x.html", "many")
    for number in range(100_000):
        name = ("RUNNING", "EXITED", "STARTING")[number % 3]
        event = state(f"web:{number % 50}", name, START + number * 7.3, from_state="STARTING", expected=0, pid=7)
        report.take(event, ())
    report.end(NOTHING_PLAYED, Tally([]))
    assert (tmp_path / "x.html").stat().st_size < 2_000_000
    began = time.monotonic()
    browser.open(tmp_path / "x.html")
    assert time.monotonic() - began < 5
    for key in ("", "+", "+", "-", Keys.ARROW_RIGHT):
        browser.press(key)
        assert float(browser.run("return document.documentElement.dataset.drawnMs")) < 500
    assert browser.complaints() == []
