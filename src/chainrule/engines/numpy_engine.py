"""The numpy engine: straight-line source that writes into reused buffers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.engines.emit import writable
from chainrule.engines.in_place import InPlaceEmitter, donations
from chainrule.engines.lower import lowered
from chainrule.engines.plan import ALIGNMENT, Layout, Plan, assign
from chainrule.engines.program import Cache, Program, load
from chainrule.engines.sweep import Arrays, Sweep, Sweeping
from chainrule.graph import Constant, Graph
from chainrule.graph.ir import Value


class NumpyProgram(Program):
    """A graph as NumPy source, with buffers for one set of shapes.

    The results are those of the interpreter, to the bit, and in arrays of their own. It may run in
    several threads at once; each has its own buffers.

    Parameters
    ----------
    graph : Graph
    arrays : sequence of arrays
        Examples of the arguments.
    cache : mapping
    donated : int
        Of so many first outputs, those that can be are written over the inputs of their numbers,
        which must be contiguous. A result that was is the input itself.
    """

    def __init__(self, graph: Graph, arrays: Sequence[Any], cache: Cache, donated: int = 0) -> None:
        self.graph = lowered(graph)
        with np.errstate(all="ignore"):
            layouts = observed_layouts(self.graph, arrays)
        able = writable(self.graph)
        found = donations(self.graph, donated, able, layouts)
        self.plan = assign(self.graph, able - found.target.keys(), layouts)
        emitted = InPlaceEmitter(self.plan, found).source
        self.source, self.constants = emitted.text, emitted.constants
        key = (self.source, tuple(emitted.ops.values()), repr(emitted.settings))
        function = cache.get(key)
        if function is None:
            forwards = {name: op.forward for name, op in emitted.ops.items()}
            function = load(self.source, ops=SimpleNamespace(**forwards), settings=emitted.settings)
            cache[key] = function
        self.function = function
        self._idle: list[list[Any]] = []

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute one result for each output."""
        with np.errstate(all="ignore"), self.borrowed() as buffers:
            results: Sequence[Any] = self.function(arrays, self.constants, buffers)
        return results

    @contextmanager
    def borrowed(self) -> Iterator[list[Any]]:
        """Lend buffers for the time of a ``with`` block."""
        buffers = self._idle.pop() if self._idle else allocated(self.plan)
        yield buffers
        self._idle.append(buffers)


class NumpySweep:
    """A program of one step that is run again and again, and overwrites its carry."""

    def __init__(self, program: NumpyProgram) -> None:
        self.program = program

    def __call__(
        self, carry: list[Any], data: Arrays, places: Any, each: Arrays, outputs: Arrays
    ) -> None:
        """Run the steps in order."""
        function, constants, n = self.program.function, self.program.constants, len(carry)
        state: Arrays = carry
        with np.errstate(all="ignore"), self.program.borrowed() as buffers:
            for i, rows in enumerate(places):
                given = [*state, *[x[rows] for x in data], *[x[i] for x in each]]
                results = function(given, constants, buffers)
                state = results[:n]
                for kept, found in zip(outputs, results[n:], strict=True):
                    kept[i] = found
        for old, new in zip(carry, state, strict=True):
            if new is not old:
                np.copyto(old, new)


def numpy_sweep(graph: Graph, arrays: Arrays, sweeping: Sweeping, cache: Cache) -> Sweep:
    """Return a sweep whose steps overwrite the carry where they can."""
    return NumpySweep(NumpyProgram(graph, arrays, cache, donated=sweeping.n_carry))


def allocated(plan: Plan) -> list[Any]:
    """Return arrays for a plan's buffers, all in one piece of memory."""
    memory = np.empty(plan.arena + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return [
        b.layout.view(memory[start + b.offset : start + b.offset + b.layout.nbytes])
        for b in plan.buffers.values()
    ]


def observed_layouts(graph: Graph, arrays: Sequence[Any]) -> list[Layout | None]:
    """Interpret a graph and return the memory layout of each node's result.

    A buffer of the layout that NumPy would choose makes later sums add in the same order.
    """
    values: dict[int, Any] = dict(zip(map(id, graph.inputs), arrays, strict=True))
    last_use = {id(x): i for i, node in enumerate(graph.nodes) for x in node.inputs}
    found: list[Layout | None] = []

    def read(value: Value) -> Any:
        return value.value if isinstance(value, Constant) else values[id(value)]

    for i, node in enumerate(graph.nodes):
        y = node.op.forward(*map(read, node.inputs), **node.params)
        found.append(Layout.of(y) if isinstance(y, (np.ndarray, np.generic)) else None)
        if id(node) in last_use:
            values[id(node)] = y
        for x in node.inputs:
            if last_use[id(x)] == i:
                values.pop(id(x), None)
    return found
