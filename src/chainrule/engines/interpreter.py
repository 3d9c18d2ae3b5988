"""The interpreter as an engine: the definition of every result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.engines.lower import rewritten
from chainrule.engines.plan import Plan
from chainrule.engines.program import Cache, Program
from chainrule.graph import Graph


class InterpreterProgram(Program):
    """A rewritten graph that is interpreted, one node after another."""

    def __init__(self, graph: Graph, arrays: Sequence[Any], cache: Cache) -> None:
        self.graph = rewritten(graph)
        self.plan = Plan(self.graph, {}, 0, "interpreter")
        self.source = str(self.graph)

    def __call__(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Compute one result for each output."""
        with np.errstate(all="ignore"):
            return self.graph.evaluate(arrays)
