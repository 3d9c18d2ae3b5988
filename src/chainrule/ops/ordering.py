"""Sorting, and the order statistics: median, quantiles, percentiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed, constant, op
from chainrule.ops.axes import axes_of
from chainrule.ops.broadcast import spread
from chainrule.ops.reductions import AXES, BAD_AXIS

TIES = "ties: equal elements are taken in the order of their positions"


def _tied(rng: np.random.Generator) -> Any:
    return np.array([[1.0, 3.0, 3.0, 0.0], [3.0, 3.0, 3.0, 3.0]])


def _sort(a: Any, *, axis: int = -1) -> Any:
    return np.sort(a, axis)


def _bind_sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> tuple[tuple[Any], dict[str, Any]]:
    return ((np.ravel(a),), {"axis": 0}) if axis is None else ((a,), {"axis": axis})


@op(_sort, also=(np.sort,), bind=_bind_sort, kink=TIES, samples=[
    S((5,)), S((3, 4)), S((3, 4), axis=0), S((3, 4), axis=None), S((2, 0)), S((1,)),
    S(_tied, smooth=False), S.raises(IndexError, (3,), axis=1, match=r"\(3,\).*axis 1"),
])  # fmt: skip
def sort(g: Any, y: Any, a: Any, *, axis: int = -1) -> Any:
    """Elements in rising order along an axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sort(x)[0])(np.array([3.0, 1.0, 2.0]))
    array([0., 1., 0.])
    """
    order = np.argsort(a, axis=axis, kind="stable")
    places = np.argsort(order, axis=axis, kind="stable")
    return np.take_along_axis(g, places, axis=axis)


# Order statistics -------------------------------------------------------------------------------


def _order_weights(
    a: Any, *, q: float, axis: Any = None, method: Any = "linear", skip_nan: bool = False
) -> Any:
    """Weights of the elements in their quantile along axes: it is their sum by these weights.

    NumPy's quantile of the positions 0, 1, 2, ... says, for every method, between which two
    sorted elements the quantile lies.
    """
    axes = axes_of(a, axis)
    lines = np.moveaxis(a, axes, range(-len(axes), 0)) if axes else np.asarray(a)[..., None]
    moved = lines.shape
    lines = lines.reshape(*moved[: lines.ndim - (len(axes) or 1)], -1)
    n = lines.shape[-1]
    counts = np.sum(~np.isnan(lines), axis=-1) if skip_nan else np.full(lines.shape[:-1], n)
    place = np.zeros(counts.shape)
    for count in np.unique(counts[counts > 0]):
        place[counts == count] = np.quantile(np.arange(float(count)), q, method=method)
    low = np.floor(place)
    share = place - low
    ranks = np.argsort(np.argsort(lines, axis=-1, kind="stable"), axis=-1, kind="stable")
    weights = np.where(ranks == low[..., None], 1 - share[..., None], 0.0)
    weights += np.where(ranks == low[..., None] + 1, share[..., None], 0.0)
    weights = weights.astype(np.result_type(a, np.float32)).reshape(moved)
    return np.moveaxis(weights, range(-len(axes), 0), axes) if axes else weights[..., 0]


order_weights = constant(
    _order_weights,
    name="order_weights",
    samples=[
        S((5,), q=0.5),
        S((3, 4), q=0.3, axis=0),
        S((2, 3, 4), q=0.1, axis=(0, 2)),
        S((), q=1),
    ],
)


def _bind_median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> tuple[tuple[Any], dict[str, Any]]:
    if out is not None or overwrite_input:
        raise UnsupportedError("a median with out= or overwrite_input= cannot be recorded")
    return (a,), {"axis": axis, "keepdims": keepdims is True}


MEDIANS = [*AXES, *BAD_AXIS, S((4,)), S((5,)), S(_tied, axis=1, smooth=False)]


@op(np.median, bind=_bind_median, samples=MEDIANS, kink=TIES)
def median(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Middle element along axes, or the mean of the two in the middle.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.median)(np.array([5.0, 1.0, 2.0, 9.0]))
    array([0.5, 0. , 0.5, 0. ])
    """
    return spread(g, a, axis=axis, keepdims=keepdims) * order_weights(a, q=0.5, axis=axis)


def _some_nan(rng: np.random.Generator) -> Any:
    return np.array([[1.0, np.nan, -2.0, 0.5], [np.nan, 3.0, np.nan, -1.0]])


HOLES = [S(_some_nan), S(_some_nan, axis=1), S(_some_nan, axis=0), S((3, 4), axis=1)]


@op(np.nanmedian, bind=_bind_median, samples=HOLES, kink=TIES)
def nanmedian(g: Any, y: Any, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Median of the elements that are not NaN.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.nanmedian)(np.array([5.0, np.nan, 2.0]))
    array([0.5, 0. , 0.5])
    """
    weights = order_weights(a, q=0.5, axis=axis, skip_nan=True)
    return spread(g, a, axis=axis, keepdims=keepdims) * weights


def _quantile_at(
    a: Any, *, q: float, axis: Any = None, method: str = "linear", keepdims: bool = False,
    skip_nan: bool = False,
) -> Any:  # fmt: skip
    function = np.nanquantile if skip_nan else np.quantile
    return function(a, q, axis=axis, method=method, keepdims=keepdims)  # type: ignore[call-overload]


@op(_quantile_at, kink=TIES, samples=[
    S((5,), q=0.3), S((3, 4), q=0.3, axis=0), S(_some_nan, q=0.5, axis=1, skip_nan=True),
    S.raises(ValueError, (3,), q=1.5, match="0"),
])  # fmt: skip
def quantile_at(
    g: Any, y: Any, a: Any, *, q: float, axis: Any = None, method: str = "linear",
    keepdims: bool = False, skip_nan: bool = False,
) -> Any:  # fmt: skip
    """One quantile along axes.

    Examples
    --------
    >>> import numpy as np
    >>> quantile_at(np.array([0.0, 1.0, 2.0]), q=0.25)
    np.float64(0.5)
    """
    weights = order_weights(a, q=q, axis=axis, method=method, skip_nan=skip_nan)
    return spread(g, a, axis=axis, keepdims=keepdims) * weights


METHODS = (
    "linear", "lower", "higher", "nearest", "midpoint", "inverted_cdf", "averaged_inverted_cdf",
    "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased",
    "normal_unbiased",
)  # fmt: skip


def _each_quantile(a: Any, q: Any, settings: dict[str, Any]) -> Any:
    """Return one quantile, or several of them along new first axes."""
    if isinstance(q, Tensor):
        raise UnsupportedError("a quantile has no derivative by q: give plain numbers")
    if np.ndim(q) == 0:
        return quantile_at(a, q=float(q), **settings)
    return np.stack([_each_quantile(a, part, settings) for part in q])


def _declare_quantile(function: Any, scale: float, skip_nan: bool) -> None:
    def body(
        a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
    ) -> Any:
        settings = {"axis": axis, "method": method, "keepdims": keepdims, "skip_nan": skip_nan}
        return _each_quantile(a, q if scale == 1 or isinstance(q, Tensor) else _over(q), settings)

    def _over(q: Any) -> Any:
        return np.asarray(q) / scale

    half, several = 0.5 * scale, np.array([0.0, 0.3, 1.0]) * scale
    shape = _some_nan if skip_nan else (3, 4)
    body.__name__ = function.__name__
    body.__doc__ = f"`numpy.{function.__name__}` of plain `q`, by any method, along axes."
    samples = [S(shape, half), S(shape, half, axis=1), S(shape, q=several, axis=0, keepdims=True)]
    samples += [S((7,), 0.3 * scale, method=method) for method in METHODS]
    samples += [S((3, 4), q=several.reshape(3, 1), axis=-1), S(_tied, half, smooth=False)]
    samples += [S.raises(UnsupportedError, (4,), lambda rng: Tensor(0.5), match="plain numbers")]
    composed(function, samples=samples, kink=TIES)(body)


_declare_quantile(np.quantile, 1, False)
_declare_quantile(np.percentile, 100, False)
_declare_quantile(np.nanquantile, 1, True)
_declare_quantile(np.nanpercentile, 100, True)
