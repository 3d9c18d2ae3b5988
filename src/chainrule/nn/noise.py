"""`Noise`: words drawn from a fixed distribution, within a trace or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import ArgumentError, ShapeError
from chainrule.graph import Array
from chainrule.nn.arrays import lookup
from chainrule.nn.run import Run
from chainrule.ops.broadcast import cast


class Noise:
    """A distribution over words, from which a `Run` draws.

    The alias method: a uniform number chooses one of as many columns as there are words, another
    one of the two words that share the column. Walker, "An efficient method for generating discrete
    random variables with general distributions" (ACM TOMS 1977); tables as Vose, "A linear
    algorithm for generating random numbers with a given distribution" (IEEE TSE 1991), makes them.

    Parameters
    ----------
    weights : array_like, shape (words,)
        Not negative, not all zero: how likely each word is, up to a factor.

    Attributes
    ----------
    log_probabilities : array of float32, shape (words,)
        Minus infinity for words that are never drawn.

    Raises
    ------
    ShapeError, ArgumentError
        If the weights are no such row.

    Examples
    --------
    >>> from chainrule import nn
    >>> noise = Noise([3, 0, 1])
    >>> np.bincount(noise.draw(nn.Run(0), 1000), minlength=3).round(-2)
    array([700,   0, 300])
    """

    def __init__(self, weights: Any) -> None:
        weights = np.asarray(weights, np.float64)
        if weights.ndim != 1 or not len(weights):
            raise ShapeError(f"Noise: weights are one row of numbers, not {weights.shape}")
        if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
            raise ArgumentError("Noise: weights must be finite, not negative, and not all zero")
        shares = weights / weights.sum()
        with np.errstate(divide="ignore"):
            self.log_probabilities = np.log(shares).astype(np.float32)
        self._own, self._alias = _columns(shares)

    def __len__(self) -> int:
        return len(self._alias)

    def draw(self, run: Run, n: int) -> Any:
        """Draw words, with replacement.

        Parameters
        ----------
        run : Run
        n : int

        Returns
        -------
        array of int64, shape (n,)
        """
        column, within = run.uniform(np.zeros((2, n)))
        place = cast(np.floor(column * len(self)), np.int64(0))
        stays = np.less(within, lookup(self._own, place))
        return np.where(stays, place, lookup(self._alias, place))


def _columns(shares: Array) -> tuple[Array, Array]:
    """Return how much of each column is its own word's, and whose the rest is."""
    heights = shares * len(shares)
    own, alias = np.ones(len(shares)), np.arange(len(shares))
    low = np.flatnonzero(heights < 1).tolist()
    high = np.flatnonzero(heights >= 1).tolist()
    while low and high:
        small, large = low.pop(), high[-1]
        own[small], alias[small] = heights[small], large
        heights[large] -= 1.0 - heights[small]
        if heights[large] < 1:
            low.append(high.pop())
    return own, alias
