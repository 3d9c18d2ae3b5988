"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import composed, linear, op

MATRICES = [S((3, 4)), S((4, 3), 1), S((3, 4), -1), S((2, 2), 5), S((0, 2)), S((2, 3, 4))]


@op(np.diagonal, kind=linear, samples=[
    *(S(*s.args) for s in MATRICES), S((2, 3, 4), 1, 0, 2), S((2, 3, 4), axis1=-1, axis2=1),
    S.raises(ValueError, (3,), match=r"\(3,\)"),
])  # fmt: skip
def diagonal(g: Any, y: Any, a: Any, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Elements whose positions along two axes differ by `offset`, along a new last axis.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.diagonal(x)))(np.zeros((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    return undiagonal(g, a, offset=offset, axis1=axis1, axis2=axis2)


def _undiagonal(a: Any, like: Any, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    whole = np.zeros(np.shape(like), np.result_type(a))
    lines = np.moveaxis(whole, (axis1, axis2), (-2, -1))
    places = np.arange(np.shape(a)[-1])
    lines[..., places + max(-offset, 0), places + max(offset, 0)] = a
    return whole


@op(_undiagonal, kind=linear, inactive=("like",), samples=[
    S((3,), (3, 4)), S((2,), (3, 3), offset=1), S((2, 2), (3, 2, 3), offset=-1, axis1=0, axis2=2),
])  # fmt: skip
def undiagonal(
    g: Any, y: Any, a: Any, like: Any, *, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Any:
    """A diagonal set into zeros of the shape of `like`; the transpose of `diagonal`.

    Examples
    --------
    >>> import numpy as np
    >>> undiagonal(np.ones(2), np.zeros((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    return np.diagonal(g, offset, axis1, axis2)


def _from_diagonal(v: Any, *, k: int = 0) -> Any:
    return np.diag(v, k)


@op(_from_diagonal, kind=linear, samples=[S((3,)), S((2,), k=1), S((2,), k=-2), S((0,))])
def from_diagonal(g: Any, y: Any, v: Any, *, k: int = 0) -> Any:
    """A square matrix of zeros but for its `k`-th diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> from_diagonal(np.array([1.0, 2.0]))
    array([[1., 0.],
           [0., 2.]])
    """
    return np.diagonal(g, k)


@composed(np.diag, samples=[
    S((3,)), S((2,), 1), S((3, 4)), S((3, 4), -1), S((4, 3), k=1), S((0,)),
    S.raises(ValueError, (2, 2, 2), match=r"\(2, 2, 2\)"),
])  # fmt: skip
def diag(v: Any, k: int = 0) -> Any:
    """The diagonal of a matrix, or the matrix of a diagonal.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.diag(cr.Tensor([1.0, 2.0])).value
    array([[1., 0.],
           [0., 2.]])
    """
    if np.ndim(v) not in (1, 2):
        raise ValueError(f"diag takes a vector or a matrix, not shape {np.shape(v)}")
    return from_diagonal(v, k=k) if np.ndim(v) == 1 else np.diagonal(v, k)


@composed(np.diagflat, samples=[S((2, 2)), S((3,), 1), S(()), S((0, 2))])
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix whose diagonal holds all elements.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda v: np.sum(np.diagflat(v)))(np.zeros(2))
    array([1., 1.])
    """
    return from_diagonal(np.ravel(v), k=k)


@op(np.tril, kind=linear, samples=MATRICES)
def tril(g: Any, y: Any, m: Any, *, k: int = 0) -> Any:
    """Zeros above the `k`-th diagonal.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.tril(x)))(np.zeros((2, 2)))
    array([[1., 0.],
           [1., 1.]])
    """
    return np.tril(g, k)


@op(np.triu, kind=linear, samples=MATRICES)
def triu(g: Any, y: Any, m: Any, *, k: int = 0) -> Any:
    """Zeros below the `k`-th diagonal.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.triu(x)))(np.zeros((2, 2)))
    array([[1., 1.],
           [0., 1.]])
    """
    return np.triu(g, k)
