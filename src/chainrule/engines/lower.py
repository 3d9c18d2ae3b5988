"""From a traced graph to one that engines emit: rewritten, and with compositions opened up.

An op whose forward is a function of plain NumPy, such as softmax, is replaced by what that function
does, which is found by tracing it. The result is the same to the bit; the ufuncs within can then
write into reused buffers, or be fused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import FunctionType
from typing import Any, TypeGuard

import numpy as np

from chainrule import ops
from chainrule.errors import ChainruleError
from chainrule.graph import Aval, Constant, Graph, Kind, Node, Op, rewrite, trace
from chainrule.graph.ir import Value
from chainrule.graph.trace import stop_gradient
from chainrule.ops.indexing import gather
from chainrule.ops.rewrites import RULES

# Besides the elementwise ones; others may hold shapes, which would be frozen.
_OPENED = frozenset({
    ops.identity, ops.log_softmax, ops.logsumexp, ops.softmax, ops.softmax_cross_entropy,
    stop_gradient,
})  # fmt: skip

# Where the logarithm of a softmax is at hand, its exponential is the quickest way to the softmax.
REWRITES = tuple(rule for rule in RULES if rule.name != "exp of log_softmax")

# Rules that change no bit, for what was opened.
EXACT = tuple(rule for rule in RULES if rule.name in {"size of a negative", "double negation"})


def lowered(graph: Graph) -> Graph:
    """Return a graph that computes the same, to rounding, in simpler ops.

    Parameters
    ----------
    graph : Graph
        As `trace` returns it.

    Returns
    -------
    Graph
        Equal nodes are shared, and what no output needs is gone.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> graph = cr.trace(lambda x: cr.softmax(x))(np.zeros((2, 3)))
    >>> [node.op.name for node in lowered(graph).nodes]
    ['max', 'subtract', 'exp', 'sum', 'divide']
    """
    with np.errstate(all="ignore"):
        return rewrite(opened(rewritten(graph)), EXACT)


def rewritten(graph: Graph) -> Graph:
    """Return the graph whose interpretation defines what an engine computes."""
    return rewrite(straightened(rewrite(graph, REWRITES)), ())


def straightened(graph: Graph) -> Graph:
    """Return the graph with ``(a @ b).T`` as ``b.T @ a.T``, where nobody reads ``a @ b`` itself.

    So the gradient of a weight lies in memory as the weight does.
    """
    read_plain = {id(x) for x in graph.outputs}
    read_plain |= {id(x) for node in graph.nodes if not _is_transpose(node) for x in node.inputs}
    known: dict[int, Value] = {}
    for node in graph.nodes:
        inputs = tuple(known.get(id(x), x) for x in node.inputs)
        inner = node.inputs[0] if _is_transpose(node) else node
        if inner is not node and _is_product(inner) and id(inner) not in read_plain:
            a, b = (_transposed(node.op, known.get(id(x), x)) for x in inner.inputs)
            known[id(node)] = replace(inner, inputs=(b, a), aval=node.aval)
        else:
            known[id(node)] = replace(node, inputs=inputs)
    outputs = tuple(known.get(id(x), x) for x in graph.outputs)
    return Graph(graph.inputs, outputs, graph.takes, graph.gives)


def _is_transpose(value: Value) -> TypeGuard[Node]:
    return (
        isinstance(value, Node)
        and value.op.forward is np.transpose
        and value.params.get("axes") in (None, (1, 0))
        and isinstance(value.aval, Aval)
        and len(value.aval.shape) == 2
    )


def _is_product(value: Value) -> TypeGuard[Node]:
    return isinstance(value, Node) and value.op.forward is np.matmul


def _transposed(op: Op, value: Value) -> Value:
    if _is_transpose(value):
        return value.inputs[0]
    assert isinstance(value.aval, Aval)
    return Node(op, (value,), {}, Aval(value.aval.shape[::-1], value.aval.dtype))


def opened(graph: Graph) -> Graph:
    """Return the graph with compositions replaced by what their forwards do."""
    known: dict[int, Value] = {}
    for node in graph.nodes:
        inputs = tuple(known.get(id(x), x) for x in node.inputs)
        moved = node if inputs == node.inputs else replace(node, inputs=inputs)
        known[id(node)] = _inside(moved) or moved
    outputs = tuple(known.get(id(x), x) for x in graph.outputs)
    return Graph(graph.inputs, outputs, graph.takes, graph.gives)


def _inside(node: Node) -> Value | None:
    """Return what a composition computes, in other ops; None if it is none."""
    if node.op is gather and node.params["index"] == () and isinstance(node.inputs[0].aval, Aval):
        return node.inputs[0] if node.inputs[0].aval.shape else None
    elementwise = node.op.kind is Kind.ELEMENTWISE or node.op in _OPENED
    if not elementwise or not isinstance(node.op.forward, FunctionType):
        return None
    varying = [x for x in node.inputs if not isinstance(x, Constant)]
    try:
        graph = trace(lambda *xs: _call(node, xs))(*map(_example, varying))
    except (ChainruleError, TypeError, ValueError):  # it does what cannot be recorded
        return None
    (output,) = graph.outputs
    if output.aval != node.aval:
        return None
    return _grafted(graph, varying, node)


def _call(node: Node, varying: Iterable[Any]) -> Any:
    source = iter(varying)
    inputs = [x.value if isinstance(x, Constant) else next(source) for x in node.inputs]
    return node.op.forward(*inputs, **node.params)


def _example(value: Value) -> Any:
    assert isinstance(value.aval, Aval)
    return value.aval.example()


def _grafted(graph: Graph, arguments: Iterable[Value], old: Node) -> Value:
    """Return a graph's output with other values in the place of its inputs."""
    known = dict(zip(map(id, graph.inputs), arguments, strict=True))
    for node in graph.nodes:
        inputs = tuple(known.get(id(x), x) for x in node.inputs)
        moved = replace(node, inputs=inputs, site=old.site, name=None)
        known[id(node)] = _inside(moved) or moved
    (output,) = graph.outputs
    return known.get(id(output), output)
