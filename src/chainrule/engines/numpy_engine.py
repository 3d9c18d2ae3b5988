"""The numpy engine: straight-line source that writes into reused buffers."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.engines.emit import emit, writable
from chainrule.engines.lower import lowered
from chainrule.engines.plan import ALIGNMENT, Layout, Plan, assign
from chainrule.engines.program import Cache, load
from chainrule.graph import Constant, Graph
from chainrule.graph.ir import Value


class NumpyProgram:
    """A graph as NumPy source, with buffers for one set of shapes.

    The results are those of the interpreter, to the bit, and in arrays of their own. It may run in
    several threads at once; each has its own buffers.
    """

    def __init__(self, graph: Graph, arrays: Sequence[Any], cache: Cache) -> None:
        self.graph = lowered(graph)
        with np.errstate(all="ignore"):
            layouts = observed_layouts(self.graph, arrays)
        self.plan = assign(self.graph, writable(self.graph), layouts)
        emitted = emit(self.plan)
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
        buffers = self._idle.pop() if self._idle else allocated(self.plan)
        with np.errstate(all="ignore"):
            results: Sequence[Any] = self.function(arrays, self.constants, buffers)
        self._idle.append(buffers)
        return results


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
        values[id(node)] = y
        for x in node.inputs:
            if last_use[id(x)] == i:
                values.pop(id(x), None)
    return found
