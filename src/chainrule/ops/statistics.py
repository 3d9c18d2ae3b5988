"""Statistics along axes: weighted means, variances, covariances, and what passes over NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed, op
from chainrule.ops.axes import axes_of
from chainrule.ops.broadcast import cast, spread
from chainrule.ops.reductions import AXES, BAD_AXIS, extent


@composed(np.average, samples=[
    *AXES, S((3, 4), weights=np.array([1.0, 2.0, 0.5, 0.0]), axis=1), S((3,), None, (3,)),
    S((3, 4), 0, (3, 4), domain=(0.5, 2.0)), S((3, 4), 1, (4,), True, domain=(0.5, 2.0)),
    S((2, 3, 4), lambda rng: (0, 2), (2, 4), keepdims=True, domain=(0.5, 2.0)),
    S.raises(ValueError, (3, 4), weights=np.ones(3), match=r"\(3,\).*\(3, 4\)"),
])  # fmt: skip
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    """Weighted mean along axes, and with `returned` the sum of the weights too.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.average(x, weights=[3.0, 1.0]))(np.zeros(2))
    array([0.75, 0.25])
    """
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        return (mean, np.zeros_like(mean) + extent(a, axis=axis)) if returned else mean
    weights = _fitted_weights(weights, a, axis)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, np.zeros_like(mean) + total) if returned else mean


def _fitted_weights(weights: Any, a: Any, axis: Any) -> Any:
    """Give weights that run along the averaged axes only the other axes."""
    weights = weights if isinstance(weights, Tensor) else np.asarray(weights)
    if np.shape(weights) == np.shape(a):
        return weights
    axes = axes_of(a, axis)
    if axis is None or np.shape(weights) != tuple(np.shape(a)[i] for i in axes):
        raise ValueError(
            f"weights of shape {np.shape(weights)} for shape {np.shape(a)} along axis={axis}: "
            "they must have the array's shape, or that of the axes that are averaged"
        )
    weights = np.transpose(weights, np.argsort(axes).tolist())
    return np.expand_dims(weights, tuple(i for i in range(np.ndim(a)) if i not in axes))


# Variance ---------------------------------------------------------------------------------------


def _bind_var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
    keepdims: Any = False, *, where: Any = None, mean: Any = None, correction: Any = None,
) -> tuple[tuple[Any], dict[str, Any]]:  # fmt: skip
    for name, value in (("dtype", dtype), ("out", out), ("where", where), ("mean", mean)):
        if value is not None and value is not np._NoValue:
            raise UnsupportedError(f"a variance with {name}= is not supported on a Tensor")
    if correction is not None and correction is not np._NoValue:
        if ddof:
            raise ValueError("ddof and correction mean the same: give one")
        ddof = correction
    return (a,), {"axis": axis, "ddof": ddof, "keepdims": keepdims is True}


def _deviation(g: Any, a: Any, axis: Any, ddof: float, keepdims: bool) -> Any:
    """Return deviations from the mean, times `g`, over the degrees of freedom."""
    scaled = g / (extent(a, axis=axis) - ddof)
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    return spread(scaled, a, axis=axis, keepdims=keepdims) * deviation


def _equal(rng: np.random.Generator) -> Any:
    return np.full((2, 3), 0.5)


SPREADS = [*AXES[:-1], *BAD_AXIS, S((3, 4), ddof=1), S((3, 4), axis=1, correction=1)]


@op(np.var, bind=_bind_var, samples=[
    *SPREADS, S(_equal, axis=1), S(()), S.raises(UnsupportedError, (3,), mean=1.0, match="mean="),
])  # fmt: skip
def var(
    g: Any, y: Any, a: Any, *, axis: Any = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    """Variance along axes, over ``n - ddof`` degrees of freedom.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.var)(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    return 2.0 * _deviation(g, a, axis, ddof, keepdims)


@op(np.std, bind=_bind_var, samples=[*SPREADS, S(_equal, axis=1, smooth=False)],
    kink="equal numbers: zero")  # fmt: skip
def std(
    g: Any, y: Any, a: Any, *, axis: Any = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    """Standard deviation along axes; of equal numbers the gradient is zero.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.std)(np.array([1.0, 3.0]))
    array([-0.5,  0.5])
    >>> cr.grad(np.std)(np.array([2.0, 2.0]))
    array([0., 0.])
    """
    low, high = (f(a, axis=axis, keepdims=keepdims) for f in (np.min, np.max))
    equal = np.equal(low, high)  # rounding may leave y a little above zero
    return _deviation(np.where(equal, 0.0, g / np.where(equal, 1.0, y)), a, axis, ddof, keepdims)


# Covariance -------------------------------------------------------------------------------------

COVARIANCES = [S((3, 5)), S((5,)), S((3, 5), (2, 5)), S((5, 3), rowvar=False), S((4,), (4,))]


@composed(np.cov, samples=[
    *COVARIANCES, S((3, 5), bias=True), S((3, 5), ddof=0), S((3, 4), fweights=[1, 2, 1, 3]),
    S((3, 4), aweights=np.array([0.5, 1.0, 2.0, 1.0])),
    S((3, 4), None, True, False, 0, [1, 2, 1, 3], [0.5, 1.0, 2.0, 1.0]),
    S.raises(ValueError, (2, 3, 4), match=r"\(2, 3, 4\)"),
])  # fmt: skip
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None,
) -> Any:  # fmt: skip
    """Covariance matrix of variables in rows (in columns, unless `rowvar`).

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.cov(x))(np.array([1.0, 3.0]))
    array([-2.,  2.])
    """
    if np.ndim(m) > 2 or np.ndim(y if y is not None else 0) > 2:
        raise ValueError(f"a covariance takes at most two axes, not shape {np.shape(m)}")
    variables = [_in_rows(x, rowvar) for x in (m, y) if x is not None]
    x = variables[0] if len(variables) == 1 else np.concatenate(variables, axis=0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = [np.asarray(w, float) for w in (fweights, aweights) if w is not None]
    if not weights:
        centred = x - np.mean(x, axis=1, keepdims=True)
        return np.squeeze(centred @ centred.T / (extent(x, axis=1) - ddof))
    w = weights[0] if len(weights) == 1 else weights[0] * weights[1]
    correction = ddof if aweights is None else ddof * np.sum(w * weights[-1]) / np.sum(w)
    centred = x - np.sum(x * w, axis=1, keepdims=True) / np.sum(w)
    return np.squeeze((centred * w) @ centred.T / (np.sum(w) - correction))


def _in_rows(x: Any, rowvar: bool) -> Any:
    x = np.atleast_2d(x if isinstance(x, Tensor) else np.asarray(x))
    return x if rowvar or np.shape(x)[0] == 1 else x.T


@composed(np.corrcoef, samples=COVARIANCES[:1] + COVARIANCES[2:])
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """Correlation coefficients of variables in rows (in columns, unless `rowvar`).

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.round(np.corrcoef(cr.Tensor([[1.0, 2.0], [2.0, 1.0]])).value)
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    c = np.cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    scale = np.sqrt(np.diagonal(c))
    return c / scale[:, None] / scale[None, :]


# Passing over NaN -------------------------------------------------------------------------------


def _some_nan(rng: np.random.Generator) -> Any:
    return np.array([[1.0, np.nan, -2.0, 0.5], [np.nan, 3.0, 0.7, -1.0], [2.0, 1.5, -0.5, 4.0]])


HOLES = [
    S(_some_nan), S(_some_nan, axis=0), S(_some_nan, 1, keepdims=True), S((2, 3)),
    S(_some_nan, axis=(0, 1)),
]  # fmt: skip


def _filled(a: Any, value: float) -> Any:
    return np.where(np.isnan(a), value, a)


def _present(a: Any, axis: Any, keepdims: bool) -> Any:
    """Return the number of elements that are not NaN, in the array's own dtype."""
    return np.sum(cast(np.logical_not(np.isnan(a)), a), axis=axis, keepdims=keepdims)


def _passing_nan(function: Any, reduction: Any, neutral: float, undefined: bool) -> None:
    """Declare a NaN-skipping reduction: NaN becomes neutral, a slice of nothing else NaN again."""

    def body(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        y = reduction(_filled(a, neutral), axis=axis, keepdims=keepdims)
        if not undefined:
            return y
        return np.where(np.equal(_present(a, axis, keepdims), 0), np.nan, y)

    body.__name__ = function.__name__
    body.__doc__ = f"`numpy.{reduction.__name__}` over the elements that are not NaN."
    composed(function, samples=HOLES)(body)


_passing_nan(np.nansum, np.sum, 0.0, False)
_passing_nan(np.nanprod, np.prod, 1.0, False)
_passing_nan(np.nanmax, np.max, -np.inf, True)
_passing_nan(np.nanmin, np.min, np.inf, True)


def _passing_nan_along(function: Any, accumulation: Any, neutral: float) -> None:
    def body(a: Any, axis: int | None = None) -> Any:
        return accumulation(_filled(a, neutral), axis=axis)

    body.__name__ = function.__name__
    body.__doc__ = f"`numpy.{accumulation.__name__}` as if NaN were {neutral:.0f}."
    composed(function, samples=[S(_some_nan), S(_some_nan, axis=1), S((2, 3), 0)])(body)


_passing_nan_along(np.nancumsum, np.cumsum, 0.0)
_passing_nan_along(np.nancumprod, np.cumprod, 1.0)


@composed(np.nanmean, samples=HOLES)
def nanmean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Mean of the elements that are not NaN.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.nanmean)(np.array([1.0, np.nan, 3.0]))
    array([0.5, 0. , 0.5])
    """
    total = np.sum(_filled(a, 0.0), axis=axis, keepdims=keepdims)
    return total / _present(a, axis, keepdims)


@composed(np.nanvar, samples=[*HOLES, S(_some_nan, axis=1, ddof=1)])
def nanvar(
    a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Any:
    """Variance of the elements that are not NaN.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.nanvar)(np.array([1.0, np.nan, 3.0]))
    array([-1.,  0.,  1.])
    """
    ddof = ddof if correction is None else correction
    deviation = _filled(a - nanmean(a, axis=axis, keepdims=True), 0.0)
    return np.sum(deviation**2, axis=axis, keepdims=keepdims) / (_present(a, axis, keepdims) - ddof)


@composed(np.nanstd, samples=[*HOLES, S(_equal, axis=1, smooth=False)], kink="equal numbers: zero")
def nanstd(
    a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, correction: Any = None
) -> Any:
    """Standard deviation of the elements that are not NaN; of equal numbers the gradient is zero.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.nanstd)(np.array([1.0, np.nan, 3.0]))
    array([-0.5,  0. ,  0.5])
    """
    variance = nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims, correction=correction)
    low, high = (f(a, axis=axis, keepdims=keepdims) for f in (np.nanmin, np.nanmax))
    equal = np.equal(low, high)  # rounding may leave the variance a little above zero
    return np.where(equal, 0.0, np.sqrt(np.where(equal, 1.0, variance)))
