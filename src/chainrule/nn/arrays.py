"""What layers and losses do with arrays as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np

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
