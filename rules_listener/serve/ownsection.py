"""The listener's own section of supervisord.conf: which one it is, what is wrong with it, how it should be.

In go a configuration and the rules; out come diagnostics RL502 to RL514.

1. A section is right if the events that the rules need come, if a burst of them fits, if the listener gets all of them
   and in order, and if it is started again when it ends. How else it is written is nobody's business.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from rules_listener.base.codes import CODES
from rules_listener.base.diagnostics import Diagnostic, Severity, suggestion
from rules_listener.event.catalogue import CATALOGUE, LISTENER_PREFIX, UNLISTED, concrete_types
from rules_listener.lang import nodes
from rules_listener.serve.arguments import refused
from rules_listener.serve.reach import NEVER
from rules_listener.serve.supervisorconf import DEFAULT_RESULT_HANDLER, Pool, SupervisorConf
from rules_listener.serve.supervisord import BUFFER_SIZE, OWN_EVENTS, Own, events_needed, render_section
from rules_listener.serve.supervisorparser import SECRET
from rules_listener.serve.wanted import Waiting

EVENTS_OF_A_RESTART = 4
"""How many events supervisord sends of a process that is stopped and started: STOPPING, STOPPED, STARTING, RUNNING."""

LEAST_BUFFER = 100
"""Fewer than this is little for any supervisord: one program in a crash loop sends three events a second."""


LISTENER_GIVES_UP = 1
"""The exit status of a listener that wants to be started anew."""

_OURS = re.compile(r"rules[-_]listener(?!\S*\s+record\b)")
_OTHERS = frozenset({"memmon", "httpok", "crashmail", "crashmailbatch", "fatalmailbatch", "crashsms"})
"""The event listeners of superlance, which many have beside this one."""


def own_pool(conf: SupervisorConf, name: str = "") -> tuple[Pool | None, list[Diagnostic]]:
    """The pool that runs the rules: as named, or that which runs this program, or the only one there is."""
    if name:
        named = [pool for pool in conf.pools if pool.name == name]
        label = suggestion(name, [pool.name for pool in conf.pools])
        return _one(named) or (None, [_no_section(conf, f"there is no [eventlistener:{name}]", *filter(None, [label]))])
    ours = [pool for pool in conf.pools if _OURS.search(pool.command)]
    if len(ours) > 1:
        names = " ".join(pool.name for pool in ours)
        return None, [_no_section(conf, "several sections run rules-listener", f"--pool says which one: {names}")]
    unknown = [pool for pool in conf.pools if not _is_other(pool)]
    if found := _one(ours) or _one(unknown if len(conf.pools) == 1 else []):
        return found
    hint = f"if one of them does so by way of another program, name it: --pool {unknown[0].name}" if unknown else ""
    return None, [_no_section(conf, "no [eventlistener:…] runs rules-listener", *filter(None, [hint]))]


def lacks_section(conf: SupervisorConf, name: str) -> bool:
    """Whether there is none that could be meant, named or not."""
    return not name and not any(_OURS.search(pool.command) for pool in conf.pools)


def _one(pools: list[Pool]) -> tuple[Pool, list[Diagnostic]] | None:
    return (pools[0], []) if len(pools) == 1 else None


def _is_other(pool: Pool) -> bool:
    words = pool.command.split()
    return "superlance" in pool.command or any(PurePath(word).name in _OTHERS for word in words)


def _no_section(conf: SupervisorConf, message: str, *notes: str) -> Diagnostic:
    return Diagnostic("RL502", f"{message} in {conf.file}", notes=notes, file=conf.file)


class OwnSection:
    """Looks at the section of one pool."""

    def __init__(self, conf: SupervisorConf, pool: Pool) -> None:
        self.conf = conf
        self.pool = pool
        self.gets = subscribed(pool)

    def not_subscribed(self, rules: Iterable[Waiting], needed: Iterable[str]) -> Iterator[Diagnostic]:
        """Events that rules wait for and the pool does not get; `needed` are the types that all rules need together."""
        notes = (self._written("events"), f"these rules need events={events_needed(needed)}")
        missing = f"[{self.pool.section}] does not subscribe to"
        for waiting in rules:
            for wanted in waiting.wanted:
                types = [name for name in wanted.types if not name.startswith(LISTENER_PREFIX)]
                lacking = [name for name in types if name not in self.gets]
                if lacking:
                    some = len(lacking) < len(types)
                    label = f"these never come: {_some(lacking)}" if some else NEVER
                    message = f"{missing} {'all of ' * some}{wanted.shown}"
                    yield Diagnostic("RL503", message, wanted.node.span, label, notes)
            if ends := waiting.ends.difference(self.gets, *(wanted.types for wanted in waiting.wanted)):
                label = "so it is not seen that a process has left its state"
                message = f"{missing} {' '.join(sorted(ends))}"
                yield Diagnostic("RL503", message, _lasting(waiting.node).span, label, notes)

    def mistakes(self, logs: Sequence[str] = ()) -> Iterator[Diagnostic]:
        """What is wrong with the section, whatever the rules are; `logs` are channels that write to standard error."""
        yield from self._twice()
        yield from self._buffer()
        yield from self._numprocs()
        yield from self._priority()
        yield from self._own_events()
        yield from self._start()
        yield from self._arguments()
        yield from self._log(logs)
        yield from self._answers()

    def _twice(self) -> Iterator[Diagnostic]:
        types = {name: {*concrete_types(name)} for name in self.pool.events if name in CATALOGUE}
        for name, concrete in types.items():
            for other in [other for other, more in types.items() if other != name and concrete <= more][:1]:
                message = f"`{name}` is subscribed twice: `{other}` stands for it too"
                yield self._about("RL511", "events", message, "so each such event takes two places in the buffer")

    def _buffer(self) -> Iterator[Diagnostic]:
        count = len(list(self.conf.processes))
        if self.pool.buffer_size < max(LEAST_BUFFER, EVENTS_OF_A_RESTART * count):
            message = f"the buffer holds {self.pool.buffer_size} events; supervisord discards what does not fit"
            shown = f"{count} process{'es' * (count != 1)}"
            note = f"a restart of all that is in the file, {shown}, sends {EVENTS_OF_A_RESTART * count} events at once"
            yield self._about("RL512", "buffer_size", message, f"write buffer_size={_fitting_buffer(self.conf)}", note)

    def _numprocs(self) -> Iterator[Diagnostic]:
        count = len(self.pool.processes)
        if count != 1:
            message = f"the pool has {count} processes{', and each event goes to any of them' * (count > 1)}"
            note = "a rule counts and waits in one process; the others can't use its state folder, and end"
            yield self._about("RL504", "numprocs", message, "write numprocs=1", note)

    def _priority(self) -> Iterator[Diagnostic]:
        shared = {pool.section: _priorities(pool) & _priorities(self.pool) for pool in _others(self.conf, self.pool)}
        for section, priority in [(section, min(found)) for section, found in shared.items() if found][:1]:
            message = f"[{section}] has priority {priority} too, so what one of them rejects comes to both"
            yield self._about("RL513", "priority", message, f"write priority={_free_priority(self.conf, self.pool)}")

    def _own_events(self) -> Iterator[Diagnostic]:
        lacking = {*OWN_EVENTS} - self.gets
        if "TICK_60" in lacking:
            message = "without TICK_60 the listener can't notice that supervisord sends nothing any more"
            yield self._about("RL514", "events", message, "add TICK_60")
        if lacking - {"TICK_60"}:
            message = "without SUPERVISOR_STATE_CHANGE alerts are sent about all that stops when supervisord does"
            yield self._about("RL514", "events", message, "add SUPERVISOR_STATE_CHANGE")

    def _start(self) -> Iterator[Diagnostic]:
        once = re.search(r"\s--once\b", self.pool.command) is not None
        for process in self.pool.processes[:1]:
            if not process.autostart:
                message = "supervisord does not start the listener"
                yield self._about("RL514", "autostart", message, "write autostart=true")
            expected = process.autorestart == "unexpected" and (once or LISTENER_GIVES_UP in process.exitcodes)
            if expected or process.autorestart == "never":
                message = "supervisord does not start the listener again when it has ended"
                yield self._about("RL514", "autorestart", message, "write autorestart=true")

    def _arguments(self) -> Iterator[Diagnostic]:
        for process in self.pool.processes[:1]:
            if reason := _why_refused(process.command):
                label = "see `rules-listener run --help`; a path with blanks stands in quotes"
                yield self._about("RL514", "command", f"the listener ends as soon as it starts: {reason}", label)

    def _log(self, logs: Sequence[str]) -> Iterator[Diagnostic]:
        if logs and (fate := _fate_of_log(self.pool)):
            message = f"the alerts of `{logs[0]}`, a `log` channel, do not stay: {fate}"
            yield self._about("RL514", "stderr_logfile", message, "write the path of a file")

    def _answers(self) -> Iterator[Diagnostic]:
        if self.pool.result_handler != DEFAULT_RESULT_HANDLER:
            message = "the listener's answers are meant for supervisord's own handler"
            yield self._about("RL514", "result_handler", message, "leave it out")
        heard = any(process.outputs["stderr"].events_enabled for process in self.pool.processes)
        if heard and "PROCESS_LOG_STDERR" in self.gets:
            message = "what the listener says of itself comes back to it as an event"
            yield self._about("RL514", "stderr_events_enabled", message, "write stderr_events_enabled=false")

    def _about(self, code: str, option: str, message: str, label: str, *notes: str) -> Diagnostic:
        span = self.conf.places.of(self.pool.section, option)
        severity = Severity.WARNING if CODES[code].is_warning else Severity.ERROR
        return Diagnostic(code, message, span, label, notes, self.conf.file, severity)

    def _written(self, option: str) -> str:
        span = self.conf.places.of(self.pool.section, option)
        return f"{span.source.name}:{span.line}: {span.source.line(span.line)}" if span else f"[{self.pool.section}]"


def _why_refused(command: str) -> str:
    """Why a command can't be run, as far as it shows there what `rules-listener run` is told; else it is empty."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        return f"supervisord can't read the command ({error})"
    told = [words[at + 2 :] for at, word in enumerate(words[:-1]) if _OURS.search(word) and words[at + 1] == "run"]
    return refused(told[0]) if told else ""


def _fate_of_log(pool: Pool) -> str:
    """Why what the listener writes to standard error is lost; empty if it stays."""
    named = pool.options.get("stderr_logfile", "AUTO").upper()
    return {
        "AUTO": "supervisord deletes its logfile of AUTO at each start",
        "NONE": "supervisord throws away what is written there",
        "OFF": "supervisord throws away what is written there",
    }.get(named, "")


def subscribed(pool: Pool) -> set[str]:
    """The concrete types of events that the pool gets."""
    known = [name for name in pool.events if name in CATALOGUE]
    types = {one.name for name in known for one in concrete_types(name)}
    return {*types, *([UNLISTED] if "EVENT" in pool.events else [])}


def _some(types: list[str], at_most: int = 4) -> str:
    """The names of some types."""
    return " ".join([*types[:at_most], *["…"] * (len(types) > at_most)]).replace(UNLISTED, "those of plugins")


def _lasting(rule: nodes.Rule) -> nodes.Node:
    """The clause that asks how long a process stays in a state."""
    if rule.pattern is not None and rule.pattern.kind == "for":
        return rule.pattern
    untils = [action.until for action in rule.actions if isinstance(action, nodes.Alert) and action.until]
    return next((until for until in untils if until.duration is not None), rule)


def _others(conf: SupervisorConf, pool: Pool | None) -> list[Pool]:
    return [other for other in conf.pools if other != pool]


def _priorities(pool: Pool) -> set[int]:
    """`supervisor/process.py: Subprocess.__eq__` goes by those of the processes, whose default is 999."""
    return {process.priority for process in pool.processes}


# how it should be


def fitting_section(
    conf: SupervisorConf, pool: Pool | None, types: Iterable[str], own: Own, logs: Sequence[str]
) -> str:
    """The section that these rules need: that of `pool` put right, else a new one."""
    events, buffer_size, priority = events_needed(types), _fitting_buffer(conf), _free_priority(conf, pool)
    if pool is None:
        return render_section(own, events=events, buffer_size=buffer_size, priority=priority)
    right = {"events": events, "buffer_size": str(max(buffer_size, pool.buffer_size)), "numprocs": "1"}
    right |= {"priority": str(priority), "autorestart": "true"}
    right |= {"command": own.command} if any(_why_refused(one.command) for one in pool.processes) else {}
    right |= {"stderr_logfile": own.log} if logs and _fate_of_log(pool) else {}
    kept = {option: value for option, value in pool.options.items() if option not in _HARMFUL}
    lines = [_option(option, value) for option, value in {**kept, **right}.items()]
    return "\n".join([f"[{pool.section}]", *lines, ""])


_HARMFUL = ("autostart", "result_handler", "stderr_events_enabled")
"""Options that do no good in the listener's section, whatever their value."""


def _option(option: str, value: str) -> str:
    return f"; {option} as it is" if option in SECRET else f"{option}={value}".replace("\n", "\n  ")


def _fitting_buffer(conf: SupervisorConf) -> int:
    count = len(list(conf.processes))
    return max(BUFFER_SIZE, 1000 * -(-EVENTS_OF_A_RESTART * count // 1000))


def _free_priority(conf: SupervisorConf, pool: Pool | None) -> int:
    """The pool's own, if it is negative and no other listener has it; else the highest of those that are free."""
    taken = {priority for other in _others(conf, pool) for priority in _priorities(other)}
    own = [priority for priority in (_priorities(pool) if pool else ()) if priority < 0 and priority not in taken]
    return own[0] if own else max({*range(-len(taken) - 1, 0)} - taken)
