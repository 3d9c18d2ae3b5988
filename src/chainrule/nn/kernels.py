"""Kernels: similarities of rows, as functions and as a layer with a unit for each stored row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import COUNT, POSITIVE, Constraint, Interval, OneOf, check
from chainrule.nn.arrays import matrix
from chainrule.nn.layers import Linear, batch_of, checked_dtype
from chainrule.nn.margin_losses import hinge
from chainrule.nn.module import Module


def linear_kernel(x: Any, z: Any) -> Any:
    """Inner products, ``x @ z.T``.

    Parameters
    ----------
    x : array of shape (..., d)
    z : array of shape (m, d)

    Returns
    -------
    array of shape (..., m)

    Examples
    --------
    >>> import numpy as np
    >>> linear_kernel(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 1.0]]))
    array([[11.,  2.]])
    """
    return x @ z.T


def polynomial_kernel(
    x: Any, z: Any, *, degree: int = 3, gamma: float | None = None, coef0: float = 1.0
) -> Any:
    """``(gamma * x . z + coef0) ** degree``: the inner product of all monomials up to a degree.

    Parameters
    ----------
    x, z
        See `linear_kernel`.
    degree : int >= 1
    gamma : float > 0, optional
        1/d if not given.
    coef0 : float
        The larger, the more the terms of low degree count.

    Examples
    --------
    >>> import numpy as np
    >>> polynomial_kernel(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), degree=2, gamma=1.0)
    array([[144.]])
    """
    return (_gamma(gamma, x) * (x @ z.T) + coef0) ** degree


def rbf_kernel(x: Any, z: Any, *, gamma: float | None = None) -> Any:
    """Radial basis functions, ``exp(-gamma * |x - z|**2)``.

    Parameters
    ----------
    x, z, gamma
        See `polynomial_kernel`.

    Examples
    --------
    >>> import numpy as np
    >>> rbf_kernel(np.array([[0.0], [1.0]]), np.array([[0.0]]), gamma=1.0).round(3)
    array([[1.   ],
           [0.368]])
    """
    return np.exp(-_gamma(gamma, x) * squared_distances(x, z))


def sigmoid_kernel(x: Any, z: Any, *, gamma: float | None = None, coef0: float = 1.0) -> Any:
    """``tanh(gamma * x . z + coef0)``: a hidden unit whose weights are a row.

    It is no inner product for some values of gamma and coef0, so that a machine with it may have
    more than one best solution.

    Parameters
    ----------
    x, z, gamma, coef0
        See `polynomial_kernel`.

    Examples
    --------
    >>> import numpy as np
    >>> sigmoid_kernel(np.array([[1.0]]), np.array([[2.0]]), coef0=-2.0)
    array([[0.]])
    """
    return np.tanh(_gamma(gamma, x) * (x @ z.T) + coef0)


def squared_distances(x: Any, z: Any) -> Any:
    """Return ``|x - z|**2`` of each row of x and each of z, shape (..., m).

    It is ``|x|**2 + |z|**2 - 2 x . z``, one product of matrices. Of rows that lie far from the
    origin compared with their distances few digits are left: centre the data first.

    Examples
    --------
    >>> import numpy as np
    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[25.]])
    """
    lengths = np.sum(x * x, axis=-1)[..., None] + np.sum(z * z, axis=-1)
    return lengths - 2.0 * (x @ z.T)


def _gamma(gamma: float | None, x: Any) -> float:
    return 1.0 / np.shape(x)[-1] if gamma is None else float(gamma)


KERNELS: dict[str, Callable[..., Any]] = {
    "linear": linear_kernel,
    "poly": polynomial_kernel,
    "rbf": rbf_kernel,
    "sigmoid": sigmoid_kernel,
}
ALLOWED: dict[str, Constraint] = {
    "degree": COUNT,
    "gamma": POSITIVE,
    "coef0": Interval(-np.inf, np.inf),
}


class Kernel(Module):
    """A unit for each stored row: its output is the kernel of the input and that row.

    A linear layer behind it makes a kernel machine, ``sum(weight[i] * k(x, rows[i])) + bias``:
    a support vector machine if it is trained with `svm_objective`. With ``"rbf"`` and rows of
    one's choice it is a layer of radial basis functions that are not trained; `RadialBasis` has
    those that are.

    Parameters
    ----------
    rows : array_like of shape (m, d)
        Most often the rows of the training data.
    kernel : str or callable
        A name in `KERNELS`, or any function ``(x, rows) -> array`` in plain NumPy.
    dtype : dtype_like
    **options
        Passed to the kernel, such as ``gamma=0.5``.

    Attributes
    ----------
    rows : array of shape (m, d)
        A buffer: stored with the network, not trained.

    Raises
    ------
    ArgumentError, ShapeError
        Naming the argument that cannot be.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Kernel([[0.0, 0.0], [1.0, 1.0]], "rbf", gamma=0.5)
    >>> layer(np.array([[0.0, 0.0]])).round(3)
    array([[1.   , 0.368]], dtype=float32)
    """

    buffers: ClassVar[tuple[str, ...]] = ("rows",)

    def __init__(
        self,
        rows: Any,
        kernel: str | Callable[..., Any] = "rbf",
        *,
        dtype: Any = np.float32,
        **options: Any,
    ) -> None:
        if not callable(kernel):
            check("Kernel", {"kernel": OneOf(tuple(KERNELS))}, {"kernel": kernel})
            check("Kernel", ALLOWED, options)
        self.rows: Any = matrix("Kernel", "rows", rows, checked_dtype("Kernel", dtype))
        self.kernel, self.options = kernel, options

    def forward(self, x: Any) -> Any:
        """Map (..., d) to (..., m)."""
        x = batch_of(self, x, self.rows.shape[1], self.rows.dtype)
        kernel = KERNELS[self.kernel] if isinstance(self.kernel, str) else self.kernel
        return kernel(x, self.rows, **self.options)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, of the rows their shape alone."""
        if not isinstance(self.kernel, str):
            return super().arguments()
        return {
            "shape": list(self.rows.shape),
            "kernel": self.kernel,
            "dtype": self.rows.dtype.name,
            **self.options,
        }


def rkhs_norm(kernel: Kernel, weight: Any) -> Any:
    """Squared norm of a kernel machine in the space of its kernel: ``weight @ K @ weight.T``.

    K holds the kernels of the stored rows with each other. The norm measures how much the function
    bends: it is the regulariser of kernel machines (Schoelkopf and Smola, "Learning with kernels",
    2002, section 4.2).

    Parameters
    ----------
    kernel : Kernel
    weight : array of shape (outputs, m)

    Returns
    -------
    number
        The sum over outputs.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Kernel([[1.0], [2.0]], "linear", dtype=np.float64)
    >>> rkhs_norm(layer, np.array([[1.0, 1.0]]))  # the function 3 x
    np.float64(9.0)
    """
    return np.sum((weight @ kernel(kernel.rows)) * weight)


def svm_objective(
    kernel: Kernel, linear: Linear, x: Any, y: Any, *, C: float = 1.0, sample_weight: Any = None
) -> Any:
    """What a support vector machine minimises: ``rkhs_norm / 2 + C * sum of hinge losses``.

    With the kernel ``"linear"`` the norm is that of the weights of the inputs: the linear machine.

    Parameters
    ----------
    kernel, linear : Kernel, Linear
        The two layers of the machine.
    x : array of shape (n, d)
    y : array of shape (n, outputs)
        -1 or 1.
    C : float > 0
    sample_weight : array of shape (n,), optional

    Examples
    --------
    >>> import numpy as np, chainrule as cr
    >>> from chainrule import nn
    >>> x, y = np.array([[-1.0], [1.0]]), np.array([[-1.0], [1.0]])
    >>> machine = nn.Sequential(Kernel(x, "linear"), nn.Linear(2, 1, rng=None))
    >>> gradient = cr.grad(lambda m: svm_objective(*m.layers, x, y))(machine)
    >>> nn.named_parameters(gradient)["1.weight"]
    array([[ 2., -2.]], dtype=float32)
    """
    check("svm_objective", {"C": POSITIVE}, {"C": C})
    costs = hinge(linear(kernel(x)), y, sample_weight=sample_weight, reduction="sum")
    return 0.5 * rkhs_norm(kernel, linear.weight) + C * costs
