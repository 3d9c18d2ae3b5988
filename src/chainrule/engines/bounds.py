"""`Bounds`: between which numbers computed positions lie, whatever the rows of a step.

Loops read and write at positions without asking whether they are there. Those that are given are
looked through before a program runs; of those that it computes the bounds are, from the bounds of
what they are computed from.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.engines.axes import NoLoopsError, dtype_of
from chainrule.graph import Constant, Graph, Node
from chainrule.graph.ir import Value

Interval: TypeAlias = tuple[Any, Any]
"""The least and the largest element that there may be: whole numbers are Python's, and exact."""

_MONOTONE: Mapping[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "minimum": min,
    "maximum": max, "negative": operator.neg, "positive": operator.pos, "cast": operator.pos,
    "right_shift": lambda x, by: x >> by if by >= 0 else math.inf,
    "floor": lambda x: math.floor(x) if math.isfinite(x) else x,
}  # fmt: skip
"""Functions whose extremes on a box are at its corners."""
_OF_FIRST = frozenset({
    "gather", "take_along_axis", "transpose", "spread", "flip", "expand_dims", "squeeze", "reshape",
    "reshape_like", "window",
})  # fmt: skip
_WITH_ZERO = frozenset({"embed", "pad_zeros"})
_ROUNDINGS = 4  # units in the last place that an operation and its operands may be off together
_TRUTHS = frozenset({
    "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and",
    "logical_or", "logical_not",
})  # fmt: skip


class Bounds:
    """The bounds of a program's computed positions.

    Parameters
    ----------
    graph : Graph
    places : sequence of (Value, int)
        Positions, and how many places there are; negative ones are counted from the end.

    Raises
    ------
    NoLoopsError
        Naming an op of which no bounds are known.
    """

    def __init__(self, graph: Graph, places: Sequence[tuple[Value, int]]) -> None:
        self.places = places
        needed = {id(x) for x, _ in places}
        self._nodes = []
        for node in reversed(graph.nodes):
            if id(node) in needed:
                needed |= {id(x) for x in _read(node)}
                self._nodes.append(node)
        self.inputs = [x for x in graph.inputs if id(x) in needed]
        """The inputs on which they depend."""
        if any(dtype_of(x).kind not in "iub" for x in self.inputs):
            raise NoLoopsError("there are no loops for positions that depend on given fractions")

    def hold(self, measured: Mapping[int, Interval]) -> bool:
        """Return whether all positions are within, given the bounds of inputs by identity."""
        known = dict(measured)

        def of(value: Value) -> Interval:
            return measure(value.value) if isinstance(value, Constant) else known[id(value)]

        for node in reversed(self._nodes):
            known[id(node)] = _bounds(node, [of(x) for x in _read(node)])
        return all(-n <= of(x)[0] and of(x)[1] < n for x, n in self.places)


def measure(array: Any) -> Interval:
    """Return the least and the largest element of an array."""
    low, high = np.min(array).item(), np.max(array).item()
    return (low, high) if low <= high else (-math.inf, math.inf)  # where there is NaN


def whole(dtype: np.dtype[Any]) -> Interval:
    """Return the bounds of all numbers of a dtype."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind == "f":
        return -math.inf, math.inf
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _read(node: Node) -> Sequence[Value]:
    """Return the values whose bounds those of a node follow from."""
    name, inputs = node.op.name, node.inputs
    if name in _MONOTONE or name in {"concatenate", "bitwise_or", "bitwise_xor"}:
        return inputs[:1] if name == "cast" else inputs
    if name in _TRUTHS or name in {"ones_like", "zeros_like", "blocks"}:
        return ()
    if name in _OF_FIRST or name in _WITH_ZERO:
        return inputs[:1]
    if name == "where":
        return inputs[1:]
    if name == "in_shape":
        return inputs[:4]
    if name == "bitwise_and" and dtype_of(node).kind == "u":
        return [x for x in inputs if isinstance(x, Constant)]
    raise NoLoopsError(f"there are no loops for positions that {name} computes")


def _bounds(node: Node, given: Sequence[Interval]) -> Interval:
    """Return the bounds of a node's elements, from those of what it reads."""
    name, dtype = node.op.name, dtype_of(node)
    if name in _TRUTHS or name in {"ones_like", "zeros_like"}:
        return 0, 1
    if name == "blocks":
        return whole(dtype)
    if name in _MONOTONE:
        return _corners(_MONOTONE[name], given, dtype)
    if name == "bitwise_and":
        return 0, min([high for _, high in given], default=whole(dtype)[1])
    if name in {"bitwise_or", "bitwise_xor"}:
        low, high = _union(given)
        return (0, 2 ** high.bit_length() - 1) if low >= 0 else whole(dtype)
    return _union([*given, (0, 0)] if name in _WITH_ZERO else given)


def _union(given: Iterable[Interval]) -> Interval:
    lows, highs = zip(*given, strict=True)
    return min(lows), max(highs)


def _corners(
    function: Callable[..., Any], given: Sequence[Interval], dtype: np.dtype[Any]
) -> Interval:
    """Return the extremes of a function at the corners of a box, as far as rounding may go."""
    if not all(math.isfinite(x) for pair in given for x in pair):
        return whole(dtype)
    found = [function(*corner) for corner in itertools.product(*given)]
    if not all(map(math.isfinite, found)):
        return whole(dtype)
    if dtype.kind == "f":
        low, high = (_outwards(f(found), to, dtype) for f, to in ((min, -np.inf), (max, np.inf)))
    else:
        low, high = math.trunc(min(found)), math.trunc(max(found))
    least, largest = whole(dtype)
    return (low, high) if least <= low and high <= largest else (least, largest)


def _outwards(number: float, to: float, dtype: np.dtype[Any]) -> float:
    """Return a number a little further out, for loops may round otherwise; zero is exact."""
    unit = float(np.spacing(abs(dtype.type(number))))
    return number + math.copysign(_ROUNDINGS * unit, to) if number else 0.0
