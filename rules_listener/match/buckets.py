"""The triggers of one type of event become one generated function, and tables in which it looks them up.

1. Which way a trigger goes, by which predicate it is looked up or whether it is tried at each event, never changes
   whether it is pulled.
2. A test is code for a condition's shape. It goes through the entries that it tries, each a trigger's number and its
   constants (the number alone where there are none), and adds the numbers of those that are true to `hits`. It stands
   where the entries are found, if all that can be found there have that shape; else it is a function.
3. Tables are plain values that `marshal` can keep; what is the same for several types of events is kept once.
"""

import marshal
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rules_listener.event.catalogue import CATALOGUE, UNLISTED, fields_of
from rules_listener.lang import checked
from rules_listener.match.codegen import FunctionWriter, Module, Passes
from rules_listener.match.index import Candidate, Index, index_of
from rules_listener.match.lookup import MATCHES, Group, prefix_tree
from rules_listener.match.necessary import BEGINS, ENDS, EQUALS, Predicate, Subject
from rules_listener.match.searches import Search, many_searches
from rules_listener.match.shapes import Constants, Shape, shape_of, that_differ

TRIED = "tried"
"""The method of a table that is gone through at each event."""

ALWAYS = "always"
"""The name of the test that is true of all its entries."""

IN_PLACE = "in place"
"""Stands for the name of a test that has none."""

_CALLED = ["for test, entries in group: TESTS[test](e, m, hits, entries)"]

Tables = dict[str, tuple[str, Any]]
"""By the name of each table, the method by which it is looked into, and what is in it."""

Operands = Mapping[checked.Scalar, Sequence[Candidate]]
Groups = Mapping[Any, Group]


class Found(NamedTuple):
    """How a trigger is found in a type of event; without a predicate it is tried at each of them."""

    number: int
    predicate: Predicate | None
    test: str
    constants: Constants


class Common(NamedTuple):
    """What some conditions have in common: a shape (None: there is no condition), and which constants differ in it."""

    condition: checked.Condition | None
    differing: list[int]


class Buckets:
    """Writes the functions of all types of events into `module`."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.tests = {ALWAYS: 0}
        """The number of each test, by its name."""
        self.tables: Tables = {}
        self.found: dict[str, list[Found]] = {}
        """How each trigger is found, by type of event."""
        self._table_names: dict[bytes, str] = {}
        self._tests: dict[tuple[checked.Condition, frozenset[str] | None], str] = {}
        self._shapes: dict[int, tuple[checked.Condition, Shape]] = {}
        self._indexes: dict[tuple[object, ...], Index] = {}

    def function(self, name: str, bucket: Sequence[Candidate], *, indexed: bool) -> str:
        """The name of the function of one type of event."""
        index = self._index(name, bucket) if indexed else Index({}, list(bucket))
        by_subject: dict[Subject, dict[checked.Scalar, list[Candidate]]] = {}
        for (subject, operand), found in index.looked_up.items():
            by_subject.setdefault(subject, {})[operand] = found
        fields = None if name == UNLISTED else frozenset(fields_of(CATALOGUE[name]))
        writer = BucketWriter(self, fields, self.found.setdefault(name, []))
        writer.tried(index.tried)
        for subject, operands in by_subject.items():
            writer.looked_up(subject, operands)
        return self.module.function(f"on_{name.replace('*', 'other')}_", "e", writer.finished(twice=index.twice))

    def _index(self, name: str, bucket: Sequence[Candidate]) -> Index:
        fields = CATALOGUE[name].fields if name in CATALOGUE else ()
        possible = {field.name: len(field.possible) for field in fields if field.possible}
        key = (*possible.items(), *((number, id(condition)) for number, condition in bucket))
        if key not in self._indexes:
            self._indexes[key] = index_of(bucket, possible)
        return self._indexes[key]

    def table(self, method: str, content: Any) -> str:
        """The name of a table; the same table has the same name."""
        key = marshal.dumps((method, content), 2)
        name = self._table_names.get(key)
        if name is None:
            name = self._table_names[key] = f"{method}_{len(self._table_names)}"
            self.tables[name] = (method, content)
        return name

    def test(self, condition: checked.Condition | None, fields: frozenset[str] | None) -> tuple[str, Constants]:
        """The name of a condition's test, and the constants that it takes; no name if the condition can't be true."""
        if condition is None:
            return ALWAYS, ()
        shape, constants = self.shape(condition)
        name = self._tests.get((shape, fields))
        if name is None:
            name = self._tests[shape, fields] = self._test(shape, len(constants), fields)
        return name, () if name == ALWAYS else constants

    def shape(self, condition: checked.Condition) -> Shape:
        """The shape of a condition, found once."""
        known = self._shapes.get(id(condition))
        if known is None:
            known = self._shapes[id(condition)] = condition, shape_of(condition)
        return known[1]

    def _test(self, shape: checked.Condition, holes: int, fields: frozenset[str] | None) -> str:
        names = [f"c{number}" for number in range(holes)]
        writer = FunctionWriter(self.module, fields, ", ".join(["e", "m", *names]))
        writer.passes = self.passes(shape)
        test = writer.true(shape)
        if test in ("True", "False"):
            return ALWAYS if test == "True" else ""
        lines = [f"if {test}: hits += entries"]
        if names:
            lines = [f"for n, {', '.join(names)} in entries:", f"    if {test}: hits.append(n)"]
        name = self.module.function("test_", "e, m, hits, entries", [*writer.head(), *lines])
        self.tests.setdefault(name, len(self.tests))
        return name

    def passes(self, condition: checked.Condition) -> Passes:
        """The searches of a condition that are made in a pass over their text."""
        found: dict[Search | None, tuple[str, int]] = {}
        for value, patterns in many_searches(condition).items():
            table = self.table(MATCHES, (patterns, patterns))
            found |= {Search(value, pattern): (table, number) for number, pattern in enumerate(patterns)}
        return found


class BucketWriter:
    """Writes the function of a type of event that has `fields`, and adds to `found` how each trigger is found."""

    def __init__(self, buckets: Buckets, fields: frozenset[str] | None, found: list[Found]) -> None:
        self._buckets = buckets
        self._fields = fields
        self._found = found
        self._writer = FunctionWriter(buckets.module, fields, "e, m")
        self._lines: list[str] = []
        self._needs_memo = False

    def tried(self, candidates: Iterable[Candidate]) -> None:
        """Try these at each event."""
        for test, entries in self._by_test(candidates, None).items():
            table = self._buckets.table(TRIED, tuple(entries))
            self._needs_memo = self._needs_memo or test != ALWAYS
            self._lines.append(f"hits += {table}" if test == ALWAYS else f"{test}(e, m, hits, {table})")

    def looked_up(self, subject: Subject, operands: Operands) -> None:
        """Look these up by the values of one subject."""
        spelling = self._writer.typed(subject.value, subject.kind)
        if spelling == "None":
            return
        common = self._common(operands)
        test, groups = self._called(subject, operands) if common is None else self._in_place(subject, operands, common)
        if groups:
            self._lines += _LOOKS[subject.method](self._buckets, self._writer, Look(subject, groups, spelling, test))

    def _common(self, operands: Operands) -> Common | None:
        """What all conditions that are found by a subject have in common; None if they have more than one shape."""
        rests = [rest for candidates in operands.values() for _, rest in candidates]
        conditions = [rest for rest in rests if rest is not None]
        if not conditions:
            return Common(None, [])
        shapes = list(map(self._buckets.shape, conditions))
        if len(shapes) < len(rests) or any(shape.condition != shapes[0].condition for shape in shapes):
            return None
        differing = that_differ(shape.constants for shape in shapes)
        return Common(shape_of(conditions[0], differing).condition, differing)

    def _in_place(self, subject: Subject, operands: Operands, common: Common) -> tuple[list[str], Groups]:
        """The lines of the one test of all that is found by a subject, and its entries."""
        names = [f"c{place}" for place in range(len(common.differing))]
        known, lines = ", ".join(["e", "m", *names]), self._writer.head()
        writer = FunctionWriter(self._buckets.module, self._fields, known, looked_up=lines)
        if common.condition is not None:
            writer.passes = self._buckets.passes(common.condition)
        test = "True" if common.condition is None else writer.true(common.condition)
        self._needs_memo = self._needs_memo or writer.uses_memo
        if test == "False":
            return [], {}
        if names:
            lines = [f"for n, {', '.join(names)} in group:", f"    if {test}: hits.append(n)"]
        else:
            lines = ["hits += group" if test == "True" else f"if {test}: hits += group"]
        return [*writer.head(), *lines], self._entries(subject, operands, common)

    def _entries(self, subject: Subject, operands: Operands, common: Common) -> Groups:
        """By each operand the entries of the test, with those constants that differ."""
        test = ALWAYS if common.condition is None else IN_PLACE
        groups: dict[checked.Scalar, Group] = {}
        for operand, candidates in operands.items():
            entries = []
            for number, rest in candidates:
                every = () if rest is None else self._buckets.shape(rest).constants
                constants = tuple(every[place] for place in common.differing)
                entries.append((number, *constants) if constants else number)
                self._found.append(Found(number, Predicate(subject, operand), test, constants))
            groups[operand] = tuple(entries)
        return groups

    def _called(self, subject: Subject, operands: Operands) -> tuple[list[str], Groups]:
        """Tests that are called, and for each of them the entries."""
        self._needs_memo = True
        groups = {operand: self._group(here, Predicate(subject, operand)) for operand, here in operands.items()}
        return _CALLED, {operand: group for operand, group in groups.items() if group}

    def _group(self, candidates: Iterable[Candidate], predicate: Predicate) -> Group:
        found = self._by_test(candidates, predicate)
        return tuple((self._buckets.tests[test], tuple(entries)) for test, entries in found.items())

    def _by_test(self, candidates: Iterable[Candidate], predicate: Predicate | None) -> dict[str, list[Any]]:
        tests: dict[str, list[Any]] = {}
        for number, rest in candidates:
            test, constants = self._buckets.test(rest, self._fields)
            if test:
                tests.setdefault(test, []).append((number, *constants) if constants else number)
                self._found.append(Found(number, predicate, test, constants))
        return tests

    def finished(self, *, twice: bool) -> list[str]:
        """The lines of the function; `twice` says that a trigger may be found more than once."""
        memo = ["m = {}"] if self._needs_memo or self._writer.uses_memo else []
        lines = [*memo, *self._writer.head(), *self._lines] if self._lines else []
        hits = "hits if len(hits) < 2 else list(set(hits))" if twice else "hits"
        return ["hits = []", *lines, f"return {hits}"]


# how a method looks into its tables


class Look(NamedTuple):
    """A look by a subject, which is spelled in a way: what is found by each operand, and the lines that test it."""

    subject: Subject
    groups: Groups
    spelling: str
    test: list[str]


def _look_by_value(buckets: Buckets, _: FunctionWriter, look: Look) -> list[str]:
    table = buckets.table(EQUALS, dict(look.groups))
    return [f"group = {table}.get({look.spelling})", "if group is not None:", *_indented(look.test)]


def _look_by_beginning(buckets: Buckets, _: FunctionWriter, look: Look) -> list[str]:
    table = buckets.table(BEGINS, prefix_tree(look.groups))
    return [f"for group in beginning_groups({table}, {look.spelling}):", *_indented(look.test)]


def _look_by_end(buckets: Buckets, _: FunctionWriter, look: Look) -> list[str]:
    table = buckets.table(ENDS, prefix_tree({text[::-1]: group for text, group in look.groups.items()}))
    longest = max(map(len, look.groups))
    return [f"for group in ending_groups({table}, {longest}, {look.spelling}):", *_indented(look.test)]


def _look_by_pattern(buckets: Buckets, writer: FunctionWriter, look: Look) -> list[str]:
    table = buckets.table(MATCHES, (tuple(look.groups), tuple(look.groups.values())))
    return [
        f"text = {look.spelling}",
        "if text is not None:",
        f"    for group in {table}.found({writer.encoded(look.subject.value, 'text')}):",
        *_indented(_indented(look.test)),
    ]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


_LOOKS: dict[str, Callable[[Buckets, FunctionWriter, Look], list[str]]] = {
    EQUALS: _look_by_value,
    BEGINS: _look_by_beginning,
    ENDS: _look_by_end,
    MATCHES: _look_by_pattern,
}
