"""Products of vectors, matrices and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph import Sample as S
from chainrule.graph import multilinear, op


@op(
    np.matmul,
    kind=multilinear,
    also=(np.linalg.matmul,),
    samples=[
        S((3, 4), (4, 2)),
        S((4,), (4,)),
        S((4,), (4, 2)),
        S((3, 4), (4,)),
        S((2, 3, 4), (4, 2)),
        S((3, 4), (2, 4, 2)),
        S((2, 1, 3, 4), (5, 4, 2)),
        S((4,), (2, 4, 3)),
        S((2, 3, 4), (4,)),
        S((0, 3), (3, 2)),
        S((2, 0), (0, 3)),
        S.raises(ValueError, (3, 4), (2, 4), match=r"it would fit with b\.T"),
        S.raises(ValueError, (3, 4), 2.0, match="matmul of"),
    ],
)
def matmul(g: Any, y: Any, a: Any, b: Any) -> Any:
    """``a @ b``: the product of matrices, of stacks of matrices, and of vectors.

    Shapes are those of `numpy.matmul`: ``(..., m, k) @ (..., k, n)``, where a vector ``(k,)`` may
    stand on either side.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a, b: np.sum(a @ b), (0, 1))(np.ones((1, 2)), np.array([[3.0], [5.0]]))
    (array([[3., 5.]]), array([[1.],
           [1.]]))
    """
    m, n = a.ndim, b.ndim
    if m == 2 and n == 2:
        return lambda: g @ b.T, lambda: a.T @ g
    if m == 1 and n == 1:
        return lambda: g * b, lambda: g * a
    if m == 1:
        return lambda: (b @ g[..., None])[..., 0], lambda: a[:, None] * g[..., None, :]
    if n == 1:
        return lambda: g[..., None] * b, lambda: (g[..., None, :] @ a)[..., 0, :]
    # One large product is cheaper than a stack of products and the sum over it.
    if n == 2:
        stack = tuple(range(m - 1))
        return lambda: g @ b.T, lambda: np.tensordot(a, g, axes=(stack, stack))
    if m == 2:
        summed = (*range(n - 2), n - 1)
        return lambda: np.tensordot(g, b, axes=(summed, summed)), lambda: a.T @ g
    return lambda: g @ b.mT, lambda: a.mT @ g
