"""`Axes`: which axes of a program's values are the same, so that loops over them can be one.

An axis is known by a number. Elementwise ops make the axes of their operands one; the lengths come
from the inputs' shapes at run time, so that no length is written into the source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from chainrule.engines.plan import REDUCTIONS, ours
from chainrule.errors import ChainruleError
from chainrule.graph import Aval, Constant, Graph, Kind, Node
from chainrule.graph.ir import Value
from chainrule.ops.axes import axes_of
from chainrule.ops.broadcast import cast, spread, sum_to
from chainrule.ops.indexing import SLOT, Index, Span

ONE = 0  # the axis of length one
EMPTY: Mapping[int, int] = MappingProxyType({})
_WHOLE = Span(None, None, None)
_AS_ITS_LAST = {"spread", "sum_to", "in_shape", "scatter_along_axis"}
_BY_NAME = {
    "gather", "scatter", "take_along_axis", "blocks", "expand_dims", "squeeze", "reshape",
    "reshape_like", "concatenate", "window", "embed", "pad_zeros",
}  # fmt: skip


class NoLoopsError(ChainruleError):
    """A program that the numba engine has no loops for; the message says why."""


def shape_of(value: Value) -> tuple[int, ...]:
    """Return a value's shape in the example that the program was traced on."""
    if not isinstance(value.aval, Aval):
        raise NoLoopsError("an op has several results")
    return value.aval.shape


def dtype_of(value: Value) -> np.dtype[np.generic]:
    """Return a value's dtype."""
    assert isinstance(value.aval, Aval)
    return value.aval.dtype


def reduced_axes(node: Node) -> tuple[int, ...]:
    """Return the axes of its operand that a reduction joins, in order."""
    operand = node.inputs[0]
    if node.op is sum_to:
        shape, wanted = shape_of(operand), shape_of(node)
        extra = len(shape) - len(wanted)
        stretched = [i + extra for i, n in enumerate(wanted) if n == 1 and shape[i + extra] != 1]
        return (*range(extra), *stretched)
    axis, ndim = node.params.get("axis"), len(shape_of(operand))
    return (
        tuple(range(ndim)) if axis is None else tuple(sorted(axes_of(np.empty((1,) * ndim), axis)))
    )


class Axes:
    """The axes of every value of a graph.

    Parameters
    ----------
    graph : Graph
    length : callable
        ``length(value, axis)`` returns the expression of the length of an input's axis.
    fixed : dict of int to int
        By identity of an input: from which axis on its lengths are written into the source. Those
        of constants are always.

    Raises
    ------
    NoLoopsError
        Naming an op whose axes are not known.
    """

    def __init__(
        self,
        graph: Graph,
        length: Callable[[Value, int], str],
        fixed: Mapping[int, int] = EMPTY,
    ) -> None:
        self._length_of, self._fixed = length, fixed
        self._parent = [ONE]
        self._length = ["1"]
        self._known: dict[int, tuple[int, ...]] = {}
        for node in graph.nodes:
            for x in node.inputs:
                if not isinstance(x, Node):
                    self._given(x)
            self._known[id(node)] = self._result(node)
        for x in graph.inputs:
            self._given(x)
        self._order: list[int] = []

    def of(self, value: Value) -> tuple[int, ...]:
        """Return the axes of a value."""
        return tuple(map(self._find, self._known[id(value)]))

    def length(self, axis: int) -> str:
        """Return the name of an axis's length in the source, or the number if it is fixed."""
        axis = self._find(axis)
        if self._length[axis].isdigit():
            return self._length[axis]
        if axis not in self._order:
            self._order.append(axis)
        return f"n{self._order.index(axis)}"

    def definitions(self) -> list[str]:
        """Return the statements that define the lengths asked for."""
        return [f"n{i} = {self._length[axis]}" for i, axis in enumerate(self._order)]

    def _find(self, axis: int) -> int:
        while self._parent[axis] != axis:
            axis = self._parent[axis]
        return axis

    def _new(self, length: str) -> int:
        self._parent.append(len(self._parent))
        self._length.append(length)
        return self._parent[-1]

    def _same(self, axes: Iterable[int]) -> int:
        """Make axes one, those of length one aside; return it."""
        found = sorted({self._find(axis) for axis in axes} - {ONE})
        for axis in found[1:]:
            self._parent[axis] = found[0]
            if self._length[axis].isdigit():
                self._length[found[0]] = self._length[axis]
        return found[0] if found else ONE

    def _given(self, value: Value) -> None:
        if id(value) not in self._known:
            shape = np.shape(value.value) if isinstance(value, Constant) else shape_of(value)
            fixed = 0 if isinstance(value, Constant) else self._fixed.get(id(value), len(shape))
            self._known[id(value)] = tuple(
                ONE if n == 1 else self._new(str(n) if i >= fixed else self._length_of(value, i))
                for i, n in enumerate(shape)
            )

    def _aligned(self, values: Sequence[Value]) -> tuple[int, ...]:
        """Return the axes that values broadcast to."""
        known = [self._known[id(x)] for x in values]
        ndim = max(map(len, known), default=0)
        padded = [(ONE,) * (ndim - len(axes)) + axes for axes in known]
        return tuple(self._same(column) for column in zip(*padded, strict=True))

    def _result(self, node: Node) -> tuple[int, ...]:
        op, inputs = node.op, node.inputs
        ndim = len(shape_of(node))
        if (
            op.kind is Kind.ELEMENTWISE
            or op is cast
            or ours(op, {"zeros_like", "ones_like", "sign", "flip"})
        ):
            return self._aligned(inputs[:1] if op is cast else inputs)
        if isinstance(op.forward, np.ufunc) and op.forward.signature is None and op.outputs == 1:
            return self._aligned(inputs)
        if ours(op, {*REDUCTIONS, "mean", "extent"}):
            return self._reduced(node)
        if ours(op, {"length"}):
            return ()
        if ours(op, {"inlined", "inlined_choice"}):
            return self._aligned(inputs)
        if ours(op, {"sum_distinct"}):
            return ()
        if ours(op, {"update_rows", "sum_equal_rows"}):
            return self._known[id(inputs[0])]
        if ours(op, _AS_ITS_LAST):
            return self._like(node)
        if ours(op, {"transpose"}):
            axes = node.params.get("axes") or tuple(reversed(range(ndim)))
            return tuple(self._known[id(inputs[0])][axis] for axis in axes)
        if op.forward is np.matmul:
            return self._product(node)
        if ours(op, _BY_NAME):
            return getattr(self, f"_{op.name}")(node)  # type: ignore[no-any-return]
        raise NoLoopsError(
            f"there are no loops for {op.name if op.name.isidentifier() else 'an op'}"
        )

    def _reduced(self, node: Node) -> tuple[int, ...]:
        if not shape_of(node):
            return ()
        axes = self._known[id(node.inputs[0])]
        joined = reduced_axes(node)
        if len(shape_of(node)) == len(axes):
            return tuple(ONE if i in joined else axis for i, axis in enumerate(axes))
        return tuple(axis for i, axis in enumerate(axes) if i not in joined)

    def _like(self, node: Node) -> tuple[int, ...]:
        """Return the axes of the last input, whose shape the result has."""
        like = self._known[id(node.inputs[-1])]
        a = self._known[id(node.inputs[0])]
        if node.op is sum_to:
            for axes in zip(reversed(a), reversed(like), strict=False):
                if ONE not in axes:
                    self._same(axes)
        if node.op is spread and node.params.get("axis") is None:
            self._aligned([node.inputs[0], node.inputs[1]])
        return like

    def long(self, value: Value) -> list[int]:
        """Return the axes of a value that are not of length one."""
        return [axis for axis in self.of(value) if axis != ONE]

    def _reshape_like(self, node: Node) -> tuple[int, ...]:
        old, new = self.long(node.inputs[0]), self.long(node.inputs[1])
        first, last = n_kept(node)
        for pair in zip(old[:first] + old[len(old) - last :],
                        new[:first] + new[len(new) - last :], strict=True):  # fmt: skip
            self._same(pair)
        return self._known[id(node.inputs[1])]

    def _reshape(self, node: Node) -> tuple[int, ...]:
        """Return the axes kept, and new ones for those that are joined or split."""
        old, (first, last) = self.long(node.inputs[0]), n_kept(node)
        sizes = [n for n in shape_of(node) if n != 1]
        new = [self._new(str(n)) for n in sizes[first : len(sizes) - last]]
        if len(new) == 1:
            new = [self._new(self._product_of(old[first : len(old) - last]))]
        source = iter([*old[:first], *new, *old[len(old) - last :]])
        return tuple(ONE if n == 1 else next(source) for n in shape_of(node))

    _squeeze = _expand_dims = _reshape

    def _product(self, node: Node) -> tuple[int, ...]:
        a, b = (self._known[id(x)] for x in node.inputs)
        self._same([a[-1], b[-2:][0]])
        n = max(len(a), len(b)) - 2
        stacks = ((ONE,) * (n - len(x[:-2])) + x[:-2] for x in (a, b))
        return (*map(self._same, zip(*stacks, strict=True)), *a[-2:-1], *b[-1:] * (len(b) > 1))

    def _gather(self, node: Node) -> tuple[int, ...]:
        index: Index = node.params["index"]
        a = self._known[id(node.inputs[0])]
        if index == (SLOT,) and dtype_of(node.inputs[1]).kind in "iu":
            return self._known[id(node.inputs[1])] + a[1:]
        kept = [x for x in selected(index, shape_of(node.inputs[0])) if x.place is None]
        return tuple(map(self._kept, kept, [a] * len(kept)))

    def _kept(self, chosen: Chosen, axes: tuple[int, ...]) -> int:
        """Return the axis that an item of an index keeps."""
        if chosen.axis is None:
            return ONE
        axis = self._find(axes[chosen.axis])
        if chosen.part is None:
            return axis
        if not self._length[axis].isdigit():
            raise NoLoopsError("there are no loops for a part of an axis of any length")
        low, high = chosen.part
        return ONE if high - low == 1 else self._new(str(high - low))

    def _scatter(self, node: Node) -> tuple[int, ...]:
        index: Index = node.params["index"]
        like = self._known[id(node.inputs[1])]
        if index != (SLOT,):
            parts = [x for x in selected(index, shape_of(node.inputs[1])) if x.part]
            if not all(self._length[self._find(like[x.axis or 0])].isdigit() for x in parts):
                raise NoLoopsError("there are no loops for a part of an axis of any length")
        return like

    def _take_along_axis(self, node: Node) -> tuple[int, ...]:
        a, places = (self._known[id(x)] for x in node.inputs[:2])
        last = node.params["axis"] in (-1, len(a) - 1)
        if not last or len(a) != len(places):
            raise NoLoopsError("there are no loops for taking along this axis")
        return (*(self._same(pair) for pair in zip(a[:-1], places[:-1], strict=True)), places[-1])

    def _blocks(self, node: Node) -> tuple[int, ...]:
        axes = self._known[id(node.inputs[0])]
        product = self._product_of(axes)
        size = (math.prod(shape_of(node.inputs[0])) + 3) // 4
        if size == 1:
            return (ONE,)
        return (self._new(str(size) if product.isdigit() else f"({product} + 3) // 4"),)

    def _concatenate(self, node: Node) -> tuple[int, ...]:
        """Return the axes that all parts have, and a new one as long as theirs together."""
        columns = zip(*(self._known[id(x)] for x in node.inputs), strict=True)
        joined = node.params["axis"] % len(shape_of(node))
        return tuple(
            self._extended(column, shape_of(node)[i]) if i == joined else self._same(column)
            for i, column in enumerate(columns)
        )

    def _pad_zeros(self, node: Node) -> tuple[int, ...]:
        axes = self._known[id(node.inputs[0])]
        return tuple(
            self._extended([axis], n, sum(width)) if any(width) else axis
            for axis, width, n in zip(axes, node.params["pad_width"], shape_of(node), strict=True)
        )

    def _extended(self, axes: Sequence[int], example: int, more: int = 0) -> int:
        """Return an axis as long as others together, and so much more."""
        if example == 1:
            return ONE
        lengths = [self._length[self._find(axis)] for axis in axes]
        fixed = more + sum(int(x) for x in lengths if x.isdigit())
        return self._new(" + ".join([*(x for x in lengths if not x.isdigit()),
                                     *([str(fixed)] if fixed else [])]))  # fmt: skip

    def _window(self, node: Node) -> tuple[int, ...]:
        """Return the axes of what it is like, of which all but one are those of the array."""
        pairs = zip(self._known[id(node.inputs[0])], self._known[id(node.inputs[2])], strict=True)
        cut = node.params["axis"] % len(shape_of(node))
        return tuple(pair[1] if i == cut else self._same(pair) for i, pair in enumerate(pairs))

    _embed = _window

    def _product_of(self, axes: Iterable[int]) -> str:
        """Return the product of lengths: a number, if all are fixed."""
        lengths = [self._length[self._find(axis)] for axis in axes]
        if all(map(str.isdigit, lengths)):
            return str(math.prod(map(int, lengths)))
        return " * ".join(f"({x})" if " " in x else x for x in lengths)


def n_kept(node: Node) -> tuple[int, int]:
    """Return how many first and last axes a change of shape keeps, those of length one aside."""
    old, new = ([n for n in shape_of(x) if n != 1] for x in (node.inputs[0], node))
    first = _n_equal(old, new)
    return first, _n_equal(old[first:][::-1], new[first:][::-1])


def _n_equal(old: Sequence[int], new: Sequence[int]) -> int:
    pairs = zip(old, new, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))


class Chosen(NamedTuple):
    """What an item of an index does.

    Attributes
    ----------
    axis : int or None
        Of the array; None for a new axis.
    place : int or None
        The place fixed on it.
    part : (int, int) or None
        Where the part that is kept begins and ends, unless it is all.
    """

    axis: int | None
    place: int | None = None
    part: tuple[int, int] | None = None


def selected(index: Index, shape: Sequence[int]) -> list[Chosen]:
    """Return what each item of an index does to an array of a shape.

    Raises
    ------
    NoLoopsError
        If the index holds arrays, or slices that leave out every other element or the like.
    """
    if SLOT in index or any(isinstance(x, Span) and x.step not in (None, 1) for x in index):
        raise NoLoopsError("there are no loops for this kind of index")
    n_rest = len(shape) - sum(x is not None and x is not ... for x in index)
    found: list[Chosen] = []
    axis = 0
    for item in index if ... in index else (*index, ...):
        if item is None:
            found.append(Chosen(None))
        elif item is ...:
            found.extend(Chosen(axis + i) for i in range(n_rest))
            axis += n_rest
        elif isinstance(item, Span):
            low, high, _ = slice(*item).indices(shape[axis])
            whole = item == _WHOLE or (low, high) == (0, shape[axis])
            found.append(Chosen(axis, None, None if whole else (low, max(low, high))))
            axis += 1
        else:
            found.append(Chosen(axis, item))
            axis += 1
    return found
