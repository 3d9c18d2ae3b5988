"""Scaling of numbers: shift and divide each column, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import FileFormatError, ShapeError
from chainrule.graph import Array


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
        self._check(X)
        return np.asarray((X - self.center) / self.scale)

    def inverse(self, Z: Array) -> Array:
        """Return the numbers whose scaled values are given."""
        self._check(Z)
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

    def _check(self, X: Array) -> None:
        if self.center.ndim and np.shape(X)[-1:] != self.center.shape:
            raise ShapeError(
                f"the scaler knows {len(self.center)} columns, the array has shape {np.shape(X)}"
            )


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
