"""What somebody might do to hold the listener up: 1 MB of data, and rules that are as hard as rules can be.

The time is that from the frame's bytes to the text of the alert, in time of the processor.
"""

import json
import time
from dataclasses import dataclass

from rules_listener.event.wire import Frame, glance
from rules_listener.match.engine import Engine
from rules_listener.outbox.alert import alerts_of
from tests.bench.figures import Figure, in_turn, ratio
from tests.bench.rules import loaded

ROUNDS = 9
LONGEST_S = 0.05
"""How long an event may take."""

ROWS = json.dumps({"rows": [{"a": number, "text": "x" * 50} for number in range(14_000)]})
LEVELS = 190
EXPRESSIONS = (
    *("len(data)", "truncate(upper(data), {n})", "truncate(first_line(data), {n})", "truncate(last_line(data), {n})"),
    *("json(data, 'rows[{n}].a')", "extract(data, '.a.: ({n}7),')", "data =~ 'q{n}.*z'", "lower(data) endswith '{n}'"),
    *("data contains 'q{n}'", "process"),
)
"""What the template holds, ten times each with another number."""


@dataclass(frozen=True, slots=True)
class Attack:
    """A rule, and the data that it has to do with."""

    name: str
    rule: str
    data: str


def _nested(alternatives: int) -> str:
    """Conditions within one another, each looking for something that is not there."""
    tests = [f"data =~ 'q{n}.*z'" if n % 2 else f"data contains 'q{n}'" for n in range(alternatives)]
    return " or (".join(tests) + ")" * (alternatives - 1)


EXCLUSIONS = 150
EXCLUDED = " and ".join(f"not data contains 'q{n}'" for n in range(EXCLUSIONS))
TEMPLATE = " ".join(f"{{{EXPRESSIONS[n % 10].replace('{n}', str(n))}}}" for n in range(100))
ATTACKS = (
    Attack("a rule with `(a+)+$`", "on PROCESS_LOG where data =~ '(a+)+$' alert '{pid}'", "a" * 1_000_000 + "b"),
    Attack(f"a rule of {LEVELS} nested conditions", f"on PROCESS_LOG where {_nested(LEVELS)} alert '{{pid}}'", ROWS),
    Attack(f"a rule with {EXCLUSIONS} exclusions", f"on PROCESS_LOG where {EXCLUDED} alert '{{pid}}'", ROWS),
    Attack("a template of 100 expressions", f'on PROCESS_LOG alert "{TEMPLATE}"', ROWS),
)


class Attacked:
    """A listener's way with one event, from its bytes to the text of its alerts."""

    def __init__(self, attack: Attack) -> None:
        self._engine = Engine(loaded(attack.rule))
        payload = f"processname:a groupname:b pid:1 channel:stdout\n{attack.data}"
        header = f"ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:PROCESS_LOG_STDOUT len:{len(payload)}"
        self._frame = Frame(header.encode(), payload.encode())
        self.texts: list[str] = []
        self.seconds()

    def seconds(self) -> float:
        """How long the event takes."""
        began = time.process_time()
        event = glance(self._frame, 0.0, self._engine.program.types)
        firings = self._engine.feed(event)
        self.texts = [
            one.text for firing in firings for alert in alerts_of(firing, ["out"]) for one in alert.deliveries
        ]
        return time.process_time() - began


def measure() -> list[Figure]:
    """All figures of this kind."""
    attacked = {attack.name: Attacked(attack) for attack in ATTACKS}
    seconds = in_turn({name: one.seconds for name, one in attacked.items()}, ROUNDS)
    return [
        ratio(
            f"milliseconds of an event with 1 MB of data, {name} : {LONGEST_S * 1000:.0f}",
            found,
            [LONGEST_S] * ROUNDS,
            wanted="≤ 1.0",
            detail=f"{sorted(found)[ROUNDS // 2] * 1000:.1f} ms",
        )
        for name, found in seconds.items()
    ]
