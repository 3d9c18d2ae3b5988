"""Products of vectors and matrices; `contractions` has the products of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph import Sample as S
from chainrule.graph import Tensor, composed, linear, multilinear, op


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


def _array(x: Any) -> Any:
    return x if isinstance(x, Tensor) else np.asarray(x)


def conjugated(x: Any) -> Any:
    """Return the conjugate; a real array as it is, so that no needless op is recorded."""
    return np.conjugate(x) if np.iscomplexobj(x) else x


@composed(
    np.dot,
    samples=[
        S((3, 4), (4, 2)),
        S((4,), (4,)),
        S((2, 3, 4), (4,)),
        S((2, 4), (3, 4, 2)),
        S((), (3,)),
        S((3,), 2.0),
        S((0,), (0,)),
        S.raises(ValueError, (3, 4), (3,), match=r"\(3, 4\)"),
    ],
)
def dot(a: Any, b: Any) -> Any:
    """Sum of products over the last axis of `a` and the last but one of `b`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.dot)(np.ones(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, axes=((-1,), (-2,)))


@composed(np.inner, samples=[S((4,), (4,)), S((2, 3), (4, 3)), S((2, 3), (3,)), S((), (2,))])
def inner(a: Any, b: Any) -> Any:
    """Sum of products over the last axes of both.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.inner)(np.ones(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, axes=((-1,), (-1,)))


@composed(
    np.outer, np.linalg.outer, samples=[S((3,), (4,)), S((2, 2), (3,)), S((), (2,)), S((0,), (2,))]
)
def outer(a: Any, b: Any) -> Any:
    """All products of an element of `a` with one of `b`, both flattened.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(np.outer(a, np.array([3.0, 4.0]))))(np.ones(2))
    array([7., 7.])
    """
    return np.ravel(a)[:, None] * np.ravel(b)


@composed(np.vdot, samples=[S((4,), (4,)), S((2, 3), (3, 2)), S((), ())])
def vdot(a: Any, b: Any) -> Any:
    """Sum of all products of the conjugate of `a` with `b`, both flattened.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.vdot)(np.ones(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    return np.matmul(np.ravel(conjugated(a)), np.ravel(b))


@composed(
    np.vecdot,
    np.linalg.vecdot,
    samples=[S((3, 4), (4,)), S((3, 4), (3, 1), axis=0), S((2, 1, 3), (4, 3)), S((0,), (0,))],
)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """Products of vectors along an axis, with the conjugate of `x1`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.vecdot)(np.ones(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    first, second = np.moveaxis(_array(x1), axis, -1), np.moveaxis(_array(x2), axis, -1)
    return np.matmul(conjugated(first)[..., None, :], second[..., :, None])[..., 0, 0]


# NumPy has these two since 2.2.
@composed(getattr(np, "matvec", None), samples=[S((3, 4), (4,)), S((2, 3, 4), (5, 1, 4))])
def matvec(x1: Any, x2: Any) -> Any:
    """Products of matrices and vectors: ``(..., m, n), (..., n) -> (..., m)``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda v: np.sum(np.matvec(np.eye(2) * 3.0, v)))(np.ones(2))
    array([3., 3.])
    """
    return np.matmul(x1, _array(x2)[..., None])[..., 0]


@composed(getattr(np, "vecmat", None), samples=[S((3,), (3, 4)), S((5, 1, 3), (2, 3, 4))])
def vecmat(x1: Any, x2: Any) -> Any:
    """Products of vectors, conjugated, and matrices: ``(..., n), (..., n, m) -> (..., m)``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda v: np.sum(np.vecmat(v, np.eye(2) * 3.0)))(np.ones(2))
    array([3., 3.])
    """
    return np.matmul(conjugated(_array(x1))[..., None, :], x2)[..., 0, :]


# Kronecker product ----------------------------------------------------------------------------


def _merge_pairs(a: Any) -> Any:
    n = a.ndim // 2
    order = [axis for i in range(n) for axis in (i, i + n)]
    shape = tuple(a.shape[i] * a.shape[i + n] for i in range(n))
    return np.transpose(a, order).reshape(shape)


def _split_pairs(a: Any, like: Any) -> Any:
    n = like.ndim // 2
    order = [axis for i in range(n) for axis in (i, i + n)]
    return np.transpose(a.reshape([like.shape[i] for i in order]), np.argsort(order))


@op(_merge_pairs, kind=linear, samples=[S((2, 3, 4, 5)), S((2, 3)), S((2, 0))])
def merge_pairs(g: Any, y: Any, a: Any) -> Any:
    """Merge each of the first half of the axes with its partner in the second half.

    Examples
    --------
    >>> import numpy as np
    >>> merge_pairs(np.ones((2, 3, 4, 5))).shape
    (8, 15)
    """
    return split_pairs(g, a)


@op(
    _split_pairs,
    kind=linear,
    inactive=("like",),
    samples=[S((8, 15), (2, 3, 4, 5)), S((6,), (2, 3))],
)
def split_pairs(g: Any, y: Any, a: Any, like: Any) -> Any:
    """Undo `merge_pairs` of an array of the shape of `like`.

    Examples
    --------
    >>> import numpy as np
    >>> split_pairs(np.ones((8, 15)), np.zeros((2, 3, 4, 5))).shape
    (2, 3, 4, 5)
    """
    return merge_pairs(g)


@composed(np.kron, samples=[
    S((2, 3), (3, 2)), S((2,), (3, 2)), S((2, 1, 2), (3,)), S((), (2,)), S((0,), (2,)),
])  # fmt: skip
def kron(a: Any, b: Any) -> Any:
    """Kronecker product: each element of `a` times all of `b`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(np.kron(a, np.array([3.0, 4.0]))))(np.ones(2))
    array([7., 7.])
    """
    n = max(np.ndim(a), np.ndim(b))
    first, second = (_array(x)[(None,) * (n - np.ndim(x)) + (...,)] for x in (a, b))
    return merge_pairs(first[(..., *(None,) * n)] * second)


# Cross product --------------------------------------------------------------------------------


def _cross(a: Any, b: Any) -> Any:
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(f"the cross product takes vectors of length 3, not {a.shape}, {b.shape}")
    return np.cross(a, b)


@op(_cross, kind=multilinear, samples=[S((3,), (3,)), S((2, 1, 3), (4, 3)), S((0, 3), (3,))])
def cross_rows(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Cross product of the vectors along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> cross_rows(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    return lambda: cross_rows(b, g), lambda: cross_rows(g, a)


@composed(
    np.cross,
    np.linalg.cross,
    samples=[
        S((3,), (3,)),
        S((4, 3), (3,)),
        S((3, 4), (3, 4), axis=0),
        S((3, 4), (2, 1, 3), axisa=0, axisb=2, axisc=0),
        S.raises(ValueError, (4,), (3,), match="length 3"),
    ],
)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Cross product of vectors of length 3.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> x, z = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    >>> cr.grad(lambda y: np.cross(x, y) @ z)(np.zeros(3))
    array([0., 1., 0.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    first, second = np.moveaxis(_array(a), axisa, -1), np.moveaxis(_array(b), axisb, -1)
    return np.moveaxis(cross_rows(first, second), -1, axisc)


# Traces ---------------------------------------------------------------------------------------


@composed(np.trace, samples=[
    S((3, 3)), S((3, 4), offset=1), S((2, 3, 4), axis1=2, axis2=0), S((3, 3), 5), S((0, 0)),
])  # fmt: skip
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum along a diagonal.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.trace)(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@composed(np.linalg.trace, samples=[S((2, 3, 3)), S((3, 4), offset=-1)])
def matrix_trace(x: Any, offset: int = 0) -> Any:
    """Sums along a diagonal of the matrices in the last two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.linalg.trace)(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    return np.trace(x, offset, -2, -1)


@composed(np.linalg.diagonal, samples=[S((2, 3, 3)), S((3, 4), offset=-1)])
def matrix_diagonal(x: Any, offset: int = 0) -> Any:
    """Diagonals of the matrices in the last two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.sum(np.linalg.diagonal(x)))(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    return np.diagonal(x, offset, -2, -1)
