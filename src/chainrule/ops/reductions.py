"""Reductions along axes: sums, means, products, extremes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import composed, constant, linear, op
from chainrule.ops.axes import along, axes_of
from chainrule.ops.broadcast import cast, spread

AXES = [
    S((3, 4)),
    S((3, 4), axis=0),
    S((3, 4), -1),
    S((2, 3, 4), axis=(0, -1), keepdims=True),
    S((2, 3, 4), axis=(2, 0)),
    S((3, 2), keepdims=True),
    S(()),
]
EMPTY = [S((0, 2), axis=0), S((2, 0)), S((2, 0), axis=0)]
BAD_AXIS = [S.raises(IndexError, (3, 4), axis=2, match=r"\(3, 4\).*axis 2")]


def _extent(a: Any, *, axis: Any = None) -> Any:
    """Number of elements that a reduction along axes joins, in the array's own dtype."""
    shape = np.shape(a)
    count = math.prod(shape if axis is None else [shape[i] for i in axes_of(a, axis)])
    return np.result_type(a, np.float32).type(count)


extent = constant(
    _extent,
    name="extent",
    samples=[S((3, 4)), S((3, 4), axis=0), S((2, 3, 4), axis=(0, -1)), S(())],
)


@op(np.sum, kind=linear, samples=AXES + EMPTY + BAD_AXIS)
def sum(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.sum)(np.zeros(3))
    array([1., 1., 1.])
    """
    return spread(g, a, axis=axis, keepdims=keepdims)


@op(np.mean, kind=linear, samples=[*AXES, S((2, 0), axis=0), *BAD_AXIS])
def mean(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Arithmetic mean along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.mean)(np.zeros(4))
    array([0.25, 0.25, 0.25, 0.25])
    """
    return spread(g / extent(a, axis=axis), a, axis=axis, keepdims=keepdims)


def _others_along(a: Any, axis: int) -> Any:
    """Return, for each element, the product of those before it and after it along an axis."""
    one = np.ones_like(a[along(axis, slice(None, 1))])
    before = np.concatenate([one, a[along(axis, slice(None, -1))]], axis=axis)
    after = np.concatenate([a[along(axis, slice(1, None))], one], axis=axis)
    return np.cumprod(before, axis=axis) * np.flip(np.cumprod(np.flip(after, axis), axis), axis)


def product_of_others(a: Any, axis: Any = None) -> Any:
    """Return, for each element, the product of all others along axes; nothing is divided.

    Examples
    --------
    >>> import numpy as np
    >>> product_of_others(np.array([2.0, 0.0, 5.0]))
    array([ 0., 10.,  0.])
    """
    others = np.ones_like(a)
    for i in axes_of(a, axis):
        others = others * _others_along(a, i)
        a = np.prod(a, axis=i, keepdims=True)
    return others


def _with_zeros(rng: np.random.Generator) -> Any:
    return np.array([[2.0, 0.0, -1.5], [0.0, 0.0, 3.0], [1.0, 0.5, -2.0]])


@op(np.prod, samples=[
    *AXES, *EMPTY, *BAD_AXIS, S(_with_zeros), S(_with_zeros, axis=1), S(_with_zeros, axis=(1, 0)),
])  # fmt: skip
def prod(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Product along axes; the gradient is exact where elements are zero.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.prod)(np.array([2.0, 0.0, 5.0]))
    array([ 0., 10.,  0.])
    """
    return spread(g, a, axis=axis, keepdims=keepdims) * product_of_others(a, axis)


def _shared(g: Any, y: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """Return the gradient of an extreme value, in equal parts where several elements attain it."""
    hit = cast(np.equal(a, spread(y, a, axis=axis, keepdims=keepdims)), a)
    parts = np.sum(hit, axis=axis, keepdims=True)
    return hit / parts * spread(g, a, axis=axis, keepdims=keepdims)


def _tied(rng: np.random.Generator) -> Any:
    return np.array([[1.0, 3.0, 3.0], [3.0, 0.0, 2.0]])


EXTREMES = [*AXES, S((2, 0), axis=0), *BAD_AXIS, S(_tied, smooth=False)]


@op(np.max, also=(np.amax,), samples=EXTREMES, kink="ties: the elements share the gradient equally")
def max(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest element along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.max)(np.array([1.0, 3.0, 3.0]))
    array([0. , 0.5, 0.5])
    """
    return _shared(g, y, a, axis, keepdims)


@op(np.min, also=(np.amin,), samples=EXTREMES, kink="ties: the elements share the gradient equally")
def min(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Smallest element along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.min)(np.array([1.0, 3.0, 3.0]))
    array([1., 0., 0.])
    """
    return _shared(g, y, a, axis, keepdims)


@composed(np.ptp, samples=AXES + BAD_AXIS, kink="ties: the elements share the gradient equally")
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Largest element less the smallest along axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.ptp)(np.array([1.0, 5.0, 2.0]))
    array([-1.,  1.,  0.])
    """
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def _logaddexp_reduce(array: Any, axis: Any = 0, *, keepdims: Any = False) -> Any:
    return np.logaddexp.reduce(array, axis=axis, keepdims=keepdims)


REDUCE = [S((3, 4)), S((3, 4), axis=-1), S((2, 3, 4), axis=(0, 2), keepdims=True), S((5,))]


@op(_logaddexp_reduce, also=((np.logaddexp, "reduce"),), samples=[
    *REDUCE, S((3, 4), axis=None), S((2, 3), domain=(-800.0, 800.0)),
    S((0, 2), axis=1),
])  # fmt: skip
def logaddexp_reduce(g: Any, y: Any, array: Any, *, axis: Any = 0, keepdims: bool = False) -> Any:
    """Logarithm of the sum of exponentials along axes; its derivative is the softmax.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.logaddexp.reduce)(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    total = spread(y, array, axis=axis, keepdims=keepdims)
    same = np.equal(array, total)  # infinities have no difference
    shares = np.exp(np.where(same, 0.0, array - np.where(same, 0.0, total)))
    shares = shares / np.sum(shares, axis=axis, keepdims=True)
    return spread(g, array, axis=axis, keepdims=keepdims) * shares


def _as_reduce(ufunc: np.ufunc, function: Any) -> None:
    """Let ``ufunc.reduce``, whose axis is 0 unless given, mean the function that it is."""

    def reduce(array: Any, axis: Any = 0, *, keepdims: bool = False) -> Any:
        return function(array, axis=axis, keepdims=keepdims)

    reduce.__name__ = f"{ufunc.__name__}_reduce"
    reduce.__doc__ = f"``numpy.{ufunc.__name__}.reduce``: `numpy.{function.__name__}` from axis 0."
    composed((ufunc, "reduce"), samples=REDUCE)(reduce)


for _ufunc, _function in (
    (np.add, np.sum), (np.multiply, np.prod), (np.maximum, np.max), (np.minimum, np.min),
):  # fmt: skip
    _as_reduce(_ufunc, _function)

for _logical in (np.logical_and, np.logical_or):
    constant(
        _logical.reduce,
        name=f"{_logical.__name__}_reduce",
        also=((_logical, "reduce"),),
        samples=REDUCE,
    )
