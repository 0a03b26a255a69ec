"""Rules and configuration, compiled, as a file beside the store: what the listener loads at its start.

1. A bundle is fresh only if every file and folder that it was made from is as it was, byte for byte, and so are this
   package and this Python. A bundle that is not fresh, cut short or changed is no bundle.
2. Loading one imports neither lark nor YAML.
"""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rules_listener import __version__
from rules_listener.base.digest import blake2b
from rules_listener.match.program import ActionData, MuteData, PatternData, Program, RouteData, RuleData
from rules_listener.serve.config import ChannelConfig, Config

FILE_NAME = "rules.compiled"
_MAGIC = b"RLBUNDLE1\n"
_DIGEST_SIZE = 32
_CONFIGURED_BY = tuple(
    f"serve/{name}.py" for name in ("config", "configfile", "channels", "kinds", "httpkinds", "options")
)
_COMPILED_BY = ("lang", "match", "grammar", "../grammar", *_CONFIGURED_BY)


class Origin(NamedTuple):
    """What a bundle was made from: the arguments, and a digest of each file and each folder's list of rule files."""

    config: str
    rules: tuple[str, ...]
    state: str
    digests: dict[str, str]


class Bundle(NamedTuple):
    """A checked configuration and the program of its rules."""

    origin: Origin
    config: Config
    program: Program


def digest_of(path: Path) -> str:
    """A digest of a file's content, or of the names of a folder's rule files; empty if there is no such thing."""
    try:
        if path.is_dir():
            content = "\n".join(str(file) for file in rule_files(path)).encode(errors="surrogateescape")
        else:
            content = path.read_bytes()
    except OSError:
        return ""
    return blake2b(content, digest_size=16).hexdigest()


def rule_files(folder: Path) -> list[Path]:
    """All `*.rules` files in a folder and the folders in it, in order."""
    return sorted(path for path in folder.rglob("*.rules") if path.is_file())


def dump_bundle(bundle: Bundle) -> bytes:
    """A bundle as bytes."""
    program = bundle.program
    described = json.dumps(
        [
            *(_stamp(), bundle.origin, bundle.config),
            *(program.rules, program.triggers, program.residual, program.routes, program.mutes),
        ]
    ).encode()
    content = len(described).to_bytes(8, "big") + described + program.code
    return _MAGIC + blake2b(content, digest_size=_DIGEST_SIZE).digest() + content


def load_bundle(content: bytes) -> Bundle | None:
    """The bundle that `content` holds, if it is whole and made by this package for this Python."""
    start = len(_MAGIC) + _DIGEST_SIZE
    digest = blake2b(content[start:], digest_size=_DIGEST_SIZE).digest()
    if content[:start] != _MAGIC + digest:
        return None
    code = start + 8 + int.from_bytes(content[start : start + 8], "big")
    stamp, *described = json.loads(content[start + 8 : code])
    if stamp != _stamp():
        return None
    origin, config, rules, triggers, residual, routes, mutes = described
    pairs = tuple((rule, role) for rule, role in triggers)
    program = Program(
        content[code:],
        *(tuple(map(_rule, rules)), pairs, residual),
        routes=tuple(map(_route, routes)),
        mutes=tuple(map(_mute, mutes)),
    )
    return Bundle(_origin(origin), _config(config), program)


def keep_bundle(content: bytes, folder: Path) -> None:
    """Keep a bundle in a folder; whoever reads the file meanwhile finds the old one or the new one.

    Raises:
        OSError: it can't be written.
    """
    temporary = folder / f"{FILE_NAME}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(folder / FILE_NAME)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def kept_bundle(folder: Path) -> Bundle | None:
    """The bundle that was kept in a folder, if there is one that can be used."""
    try:
        return load_bundle((folder / FILE_NAME).read_bytes())
    except OSError:
        return None


def is_fresh(bundle: Bundle, config: str, rules: Iterable[str], state: str) -> bool:
    """Whether the bundle was made from just these arguments, and all that they name is as it was."""
    origin = bundle.origin
    if (origin.config, origin.rules, origin.state) != (config, tuple(rules), state):
        return False
    return is_unchanged(origin)


def is_unchanged(origin: Origin) -> bool:
    """Whether all files and folders are as they were."""
    return all(digest_of(Path(path)) == digest for path, digest in origin.digests.items())


def _stamp() -> str:
    """What else a program depends on: this Python, and the files of this package that make programs."""
    package = Path(__file__).parent.parent
    states = [state for name in _COMPILED_BY for state in _states(package / name)]
    return blake2b(repr((__version__, sys.version, states)).encode(), digest_size=16).hexdigest()


def _states(path: Path) -> list[tuple[str, int, int]]:
    """Path, size and time of change of a file, or of the files in a folder; nothing where there is neither."""
    try:
        with os.scandir(path) as entries:
            found = [(entry.path, entry.stat()) for entry in entries if entry.is_file()]
    except NotADirectoryError:
        found = [(str(path), path.stat())]
    except FileNotFoundError:
        found = []
    return sorted((name, status.st_size, status.st_mtime_ns) for name, status in found)


def _origin(data: list[Any]) -> Origin:
    config, rules, state, digests = data
    return Origin(config, tuple(rules), state, digests)


def _config(data: list[Any]) -> Config:
    rules, state, default, channels, *limits = data
    channels = tuple(
        ChannelConfig(name, kind, options, tuple(texts), tuple(secrets))
        for name, kind, options, texts, secrets in channels
    )
    return Config(tuple(rules), state, tuple(default), channels, *limits)


def _rule(data: list[Any]) -> RuleData:
    name, meaning, actions, groups, key, overall, pattern = data
    return RuleData(
        *(name, meaning, tuple(map(_action, actions)), tuple(groups), key, overall), pattern and PatternData(*pattern)
    )


def _route(data: list[Any]) -> RouteData:
    condition, channels, otherwise = data
    return RouteData(condition, tuple(channels), tuple(otherwise))


def _mute(data: list[Any]) -> MuteData:
    name, condition, reason, weekly, stretch = data
    return MuteData(name, condition, reason, weekly and (tuple(weekly[0]), *weekly[1:]), stretch and tuple(stretch))


def _action(data: list[Any]) -> ActionData:
    kind, severity, channels, templates, *clauses, tells_suppressed = data
    until, remind, at_most = (clause and tuple(clause) for clause in clauses)
    return ActionData(
        kind, severity, tuple(channels), tuple(map(tuple, templates)), until, remind, at_most, tells_suppressed
    )
