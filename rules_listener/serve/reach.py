"""What in a rule can't come true with the processes that a supervisord has.

In go the rules, with what they wait for, the conditions of routes and mutes, and a configuration; out come diagnostics
RL521 to RL525, at the places in the rules.

1. What is said is certain, as long as supervisord runs with this file: no process has the name, none of them sends the
   event. About events of groups (PROCESS_GROUP) nothing is said: a group that is removed is no longer in the file.
2. A name that is asked for in two ways, `processname == "x" or groupname == "x"`, is right if one of them is.
3. Under `not`, a name that nothing has does no harm: it is reported only if another name is near, so that it may be
   misspelt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rules_listener.base.diagnostics import Diagnostic, suggestion, warning
from rules_listener.base.source import Span
from rules_listener.lang import checked, nodes
from rules_listener.serve.possible import NAMES, PROCESS_TYPES, TRIES, Freedom, Possible, has_tries, most_tries
from rules_listener.serve.supervisorconf import Pool, Process, SupervisorConf
from rules_listener.serve.wanted import Test, Waiting, Wanted, Where, fields_in, is_text

LIKE, VERY_LIKE = 0.6, 0.7
"""How near another name has to be, from 0 to 1: to be proposed, and to make a name that does no harm worth a word."""

_SOME = 8
"""How many names a note lists."""

_KINDS = {"groupname": "group", "processname": "process", "process": "process"}
_PHRASES = {
    "like": "whose name is like",
    "=~": "whose name matches",
    "contains": "whose name contains",
    "startswith": "whose name starts with",
    "endswith": "whose name ends with",
}
_OPTIONS = {"PROCESS_LOG": ("RL522", "events_enabled=true"), "PROCESS_COMMUNICATION": ("RL523", "capture_maxbytes=1MB")}


class Reach:
    """Looks at rules beside the processes of a configuration; `own` is the pool of the listener that runs them."""

    def __init__(
        self, conf: SupervisorConf, own: Pool | None, rules: Sequence[Waiting], of_alerts: Sequence[Where] = ()
    ) -> None:
        self.conf = conf
        self.own = own
        wheres = [where for rule in rules for wanted in rule.wanted for where in wanted.wheres]
        tests = [test.comparison for where in wheres for test in where.tests]
        tests += [test.comparison for where in of_alerts for test in _of_names(where.tests)]
        self.possible = Possible(conf, [*(where.condition for where in wheres), *tests])

    def rule(self, waiting: Waiting) -> Iterator[Diagnostic]:
        """What can't come true in a rule."""
        for wanted in waiting.wanted:
            yield from self._wanted(wanted, self._seen(waiting))
        for action in waiting.node.actions:
            if isinstance(action, nodes.ProcessAction):
                yield from self._target(action)
                yield from self._server(action)

    def _seen(self, waiting: Waiting) -> list[Process]:
        """The processes whose events the rule gets: its own listener's only if it names their group."""
        own = self.own.name if self.own and self.own.name not in waiting.groups else None
        return [process for process in self.possible.processes if process.group != own]

    def _wanted(self, wanted: Wanted, processes: Sequence[Process]) -> Iterator[Diagnostic]:
        can_come = self.possible.can_come
        any_of_them = self.possible.processes[:1]
        if not {*wanted.types} <= {*PROCESS_TYPES} or not can_come(wanted, any_of_them, WHATEVER_THE_FILE_SAYS):
            return
        names = _of_names(wanted.tests)
        unknown = [test for test in names if not self._is_known(test, names)]
        yield from map(self._unknown, unknown)
        if can_come(wanted, processes):
            yield from self._parts(wanted, processes)
        elif can_come(wanted, processes, BY_NAME) or (processes and not any(test.wanted for test in unknown)):
            yield self._never(wanted, processes)

    # names

    def about_alerts(self, where: Where) -> Iterator[Diagnostic]:
        """Names in the condition of a route or a mute that nothing has."""
        names = _of_names(where.tests)
        yield from (self._unknown(test) for test in names if not self._is_known(test, names))

    def _is_known(self, test: Test, names: Sequence[Test]) -> bool:
        """Whether a name is one of this configuration, or harmless, among the names of a condition."""
        same = [other for other in names if other.constant == test.constant]
        if any(self.possible.processes_where(other.comparison) for other in same) or self._is_empty_group(test):
            return True
        return not test.wanted and not self._label(test)

    def _is_empty_group(self, test: Test) -> bool:
        return "groupname" in test.fields and any(test.constant.value == group.name for group in self.conf.groups)

    def _unknown(self, test: Test) -> Diagnostic:
        field, operator = min(test.fields), test.comparison.operator
        phrase = "" if operator == "==" else f" {_PHRASES.get(operator, f'whose name is {operator}')}"
        return self._no(f"{_KINDS[field]}{phrase}", str(test.constant.value), test.node.span, self._label(test), field)

    def _no(self, what: str, name: str, span: Span, label: str, field: str) -> Diagnostic:
        return warning("RL521", f"{self.conf.file} has no {what} `{name}`", span, label, *self._known(field))

    def _label(self, test: Test) -> str:
        if test.comparison.operator != "==":
            return ""
        return self._near(min(test.fields), str(test.constant.value), LIKE if test.wanted else VERY_LIKE)

    def _near(self, field: str, name: str, likeness: float = LIKE) -> str:
        """What may have been meant."""
        return self._mistaken(field, name) or suggestion(name, self._all(field), likeness=likeness)

    def _mistaken(self, field: str, name: str) -> str:
        """What to say of a name that another field has."""
        members = next((group.processes for group in self.conf.groups if group.name == name), ())
        namesakes = [one for one in self.possible.processes if name in (one.name, f"{one.group}:{one.name}")]
        if field == "groupname" and namesakes:
            return f"a process of the group `{namesakes[0].group}` is called so"
        if field != "groupname" and members:
            return f'a group is called so: write groupname == "{name}"'
        if namesakes:
            return f"did you mean `{namesakes[0].shown if field == 'process' else namesakes[0].name}`?"
        return ""

    def _all(self, field: str) -> list[str]:
        if field == "groupname":
            return [group.name for group in self.conf.groups]
        return [one.name if field == "processname" else one.shown for one in self.possible.processes]

    def _known(self, field: str) -> list[str]:
        """Notes on what there is, and on what there may be besides."""
        names = sorted({*self._all(field)})
        shown = " ".join([*names[:_SOME], *["…"] * (len(names) > _SOME)])
        plural = {"groupname": "groups"}.get(field, "processes")
        unmatched = [f'no file matches the [include] of "{pattern}"' for pattern in self.conf.unmatched]
        plugins = [f"[rpcinterface:{name}] may add processes that are not in the file" for name in self.conf.plugins]
        return [f"{plural}: {shown}", *unmatched, *plugins]

    # events

    def _never(self, wanted: Wanted, processes: Sequence[Process]) -> Diagnostic:
        """Why no process at all sends what is wanted."""
        named = [one for one in processes if self.possible.can_come(wanted, [one], BY_NAME)]
        if not named:
            node = next((where.node for where in wanted.wheres if fields_in(where.condition) & NAMES), wanted.node)
            message = f"this is true of no process of {self.conf.file}"
            return warning("RL521", message, node.span, NEVER, *self._known("process"))
        return self._silent(wanted, wanted.node, named, _everyone(named, processes, self.conf))

    def _parts(self, wanted: Wanted, processes: Sequence[Process]) -> Iterator[Diagnostic]:
        """What of something that may come never does: that of some processes, that after so many tries."""
        seen = {one.shown for one in processes}
        for test in _of_names(wanted.tests):
            exact = test.wanted and test.comparison.operator == "=="
            named = [one for one in self.possible.processes_where(test.comparison) if exact and one.shown in seen]
            if named and not self.possible.can_come(wanted, named):
                named = [one for one in named if self.possible.can_come(wanted, [one], BY_NAME)]
                if named:
                    yield self._silent(wanted, test.use, named, f"`{test.constant.value}` sends no")
        for test in _of_tries(wanted):
            if not self.possible.can_come(_with(wanted, test), processes):
                named = [one for one in processes if self.possible.can_come(wanted, [one])]
                yield _too_many_tries(wanted, test, named, self.conf)

    def _silent(self, wanted: Wanted, node: nodes.Node, named: Sequence[Process], subject: str) -> Diagnostic:
        """Why none of the processes that fulfil all conditions on names sends what is wanted."""
        can_come = self.possible.can_come
        if can_come(wanted, named, Freedom(any_tries=True)):
            return _too_many_tries(wanted, next(iter(_of_tries(wanted)), None), named, self.conf)
        types = [name for name in wanted.types if can_come(replace(wanted, types=(name,)), named, BY_NAME)]
        return _not_sent(replace(wanted, types=tuple(types)), node, named, subject, self.conf)

    # actions

    def _target(self, action: nodes.ProcessAction) -> Iterator[Diagnostic]:
        """A process or group that is to be acted on, and is not there."""
        if action.target is None or not all(isinstance(part, str) for part in action.target.parts):
            return
        name = "".join(map(str, action.target.parts))
        group, colon, process = name.partition(":")
        if colon and process in ("", "*"):
            if group not in self._all("groupname"):
                yield self._no("group", group, action.target.span, self._near("groupname", group), "groupname")
        elif not any(name in (one.shown, f"{one.group}:{one.name}") for one in self.possible.processes):
            whole = f'write "{name}:*" for the whole group' if name in self._all("groupname") else ""
            yield self._no("process", name, action.target.span, whole or self._near("process", name), "process")

    def _server(self, action: nodes.ProcessAction) -> Iterator[Diagnostic]:
        """A supervisord that no one can ask to do anything."""
        missing = []
        if not self.conf.has_server and not (self.own and self.own.serverurl):
            missing.append("a [unix_http_server]")
        if not self.conf.has_rpc_interface:
            missing.append("the [rpcinterface:supervisor]")
        if missing:
            message = f"supervisord can't be asked to {action.kind}: {self.conf.file} lacks {' and '.join(missing)}"
            yield warning("RL525", message, action.span, "so this fails each time")


BY_NAME = Freedom(any_tries=True, sends_all=True)
"""Only what is said of names counts."""

WHATEVER_THE_FILE_SAYS = Freedom(any_name=True, any_tries=True, sends_all=True)

NEVER = "so it never comes"


def _of_names(tests: Sequence[Test]) -> list[Test]:
    """The comparisons of names with texts."""
    return [test for test in tests if is_text(test) and test.fields and test.fields <= NAMES]


def _of_tries(wanted: Wanted) -> list[Test]:
    return [test for test in wanted.tests if test.fields == {TRIES}]


def _with(wanted: Wanted, test: Test) -> Wanted:
    """What is wanted, if a comparison in its conditions decides that it is."""
    condition = test.comparison if test.wanted else checked.Negation(test.comparison)
    return replace(wanted, wheres=(*wanted.wheres, Where(test.node, condition, ())))


def _everyone(named: Sequence[Process], processes: Sequence[Process], conf: SupervisorConf) -> str:
    return f"no process of {conf.file} sends" if len(named) == len(processes) else "none of these processes sends"


def _not_sent(
    wanted: Wanted, node: nodes.Node, named: Sequence[Process], subject: str, conf: SupervisorConf
) -> Diagnostic:
    """That programs do not have the options by which supervisord sends what they write."""
    family = next(family for family in _OPTIONS if wanted.types[0].startswith(family))
    code, option = _OPTIONS[family]
    channels = [name.rpartition("_")[2].lower() for name in wanted.types]
    notes = {}
    for process in _programs(named):
        reasons = [process.outputs[channel].reason for channel in channels]
        needed = " or ".join(f"{one}_{option}" for one, reason in zip(channels, reasons, strict=True) if not reason)
        said = f"needs {needed}" if needed else f"can't: {reasons[0]}"
        notes[process.section] = f"[{process.section}] {said}{_at(conf, process.section)}"
    return warning(code, f"{subject} {wanted.shown}", node.span, NEVER, *_few(list(notes.values())))


def _too_many_tries(wanted: Wanted, test: Test | None, named: Sequence[Process], conf: SupervisorConf) -> Diagnostic:
    """That supervisord gives up before."""
    most = max(most_tries(process, name) for process in named for name in wanted.types if has_tries(name))
    notes = {
        one.section: f"[{one.section}] has startretries={one.startretries}{_at(conf, one.section, 'startretries')}"
        for one in _programs(named)
    }
    message = f"`tries` gets no higher than {most}: then supervisord gives up"
    node = wanted.node if test is None else test.use
    return warning("RL524", message, node.span, NEVER, *_few(list(notes.values())))


def _programs(processes: Sequence[Process]) -> Sequence[Process]:
    """Those that are no event listeners, or all if there are no others."""
    return [one for one in processes if not one.section.startswith("eventlistener:")] or processes


def _at(conf: SupervisorConf, section: str, option: str = "") -> str:
    span = conf.places.of(section, option)
    return f" ({span.source.name}:{span.line})" if span else ""


def _few(notes: Sequence[str], at_most: int = 3) -> list[str]:
    more = len(notes) - at_most
    return [*notes[:at_most], *[f"and {more} more"] * (more > 0)]
