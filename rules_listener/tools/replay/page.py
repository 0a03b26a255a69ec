"""The page of a replay: one HTML file with all events and alerts. It needs nothing else, and asks nobody for anything.

1. Events and alerts go in as they come; what is kept of a million of them are some megabytes (`columns`).
2. All that comes from events or rules is in the page as BASE64, and the script shows it as text. So the markup, the
   scripts and the styles of every page are the same, and a Content-Security-Policy names the only ones that may run.
3. The same events, alerts and subject give the same bytes.

What the script makes of it is in the folder `timeline`, with the plotting library that it uses in `timeline/uplot`.
"""

import os
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from rules_listener import __version__
from rules_listener.base.errors import ConfigError
from rules_listener.event.event import Seen
from rules_listener.outbox.alert import Alert
from rules_listener.tools.replace import replacing
from rules_listener.tools.replay.columns import Lines, Names, Table
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.tally import Tally
from rules_listener.tools.replay.words import by_text
from rules_listener.tools.spelled import cut

LONGEST_TEXT = 10_000
"""Characters of a text that are in the page; programs can log whole files in one event."""

UNEXPECTED = " unexpected"
"""Follows PROCESS_STATE_EXITED where the exit was not expected: people look for those."""

_SCRIPTS = (
    "read",
    "clock",
    "history",
    "filters",
    "paint",
    "overview",
    "timeline",
    "table",
    "detail",
    "controls",
    "page",
)
_STATE = "PROCESS_STATE_"
_ABOUT_NO_PROCESS = 0


class PageReport:
    """Collects what happens, then writes the page at `path`; `subject` says in one line what is replayed.

    Rows are processes; the first one is for what is about none.

    Raises:
        ConfigError: there can't be such a file.
    """

    every_event = True

    def __init__(self, path: Path, subject: str) -> None:
        folder = Path(os.path.realpath(path) if path.is_symlink() else path).parent
        if not folder.is_dir():
            raise ConfigError(f"{path} can't be written: there is no folder {folder}")
        self._path = path
        self._subject = subject
        self._processes = Names("")
        self._came_from: dict[int, str] = {}
        """The state of a process before its first event, by its row."""
        self._kinds = Names()
        self._events = Table("row", "kind")
        self._rules, self._actions, self._severities, self._phases = Names(), Names(), Names(), Names()
        self._alerts = Table("row", "rule", "action", "severity", "phase", "held", "incident")
        self._texts = Lines()
        self._open: dict[str, int] = {}
        self._incidents = 0

    def take(self, event: Seen | None, alerts: Sequence[Alert]) -> None:
        """Collect them."""
        for alert in alerts:
            self._take_alert(alert)
        if event is not None:
            self._take_event(event)

    def end(self, played: Played, tally: Tally) -> None:
        """Write the page. Only its owner may read it.

        Raises:
            ConfigError: it can't be written.
        """
        del tally
        blocks = {"head": self._head(played), "alert-text": self._texts.text()}
        blocks |= {f"event-{name}": text for name, text in self._events.columns().items()}
        blocks |= {f"alert-{name}": text for name, text in self._alerts.columns().items()}
        try:
            with replacing(self._path) as written:
                written.write_text(page_of(blocks), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{self._path} can't be written: {error.strerror}") from error

    def _take_event(self, event: Seen) -> None:
        fields, kind = event.fields, event.type
        process = event.process
        row = _ABOUT_NO_PROCESS if process is None else self._processes.number(process)
        if kind.startswith(_STATE):
            if row not in self._came_from:
                self._came_from[row] = str(fields.get("from_state", ""))
            if kind == "PROCESS_STATE_EXITED" and not fields.get("expected"):
                kind += UNEXPECTED
        self._events.add(event.time, row, self._kinds.number(kind))

    def _take_alert(self, alert: Alert) -> None:
        process = alert.event.process
        self._alerts.add(
            alert.time,
            _ABOUT_NO_PROCESS if process is None else self._processes.number(process),
            self._rules.number(alert.rule),
            self._actions.number(alert.kind),
            self._severities.number(alert.severity),
            self._phases.number(alert.phase),
            alert.held is not None,
            self._incident(alert),
        )
        opened_ms = None if alert.opened is None else round(alert.opened * 1000)
        texts = [[cut(text, LONGEST_TEXT), channels] for text, channels in by_text(alert).items()]
        self._texts.add([alert.key, alert.held, opened_ms, cut(alert.event.summary(), LONGEST_TEXT), texts])

    def _incident(self, alert: Alert) -> int:
        """The number of what the alert opens, reminds of or closes; 0 where it does not stay open."""
        if alert.incident is None:
            return 0
        number = self._open.get(alert.incident)
        if number is None:
            self._incidents = number = self._incidents + 1
            self._open[alert.incident] = number
        if alert.phase == "recovery":
            del self._open[alert.incident]
        return number

    def _head(self, played: Played) -> str:
        head = Lines()
        head.add(
            {
                "version": __version__,
                "subject": self._subject,
                "processes": list(self._processes),
                "cameFrom": [self._came_from.get(row, "") for row, _ in enumerate(self._processes)],
                "kinds": list(self._kinds),
                "rules": list(self._rules),
                "actions": list(self._actions),
                "severities": list(self._severities),
                "phases": list(self._phases),
                "missing": played.missing,
                "unreadable": played.unreadable,
            }
        )
        return head.text()


def page_of(blocks: dict[str, str]) -> str:
    """The page with these blocks of BASE64, each an element of its own that the script finds by its name."""
    folder = files("rules_listener.tools.replay").joinpath("timeline")

    def read(*names: str) -> str:
        return "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)

    licence = read("uplot/LICENSE")
    library = f"/*\n{licence}*/\n{read('uplot/uPlot.iife.min.js')}"
    script = f'"use strict";\n(() => {{\n{read(*(f"{name}.js" for name in _SCRIPTS))}}})();\n'
    style = read("uplot/uPlot.min.css", "page.css")
    data = "".join(f'<script type="text/plain" id="{escape(name)}">{text}</script>\n' for name, text in blocks.items())
    return Template(read("page.html")).substitute(
        policy=_policy(style, library, script), style=style, library=library, script=script, data=data
    )


def _policy(style: str, *scripts: str) -> str:
    """A Content-Security-Policy: nothing is loaded from anywhere, and nothing runs but this style and these scripts."""
    allowed = " ".join(map(_digest, scripts))
    return f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
