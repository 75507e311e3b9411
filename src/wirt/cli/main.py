"""``wirt``: finds the verb, runs it, turns what went wrong into a line and an exit code."""

from __future__ import annotations

import os
import sys

from wirt.cli import index
from wirt.cli.options import HelpWanted, UsageError, parse

__all__ = ["launch", "main"]


def main(argv: list[str] | None = None) -> int:
    """Runs ``argv`` (without the program's name; ``sys.argv`` if None) and gives the exit code."""
    try:
        code = _dispatch(sys.argv[1:] if argv is None else argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except BaseException as error:
        from wirt.cli.errors import report

        return report(error)
    return code


def launch() -> None:
    """``main`` for a process of our own: ends it without taking the interpreter down piece by piece (1 ms)."""
    _open_standard_streams()
    code = main()
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(code)


def _dispatch(argv: list[str]) -> int:
    host = ""
    while argv and argv[0].startswith("-"):
        option, argv = argv[0], argv[1:]
        name, equals, value = option.partition("=")
        if name in ("-H", "--host"):
            if not equals and not argv:
                raise UsageError(f"flag needs an argument: {name}")
            host, argv = (value, argv) if equals else (argv[0], argv[1:])
        elif option in ("-v", "--version"):
            argv = ["version", "--short"]
        elif option in ("-h", "--help"):
            argv = ["help", *argv]
        else:
            raise UsageError(f"unknown flag: {name}")
    words, rest = index.find(argv) if argv else ("help", [])
    if words in index.GROUPS:
        return int(index.load("help").show(words))
    module = index.load(words)
    try:
        call = parse(module.VERB, rest, host)
    except HelpWanted:
        return int(index.load("help").show(words))
    return int(module.run(call) or 0)


def _open_standard_streams() -> None:
    """A closed standard stream's number would go to the first socket we open, and that get our output."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
