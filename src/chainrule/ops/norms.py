"""Norms of vectors and of matrices; the gradient of every norm at zero is zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Array, composed, op
from chainrule.graph import Sample as S
from chainrule.ops.broadcast import spread
from chainrule.ops.decompositions import apart
from chainrule.ops.linalg import regular
from chainrule.ops.products import conjugated

Axes = Sequence[int] | None


def _euclidean_norm(x: Array, *, axis: Any = None, keepdims: bool = False) -> Any:
    squares = np.real(x * np.conjugate(x)) if np.iscomplexobj(x) else x * x
    return np.sqrt(np.sum(squares, axis=axis, keepdims=keepdims))


@op(_euclidean_norm, kink="zero: the gradient is zero", samples=[
    S((3, 4)), S((3, 4), axis=(0,)), S((3, 4), axis=(0, 1), keepdims=True), S(()), S((0, 2)),
    S(lambda rng: np.zeros(3), smooth=False),
])  # fmt: skip
def euclidean_norm(g: Any, y: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """Root of the sum of squares.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(euclidean_norm)(np.array([3.0, 4.0])), cr.grad(euclidean_norm)(np.zeros(2))
    (array([0.6, 0.8]), array([0., 0.]))
    """
    zero = np.equal(y, 0.0)
    scaled = np.where(zero, 0.0, g / np.where(zero, 1.0, y))
    return spread(scaled, x, axis=axis, keepdims=keepdims) * conjugated(x)


def _power_norm(x: Array, *, ord: float, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


@op(
    _power_norm,
    kink="zero: the gradient is zero; an element of zero where ord < 1: infinite",
    samples=[
        S((3, 4), ord=3.0), S((3, 4), ord=1.5, axis=(1,)),
        S((3, 4), ord=4, axis=(0,), keepdims=True),
        S((4,), ord=0.5, domain=(0.5, 2.0)), S((4,), ord=-2.0, domain=(0.5, 2.0)),
        S(lambda rng: np.zeros(3), ord=3.0, smooth=False),
    ],
)  # fmt: skip
def power_norm(
    g: Any, y: Any, x: Any, *, ord: float, axis: Any = None, keepdims: bool = False
) -> Any:
    """Root of the sum of powers of absolute values.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: power_norm(x, ord=3.0))(np.array([2.0, 0.0]))
    array([1., 0.])
    """
    zero = np.equal(y, 0.0)
    g, y = (
        spread(part, x, axis=axis, keepdims=keepdims)
        for part in (np.where(zero, 0.0, g), np.where(zero, 1.0, y))
    )
    return g * np.sign(x) * (np.abs(x) / y) ** (ord - 1.0)


def _vector_norm(x: Any, ord: Any, axes: Axes, keepdims: bool) -> Any:
    """Return a norm of the vectors that lie along one or several axes."""
    axis = axes if axes is None or len(axes) != 1 else axes[0]
    if isinstance(ord, str):
        raise ValueError(f"{ord!r} is no norm of a vector: give a number, np.inf or -np.inf")
    if ord == 2:
        return euclidean_norm(x, axis=axis, keepdims=keepdims)
    size = np.abs(x)
    if ord == np.inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.astype(np.not_equal(x, 0), size.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return power_norm(size, ord=ord, axis=axis, keepdims=keepdims)


def _matrix_norm(x: Any, ord: Any, axes: Sequence[int], keepdims: bool) -> Any:
    """Return a norm of the matrices with their rows along the first axis, columns the second."""
    rows, columns = (axis % np.ndim(x) for axis in axes)
    if rows == columns:
        raise ValueError("a matrix norm takes two different axes")
    if ord in ("fro", "f"):
        return euclidean_norm(x, axis=(rows, columns), keepdims=keepdims)
    if ord in (2, -2, "nuc"):
        values = np.linalg.svdvals(np.moveaxis(x, (rows, columns), (-2, -1)))
        found = _of_singular_values(values, ord)
        return np.expand_dims(found, (rows, columns)) if keepdims else found
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"{ord!r} is no norm of a matrix: 'fro', 'nuc', 1, 2, inf or a negative")
    inner, outer = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = np.sum(np.abs(x), axis=inner, keepdims=True)
    found = (np.max if ord > 0 else np.min)(sums, axis=outer, keepdims=True)
    return found if keepdims else np.squeeze(found, (rows, columns))


def _of_singular_values(values: Any, ord: Any) -> Any:
    # The vectors of a singular value of zero are not unique: it lends the norm no gradient.
    values = np.where(np.equal(values, 0.0), 0.0, values)
    if ord == "nuc":
        return np.sum(values, axis=-1)
    return values[..., 0 if ord == 2 else -1]


VECTOR_ORDERS = [
    S((4,), ord) for ord in (None, 1, 2, 3, 2.5, np.inf, -np.inf, 0)
] + [S((4,), -1.5, domain=(0.5, 2.0))]  # fmt: skip
MATRIX_ORDERS = [S(apart(3, 4), ord) for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)]


@composed(
    np.linalg.norm,
    kink="zero: the gradient is zero; ties and absolute values as in np.max and np.abs",
    samples=[
        *VECTOR_ORDERS, *MATRIX_ORDERS,
        S((2, 3, 4)), S((3, 4), axis=1), S((3, 4), axis=0, keepdims=True), S((3, 4), keepdims=True),
        S(apart(4, 3, 2), "nuc", axis=(2, 1)), S((2, 3, 4), 1, axis=(0, 2), keepdims=True),
        S(apart(2, 3, 4), 2, axis=(-1, 1), keepdims=True),
        S(lambda rng: np.zeros((2, 3)), smooth=False),
        S(lambda rng: np.zeros((2, 3)), "nuc", smooth=False),
        S.raises(ValueError, (2, 3, 4), 2, match="axis"),
        S.raises(ValueError, (3,), "fro", match="no norm of a vector"),
    ],
)  # fmt: skip
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors or matrices, of every order that NumPy has.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.linalg.norm)(np.array([3.0, 4.0])), cr.grad(np.linalg.norm)(np.zeros(2))
    (array([0.6, 0.8]), array([0., 0.]))
    """
    if axis is None:
        if ord is None:
            return euclidean_norm(x, keepdims=keepdims)
        axis = tuple(range(np.ndim(x)))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)
    raise ValueError(f"a norm is taken along one or two axes, not axis={axes}")


@composed(np.linalg.vector_norm, samples=[
    S((3, 4)), S((3, 4), axis=1, ord=1), S((2, 3, 4), axis=(0, 2), ord=3, keepdims=True),
    S((3, 4), ord=np.inf),
])  # fmt: skip
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Norm of vectors, which may lie along several axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.linalg.vector_norm)(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    """
    axes = axis if axis is None or isinstance(axis, (tuple, list)) else (axis,)
    return _vector_norm(x, ord, axes, keepdims)


@composed(np.linalg.matrix_norm, samples=[
    S((2, 3, 4)), S(apart(2, 3, 4), ord="nuc"), S(apart(3, 4), ord=2, keepdims=True),
    S((3, 4), ord=1),
])  # fmt: skip
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the matrices in the last two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.linalg.matrix_norm)(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    return _matrix_norm(x, ord, (-2, -1), keepdims)


@composed(np.linalg.cond, samples=[
    S(regular(3, 3)), S(apart(2, 3, 4), 2), S(apart(3, 3), -2), S(regular(2, 3, 3), 1),
    S(regular(3, 3), "fro"),
    S.raises(TypeError, regular(2, 2), "max", match="cond"),
])  # fmt: skip
def cond(x: Any, p: Any = None) -> Any:
    """Condition number.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(np.linalg.cond)(np.diag([2.0, 1.0]))
    array([[ 1.,  0.],
           [ 0., -2.]])
    """
    if p not in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"):
        raise UnsupportedError(f"cond takes the orders of a matrix norm, not {p!r}")
    if p in (None, 2, -2):
        values = np.linalg.svdvals(x)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    inverse = np.linalg.inv(x)
    return _matrix_norm(x, p, (-2, -1), False) * _matrix_norm(inverse, p, (-2, -1), False)
