"""Equations in the form in which they are written: what only fits shapes is left out.

Everything here keeps the value; the equation is evaluated after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.graph import REGISTRY, Aval, Constant, Graph, Input, Node, Op
from chainrule.graph.ir import Value
from chainrule.ops.broadcast import spread
from chainrule.ops.indexing import ALL

N = "n examples"  # the key of their number; the space keeps it apart from names

_FITTING = frozenset({"spread", "sum_to", "cast", "reshape_like"})
_TRANSPOSE = REGISTRY.by_name["transpose"]


def mapped(graph: Graph, rule: Callable[[Node], Value]) -> Graph:
    """Return a graph with ``rule(node)`` in the place of each node, its inputs replaced first."""
    known: dict[int, Value] = {}
    for node in graph.nodes:
        inputs = tuple(known.get(id(x), x) for x in node.inputs)
        changed = any(a is not b for a, b in zip(inputs, node.inputs, strict=True))
        known[id(node)] = rule(replace(node, inputs=inputs) if changed else node)
    outputs = tuple(known.get(id(x), x) for x in graph.outputs)
    return Graph(graph.inputs, outputs)


def needed(graph: Graph) -> Graph:
    """Return a graph without the inputs that it does not use."""
    used = {id(x) for node in graph.nodes for x in node.inputs} | {id(x) for x in graph.outputs}
    return Graph(tuple(x for x in graph.inputs if id(x) in used), graph.outputs)


def node_of(op: Any, *inputs: Value, **params: Any) -> Node:
    """Return a new node; its shape follows from its inputs."""
    assert isinstance(op, Op)
    avals = [x.aval for x in inputs]
    assert all(isinstance(a, Aval) for a in avals)
    return Node(op, inputs, params, op.infer(*avals, **params))  # type: ignore[arg-type]


def transposed(value: Value) -> Value:
    """Return the transpose of a matrix; that of a transpose is what was transposed."""
    if is_transpose(value):
        return value.inputs[0]  # type: ignore[union-attr]
    return node_of(_TRANSPOSE, value)


def is_transpose(value: Value) -> bool:
    """Return whether a node exchanges the two axes of a matrix."""
    if not isinstance(value, Node) or value.op is not _TRANSPOSE:
        return False
    return value.params.get("axes") in (None, (1, 0), (-1, -2)) and shape(value) is not None


def shape(value: Value) -> tuple[int, ...]:
    """Return the shape of a value."""
    return value.aval.shape if isinstance(value.aval, Aval) else ()


def is_number(value: Value, number: float) -> bool:
    """Return whether a value is this one number."""
    return isinstance(value, Constant) and np.ndim(value.value) == 0 and value.value == number


def gathers(value: Value, *index: Any) -> bool:
    """Return whether a node selects with just this index, such as ``[..., None]``."""
    if not isinstance(value, Node) or value.op.name != "gather" or len(value.inputs) != 1:
        return False
    found = tuple(":" if item == ALL else item for item in value.params["index"])
    return found == index


def is_new_axis(value: Value) -> bool:
    """Return whether a node selects everything and only adds axes."""
    if not isinstance(value, Node) or value.op.name != "gather":
        return False
    return all(item in (None, ..., ALL) for item in value.params["index"])


def normal(
    graph: Graph, aliases: Mapping[tuple[str, str], str], given: Mapping[str, Any], n: int
) -> tuple[Graph, list[str]]:
    """Return an equation in normal form, and the reasons for what was simplified.

    Parameters
    ----------
    graph : Graph
        Over the keys of symbols.
    aliases : mapping of (op name, key) to key
        The symbol of an op's result on a symbol, such as that of ``softmax(z)``.
    given : mapping of str to array
        The leaves whose gradients are not asked for.
    n : int
        Length of the axes that count the examples; 0 if there are none.
    """
    reasons: list[str] = []
    made: dict[str, Input] = {x.name: x for x in graph.inputs}

    def symbol(key: str, aval: Any) -> Input:
        return made.setdefault(key, Input(key, aval))

    def rule(node: Node) -> Value:
        source = node.inputs[0] if node.inputs else None
        if isinstance(source, Input) and (node.op.name, source.name) in aliases:
            return symbol(aliases[node.op.name, source.name], node.aval)
        if node.op.name == "extent":
            return _count(node, n, symbol(N, node.aval))
        if _sums_to_one(node, given):
            reasons.append("the targets of an example sum to 1")
            return node_of(spread, Constant(1.0), node)
        return _tidied(node)

    found = mapped(graph, rule)
    return needed(Graph(tuple(made.values()), found.outputs)), reasons


def reduced_axes(node: Node) -> list[int]:
    """Return the axes of its input that a node takes together, in order."""
    ndim, axis = len(shape(node.inputs[0])), node.params.get("axis")
    axes = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return sorted(a % ndim for a in axes)


def _count(node: Node, n: int, number: Input) -> Value:
    """Return the extent of axes, as a multiple of the number of examples if one counts them."""
    lengths = [shape(node.inputs[0])[a] for a in reduced_axes(node)]
    if not n or n not in lengths:
        return Constant(float(np.prod(lengths)))
    lengths.remove(n)
    others = Constant(float(np.prod(lengths)))
    product = node_of(REGISTRY.by_name["multiply"], others, number)
    return number if others.value == 1 else replace(product, aval=node.aval)


def _sums_to_one(node: Node, given: Mapping[str, Any]) -> bool:
    """Return whether a node is the sum of distributions that are given."""
    if node.op.name != "sum" or not isinstance(node.inputs[0], Input):
        return False
    targets = given.get(node.inputs[0].name)
    if targets is None or not np.shape(targets):
        return False
    axis, last = node.params.get("axis"), len(shape(node.inputs[0])) - 1
    if axis not in (-1, last, *((None,) if last == 0 else ())):
        return False
    return bool(np.all(np.asarray(targets) >= 0) and np.allclose(np.sum(targets, axis=-1), 1.0))


def _tidied(node: Node) -> Value:
    name = node.op.name
    if name in _FITTING and shape(node.inputs[0]) == shape(node) and _same_kind(node):
        return node.inputs[0]
    if is_transpose(node) and len(shape(node)) == 2:
        return _transpose_of(node)
    if name == "gather":
        return _product_with_vector(node)
    if name == "multiply":
        return _constant_first(node)
    return node


def _same_kind(node: Node) -> bool:
    """Return whether a node keeps numbers real or complex."""
    kinds = [x.aval.dtype.kind for x in (node, node.inputs[0]) if isinstance(x.aval, Aval)]
    return len(set(kinds)) == 1


def _transpose_of(node: Node) -> Value:
    """Return (A' B)' as B' A, and A'' as A."""
    inner = node.inputs[0]
    if is_transpose(inner):
        return transposed(inner)
    if isinstance(inner, Node) and inner.op.forward is np.matmul:
        a, b = inner.inputs
        if len(shape(a)) == len(shape(b)) == 2 and (is_transpose(a) or is_transpose(b)):
            return node_of(inner.op, transposed(b), transposed(a))
    return node


def _product_with_vector(node: Node) -> Value:
    """Return A g, written with matrices of one column or one row, with g as a vector."""
    product = node.inputs[0]
    if not isinstance(product, Node) or product.op.forward is not np.matmul:
        return node
    a, b = product.inputs
    if gathers(node, ..., 0) and gathers(b, ..., None) and len(shape(a)) == 2:
        return node_of(product.op, a, b.inputs[0])  # type: ignore[union-attr]
    if gathers(node, ..., 0, ":") and gathers(a, ..., None, ":") and len(shape(b)) == 2:
        return node_of(product.op, transposed(b), a.inputs[0])  # type: ignore[union-attr]
    return node


def _constant_first(node: Node) -> Value:
    """Return x c as c x, and a number that was repeated to fit x as the number."""
    a, b = node.inputs
    if shape(b) == shape(node):
        a = _unrepeated(a)
    if shape(a) == shape(node):
        b = _unrepeated(b)
    if isinstance(b, Constant) and np.ndim(b.value) == 0 and not isinstance(a, Constant):
        a, b = b, a
    changed = a is not node.inputs[0] or b is not node.inputs[1]
    return replace(node, inputs=(a, b)) if changed else node


def _unrepeated(value: Value) -> Value:
    """Return the number that is repeated to fill a value, or the value."""
    source = value
    while isinstance(source, Node) and source.op.name in ("spread", "broadcast_to"):
        source = source.inputs[0]
    return value if shape(source) else source
