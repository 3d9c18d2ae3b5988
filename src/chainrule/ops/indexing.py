"""Indexing: slices, integer arrays, masks, and the scatter that transposes them."""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed, constant, linear, op
from chainrule.ops.axes import along, axis_of
from chainrule.ops.joining import length


class Span(NamedTuple):
    """A slice that can be compared and hashed."""

    start: int | None
    stop: int | None
    step: int | None

    def __repr__(self) -> str:
        ends = ["" if x is None else str(x) for x in self]
        return ":".join(ends if self.step is not None else ends[:2])


class Slot:
    """The place of an array among the items of an index."""

    def __repr__(self) -> str:
        return "_"


SLOT = Slot()


class Index(tuple[Any, ...]):
    """The fixed part of an index: integers, spans, None, Ellipsis, and slots for arrays.

    Examples
    --------
    >>> Index((0, Span(None, 2, None), SLOT))
    [0, :2, _]
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"[{', '.join('...' if item is ... else repr(item) for item in self)}]"


def split_index(index: Any) -> tuple[Index, list[Any]]:
    """Split what stands in square brackets into its fixed part and its arrays.

    Examples
    --------
    >>> split_index((0, [1, 2], slice(3)))
    ([0, _, :3], [array([1, 2])])
    """
    if index.__class__ is int:
        return Index((index,)), []
    items: list[Any] = []
    arrays = []
    for item in index if isinstance(index, tuple) else (index,):
        if item is None or item is Ellipsis:
            items.append(item)
        elif isinstance(item, slice):
            items.append(Span(*(x if x is None else operator.index(x) for x in _ends(item))))
        elif isinstance(item, (int, np.integer)) and not isinstance(item, bool):
            items.append(int(item))
        else:
            items.append(SLOT)
            arrays.append(item if isinstance(item, Tensor) else _index_array(item))
    return Index(items), arrays


def _ends(item: slice) -> tuple[Any, Any, Any]:
    return item.start, item.stop, item.step


def _index_array(item: Any) -> Any:
    array = np.asarray(item)
    if array.size == 0 and not isinstance(item, np.ndarray):
        return array.astype(np.intp)
    if array.dtype.kind not in "iub":
        raise IndexError(f"an index of {array.dtype}; integers, slices, masks can select")
    return array


@lru_cache(maxsize=4096)
def _with_slices(index: Index) -> tuple[Any, ...]:
    return tuple(slice(*item) if isinstance(item, Span) else item for item in index)


def _filled(index: Index, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what NumPy takes in square brackets."""
    items = _with_slices(index)
    if not arrays:
        return items
    source = iter(arrays)
    return tuple(next(source) if item is SLOT else item for item in items)


def _gather(a: Any, *arrays: Any, index: Index) -> Any:
    return a[_filled(index, arrays)]


def _rows(rng: np.random.Generator) -> Any:
    return np.array([2, 0, 2, -1])


def _mask(rng: np.random.Generator) -> Any:
    return np.array([[True, False, True], [False, False, True]])


FIRST, ALL = Index((0,)), Span(None, None, None)


@op(_gather, kind=linear, inactive=("arrays",), samples=[
    S((3, 4), index=FIRST), S((3,), index=FIRST), S((0, 2), index=Index((ALL, 1))),
    S((3, 4), index=Index((None, Span(None, None, -2), ..., Span(1, 3, None)))),
    S((), index=Index((...,))), S((), index=Index((None,))), S((3, 4), index=Index(())),
    S((3, 2), _rows, index=Index((SLOT,))), S((3,), _rows, index=Index((SLOT,))),
    S((2, 3, 2), _rows, index=Index((ALL, SLOT))), S((2, 3), _mask, index=Index((SLOT,))),
    S((3, 2, 3), _rows, _rows, index=Index((SLOT, ALL, SLOT))),
    S((3, 2), _rows, index=Index((SLOT, 1))), S((2, 3, 2), _mask, index=Index((SLOT, 1))),
    S.raises(IndexError, (3, 4), index=Index((3,)), match=r"\(3, 4\).*index 3"),
    S.raises(IndexError, (3,), index=Index((0, 0)), match=r"\(3,\).*too many"),
    S.raises(IndexError, (2, 2), _rows, index=Index((SLOT,)), match=r"\(2, 2\).*index 2"),
])  # fmt: skip
def gather(g: Any, y: Any, a: Any, *arrays: Any, index: Index) -> Any:
    """Elements of an array at an index whose slots the arrays fill.

    An element that is selected several times receives the sum of its gradients.

    Examples
    --------
    >>> import numpy as np
    >>> gather(np.arange(4.0), np.array([1, 1, 3]), index=Index((SLOT,)))
    array([1., 1., 3.])
    """
    return scatter(g, a, *arrays, index=index)


def _scatter(a: Any, like: Any, *arrays: Any, index: Index) -> Any:
    whole = np.zeros(np.shape(like), np.result_type(a))
    place = _filled(index, arrays)
    if all(np.result_type(x).kind == "b" for x in arrays):
        whole[place] = a
    elif index == (SLOT,) and np.ndim(arrays[0]) and whole.ndim:
        add_rows(whole, arrays[0], a)
    else:
        np.add.at(whole, place, a)
    return whole


def add_rows(whole: Any, rows: Any, values: Any) -> None:
    """Add values to rows, flattened: NumPy adds at flat places several times faster."""
    width = whole[0].size if len(whole) else 0
    rows = np.where(rows < 0, rows + len(whole), rows)
    places = rows[..., None] * width + np.arange(width)
    np.add.at(whole.reshape(-1), places.reshape(-1), np.reshape(values, -1))


@op(_scatter, kind=linear, inactive=("like", "arrays"), samples=[
    S((4,), (3, 4), index=FIRST), S((4, 2), (3, 2), _rows, index=Index((SLOT,))),
    S((3,), (2, 3), _mask, index=Index((SLOT,))), S((4,), (3,), _rows, index=Index((SLOT,))),
    S((2, 4), (2, 3), _rows, index=Index((ALL, SLOT))),
])  # fmt: skip
def scatter(g: Any, y: Any, a: Any, like: Any, *arrays: Any, index: Index) -> Any:
    """Values added into zeros of the shape of `like` at an index; the transpose of `gather`.

    Examples
    --------
    >>> import numpy as np
    >>> scatter(np.ones(3), np.zeros(4), np.array([1, 1, 3]), index=Index((SLOT,)))
    array([0., 2., 0., 1.])
    """
    return gather(g, *arrays, index=index)


@composed(samples=[
    S((3, 4), 0), S((3, 4), lambda rng: (slice(None), [0, -1])), S((3, 4), slice(None, None, -2)),
    S((3, 4), lambda rng: (..., None, np.int64(1))), S((2, 3), _mask), S((3,), lambda rng: []),
    S((3,), True), S.raises(IndexError, (3,), 1.5, match="float64"),
])  # fmt: skip
def getitem(a: Any, index: Any) -> Any:
    """``a[index]``: integers, slices, None, Ellipsis, integer arrays and masks.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(x[[0, 0, 2]]))(np.zeros(3))
    array([2., 0., 1.])
    """
    fixed, arrays = split_index(index)
    return gather(a, *arrays, index=fixed)


# Functions that select --------------------------------------------------------------------------


@composed(np.take, samples=[
    S((3, 2), _rows), S((3, 2), _rows, axis=0), S((2, 3), _rows, -1), S((3,), 1), S((3, 2), 1, 1),
    S((3, 2), lambda rng: [5, -4], axis=0, mode="wrap"),
    S((3, 2), lambda rng: [5, -4], axis=0, mode="clip"),
    S.raises(IndexError, (3,), 3, match=r"\(3,\).*index 3"),
])  # fmt: skip
def take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    """Elements along an axis by their positions; of the flattened array unless it is given.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.take(x, [1, 1])))(np.zeros(3))
    array([0., 2., 0.])
    """
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = axis_of(a, axis)
    indices = indices if isinstance(indices, (Tensor, int, np.integer)) else _index_array(indices)
    if mode == "wrap":
        indices = np.remainder(indices, length(a, axis=axis))
    elif mode == "clip":
        indices = np.minimum(np.maximum(indices, 0), length(a, axis=axis) - 1)
    return a[along(axis, indices)]


def _take_along_axis(arr: Any, indices: Any, *, axis: int) -> Any:
    if _one_a_row(arr, indices, axis):  # several times faster than what serves every case
        n = arr.shape[-1]
        return arr.reshape(-1, n)[np.arange(indices.size), indices.reshape(-1)].reshape(
            indices.shape
        )
    return np.take_along_axis(arr, indices, axis)


def _one_a_row(arr: Any, indices: Any, axis: int) -> bool:
    """Return whether one place is meant in each row along the last axis."""
    shape = np.shape(arr)
    last = axis in (-1, len(shape) - 1)
    return last and len(shape) > 1 and np.shape(indices) == (*shape[:-1], 1) and 0 not in shape


def _bind_take_along_axis(
    arr: Any, indices: Any, axis: int | None = -1
) -> tuple[tuple[Any, Any], dict[str, Any]]:
    if axis is None:
        return (np.ravel(arr), indices), {"axis": 0}
    return (arr, indices), {"axis": axis}


def _order(rng: np.random.Generator) -> Any:
    return np.array([[1, 0, 1, 1], [-1, 2, 0, 0]])


@op(_take_along_axis, kind=linear, also=(np.take_along_axis,), bind=_bind_take_along_axis,
    inactive=("indices",), samples=[
    S((2, 3), _order), S((2, 3), _order, axis=-1), S((3, 4), _order, axis=0), S((1, 3), _order),
    S((6,), lambda rng: np.array([5, 5, 0]), axis=None),
    S.raises(IndexError, (2, 2), _order, match=r"\(2, 2\)"),
])  # fmt: skip
def take_along_axis(g: Any, y: Any, arr: Any, indices: Any, *, axis: int) -> Any:
    """Elements along an axis by positions that differ from line to line.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> x, labels = np.zeros((2, 3)), np.array([[2], [0]])
    >>> cr.grad(lambda x: np.sum(np.take_along_axis(x, labels, axis=1)))(x)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    return scatter_along_axis(g, indices, arr, axis=axis)


def _scatter_along_axis(a: Any, indices: Any, like: Any, *, axis: int) -> Any:
    shape = np.shape(like)
    axis = axis % len(shape)
    whole = np.zeros(shape, np.result_type(a))
    if np.shape(a) == np.shape(indices) and _one_a_row(whole, indices, axis):
        whole.reshape(-1, shape[-1])[np.arange(indices.size), indices.reshape(-1)] = a.reshape(-1)
        return whole
    grid = [np.arange(n).reshape([-1 if i == j else 1 for j in range(len(shape))])
            for i, n in enumerate(shape)]  # fmt: skip
    grid[axis] = np.where(indices < 0, indices + shape[axis], indices)
    places = np.zeros((), np.intp)
    for n, part in zip(shape, grid, strict=True):
        places = places * n + part
    np.add.at(whole.reshape(-1), places.reshape(-1), np.reshape(a, -1))
    return whole


@op(_scatter_along_axis, kind=linear, inactive=("indices", "like"), samples=[
    S((2, 4), _order, (2, 3), axis=1), S((2, 4), _order, (3, 4), axis=0),
])  # fmt: skip
def scatter_along_axis(g: Any, y: Any, a: Any, indices: Any, like: Any, *, axis: int) -> Any:
    """Values added into zeros of the shape of `like`; the transpose of `take_along_axis`.

    Examples
    --------
    >>> import numpy as np
    >>> scatter_along_axis(np.ones((1, 2)), np.array([[2, 2]]), np.zeros((1, 3)), axis=1)
    array([[0., 0., 2.]])
    """
    return take_along_axis(g, indices, axis=axis)


def _where_true(condition: Any) -> Any:
    """Positions of the elements that are true, in the flattened array."""
    return np.flatnonzero(condition)


where_true = constant(_where_true, name="where_true", samples=[S((3, 2)), S((0,))])


@composed(np.compress, samples=[
    S(lambda rng: [True, False, True], (3, 2), axis=0), S(lambda rng: [0, 1], (2, 3), axis=-1),
    S(lambda rng: np.array([True, False, True]), (2, 3)),
])  # fmt: skip
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """Those slices along an axis for which a condition holds.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.compress([True, False, True], x)))(np.zeros(3))
    array([1., 0., 1.])
    """
    return np.take(a, where_true(condition), axis=axis)


@composed(np.extract, samples=[S(_mask, (2, 3)), S(lambda rng: [1, 0, 1], (3,))])
def extract(condition: Any, arr: Any) -> Any:
    """The elements, in one axis, for which a condition holds.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.extract([True, False, True], cr.Tensor([1.0, 2.0, 3.0])).value
    array([1., 3.])
    """
    return np.take(a=arr, indices=where_true(condition))


def _refused(function: Any, samples: list[S]) -> None:
    def body(*args: Any, **kwargs: Any) -> Any:
        raise UnsupportedError(
            f"numpy.{function.__name__} changes an array in place, which cannot be recorded: "
            "choose with np.where(mask, new, old), or join pieces with np.concatenate"
        )

    body.__name__ = function.__name__
    body.__doc__ = f"`numpy.{function.__name__}` changes an array in place: it raises."
    composed(function, samples=samples)(body)


def _refusal(*args: Any) -> list[S]:
    return [S.raises(UnsupportedError, *args, match="np.where")]


_refused(np.put, _refusal((3,), 0, 1.0))
_refused(np.place, _refusal((2, 3), _mask, [1.0]))
_refused(np.putmask, _refusal((2, 3), _mask, 1.0))
_refused(np.copyto, _refusal((3,), 1.0))
_refused(np.put_along_axis, _refusal((2, 3), _order, 1.0, 1))
_refused(np.fill_diagonal, _refusal((2, 2), 1.0))
