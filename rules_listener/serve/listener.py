"""The start of the listener: `start_up` read from top to bottom is what happens.

1. Standard output belongs to the protocol: it is moved to a descriptor that no child inherits, before anything else can
   write there; what prints goes to standard error.
2. A configuration or rules with an error end it with status 2; supervisord then shows FATAL.
3. Neither lark nor YAML, no command line library and nothing that sends is imported here.
"""

import fcntl
import gc
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rules_listener.base.clock import Clock, SystemClock
from rules_listener.base.errors import ConfigError, StoreError
from rules_listener.base.logline import log_line
from rules_listener.match.engine import Engine
from rules_listener.match.program import load
from rules_listener.outbox.folder import make_folder
from rules_listener.outbox.position import PositionFile
from rules_listener.outbox.store import Store
from rules_listener.outbox.tail import Tail
from rules_listener.serve.bundle import Bundle
from rules_listener.serve.compiled import compiler_arguments, obtain_bundle
from rules_listener.serve.config import FILE_NAME, Config
from rules_listener.serve.couriers import CourierProcess
from rules_listener.serve.handler import Handler
from rules_listener.serve.keeper import Keeper
from rules_listener.serve.loop import Loop, Signals
from rules_listener.serve.reload import Reload
from rules_listener.serve.restore import Past
from rules_listener.serve.sequence import Sequence
from rules_listener.serve.supervisord import (
    events_needed,
    life_of_parent,
    log_beside,
    section,
    start_of_parent,
    started_by_supervisord,
)

CANNOT_RUN = 2
LOCK_NAME = "listener.lock"


class Options(NamedTuple):
    """The arguments of `run`; empty where they were not given."""

    config: str = ""
    rules: tuple[str, ...] = ()
    state: str = ""
    once: bool = False


def report(text: str) -> None:
    """Say something to the operator; supervisord keeps what comes on standard error."""
    _write(log_line(text))


def refuse(text: str) -> int:
    """Say why nothing is done to whoever has started this by hand; the exit status."""
    _write(f"rules-listener: {text}\n")
    return CANNOT_RUN


def _write(line: str) -> None:
    with suppress(OSError):
        os.write(2, line.encode(errors="replace"))


def run(options: Options, environment: Mapping[str, str] = os.environ) -> int:
    """Be an event listener until the end; the exit status."""
    if not started_by_supervisord(environment):
        return refuse(_refusal(options))
    source, sink = claim_streams()
    try:
        loop = start_up(options, source, sink, environment)
    except (ConfigError, StoreError) as error:
        report(str(error))
        return CANNOT_RUN
    status = loop.run()
    loop.finish()
    return int(status)


def _refusal(options: Options) -> str:
    config = options.config or ("" if options.rules else FILE_NAME)
    named = [("--config", config), *(("--rules", path) for path in options.rules), ("--state", options.state)]
    words = [word for option, path in named if path for word in (option, str(Path(path).absolute()))]
    arguments = ["run", *words, *["--once"] * options.once]
    log = log_beside(Path(config or FILE_NAME))
    missing = [path for path in (config, *options.rules) if path and not Path(path).exists()]
    return (
        "this is an event listener: supervisord has to start it, and it did not.\n"
        "Put this into supervisord.conf, then say `supervisorctl update`:\n\n"
        + section(arguments, log=log)
        + "".join(f"\nBut there is no {path}: `rules-listener init` writes one to begin with." for path in missing[:1])
    )


def claim_streams() -> tuple[int, int]:
    """Move the protocol to descriptors of our own: where events come from, and where answers go."""
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return source, sink


def start_up(options: Options, source: int, sink: int, environment: Mapping[str, str]) -> Loop:
    """All parts, joined and ready to run.

    Raises:
        ConfigError: the rules, the configuration or the state folder can't be used.
        StoreError: the state folder can't be made.
    """
    gc.disable()  # what is made here stays: see `freeze` below
    signals = Signals()
    clock = SystemClock()
    arguments, bundle = _prepare(options)
    config = bundle.config
    folder = Path(config.state)
    engine = Engine(load(bundle.program), environment.get("SUPERVISOR_GROUP_NAME", ""))
    courier = CourierProcess(str(folder), bundle, clock, report, supervisord_start=start_of_parent())
    store = Store(folder, durability="power" if config.durability == "power" else "process")
    tail = Tail.open(folder)
    notes = PositionFile.open(folder)
    keeper = _keeper(config, store, tail, clock, notes=notes, courier=courier)
    past = Past(store, tail, notes, report, config.default)
    handler = _handler(config, engine, keeper, clock, past=past, notes=notes)
    reload = Reload(arguments, handler, courier, clock=clock, report=report)
    report(f"started; the section in supervisord.conf needs events={events_needed(engine.program.types)}")
    handler.raise_start(engine.shown_time)
    handler.raise_failures()
    store.wait_briefly()
    gc.freeze()
    gc.enable()
    return Loop(
        source,
        sink,
        handler=handler,
        keeper=keeper,
        courier=courier,
        reload=reload,
        signals=signals,
        clock=clock,
        report=report,
        once=options.once,
    )


def _keeper(  # noqa: PLR0913 - the parts that it joins
    config: Config, store: Store, tail: Tail, clock: Clock, *, notes: PositionFile, courier: CourierProcess
) -> Keeper:
    """What stands before the store, and wakes the courier."""
    return Keeper(
        store,
        tail,
        clock,
        memory_limit=config.memory_limit,
        report=report,
        committed=courier.wake,
        in_batches=tail.survives and notes.survives and config.durability != "power",
    )


def _handler(  # noqa: PLR0913 - the parts that it joins
    config: Config, engine: Engine, keeper: Keeper, clock: Clock, *, past: Past, notes: PositionFile
) -> Handler:
    """What is done with events, going on where the last listener ended; the engine knows again what it knew."""
    restored = past.restore(engine, clock.time())
    if past.error is not None:
        keeper.inherit(past.left, past.error)
    handler = Handler(
        engine,
        keeper,
        notes,
        Sequence(life_of_parent(), notes.last, restored.handled or restored.committed),
        restored=restored,
        default_channels=config.default,
        clock=clock,
        report=report,
    )
    handler.time_answers(wanted=bool(config.metrics))
    return handler


def _prepare(options: Options) -> tuple[list[str], Bundle]:
    """The compiler's arguments and the compiled rules; the state folder is there, and ours."""
    arguments = compiler_arguments(options.config, options.state, options.rules)
    bundle = obtain_bundle(arguments)
    folder = Path(bundle.config.state)
    make_folder(folder)
    _lock(folder)
    return arguments, bundle


def _lock(folder: Path) -> None:
    """Make sure that no other listener uses the state folder; the lock lasts as long as this process."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"another listener uses the state folder {folder}: give each its own `state`, and leave numprocs at 1"
        ) from None
    except OSError as error:
        raise ConfigError(f"the state folder {folder} can't be used: {error.strerror}") from error
