"""The engines by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.engines.interpreter import InterpreterProgram
from chainrule.engines.jax_engine import jax_program
from chainrule.engines.numba_engine import numba_program
from chainrule.engines.numpy_engine import NumpyProgram
from chainrule.engines.program import Cache, Program
from chainrule.errors import DtypeError
from chainrule.graph import Graph

ENGINES: dict[str, Callable[[Graph, Sequence[Any], Cache], Program]] = {
    "interpreter": InterpreterProgram,
    "jax": jax_program,
    "numba": numba_program,
    "numpy": NumpyProgram,
}
KEPT = 64  # programs of different shapes that one function keeps
ARRAYS = (np.ndarray, np.generic)


def as_array(leaf: Any) -> Any:
    """Return an array of numbers."""
    array = leaf if isinstance(leaf, ARRAYS) else np.asarray(leaf)
    if array.dtype.kind not in "biufc":
        raise DtypeError(f"a compiled function takes arrays of numbers, not {leaf!r:.60}")
    return array
