"""Choosing among elements: by a condition, by size, by bounds, by an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ShapeError, UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed, elementwise, linear, op
from chainrule.ops.arithmetic import ONE, PAIRS


def _mask(rng: np.random.Generator) -> Any:
    return rng.random((3, 4)) < 0.5


def _masks(rng: np.random.Generator) -> Any:
    return [rng.random((3, 4)) < 0.4, rng.random((3, 4)) < 0.6]


def _indices(rng: np.random.Generator) -> Any:
    return rng.integers(0, 2, (3, 4))


@op(np.where, kind=elementwise, inactive=("condition",), samples=[
    S(_mask, (3, 4), (4,)), S(_mask, (1, 4), 0.0), S(True, (2,), (2,)),
])  # fmt: skip
def where(g: Any, y: Any, condition: Any, x: Any, z: Any) -> Any:
    """Elements of `x` where the condition holds, of `z` elsewhere.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.where(x > 0, x, 0.1 * x)))(np.array([-1.0, 2.0]))
    array([0.1, 1. ])
    """
    return np.where(condition, g, 0.0), np.where(condition, 0.0, g)


HALVES = "at a tie: one half to each"


def _winner(g: Any, wins: Any, ties: Any) -> Any:
    return np.where(ties, 0.5 * g, np.where(wins, g, 0.0))


@op(np.maximum, kind=elementwise, samples=PAIRS, kink=HALVES)
def maximum(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The larger of two elements; NaN if either is.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.maximum, (0, 1))(1.0, 1.0)
    (np.float64(0.5), np.float64(0.5))
    """
    return lambda: _winner(g, a > b, a == b), lambda: _winner(g, a < b, a == b)


@op(np.minimum, kind=elementwise, samples=PAIRS, kink=HALVES)
def minimum(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The smaller of two elements; NaN if either is.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.minimum, (0, 1))(1.0, 2.0)
    (np.float64(1.0), np.float64(0.0))
    """
    ties = np.equal(a, b)
    return lambda: _winner(g, np.less(a, b), ties), lambda: _winner(g, np.greater(a, b), ties)


@op(np.fmax, kind=elementwise, samples=PAIRS, kink=HALVES)
def fmax(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The larger of two elements; the number, if one is NaN.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.fmax, (0, 1))(1.0, np.nan)
    (np.float64(1.0), np.float64(0.0))
    """
    ties = np.equal(a, b)
    return (
        lambda: _winner(g, np.logical_or(np.greater(a, b), np.isnan(b)), ties),
        lambda: _winner(g, np.logical_or(np.less(a, b), np.isnan(a)), ties),
    )


@op(np.fmin, kind=elementwise, samples=PAIRS, kink=HALVES)
def fmin(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The smaller of two elements; the number, if one is NaN.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.fmin, (0, 1))(np.nan, 1.0)
    (np.float64(0.0), np.float64(1.0))
    """
    ties = np.equal(a, b)
    return (
        lambda: _winner(g, np.logical_or(np.less(a, b), np.isnan(b)), ties),
        lambda: _winner(g, np.logical_or(np.greater(a, b), np.isnan(a)), ties),
    )


# What the method `clip` of an array calls; NumPy gives it no public name.
CLIP_UFUNC = np._core.umath.clip  # type: ignore[attr-defined]


def _bind_clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **kwargs: Any
) -> tuple[Sequence[Any], dict[str, Any]]:
    low, high = kwargs.pop("min", a_min), kwargs.pop("max", a_max)
    kwargs = {k: v for k, v in kwargs.items() if v is not None}
    if out is not None or kwargs:
        name = "out" if out is not None else next(iter(kwargs))
        raise UnsupportedError(f"clip(..., {name}=...) is not supported on a Tensor; leave it out")
    dtype = np.result_type(a)
    ends: tuple[float, float] = (-np.inf, np.inf)
    if dtype.kind in "iu":
        ends = (np.iinfo(dtype).min, np.iinfo(dtype).max)
    low = ends[0] if low is None or low is np._NoValue else low
    high = ends[1] if high is None or high is np._NoValue else high
    return (a, low, high), {}


@op(
    np.clip,
    also=(CLIP_UFUNC,),
    kind=elementwise,
    bind=_bind_clip,
    samples=[
        S((3, 4), -1.0, 0.5), S((3, 4), None, 1.0), S((3, 4), (4,), None), S((), -1.0, 1.0),
        S((3, 4), -1.0, (3, 1)), S((0, 2), 0.0, 1.0),
    ],
    kink="at a bound: 1, and 0 by the bound",
)  # fmt: skip
def clip(g: Any, y: Any, x: Any, low: Any, high: Any) -> Any:
    """Elements no smaller than `low` and no larger than `high`; ``None`` is no bound.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.clip(x, -1.0, 1.0)))(np.array([-2.0, 1.0]))
    array([0., 1.])
    """
    return (
        lambda: np.where(np.logical_and(x >= low, x <= high), g, 0.0),
        lambda: np.where(np.logical_and(x < low, low <= high), g, 0.0),
        lambda: np.where(np.logical_or(x > high, low > high), g, 0.0),
    )


def _bind_nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> tuple[Sequence[Any], dict[str, Any]]:
    if not copy:
        raise UnsupportedError("nan_to_num(..., copy=False) would change a recorded Tensor")
    return (x,), {"nan": nan, "posinf": posinf, "neginf": neginf}


def _some_nan(rng: np.random.Generator) -> Any:
    return np.array([[1.0, np.nan], [np.inf, -np.inf]])


@op(
    np.nan_to_num,
    kind=elementwise,
    bind=_bind_nan_to_num,
    samples=[*ONE, S((2,), nan=1.0), S(_some_nan, posinf=9.0, smooth=False)],
)
def nan_to_num(
    g: Any, y: Any, x: Any, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """Numbers in the place of NaN and infinities, which get no gradient.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.nan_to_num(x)))(np.array([1.0, np.nan]))
    array([1., 0.])
    """
    return np.where(np.isfinite(x), g, 0.0)


@composed(np.select, samples=[
    S(_masks, [(3, 4), (4,)]), S(_masks, [(3, 4), 1.0], 2.0), S([True, False], [(2,), (2,)]),
])  # fmt: skip
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Elements of the first choice whose condition holds, or the default.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> f = lambda x: np.sum(np.select([x < 0, x < 2], [-x, 3 * x], x))
    >>> cr.grad(f)(np.array([-1.0, 1.0, 2.0]))
    array([-1.,  3.,  1.])
    """
    if len(condlist) != len(choicelist):
        raise ShapeError(f"select: {len(condlist)} conditions, but {len(choicelist)} choices")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return result


def _choose(index: Any, *choices: Any, mode: Any = "raise") -> Any:
    return np.choose(index, choices, mode=mode)


def _bind_choose(
    a: Any, choices: Any, out: Any = None, mode: str = "raise"
) -> tuple[Sequence[Any], dict[str, Any]]:
    return (a, *choices), {"mode": mode}


@op(
    _choose,
    also=(np.choose,),
    kind=linear,
    inactive=("index",),
    bind=_bind_choose,
    samples=[S(_indices, [(3, 4), (4,)]), S(_indices, [(3, 1), 0.5, 1.0], mode="wrap")],
)
def choose(g: Any, y: Any, index: Any, *choices: Any, mode: str = "raise") -> Any:
    """Elements of the choice that the index names.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.choose([0, 1], [x, 3 * x])))(np.array([1.0, 1.0]))
    array([1., 3.])
    """
    if mode == "wrap":
        index = np.remainder(index, len(choices))
    elif mode == "clip":
        index = np.clip(index, 0, len(choices) - 1)
    return tuple(np.where(np.equal(index, i), g, 0.0) for i in range(len(choices)))


def _positive_and_other(rng: np.random.Generator) -> Any:
    return [np.array([True, False, True, False])]


@composed(np.piecewise, samples=[
    S((4,), _positive_and_other, lambda rng: [np.exp, np.tanh]),
    S((4,), _positive_and_other, lambda rng: [np.square, 2.0]),
    S((4,), _positive_and_other, lambda rng: [np.square]),
])  # fmt: skip
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any) -> Any:
    """Apply to each part of an array its own function.

    As in NumPy a function sees only the elements where its condition holds, so that one part
    cannot spoil the gradient of another.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> f = lambda x: np.sum(np.piecewise(x, [x > 0], [np.sqrt, 0.0]))
    >>> cr.grad(f)(np.array([-1.0, 0.0, 4.0]))
    array([0.  , 0.  , 0.25])
    """
    if any(isinstance(mask, Tensor) for mask in (condlist, *condlist)):
        raise UnsupportedError(
            "piecewise cannot be traced, for the sizes of its parts depend on numbers: "
            "use np.where or np.select"
        )
    if np.ndim(x) and not isinstance(condlist[0], (list, np.ndarray)):
        condlist = [condlist]
    masks = [np.asarray(mask, bool) for mask in condlist]
    if len(funclist) == len(masks) + 1:
        masks.append(~np.logical_or.reduce(masks))
    elif len(funclist) != len(masks):
        raise ShapeError(f"piecewise: {len(masks)} conditions, but {len(funclist)} functions")
    result = np.zeros_like(x)
    for mask, function in zip(masks, funclist, strict=True):
        if mask.any():
            part = _part(x, mask, function, args) if callable(function) else function
            result = np.where(mask, part, result)
    return result


def _part(x: Any, mask: Any, function: Callable[..., Any], args: Sequence[Any]) -> Any:
    """Apply a function where a mask holds; elsewhere any of its values stands."""
    if not mask.ndim:
        return function(x, *args)
    part = function(x[mask], *args)
    place = np.maximum(np.cumsum(mask.ravel()).reshape(mask.shape) - 1, 0)
    return part[place] if np.ndim(part) else part


@composed(np.interp, samples=[
    S((5,), lambda rng: np.array([-1.0, 0.3, 1.1]), (3,)),
    S((2, 2), lambda rng: np.array([-1.0, 0.3, 1.1]), (3,), left=0.0, right=1.0),
    S((), lambda rng: np.array([-3.0, 3.0]), (2,)),
    S((4,), lambda rng: np.array([0.2, 0.5, 0.9]), (3,), period=1.0),
], kink="at a point of xp: the slope to its right; at the last, that to its left")  # fmt: skip
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Value at `x` of the line through the points ``(xp, fp)``; `xp` increases.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 5.0, 6.0]))(0.5)
    np.float64(5.0)
    """
    if np.size(xp) < 2:
        raise UnsupportedError("interp of a Tensor needs two points at least")
    if isinstance(xp, (list, tuple)):
        xp = np.stack(xp)
    if isinstance(fp, (list, tuple)):
        fp = np.stack(fp)
    if period is not None:
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp, left, right = np.concatenate([fp[-1:], fp, fp[:1]]), None, None
    i = np.searchsorted(xp[1:-1], x, side="right")
    start, end = xp[:-1][i], xp[1:][i]
    share = np.clip((x - start) / (end - start), 0.0, 1.0)
    inside = fp[:-1][i] * (1.0 - share) + fp[1:][i] * share
    if left is not None:
        inside = np.where(np.less(x, xp[0]), left, inside)
    return inside if right is None else np.where(np.greater(x, xp[-1]), right, inside)
