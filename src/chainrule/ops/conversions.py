"""Copies and changes of dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import composed, constant, linear, op


@op(np.copy, kind=linear, samples=[S((3, 4)), S(()), S((0,))])
def copy(g: Any, y: Any, a: Any, *, order: str = "K") -> Any:
    """The same numbers.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(x.copy()))(np.zeros(2))
    array([1., 1.])
    """
    return g


def _convert(x: Any, *, dtype: Any) -> Any:
    """Numbers converted to another dtype."""
    return np.asarray(x).astype(dtype)


@op(_convert, kind=linear, samples=[S((3,), dtype=np.dtype(np.float64)), S((), dtype=np.float64)])
def convert(g: Any, y: Any, x: Any, *, dtype: Any) -> Any:
    """Numbers in another floating-point dtype; the gradient comes back in the input's own.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(x.astype(np.float64)))(np.zeros(1, np.float32)).dtype
    dtype('float32')
    """
    return g


truncate = constant(_convert, name="truncate", samples=[S((3,), dtype=np.dtype(int))])


@composed(np.astype, samples=[S((3,), np.float64), S((2, 2), "f8"), S((), int)])
def astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    """Numbers in another dtype; integers and truth values carry no derivative.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.astype(cr.Tensor([1.7]), int)
    array([1])
    """
    dtype = np.dtype(dtype)
    return (convert if dtype.kind in "fc" else truncate)(x, dtype=dtype)
