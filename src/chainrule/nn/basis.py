"""Basis functions as layers: what a linear layer behind them can fit is no longer a plane."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement, pairwise
from typing import Any, ClassVar

import numpy as np

from chainrule.constraints import COUNT, POSITIVE, Constraint, OneOf, check
from chainrule.errors import ArgumentError
from chainrule.nn.arrays import as_array, matrix
from chainrule.nn.kernels import squared_distances
from chainrule.nn.layers import batch_of, checked_dtype
from chainrule.nn.module import Module

_POLYNOMIAL: dict[str, Constraint] = {
    "in_features": COUNT,
    "degree": COUNT,
    "terms": OneOf(("all", "interactions", "powers")),
}


class Polynomial(Module):
    """Monomials of the features, from degree 1 up to a degree; the constant is the bias's part.

    Each degree is made from the one below: a monomial is one of a degree less, times a feature.

    Parameters
    ----------
    in_features : int >= 1
    degree : int >= 1
    terms : {"all", "interactions", "powers"}
        All products; those of different features alone, with the features themselves; or those of
        one feature alone.

    Attributes
    ----------
    monomials : tuple of tuple of int
        For each output the features whose product it is, in order of degree: (0, 0, 1) is
        ``x0**2 * x1``.

    Raises
    ------
    ArgumentError
        Naming the argument, or if there are more than a million monomials.

    Examples
    --------
    >>> import numpy as np
    >>> Polynomial(2, 2)(np.array([[2.0, 3.0]]))
    array([[2., 3., 4., 6., 9.]])
    >>> Polynomial(2, 3, terms="powers")(np.array([[2.0, 3.0]]))
    array([[ 2.,  3.,  4.,  9.,  8., 27.]])
    """

    def __init__(self, in_features: int, degree: int = 2, *, terms: str = "all") -> None:
        given = {"in_features": in_features, "degree": degree, "terms": terms}
        check("Polynomial", _POLYNOMIAL, given)
        self.in_features, self.degree, self.terms = int(in_features), int(degree), terms
        blocks = [_monomials(self.in_features, d, terms) for d in range(1, self.degree + 1)]
        self.monomials = tuple(monomial for block in blocks for monomial in block)
        self.steps = [_step(low, high) for low, high in pairwise(blocks)]

    def forward(self, x: Any) -> Any:
        """Map (..., in_features) to (..., number of monomials)."""
        x = batch_of(self, x, self.in_features, np.result_type(as_array(x), np.float16))
        blocks = [x]
        for below, feature in self.steps:
            blocks.append(blocks[-1][..., below] * x[..., feature])
        return np.concatenate(blocks, axis=-1)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"in_features": self.in_features, "degree": self.degree, "terms": self.terms}


Monomial = tuple[int, ...]


def _monomials(n_features: int, degree: int, terms: str) -> list[Monomial]:
    features = range(n_features)
    if terms == "powers":
        return [(i,) * degree for i in features]
    choose = combinations_with_replacement if terms == "all" else combinations
    found = []
    for monomial in choose(features, degree):
        found.append(monomial)
        if len(found) > 1_000_000:
            raise ArgumentError(
                f"Polynomial: there are more than a million monomials of degree {degree} of "
                f"{n_features} features: lower the degree, or terms='powers'"
            )
    return found


def _step(low: list[Monomial], high: list[Monomial]) -> tuple[Any, Any]:
    """Return for each monomial the place of the one below, and the feature that is multiplied."""
    places = {monomial: i for i, monomial in enumerate(low)}
    below = np.array([places[monomial[:-1]] for monomial in high], np.intp)
    return below, np.array([monomial[-1] for monomial in high], np.intp)


class RadialBasis(Module):
    """Radial basis functions whose centres and widths are trained.

    ``exp(-gamma[j] * |x - centres[j]|**2)``: of the features alone, without a bias. Those with
    fixed centres are `Kernel` with ``"rbf"``.

    Moody and Darken, "Fast learning in networks of locally-tuned processing units" (Neural
    Computation, 1989).

    Parameters
    ----------
    centres : array_like of shape (k, d)
        Where training starts, such as some of the training rows.
    gamma : float > 0
        Where training starts.
    dtype : dtype_like

    Attributes
    ----------
    centres : array of shape (k, d)
    log_gamma : array of shape (k,)
        The logarithms are trained, so that gamma stays positive.

    Examples
    --------
    >>> import numpy as np
    >>> RadialBasis([[0.0], [2.0]], gamma=1.0)(np.array([[1.0], [2.0]])).round(3)
    array([[0.368, 0.368],
           [0.018, 1.   ]], dtype=float32)
    """

    def __init__(self, centres: Any, gamma: float = 1.0, *, dtype: Any = np.float32) -> None:
        check("RadialBasis", {"gamma": POSITIVE}, {"gamma": gamma})
        dtype = checked_dtype("RadialBasis", dtype)
        self.centres: Any = matrix("RadialBasis", "centres", centres, dtype)
        self.log_gamma: Any = np.full(len(self.centres), np.log(float(gamma)), dtype)

    def forward(self, x: Any) -> Any:
        """Map (..., d) to (..., k)."""
        x = batch_of(self, x, self.centres.shape[1], self.centres.dtype)
        return np.exp(-np.exp(self.log_gamma) * squared_distances(x, self.centres))

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, of the centres their shape alone."""
        return {"shape": list(self.centres.shape), "dtype": self.centres.dtype.name}


class Fourier(Module):
    """Cosines and sines of the features: ``cos(x @ frequencies.T)`` and then ``sin``.

    With normal frequencies of variance ``2 * gamma`` the inner products of the outputs, divided by
    their number k, estimate the kernel ``exp(-gamma * |x - z|**2)`` (Rahimi and Recht, "Random
    features for large-scale kernel machines", NIPS 2007).

    Parameters
    ----------
    frequencies : array_like of shape (k, d)
        Angular: ``2 * pi / period``. `harmonics` makes those of a Fourier series.
    dtype : dtype_like

    Attributes
    ----------
    frequencies : array of shape (k, d)
        A buffer: stored with the network, not trained.

    Examples
    --------
    >>> import numpy as np
    >>> Fourier(harmonics(1, 2, period=4.0))(np.array([[1.0]])).round(3) + 0.0
    array([[ 0., -1.,  1.,  0.]], dtype=float32)
    """

    buffers: ClassVar[tuple[str, ...]] = ("frequencies",)

    def __init__(self, frequencies: Any, *, dtype: Any = np.float32) -> None:
        dtype = checked_dtype("Fourier", dtype)
        self.frequencies: Any = matrix("Fourier", "frequencies", frequencies, dtype)

    def forward(self, x: Any) -> Any:
        """Map (..., d) to (..., 2 * k)."""
        x = batch_of(self, x, self.frequencies.shape[1], self.frequencies.dtype)
        angles = x @ self.frequencies.T
        return np.concatenate([np.cos(angles), np.sin(angles)], axis=-1)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments, of the frequencies their shape alone."""
        return {"shape": list(self.frequencies.shape), "dtype": self.frequencies.dtype.name}


def harmonics(in_features: int, n_harmonics: int, *, period: float = 1.0) -> Any:
    """Return the angular frequencies of a Fourier series in each feature.

    Parameters
    ----------
    in_features, n_harmonics : int >= 1
    period : float > 0
        Of the first harmonic.

    Returns
    -------
    array of shape (in_features * n_harmonics, in_features)

    Examples
    --------
    >>> (harmonics(2, 2) / np.pi).tolist()
    [[2.0, 0.0], [4.0, 0.0], [0.0, 2.0], [0.0, 4.0]]
    """
    given = {"in_features": in_features, "n_harmonics": n_harmonics, "period": period}
    check("harmonics", {"in_features": COUNT, "n_harmonics": COUNT, "period": POSITIVE}, given)
    multiples = np.arange(1.0, n_harmonics + 1)[:, None]
    return np.kron(np.eye(in_features), 2.0 * np.pi / period * multiples)
