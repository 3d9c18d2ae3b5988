"""Rows of unequal lengths made one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.constraints import Interval, check
from chainrule.graph import Array

_LENGTH = Interval(0, 2**31, integer=True)


def pad(rows: Sequence[Array], length: int | None = None, value: int = 0) -> Array:
    """Return rows of ids as one array: the short filled, the long cut, both at the right.

    Parameters
    ----------
    rows : sequence of array of int, each of shape (any,)
    length : int, optional
        Columns of the result; by default the length of the longest row.
    value : int
        What fills the short rows.

    Returns
    -------
    array of int32, shape (n, length)

    Raises
    ------
    ArgumentError
        If the length is no whole number, or negative.

    Examples
    --------
    >>> pad([np.array([3, 1, 2]), np.array([4])], length=2)
    array([[3, 1],
           [4, 0]], dtype=int32)
    """
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    if length is None:
        length = int(lengths.max(initial=0))
    check("pad", {"length": _LENGTH}, {"length": length})
    padded = np.full((len(rows), length), value, np.int32)
    kept = np.arange(length) < lengths[:, None]
    flat = [row[:length] for row in rows]
    padded[kept] = np.concatenate(flat) if flat else 0
    return padded
