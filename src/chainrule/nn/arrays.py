"""What layers and losses do with arrays as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.constraints import COUNT, check
from chainrule.errors import ShapeError
from chainrule.graph import Tensor
from chainrule.ops.indexing import getitem


def as_array(value: Any) -> Any:
    """Return an array or a Tensor; lists and numbers become arrays."""
    return value if isinstance(value, (Tensor, np.ndarray, np.generic)) else np.asarray(value)


def lookup(table: Any, indices: Any) -> Any:
    """Return ``table[indices]``, also where only the indices are recorded.

    NumPy would try to turn recorded indices of a plain table into an array.

    Examples
    --------
    >>> lookup(np.array([10, 20, 30]), np.array([2, 0]))
    array([30, 10])
    """
    return getitem(table, indices)


def matrix(owner: str, name: str, value: Any, dtype: Any) -> Any:
    """Return rows of features of a dtype, copied.

    Raises
    ------
    ShapeError
        If it is not a matrix of at least one row and one column.
    """
    made = np.array(value, dtype)
    if made.ndim != 2 or 0 in made.shape:
        raise ShapeError(
            f"{owner}: {name} must be a matrix, rows of features, not of shape {made.shape}"
        )
    return made


def zero_matrix(owner: str, shape: Any) -> Any:
    """Return zeros of the shape that a configuration names: a place for what will be loaded.

    Raises
    ------
    ArgumentError
        If it does not hold two whole numbers above 0.
    """
    rows, columns = shape
    check(owner, {"rows": COUNT, "columns": COUNT}, {"rows": rows, "columns": columns})
    return np.zeros((rows, columns))
