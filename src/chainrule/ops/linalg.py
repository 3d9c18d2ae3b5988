"""Inverses, solutions of linear systems and powers of matrices.

Formulas without another source: M. Giles, "Collected matrix derivative results for forward and
reverse mode algorithmic differentiation" (2008), section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import UnsupportedError
from chainrule.graph import Sample as S
from chainrule.graph import composed, constant, op
from chainrule.ops.contractions import identity_like


def regular(*shape: int) -> Callable[[np.random.Generator], Any]:
    """Return a maker of random matrices that are far from losing rank."""

    def matrices(rng: np.random.Generator) -> Any:
        m, n = shape[-2:]
        scale = np.linspace(3.0, 2.0, min(m, n))
        return rng.uniform(-0.5, 0.5, shape) + np.eye(m, n) * (scale if m >= n else scale[:, None])

    return matrices


@op(
    np.linalg.inv,
    kink="singular matrices: LinAlgError",
    samples=[
        S(regular(3, 3)), S(regular(2, 3, 3)), S((0, 0)),
        S.raises(np.linalg.LinAlgError, (2, 3), match=r"inv of a \(2, 3\)"),
    ],
)  # fmt: skip
def inv(g: Any, y: Any, a: Any) -> Any:
    """Inverses of the matrices in the last two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(np.linalg.inv(a)))(np.diag([2.0, 4.0]))
    array([[-0.25  , -0.125 ],
           [-0.125 , -0.0625]])
    """
    return -(y.mT @ g @ y.mT)


@op(
    np.linalg.solve,
    kink="singular matrices: LinAlgError",
    samples=[
        S(regular(3, 3), (3,)), S(regular(3, 3), (3, 2)), S(regular(2, 3, 3), (3,)),
        S(regular(2, 3, 3), (4, 1, 3, 2)), S(regular(3, 3), (2, 3, 2)), S(regular(3, 3), (3, 0)),
        S.raises(ValueError, regular(3, 3), (4,), match=r"solve of a \(3, 3\), b \(4,\)"),
    ],
)  # fmt: skip
def solve(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Solve ``a @ x = b``; `b` is a vector if it has one axis, otherwise it holds matrices.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda b: np.sum(np.linalg.solve(np.diag([2.0, 4.0]), b)))(np.ones(2))
    array([0.5 , 0.25])
    """
    if b.ndim > 1:
        gb = np.linalg.solve(a.mT, g)
        return lambda: -(gb @ y.mT), gb
    gb = np.linalg.solve(a.mT, g[..., None])[..., 0]
    return lambda: -(gb[..., :, None] * y[..., None, :]), gb


@op(
    np.linalg.pinv,
    kink="where the rank changes the value jumps; the derivative is that at constant rank",
    samples=[
        S(regular(3, 3)), S(regular(4, 2)), S(regular(2, 4)), S(regular(2, 4, 3)),
        S(regular(3, 2), rcond=1e-10), S(regular(3, 2), rtol=1e-10),
    ],
)  # fmt: skip
def pinv(
    g: Any, y: Any, a: Any, *, rcond: Any = None, hermitian: bool = False, rtol: Any = np._NoValue
) -> Any:
    """Moore-Penrose inverses of the matrices in the last two axes.

    References
    ----------
    G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
    problems whose variables separate", SIAM J. Numer. Anal. 10 (1973), section 4.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.sum(np.linalg.pinv(a)))(np.array([[2.0], [0.0]]))
    array([[-0.25],
           [ 0.25]])
    """
    if hermitian or np.iscomplexobj(a):
        raise UnsupportedError(
            "pinv of complex matrices, or with hermitian=True, has no recorded derivative"
        )
    p, t = y.mT, g.mT
    left, right = t @ y @ p, p @ y @ t
    return left - a @ (y @ left) + right - (right @ y) @ a - p @ g @ p


def _least_squares(a: Any, b: Any, *, rcond: Any = None) -> Any:
    x, _, rank, _ = np.linalg.lstsq(a, b, rcond)
    if rank < min(a.shape):
        raise np.linalg.LinAlgError(
            f"the matrix has rank {rank}, and only solutions of full rank {min(a.shape)} have a "
            "derivative"
        )
    return x


@op(_least_squares, samples=[
    S(regular(4, 2), (4,)), S(regular(4, 2), (4, 3)), S(regular(2, 4), (2,)),
    S(regular(3, 3), (3,)),
])  # fmt: skip
def least_squares(g: Any, y: Any, a: Any, b: Any, *, rcond: Any = None) -> Any:
    """Solution of ``a @ x = b`` of least squares, the shortest if there are many.

    The derivative is that of the pseudo-inverse of `a` times `b`.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda b: np.sum(least_squares(np.ones((2, 1)), b)))(np.array([1.0, 2.0]))
    array([0.5, 0.5])
    """
    p = np.linalg.pinv(a)
    if b.ndim == 1:
        g, y, b = g[:, None], y[:, None], b[:, None]
        z = p.T @ g
        gb = z[:, 0]
    else:
        gb = z = p.T @ g
    misfit, hidden = b - a @ y, g - p @ (a @ g)
    return lambda: misfit @ (p @ z).T + (p.T @ y) @ hidden.T - z @ y.T, gb


@composed(
    np.linalg.lstsq,
    kink="rank-deficient matrices: LinAlgError",
    samples=[
        S(regular(4, 2), (4,)), S(regular(4, 2), (4, 3)), S(regular(2, 4), (2,)),
        S(regular(3, 3), (3,), rcond=1e-10),
        S.raises(np.linalg.LinAlgError, lambda rng: np.ones((3, 2)), (3,), match="rank 1"),
    ],
)  # fmt: skip
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Solution of least squares, sums of squared residuals, rank, and singular values of `a`.

    All but the rank are recorded. The matrix must have full rank.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> mean = lambda b: np.linalg.lstsq(np.ones((2, 1)), b)[0][0]
    >>> cr.grad(mean)(np.array([1.0, 2.0])).round(12)
    array([0.5, 0.5])
    """
    x = least_squares(a, b, rcond=rcond)
    m, n = np.shape(a)
    if m > n:
        residuals = np.sum((b - np.matmul(a, x)) ** 2, axis=0, keepdims=np.ndim(b) == 1)
    else:
        residuals = np.zeros(0, np.result_type(a, b))
    return x, residuals, np.intc(min(m, n)), np.linalg.svdvals(a)


@composed(np.linalg.matrix_power, samples=[
    S(regular(3, 3), 3), S((2, 2, 2), 5), S((2, 2), 1), S(regular(2, 2), -2), S((2, 2, 2), 0),
    S.raises(TypeError, (2, 2), 0.5, match="integer"),
])  # fmt: skip
def matrix_power(a: Any, n: int) -> Any:
    """``a @ a @ ... @ a``, `n` times, by repeated squaring; of the inverse if `n` is negative.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda a: np.trace(np.linalg.matrix_power(a, 2)))(np.eye(2))
    array([[2., 0.],
           [0., 2.]])
    """
    if not isinstance(n, (int, np.integer)):
        raise UnsupportedError(f"matrix_power takes an integer exponent, not {n!r}")
    if n == 0:
        return np.zeros_like(a) + identity_like(a)
    square, n = (np.linalg.inv(a), -n) if n < 0 else (a, n)
    result = None
    while n:
        if n % 2:
            result = square if result is None else np.matmul(result, square)
        n //= 2
        if n:
            square = np.matmul(square, square)
    return result


@composed(np.linalg.multi_dot, samples=[
    S([(2, 3), (3, 4)]), S([(2, 3), (3, 1), (1, 4), (4, 2)]), S([(3,), (3, 2), (2, 2), (2,)]),
    S([(3,), (3, 2), (2, 4)]),
    S.raises(ValueError, [(2, 3)], match="two"),
])  # fmt: skip
def multi_dot(arrays: Sequence[Any]) -> Any:
    """Product of several matrices, in the order of fewest multiplications.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> a, b = np.ones((2, 3)), np.ones((3, 1))
    >>> cr.grad(lambda x: np.sum(np.linalg.multi_dot([a, b, x])))(np.ones((1, 2)))
    array([[6., 6.]])
    """
    if len(arrays) < 2:
        raise ValueError("multi_dot takes two matrices at least")
    shapes = [np.shape(x) for x in arrays]
    first = 1 if len(shapes[0]) == 1 else shapes[0][0]
    last = 1 if len(shapes[-1]) == 1 else shapes[-1][-1]
    sizes = [first, *(shape[0] for shape in shapes[1:]), last]
    return _chain(arrays, _splits(sizes), 0, len(arrays) - 1)


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return where to split each run of matrices; the i-th has ``sizes[i : i + 2]`` as its shape.

    T. Cormen et al., "Introduction to Algorithms", matrix-chain multiplication.
    """
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    splits = {}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            cost[i, j], splits[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return splits


def _chain(arrays: Sequence[Any], splits: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return arrays[i]
    k = splits[i, j]
    return np.matmul(_chain(arrays, splits, i, k), _chain(arrays, splits, k + 1, j))


@composed(np.linalg.tensorsolve, samples=[
    S(lambda rng: regular(6, 6)(rng).reshape(2, 3, 6), (2, 3)),
    S(lambda rng: regular(6, 6)(rng).reshape(6, 3, 2), (6,)),
    S(lambda rng: np.moveaxis(regular(6, 6)(rng).reshape(2, 3, 6), 2, 0), (2, 3), axes=(0,)),
])  # fmt: skip
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Solve ``tensordot(a, x, x.ndim) = b``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> a = np.diag([1.0, 2.0, 4.0, 8.0]).reshape(2, 2, 2, 2)
    >>> cr.grad(lambda b: np.sum(np.linalg.tensorsolve(a, b)))(np.ones((2, 2)))
    array([[1.   , 0.5  ],
           [0.25 , 0.125]])
    """
    n = np.ndim(a)
    last = [axis % n for axis in axes or ()]
    a = np.transpose(a, [i for i in range(n) if i not in last] + last)
    shape = np.shape(a)[np.ndim(b) :]
    flat = np.reshape(a, (np.size(b), -1))
    return np.reshape(np.linalg.solve(flat, np.ravel(b)), shape)


@composed(np.linalg.tensorinv, samples=[
    S(lambda rng: regular(6, 6)(rng).reshape(2, 3, 6)),
    S(lambda rng: regular(6, 6)(rng).reshape(6, 3, 2), ind=1),
])  # fmt: skip
def tensorinv(a: Any, ind: int = 2) -> Any:
    """Inverse of ``x -> tensordot(a, x, ind)``.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> a = np.diag([1.0, 2.0]).reshape(2, 1, 2)
    >>> cr.grad(lambda a: np.sum(np.linalg.tensorinv(a)))(a)
    array([[[-1.  , -0.5 ]],
    <BLANKLINE>
           [[-0.5 , -0.25]]])
    """
    shape = np.shape(a)
    rows = int(np.prod(shape[:ind]))
    inverse = np.linalg.inv(np.reshape(a, (rows, -1)))
    return np.reshape(inverse, shape[ind:] + shape[:ind])


@composed(np.linalg.matrix_transpose, samples=[S((2, 3)), S((2, 3, 4))])
def linalg_transpose(x: Any) -> Any:
    """Transposes of the matrices in the last two axes.

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> cr.grad(lambda x: np.linalg.matrix_transpose(x)[0, 1])(np.zeros((2, 2)))
    array([[0., 0.],
           [1., 0.]])
    """
    return np.matrix_transpose(x)


matrix_rank = constant(np.linalg.matrix_rank, arrays=2, samples=[S((3, 2)), S((2, 3, 3))])
