"""`BasisFunctions`: polynomials, radial basis functions or Fourier series of the features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.borrowed import borrow
from chainrule.constraints import COUNT, POSITIVE, Constraint, OneOf
from chainrule.errors import ArgumentError
from chainrule.estimator import stored
from chainrule.estimators.dense_rows import DenseRows
from chainrule.estimators.kinds import Transformer, in_container
from chainrule.estimators.validation import random_of
from chainrule.graph import Array
from chainrule.training import predict as network_outputs


class BasisFunctions(Transformer, DenseRows):
    """Basis functions of the features: before a linear model, it fits what is no plane.

    Parameters
    ----------
    kind : {"polynomial", "rbf", "fourier"}
        Monomials (`chainrule.nn.Polynomial`); bumps ``exp(-gamma * |x - centre|**2)``
        (`chainrule.nn.Kernel`), whose widths and centres a network trains if one builds it with
        `chainrule.nn.RadialBasis`; or cosines and sines of each feature (`chainrule.nn.Fourier`).
    degree : int >= 1
        Of ``"polynomial"``.
    terms : {"all", "interactions", "powers"}
        Of ``"polynomial"``: all products; those of different features; or those of one.
    include_bias : bool
        Whether a column of ones comes first.
    n_centres : int >= 1
        Of ``"rbf"``: training rows that are drawn to be centres, all if there are fewer.
    centres : array_like, shape (n_centres, d), optional
        Of ``"rbf"``: the centres themselves.
    gamma : float > 0, optional
        Of ``"rbf"``; 1/d if not given.
    n_harmonics : int >= 1
        Of ``"fourier"``.
    period : float > 0
        Of ``"fourier"``.
    random_state : int, RandomState or None
        Of the choice of centres.

    Attributes
    ----------
    network_ : Module
        The layer that transforms.

    Examples
    --------
    >>> basis = BasisFunctions(degree=2).fit([[2.0, 3.0]])
    >>> basis.transform([[2.0, 3.0]])
    array([[2., 3., 4., 6., 9.]])
    >>> basis.get_feature_names_out().tolist()
    ['x0', 'x1', 'x0^2', 'x0 x1', 'x1^2']
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {
        "kind": OneOf(("polynomial", "rbf", "fourier")),
        "degree": COUNT,
        "terms": OneOf(("all", "interactions", "powers")),
        "include_bias": OneOf((True, False)),
        "n_centres": COUNT,
        "n_harmonics": COUNT,
        "period": POSITIVE,
    }

    def __init__(
        self,
        kind: str = "polynomial",
        *,
        degree: int = 2,
        terms: str = "all",
        include_bias: bool = False,
        n_centres: int = 10,
        centres: Any = None,
        gamma: float | None = None,
        n_harmonics: int = 3,
        period: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.__dict__.update(stored(locals()))

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the number of features, and the centres of radial basis functions.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : ignored
        """
        self._check_arguments()
        if self.gamma is not None and self.gamma not in POSITIVE:
            raise ArgumentError(
                f"BasisFunctions: gamma must be {POSITIVE} or None, not {self.gamma!r}"
            )
        X = self._rows(X, reset=True)
        self.network_: Any = self._layer(X)
        return self

    def _layer(self, X: Array) -> nn.Module:
        if self.kind == "polynomial":
            return nn.Polynomial(X.shape[1], self.degree, terms=self.terms)
        if self.kind == "rbf":
            options = {} if self.gamma is None else {"gamma": float(self.gamma)}
            return nn.Kernel(self._centres(X), "rbf", dtype=X.dtype, **options)
        frequencies = nn.harmonics(X.shape[1], self.n_harmonics, period=self.period)
        return nn.Fourier(frequencies, dtype=X.dtype)

    def _centres(self, X: Array) -> Any:
        if self.centres is None:
            rng, n = random_of(self.random_state), min(self.n_centres, len(X))
            return X[np.sort(rng.choice(len(X), n, replace=False))]
        if np.ndim(self.centres) != 2 or np.shape(self.centres)[1] != X.shape[1]:
            raise ArgumentError(
                f"BasisFunctions: centres have shape {np.shape(self.centres)}, and X has "
                f"{X.shape[1]} features"
            )
        return self.centres

    @in_container
    def transform(self, X: Any) -> Any:
        """Return the basis functions of each row, shape (n, functions).

        Parameters
        ----------
        X : array_like, shape (n, d)
        """
        self._check_fitted()
        X = self._rows(X)
        made = network_outputs(self.network_, X)
        return np.hstack([np.ones((len(X), 1), made.dtype), made]) if self.include_bias else made

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the name of each column of the result.

        Parameters
        ----------
        input_features : array_like of str, optional
            Names of the features, where they were not learned from a data frame.
        """
        self._check_fitted()
        check = borrow("sklearn.utils.validation", "_check_feature_names_in")
        features = check(self, input_features)
        if self.kind == "polynomial":
            names = [_product(monomial, features) for monomial in self.network_.monomials]
        elif self.kind == "rbf":
            names = [f"rbf{i}" for i in range(len(self.network_.rows))]
        else:
            turns = [f"{k} {name}" for name in features for k in range(1, self.n_harmonics + 1)]
            names = [f"{wave}({turn})" for wave in ("cos", "sin") for turn in turns]
        return np.array(["1"] * self.include_bias + names, dtype=object)


def _product(monomial: tuple[int, ...], features: Any) -> str:
    powers = Counter(monomial)
    return " ".join(f"{features[i]}^{n}" if n > 1 else features[i] for i, n in powers.items())
