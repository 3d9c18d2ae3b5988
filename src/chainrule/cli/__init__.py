"""The command line: ``chainrule fit`` and ``chainrule predict``."""

from __future__ import annotations

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
    import typer

    from chainrule.cli.app import app
    from chainrule.cli.exits import report

    command = typer.main.get_command(app)
    try:
        with command.make_context("chainrule", list(arguments)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as ending:
        return ending.exit_code
    except BaseException as error:
        if isinstance(error, SystemExit) or "--traceback" in arguments:
            raise
        return report(error)
    return 0


def main() -> NoReturn:
    """Run the program with the arguments of the process."""
    sys.exit(run(sys.argv[1:]))
