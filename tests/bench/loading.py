"""What it costs to load 10,000 rules: from text, from the kept file, and in memory.

1. Each is measured in a process of its own, `python -m tests.bench.loading WHAT FOLDER`, in time of the processor. All
   do without the garbage collector, as the compiler and the listener's start do; with it, lark takes twice as long.
2. From text is all that the compiler does with rules, and that the listener does with what comes of it: parse, check,
   compile, load, make an engine.
"""

import gc
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.bench.figures import Figure, in_turn, ratio
from tests.bench.startup import command, start
from tests.bench.workloads import rules

RULES = 10_000
ROUNDS = 5
LONGEST_CACHED_S = 0.5
MOST_BYTES = 8_192
"""How many bytes of memory a rule may take."""

GRAMMAR = Path(__file__).parents[2] / "grammar"


def lark_alone(folder: Path) -> float:
    """Seconds that lark needs for a tree with places, by the same grammar; its grammar is read before."""
    from lark import Lark  # noqa: PLC0415 - each of these processes imports only what it measures

    grammar = f"{(GRAMMAR / 'rules.lark').read_text(encoding='utf-8')}\nstart: statement*\n"
    parser = Lark(
        grammar, parser="lalr", propagate_positions=True, maybe_placeholders=True, import_paths=[str(GRAMMAR)]
    )
    text = (folder / "bench.rules").read_text(encoding="utf-8")
    began = time.process_time()
    parser.parse(text)
    return time.process_time() - began


def from_text(folder: Path) -> float:
    """Seconds from the text to an engine that can take events, the grammar included."""
    from rules_listener.match.engine import Engine  # noqa: PLC0415 - likewise
    from rules_listener.match.program import load  # noqa: PLC0415 - likewise
    from rules_listener.serve.compiler import check_all, compile_all  # noqa: PLC0415 - likewise

    began = time.process_time()
    checked = check_all(folder / "rules-listener.yaml", [], most_linted=0)
    assert not checked.found
    Engine(load(compile_all(checked, "", [], "").program))
    return time.process_time() - began


def from_file(folder: Path) -> float:
    """Seconds from the kept file to an engine that can take events."""
    from rules_listener.match.engine import Engine  # noqa: PLC0415 - likewise
    from rules_listener.match.program import load  # noqa: PLC0415 - likewise
    from rules_listener.serve.bundle import is_fresh, kept_bundle  # noqa: PLC0415 - likewise

    began = time.process_time()
    bundle = kept_bundle(folder / ".rules-listener")
    assert bundle is not None
    assert is_fresh(bundle, bundle.origin.config, bundle.origin.rules, bundle.origin.state)
    Engine(load(bundle.program))
    return time.process_time() - began


MEASURES = {"lark": lark_alone, "text": from_text, "file": from_file}


def _in_a_process(what: str, folder: Path) -> float:
    arguments = [sys.executable, "-m", "tests.bench.loading", what, str(folder)]
    return float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)


def measure() -> list[Figure]:
    """All figures of this kind."""
    with tempfile.TemporaryDirectory() as many_name, tempfile.TemporaryDirectory() as one_name:
        many, one = _folder(Path(many_name), RULES), _folder(Path(one_name), 1)
        memory = in_turn(
            {
                "many": lambda: start(command(many), many).memory,
                "one": lambda: start(command(one), one).memory,
            },
            ROUNDS,
        )
        seconds = in_turn({what: partial(_in_a_process, what, many) for what in MEASURES}, ROUNDS)
    of_a_rule = [(first - second) * 1024 / RULES for first, second in zip(memory["many"], memory["one"], strict=True)]
    return [
        ratio(
            f"seconds to load {RULES:,} rules from text : lark alone, for their tree with places",
            seconds["text"],
            seconds["lark"],
            wanted="≤ 1.5",
            detail=f"{_middle(seconds['text']):.2f} : {_middle(seconds['lark']):.2f} s",
        ),
        ratio(
            f"seconds to load {RULES:,} rules from the kept file : {LONGEST_CACHED_S}",
            seconds["file"],
            [LONGEST_CACHED_S] * ROUNDS,
            wanted="≤ 1.0",
            detail=f"{_middle(seconds['file']):.2f} s",
        ),
        ratio(
            f"memory of the listener for each of {RULES:,} rules : {MOST_BYTES:,} bytes",
            of_a_rule,
            [MOST_BYTES] * ROUNDS,
            wanted="≤ 1.0",
            detail=f"{_middle(of_a_rule):,.0f} bytes",
        ),
    ]


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _folder(folder: Path, count: int) -> Path:
    """A folder with so many rules of workload A, and with what is kept of them."""
    (folder / "bench.rules").write_text(rules("a", count), encoding="utf-8")
    (folder / "rules-listener.yaml").write_text("rules: [bench.rules]\nchannels: {out: {log: {}}}\ndefault: [out]\n")
    start(command(folder), folder)
    return folder


def main(what: str, folder: str) -> None:
    """Measure one thing, once."""
    gc.disable()
    os.chdir(folder)
    sys.stdout.write(f"{MEASURES[what](Path(folder))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
