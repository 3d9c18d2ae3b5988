"""`LinearRegression`: least squares as a network of one linear layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from chainrule import nn
from chainrule.constraints import COUNT, POSITIVE, Constraint, OneOf
from chainrule.estimator import stored
from chainrule.estimators.coordinates import Coordinates
from chainrule.estimators.dense_rows import DenseRows
from chainrule.estimators.descent import descended
from chainrule.estimators.explained import Explained
from chainrule.estimators.kinds import Regressor
from chainrule.estimators.validation import checked_weights
from chainrule.graph import Array


class LinearRegression(Regressor, Explained, DenseRows):
    """Linear regression: a layer of one linear unit a target, fitted by least squares.

    Parameters
    ----------
    fit_intercept : bool
    solver : {"lstsq", "lbfgs"}
        ``"lstsq"`` solves the equations by singular values and, of several solutions, takes the
        one with the smallest weights; ``"lbfgs"`` descends the gradient of the squared error from
        zero weights, as a network is trained, and comes to the same place if there is but one.
    tol : float > 0
        ``"lbfgs"`` ends when no element of the gradient, by standardised features, is larger.
    max_iter : int >= 1
        Of ``"lbfgs"``.

    Attributes
    ----------
    coef_ : array, shape (d,) or (targets, d)
    intercept_ : float or array, shape (targets,)
    n_iter_ : int
        Iterations of ``"lbfgs"``, 1 of ``"lstsq"``.
    network_ : nn.Linear

    Examples
    --------
    >>> model = LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> model.coef_.round(6), round(float(model.intercept_), 6)
    (array([2.]), 1.0)
    """

    allowed: ClassVar[Mapping[str, Constraint]] = {
        "fit_intercept": OneOf((True, False)),
        "solver": OneOf(("lstsq", "lbfgs")),
        "tol": POSITIVE,
        "max_iter": COUNT,
    }

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        solver: str = "lstsq",
        tol: float = 1e-6,
        max_iter: int = 1000,
    ) -> None:
        self.__dict__.update(stored(locals()))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the weights.

        Parameters
        ----------
        X : array_like, shape (n, d)
        y : array_like, shape (n,) or (n, targets)
        sample_weight : array_like, shape (n,), optional
            How much each row's squared error counts.
        """
        self._check_arguments()
        X, y = self._rows_and_targets(X, y, numeric=True, several=True)
        weight = checked_weights(X, sample_weight)
        targets = np.asarray(y, np.float64).reshape(len(y), -1)
        fit = self._least_squares if self.solver == "lstsq" else self._descended
        self.network_ = fit(X, targets, weight)
        coef, bias = self.network_.weight, self.network_.bias
        self._several = y.ndim > 1
        self.coef_ = coef if self._several else coef[0]
        self.intercept_ = 0.0 if bias is None else bias if self._several else bias[0]
        return self

    def _least_squares(self, X: Array, y: Array, weight: Array | None) -> nn.Linear:
        at = Coordinates.of(X, weight, centre=self.fit_intercept, scale=False)
        mean = np.average(y, axis=0, weights=weight) if self.fit_intercept else None
        root = 1.0 if weight is None else np.sqrt(weight.astype(np.float64))[:, None]
        centred = y if mean is None else y - mean
        found = np.linalg.lstsq(at.rows * root, centred * root, rcond=None)[0]
        self.n_iter_ = 1
        return at.network(found.T, mean, X.dtype)

    def _descended(self, X: Array, y: Array, weight: Array | None) -> nn.Linear:
        at = Coordinates.of(X, weight, centre=self.fit_intercept, scale=True)
        widths = X.shape[1], y.shape[1]
        start = nn.Linear(*widths, None, bias=self.fit_intercept, dtype=np.float64)

        def objective(layer: nn.Linear) -> Any:
            return 0.5 * nn.mse(layer(at.rows), y, sample_weight=weight)

        found, self.n_iter_ = descended(self, objective, start, self.tol, self.max_iter)
        return at.network(found.weight, found.bias, X.dtype)

    def predict(self, X: Any) -> Any:
        """Return a number, or a row of them, for each row."""
        self._check_fitted()
        outputs = self.network_(self._rows(X))
        return outputs if self._several else outputs[:, 0]

    @property
    def _loss(self) -> Any:
        return nn.mse

    def _examined(self, X: Any, y: Any) -> tuple[Array, Array]:
        rows = self._rows(X)
        return rows, np.asarray(y, rows.dtype).reshape(len(rows), -1)
