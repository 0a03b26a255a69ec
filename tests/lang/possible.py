"""Events that can occur, and conditions that have much to do with one another: random input for tests of warnings."""

import re
from collections.abc import Sequence

from hypothesis import strategies as st

from rules_listener.event.catalogue import CATALOGUE, HEADER_FIELDS, LISTENER_PREFIX, UNLISTED, Field, Kind
from rules_listener.event.event import Event, Value
from rules_listener.lang.scope import EVERYTHING, Scope
from tests.match.strategies import DOCUMENTS, UNKNOWN_TYPES, WORDS, events

FEW_WORDS = ("", "a", "ab", "web", "web-1", "b")


def _value(field: Field) -> st.SearchStrategy[Value]:
    if field.possible:
        return st.sampled_from(field.possible)
    return st.sampled_from([0, 1, 2, 7]) if field.kind is Kind.NUMBER else st.sampled_from(FEW_WORDS)


@st.composite
def possible_events(draw: st.DrawFn, types: Sequence[str]) -> Event:
    """An event of one of some types, with all the fields that it has to have, and values that they can have."""
    name = draw(st.sampled_from(types))
    if name == UNLISTED:
        return draw(events().filter(lambda event: event.type in UNKNOWN_TYPES))
    kind = CATALOGUE[name]
    fields = {field.name: draw(_value(field)) for field in kind.fields if not (field.optional and draw(st.booleans()))}
    data = draw(st.sampled_from((*DOCUMENTS, *FEW_WORDS, *WORDS))) if kind.has_data else None
    header: dict[str, Value] = {"eventname": name}
    if not name.startswith(LISTENER_PREFIX):
        header |= {field.name: draw(_value(field)) for field in HEADER_FIELDS[:5] if draw(st.booleans())}
    return Event(name, draw(st.sampled_from([0.0, 1_764_000_000.0])), fields, data, header)


_WORD = (*map(repr, FEW_WORDS), "'web:a'", "':'")
_STATE = ("'STARTING'", "'RUNNING'", "'STOPPED'", "'FATAL'", "'BACKOFF'")
_PLACEHOLDERS: dict[str, tuple[str, ...]] = {
    "TEXT": ("groupname", "lower(groupname)", "processname", "process", "data", "first_line(data)", "json(data, 'a')"),
    "FIXED": ("server", "host", "env('RULES_LISTENER_A')"),
    "NUMBER": ("pid", "len(data)", "tries", "when", "json(data, 'a')", "number(data)", "serial"),
    "EQUAL": ("==", "!="),
    "COMPARED": ("==", "!=", "<", "<=", ">", ">="),
    "WITHIN": ("startswith", "endswith", "contains"),
    "LISTED": ("in", "not in"),
    "GLOB": ("'web*'", "'*b'", "'*e*'", "'?'", "'a*b'", "'*'", "''", "'[ab]*'", "'web'", "'web:*'"),
    "REGEX": ("'web'", "'^a'", "'b$'"),
    "TYPE": ("'PROCESS_STATE_EXITED'", "'PROCESS_STATE_RUNNING'", "'PROCESS_LOG_STDOUT'", "'TICK_5'", "'web'"),
    "FIELD": ("pid", "expected", "tries", "when", "data", "groupname", "serial"),
    "OTHER": ("processname", "groupname", "host"),
    "JSON": ("null", "true", "7", "json(data, 'a')", "json(data, 'b')"),
    "DIGIT": ("-1", "0", "1", "2.5", "7"),
    "BIT": ("0", "1"),
    "WORD": _WORD,
    "STATE": _STATE,
}
_ATOMS = (
    *("TEXT EQUAL WORD", "TEXT LISTED [WORD, WORD]", "TEXT WITHIN WORD", "TEXT like GLOB", "TEXT COMPARED WORD"),
    *("WORD WITHIN TEXT", "WORD COMPARED TEXT", "TEXT =~ REGEX", "TEXT !~ REGEX", "FIXED EQUAL WORD", "TEXT in []"),
    *("NUMBER COMPARED DIGIT", "DIGIT COMPARED NUMBER", "expected EQUAL BIT", "expected LISTED [BIT]", "expected > 0"),
    *("from_state EQUAL STATE", "from_state LISTED [STATE, STATE]", "from_state like 'ST*'", "lower(from_state) > 'r'"),
    *("eventname EQUAL TYPE", "eventname like 'PROCESS*'", "has(FIELD)", "FIELD EQUAL null", "FIXED != null"),
    *("groupname COMPARED OTHER", "groupname WITHIN OTHER", "json(data, 'a') EQUAL JSON", "json(data, 'f')"),
    *("5m < 1h", "true", "false"),
)
_PLACEHOLDER = re.compile(rf"\b(?:{'|'.join(_PLACEHOLDERS)})\b")


def _fitting(forms: tuple[str, ...], fields: frozenset[str]) -> list[str]:
    """The forms that name no field but some."""
    return [form for form in forms if set(re.findall(r"\w+", form)) & EVERYTHING.fields.keys() <= fields]


@st.composite
def _tests_of_values(draw: st.DrawFn, fields: frozenset[str]) -> str:
    """A test of one of few values against one of few constants: two of them often have to do with each other."""
    choices = {name: _fitting(words, fields) for name, words in _PLACEHOLDERS.items()}
    forms = [form for form in _fitting(_ATOMS, fields) if all(choices[name] for name in _PLACEHOLDER.findall(form))]
    return _PLACEHOLDER.sub(lambda found: draw(st.sampled_from(choices[found[0]])), draw(st.sampled_from(forms)))


def conditions(types: Sequence[str] = EVERYTHING.types) -> st.SearchStrategy[str]:
    """A condition over few values, for events of some types."""
    atoms = _tests_of_values(frozenset(Scope(tuple(types), ()).fields))
    return st.recursive(
        atoms,
        lambda inner: (
            inner.map(lambda one: f"not ({one})")
            | st.lists(inner, min_size=2, max_size=3).map(lambda some: " and ".join(f"({one})" for one in some))
            | st.lists(inner, min_size=2, max_size=3).map(lambda some: " or ".join(f"({one})" for one in some))
        ),
        max_leaves=6,
    )
