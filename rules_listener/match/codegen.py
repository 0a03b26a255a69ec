"""Checked expressions become Python expressions.

1. A condition has two spellings: `true(c)` is true if and only if c is true, `false(c)` if and only if c is false. What
   is unknown makes both false; so three-valued logic costs nothing when it runs.
2. A value's spelling gives None where the value is missing. What a type of event can't have is known here already, and
   what follows from it is worked out here: a spelling `False` is dropped with all that depends on it.
3. No spelling can raise, for any event.
4. Within a function a field is looked up once. Where there is a memo, `m`, what is computed from fields is computed
   once for all functions that an event goes through.

Conditions are in normal form (see `normal`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from rules_listener.event.catalogue import HEADER_FIELDS, Kind
from rules_listener.lang import checked
from rules_listener.match.normal import normal
from rules_listener.match.searches import Search, search_of

MAX_NESTING = 40
"""Combinations and calls within one another in one generated function; Python reads at most 200 nested parentheses."""

_HEADER = frozenset(field.name for field in HEADER_FIELDS)
_ATTRIBUTES = {name: name for name in ("data", "time", "processname", "groupname")} | {"eventname": "type"}
"""What an event is asked for itself: a recorded one has its names without a dict of all fields being made first."""
_OWN_NAMES = frozenset({"e", "f", "h", "v", "m", "n", "hits", "entries", "group", "text", "test"})
_CHEAP = frozenset({"len"})
"""Functions that cost less than to remember what they gave."""
_CONVERSIONS = {Kind.TEXT: "text_of", Kind.NUMBER: "number_of", Kind.BOOLEAN: "boolean_of"}
_SHOW = {Kind.DURATION: "show_duration", Kind.TIME: "show_time"}
_TRUE, _FALSE, _NONE = "True", "False", "None"


Passes = Mapping[Search | None, tuple[str, int]]
"""By each search the table of those that are made with it, and its number there."""


class Module:
    """The source of one generated module: functions and constants, each under a name of its own."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._names: dict[str, str] = {}
        self._memos: dict[str, int] = {}
        self.functions: dict[str, str] = {}
        """The source of each function, by name."""

    def function(self, prefix: str, parameters: str, lines: Iterable[str]) -> str:
        """The name of a function with these lines; the same function is written once."""
        body = f"({parameters}):\n    " + "\n    ".join(lines)
        name = self._names.get(body)
        if name is None:
            name = self._names[body] = f"{prefix}{len(self._names)}"
            self.functions[name] = f"def {name}{body}"
            self._parts.append(self.functions[name])
        return name

    def memo(self, spelling: str) -> int:
        """The key under which the value with this spelling is remembered for as long as an event is looked at."""
        return self._memos.setdefault(spelling, len(self._memos))

    def assign(self, name: str, spelling: str) -> None:
        """A name that the loader looks up."""
        self._parts.append(f"{name} = {spelling}")

    @property
    def source(self) -> str:
        """All of it, as text."""
        return "\n".join(self._parts) + "\n"


class FunctionWriter:
    """Spells expressions within one generated function, whose event is `e` and whose given values are `v`.

    `fields` are the names that the event's type has; None where the type is not known, and each field may hold
    anything. `known` are the names that are there: of `e`, `v`, the memo `m` and the constants `c0`, `c1`, …
    `looked_up` are the lines that stand before anyway.
    """

    def __init__(
        self, module: Module, fields: frozenset[str] | None, known: str = "e", looked_up: Collection[str] = ()
    ) -> None:
        self.module = module
        self.fields = fields
        self.known = known
        self.uses_memo = False
        self.passes: Passes = {}
        """Searches that are made together with others."""
        self._looked_up = looked_up
        self._locals: dict[str, str] = {}
        self._temporaries = 0
        self._nesting = 0
        self._remembers = "m" in known.split(", ")

    def head(self) -> list[str]:
        """The lines that the spellings so far need before them."""
        lines = [line for line in self._locals.values() if line not in self._looked_up]
        used = " ".join(lines)
        shorts = [f"{short} = e.{name}" for short, name in (("f", "fields"), ("h", "header")) if f"{short}.get" in used]
        return [line for line in shorts if line not in self._looked_up] + lines

    # conditions

    def true(self, condition: checked.Condition) -> str:
        """A spelling that is true if and only if the condition is."""
        return self._spell(condition, wanted=True)

    def false(self, condition: checked.Condition) -> str:
        """A spelling that is true if and only if the condition is false."""
        return self._spell(condition, wanted=False)

    def _spell(self, condition: checked.Condition, *, wanted: bool) -> str:
        match condition:
            case checked.Negation():
                return self._spell(condition.operand, wanted=not wanted)
            case checked.AllOf() | checked.AnyOf():
                return self._combination(condition, wanted=wanted)
            case checked.Comparison():
                return self._comparison(condition, wanted=wanted)
            case checked.Member():
                return self._member(condition, wanted=wanted)
            case checked.Present():
                return self._present(condition.value, wanted=wanted)
            case checked.Truth():
                value = self.value(condition.value)
                return str(value == str(wanted)) if value in (_TRUE, _FALSE, _NONE) else f"{value} is {wanted}"

    def _combination(self, condition: checked.AllOf | checked.AnyOf, *, wanted: bool) -> str:
        if self._nesting >= MAX_NESTING:
            return self._outsourced(lambda writer: writer.true(condition) if wanted else writer.false(condition))
        self._nesting += 1
        spellings = [self._spell(operand, wanted=wanted) for operand in condition.operands]
        self._nesting -= 1
        return all_of(spellings) if isinstance(condition, checked.AllOf) == wanted else any_of(spellings)

    def _outsourced(self, spell: Callable[["FunctionWriter"], str]) -> str:
        """What `spell` would spell here, in a function of its own."""
        writer = FunctionWriter(self.module, self.fields, self.known)
        writer.passes = self.passes
        spelling = spell(writer)
        self.uses_memo = self.uses_memo or self._remembers  # the part gets it, whether it uses it or not
        return self.module.function("part_", self.known, [*writer.head(), f"return {spelling}"]) + f"({self.known})"

    def _comparison(self, condition: checked.Comparison, *, wanted: bool) -> str:
        left, right = condition.left, condition.right
        if _is_of_any_kind(condition):
            return f"same({self.value(left)}, {self.value(right)}) is {wanted}"
        if condition.operator in ("==", "in") and wanted and (_is_known(left) or _is_known(right)):
            kind = _compared_kind(condition)
            sides = self.typed(left, kind), self.typed(right, kind)
            return _FALSE if _NONE in sides else f" {condition.operator} ".join(sides)
        guards, test = self._guards_and_test(condition)
        return all_of([*guards, test if wanted else negated(test)])

    def _guards_and_test(self, condition: checked.Comparison) -> tuple[list[str], str]:
        """What has to be true for both sides to be there, and then the test between them."""
        kind = _compared_kind(condition)
        first, first_guard = self._guarded(condition.left, kind)
        second, second_guard = self._guarded(condition.right, kind)
        if _NONE in (first, second):
            return [_FALSE], _FALSE
        search = search_of(condition) if self.passes else None
        if search in self.passes:
            table, number = self.passes[search]
            made = f"frozenset({table}.numbers({self.encoded(condition.left, first)}))"
            return [first_guard], f"{number} in {self._remembered(table, made)}"
        if condition.operator == "=~":
            first = self.encoded(condition.left, first)
        return [first_guard, second_guard], _test(condition.operator, first, second)

    def encoded(self, value: checked.Value, spelling: str) -> str:
        """A text as the bytes in which regular expressions are looked for."""
        return self._remembered(f"{checked.canonical(value)} as bytes", f"utf8({spelling})")

    def _member(self, condition: checked.Member, *, wanted: bool) -> str:
        constants = sorted({repr(constant.value) for constant in condition.constants})
        kind = condition.constants[0].kind if condition.constants else condition.item.kind
        item, guard = self._guarded(condition.item, kind)
        if item == _NONE:
            return _FALSE
        if not constants:
            return _FALSE if wanted else guard
        one_of = f"{{{', '.join(constants)}}}"
        if wanted:
            return f"{self.typed(condition.item, kind)} in {one_of}"
        return all_of([guard, f"{item} not in {one_of}"])

    def _present(self, value: checked.Value, *, wanted: bool) -> str:
        spelling = self.value(value)
        if spelling == _NONE:
            return str(not wanted)
        if isinstance(value, checked.Constant):
            return str(wanted)
        return f"{spelling} is {'not ' * wanted}None"

    # values

    def _guarded(self, value: checked.Value, kind: Kind) -> tuple[str, str]:
        """A spelling that may stand after its guard, which is true if the value is there and of its kind."""
        spelling = self.typed(value, kind)
        if _is_known(value):
            return spelling, _TRUE
        if spelling.isidentifier():
            return spelling, f"{spelling} is not None"
        name = self._temporary()
        return name, f"({name} := {spelling}) is not None"

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    def typed(self, value: checked.Value, kind: Kind) -> str:
        """A spelling of the value if it is of a kind, None where it is not, or missing."""
        spelling = self.value(value)
        if spelling != _NONE and kind in _CONVERSIONS and self._may_be_of_any_kind(value):
            return f"{_CONVERSIONS[kind]}({spelling})"
        return spelling

    def _may_be_of_any_kind(self, value: checked.Value) -> bool:
        return value.kind is Kind.ANY or (self.fields is None and isinstance(value, checked.FieldValue))

    def value(self, value: checked.Value) -> str:
        """A spelling of the value, None where it is missing."""
        match value:
            case checked.Constant():
                return repr(value.value)
            case checked.FieldValue():
                return self._field(value.name)
            case checked.Given(origin="constants"):
                return value.name
            case checked.Given(origin="values"):
                return self._local(value.name, f"v.get({value.name!r})")
            case checked.Given():
                return f"{value.origin}({value.name!r})"
            case checked.Apply():
                return self._apply(value)

    def _field(self, name: str) -> str:
        if self.fields is not None and name not in self.fields:
            return _NONE
        if name == "data" and self._remembers:
            return "e.data"  # not before it is needed: it may be long, and not be decoded yet
        if name == "process":
            return self._remembered(name, "e.process") if self._remembers else self._local(name, "e.process")
        if name in _ATTRIBUTES:
            return self._local(name, f"e.{_ATTRIBUTES[name]}")
        return self._local(name, f"{'h' if name in _HEADER else 'f'}.get({name!r})")

    def _local(self, name: str, spelling: str) -> str:
        name = f"{name}_" if name in _OWN_NAMES else name
        self._locals[name] = f"{name} = {spelling}"
        return name

    def _apply(self, value: checked.Apply) -> str:
        if self._nesting >= MAX_NESTING:
            return self._outsourced(lambda writer: writer.value(value))
        self._nesting += 1
        first, *rest = value.arguments
        argument, guard = self._guarded(first, Kind.TEXT)
        self._nesting -= 1
        if argument == _NONE:
            return _NONE
        call = f"{value.function}({', '.join([argument, *map(self.value, rest)])})"
        spelling = call if guard == _TRUE else f"({call} if {guard} else None)"
        return spelling if value.function in _CHEAP else self._remembered(checked.canonical(value), spelling)

    def _remembered(self, meaning: str, spelling: str) -> str:
        """A spelling that is worked out once for all functions that an event goes through, where there is a memo."""
        if not self._remembers:
            return spelling
        self.uses_memo = True
        key = self.module.memo(meaning)
        return f"(r{key} if (r{key} := m.get({key}, UNKNOWN)) is not UNKNOWN else m.setdefault({key}, {spelling}))"

    # templates

    def text(self, parts: checked.TemplateParts) -> str:
        """A spelling of a template's text."""
        spellings = [repr(part) if isinstance(part, str) else self._shown(part) for part in parts]
        if len(spellings) == 1:
            return spellings[0]
        return f"''.join(({', '.join(spellings)}))" if spellings else "''"

    def _shown(self, part: checked.Expression) -> str:
        if not isinstance(part, checked.Value):
            condition = normal(part)
            if isinstance(condition, checked.Comparison) and not _is_of_any_kind(condition):
                guards, test = self._guards_and_test(condition)
                return f"(('true' if {test} else 'false') if {all_of(guards)} else '-')"
            return f"('true' if {self.true(condition)} else 'false' if {self.false(condition)} else '-')"
        spelling = self.value(part)
        if _is_always_there(part):
            return spelling
        if part.kind is Kind.TEXT and spelling.isidentifier():
            return f"('-' if {spelling} is None else {spelling})"
        return f"{_SHOW.get(part.kind, 'show')}({spelling})"


def _test(operator: str, left: str, right: str) -> str:
    """A test between two values that are there."""
    match operator:
        case "=~":
            return f"found({right}, {left})"
        case "contains":
            return f"{right} in {left}"
        case "startswith" | "endswith":
            return f"{left}.{operator}({right})"
    return f"{left} {operator} {right}"


def _is_of_any_kind(condition: checked.Comparison) -> bool:
    """Whether all that matters is that both values are equal and of the same kind, whichever that is."""
    return condition.left.kind is Kind.ANY and condition.right.kind is Kind.ANY and condition.operator == "=="


def _compared_kind(condition: checked.Comparison) -> Kind:
    """The kind of which both sides have to be."""
    kinds = (condition.left.kind, condition.right.kind)
    return next((kind for kind in kinds if kind is not Kind.ANY), Kind.TEXT)


def _is_known(value: checked.Value) -> bool:
    """Whether a value is there, whatever the event."""
    return isinstance(value, checked.Constant) or _is_always_there(value)


def _is_always_there(value: checked.Value) -> bool:
    return isinstance(value, checked.Given) and value.origin in ("host", "constants")


def all_of(spellings: Iterable[str]) -> str:
    """All of them, in parentheses where needed."""
    kept = [spelling for spelling in dict.fromkeys(spellings) if spelling != _TRUE]
    if _FALSE in kept:
        return _FALSE
    return _joined(kept, " and ") or _TRUE


def any_of(spellings: Iterable[str]) -> str:
    """At least one of them, in parentheses where needed."""
    kept = [spelling for spelling in dict.fromkeys(spellings) if spelling != _FALSE]
    if _TRUE in kept:
        return _TRUE
    return _joined(kept, " or ") or _FALSE


def negated(test: str) -> str:
    """The opposite of a test between values that are there."""
    return f"not {test}"


def _joined(spellings: list[str], word: str) -> str:
    return f"({word.join(spellings)})" if len(spellings) > 1 else "".join(spellings)
