"""Running sums and products, and the differences that undo them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import composed, constant, general, linear, op
from chainrule.ops.axes import along, axis_of
from chainrule.ops.shapes import reshape_like

LINES = [S((3, 4), axis=0), S((3, 4), axis=-1), S((5,)), S((3, 2)), S((0, 2), axis=0), S((2, 0, 3))]
BAD_AXIS = [S.raises(IndexError, (3, 4), axis=2, match=r"axis 2.*\(3, 4\)|\(3, 4\).*axis 2")]


def _backwards(function: Any, a: Any, axis: int) -> Any:
    return np.flip(function(np.flip(a, axis), axis=axis), axis)


@op(np.cumsum, kind=linear, samples=[*LINES, *BAD_AXIS, S(())])
def cumsum(g: Any, y: Any, a: Any, *, axis: int | None = None) -> Any:
    """Running sum along an axis; its transpose runs from the other end.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.cumsum(x)))(np.zeros(3))
    array([3., 2., 1.])
    """
    if axis is None:
        return reshape_like(_backwards(np.cumsum, g, 0), a)
    return _backwards(np.cumsum, g, axis)


def _recurrence(a: Any, b: Any, *, axis: int) -> Any:
    factors, terms = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    states = np.empty(terms.shape, np.result_type(a, b))
    state: Any = 0.0
    for i in range(len(terms)):
        state = factors[i] * state + terms[i]
        states[i] = state
    return np.moveaxis(states, 0, axis)


def _shifted(a: Any, axis: int, forwards: bool) -> Any:
    """Move elements one place along an axis; a zero enters and the last one leaves."""
    zero = np.zeros_like(a[along(axis, slice(None, 1))])
    if forwards:
        return np.concatenate([zero, a[along(axis, slice(None, -1))]], axis=axis)
    return np.concatenate([a[along(axis, slice(1, None))], zero], axis=axis)


@op(_recurrence, kind=general, samples=[
    S((4,), (4,), axis=0), S((3, 4), (3, 4), axis=1), S((2, 3, 2), (2, 3, 2), axis=1),
    S((0, 2), (0, 2), axis=0), S((1,), (1,), axis=0),
])  # fmt: skip
def recurrence(g: Any, y: Any, a: Any, b: Any, *, axis: int) -> Any:
    """States of ``s[i] = a[i] * s[i - 1] + b[i]`` along an axis, from ``s[-1] = 0``.

    Its transpose is a recurrence from the other end, so nothing is ever divided.

    Parameters
    ----------
    a, b : arrays of one shape
        Factors and terms.
    axis : int
        Counted from the first.

    Examples
    --------
    >>> import numpy as np
    >>> recurrence(np.array([9.0, 2.0, 2.0]), np.ones(3), axis=0)
    array([1., 3., 7.])
    """
    factors = np.flip(_shifted(a, axis, forwards=False), axis)
    carried = np.flip(recurrence(factors, np.flip(g, axis), axis=axis), axis)
    return carried * _shifted(y, axis, forwards=True), carried


def _with_zeros(rng: np.random.Generator) -> Any:
    return np.array([[2.0, 0.0, -1.5], [0.0, 0.0, 3.0], [1.0, 0.5, -2.0]])


@op(np.cumprod, samples=[*LINES, *BAD_AXIS, S(()), S(_with_zeros), S(_with_zeros, axis=1)])
def cumprod(g: Any, y: Any, a: Any, *, axis: int | None = None) -> Any:
    """Running product along an axis; the gradient is exact where elements are zero.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.cumprod(x)))(np.array([2.0, 0.0, 5.0]))
    array([ 1., 12.,  0.])
    """
    if axis is None:
        return reshape_like(_cumprod_rule(g, y, np.ravel(a), 0), a)
    return _cumprod_rule(g, y, a, axis_of(a, axis))


def _cumprod_rule(g: Any, y: Any, a: Any, axis: int) -> Any:
    factors = np.flip(_shifted(a, axis, forwards=False), axis)
    carried = np.flip(recurrence(factors, np.flip(g, axis), axis=axis), axis)
    one = np.ones_like(a[along(axis, slice(None, 1))])
    return carried * np.concatenate([one, y[along(axis, slice(None, -1))]], axis=axis)


def _cumulative(function: Any, first: Any, x: Any, axis: int | None, include_initial: bool) -> Any:
    if axis is None:
        if np.ndim(x) != 1:
            raise ValueError(f"an array of shape {np.shape(x)} needs the axis named")
        axis = 0
    running = function(x, axis=axis)
    if not include_initial:
        return running
    start = first(np.sum(x, axis=axis, keepdims=True))
    return np.concatenate([start, running], axis=axis)


CUMULATIVE = [
    S((5,)),
    S((3, 4), axis=1),
    S((3, 4), axis=0, include_initial=True),
    S.raises(ValueError, (3, 4), match=r"\(3, 4\)"),
]


@composed(np.cumulative_sum, samples=CUMULATIVE)
def cumulative_sum(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Running sum along an axis, after a zero if `include_initial`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.cumulative_sum(x)))(np.zeros(3))
    array([3., 2., 1.])
    """
    return _cumulative(np.cumsum, np.zeros_like, x, axis, include_initial)


@composed(np.cumulative_prod, samples=CUMULATIVE)
def cumulative_prod(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Running product along an axis, after a one if `include_initial`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.cumulative_prod(x)))(np.array([2.0, 3.0]))
    array([4., 2.])
    """
    return _cumulative(np.cumprod, np.ones_like, x, axis, include_initial)


def _as_accumulate(ufunc: np.ufunc, function: Any) -> None:
    """Let ``ufunc.accumulate``, whose axis is 0 unless given, mean the function that it is."""

    def accumulate(array: Any, axis: int = 0) -> Any:
        return function(array, axis=axis)

    accumulate.__name__ = f"{ufunc.__name__}_accumulate"
    accumulate.__doc__ = f"``numpy.{ufunc.__name__}.accumulate``: `numpy.{function.__name__}`."
    composed((ufunc, "accumulate"), samples=[S((3, 4)), S((3, 4), axis=-1)])(accumulate)


_as_accumulate(np.add, np.cumsum)
_as_accumulate(np.multiply, np.cumprod)


@composed(np.diff, samples=[
    *LINES[:4], *BAD_AXIS, S((4, 3), 2, 0), S((3, 4), 0), S((3, 4), 5), S((3, 2), prepend=1.0),
    S((3,), 1, -1, (2,), (1,)), S.raises(ValueError, (), match="0-d"),
])  # fmt: skip
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis, `n` times.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.diff(x) ** 2))(np.array([1.0, 2.0, 4.0]))
    array([-2., -2.,  4.])
    """
    if np.ndim(a) == 0:
        raise ValueError("a 0-d array has no differences")
    if n < 0:
        raise ValueError(f"differences of order {n}; the order is 0 or more")
    axis = axis_of(a, axis)
    ends = [_end(a, x, axis) for x in (prepend, append)]
    if any(end is not None for end in ends):
        pieces = [x for x in (ends[0], a, ends[1]) if x is not None]
        a = np.concatenate(pieces, axis=axis)
    for _ in range(n):
        a = a[along(axis, slice(1, None))] - a[along(axis, slice(None, -1))]
    return a


def _end(a: Any, value: Any, axis: int) -> Any:
    """Return what `diff` sets before or behind an array; a number fills one place."""
    if value is None or value is np._NoValue or np.ndim(value):
        return None if value is np._NoValue else value
    return np.zeros_like(a[along(axis, slice(None, 1))]) + value


@composed(np.ediff1d, samples=[S((4,)), S((2, 3)), S((3,), (2,), (1,)), S((3,), 1.0), S((1,))])
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours of the flattened array, with values set before and behind.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.ediff1d(x)))(np.array([1.0, 2.0, 4.0]))
    array([-1.,  0.,  1.])
    """
    middle = np.diff(np.ravel(ary))
    pieces = [np.ravel(x) for x in (to_begin, middle, to_end) if x is not None]
    return np.concatenate(pieces) if len(pieces) > 1 else middle


@composed(np.trapezoid, samples=[
    S((5,)), S((3, 4), dx=0.5), S((3, 4), axis=0), S((4,), (4,)), S((3, 4), (4,)),
    S((3, 2), (3,), axis=0), S((3, 4), (3, 4)), S((1,)),
])  # fmt: skip
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral along an axis by the trapezoidal rule.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.trapezoid)(np.array([1.0, 2.0, 4.0]))
    array([0.5, 1. , 0.5])
    """
    axis = axis_of(y, axis)
    steps: Any = dx
    if x is not None:
        if np.ndim(x) == 1:
            steps = np.expand_dims(np.diff(x), tuple(range(1, np.ndim(y) - axis)))
        else:
            steps = np.diff(x, axis=axis)
    sums = y[along(axis, slice(1, None))] + y[along(axis, slice(None, -1))]
    return np.sum(steps * sums / 2.0, axis=axis)


@composed(np.gradient, samples=[
    S((5,)), S((3, 4)), S((4, 3), 0.5, axis=0), S((5,), (5,)), S((4, 5), 2.0, (5,)),
    S((4,), edge_order=2), S((5,), (5,), edge_order=2), S((3, 4), axis=(1, 0)),
    S.raises(ValueError, (1, 3), match=r"\(1, 3\)"),
])  # fmt: skip
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Numerical derivative along axes by central differences, one-sided at the ends.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda f: np.sum(np.gradient(f)))(np.array([1.0, 2.0, 4.0]))
    array([-1.5,  0. ,  1.5])
    """
    if edge_order not in (1, 2):
        raise UnsupportedError(f"gradient(..., edge_order={edge_order}): 1 and 2 are known")
    several = axis is None or not np.isscalar(axis)
    axes = range(np.ndim(f)) if axis is None else axis if several else (axis,)
    axes = [axis_of(f, i) for i in axes]
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    if len(spacings) != len(axes):
        raise ValueError(f"{len(varargs)} spacings for {len(axes)} axes")
    results = [_slope(f, i, spacing, edge_order) for i, spacing in zip(axes, spacings, strict=True)]
    return tuple(results) if len(results) > 1 else results[0]


def _slope(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    """Return the derivative along one axis: second order inside (Fornberg 1988, three points)."""
    if np.shape(f)[axis] <= edge_order:
        raise ValueError(f"shape {np.shape(f)} is too short along axis {axis} to differentiate")

    def part(start: int | None, stop: int | None) -> Any:
        return f[along(axis, slice(start, stop))]

    if np.ndim(spacing):
        spacing = np.expand_dims(np.diff(spacing), tuple(range(1, np.ndim(f) - axis)))
    steps = np.ones_like(np.diff(f, axis=axis)) * spacing

    def step(start: int | None, stop: int | None) -> Any:
        return steps[along(axis, slice(start, stop))]

    h, k = step(None, -1), step(1, None)
    rises = np.diff(f, axis=axis) / steps
    left, right = rises[along(axis, slice(None, -1))], rises[along(axis, slice(1, None))]
    inner = (k * left + h * right) / (h + k)
    first, last = rises[along(axis, slice(None, 1))], rises[along(axis, slice(-1, None))]
    if edge_order == 2:
        bend = (right - left) / (h + k)
        first = first - step(None, 1) * bend[along(axis, slice(None, 1))]
        last = last + step(-1, None) * bend[along(axis, slice(-1, None))]
    return np.concatenate([first, inner, last], axis=axis)


def _turns(p: Any, *, discont: float | None, axis: int, period: float) -> Any:
    """What `numpy.unwrap` adds to angles: whole periods, piecewise constant."""
    return np.unwrap(p, discont, axis, period=period) - p


turns = constant(
    _turns, name="turns", samples=[S((4,), discont=None, axis=-1, period=2.0, smooth=False)]
)


@composed(np.unwrap, kink="jumps: the periods added are constants", samples=[
    S((5,), domain=(-9.0, 9.0)), S((3, 4), axis=0, domain=(-9.0, 9.0)), S((4,), period=1.0),
])  # fmt: skip
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Angles along an axis, whole periods added so that neighbours lie close.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda p: np.unwrap(p)[1])(np.array([0.0, 6.0]))
    array([0., 1.])
    """
    return p + turns(p, discont=discont, axis=axis, period=period)


@composed(np.vander, samples=[
    S((3,)), S((3,), 2), S((3,), N=4, increasing=True), S((0,), 2), S((2,), 0),
    S.raises(ValueError, (2, 2), match=r"\(2, 2\)"),
])  # fmt: skip
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Powers of the elements, a row for each element.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.vander(x, 3)))(np.array([2.0]))
    array([5.])
    """
    if np.ndim(x) != 1:
        raise ValueError(f"vander takes a vector, not shape {np.shape(x)}")
    powers = np.arange(np.size(x) if N is None else N)
    return np.power(x[:, None], powers if increasing else powers[::-1])
