"""How a command ends: its exit code, and the one line that says why."""

from __future__ import annotations

import enum
import os
import sys

from chainrule.cli.text import as_options
from chainrule.errors import ChainruleError, NonFiniteError
from chainrule.pages.visible import visible


class Exit(enum.IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    BUG = 1
    USAGE = 2
    DATA = 3
    DIVERGED = 4
    SYSTEM = 5
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANINGS = {
    Exit.DONE: "done",
    Exit.BUG: "an error inside chainrule (please report it)",
    Exit.USAGE: "wrong usage: an unknown option, a value that cannot be",
    Exit.DATA: "the input or the run folder is missing, damaged or not what was expected",
    Exit.DIVERGED: "training met a NaN or an infinity",
    Exit.SYSTEM: "the system refused: no permission, no space",
    Exit.INTERRUPTED: "interrupted; the message says how to go on",
    Exit.BROKEN_PIPE: "the reader of the output went away",
}


class UsageError(Exception):
    """A command that cannot be carried out as it was typed."""


def explain(error: BaseException) -> tuple[Exit, str]:
    """Return the exit code for an error and its message, on one line."""
    import typer

    usage = typer.BadParameter.__base__  # the typer package does not export it
    assert usage is not None
    if isinstance(error, usage):
        return Exit.USAGE, f"{error.format_message()} (see --help)"  # type: ignore[attr-defined]
    if isinstance(error, UsageError):
        return Exit.USAGE, str(error)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Exit.INTERRUPTED, str(error) or "interrupted; nothing was written"
    if isinstance(error, NonFiniteError):
        return Exit.DIVERGED, as_options(str(error))
    if isinstance(error, ChainruleError):
        return Exit.DATA, as_options(str(error))
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        named = error.filename is None or f" {error.filename}:" in reason
        return Exit.SYSTEM, reason if named else f"{error.filename}: {reason}"
    if isinstance(error, MemoryError):
        return Exit.SYSTEM, f"not enough memory: {error}"
    return Exit.BUG, f"internal error, please report it: {type(error).__name__}: {error}"


def report(error: BaseException) -> int:
    """Print the one line about an error on standard error; return the exit code."""
    if isinstance(error, BrokenPipeError):
        # What is still buffered goes nowhere, so that the interpreter's last flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE
    code, message = explain(error)
    sys.stderr.write(f"chainrule: {visible(message)}\n")
    return code
