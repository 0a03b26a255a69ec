"""The benchmarks' data is sound, and the README shows what was measured."""

import json

import pytest

from rules_listener.event.wire import decode
from tests.bench.contestants import BY_HAND, CONTESTANTS
from tests.bench.matching import fields_of, our_matcher, selected_events
from tests.bench.plot import APART, label_heights
from tests.bench.report import BEGIN, END, FIGURES, README, merged, section
from tests.bench.rules import program
from tests.bench.workloads import LINE, expressions, frames, lines, rules, workload

COUNT = 20


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_workloads_are_looked_up(name: str) -> None:
    """The rules of all workloads have no mistake, and none of them has to be tried at each event."""
    made = program(rules(name, COUNT))
    assert len(made.rules) == COUNT
    assert made.residual == 0


@pytest.mark.parametrize("name", BY_HAND)
def test_what_is_compared_is_the_same(name: str) -> None:
    """The condition means the same in Python as in our language; some events fulfil it, and some do not."""
    form, make = CONTESTANTS[name]
    ours, other = our_matcher("a", COUNT), make(workload("a")["others"][form], COUNT)
    answers = [list(ours(event)) for event in selected_events(COUNT)]
    assert answers == [other(fields_of(event)) for event in selected_events(COUNT)]
    assert {len(answer) for answer in answers} == {0, 1}


def test_events_are_those_of_supervisord() -> None:
    """The frames can be decoded, and half of them are selected; lines have one length, and all expressions differ."""
    kinds = [decode(frame, 0.0).type for frame in frames(COUNT)]
    assert kinds.count("PROCESS_STATE_EXITED") * 2 == len(kinds)
    assert {len(line) for line in lines(COUNT)} == {LINE}
    assert len(set(expressions(COUNT))) == COUNT


def test_the_readme_shows_the_figures() -> None:
    """The README's section is made of the file for programs."""
    _, _, rest = README.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    assert rest.partition(f"\n{END}")[0] == section(json.loads(FIGURES.read_text(encoding="utf-8")))


def test_a_part_can_be_measured_anew() -> None:
    """What was measured before stays, in its place."""
    every = merged({"loading": {"about": "now"}}, ["startup", "loading", "unheard_of"])
    assert list(every) == ["startup", "loading"]
    assert every["loading"] == {"about": "now"}


def test_names_beside_lines_do_not_cover_each_other() -> None:
    """A name stands where its line ends, or as high above the name below as it has to."""
    assert label_heights({"b": 11.0, "a": 10.0, "c": 100.0}) == {"a": 10.0, "b": 10.0 * APART, "c": 100.0}
