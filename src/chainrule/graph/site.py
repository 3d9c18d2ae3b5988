"""Where in the user's code something was computed."""

from __future__ import annotations

import dis
import itertools
import os
import sys
from functools import lru_cache
from itertools import pairwise
from types import CodeType, FrameType

import numpy as np

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep
OUTSIDE: set[str] = set()  # files seen that are not chainrule's: looking up beats comparing


def is_library(path: str) -> bool:
    """Return whether a file is chainrule's or NumPy's own, not the user's."""
    return path.startswith((_PACKAGE, _NUMPY))


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


def assigned(code: CodeType, instruction: int) -> str | None:
    """Return the variable that the result of an instruction is assigned to at once.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import Tensor
    >>> z = np.tanh(Tensor(1.0)) * 2
    >>> assigned(z.code, z.instruction)
    'z'
    """
    return _assignments(code).get(instruction)


@lru_cache(maxsize=256)
def _assignments(code: CodeType) -> dict[int, str]:
    """Return, by instruction, the variables that results are assigned to at once."""
    found: dict[int, str] = {}
    for here, after in pairwise(dis.get_instructions(code)):
        if after.opname in _STORES:
            name = after.argval[0] if isinstance(after.argval, tuple) else after.argval
            found[here.offset] = str(name)
    return found


_STORES = frozenset({
    "STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_FAST_LOAD_FAST",
    "STORE_FAST_STORE_FAST",
})  # fmt: skip
