"""Scaling of numbers, column by column, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from chainrule.constraints import Constraint, Interval, OneOf, check
from chainrule.errors import FileFormatError, ShapeError
from chainrule.graph import Array
from chainrule.ops import erfc


@dataclass(frozen=True)
class Scaler:
    """Maps each column x to (x - center) / scale.

    Statistics leave NaN out. A column without spread, or without a value, keeps its scale.

    Parameters
    ----------
    center, scale : float64 array, shape (d,) or ()
        What is subtracted, and the positive number that divides.

    Examples
    --------
    >>> X = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> Scaler.standard(X).transform(X).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """

    center: Array
    scale: Array

    @classmethod
    def standard(cls, X: Array) -> Scaler:
        """Give every column of (n, d) numbers mean 0 and standard deviation 1.

        Examples
        --------
        >>> float(Scaler.standard(np.array([1.0, 3.0])).center)
        2.0
        """
        X = np.asarray(X, np.float64)
        low, high = -_maximum(-X), _maximum(X)
        center = np.where(low == high, high, _mean(X))  # a rounded mean would be off a constant
        distance = np.abs(X - center)
        # Squares of huge and of tiny numbers leave the range of float64, ratios do not.
        unit = _positive(_maximum(distance))
        return cls(center, _positive(unit * np.sqrt(_mean((distance / unit) ** 2))))

    @classmethod
    def min_max(cls, X: Array) -> Scaler:
        """Map the smallest number of every column to 0 and the largest to 1.

        Examples
        --------
        >>> Scaler.min_max(np.array([2.0, 4.0])).transform(np.array([3.0, 6.0])).tolist()
        [0.5, 2.0]
        """
        X = np.asarray(X, np.float64)
        low = -_maximum(-X)
        return cls(low, _positive(_maximum(X) - low))

    @classmethod
    def robust(cls, X: Array) -> Scaler:
        """Center on the median and divide by the distance of the quartiles.

        Examples
        --------
        >>> Scaler.robust(np.array([1.0, 2.0, 3.0, 4.0, 1e6])).transform(np.array([5.0])).tolist()
        [1.0]
        """
        X = np.asarray(X, np.float64)
        lower, center, upper = _quantiles(X, (0.25, 0.5, 0.75))
        return cls(center, _positive(upper - lower))

    def transform(self, X: Array) -> Array:
        """Return the scaled numbers, in float64."""
        _check_columns(X, self.center.shape)
        return np.asarray((X - self.center) / self.scale)

    def inverse(self, Z: Array) -> Array:
        """Return the numbers whose scaled values are given."""
        _check_columns(Z, self.center.shape)
        return np.asarray(Z * self.scale + self.center)

    def to_dict(self) -> dict[str, Any]:
        """Return the scaler as JSON-able data."""
        return {"center": self.center.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scaler:
        """Return the scaler that `to_dict` wrote.

        Raises
        ------
        FileFormatError
            If the data is anything else.
        """
        try:
            center, scale = (np.array(data[key], np.float64) for key in ("center", "scale"))
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"a scaler needs numbers center and scale: {error}") from None
        usable = np.isfinite(center).all() and np.isfinite(scale).all() and (scale > 0).all()
        if center.shape != scale.shape or center.ndim > 1 or not usable:
            raise FileFormatError("a scaler needs as many finite centers as positive scales")
        return cls(center, scale)


OUTPUTS = ("uniform", "normal")
_ALLOWED: dict[str, Constraint] = {
    "output": OneOf(OUTPUTS),
    "n_quantiles": Interval(2, math.inf, integer=True),
}
_EDGE = 1e-7 - np.spacing(1.0)  # the share beyond which the normal distribution is cut off


@dataclass(frozen=True)
class QuantileScaler:
    """Maps the numbers of each column to the share of the data below: a uniform distribution.

    The map is piecewise linear between quantiles of the data, so that it follows the order of
    the numbers alone and an outlier is one number above the others; what lies beyond the data
    becomes 0 or 1. A number that many rows have is mapped to the middle of their shares. With a
    normal output the shares become quantiles of the standard normal distribution, between -5.2
    and 5.2. Results are those of scikit-learn's ``QuantileTransformer``, fitted on all rows, but
    for a column without spread, which is mapped to the middle.

    Parameters
    ----------
    quantiles : float64 array, shape (q, d) or (q,)
        Ascending; at least two, at equal distances from the share 0 to 1.
    output : {"uniform", "normal"}

    Examples
    --------
    >>> X = np.array([1.0, 2.0, 3.0, 4.0, 1e6])
    >>> scaler = QuantileScaler.fit(X)
    >>> scaler.transform(X).tolist(), scaler.inverse(np.array([0.125])).tolist()
    ([0.0, 0.25, 0.5, 0.75, 1.0], [1.5])
    """

    quantiles: Array
    output: str = "uniform"

    @classmethod
    def fit(cls, X: Array, output: str = "uniform", n_quantiles: int = 1000) -> QuantileScaler:
        """Take the quantiles of the columns of (n, d) or (n,) numbers; NaN is left out.

        Parameters
        ----------
        X : array
        output : {"uniform", "normal"}
        n_quantiles : int >= 2
            At most; of fewer rows there are no more than these.
        """
        check("QuantileScaler", _ALLOWED, {"output": output, "n_quantiles": n_quantiles})
        X = np.asarray(X, np.float64)
        count = max(2, min(n_quantiles, len(X)))
        columns = X.reshape(len(X), -1).T
        found = np.stack([_evenly(column, count) for column in columns], axis=-1)
        return cls(found.reshape(count, *X.shape[1:]), output)

    def transform(self, X: Array) -> Array:
        """Return the scaled numbers, in float64; NaN stays."""
        shares = self._by_column(_share, X)
        if self.output == "uniform":
            return shares
        missing = np.isnan(shares)
        inside = np.clip(np.where(missing, 0.5, shares), _EDGE, 1.0 - _EDGE)
        numbers = np.asarray(_normal_quantiles(inside), np.float64)
        return np.where(missing, np.nan, numbers)

    def inverse(self, Z: Array) -> Array:
        """Return the numbers whose scaled values are given."""
        shares = np.asarray(Z, np.float64)
        if self.output == "normal":
            shares = 0.5 * np.asarray(erfc(shares / -np.sqrt(2.0)))
            shares = np.where(shares < 1e-7, 0.0, np.where(shares > 1.0 - 1e-7, 1.0, shares))
        return self._by_column(_value, shares)

    def _by_column(self, function: Callable[[Array, Array], Array], X: Array) -> Array:
        X = np.asarray(X, np.float64)
        _check_columns(X, self.quantiles.shape[1:])
        if self.quantiles.ndim == 1:
            return function(X, self.quantiles)
        columns = [function(X[..., i], q) for i, q in enumerate(self.quantiles.T)]
        return np.stack(columns, axis=-1) if columns else X

    def to_dict(self) -> dict[str, Any]:
        """Return the scaler as JSON-able data."""
        return {"quantiles": self.quantiles.tolist(), "output": self.output}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QuantileScaler:
        """Return the scaler that `to_dict` wrote.

        Raises
        ------
        FileFormatError
            If the data is anything else.
        """
        try:
            quantiles, output = np.array(data["quantiles"], np.float64), data["output"]
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"a scaler needs quantiles and output: {error}") from None
        if quantiles.ndim not in (1, 2) or len(quantiles) < 2 or output not in OUTPUTS:
            raise FileFormatError(
                f"a scaler needs two quantiles or more, and one of the outputs {OUTPUTS}"
            )
        if not np.isfinite(quantiles).all() or (np.diff(quantiles, axis=0) < 0).any():
            raise FileFormatError("the quantiles of a scaler are finite numbers that ascend")
        return cls(quantiles, output)


AnyScaler = Scaler | QuantileScaler

SCALINGS: dict[str, Callable[[Array], AnyScaler]] = {
    "standard": Scaler.standard,
    "min-max": Scaler.min_max,
    "robust": Scaler.robust,
    "quantile-uniform": QuantileScaler.fit,
    "quantile-normal": lambda X: QuantileScaler.fit(X, "normal"),
}
"""By name, what fits a scaler on the columns of (n, d) or (n,) numbers."""


def _share(x: Array, quantiles: Array) -> Array:
    """Return the share of the data below numbers; the middle of those that many rows have."""
    levels = np.linspace(0.0, 1.0, len(quantiles))
    if quantiles[0] == quantiles[-1]:
        return np.where(np.isnan(x), x, 0.5)
    last = np.interp(x, quantiles, levels)
    first = -np.interp(-x, -quantiles[::-1], -levels[::-1])
    shares = np.where(x >= quantiles[-1], 1.0, 0.5 * (first + last))
    return np.asarray(np.where(x <= quantiles[0], 0.0, shares))


def _value(share: Array, quantiles: Array) -> Array:
    return np.interp(share, np.linspace(0.0, 1.0, len(quantiles)), quantiles)


def _evenly(x: Array, count: int) -> Array:
    """Return quantiles of a column at equal distances; of a repeated number exactly that number.

    Where they lie is counted in whole numbers, for a level that is rounded would fall between two
    numbers of the data.
    """
    x = np.sort(x[~np.isnan(x)])
    if not len(x):
        return np.zeros(count)
    place, part = np.divmod(np.arange(count) * (len(x) - 1), count - 1)
    low, high = x[place], x[np.minimum(place + 1, len(x) - 1)]
    share = part / (count - 1)
    between = low * (1.0 - share) + high * share
    return np.maximum.accumulate(np.where((part == 0) | (low == high), low, between))


_normal_quantiles = np.frompyfunc(NormalDist().inv_cdf, 1, 1)


def _check_columns(X: Array, known: tuple[int, ...]) -> None:
    if known and np.shape(X)[-1:] != known:
        raise ShapeError(f"the scaler knows {known[0]} columns, the array has shape {np.shape(X)}")


def _mean(X: Array) -> Array:
    count = np.maximum((~np.isnan(X)).sum(axis=0), 1)
    return np.asarray(np.where(np.isnan(X), 0.0, X / count).sum(axis=0))


def _maximum(X: Array) -> Array:
    top = np.where(np.isnan(X), -np.inf, X).max(axis=0, initial=-np.inf)
    return np.asarray(np.where(np.isfinite(top), top, 0.0))


def _positive(scale: Array) -> Array:
    return np.asarray(np.where(scale > np.finfo(np.float64).tiny, scale, 1.0))


def _quantiles(X: Array, levels: tuple[float, ...]) -> list[Array]:
    """Return quantiles of the columns, 0 for a column without a value."""
    empty = np.isnan(X).all(axis=0)
    filled = np.where(empty, 0.0, X)
    return [np.asarray(q) for q in np.nanquantile(filled, levels, axis=0)]
