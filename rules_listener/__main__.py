"""The program `rules-listener`, also `python -m rules_listener`.

`run` and `record` are listeners themselves: they go their own way, past the command line library and all that is made
for people.
"""

import gc
import signal
import sys


def main() -> None:
    """Run the command line, and exit with its status."""
    if sys.argv[1:2] == ["run"]:
        gc.disable()  # until it has started: there is nothing to collect yet
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the rules are read only later, and the loop wants it only then
        from rules_listener.tools.run import main as run  # noqa: PLC0415 - and nothing else

        sys.exit(run(sys.argv[2:]))
    if sys.argv[1:2] == ["record"]:
        from rules_listener.tools.record import main as record  # noqa: PLC0415 - and nothing else

        sys.exit(record(sys.argv[2:]))
    from rules_listener.tools.cli import cli  # noqa: PLC0415 - not for the listener

    cli(prog_name="rules-listener")


if __name__ == "__main__":
    main()
