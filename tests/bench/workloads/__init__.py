"""The workloads of the figures about many rules, as data: what the rules say, and the events that come."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from rules_listener.event.wire import Frame

LINE = 200
"""How many characters the lines of a log have in workload B."""
EVENTS = 4_000


def workload(name: str) -> dict[str, Any]:
    """What the file of a workload says."""
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def filled(text: str, **numbers: object) -> str:
    """A text with numbers in it, and all other braces as they are."""
    for name, number in numbers.items():
        text = text.replace(f"{{{name}}}", str(number))
    return text


def rules(name: str, count: int) -> str:
    """So many rules of a workload."""
    rule = workload(name)["rule"]
    known = expressions(count) if name == "b" else itertools.repeat("", count)
    return "".join(filled(rule, n=n, expression=expression) for n, expression in enumerate(known))


def expressions(count: int) -> list[str]:
    """The expressions of so many rules of workload B."""
    forms = workload("b")["expressions"]
    return [filled(forms[n % len(forms)], n=n) for n in range(count)]


def lines(count: int) -> list[str]:
    """Lines of a log, for so many rules of workload B."""
    return [text.ljust(LINE, ".")[:LINE] for text in _drawn(workload("b")["lines"], count)]


def _drawn(texts: list[str], count: int) -> Iterator[str]:
    drawn = random.Random(1)  # noqa: S311 - the same events each time
    for text in itertools.islice(itertools.cycle(texts), EVENTS):
        yield filled(text, n=drawn.randrange(count), m=drawn.randrange(1_000, 100_000))


def frames(count: int) -> list[Frame]:
    """The events of workloads A and C for so many rules, as supervisord sends them."""
    events = workload("a")["events"]
    drawn = _drawn(["\t".join(event) for event in events], count)
    return [_frame(number, *text.split("\t", 1)) for number, text in enumerate(drawn)]


def _frame(number: int, kind: str, payload: str) -> Frame:
    header = f"ver:3.0 server:supervisor serial:{number} pool:listener poolserial:{number}"
    return Frame(f"{header} eventname:{kind} len:{len(payload)}".encode(), payload.encode())
