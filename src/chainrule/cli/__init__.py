"""The command line: ``chainrule fit`` and ``chainrule predict``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def run(arguments: Sequence[str]) -> int:
    """Carry out a command; return its exit code.

    Errors end in one line on standard error; see `chainrule.cli.exits.Exit` for the codes.

    Parameters
    ----------
    arguments : sequence of str
        What stands behind ``chainrule`` on the command line.

    Examples
    --------
    >>> run(["--version"])
    chainrule 0.1.0
    0
    """
    try:
        return _carry_out(arguments)
    except BaseException as error:
        from chainrule.cli.exits import report

        if isinstance(error, SystemExit) or "--traceback" in arguments:
            raise
        return report(error)


def _carry_out(arguments: Sequence[str]) -> int:
    import typer

    from chainrule.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("chainrule", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as ending:
        return ending.exit_code
    sys.stdout.flush()
    return 0


def main() -> NoReturn:
    """Run the program with the arguments of the process."""
    if sys.stderr is None:  # it was closed: what would be said there is said to nobody
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (open until the end)
    if sys.stdout is None:
        sys.stderr.write("chainrule: the standard output is closed\n")
        sys.exit(5)
    sys.exit(run(sys.argv[1:]))
