"""New rules for a running listener: compiled elsewhere, taken over between two events.

1. The listener goes on with its events while the rules are compiled.
2. Rules or a configuration with an error change nothing: the old set stays, and LISTENER_RULES_REJECTED says why.
3. What holds from the start to the end of a listener (`FIXED`) stays as it is; that it was changed is said.
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rules_listener.base.clock import Clock
from rules_listener.match.engine import Adopted, Engine
from rules_listener.match.program import load
from rules_listener.serve.bundle import Bundle
from rules_listener.serve.children import Child
from rules_listener.serve.compiled import COMPILER, files_read, outcome
from rules_listener.serve.couriers import CourierProcess
from rules_listener.serve.handler import Handler
from rules_listener.serve.supervisord import OWN_EVENTS, events_needed

if TYPE_CHECKING:
    from rules_listener.serve.watch import Watch

MOST_NAMED = 10
"""How many rules are named in a report."""

FIXED = ("state", "durability", "memory_limit")
"""Keys of the configuration that a reload does not change."""


class Reload:
    """Has new rules compiled with `arguments`, and takes them over."""

    def __init__(
        self,
        arguments: list[str],
        handler: Handler,
        courier: CourierProcess,
        *,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._arguments = arguments
        self._handler = handler
        self._courier = courier
        self._clock = clock
        self._report = report
        self._watch = self._watch_of(courier.bundle)
        self._child: Child | None = None
        self._content = bytearray()
        self._again = False

    @property
    def outputs(self) -> list[int]:
        """The compiler's descriptor, while one is at work."""
        return [] if self._child is None else [self._child.output]

    @property
    def look_at(self) -> float | None:
        """When to `look` whether files have changed, by the monotonic clock; None: never."""
        return None if self._watch is None else self._watch.due

    def look(self) -> None:
        """Begin, if files have changed that are watched."""
        if self._watch is not None and self._watch.has_changed():
            self._report("the rules or the configuration have changed")
            self.begin()

    def _watch_of(self, bundle: Bundle) -> "Watch | None":
        if not bundle.config.watch:
            return None
        from rules_listener.serve.watch import Watch  # noqa: PLC0415 - only where it is asked for

        return Watch(bundle.origin, self._clock)

    def begin(self) -> None:
        """Compile anew; if that is just being done, once more afterwards."""
        if self._child is not None:
            self._again = True
            return
        self._content.clear()
        try:
            self._child = Child(COMPILER, self._arguments, with_input=False)
        except OSError as error:
            self._reject(f"the compiler can't be started: {error.strerror}")

    def hear(self) -> None:
        """Read what the compiler writes; at its end, take over what it made."""
        child = self._child
        if child is None:
            return
        part = os.read(child.output, 1 << 16)
        self._content += part
        if part:
            return
        self._child = None
        content = bytes(self._content)
        self._content.clear()
        bundle, reason = outcome(child.reap(), content)
        if bundle is None:
            self._reject(reason, files_read(content))
        else:
            self._accept(bundle)
        if self._again:
            self._again = False
            self.begin()

    def _reject(self, reason: str, paths: Sequence[str] = ()) -> None:
        self._report(f"the new rules are rejected, the old ones stay: {reason}")
        self._handler.rejected(reason)
        if self._watch is not None:
            self._watch.rejected(paths)

    def _accept(self, bundle: Bundle) -> None:
        old = self._handler.engine
        bundle = self._with_what_is_fixed(bundle)
        engine = Engine(load(bundle.program), old.own_group)
        adopted = engine.adopt(old.dump())
        self._handler.engine = engine
        self._handler.default_channels = bundle.config.default
        self._handler.time_answers(wanted=bool(bundle.config.metrics))
        self._courier.bundle = bundle
        self._watch = self._watch_of(bundle)
        self._courier.start()
        self._report(f"reloaded: {len(engine.program.rules)} rules; {_described(adopted)}")
        if more := sorted({*engine.program.types} - {*old.program.types, *OWN_EVENTS}):
            needed = events_needed(engine.program.types)
            self._report(f"the rules look at {_named(more)} now: the section in supervisord.conf needs events={needed}")
        self._handler.reloaded(adopted)

    def _with_what_is_fixed(self, bundle: Bundle) -> Bundle:
        """The bundle with the values that the listener was started with."""
        running = self._courier.bundle.config
        fixed = {key: getattr(running, key) for key in FIXED}
        changed = [f"`{key}`" for key, value in fixed.items() if getattr(bundle.config, key) != value]
        if changed:
            self._report(f"a new {', '.join(changed)} takes a restart of the listener; until then the old value holds")
        return bundle._replace(config=bundle.config._replace(**fixed))


def _described(adopted: Adopted) -> str:
    """What became of what the rules remembered, and which rules these are."""
    kept, anew, closed, open_alerts = adopted
    said = [f"kept: {len(kept)} ({_named(kept)})" if kept else "kept: 0"]
    if anew:
        said.append(f"anew: {len(anew)} ({_named(anew)})")
    if closed:
        said.append(f"gone: {len(closed)} ({_named(closed)})")
    if open_alerts:
        said.append(f"open alerts closed without a recovery: {open_alerts}")
    return "; ".join(said)


def _named(names: Sequence[str]) -> str:
    return ", ".join([*names[:MOST_NAMED], *["…"] * (len(names) > MOST_NAMED)])
