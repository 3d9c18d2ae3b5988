"""Equations of a batch with its examples as columns, where the code has them as rows.

A symbol of a batch then stands for the transpose of what the code computes, and ``X W'`` is
written ``W X``. The equation is turned around, not only its picture: it is evaluated afterwards.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.explanation.derivation.normal import is_transpose, node_of, shape, transposed
from chainrule.graph import REGISTRY, Aval, Constant, Graph, Input, Kind, Node
from chainrule.graph.ir import Value
from chainrule.ops.indexing import Index

_SUM = REGISTRY.by_name["sum"]
_GATHER = REGISTRY.by_name["gather"]
_ALONG_ROWS = frozenset({
    "softmax", "log_softmax", "logsumexp", "softmax_cross_entropy", "sum", "mean", "max", "min",
})  # fmt: skip


def as_columns(graph: Graph, batched: Collection[str], output_batched: bool) -> Graph:
    """Return an equation over symbols that hold the transposes of batches.

    Parameters
    ----------
    graph : Graph
    batched : collection of str
        Keys of the batches; each is a matrix with a row for each example.
    output_batched : bool
        Whether the left side is one.

    Raises
    ------
    UnsupportedError
        If an op has no form for columns here.
    """
    turn = _Turn(graph, batched)
    output = graph.outputs[0]
    found = turn.turned(output) if output_batched else turn.same(output)
    return Graph(tuple(turn.inputs.values()), (found,))


class _Turn:
    def __init__(self, graph: Graph, batched: Collection[str]) -> None:
        self.batched = batched
        self.inputs = {x.name: self._column(x) for x in graph.inputs}

    def _column(self, x: Input) -> Input:
        if x.name not in self.batched or len(shape(x)) != 2:
            return x
        assert isinstance(x.aval, Aval)
        return Input(x.name, Aval(x.aval.shape[::-1], x.aval.dtype))

    def turned(self, value: Value) -> Value:
        """Return the transpose of a value of two axes; others as they are, vectors as columns."""
        if isinstance(value, Constant):
            return value if np.ndim(value.value) < 2 else Constant(np.transpose(value.value))
        if isinstance(value, Input):
            return self._turned_input(value)
        if is_transpose(value):
            return self.same(value.inputs[0])
        if value.op.forward is np.matmul:
            a, b = value.inputs
            if len(shape(a)) == len(shape(b)) == 2:
                return node_of(value.op, self.turned(b), self.turned(a))
            if len(shape(a)) == 2 and len(shape(b)) == 1:
                return node_of(value.op, self.same(b), self.turned(a))
            raise _unsupported(value)
        return self._turned_node(value)

    def _turned_input(self, x: Input) -> Value:
        column = self.inputs[x.name]
        if x.name in self.batched or not shape(x):
            return column
        if len(shape(x)) == 1:
            return node_of(_GATHER, column, index=Index((..., None)))
        return transposed(column)

    def _turned_node(self, node: Node) -> Value:
        name = node.op.name
        elementwise = node.op.kind is Kind.ELEMENTWISE or name in ("where", "cast")
        if elementwise or (node.op.is_constant and name in _COMPARED):
            if len(shape(node)) == 1:
                return self.same(node)
            return node_of(node.op, *map(self.turned, node.inputs), **node.params)
        if name in _ALONG_ROWS and len(shape(node.inputs[0])) == 2:
            return self._along(node)
        if name in ("spread", "broadcast_to"):
            first, like = node.inputs
            params = dict(node.params)
            if params.get("axis") is not None:
                params["axis"] = _other(params["axis"])
                return node_of(node.op, self.same(first), self.turned(like), **params)
            return node_of(node.op, self.turned(first), self.turned(like), **params)
        if len(shape(node)) < 2 and not any(len(shape(x)) == 2 for x in node.inputs):
            return self.same(node)
        raise _unsupported(node)

    def _along(self, node: Node) -> Value:
        """Return a reduction, or a softmax, along the other axis."""
        params = dict(node.params)
        axis = params.get("axis", node.op.defaults.get("axis"))
        if axis is not None:
            params["axis"] = _other(axis)
        return node_of(node.op, *map(self.turned, node.inputs), **params)

    def same(self, value: Value) -> Value:
        """Return a value as it is, over the turned symbols."""
        if isinstance(value, Constant):
            return value
        if isinstance(value, Input):
            column = self.inputs[value.name]
            return transposed(column) if column is not value else value
        name = value.op.name
        if is_transpose(value):
            return self.turned(value.inputs[0])
        if name == "sum_to" and len(shape(value.inputs[0])) == 2 and len(shape(value)) == 1:
            return node_of(_SUM, self.turned(value.inputs[0]), axis=1)
        if name in _ALONG_ROWS and len(shape(value.inputs[0])) == 2 and len(shape(value)) < 2:
            return self._along(value)
        if value.op.forward is np.matmul and len(shape(value)) == 1:
            return self.turned(value)
        if len(shape(value)) == 2 and self._any_batched(value) and name != "matmul":
            return transposed(self.turned(value))
        inputs = tuple(map(self.same, value.inputs))
        return replace(value, inputs=inputs)

    def _any_batched(self, value: Value) -> bool:
        if isinstance(value, Input):
            return value.name in self.batched
        return isinstance(value, Node) and any(map(self._any_batched, value.inputs))


_COMPARED = frozenset({"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"})


def _other(axis: Any) -> Any:
    if isinstance(axis, tuple):
        return tuple(_other(a) for a in axis)
    return 1 - axis % 2


def _unsupported(node: Node) -> UnsupportedError:
    return UnsupportedError(f"{node.op.name} has no form with examples as columns")
