"""Decompositions of matrices: Cholesky, eigenvalues, singular values, QR.

NumPy reads one triangle only of a symmetric matrix, and so the gradient has numbers in that
triangle only: it is that of what NumPy computes, and finite differences confirm it.
``(g + g.mT) / 2`` is the gradient that spreads them over both triangles, as in PyTorch and JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Array, composed, op
from chainrule.graph import Sample as S


def positive(*shape: int) -> Callable[[np.random.Generator], Any]:
    """Return a maker of symmetric matrices with eigenvalues near 1, 2, 3, ..."""

    def matrices(rng: np.random.Generator) -> Any:
        a = rng.uniform(-0.2, 0.2, shape)
        return a + a.mT + np.diag(np.arange(1.0, shape[-1] + 1.0))

    return matrices


def apart(*shape: int) -> Callable[[np.random.Generator], Any]:
    """Return a maker of matrices with singular values near 1, 2, 3, ..."""

    def matrices(rng: np.random.Generator) -> Any:
        steps = np.arange(1.0, max(shape[-2:]) + 1.0)
        return rng.uniform(-0.2, 0.2, shape) + np.diag(steps)[: shape[-2], : shape[-1]]

    return matrices


def _refuse_complex(a: Any, name: str) -> None:
    if np.iscomplexobj(a):
        raise UnsupportedError(f"{name} of complex matrices has no recorded derivative")


def _square(a: Any) -> bool:
    return len(set(np.shape(a)[-2:])) == 1


def _lower_half(a: Any) -> Any:
    """Return the lower triangle with half the diagonal."""
    return (np.tril(a) + np.tril(a, -1)) / 2.0


def _read_triangle(s: Any, lower: bool) -> Any:
    """Return the gradient of a symmetric matrix of which one triangle only is read."""
    both = s + s.mT
    half = _lower_half(both)
    return half if lower else half.mT


@op(
    np.linalg.cholesky,
    kink="matrices that are not positive definite: LinAlgError",
    samples=[
        S(positive(3, 3)), S(positive(2, 3, 3)), S(positive(3, 3), upper=True), S((0, 0)),
        S.raises(np.linalg.LinAlgError, (2, 3), match=r"cholesky of a \(2, 3\)"),
        S.raises(np.linalg.LinAlgError, lambda rng: -np.eye(2), match="positive definite"),
    ],
)  # fmt: skip
def cholesky(g: Any, y: Any, a: Any, *, upper: bool = False) -> Any:
    """Triangular factor ``l`` of positive definite matrices, ``a = l @ l.mT``.

    References
    ----------
    I. Murray, "Differentiation of the Cholesky decomposition" (2016), arXiv:1602.07527, equation 9.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(np.linalg.cholesky(a)))(np.diag([1.0, 4.0]))
    array([[0.5 , 0.  ],
           [1.  , 0.25]])
    """
    _refuse_complex(a, "cholesky")
    factor, g = (y.mT, g.mT) if upper else (y, g)
    inner = _lower_half(factor.mT @ g)
    half_solved = np.linalg.solve(factor.mT, inner)
    s = np.linalg.solve(factor.mT, half_solved.mT).mT
    return _read_triangle(s, lower=not upper)


def _reciprocal_gaps(squares: Any) -> Any:
    """Return ``1 / (x[j] - x[i])``, and zero where that is not finite."""
    gaps = squares[..., None, :] - squares[..., :, None]
    equal = np.equal(gaps, 0.0)
    return np.where(equal, 0.0, 1.0 / np.where(equal, 1.0, gaps))


@op(
    np.linalg.eigh,
    outputs=2,
    kink="equal eigenvalues: their eigenvectors are not unique and have no derivative; the part "
    "that turns them among themselves counts as zero, which is right for all that does not "
    "depend on the choice",
    samples=[
        S(positive(3, 3)), S(positive(2, 3, 3)), S(positive(3, 3), UPLO="U"), S((0, 0)),
        S.raises(np.linalg.LinAlgError, (2, 3), match=r"eigh of a \(2, 3\)"),
    ],
)  # fmt: skip
def eigh(g: Any, y: Any, a: Any, *, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors, as columns, of symmetric matrices.

    References
    ----------
    M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation" (2008), section 3.1.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.linalg.eigh(a).eigenvalues[0])(np.diag([1.0, 4.0]))
    array([[1., 0.],
           [0., 0.]])
    """
    _refuse_complex(a, "eigh")
    (gw, gv), (w, v) = g, y
    turned = v @ (_reciprocal_gaps(w) * (v.mT @ gv))
    return _read_triangle((turned + v * gw[..., None, :]) @ v.mT, lower=UPLO in "Ll")


@composed(np.linalg.eigvalsh, samples=[
    S(positive(3, 3)), S(positive(2, 3, 3)), S(positive(3, 3), UPLO="U"),
])  # fmt: skip
def eigvalsh(a: Any, UPLO: Literal["L", "U"] = "L") -> Any:
    """Eigenvalues of symmetric matrices, ascending.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.linalg.eigvalsh(a)[-1])(np.diag([1.0, 4.0]))
    array([[0., 0.],
           [0., 1.]])
    """
    return np.linalg.eigh(a, UPLO)[0]


def _reduced_svd(a: Array) -> Any:
    return np.linalg.svd(a, full_matrices=False)


@op(
    _reduced_svd,
    outputs=3,
    kink="equal singular values: as with eigh, the part that turns their vectors among themselves "
    "counts as zero; singular values of zero: so does what would be infinite",
    samples=[S(apart(3, 3)), S(apart(4, 2)), S(apart(2, 4)), S(apart(2, 3, 2)), S((2, 0))],
)
def reduced_svd(g: Any, y: Any, a: Any) -> Any:
    """Singular value decomposition ``a = (u * s) @ vh`` with as many columns as values.

    References
    ----------
    M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
    differentiation" (2008), section 3.2, for the values;
    J. Townsend, "Differentiating the singular value decomposition" (2016), for the vectors.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(reduced_svd(a)[1]))(np.diag([1.0, 4.0]))
    array([[1., 0.],
           [0., 1.]])
    """
    _refuse_complex(a, "svd")
    (gu, gs, gvh), (u, s, vh) = g, y
    v, gv = vh.mT, gvh.mT
    zero = np.equal(s, 0.0)
    inverse = np.where(zero, 0.0, 1.0 / np.where(zero, 1.0, s))[..., None, :]
    gaps, row = _reciprocal_gaps(s * s), s[..., None, :]
    turn_u, turn_v = u.mT @ gu, v.mT @ gv
    left = (gaps * (turn_u - turn_u.mT)) * row
    right = s[..., :, None] * (gaps * (turn_v - turn_v.mT))
    inside = u @ (left + right) + u * gs[..., None, :] + _outside(u, gu) * inverse
    return inside @ vh + (u * inverse) @ _outside(v, gv).mT


def _outside(basis: Any, g: Any) -> Any:
    """Return the part of `g` that is orthogonal to the columns of a basis.

    Of a square basis this is zero, and small singular values would magnify its rounding error: so
    it is projected twice.
    """
    g = g - basis @ (basis.mT @ g)
    return g - basis @ (basis.mT @ g)


@composed(np.linalg.svd, samples=[
    S(apart(3, 3)), S(apart(2, 3, 3)), S(apart(4, 2), full_matrices=False),
    S(apart(2, 4), compute_uv=False),
    S.raises(TypeError, (3, 2), match="full_matrices=False"),
    S.raises(np.linalg.LinAlgError, (3,), match=r"reduced_svd of a \(3,\)"),
])  # fmt: skip
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Singular value decomposition, or the singular values alone.

    The full matrices of a matrix that is not square have columns that are not unique.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.linalg.svd(a).S[0])(np.diag([1.0, 4.0]))
    array([[0., 0.],
           [0., 1.]])
    """
    if hermitian:
        raise UnsupportedError("svd(..., hermitian=True) is not supported on a Tensor; use eigh")
    if not compute_uv:
        return reduced_svd(a)[1]
    if full_matrices and not _square(a):
        raise UnsupportedError(
            f"svd of a {np.shape(a)}: the full matrices have no derivative; "
            "use svd(..., full_matrices=False)"
        )
    return reduced_svd(a)


@composed(np.linalg.svdvals, samples=[S(apart(3, 3)), S(apart(2, 4, 3))])
def svdvals(x: Any) -> Any:
    """Singular values, descending.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.linalg.svdvals(x)[0])(np.array([[3.0], [4.0]]))
    array([[0.6],
           [0.8]])
    """
    return reduced_svd(x)[1]


def _reduced_qr(a: Array) -> Any:
    if a.ndim > 1 and a.shape[-2] < a.shape[-1]:
        raise UnsupportedError(
            f"qr of a {a.shape}, which has more columns than rows, is not supported on a Tensor; "
            "decompose the first columns: q, r = qr(a[:, :m]), and the others are q.T @ a[:, m:]"
        )
    return np.linalg.qr(a)


@op(
    _reduced_qr,
    outputs=2,
    kink="matrices without full column rank: LinAlgError",
    samples=[
        S(apart(3, 3)), S(apart(4, 2)), S(apart(2, 4, 3)),
        S.raises(TypeError, (2, 3), match="more columns than rows"),
    ],
)  # fmt: skip
def reduced_qr(g: Any, y: Any, a: Any) -> Any:
    """QR decomposition with as many columns of ``q`` as of ``a``.

    References
    ----------
    S. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra functions with
    application in optimum experimental design" (2010), arXiv:1001.1654.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.abs(reduced_qr(a)[1][0, 0]))(np.array([[3.0], [4.0]]))
    array([[0.6],
           [0.8]])
    """
    _refuse_complex(a, "qr")
    (gq, gr), (q, r) = g, y
    m = r @ gr.mT - gq.mT @ q
    symmetric = np.tril(m) + np.tril(m, -1).mT
    return np.linalg.solve(r, (gq + q @ symmetric).mT).mT


@composed(np.linalg.qr, samples=[
    S(apart(3, 3)), S(apart(4, 2)), S(apart(3, 3), mode="complete"), S(apart(4, 2), mode="r"),
    S.raises(TypeError, (3, 2), mode="complete", match="reduced"),
    S.raises(np.linalg.LinAlgError, (3,), match=r"reduced_qr of a \(3,\)"),
])  # fmt: skip
def qr(a: Any, mode: str = "reduced") -> Any:
    """QR decomposition, of matrices with full column rank.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.abs(np.linalg.qr(a).R[0, 0]))(np.array([[3.0], [4.0]]))
    array([[0.6],
           [0.8]])
    """
    if mode == "r":
        return reduced_qr(a)[1]
    if mode == "reduced" or (mode == "complete" and _square(a)):
        return reduced_qr(a)
    raise UnsupportedError(f"qr(..., mode={mode!r}) has no derivative; use mode='reduced'")
