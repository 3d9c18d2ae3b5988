"""Where in the user's code something was computed."""

from __future__ import annotations

import itertools
import os
import sys
from types import CodeType, FrameType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
OUTSIDE: set[str] = set()  # files seen that are not chainrule's: looking up beats comparing


def user_frame(frame: FrameType) -> FrameType:
    """Return the innermost frame, from `frame` outwards, that does not run chainrule's code."""
    while (name := frame.f_code.co_filename) not in OUTSIDE:
        if not name.startswith(_PACKAGE) or frame.f_back is None:
            OUTSIDE.add(name)
        else:
            frame = frame.f_back
    return frame


def user_site() -> tuple[CodeType, int]:
    """Return the code and instruction of the user that led here."""
    frame = user_frame(sys._getframe(1))
    return frame.f_code, frame.f_lasti


def describe(code: CodeType, instruction: int) -> tuple[str, int]:
    """Return the file and the line of an instruction."""
    lines = itertools.islice(code.co_positions(), max(instruction, 0) // 2, None)
    return code.co_filename, next(lines, (None,))[0] or code.co_firstlineno
