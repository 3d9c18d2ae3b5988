"""The engines by name. Those that compile are imported when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.engines.interpreter import InterpreterProgram
from chainrule.engines.numpy_engine import NumpyProgram, numpy_sweep
from chainrule.engines.program import Cache, Program
from chainrule.engines.sweep import Arrays, Sweep, Sweeping
from chainrule.errors import DtypeError
from chainrule.graph import Graph


def _jax_program(graph: Graph, arrays: Arrays, cache: Cache) -> Program:
    from chainrule.engines.jax_engine import jax_program

    return jax_program(graph, arrays, cache)


def _jax_sweep(graph: Graph, arrays: Arrays, sweeping: Sweeping, cache: Cache) -> Sweep:
    from chainrule.engines.jax_engine import jax_sweep

    return jax_sweep(graph, arrays, sweeping, cache)


def _numba_program(graph: Graph, arrays: Arrays, cache: Cache) -> Program:
    from chainrule.engines.numba_engine import numba_program

    return numba_program(graph, arrays, cache)


def _numba_sweep(graph: Graph, arrays: Arrays, sweeping: Sweeping, cache: Cache) -> Sweep:
    from chainrule.engines.numba_engine import numba_sweep

    return numba_sweep(graph, arrays, sweeping, cache)


ENGINES: dict[str, Callable[[Graph, Sequence[Any], Cache], Program]] = {
    "interpreter": InterpreterProgram,
    "jax": _jax_program,
    "numba": _numba_program,
    "numpy": NumpyProgram,
}
# How engines run a step over batches; one that is not among them calls its program again and again.
SWEEPS: dict[str, Callable[[Graph, Arrays, Sweeping, Cache], Sweep]] = {
    "jax": _jax_sweep,
    "numba": _numba_sweep,
    "numpy": numpy_sweep,
}
KEPT = 64  # programs of different shapes that one function keeps
ARRAYS = (np.ndarray, np.generic)


def as_array(leaf: Any) -> Any:
    """Return an array of numbers."""
    array = leaf if isinstance(leaf, ARRAYS) else np.asarray(leaf)
    if array.dtype.kind not in "biufc":
        raise DtypeError(f"a compiled function takes arrays of numbers, not {leaf!r:.60}")
    return array
