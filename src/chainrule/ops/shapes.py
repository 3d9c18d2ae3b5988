"""Rearranging an array: its axes, its shape, the order of its elements.

Every transpose takes the array whose shape it restores, never the shape itself, so that a recorded
gradient serves every batch size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import composed, linear, op
from chainrule.ops.axes import axes_of, axis_of, sizes
from chainrule.ops.broadcast import sum_to

MATRICES = [S((3, 4)), S((2, 2)), S((0, 2)), S((1, 3))]


# Shape ------------------------------------------------------------------------------------------


def _reshape_like(a: Any, like: Any) -> Any:
    return np.reshape(a, np.shape(like))


@op(_reshape_like, kind=linear, inactive=("like",), samples=[
    S((6,), (2, 3)), S((2, 0), (0, 5)), S((1,), ()), S((2, 3), (3, 2)),
    S.raises(ValueError, (6,), (4,), match=r"\(6,\).*\(4,\)"),
])  # fmt: skip
def reshape_like(g: Any, y: Any, a: Any, like: Any) -> Any:
    """Give an array the shape of `like`.

    Examples
    --------
    >>> import numpy as np
    >>> reshape_like(np.arange(4.0), np.zeros((2, 2)))
    array([[0., 1.],
           [2., 3.]])
    """
    return reshape_like(g, a)


def _bind_reshape(
    a: Any, /, shape: Any = None, order: str = "C", *, copy: bool | None = None
) -> tuple[tuple[Any], dict[str, Any]]:
    if order != "C":
        raise UnsupportedError(f"reshape(..., order={order!r}): only C order is recorded")
    if shape is None:
        raise TypeError("reshape takes the new shape")
    return (a,), {"shape": sizes(shape)}


@op(np.reshape, kind=linear, bind=_bind_reshape, samples=[
    S((2, 6), (lambda rng: (3, -1))), S((6,), lambda rng: [2, 3]), S((4,), -1), S((), -1),
    S((0, 3), -1), S((1, 1), lambda rng: ()),
    S.raises(ValueError, (3, 4), 5, match=r"\(3, 4\).*\(5,\)"),
    S.raises(UnsupportedError, (3, 4), -1, order="F", match="C order"),
])  # fmt: skip
def reshape(g: Any, y: Any, a: Any, *, shape: tuple[int, ...]) -> Any:
    """Give an array another shape, its elements in C order.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.reshape(x, (2, 2))[0]))(np.zeros(4))
    array([1., 1., 0., 0.])
    """
    return reshape_like(g, a)


@composed(np.ravel, samples=[S((2, 3)), S(()), S((0, 2))])
def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one axis, in C order.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.Tensor(np.eye(2)).ravel().shape
    (4,)
    """
    return np.reshape(a, -1, order=order)  # type: ignore[call-overload]


@op(np.squeeze, kind=linear, samples=[
    S((1, 3, 1)), S((1, 3, 1), axis=0), S((1, 3, 1), axis=(0, -1)), S(()), S((1, 0)),
    S.raises(ValueError, (3, 1), axis=0, match=r"\(3, 1\)"),
])  # fmt: skip
def squeeze(g: Any, y: Any, a: Any, *, axis: Any = None) -> Any:
    """Leave out axes of length one.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.squeeze(x)))(np.zeros((1, 2)))
    array([[1., 1.]])
    """
    return reshape_like(g, a)


@op(np.expand_dims, kind=linear, samples=[
    S((2, 3), 0), S((2, 3), -1), S((3,), axis=(0, 2)), S((), 0), S((0,), 1),
    S.raises(IndexError, (3,), 3, match=r"\(3,\).*axis 3"),
])  # fmt: skip
def expand_dims(g: Any, y: Any, a: Any, *, axis: Any) -> Any:
    """Put in axes of length one.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.expand_dims(x, 0)))(np.zeros(2))
    array([1., 1.])
    """
    return reshape_like(g, a)


def _at_least(arrays: Any, new_axes: dict[int, Any]) -> Any:
    """Put in the axes that arrays of each number of axes lack."""
    found = tuple(
        np.expand_dims(x, new_axes[np.ndim(x)]) if np.ndim(x) in new_axes else x for x in arrays
    )
    return found[0] if len(found) == 1 else found


AT_LEAST = [S(()), S((3,)), S((2, 3)), S((2, 1, 2)), S((), (2,))]


@composed(np.atleast_1d, samples=AT_LEAST)
def atleast_1d(*arys: Any) -> Any:
    """Arrays with one axis at least.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.atleast_1d(cr.Tensor(3.0)).shape
    (1,)
    """
    return _at_least(arys, {0: 0})


@composed(np.atleast_2d, samples=AT_LEAST)
def atleast_2d(*arys: Any) -> Any:
    """Arrays with two axes at least, new ones in front.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.atleast_2d(cr.Tensor([3.0, 4.0])).shape
    (1, 2)
    """
    return _at_least(arys, {0: (0, 1), 1: 0})


@composed(np.atleast_3d, samples=AT_LEAST)
def atleast_3d(*arys: Any) -> Any:
    """Arrays with three axes at least.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.atleast_3d(cr.Tensor([3.0, 4.0])).shape
    (1, 2, 1)
    """
    return _at_least(arys, {0: (0, 1, 2), 1: (0, 2), 2: 2})


# Axes -------------------------------------------------------------------------------------------


@op(np.transpose, kind=linear, samples=[
    S((3, 4)), S((2, 3, 4), axes=(2, 0, 1)), S((2, 3, 4), axes=(-1, 0, 1)), S((3,)), S(()),
    S((0, 2)), S.raises(ValueError, (3, 4), axes=(0, 0), match=r"\(3, 4\)"),
])  # fmt: skip
def transpose(g: Any, y: Any, a: Any, *, axes: Any = None) -> Any:
    """Axes in another order; reversed unless given.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(x.T @ np.array([1.0, 2.0])))(np.zeros((2, 1)))
    array([[1.],
           [2.]])
    """
    if axes is None:
        return np.transpose(g)
    order = [axis % len(axes) for axis in axes]
    return np.transpose(g, [order.index(i) for i in range(len(order))])


@composed(np.matrix_transpose, samples=[
    S((3, 4)), S((2, 3, 4)), S.raises(ValueError, (3,), match=r"\(3,\)"),
])  # fmt: skip
def transpose_matrices(x: Any) -> Any:
    """Exchange the last two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.matrix_transpose(cr.Tensor(np.zeros((5, 2, 3)))).shape
    (5, 3, 2)
    """
    if np.ndim(x) < 2:
        raise ValueError(f"shape {np.shape(x)} has no two axes to exchange")
    return np.swapaxes(x, -1, -2)


@composed(np.swapaxes, samples=[
    S((2, 3, 4), 0, 2), S((2, 3), -1, 0), S((2, 3), 1, 1), S.raises(IndexError, (3,), 0, 1),
])  # fmt: skip
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.swapaxes(cr.Tensor(np.zeros((5, 2, 3))), 0, 1).shape
    (2, 5, 3)
    """
    order = list(range(np.ndim(a)))
    first, second = axis_of(a, axis1), axis_of(a, axis2)
    order[first], order[second] = order[second], order[first]
    return np.transpose(a, order)


@composed(np.moveaxis, samples=[
    S((2, 3, 4), 0, -1), S((2, 3, 4), lambda rng: [0, 1], lambda rng: [-1, 0]),
    S.raises(IndexError, (2, 3), 2, 0, match="axis 2"),
])  # fmt: skip
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Move axes to other places; the rest keep their order.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.moveaxis(cr.Tensor(np.zeros((5, 2, 3))), 0, -1).shape
    (2, 3, 5)
    """
    sources, destinations = axes_of(a, source), axes_of(a, destination)
    if len(sources) != len(destinations):
        raise ValueError(f"{len(sources)} axes for {len(destinations)} places")
    order = [i for i in range(np.ndim(a)) if i not in sources]
    for place, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(place, axis)
    return np.transpose(a, order)


@composed(np.rollaxis, samples=[S((2, 3, 4), 2), S((2, 3, 4), 0, 2), S((2, 3, 4), -1, 1)])
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Move an axis to stand before another.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.rollaxis(cr.Tensor(np.zeros((5, 2, 3))), 2).shape
    (3, 5, 2)
    """
    axis = axis_of(a, axis)
    start = start + np.ndim(a) if start < 0 else start
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


# Order of elements ------------------------------------------------------------------------------


@op(np.flip, kind=linear, samples=[
    S((3, 4)), S((3, 4), 0), S((2, 3, 4), axis=(0, -1)), S(()), S((0, 2), 0),
    S.raises(IndexError, (3,), 1, match=r"\(3,\).*axis 1"),
])  # fmt: skip
def flip(g: Any, y: Any, m: Any, *, axis: Any = None) -> Any:
    """Reverse the order of elements along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.flip(x)[0])(np.zeros(3))
    array([0., 0., 1.])
    """
    return np.flip(g, axis)


@composed(np.fliplr, samples=[*MATRICES, S.raises(ValueError, (3,), match=r"\(3,\)")])
def fliplr(m: Any) -> Any:
    """Reverse the second axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.fliplr(cr.Tensor([[1.0, 2.0]])).value
    array([[2., 1.]])
    """
    if np.ndim(m) < 2:
        raise ValueError(f"shape {np.shape(m)} has no second axis")
    return np.flip(m, 1)


@composed(np.flipud, samples=[*MATRICES, S.raises(ValueError, (), match=r"\(\)")])
def flipud(m: Any) -> Any:
    """Reverse the first axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.flipud(cr.Tensor([1.0, 2.0])).value
    array([2., 1.])
    """
    if np.ndim(m) < 1:
        raise ValueError(f"shape {np.shape(m)} has no first axis")
    return np.flip(m, 0)


@composed(np.rot90, samples=[
    S((2, 3)), S((2, 3), 2), S((2, 3), -1), S((2, 3), 4), S((2, 3, 4), axes=(1, 2)),
    S((2, 3, 4), 3, (lambda rng: (-1, 0))), S.raises(ValueError, (3,), match="axes"),
])  # fmt: skip
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Rotate by quarter turns in the plane of two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.rot90(cr.Tensor([[1.0, 2.0]])).value
    array([[2.],
           [1.]])
    """
    if np.ndim(m) < 2:
        raise ValueError(f"shape {np.shape(m)} has no two axes to turn in")
    first, second = axes_of(m, axes)
    turns = k % 4
    if turns == 0:
        return np.flip(m, ())
    if turns == 2:
        return np.flip(m, (first, second))
    if turns == 1:
        return np.swapaxes(np.flip(m, second), first, second)
    return np.flip(np.swapaxes(m, first, second), second)


def _negative(shift: Any) -> Any:
    return tuple(-n for n in shift) if isinstance(shift, tuple) else -shift


@op(np.roll, kind=linear, samples=[
    S((5,), 2), S((3, 4), -1, axis=1), S((3, 4), lambda rng: (1, 2), axis=(0, 1)), S((3, 4), 3),
    S((0, 2), 1), S((3,), 7), S.raises(IndexError, (3,), 1, axis=1, match=r"\(3,\).*axis 1"),
])  # fmt: skip
def roll(g: Any, y: Any, a: Any, *, shift: Any, axis: Any = None) -> Any:
    """Shift elements along axes; those that leave enter at the other end.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.roll(x, 1)[0])(np.zeros(3))
    array([0., 0., 1.])
    """
    return np.roll(g, _negative(shift), axis)


# Broadcasting -----------------------------------------------------------------------------------


@op(np.broadcast_to, kind=linear, bind=lambda array, shape: ((array,), {"shape": sizes(shape)}),
    samples=[
    S((4,), lambda rng: (3, 4)), S((3, 1), lambda rng: (2, 3, 4)), S((), 3),
    S((2,), lambda rng: (0, 2)), S.raises(ValueError, (3,), 4, match=r"\(3,\).*\(4,\)"),
])  # fmt: skip
def broadcast_to(g: Any, y: Any, array: Any, *, shape: tuple[int, ...]) -> Any:
    """Repeat an array along new axes, and axes of length one, to a shape.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.broadcast_to(x, (3, 2))))(np.zeros(2))
    array([3., 3.])
    """
    return sum_to(g, array)


def _broadcast_with(a: Any, *likes: Any) -> Any:
    return np.broadcast_to(a, np.broadcast_shapes(np.shape(a), *map(np.shape, likes)))


@op(_broadcast_with, kind=linear, inactive=("likes",), samples=[
    S((4,), (3, 1)), S((3, 1), (4,), (2, 1, 1)), S((), (2,)), S((2,)),
])  # fmt: skip
def broadcast_with(g: Any, y: Any, a: Any, *likes: Any) -> Any:
    """Repeat an array to the shape that it has in arithmetic with others.

    Examples
    --------
    >>> import numpy as np
    >>> broadcast_with(np.ones(2), np.zeros((3, 1))).shape
    (3, 2)
    """
    return sum_to(g, a)


@composed(np.broadcast_arrays, samples=[
    S((4,), (3, 1)), S((), (2,)), S((3,)),
    S.raises(ValueError, (3,), (4,), match=r"\(3,\).*\(4,\)"),
])  # fmt: skip
def broadcast_arrays(*args: Any) -> Any:
    """Arrays repeated to the shape that they have together.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> [x.shape for x in np.broadcast_arrays(cr.Tensor([1.0, 2.0]), np.zeros((3, 1)))]
    [(3, 2), (3, 2)]
    """
    return tuple(broadcast_with(x, *args[:i], *args[i + 1 :]) for i, x in enumerate(args))


@composed(np.meshgrid, samples=[
    S((3,), (2,)), S((3,), (2,), (4,)), S((3,), (2,), indexing="ij"), S((3,), (2,), sparse=True),
    S((3,)), S((), (2,)), S.raises(ValueError, (3,), (2,), indexing="yx", match="'yx'"),
])  # fmt: skip
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Coordinates of the points of a grid, one array for each axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.meshgrid(x, np.zeros(3))[0]))(np.zeros(2))
    array([3., 3.])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing={indexing!r}: 'xy' or 'ij'")
    n = len(xi)
    axes = list(range(n))
    if indexing == "xy" and n > 1:
        axes[:2] = 1, 0
    grids = tuple(
        np.expand_dims(np.ravel(x), tuple(i for i in range(n) if i != axis))
        for x, axis in zip(xi, axes, strict=True)
    )
    return grids if sparse or n < 2 else broadcast_arrays(*grids)
