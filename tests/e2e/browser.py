"""A Chromium that looks at one page, as a person with a mouse and a keyboard would."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

Found = TypeVar("Found")

PATIENCE_S = 10.0
STEP_S = 0.02
SIZE = (1300, 900)

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_DRIVER = shutil.which("chromedriver")

needs_chromium = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER), reason="no Chromium here: apt-get install chromium chromium-driver"
)

_SWITCHES = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)


_ZONE = ZoneInfo("America/Halifax")


def _milliseconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=_ZONE).timestamp() * 1000


class Browser:
    """A Chromium with a profile of its own in `folder`, whose clock is that of Halifax."""

    def __init__(self, folder: Path) -> None:
        options = ChromeOptions()
        options.binary_location = _CHROMIUM or ""
        for switch in (*_SWITCHES, f"--user-data-dir={folder}", f"--window-size={SIZE[0]},{SIZE[1]}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        environment = {**os.environ, "TZ": _ZONE.key}
        self.driver = Chrome(options=options, service=ChromeService(_DRIVER, env=environment))

    def quit(self) -> None:
        """End it."""
        self.driver.quit()

    def open(self, path: Path, address: str = "", *, dark: bool = False) -> None:
        """Load a page anew, and wait until it is drawn."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self._log(log)
        self.driver.get(f"{path.as_uri()}#{address}")
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"), "the page is not ready")

    def run(self, script: str, *arguments: object) -> Any:
        """What a piece of JavaScript returns; the next frame is drawn before it runs."""
        self._drawn()
        return self.driver.execute_script(script, *arguments)

    def _drawn(self) -> None:
        drawn = "const done = arguments[arguments.length - 1]; requestAnimationFrame(() => setTimeout(done));"
        self.driver.execute_async_script(drawn)

    def wait(self, look: Callable[[], Found], missing: str) -> Found:
        """What `look` finds, as soon as it is something."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := look()):
            assert time.monotonic() < deadline, missing
            time.sleep(STEP_S)
        return found

    # what is there

    def one(self, selector: str) -> WebElement:
        """An element, once the next frame is drawn."""
        self._drawn()
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """The text of an element, as it can be seen."""
        return str(self.run("return document.querySelector(arguments[0]).innerText.toWellFormed()", selector))

    def column(self, name: str) -> list[str]:
        """A column of the table."""
        cells = "document.querySelectorAll(`#lines .${arguments[0]}`)"
        script = f"return Array.from({cells}, (cell) => cell.innerText.toWellFormed().trim())"
        return [str(text) for text in self.run(script, name)]

    def address(self, expected: str) -> str:
        """What the address has behind its #, once it has what is expected."""
        read = "return decodeURIComponent(location.hash.slice(1))"
        return self.wait(lambda: found if expected in (found := str(self.run(read))) else "", f"no {expected} there")

    def range_ms(self) -> tuple[float, float]:
        """From when to when the time line goes, in milliseconds since 1970."""
        first, last = re.findall(r"\d{4}-\d\d-\d\d [\d:.]{12}", self.text("#range"))
        return _milliseconds(first), _milliseconds(last)

    def colours(self, *places: tuple[float, float]) -> list[str]:
        """The colours of the time line's picture at places of its plot."""
        script = """
            const [canvas, over] = ["canvas", ".u-over"].map((name) => document.querySelector(`#chart ${name}`));
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return arguments[0].map(([x, y]) => {
                const first = 4 * (canvas.width * Math.round(y + over.offsetTop) + Math.round(x + over.offsetLeft));
                const parts = Array.from(data.slice(first, first + 3));
                return "#" + parts.map((part) => part.toString(16).padStart(2, "0")).join("");
            });
        """
        return [str(colour) for colour in self.run(script, places)]

    @property
    def plot_width(self) -> int:
        """The width of the time line's plot, in pixels."""
        return int(self.run("return document.querySelector('#chart .u-over').offsetWidth"))

    # what is done

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            ActionChains(self.driver, 0).send_keys(key).perform()

    def choose(self, selector: str, text: str) -> None:
        """Choose from a list what is called so."""
        Select(self.one(selector)).select_by_visible_text(text)

    def point(self, x: float, y: float) -> ActionChains:
        """The pointer goes to a place of the time line's plot, from its upper left corner; more can follow."""
        over = self.one("#chart .u-over")
        width, height = over.size["width"], over.size["height"]
        return ActionChains(self.driver, 0).move_to_element_with_offset(
            over, round(x - width / 2), round(y - height / 2)
        )

    # what went wrong

    def complaints(self) -> list[str]:
        """What the page wrote to the console since it was loaded."""
        return [entry["message"] for entry in self._log("browser")]

    def _log(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.execute("getLog", {"type": name})["value"]
        return entries

    def requests(self) -> list[str]:
        """All addresses that were asked for since the page was loaded."""
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]
