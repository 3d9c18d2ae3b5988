"""Centred and scaled rows, in which linear models are fitted, and the way back to the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule import nn
from chainrule.graph import Array


@dataclass(frozen=True)
class Coordinates:
    """Rows less their mean, divided by their spread; both weighted.

    A linear model is the same in these coordinates as in the features, and its gradient descends
    fast whatever the features' units are.

    Attributes
    ----------
    rows : float64 array, shape (n, d)
    mean, spread : float64 arrays, shape (d,)
    """

    rows: Array
    mean: Array
    spread: Array

    @classmethod
    def of(
        cls, X: Array, weight: Array | None, *, centre: bool, scale: bool, extra: float = 0.0
    ) -> Self:
        """Return the coordinates of rows.

        Parameters
        ----------
        X : array, shape (n, d)
        weight : array, shape (n,), or None
        centre, scale : bool
            Without `centre` the mean is 0, without `scale` the spread is 1.
        extra : float >= 0
            Added to the variances before their roots are the spreads.
        """
        X = np.asarray(X, np.float64)
        mean = np.average(X, axis=0, weights=weight) if centre else np.zeros(X.shape[1])
        rows, spread = X - mean, np.ones(X.shape[1])
        if scale:
            spread = np.sqrt(np.average(rows * rows, axis=0, weights=weight) + extra)
            # Numbers that are equal but for rounding have no spread.
            spread[spread <= 1e-12 * np.abs(mean)] = 1.0
        return cls(rows / spread, mean, spread)

    def network(self, weight: Array, bias: Array | None, dtype: Any) -> nn.Linear:
        """Return the layer that maps features as weights and biases map these rows.

        Parameters
        ----------
        weight : array, shape (outputs, d)
        bias : array, shape (outputs,), or None
            None only if the mean is 0.
        """
        weight = weight / self.spread
        n_out, n_in = weight.shape
        layer = nn.Linear(n_in, n_out, None, bias=bias is not None, dtype=dtype)
        arrays = {"weight": weight}
        if bias is not None:
            arrays["bias"] = bias - weight @ self.mean
        return nn.load_parameters(layer, arrays)
