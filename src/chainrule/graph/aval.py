"""The abstract value of an array: its shape and dtype."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Aval:
    """Shape and dtype of an array, without its numbers.

    Examples
    --------
    >>> print(Aval.of(np.zeros((2, 3), np.float32)))
    float32[2,3]
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, value: Any) -> Aval:
        """Return the aval of an array, a NumPy scalar or a Python number."""
        return cls(np.shape(value), np.result_type(value))

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"

    def example(self) -> Array:
        """Return a read-only array of ones with this shape that occupies one element."""
        return np.broadcast_to(np.ones((), self.dtype), self.shape)
