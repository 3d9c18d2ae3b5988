"""Ops as formulas of a spreadsheet's cells."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Node

Cells = Any  # an array of texts, each a reference or a number

_EACH: dict[str, str] = {
    "add": "{0}+{1}", "subtract": "{0}-{1}", "multiply": "{0}*{1}", "divide": "{0}/{1}",
    "negative": "-{0}", "power": "POWER({0},{1})", "float_power": "POWER({0},{1})",
    "square": "{0}*{0}", "sqrt": "SQRT({0})", "reciprocal": "1/{0}", "exp": "EXP({0})",
    "log": "LN({0})", "log1p": "LN(1+{0})", "expm1": "EXP({0})-1", "tanh": "TANH({0})",
    "sigmoid": "EXP(MIN({0},0))/(1+EXP(-ABS({0})))", "relu": "MAX({0},0)",
    "softplus": "MAX({0},0)+LN(1+EXP(-ABS({0})))",
    "maximum": "MAX({0},{1})", "minimum": "MIN({0},{1})", "absolute": "ABS({0})",
    "sign": "SIGN({0})", "sin": "SIN({0})", "cos": "COS({0})", "positive": "{0}",
    "greater": "IF({0}>{1},1,0)", "greater_equal": "IF({0}>={1},1,0)",
    "less": "IF({0}<{1},1,0)", "less_equal": "IF({0}<={1},1,0)", "equal": "IF({0}={1},1,0)",
    "not_equal": "IF({0}<>{1},1,0)", "where": "IF({0}<>0,{1},{2})",
    "sigmoid_cross_entropy": "MAX({0},0)+LN(1+EXP(-ABS({0})))-{0}*{1}",
    "log_sigmoid": "MIN({0},0)-LN(1+EXP(-ABS({0})))",
    "logical_and": "{0}*{1}", "logical_not": "1-{0}",
}  # fmt: skip
_VIEWS = frozenset({
    "transpose", "reshape", "gather", "expand_dims", "squeeze", "broadcast_to", "spread", "cast",
    "swapaxes", "moveaxis", "reshape_like", "identity", "stop_gradient", "ravel", "flip",
})  # fmt: skip
_REFERENCE = re.compile(r"(\w+)!([A-Z]+)(\d+)")


def is_view(node: Node) -> bool:
    """Return whether a node only shows numbers that are there: it needs no cells."""
    fits = node.op.name == "sum_to" and node.aval == node.inputs[0].aval
    return node.op.name in _VIEWS or fits


def shown(node: Node, operands: list[Cells]) -> Cells:
    """Return the cells that a view shows."""
    if node.op.name in ("sum_to", "cast"):
        return operands[0]
    like = [np.asarray(x) for x in operands]
    return np.asarray(node.op.forward(*like, **node.params), dtype=object)


def formulas(node: Node, operands: list[Cells]) -> Cells:
    """Return the formulas of a node's result, element by element.

    Raises
    ------
    UnsupportedError
        If the op has no formula here.
    """
    name = node.op.name
    if name in _EACH:
        return np.vectorize(lambda *x: _EACH[name].format(*map(_held, x)), otypes=[object])(
            *operands
        )
    if name in _WHOLE:
        return _WHOLE[name](node, operands)
    raise UnsupportedError(f"the operation {name} has no formula in a spreadsheet")


def _held(cell: Any) -> str:
    text = str(cell)
    return f"({text})" if text.startswith("-") else text


def _total(cells: Any) -> str:
    span = _span(cells)
    return f"SUM({span})" if span else "+".join(map(_held, np.ravel(cells))) or "0"


def _span(cells: Any) -> str:
    """Return the range of cells that are a whole rectangle, such as ``Inputs!B1:D2``; else ""."""
    from openpyxl.utils import column_index_from_string, get_column_letter

    found = [_REFERENCE.fullmatch(str(cell)) for cell in np.ravel(cells)]
    places = {(m[1], int(m[3]), column_index_from_string(m[2])) for m in found if m}
    if len(places) < max(len(found), 2) or len({sheet for sheet, _, _ in places}) > 1:
        return ""
    (sheet, top, left), (_, bottom, right) = min(places), max(places)
    area = (bottom - top + 1) * (right - left + 1)
    if len(places) != area or any(not left <= column <= right for _, _, column in places):
        return ""
    return f"{sheet}!{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}"


def _matmul(node: Node, operands: list[Cells]) -> Cells:
    a, b = (np.asarray(x, dtype=object) for x in operands)
    left, right = a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    if left.ndim != 2 or right.ndim != 2:
        raise UnsupportedError("a product of stacks of matrices has no formula in a spreadsheet")
    found = np.empty((left.shape[0], right.shape[1]), dtype=object)
    for i, j in np.ndindex(*found.shape):
        terms = zip(left[i], right[:, j], strict=True)
        found[i, j] = "+".join(f"{_held(x)}*{_held(y)}" for x, y in terms)
    if a.ndim == 1:
        found = found[0]
    return found[..., 0] if b.ndim == 1 else found


def _axes(node: Node, n_axes: int) -> list[int]:
    """Return the axes that a node reduces."""
    axis = node.params.get("axis")
    along = range(n_axes) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return [a % n_axes for a in along] if n_axes else []


def _reduced(node: Node, cells: Cells, write: Callable[[Any], str]) -> Cells:
    array = np.asarray(cells, dtype=object)
    axes = _axes(node, array.ndim)
    kept = [a for a in range(array.ndim) if a not in axes]
    moved = np.transpose(array, [*kept, *axes])
    shape = [array.shape[a] for a in kept]
    found = np.empty(shape, dtype=object)
    for place in np.ndindex(*shape):
        found[place] = write(moved[place])
    if node.params.get("keepdims", False):
        found = found.reshape([1 if a in axes else n for a, n in enumerate(array.shape)])
    return found


def _mean(node: Node, operands: list[Cells]) -> Cells:
    return _reduced(node, operands[0], lambda x: f"({_total(x)})/{np.size(x)}")


def _sum_to(node: Node, operands: list[Cells]) -> Cells:
    array, like = (np.asarray(x, dtype=object) for x in operands)
    extra = array.ndim - like.ndim
    axes = [a for a in range(array.ndim) if a < extra or like.shape[a - extra] < array.shape[a]]
    kept = Node(node.op, node.inputs, {"axis": tuple(axes), "keepdims": True}, node.aval)
    return _reduced(kept, array, _total).reshape(like.shape)


def _lines(node: Node, cells: Cells, write: Callable[[Any, int], str]) -> Cells:
    """Return a formula for each element, from the line of elements along the axis that it is in."""
    array = np.asarray(cells, dtype=object)
    axis = node.params.get("axis", -1)
    if not isinstance(axis, int):
        raise UnsupportedError("a softmax over several axes has no formula in a spreadsheet")
    moved = np.moveaxis(array, axis, -1)
    found = np.empty(moved.shape, dtype=object)
    for place in np.ndindex(*moved.shape):
        found[place] = write(moved[place[:-1]], place[-1])
    return np.moveaxis(found, -1, axis)


def _largest(line: Any) -> str:
    return f"MAX({_span(line) or ','.join(line)})"


def _exponentials(line: Any) -> str:
    """Return the sum of the exponentials, the largest of which is 1."""
    largest = _largest(line)
    return "+".join(f"EXP({x}-{largest})" for x in line)


def _softmax(node: Node, operands: list[Cells]) -> Cells:
    return _lines(node, operands[0], lambda x, i: f"EXP({x[i]}-{_largest(x)})/({_exponentials(x)})")


def _log_softmax(node: Node, operands: list[Cells]) -> Cells:
    return _lines(node, operands[0], lambda x, i: f"{x[i]}-{_largest(x)}-LN({_exponentials(x)})")


def _softmax_cross_entropy(node: Node, operands: list[Cells]) -> Cells:
    z, y = np.broadcast_arrays(*(np.asarray(x, dtype=object) for x in operands))
    if node.params.get("axis", -1) not in (-1, z.ndim - 1):
        raise UnsupportedError("a cross-entropy along another axis has no formula here")
    found = np.empty(z.shape[:-1], dtype=object)
    for place in np.ndindex(*found.shape):
        line, targets = z[place], y[place]
        total = f"(LN({_exponentials(line)})+{_largest(line)})"
        products = (f"{_held(t)}*{_held(x)}" for x, t in zip(line, targets, strict=True))
        found[place] = f"({_total(targets)})*{total}-({'+'.join(products)})"
    return found


def _extent(node: Node, operands: list[Cells]) -> Cells:
    shape = np.shape(operands[0])
    count = int(np.prod([shape[a] for a in _axes(node, len(shape))]))
    return np.asarray(str(count), dtype=object)


_WHOLE: dict[str, Callable[[Node, list[Cells]], Cells]] = {
    "matmul": _matmul,
    "sum": lambda node, x: _reduced(node, x[0], _total),
    "mean": _mean,
    "sum_to": _sum_to,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "extent": _extent,
    "ones_like": lambda node, x: np.full(np.shape(x[0]), "1", dtype=object),
    "zeros_like": lambda node, x: np.full(np.shape(x[0]), "0", dtype=object),
}
