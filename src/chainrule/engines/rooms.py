"""`Rooms`: arrays for results, used again when nobody holds the last ones any more.

The operating system gives large arrays page by page as they are first written to, which takes
longer than to write them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.engines.axes import dtype_of, shape_of
from chainrule.graph.ir import Value

LARGE, LARGEST = 2**20, 2**30
"""Bytes of the results that are worth it, and of those that are too large to be kept."""
_OURS = 2  # references to an array that only we hold: in the list, and in the question


class Rooms:
    """The results of the last calls: of the last, which may be in use still, and the one before."""

    def __init__(self) -> None:
        self._kept: list[list[Any]] = []

    def take(self, outputs: Sequence[Value], n_steps: int) -> list[Any]:
        """Return arrays for what each step returns, along a first axis."""
        wanted = [((n_steps, *shape_of(x)), dtype_of(x)) for x in outputs]
        for arrays in self._kept:
            if _are_free(arrays, wanted):
                return list(arrays)
        found = [np.empty(shape, dtype) for shape, dtype in wanted]
        if LARGE <= sum(x.nbytes for x in found) <= LARGEST:
            self._kept = [*self._kept[-1:], found]
        return list(found)


def _are_free(arrays: list[Any], wanted: Sequence[Any]) -> bool:
    """Return whether arrays are as wanted, and nobody else holds one of them."""
    if [(x.shape, x.dtype) for x in arrays] != list(wanted):
        return False
    return all(sys.getrefcount(arrays[i]) <= _OURS for i in range(len(arrays)))
