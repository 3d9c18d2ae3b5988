"""Which command made a run folder, and how it trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.cli.runs import Course, command_of
from chainrule.errors import DataError
from chainrule.models.run_folder import REQUEST


def course_of(folder: Path) -> Course[Any, Any]:
    """Return the course of the command that made a run folder; no other is imported.

    Raises
    ------
    DataError, FileFormatError
        If no command made it, or one that this version does not know.
    """
    match command_of(folder):
        case None:
            raise DataError("holds no run of chainrule", path=str(folder))
        case "fit":
            from chainrule.cli.fit import FIT

            return FIT
        case "text":
            from chainrule.cli.language.text import TEXT

            return TEXT
        case "tag":
            from chainrule.cli.language.tag import TAG

            return TAG
        case "lm":
            from chainrule.cli.language.lm import LM

            return LM
        case "vectors":
            from chainrule.cli.language.vectors import VECTORS_COURSE

            return VECTORS_COURSE
        case command:
            raise DataError(f"no command is called {command!r}", path=str(folder / REQUEST))
