"""`Quick`: the shortest way through a compiled program, from one array to one.

The frame stays from call to call; two addresses are put into it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LONGEST = 50_000
"""Nanoseconds of work up to which a program is called so: the interpreter lock is held."""
_ENTRY = """

@njit(cache=True, error_model="numpy")
def entry(frame, given, result):
    frame[{given}] = given.ctypes.data
    frame[{result}] = result.ctypes.data
    program(frame, 0, 1)
"""


def entry_source(given: int, result: int) -> str:
    """Return the source of ``entry(frame, given, result)``, which calls a program.

    Parameters
    ----------
    given, result : int
        The places in the frame of the two arrays' addresses.
    """
    return _ENTRY.format(given=given, result=result)


class Quick:
    """A compiled program for one array of one shape.

    Parameters
    ----------
    entry : callable
        As `entry_source` has it, compiled.
    frame : int64 array
        All that does not change from call to call put in.
    kept : object
        The arrays that the frame points to.
    given, result : array
        Of the shapes and dtypes to expect and to return.
    """

    def __init__(
        self, entry: Callable[..., Any], frame: Any, kept: Any, given: Any, result: Any
    ) -> None:
        self.entry, self.frame, self._kept = entry, frame, kept
        self.shape, self.strides, self.dtype = given.shape, given.strides, given.dtype
        self.result_shape, self.result_dtype = result.shape, result.dtype
        self.entry(self.frame, np.zeros(given.shape, given.dtype), result)
        # Arrays of another type, such as read-only ones, are for the long way then.
        if hasattr(self.entry, "disable_compile"):
            self.entry.disable_compile()

    def __call__(self, x: Any) -> Any:
        """Return the program's result; None if this is not for such an argument."""
        if (
            x.__class__ is _ndarray
            and x.shape == self.shape
            and x.strides == self.strides
            and x.dtype == self.dtype
        ):
            result = _empty(self.result_shape, self.result_dtype)
            try:
                self.entry(self.frame, x, result)
            except (IndexError, TypeError):
                return None
            return result
        return None


_ndarray, _empty = np.ndarray, np.empty
