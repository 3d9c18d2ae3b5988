"""`Quick`: the shortest way through a compiled program, from one array to one.

A call from Python costs a tenth of a microsecond for each array that is passed. So what stays the
same from call to call, constants and buffers, is found in one array of addresses, the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

LONGEST = 50_000
"""Nanoseconds of work up to which a program is called so: the interpreter lock is held."""
_N_KERNELS = 4
_ENTRY = """

@njit(cache=True, error_model="numpy")
def entry(frame, given, result):
    program(
        (frame[0], frame[1], frame[2], frame[3]), frame, 0, 1, given,
{rest}
    )
"""


def entry_source(arrays: Sequence[Any | None]) -> str:
    """Return the source of ``entry(frame, given, result)``, which calls a program.

    Parameters
    ----------
    arrays : sequence of array or None
        Arguments of the program after the given one; None stands for the result.
    """
    lines, place = [], _N_KERNELS
    for x in arrays:
        if x is None:
            lines.append("        result,")
            continue
        kind = "np.bool_" if x.dtype.kind == "b" else f"np.{x.dtype.name}"
        lines.append(f"        carray(pointer(frame[{place}]), {x.shape!r}, {kind}),")
        place += 1
    return _ENTRY.format(rest="\n".join(lines))


class Quick:
    """A compiled program for one array of one shape.

    Parameters
    ----------
    entry : callable
        As `entry_source` has it, compiled.
    kernels : sequence of int
    arrays : sequence of array or None
        What the frame points to; see `entry_source`.
    given, result : array
        Of the shapes and dtypes to expect and to return.
    """

    def __init__(
        self,
        entry: Callable[..., Any],
        kernels: Sequence[int],
        arrays: Sequence[Any | None],
        given: Any,
        result: Any,
    ) -> None:
        self.entry = entry
        self._kept = [x for x in arrays if x is not None]
        self.frame = np.array([*kernels, *(x.ctypes.data for x in self._kept)], np.int64)
        self.shape, self.strides, self.dtype = given.shape, given.strides, given.dtype
        self.result_shape, self.result_dtype = result.shape, result.dtype
        self._compile(np.zeros(given.shape, given.dtype), result)

    def _compile(self, given: Any, result: Any) -> None:
        self.entry(self.frame, given, result)
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
