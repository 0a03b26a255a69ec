"""Pages made of events and rules, and what is in them."""

import json
import re
import zlib
from array import array
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rules_listener.base.source import Source
from rules_listener.event.event import Event, Value
from rules_listener.lang.check import check
from rules_listener.lang.parse import parse
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.serve.dryrun import DryRun
from rules_listener.tools.replay.history import Played
from rules_listener.tools.replay.page import PageReport
from rules_listener.tools.replay.tally import Tally

NOTHING_PLAYED = Played(0, None, None)

_BLOCK = re.compile(r'<script type="text/plain" id="([\w-]+)">([^<]*)</script>\n')


def state(process: str, name: str, time: float, **fields: Value) -> Event:
    """A process entered a state; `process` is `group:name` or a name."""
    group, _, process_name = process.rpartition(":")
    return Event(
        f"PROCESS_STATE_{name}", time, {"processname": process_name, "groupname": group or process_name, **fields}
    )


def write_page(path: Path, rules: str, events: Iterable[Event], *, subject: str = "x.jsonl", until: float = 0) -> str:
    """Write the page of a replay of events through rules; what is in it."""
    checked, found = check([parse(Source("x.rules", rules))])
    assert not found
    run = DryRun(load(compile_rules(checked)), ["ops"])
    page = PageReport(path, subject)
    for event in events:
        page.take(event, run.feed(event))
    page.take(None, run.advance(until))
    page.end(NOTHING_PLAYED, Tally([]))
    return path.read_text(encoding="utf-8")


def blocks(page: str) -> dict[str, bytes]:
    """The data of a page by name."""
    return {name: zlib.decompress(b64decode(text)) for name, text in _BLOCK.findall(page)}


def without_data(page: str) -> str:
    """All of a page that is not data."""
    return _BLOCK.sub("", page)


def head(page: str) -> dict[str, Any]:
    """The names that numbers stand for, and what was replayed."""
    found: dict[str, Any] = json.loads(blocks(page)["head"])
    return found


def rows(page: str, table: str, *columns: str) -> list[tuple[float, ...]]:
    """The rows of a table: the time in milliseconds, then these columns."""
    data = blocks(page)
    times, now = [], 0.0
    for passed in array("d", data[f"{table}-time"]):
        now += passed
        times.append(now)
    numbers = [array("I", data[f"{table}-{column}"]) for column in columns]
    return list(zip(times, *numbers, strict=True))


def texts(page: str) -> list[list[object]]:
    """What is said of each alert."""
    return [json.loads(line) for line in blocks(page)["alert-text"].splitlines()]
