"""`auto`: which engine is done first, estimated from a graph and the number of its runs.

The estimate knows neither the clock nor the cache nor the threads of a machine, so that the choice,
and with it the bits of the results, is the same everywhere where the same is installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule.engines.plan import node_flops
from chainrule.graph import Graph


class Costs(NamedTuple):
    """What an engine costs, in seconds.

    Attributes
    ----------
    start : float
        Once, whatever the program.
    node : float
        Once for each node of the graph: tracing, planning, compiling.
    call : float
        For each node, each time it runs.
    product, number : float
        For each FLOP of matrix products, and for each number that other nodes compute.
    """

    start: float
    node: float
    call: float
    product: float
    number: float


# As measured on one core of about 3 GHz; a compiler's cache is taken to be empty. What Numba takes
# to compile a node is a round number between what a quiet and a busy machine took.
COSTS = {
    "eager": Costs(0.0, 0.0, 4e-6, 5e-11, 1e-9),
    "interpreter": Costs(0.0, 1e-4, 2e-6, 5e-11, 1e-9),
    "numpy": Costs(0.0, 2e-4, 7e-7, 5e-11, 1e-9),
    "numba": Costs(0.25, 3e-2, 1e-8, 5e-11, 2.5e-10),
}
_LONG = 0.5  # seconds of a step, which had better be interrupted within
_WIDE, _WORTH = 3.0, 10.0  # times faster and seconds less that make an advice


class Choice(NamedTuple):
    """An engine.

    Attributes
    ----------
    engine : str
    reason : str
        Why it was chosen, in one line.
    advice : str
        What would be much faster and is not installed; empty otherwise.
    """

    engine: str
    reason: str
    advice: str = ""


def choose(
    graph: Graph, n_steps: int, among: Sequence[str] = ("eager", "numpy", "numba")
) -> Choice:
    """Return the engine that is done first with so many runs of a graph.

    Parameters
    ----------
    graph : Graph
        As `trace` returns it.
    n_steps : int
        How often it will run.
    among : sequence of str
        The engines that can be had.

    Returns
    -------
    Choice
        The engine's name and one line that says why.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> graph = cr.trace(lambda w, x: w - 0.1 * np.tanh(x @ w))(np.ones(3), np.eye(3))
    >>> choose(graph, 1).engine, choose(graph, 10_000).engine
    ('eager', 'numpy')
    """
    if "eager" in among and step_seconds(graph, "numpy") > _LONG:
        return Choice("eager", "a single step takes so long that a program would gain nothing")
    seconds = {name: total_seconds(graph, name, n_steps) for name in among}
    missing = importlib.util.find_spec("numba") is None
    fast = seconds["numba"]
    if missing:
        del seconds["numba"]
    engine = min(seconds, key=lambda name: seconds[name])
    words = ", ".join(f"{name} {value:.2g}" for name, value in seconds.items())
    times = seconds[engine] / fast
    advice = ""
    if times > _WIDE and seconds[engine] - fast > _WORTH:
        advice = (
            f"numba would make this about {times:.0f} times faster: pip install 'chainrule[fast]'"
        )
    return Choice(engine, f"seconds estimated for {n_steps} steps: {words}", advice)


def step_seconds(graph: Graph, engine: str) -> float:
    """Return the estimated seconds of one run of a graph."""
    costs = COSTS.get(engine, COSTS["numpy"])
    products = sum(node_flops(n) for n in graph.nodes if n.op.forward is np.matmul)
    numbers = sum(map(node_flops, graph.nodes)) - products
    return len(graph.nodes) * costs.call + products * costs.product + numbers * costs.number


def total_seconds(graph: Graph, engine: str, n_steps: int) -> float:
    """Return the estimated seconds from a graph to the end of its last run."""
    costs = COSTS.get(engine, COSTS["numpy"])
    start = costs.start + len(graph.nodes) * costs.node
    return start + n_steps * step_seconds(graph, engine)
