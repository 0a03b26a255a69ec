"""The compiled rules: out of the file where they were kept, or from the compiler.

The compiler is a process of its own, so that the listener never holds a parser.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from rules_listener.base.errors import ConfigError
from rules_listener.serve.bundle import Bundle, is_fresh, kept_bundle, load_bundle
from rules_listener.serve.children import Child
from rules_listener.serve.config import FILE_NAME, STATE_FOLDER
from rules_listener.serve.secret import can_be_resolved

COMPILER = "rules_listener.serve.compiler"


def compile_now(arguments: Sequence[str]) -> tuple[Bundle | None, str]:
    """Compile, and wait for it: the bundle, or the reason why there is none.

    Raises:
        ConfigError: the compiler can't be started.
    """
    try:
        child = Child(COMPILER, arguments, with_input=False)
    except OSError as error:
        raise ConfigError(f"not started, since the compiler can't be: {error.strerror}") from error
    content = bytearray()
    while part := os.read(child.output, 1 << 16):
        content += part
    return outcome(child.reap(), bytes(content))


def outcome(status: int, content: bytes) -> tuple[Bundle | None, str]:
    """What a compiler that ended with `status` has said."""
    if status != 0:
        reason = _said(content)[0] if status == 1 else ""
        return None, reason or f"the compiler ended with status {status}, and no diagnostics: please report it"
    bundle = load_bundle(content)
    return bundle, "" if bundle else "the compiler wrote no bundle that can be read"


def files_read(content: bytes) -> list[str]:
    """The files and folders that a compiler read that ended with status 1."""
    return _said(content)[1:]


def _said(content: bytes) -> list[str]:
    return content.decode(errors="surrogateescape").split("\0")


def compiler_arguments(config: str, state: str, rules: Sequence[str]) -> list[str]:
    """What the compiler is told: configuration, state folder and rules, as absolute paths, empty if there is none.

    Raises:
        ConfigError: neither a configuration nor rules were named, and there is no configuration in this folder.
    """
    config = config or (FILE_NAME if not rules and Path(FILE_NAME).exists() else "")
    if not config and not rules:
        raise ConfigError(
            "there is nothing to run: name a configuration with --config, or rules with --rules"
            f" (there is no {FILE_NAME} in {Path.cwd()})"
        )
    return [str(Path(path).absolute()) if path else "" for path in (config, state, *rules)]


def obtain_bundle(arguments: Sequence[str]) -> Bundle:
    """The compiled rules: as they were kept, if they are fresh and their secrets can be had; else compiled now.

    Raises:
        ConfigError: the rules or the configuration have an error, which the compiler has shown, or it can't be started.
    """
    config, state, *rules = arguments
    kept = kept_bundle(_likely_state(config, state))
    if kept is not None and is_fresh(kept, config, rules, state) and can_be_resolved(kept.config.secrets, os.environ):
        return kept
    bundle, reason = compile_now(arguments)
    if bundle is None:
        raise ConfigError(f"not started, since the rules or the configuration are wrong: {reason}")
    return bundle


def _likely_state(config: str, state: str) -> Path:
    """Where compiled rules would be kept; a wrong guess costs nothing but compiling them again."""
    if state:
        return Path(state)
    folder = Path(config).parent if config else Path.cwd()
    return folder / (_state_line(Path(config)) if config else STATE_FOLDER)


def _state_line(config: Path) -> str:
    """What the configuration says after `state:`, as far as that can be seen without reading YAML."""
    try:
        lines = config.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return STATE_FOLDER
    values = [line.removeprefix("state:").split(" #")[0].strip(" \"'") for line in lines if line.startswith("state:")]
    return values[0] if values else STATE_FOLDER
