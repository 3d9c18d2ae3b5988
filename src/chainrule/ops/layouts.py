"""Repeating, padding, leaving out and putting in: elements taken at positions that are computed.

The positions follow from the array's own shape when the program runs, so that a recorded gradient
serves every batch size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import composed, constant, linear, op
from chainrule.ops.axes import along, axis_of, sizes
from chainrule.ops.shapes import broadcast_with

# Repeating --------------------------------------------------------------------------------------


def _bind_tile(A: Any, reps: Any) -> tuple[tuple[Any], dict[str, Any]]:
    return (A,), {"reps": sizes(reps)}


@op(np.tile, kind=linear, bind=_bind_tile, samples=[
    S((3,), 2), S((2, 3), lambda rng: (2, 1)), S((3,), lambda rng: (2, 2)), S((2, 3), 2),
    S((), 3), S((0, 2), 2), S((2,), 0), S((2, 1, 2), lambda rng: (3, 1)),
])  # fmt: skip
def tile(g: Any, y: Any, A: Any, *, reps: tuple[int, ...]) -> Any:
    """Copies of an array side by side along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.tile(x, 3)))(np.zeros(2))
    array([3., 3.])
    """
    return untile(g, A, reps=reps)


def _untile(a: Any, like: Any, *, reps: tuple[int, ...]) -> Any:
    ndim = len(reps) if len(reps) > np.ndim(like) else np.ndim(like)
    shape = (1,) * (ndim - np.ndim(like)) + np.shape(like)
    copies = (1,) * (ndim - len(reps)) + reps
    grid = np.reshape(a, [n for pair in zip(copies, shape, strict=True) for n in pair])
    return np.reshape(np.sum(grid, axis=tuple(range(0, 2 * ndim, 2))), np.shape(like))


@op(_untile, kind=linear, inactive=("like",), samples=[
    S((6,), (3,), reps=(2,)), S((4, 6), (2, 3), reps=(2, 2)), S((2, 6), (3,), reps=(2, 2)),
])  # fmt: skip
def untile(g: Any, y: Any, a: Any, like: Any, *, reps: tuple[int, ...]) -> Any:
    """Sum of the copies that `tile` laid side by side; its transpose.

    Examples
    --------
    >>> import numpy as np
    >>> untile(np.arange(4.0), np.zeros(2), reps=(2,))
    array([2., 4.])
    """
    return np.tile(g, reps)


def _repeated(a: Any, repeats: Any, *, axis: int) -> Any:
    """Positions along an axis, each as often as it is repeated."""
    return np.repeat(np.arange(np.shape(a)[axis]), repeats)


repeated = constant(_repeated, name="repeated", samples=[S((3, 2), 2, axis=0)])


@composed(np.repeat, samples=[
    S((3,), 2), S((2, 3), 2, axis=1), S((2, 3), lambda rng: [1, 0, 2], axis=-1), S((2, 2), 3),
    S((), 2), S((0, 2), 2, axis=0), S.raises(ValueError, (3,), lambda rng: [1, 2], match="shape"),
])  # fmt: skip
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Elements one after another, each a number of times.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.repeat(x, [1, 3])))(np.zeros(2))
    array([1., 3.])
    """
    if axis is None:
        a, axis = np.ravel(a), 0
    axis = axis_of(a, axis)
    return np.take(a, repeated(a, repeats, axis=axis), axis=axis)


def _wrapped(a: Any, *, size: int) -> Any:
    """Positions 0 to `size` - 1 in the flattened array, from the start again at its end."""
    return np.arange(size) % np.size(a)


wrapped = constant(_wrapped, name="wrapped", samples=[S((3,), size=5)])


@composed(np.resize, samples=[S((3,), 5), S((2, 3), lambda rng: (2, 2)), S((2,), lambda rng: ())])
def resize(a: Any, new_shape: Any) -> Any:
    """Elements in another shape, repeated from the start if there are too few.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.resize(x, 3)))(np.zeros(2))
    array([2., 1.])
    """
    shape = sizes(new_shape)
    size = int(np.prod(shape))
    if not np.size(a):
        raise ValueError(f"an array of shape {np.shape(a)} has nothing to fill {shape} with")
    return np.reshape(np.take(a, wrapped(a, size=size)), shape)


# Padding ----------------------------------------------------------------------------------------

MODES = ("edge", "reflect", "symmetric", "wrap")


def _padded(a: Any, *, before: int, after: int, axis: int, mode: Any) -> Any:
    """Positions along an axis with those set before and behind it by a padding mode."""
    return np.pad(np.arange(np.shape(a)[axis]), (before, after), mode)


padded = constant(
    _padded, name="padded", samples=[S((3, 2), before=1, after=2, axis=0, mode="wrap")]
)


def _pad_zeros(array: Any, *, pad_width: tuple[tuple[int, int], ...]) -> Any:
    return np.pad(array, pad_width) if pad_width else np.array(array)


@op(_pad_zeros, kind=linear, samples=[S((2, 3), pad_width=((1, 0), (0, 2)))])
def pad_zeros(g: Any, y: Any, array: Any, *, pad_width: tuple[tuple[int, int], ...]) -> Any:
    """Zeros before and behind an array along its axes.

    Examples
    --------
    >>> import numpy as np
    >>> pad_zeros(np.ones(2), pad_width=((1, 2),))
    array([0., 1., 1., 0., 0.])
    """
    return g[tuple(slice(before, -after or None) for before, after in pad_width)]


@composed(np.pad, samples=[
    S((2, 3), 1), S((2, 3), lambda rng: [(1, 0), (0, 2)]), S((3,), lambda rng: (2, 1)),
    S((0, 2), 1), S((), 1), S((3,), 0), S((2, 3), 1, constant_values=2.0),
    S((2, 3), 1, constant_values=[(1.0, 2.0), (3.0, 4.0)]),
    *(S((3, 4), 2, mode) for mode in MODES), *(S((3,), 5, mode) for mode in MODES),
    S.raises(ValueError, (3,), [1, 2, 3]), S.raises(ValueError, (3,), -1, match="-1"),
    S.raises(UnsupportedError, (3,), 1, "mean", match="mean"),
])  # fmt: skip
def pad(
    array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0,
    reflect_type: str = "even",
) -> Any:  # fmt: skip
    """Elements set before and behind an array: constants, or its own by edge, mirror or period.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.pad(x, 1, mode="edge")))(np.zeros(3))
    array([2., 1., 2.])
    """
    width = _pairs(pad_width, np.ndim(array))
    if any(n < 0 for pair in width for n in pair):
        raise ValueError(f"padding by {pad_width}: a negative number of places")
    if mode == "constant":
        zeros_around = pad_zeros(array, pad_width=width)
        if np.ndim(constant_values) == 0 and constant_values == 0:
            return zeros_around
        return zeros_around + frame(array, pad_width=width, values=_hashable(constant_values))
    if mode not in MODES or reflect_type != "even":
        raise UnsupportedError(
            f"pad(mode={mode!r}, reflect_type={reflect_type!r}) is not supported on a Tensor: the "
            f"modes are 'constant' and, with reflect_type='even', {', '.join(map(repr, MODES))}"
        )
    for axis, (before, after) in enumerate(width):
        if before or after:
            places = padded(array, before=before, after=after, axis=axis, mode=mode)
            array = np.take(array, places, axis=axis)
    return array


def _pairs(pad_width: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - ndim, 0)) for i in range(ndim)]
        pad_width = [(n, n) if np.ndim(n) == 0 else n for n in pad_width]
    pairs = np.broadcast_to(np.asarray(pad_width, dtype=np.intp), (ndim, 2))
    return tuple((int(before), int(after)) for before, after in pairs)


def _hashable(values: Any) -> Any:
    return tuple(map(_hashable, values)) if np.ndim(values) else values


def _frame(like: Any, *, pad_width: Any, values: Any) -> Any:
    """Constants around zeros of the shape of an array."""
    return np.pad(np.zeros_like(like), pad_width, constant_values=values)


frame = constant(_frame, name="frame", samples=[S((2,), pad_width=((1, 1),), values=2.0)])


# Leaving out and putting in ---------------------------------------------------------------------


def _kept(a: Any, obj: Any, *, axis: int) -> Any:
    """Positions along an axis without those that `obj` names."""
    return np.delete(np.arange(np.shape(a)[axis]), obj)


kept = constant(_kept, name="kept", samples=[S((3, 2), 1, axis=0)])


@composed(np.delete, samples=[
    S((4,), 1), S((3, 4), -1, axis=1), S((3, 4), lambda rng: [0, 2], axis=0), S((2, 2), 3),
    S((5,), slice(None, None, 2)), S((3,), lambda rng: np.array([True, False, True])),
    S.raises(IndexError, (3,), 5, match="5"),
])  # fmt: skip
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """An array without the slices along an axis that an index names.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.delete(x, 1)))(np.zeros(3))
    array([1., 0., 1.])
    """
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = axis_of(arr, axis)
    if isinstance(obj, slice):
        return np.take(arr, kept_outside(arr, ends=_ends(obj), axis=axis), axis=axis)
    return np.take(arr, kept(arr, np.asarray(obj), axis=axis), axis=axis)


def _ends(obj: slice) -> tuple[Any, Any, Any]:
    return obj.start, obj.stop, obj.step


def _kept_outside(a: Any, *, ends: tuple[Any, Any, Any], axis: int) -> Any:
    """Positions along an axis outside a slice."""
    return np.delete(np.arange(np.shape(a)[axis]), slice(*ends))


kept_outside = constant(
    _kept_outside, name="kept_outside", samples=[S((3, 2), ends=(1, 2, None), axis=0)]
)


def _mixed(a: Any, values: Any, *, obj: Any, axis: int) -> Any:
    """Positions, in an array followed by values, of the array with the values put in."""
    n, more = np.shape(a)[axis], np.shape(values)[axis]
    places = slice(*obj[1]) if obj[0] == "slice" else np.asarray(obj[1])
    return np.insert(np.arange(n), places, np.arange(n, n + more))


mixed = constant(_mixed, name="mixed", samples=[S((3,), (1,), obj=("at", 1), axis=0)])


@composed(np.insert, samples=[
    S((3,), 1, 5.0), S((3, 2), 1, (2,), axis=0), S((2, 3), -1, 2.0, axis=1),
    S((3,), lambda rng: [0, 2], (2,)), S((2, 3), lambda rng: [0, 2], (2, 2), axis=1),
    S((4,), slice(1, 3), (2,)), S((2, 3), lambda rng: [1], (2, 1), axis=1),
    S((2, 3), 1, (2, 2), axis=1), S.raises(IndexError, (3,), 9, 1.0, match="9"),
])  # fmt: skip
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """An array with values put in before the positions that an index names.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda v: np.insert(np.arange(3.0), 1, v)[1])(7.0)
    np.float64(1.0)
    """
    if axis is None:
        arr, axis = np.ravel(arr), 0
    axis = axis_of(arr, axis)
    single = not isinstance(obj, slice) and np.ndim(obj) == 0
    if isinstance(obj, slice):
        count = len(range(*obj.indices(np.shape(arr)[axis])))
    else:
        count = np.size(obj)
    values = np.asarray(values) if isinstance(values, (int, float, list)) else values
    values = np.expand_dims(values, tuple(range(np.ndim(arr) - np.ndim(values))))
    if single:
        values = np.moveaxis(values, 0, axis)
        count = np.shape(values)[axis]
    room = np.zeros_like(np.repeat(np.sum(arr, axis=axis, keepdims=True), count, axis=axis))
    values = broadcast_with(values, room)
    where = ("slice", _ends(obj)) if isinstance(obj, slice) else ("at", _hashable(obj))
    return np.take(
        np.concatenate([arr, values], axis=axis), mixed(arr, values, obj=where, axis=axis), axis
    )


# Windows ----------------------------------------------------------------------------------------


def _windows(a: Any, *, size: int, axis: int) -> Any:
    """Positions along an axis of all its windows of a size, a row each."""
    n = np.shape(a)[axis]
    if not 0 <= size <= n:
        raise ValueError(f"windows of {size} on axis {axis} of shape {np.shape(a)}")
    return np.arange(n - size + 1)[:, None] + np.arange(size)


windows = constant(_windows, name="windows", samples=[S((5, 2), size=3, axis=0)])


@composed(np.lib.stride_tricks.sliding_window_view, samples=[
    S((6,), 3), S((4, 5), lambda rng: (2, 3)), S((4, 5), 2, axis=0),
    S((4, 5), lambda rng: (2, 2), axis=(0, 0)), S.raises(ValueError, (3,), 4, match=r"\(3,\)"),
])  # fmt: skip
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    """All windows of a shape, along new last axes; a copy, not a view.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> view = np.lib.stride_tricks.sliding_window_view
    >>> cr.grad(lambda x: np.sum(view(x, 2)))(np.zeros(4))
    array([1., 2., 2., 1.])
    """
    shape = sizes(window_shape)
    axes = tuple(range(np.ndim(x))) if axis is None else sizes(axis)
    if len(axes) != len(shape):
        raise ValueError(f"windows of shape {shape} need as many axes, not {axes}")
    for i, size in zip(axes, shape, strict=True):
        i = axis_of(x, i)
        x = np.moveaxis(x[along(i, windows(x, size=size, axis=i))], i + 1, -1)
    return x
