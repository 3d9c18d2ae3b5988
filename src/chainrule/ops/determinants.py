"""Determinants, of singular matrices too."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from chainrule.errors import NotDifferentiableError, UnsupportedError
from chainrule.graph import Array, composed, constant, op
from chainrule.graph import Sample as S
from chainrule.ops.linalg import regular

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def _singular(rng: np.random.Generator) -> Any:
    """Return two matrices, of rank 2 and 1."""
    a = rng.uniform(-2.0, 2.0, (2, 3, 3))
    a[0, 2] = a[0, 0] - a[0, 1]
    a[1, 1:] = a[1, 0]
    return a


def _singular_values(a: Array) -> tuple[Array, Array, Array, Array]:
    """Return the conjugates of u and v, s between, and ``det(a) / prod(s)``."""
    u, s, vh = np.linalg.svd(a)
    return np.conj(u), s, np.conj(vh), np.linalg.det(u) * np.linalg.det(vh)


def _products_of_others(s: Array) -> Any:
    """Return for each element the product of all others, without a division."""
    own = np.eye(s.shape[-1], dtype=bool)
    return np.prod(np.where(own, 1.0, s[..., None, :]), axis=-1)


def _cofactor(a: Array) -> Array:
    u, s, v, sign = _singular_values(a)
    scaled = sign[..., None] * _products_of_others(s)
    return np.asarray((u * scaled[..., None, :]) @ v, dtype=a.dtype)


def _cofactor_change(a: Array, t: Array) -> Array:
    u, s, v, sign = _singular_values(a)
    moved = u.mT @ t @ v.mT
    n = s.shape[-1]
    # Row i holds the products of all values but the i-th and the j-th.
    pairs = np.zeros_like(moved, dtype=s.dtype)
    for i in range(n):
        rest = s.copy()
        rest[..., i] = 1.0
        pairs[..., i, :] = _products_of_others(rest)
        pairs[..., i, i] = 0.0
    change = -pairs * moved.mT
    diagonal = np.arange(n)
    traces = np.einsum("...ij,...jj->...i", pairs, moved)
    change[..., diagonal, diagonal] = traces
    return np.asarray(sign[..., None, None] * (u @ change @ v), dtype=np.result_type(a, t))


@op(_cofactor_change, register=False)
def cofactor_change(g: Any, y: Any, a: Any, t: Any) -> Any:
    """Derivative of `cofactor` at `a` in the direction `t`; symmetric in `t` and the gradient.

    In the frame of the singular vectors, where `a` is diagonal, it has a closed form.

    Examples
    --------
    >>> import numpy as np
    >>> np.round(cofactor_change(np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 4.0]])))
    array([[ 4., -3.],
           [-2.,  1.]])
    """
    return _no_third_derivative, lambda: cofactor_change(a, g)


def _no_third_derivative() -> NoReturn:
    raise NotDifferentiableError(
        "det has first and second derivatives only; of a regular matrix, "
        "sign * np.exp(logabsdet) of np.linalg.slogdet has all"
    )


@op(_cofactor, register=False)
def cofactor(g: Any, y: Any, a: Any) -> Any:
    """Matrix of cofactors: the gradient of the determinant, of singular matrices too.

    Of a regular matrix it is ``det(a) * inv(a).T``. It is computed from the singular values [1]_.

    References
    ----------
    .. [1] G. W. Stewart, "On the adjugate matrix", Linear Algebra and its Applications 283
       (1998).

    Examples
    --------
    >>> import numpy as np
    >>> np.round(cofactor(np.array([[1.0, 2.0], [2.0, 4.0]])))
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return cofactor_change(a, g)


@op(
    np.linalg.det,
    samples=[
        S((3, 3)), S((2, 3, 4, 4)), S((1, 1)), S((2, 0, 0)), S(_singular),
        S(lambda rng: np.eye(3)),
        S.raises(np.linalg.LinAlgError, (2, 3), match=r"det of a \(2, 3\)"),
    ],
)  # fmt: skip
def det(g: Any, y: Any, a: Any) -> Any:
    """Determinants of the matrices in the last two axes.

    The gradient is the matrix of cofactors [1]_, which singular matrices have too.

    References
    ----------
    .. [1] M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
       differentiation" (2008), section 2.2.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> np.round(cr.grad(np.linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]])))
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return g[..., None, None] * cofactor(a)


def _determinant_sign(a: Array) -> Any:
    """Signs of determinants: 1, -1, or 0 for a singular matrix."""
    return np.linalg.slogdet(a).sign


determinant_sign = constant(
    _determinant_sign, name="determinant_sign", samples=[S(regular(2, 3, 3)), S((1, 1))]
)


@op(
    lambda a: np.linalg.slogdet(a).logabsdet,
    kink="singular matrices have the value -inf and no derivative: LinAlgError",
    samples=[S(regular(3, 3)), S(regular(2, 3, 3)), S((0, 0))],
)
def log_abs_det(g: Any, y: Any, a: Any) -> Any:
    """Logarithm of the absolute value of the determinants.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(log_abs_det)(np.diag([2.0, 4.0]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    if np.iscomplexobj(a):
        raise UnsupportedError("slogdet of complex matrices has no recorded derivative; use det")
    return g[..., None, None] * np.linalg.inv(a).mT


@composed(np.linalg.slogdet, samples=[S(regular(3, 3)), S(regular(2, 3, 3))])
def slogdet(a: Any) -> Any:
    """Signs of determinants, which are constants, and logarithms of their absolute values.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.linalg.slogdet(a).logabsdet)(np.diag([2.0, 4.0]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return SlogdetResult(determinant_sign(a), log_abs_det(a))
