"""Rows seen along the directions in which they differ most."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph import Array


class Projection(NamedTuple):
    """Rows along their principal axes.

    Attributes
    ----------
    scores : array, shape (n, k)
        Places of the rows, relative to their mean.
    axes : array, shape (k, d)
        Directions of length one, each with its largest component positive.
    shares : array, shape (k,)
        Of the variance; zeros if the rows are all the same.
    """

    scores: Array
    axes: Array
    shares: Array


def principal_components(rows: Any, k: int = 2) -> Projection:
    """Return rows along the k directions in which they differ most.

    Pearson, "On lines and planes of closest fit to systems of points in space" (1901), by the
    singular value decomposition of the centred rows.

    Parameters
    ----------
    rows : array_like, shape (n, d)
        Finite numbers.
    k : int >= 1
        Where there are fewer directions, the remaining scores and shares are zero.

    Raises
    ------
    ShapeError
        If `rows` is no matrix, or an empty one.

    Examples
    --------
    >>> found = principal_components([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    >>> found.scores[:, 0].round(6).tolist(), found.shares.round(6).tolist()
    ([-5.0, 0.0, 5.0], [1.0, 0.0])
    """
    x = np.asarray(rows, np.float64)
    if x.ndim != 2 or 0 in x.shape:
        raise ShapeError(f"rows has shape {x.shape}: expected (n, d), with a row at least")
    _, sizes, axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    kept = min(k, len(sizes))
    largest = np.abs(axes[:kept]).argmax(axis=1)
    found = axes[:kept] * np.where(axes[np.arange(kept), largest] < 0, -1.0, 1.0)[:, None]
    directions, shares = np.zeros((k, x.shape[1])), np.zeros(k)
    directions[:kept] = found
    shares[:kept] = sizes[:kept] ** 2 / (np.sum(sizes**2) or 1.0)
    return Projection((x - x.mean(axis=0)) @ directions.T, directions, shares)
