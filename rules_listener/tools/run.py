"""`rules-listener run`: the event listener, started by supervisord.

1. What the sections say that we print, `run --config FILE`, needs no parser: to import one takes 4 ms of the start.
"""

from collections.abc import Sequence

from rules_listener.serve.listener import Options, run


def main(arguments: Sequence[str]) -> int:
    """Run the listener; the exit status."""
    match arguments:
        case ["--config", config] if not config.startswith("-"):
            return run(Options(config))
    from rules_listener.serve.arguments import parser  # noqa: PLC0415 - see the module's first rule

    options = parser().parse_args(arguments)
    return run(Options(options.config, tuple(options.rules), options.state, options.once))
