"""How the time of a program is shared among its steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph import Constant, Graph
from chainrule.graph.ir import Value

_TIMES = 5


def shares(graph: Graph, arrays: Sequence[Any]) -> tuple[float, ...]:
    """Return the part of the time that each node takes when a graph is interpreted."""
    seconds = np.array([_seconds(graph, arrays) for _ in range(_TIMES)]).min(axis=0)
    return tuple(float(x) for x in seconds / max(seconds.sum(), 1e-12))


def _seconds(graph: Graph, arrays: Sequence[Any]) -> list[float]:
    values: dict[int, Any] = dict(zip(map(id, graph.inputs), arrays, strict=True))

    def read(value: Value) -> Any:
        return value.value if isinstance(value, Constant) else values[id(value)]

    found = []
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            given = [read(x) for x in node.inputs]
            start = time.perf_counter()
            values[id(node)] = node.op.forward(*given, **node.params)
            found.append(time.perf_counter() - start)
    return found
