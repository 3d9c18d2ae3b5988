"""The numba engine: one flat function of explicit loops, compiled by LLVM."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.engines.axes import NoLoopsError, dtype_of, shape_of
from chainrule.engines.cache import module_of
from chainrule.engines.emit_loops import LoopEmitter
from chainrule.engines.loops import with_copies
from chainrule.engines.lower import lowered
from chainrule.engines.numpy_engine import NumpyProgram, allocated
from chainrule.engines.plan import Buffer, Layout, Plan, gap
from chainrule.engines.program import Cache, Program, load
from chainrule.errors import MissingExtraError
from chainrule.graph import Constant, Graph, Input


def numba_program(graph: Graph, arrays: Sequence[Any], cache: Cache) -> Program:
    """Return a compiled program; one of the numpy engine, where there are no loops for an op.

    The plan of the latter says why.

    Raises
    ------
    MissingExtraError
        If Numba or SciPy is not installed.
    """
    for package in ("numba", "scipy"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "fast")
    try:
        return NumbaProgram(graph, arrays, cache)
    except NoLoopsError as reason:
        program = NumpyProgram(graph, arrays, cache)
        program.plan = replace(program.plan, note=f"numpy instead of numba: {reason}")
        return program


class NumbaProgram:
    """A graph as loops, with buffers for one set of shapes.

    The results are those of the interpreter to rounding. It may run in several threads at once;
    each has its own buffers, and the interpreter lock is released. Denormal numbers are zero.
    """

    def __init__(self, graph: Graph, arrays: Sequence[Any], cache: Cache) -> None:
        self.graph = with_copies(lowered(graph))
        emitter = LoopEmitter(self.graph)
        self.source = _header() + emitter.source.text
        self.plan = _assigned(emitter)
        outputs = {id(x) for x in self.graph.outputs}
        self._results = {
            id(x): Layout(shape_of(x), dtype_of(x), ())
            for x in emitter.source.stored
            if id(x) in outputs
        }
        self._stored = [id(x) for x in emitter.source.stored]
        self._takes = [self._take(x, arrays) for x in emitter.source.given]
        if self.source not in cache:
            cache[self.source] = _loaded(self.source)
        self.function = cache[self.source]
        self._blas = _addresses() if "gemm" in self.source else (0, 0)
        self._idle: list[list[Any]] = []

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute one result for each output."""
        given = [take(arrays) for take in self._takes]
        buffers = self._idle.pop() if self._idle else allocated(self.plan)
        results = {k: np.empty(y.shape, y.dtype) for k, y in self._results.items()}
        rest = iter(buffers)
        stored = [results[k] if k in results else next(rest) for k in self._stored]
        try:
            self.function(self._blas, *given, *stored, *rest)
        except IndexError:
            return self.graph.evaluate(arrays)  # whose error says which index
        self._idle.append(buffers)
        return [self._result(x, arrays, results) for x in self.graph.outputs]

    def _take(self, value: Any, arrays: Sequence[Any]) -> Callable[[Sequence[Any]], Any]:
        """Return what gets an argument: contiguous arrays, plain numbers, constants."""
        if isinstance(value, Constant):
            constant = np.ascontiguousarray(value.value)
            return lambda _: constant
        i = self.graph.inputs.index(value)
        if not np.ndim(arrays[i]):
            return lambda given: given[i][()]
        if np.ascontiguousarray(arrays[i]) is arrays[i]:  # strides are the same at every call
            return operator.itemgetter(i)
        return lambda given: np.ascontiguousarray(given[i])

    def _result(self, value: Any, arrays: Sequence[Any], results: dict[int, Any]) -> Any:
        if isinstance(value, Constant):
            return value.value
        if isinstance(value, Input):
            return arrays[self.graph.inputs.index(value)]
        return results[id(value)][()]


def _assigned(emitter: LoopEmitter) -> Plan:
    """Return a plan with memory for what is stored and is no result."""
    graph, loops, source = emitter.graph, emitter.loops, emitter.source
    outputs = {id(x) for x in graph.outputs}
    wanted: list[tuple[int, int, int, Layout]] = []
    for i, node in enumerate(graph.nodes):
        if id(node) not in loops.stored or id(node) in outputs:
            continue
        shape = shape_of(node)
        shape = shape[-1:] if id(node) in source.rows else shape
        first = loops.place[id(node)]
        wanted.append((i, first, max(first, loops.last.get(id(node), 0)), _packed(shape, node)))
    for i, (k, shape, like) in enumerate(source.scratch):
        wanted.append((len(graph.nodes) + i, k, k, _packed(shape, like)))
    buffers: dict[int, Buffer] = {}
    for i, first, last, layout in sorted(wanted, key=lambda w: w[1]):
        taken = [b for b in buffers.values() if b.last >= first and b.first <= last]
        buffers[i] = Buffer(gap(taken, layout.nbytes), layout, first, last)
    arena = max((b.offset + b.layout.nbytes for b in buffers.values()), default=0)
    return Plan(graph, dict(sorted(buffers.items())), arena, "numba")


def _packed(shape: tuple[int, ...], like: Any) -> Layout:
    return Layout(shape, dtype_of(like), tuple(range(len(shape))))


def _addresses() -> tuple[int, int]:
    """Return where BLAS's products of matrices are: in float32 and in float64."""
    from numba.extending import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
        get_cython_function_address,
    )

    module = "scipy.linalg.cython_blas"
    single, double = (get_cython_function_address(module, name) for name in ("sgemm", "dgemm"))
    return single, double


@functools.cache
def _header() -> str:
    """Return the first line of every module: the versions that its compiled form depends on."""
    functions = Path(__file__).with_name("functions.py").read_bytes()
    digest = hashlib.sha256(functions).hexdigest()[:16]
    return f"# numba {version('numba')}, functions {digest}\n"


def _loaded(source: str) -> Callable[..., Any]:
    """Return the compiled function of a source, from the cache if there is one."""
    module = module_of(source)
    if module is not None:
        program: Callable[..., Any] = module.program
        return program
    return load(source.replace("cache=True, ", ""))
