"""How emitted loops read an element of a value that is not stored: views, selections, constants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engines.axes import (
    ONE,
    Axes,
    NoLoopsError,
    dtype_of,
    n_kept,
    reduced_axes,
    selected,
    shape_of,
)
from chainrule.engines.formulas import computed_in, dtype_word, formula, number
from chainrule.engines.plan import ours
from chainrule.graph import Constant, Input, Node, Op, elementwise, multilinear, op
from chainrule.graph.ir import Value
from chainrule.ops.axes import axes_of
from chainrule.ops.broadcast import cast, sum_to
from chainrule.ops.indexing import SLOT

Index = Sequence[str]
_VIEWS = {
    "transpose", "spread", "gather", "take_along_axis", "scatter_along_axis", "blocks",
    "flip", "expand_dims", "squeeze", "reshape", "reshape_like", "zeros_like", "ones_like",
    "window", "embed", "pad_zeros",
}  # fmt: skip


@op(np.multiply, kind=multilinear, register=False)
def inlined(g: Any, y: Any, a: Any, b: Any) -> Any:
    """A product that is computed where it is read, and never stored."""
    raise AssertionError("engines differentiate before they lower")


@op(np.where, kind=elementwise, inactive=("condition",), register=False)
def inlined_choice(g: Any, y: Any, condition: Any, x: Any, z: Any) -> Any:
    """A choice that is made where it is read, and never stored."""
    raise AssertionError("engines differentiate before they lower")


INLINED: dict[Any, Op] = {np.multiply: inlined, np.where: inlined_choice}
"""By function, the op for its results that are computed where they are read."""


def is_virtual(value: Value) -> bool:
    """Return whether a value is never stored: its elements are read from those of others."""
    if not isinstance(value, Node):
        return False
    if value.op in INLINED.values():
        return True
    if value.op is sum_to:
        return not reduced_axes(value)
    if ours(value.op, {"scatter"}):
        return bool(value.params["index"] != (SLOT,))
    return ours(value.op, _VIEWS)


class Access:
    """Expressions for elements of values.

    Parameters
    ----------
    axes : Axes
    names : dict of int to str
        Of inputs and array constants, by identity.
    read : callable
        ``read(node, index)`` returns the expression for an element of a node that is computed.
    given : callable
        ``given(value, index)`` is told of each element read of an input.
    known : callable
        ``known(expression)`` returns what stands for the expression of a position.
    trusted : collection of int
        Inputs, by identity, whose elements are positions counted from the start.

    Attributes
    ----------
    places : list of (Value, str, int)
        Arrays of positions met, and the length of the axis that they must be within: in the source,
        and in the example.
    """

    def __init__(
        self,
        axes: Axes,
        names: dict[int, str],
        read: Callable[[Node, Index], str],
        given: Callable[[Value, Index], None] = lambda value, index: None,
        known: Callable[[str], str] = lambda expression: expression,
        trusted: Collection[int] = (),
    ) -> None:
        self.axes, self.names, self.read, self.given = axes, names, read, given
        self.known, self.trusted = known, trusted
        self.places: list[tuple[Value, str, int]] = []

    def element(self, value: Value, index: Index) -> str:
        """Return the expression for the element of a value at an index, one item an axis."""
        if isinstance(value, Node):
            if is_virtual(value):
                return str(getattr(self, f"_{value.op.name}")(value, index))
            return self.read(value, index)
        if isinstance(value, Constant) and not shape_of(value):
            return number(value.value, dtype_of(value))
        self.given(value, tuple(index))
        name = self.names[id(value)]
        return f"{name}[{', '.join(index)}]" if shape_of(value) else name

    def broadcast(self, value: Value, index: Index) -> str:
        """Return the element that broadcasting a value to an index's axes puts there."""
        own = self.axes.of(value) if shape_of(value) else ()
        rest = index[len(index) - len(own) :]
        items = ["0" if a == ONE else i for a, i in zip(own, rest, strict=True)]
        return self.element(value, items)

    def formula(self, node: Node, index: Index) -> str:
        """Return the expression for an element of an elementwise node."""
        if node.op is cast:
            return self._converted(node.inputs[0], index, dtype_of(node))
        if node.op.forward is np.where:
            return self._choice(node, index)
        dtype = computed_in(node)
        return formula(node, [self.operand(x, index, dtype) for x in node.inputs])

    def operand(self, value: Value, index: Index, dtype: np.dtype[np.generic]) -> str:
        """Return the element of a value, broadcast to an index's axes, as a number of a dtype."""
        if isinstance(value, Constant) and not shape_of(value):
            return number(value.value, dtype)
        return self._converted(value, index, dtype)

    def _converted(self, value: Value, index: Index, dtype: np.dtype[np.generic]) -> str:
        word = self.broadcast(value, index)
        if dtype_of(value) == dtype:
            return word
        if {dtype.kind, dtype_of(value).kind} - set("biuf") or dtype == np.float16:
            raise NoLoopsError(f"there are no loops for {dtype}")
        return f"({word} != 0)" if dtype.kind == "b" else f"{dtype_word(dtype)}({word})"

    # Values that are never stored ---------------------------------------------------------------

    def _transpose(self, node: Node, index: Index) -> str:
        axes = node.params.get("axes") or tuple(reversed(range(len(index))))
        items = [""] * len(index)
        for item, axis in zip(index, axes, strict=True):
            items[axis] = item
        return self.element(node.inputs[0], items)

    def _spread(self, node: Node, index: Index) -> str:
        axis, ndim = node.params.get("axis"), len(index)
        if axis is None or node.params.get("keepdims"):
            return self.broadcast(node.inputs[0], index)
        left_out = {a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
        return self.broadcast(
            node.inputs[0], [item for i, item in enumerate(index) if i not in left_out]
        )

    def _inlined(self, node: Node, index: Index) -> str:
        a, b = (self.operand(x, index, dtype_of(node)) for x in node.inputs)
        return f"{a} * {b}"

    def _inlined_choice(self, node: Node, index: Index) -> str:
        return f"({self._choice(node, index)})"

    def _choice(self, node: Node, index: Index) -> str:
        condition, x, z = node.inputs
        test = self.operand(condition, index, np.dtype(bool))
        chosen = [self.operand(value, index, dtype_of(node)) for value in (x, z)]
        return f"{chosen[0]} if {test} else {chosen[1]}"

    def _sum_to(self, node: Node, index: Index) -> str:
        return self.broadcast(node.inputs[0], index)

    def _reshape(self, node: Node, index: Index) -> str:
        """Read where the element lies among all, counted row by row."""
        a, (first, last) = node.inputs[0], n_kept(node)
        new, old = self.axes.long(node), self.axes.long(a)
        items = [i for i, axis in zip(index, self.axes.of(node), strict=True) if axis != ONE]
        end = len(items) - last
        if first < end:
            place = items[first]
            for axis, item in zip(new[first + 1 : end], items[first + 1 : end], strict=True):
                place = f"({place}) * {self.axes.length(axis)} + {item}"
            split = self._split(place, old[first : len(old) - last])
            items = [*items[:first], *split, *items[end:]]
        source = iter(items)
        return self.element(a, ["0" if axis == ONE else next(source) for axis in self.axes.of(a)])

    def _split(self, place: str, axes: Sequence[int]) -> list[str]:
        """Return the index along each axis of the element at a place among all."""
        found = []
        for axis in reversed(axes[1:]):
            length = self.axes.length(axis)
            found.append(f"({place}) % {length}")
            place = f"({place}) // {length}"
        return [place, *reversed(found)]

    _reshape_like = _expand_dims = _squeeze = _reshape

    def _gather(self, node: Node, index: Index) -> str:
        a, *arrays = node.inputs
        if arrays:
            n_places = len(shape_of(arrays[0]))
            row = self._place(arrays[0], index[:n_places], a, 0)
            return self.element(a, [row, *index[n_places:]])
        source = iter(index)
        items = {}
        for axis, place, part in selected(node.params["index"], shape_of(a)):
            item = next(source) if place is None else self._fixed(place, self.axes.of(a)[axis or 0])
            if axis is not None:
                items[axis] = f"{item} + {part[0]}" if part and part[0] else item
        return self.element(a, [items[axis] for axis in sorted(items)])

    def _fixed(self, place: int, axis: int) -> str:
        return str(place) if place >= 0 else f"{self.axes.length(axis)} - {-place}"

    def _place(self, places: Value, index: Index, a: Value, axis: int) -> str:
        """Return a position along an axis of a value, counted from its start."""
        word = self.known(self.broadcast(places, index))
        self.note_places(places, a, axis)
        if id(places) in self.trusted:
            return word
        length = self.axes.length(self.axes.of(a)[axis])
        return self.from_start(word, dtype_of(places), length)

    def note_places(self, places: Value, a: Value, axis: int) -> None:
        """Note positions along an axis of a value, unless they are trusted."""
        noted = places, self.axes.length(self.axes.of(a)[axis]), shape_of(a)[axis]
        if id(places) not in self.trusted and noted not in self.places:
            self.places.append(noted)

    def from_start(self, word: str, dtype: np.dtype[np.generic], length: str) -> str:
        """Return a position that may be counted from the end as one from the start."""
        if dtype.kind == "u":
            return word
        return self.known(f"({word} if {word} >= 0 else {word} + {length})")

    def _scatter(self, node: Node, index: Index) -> str:
        a, like = node.inputs
        items, tests = [], []
        for axis, place, part in selected(node.params["index"], shape_of(like)):
            if axis is None:
                items.append("0")
            elif part is not None:
                items.append(f"{index[axis]} - {part[0]}" if part[0] else index[axis])
                tests.append(f"{part[0]} <= {index[axis]} < {part[1]}")
            elif place is None:
                items.append(index[axis])
            elif self.axes.of(like)[axis] != ONE:
                tests.append(f"{index[axis]} == {self._fixed(place, self.axes.of(like)[axis])}")
        return self._where(tests, self.broadcast(a, items), node)

    def _take_along_axis(self, node: Node, index: Index) -> str:
        a, places = node.inputs
        column = self._place(places, index, a, -1)
        return self.element(a, [*index[:-1], column])

    def _scatter_along_axis(self, node: Node, index: Index) -> str:
        a, places, like = node.inputs
        if self.axes.of(places)[-1] != ONE or node.params["axis"] not in (-1, len(index) - 1):
            raise NoLoopsError("there are no loops for adding along this axis")
        column = self._place(places, [*index[:-1], "0"], like, -1)
        word = self.broadcast(a, [*index[:-1], "0"])
        return self._where([f"{column} == {index[-1]}"], word, node)

    def _blocks(self, node: Node, index: Index) -> str:
        return f"np.uint64({index[0]})"

    def _flip(self, node: Node, index: Index) -> str:
        axes = axes_of(np.empty((1,) * len(index)), node.params.get("axis"))
        lengths = [self.axes.length(axis) for axis in self.axes.of(node)]
        items = [
            f"{n} - 1 - {item}" if i in axes else item
            for i, (item, n) in enumerate(zip(index, lengths, strict=True))
        ]
        return self.element(node.inputs[0], items)

    def _window(self, node: Node, index: Index) -> str:
        a, start, _ = node.inputs
        cut = node.params["axis"] % len(index)
        first = self.operand(start, [], np.dtype(np.int64))
        return self.element(a, [f"{x} + {first}" if i == cut else x for i, x in enumerate(index)])

    def _embed(self, node: Node, index: Index) -> str:
        first = self.operand(node.inputs[1], [], np.dtype(np.int64))
        return self._within(node, index, {node.params["axis"] % len(index): first})

    def _pad_zeros(self, node: Node, index: Index) -> str:
        widths = enumerate(node.params["pad_width"])
        return self._within(node, index, {i: str(width[0]) for i, width in widths if any(width)})

    def _within(self, node: Node, index: Index, starts: Mapping[int, str]) -> str:
        """Return the element of an array that begins at places along some axes; around it is 0."""
        a = node.inputs[0]
        axes, items, tests = self.axes.of(a), list(index), []
        for i, start in starts.items():
            tests.append(f"{start} <= {index[i]} < {start} + {self.axes.length(axes[i])}")
            items[i] = "0" if axes[i] == ONE else f"{index[i]} - {start}"
        return self._where(tests, self.element(a, items), node)

    def _where(self, tests: Sequence[str], word: str, node: Node) -> str:
        """Return an element where tests hold; elsewhere zero."""
        zero = number(0, dtype_of(node))
        return f"({word} if {' and '.join(tests)} else {zero})" if tests else word

    def _zeros_like(self, node: Node, index: Index) -> str:
        return number(0, dtype_of(node))

    def _ones_like(self, node: Node, index: Index) -> str:
        return number(1, dtype_of(node))


def stored_operand(value: Value) -> tuple[Value, bool]:
    """Return the memory of matrices, and whether they lie there transposed.

    It is looked for behind transposes of the last two axes, and behind one change of shape, after
    which a matrix lies in the same memory.
    """
    flipped = False
    while isinstance(value, Node) and ours(value.op, {"transpose"}):
        ndim = len(shape_of(value))
        axes = value.params.get("axes") or tuple(reversed(range(ndim)))
        if ndim < 2 or axes[:-2] != tuple(range(ndim - 2)):
            break
        flipped = flipped != (axes[-1] == ndim - 2)
        value = value.inputs[0]
    if isinstance(value, Node) and ours(value.op, {"reshape", "reshape_like"}):
        inner = value.inputs[0]
        if len(shape_of(value)) == 2 and len(shape_of(inner)) > 1 and not is_virtual(inner):
            value = inner
    return value, flipped


def is_given(value: Value) -> bool:
    """Return whether a value is an input or a constant, or a view of one."""
    while is_virtual(value) and isinstance(value, Node):
        value = value.inputs[0]
    return isinstance(value, (Input, Constant))
