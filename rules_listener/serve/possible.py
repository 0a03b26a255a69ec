"""Which events can come from the processes of a supervisord, as far as its configuration decides that.

In go a configuration and the conditions of rules; out come the processes that a comparison is true of, and whether an
event can come that fulfils some conditions.

1. What a condition says of names, `tries`, `channel` and `eventname` is worked out for each process, by the same
   generated code that a listener runs. All other fields may have any value, or be missing.
2. So "can't come" is certain, and "can come" is not.
"""

from collections.abc import Callable, Iterable, Iterator
from math import ceil, floor
from typing import NamedTuple

from rules_listener.event.catalogue import CATALOGUE, NUMBERS
from rules_listener.event.event import Event
from rules_listener.lang import checked
from rules_listener.match.compile import compile_rules
from rules_listener.match.program import load
from rules_listener.serve.supervisorconf import Process, SupervisorConf
from rules_listener.serve.wanted import Wanted, depends_on_event_alone, fields_in

NAMES = frozenset({"processname", "groupname", "process"})
"""The fields that say whose event it is."""

TRIES = "tries"
_KNOWN = NAMES | {TRIES, "channel", "eventname"}

PROCESS_TYPES = tuple(name for name, found in CATALOGUE.items() if found.is_process and not found.abstract)
"""All types of events about a process."""

_WITH_TRIES = frozenset(name for name in PROCESS_TYPES if TRIES in NUMBERS[name])
_PROCESS_TYPES = frozenset(PROCESS_TYPES)

_SAYS_NAMES_ALONE = "PROCESS_STATE_FATAL"
"""The type whose events say nothing but whose they are."""

Hits = frozenset[int]
"""What is true of an event: 2n if the n-th known part of the conditions is true, 2n + 1 if it is false."""

Test = Callable[[Hits], bool]

_Atom = checked.Comparison | checked.Member | checked.Present | checked.Truth


class Freedom(NamedTuple):
    """What is left open: names may be any, `tries` any number, and every process sends every event."""

    any_name: bool = False
    any_tries: bool = False
    sends_all: bool = False


NONE = Freedom()
"""All that the configuration says is believed."""


def sends(process: Process, type_name: str) -> bool:
    """Whether a process can be the one that an event of this type is about."""
    if not type_name.startswith(("PROCESS_LOG_", "PROCESS_COMMUNICATION_")):
        return True
    output = process.outputs[type_name.rpartition("_")[2].lower()]
    enabled = output.events_enabled if type_name.startswith("PROCESS_LOG_") else output.capture_maxbytes > 0
    return enabled and not output.reason


def has_tries(type_name: str) -> bool:
    """Whether events of a type say how many tries there were."""
    return type_name in _WITH_TRIES


def most_tries(process: Process, type_name: str) -> int:
    """The greatest `tries` of such an event, unless someone stops and starts a process that waits in BACKOFF.

    See `supervisor/process.py: transition`, `change_state`.
    """
    return process.startretries + (type_name == "PROCESS_STATE_BACKOFF")


class Possible:
    """What can come from the processes of `conf`, seen by some conditions."""

    def __init__(self, conf: SupervisorConf, conditions: Iterable[checked.Condition]) -> None:
        self.processes = tuple(conf.processes)
        atoms = {checked.canonical(atom): atom for condition in conditions for atom in _known_atoms(condition)}
        self._numbers = {spelled: number for number, spelled in enumerate(atoms)}
        self._fields = [fields_in(atom) for atom in atoms.values()]
        self._tries = sorted({near for atom in atoms.values() for near in _tries_near(atom)})
        rules = [_rule(condition) for atom in atoms.values() for condition in (atom, checked.Negation(atom))]
        self._buckets = load(compile_rules(checked.RuleSet(tuple(rules)))).buckets
        self._hits: dict[tuple[str, str, str, int], Hits] = {}
        self._named: dict[int, tuple[Process, ...]] = {}
        self._tests: dict[tuple[int, bool], tuple[checked.Condition, Test]] = {}

    def processes_where(self, comparison: checked.Comparison) -> tuple[Process, ...]:
        """The processes whose names fulfil a comparison of names, which is one of the given conditions' parts."""
        number = self._numbers[checked.canonical(comparison)]
        if number not in self._named:
            hits = ((process, self._hit(process, _SAYS_NAMES_ALONE, 0)) for process in self.processes)
            self._named[number] = tuple(process for process, found in hits if 2 * number in found)
        return self._named[number]

    def can_come(self, wanted: Wanted, processes: Iterable[Process], freedom: Freedom = NONE) -> bool:
        """Whether one of the processes can send an event that is wanted; events about no process can always come."""
        if not _PROCESS_TYPES.issuperset(wanted.types):
            return True
        tests = [self._test(where.condition, any_name=freedom.any_name) for where in wanted.wheres]
        return any(
            all(test(hits) for test in tests)
            for process in processes
            for name in wanted.types
            if freedom.sends_all or sends(process, name)
            for hits in self._situations(process, name, any_tries=freedom.any_tries)
        )

    def _situations(self, process: Process, name: str, *, any_tries: bool) -> Iterator[Hits]:
        """What is true of a process's events of a type: one set for each `tries` that makes a difference."""
        if not has_tries(name):
            yield self._hit(process, name, 0)
            return
        most = max([most_tries(process, name), *(self._tries if any_tries else [])])
        for tries in {0, most, *(tries for tries in self._tries if 0 <= tries <= most)}:
            yield self._hit(process, name, tries)

    def _hit(self, process: Process, name: str, tries: int) -> Hits:
        key = (process.group, process.name, name, tries)
        if key not in self._hits:
            bucket = self._buckets.get(name)
            self._hits[key] = frozenset(bucket(_event(process, name, tries)) if bucket else [])
        return self._hits[key]

    def _test(self, condition: checked.Condition, *, any_name: bool) -> Test:
        """Whether a condition can be true."""
        key = (id(condition), any_name)
        if key not in self._tests:
            free = NAMES if any_name else frozenset[str]()
            self._tests[key] = (condition, self._made(condition, free, outcome=True))
        return self._tests[key][1]

    def _made(self, condition: checked.Condition, free: frozenset[str], *, outcome: bool) -> Test:
        """Whether a condition can come to `outcome`: its parts are taken for independent where they are not known."""
        match condition:
            case checked.Negation():
                return self._made(condition.operand, free, outcome=not outcome)
            case checked.AllOf() | checked.AnyOf():
                tests = [self._made(one, free, outcome=outcome) for one in condition.operands]
                if isinstance(condition, checked.AllOf) is outcome:
                    return lambda hits: all(test(hits) for test in tests)
                return lambda hits: any(test(hits) for test in tests)
        number = self._numbers.get(checked.canonical(condition))
        if number is None or self._fields[number] & free:
            return lambda _: True
        trigger = 2 * number + (not outcome)
        return lambda hits: trigger in hits


def _known_atoms(condition: checked.Condition) -> Iterator[_Atom]:
    """The parts of a condition that what is known of a process decides."""
    for part in checked.subexpressions(condition):
        if isinstance(part, _Atom) and fields_in(part) <= _KNOWN and depends_on_event_alone(part):
            yield part


def _tries_near(atom: _Atom) -> Iterator[int]:
    """The numbers around the constants that `tries` is compared with."""
    if TRIES in fields_in(atom):
        parts: Iterable[checked.Expression] = checked.subexpressions(atom)
        constants = [*parts, *(atom.constants if isinstance(atom, checked.Member) else ())]
        for constant in constants:
            if isinstance(constant, checked.Constant) and isinstance(constant.value, int | float):
                yield from (
                    floor(constant.value) - 1,
                    floor(constant.value),
                    ceil(constant.value),
                    ceil(constant.value) + 1,
                )


def _rule(condition: checked.Condition) -> checked.Rule:
    return checked.Rule("", (checked.Arm(PROCESS_TYPES, condition),), ())


def _event(process: Process, name: str, tries: int) -> Event:
    """An event of a type, with the fields that are known and that it has."""
    channel = name.rpartition("_")[2].lower()
    values: dict[str, str | int] = {"processname": process.name, "groupname": process.group}
    values |= {TRIES: tries, "channel": channel}
    return Event(
        name, 0.0, {field.name: values[field.name] for field in CATALOGUE[name].fields if field.name in values}
    )
